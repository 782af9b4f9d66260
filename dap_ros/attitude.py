"""Which way is up for a camera: from an IMU, from TF, or from parameters."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Imu

from dap_core.errors import InputError
from dap_core.panorama import yaw_pitch_roll
from dap_core.products.levelling import GravityFilter, LevellingConfig, up_from_mounting, up_from_orientation
from dap_ros.frames import CameraFrames
from dap_ros.transforms import Transforms
from dap_ros.transport import qos

#: Seconds of IMU samples that are kept for pictures that arrive late.
_KEPT_S = 2.0


class Attitude:
    """Up in one camera's body frame at the time of a picture; `state` says in words where it comes from.

    With source imu it subscribes to `<prefix>imu`, best effort, which matches every publisher.
    """

    def __init__(self, node: Any, prefix: str, config: LevellingConfig, transforms: Transforms | None) -> None:
        self._node, self._transforms = node, transforms
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, str, NDArray[np.float64]]] = deque()
        self._filter = GravityFilter(config.time_constant)
        self._ignored = 0
        self.state = "off"
        self._subscription = None
        if config.source == "imu":
            self.state = "no IMU message yet"
            self._subscription = node.create_subscription(Imu, f"{prefix}imu", self._on_imu, qos("best_effort", 50))

    def up(self, config: LevellingConfig, stamp: Any, frames: CameraFrames) -> NDArray[np.float64] | None:
        """Unit vector against gravity in the camera's body frame; None where it is not known, and `state` says why."""
        try:
            if config.source == "parameters":
                self.state = f"roll {config.roll:g}, pitch {config.pitch:g} degrees from parameters"
                return up_from_mounting(config.roll, config.pitch)
            if config.source == "tf":
                assert self._transforms is not None
                self.state = f"from TF, {config.fixed_frame}"
                return self._transforms.lookup(config.fixed_frame, frames.link, stamp).rotation[2]
            if config.source == "imu":
                return self._from_imu(config, stamp, frames)
        except InputError as error:
            self.state = str(error)
        return None

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _from_imu(self, config: LevellingConfig, stamp: Any, frames: CameraFrames) -> NDArray[np.float64] | None:
        at = stamp.sec + 1e-9 * stamp.nanosec
        with self._lock:
            self._filter.time_constant = config.time_constant
            if not self._samples:
                return None
            found, frame, up = min(self._samples, key=lambda sample: abs(sample[0] - at))
        if abs(found - at) > config.max_age:
            self.state = (
                f"the nearest IMU sample is {found - at:+.2f} s from the picture, more than {config.max_age:g} s"
            )
            return None
        self.state = f"from the IMU in {frame}"
        if frame == frames.link:
            return up
        if self._transforms is not None:
            return self._transforms.lookup(frames.link, frame, stamp).rotation @ up
        mounted = np.radians([config.imu_yaw, config.imu_pitch, config.imu_roll])
        return yaw_pitch_roll(*(float(angle) for angle in mounted)) @ up

    def _on_imu(self, message: Imu) -> None:
        at = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        rate, acceleration = message.angular_velocity, message.linear_acceleration
        up: NDArray[np.float64] | None
        try:
            if message.orientation_covariance[0] == -1.0:
                with self._lock:
                    up = self._filter.update(
                        at, (rate.x, rate.y, rate.z), (acceleration.x, acceleration.y, acceleration.z)
                    )
            else:
                q = message.orientation
                up = up_from_orientation((q.x, q.y, q.z, q.w))
        except InputError as error:
            self._ignored += 1
            self.state = f"{self._ignored} IMU messages ignored: {error}"
            return
        if up is None:
            return
        with self._lock:
            if self._samples and at < self._samples[-1][0]:  # the clock has jumped back
                self._samples.clear()
            self._samples.append((at, message.header.frame_id, up))
            while at - self._samples[0][0] > _KEPT_S:
                self._samples.popleft()
