"""Which way gravity points for a body: from its mounting, its orientation, or its gyroscope and accelerometer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from transforms3d.axangles import axangle2mat
from transforms3d.quaternions import quat2mat

from dap_core import panorama
from dap_core.errors import InputError

STANDARD_GRAVITY = 9.80665

Vector = Sequence[float] | NDArray[np.floating]


def up_from_mounting(roll: float, pitch: float) -> NDArray[np.float64]:
    """Up (3,) in the frame of a camera with this roll and pitch, degrees, in the levelled frame (REP 103 signs)."""
    return panorama.yaw_pitch_roll(pitch=math.radians(pitch), roll=math.radians(roll))[2]


def up_from_orientation(quaternion: Vector) -> NDArray[np.float64]:
    """Up (3,) in the frame of a body whose orientation in a frame with z up is `quaternion` (x, y, z, w).

    That is what sensor_msgs/Imu holds, and the rotation that tf2 gives for `lookup_transform(fixed_frame, body)`.
    Raises InputError unless it is a unit quaternion, to 10 %: zeros stand for "no orientation" in some drivers.
    """
    q = np.asarray(quaternion, np.float64)
    if q.shape != (4,) or not abs(float(np.linalg.norm(q)) - 1.0) <= 0.1:
        raise InputError(f"an orientation is a unit quaternion (x, y, z, w), got {quaternion}")
    return quat2mat(q[[3, 0, 1, 2]])[2]


class GravityFilter:
    """Up from a gyroscope and an accelerometer, for an IMU that gives no orientation (a complementary filter).

    The gyroscope turns the estimate along and the accelerometer pulls it with `time_constant` (seconds), the less the
    further its norm is from gravity's; in its first seconds the estimate is the mean. A sustained horizontal
    acceleration a pulls it towards atan(a / g), a gyroscope's bias b holds it off by b * time_constant.

    up       (3,) unit vector in the IMU's frame; None until an accelerometer at rest has been seen
    ignored  how many samples were left out for not being numbers
    """

    #: After a pause longer than this (seconds), or a stamp from the past, the estimate starts anew.
    MAX_GAP = 0.5
    #: The accelerometer counts for nothing where its norm differs from gravity's by this share or more.
    BAND = 0.5

    def __init__(self, time_constant: float) -> None:
        if not time_constant > 0.0:
            raise InputError(f"the gravity filter's time constant is a positive number of seconds, got {time_constant}")
        self.time_constant = time_constant
        self.ignored = 0
        self._stamp = -math.inf
        self._restart()

    def _restart(self) -> None:
        self.up: NDArray[np.float64] | None = None
        self._gravity, self._rate, self._seen = np.zeros(3), np.zeros(3), 0.0

    def update(
        self, stamp_s: float, angular_velocity: Vector, linear_acceleration: Vector
    ) -> NDArray[np.float64] | None:
        """Take one sample and return `up`.

        `stamp_s` seconds; `angular_velocity` (3,) rad/s; `linear_acceleration` (3,) m/s^2, at rest +9.81 along up; both
        in the IMU's frame. A stamp from the past, or a gap of more than `MAX_GAP`, starts anew.
        """
        rate, acceleration = np.asarray(angular_velocity, np.float64), np.asarray(linear_acceleration, np.float64)
        norm = float(np.linalg.norm(acceleration))
        if not (math.isfinite(stamp_s) and math.isfinite(norm) and np.isfinite(rate).all()):
            self.ignored += 1
            return self.up
        step = stamp_s - self._stamp
        if step == 0.0:
            return self.up
        if not 0.0 < step <= self.MAX_GAP:
            self._restart()
            step = 0.0
        if self.up is not None:
            self._gravity = _turned(self._gravity, -0.5 * (rate + self._rate) * step)
        trust = max(0.0, 1.0 - abs(norm / STANDARD_GRAVITY - 1.0) / self.BAND)
        if trust > 0.0:
            span = min(self.time_constant, self._seen) + step
            gain = trust * step / span if self.up is not None else 1.0
            # The mean of the vectors, not of their directions: vibration has none.
            self._gravity = self._gravity + gain * (acceleration - self._gravity)
            self._seen += step
        length = float(np.linalg.norm(self._gravity))
        self.up = self._gravity / length if length > 0.0 else None
        self._stamp, self._rate = stamp_s, rate
        return self.up


def _turned(vector: NDArray[np.float64], turn: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = float(np.linalg.norm(turn))
    return axangle2mat(turn / angle, angle, is_normalized=True) @ vector if angle > 0.0 else vector
