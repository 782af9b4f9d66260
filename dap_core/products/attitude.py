"""Which way is up for a camera at the time of a picture: from an IMU, from transforms, or from parameters."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.frames import FrameNames
from dap_core.panorama import yaw_pitch_roll
from dap_core.pose import Lookup, Unconnected
from dap_core.products.gravity import GravityFilter, up_from_mounting, up_from_orientation
from dap_core.products.levelling import LevellingConfig

#: Seconds of IMU samples that are kept behind the newest, for pictures that arrive late.
KEPT_S = 5.0


class Attitude:
    """Up in one camera's body frame; `state` says in words where it comes from, or why it is not known.

    `add` may be called on another thread than `up`.
    """

    def __init__(self, config: LevellingConfig) -> None:
        self.state = "no IMU message yet" if config.source == "imu" else "off"
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, str, NDArray[np.float64]]] = deque()
        self._filter = GravityFilter(config.time_constant)
        self._ignored = 0

    def add(self, message: Any) -> None:
        """Take in a sensor_msgs/Imu; what is wrong with one is counted, and said by `state`."""
        at, rate, felt = _seconds(message.header.stamp), message.angular_velocity, message.linear_acceleration
        up: NDArray[np.float64] | None
        with self._lock:
            try:
                if message.orientation_covariance[0] == -1.0:  # it has none
                    up = self._filter.update(at, (rate.x, rate.y, rate.z), (felt.x, felt.y, felt.z))
                else:
                    q = message.orientation
                    up = up_from_orientation((q.x, q.y, q.z, q.w))
            except InputError as error:
                self._ignored += 1
                self.state = f"{self._ignored} IMU messages ignored: {error}"
                return
            if up is None:
                return
            if self._samples and at < self._samples[-1][0]:  # the clock has jumped back
                self._samples.clear()
            self._samples.append((at, message.header.frame_id, up))
            while at - self._samples[0][0] > KEPT_S:
                self._samples.popleft()

    def up(
        self, config: LevellingConfig, stamp_s: float, frames: FrameNames, lookup: Lookup | None
    ) -> NDArray[np.float64] | None:
        """Unit vector against gravity in the camera's body frame (`frames.link`); None where it is not known.

        `stamp_s` is the picture's time, `lookup` the transforms of that time, None where there are none.
        """
        try:
            if config.source == "parameters":
                self.state = f"roll {config.roll:g}, pitch {config.pitch:g} degrees from parameters"
                return up_from_mounting(config.roll, config.pitch)
            if config.source == "tf":
                if lookup is None:
                    raise InputError(f"no transforms to look {config.fixed_frame} up in")
                up = lookup(config.fixed_frame, frames.link).rotation[2]
                self.state = f"from TF, {config.fixed_frame}"
                return up
            if config.source == "imu":
                return self._from_imu(config, stamp_s, frames, lookup)
        except InputError as error:
            self.state = str(error)
        return None

    def _from_imu(
        self, config: LevellingConfig, stamp_s: float, frames: FrameNames, lookup: Lookup | None
    ) -> NDArray[np.float64] | None:
        with self._lock:
            self._filter.time_constant = config.time_constant
            if not self._samples:
                return None
            found, frame, up = self._nearest(stamp_s)
        if abs(found - stamp_s) > config.max_age:
            self.state = (
                f"the nearest IMU sample is {found - stamp_s:+.2f} s from the picture, more than {config.max_age:g} s"
            )
            return None
        if frame == frames.link:
            self.state = f"from the IMU in {frame}"
            return up
        if lookup is not None:
            try:
                connected = lookup(frames.link, frame)
            except Unconnected:
                pass
            else:
                self.state = f"from the IMU in {frame}, by TF"
                return connected.rotation @ up
        self.state = f"from the IMU in {frame}, mounted as in the parameters"
        mounted = (math.radians(angle) for angle in (config.imu_yaw, config.imu_pitch, config.imu_roll))
        return yaw_pitch_roll(*mounted) @ up

    def _nearest(self, stamp_s: float) -> tuple[float, str, NDArray[np.float64]]:
        after = bisect_left(self._samples, stamp_s, key=lambda sample: sample[0])
        if after == len(self._samples):
            return self._samples[-1]
        before = max(0, after - 1)
        nearer_before = stamp_s - self._samples[before][0] <= self._samples[after][0] - stamp_s
        return self._samples[before if nearer_before else after]


def _seconds(stamp: Any) -> float:
    return stamp.sec + 1e-9 * stamp.nanosec
