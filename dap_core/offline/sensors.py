"""What a bag says about the camera's attitude and place at the time of a picture: its IMU and its transforms."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.frames import FrameNames
from dap_core.io.bag_reader import Raw, open_bag
from dap_core.io.frame_tree import FrameTree, Pose
from dap_core.offline.topics import IMU, TF
from dap_core.panorama import yaw_pitch_roll
from dap_core.products.levelling import GravityFilter, LevellingConfig, up_from_mounting, up_from_orientation

#: Messages may be recorded this much later than a picture with the same stamp (seconds).
LATENESS_S = 2.0
#: And what is older than this (seconds) before a picture is forgotten.
_KEPT_S = 5.0

STATIC_TF, MOVING_TF = "/tf_static", "/tf"


class Sensors:
    """Reads the IMU and the transforms of a bag along with its pictures, from an iterator of its own.

    `imu` is the topic of the IMU, "" for none; `moving` says whether /tf is wanted beside /tf_static, which is read at
    once. `time_constant` is that of gravity's filter, for IMUs without an orientation. `start_ns` is where in the bag
    pictures begin. Use as a context. Raises InputError for an IMU topic that the bag does not have.
    """

    def __init__(
        self,
        path: Path,
        imu: str = "",
        moving: bool = False,
        time_constant: float = 2.0,
        start_ns: int | None = None,
    ) -> None:
        self.tree = FrameTree()
        self._imu = imu
        self._samples: deque[tuple[float, str, NDArray[np.float64]]] = deque()
        self._filter = GravityFilter(time_constant)
        self._stack = ExitStack()
        self._bag = self._stack.enter_context(open_bag(path))
        try:
            self._read_static()
            topics = [imu] if imu else []
            if imu:
                self._bag.need(imu, IMU)
            if moving and MOVING_TF in self._bag.topics:
                topics.append(MOVING_TF)
            begin = None if start_ns is None else start_ns - int(1e9 * (LATENESS_S + _KEPT_S))
            self._messages = self._bag.messages(topics, begin)
        except BaseException:
            self._stack.close()
            raise
        self._newest: dict[str, float] = dict.fromkeys(topics, -math.inf)
        self._pending: tuple[Raw, Any] | None = None

    def __enter__(self) -> Sensors:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def advance(self, stamp_s: float, recorded_ns: int) -> None:
        """Read on until everything about a picture with this stamp, recorded at that time, is there."""
        for raw, message in self._until(recorded_ns + int(LATENESS_S * 1e9)):
            if raw.topic == self._imu:
                self._on_imu(message)
                self._newest[raw.topic] = _seconds(message.header.stamp)
            else:
                self.tree.add(message, static=False)
                self._newest[raw.topic] = max((_seconds(t.header.stamp) for t in message.transforms), default=-math.inf)
            if raw.stamp_ns > recorded_ns and all(newest > stamp_s for newest in self._newest.values()):
                break
        while self._samples and stamp_s - self._samples[0][0] > _KEPT_S:
            self._samples.popleft()

    def up(self, config: LevellingConfig, stamp_s: float, frames: FrameNames) -> tuple[NDArray[np.float64] | None, str]:
        """Unit vector against gravity in the camera's body frame, None where it is not known; and where it is from."""
        try:
            if config.source == "parameters":
                return up_from_mounting(config.roll, config.pitch), "from parameters"
            if config.source == "tf":
                return self.tree.lookup(config.fixed_frame, frames.link, stamp_s).rotation[2], "from TF"
            if config.source == "imu":
                return self._from_imu(config, stamp_s, frames)
        except InputError as error:
            return None, str(error)
        return None, "off"

    def pose(self, target: str, source: str, stamp_s: float) -> Pose:
        """See `FrameTree.lookup`."""
        return self.tree.lookup(target, source, stamp_s)

    def _from_imu(
        self, config: LevellingConfig, stamp_s: float, frames: FrameNames
    ) -> tuple[NDArray[np.float64] | None, str]:
        if not self._samples:
            return None, f"no sample on {self._imu} yet"
        found, frame, up = min(self._samples, key=lambda sample: abs(sample[0] - stamp_s))
        if abs(found - stamp_s) > config.max_age:
            return None, f"the nearest IMU sample is {found - stamp_s:+.2f} s from the picture"
        if frame == frames.link:
            return up, f"from the IMU in {frame}"
        if frame in self.tree and frames.link in self.tree:
            return self.tree.lookup(frames.link, frame, stamp_s).rotation @ up, f"from the IMU in {frame}, by TF"
        mounted = (math.radians(angle) for angle in (config.imu_yaw, config.imu_pitch, config.imu_roll))
        return yaw_pitch_roll(*mounted) @ up, f"from the IMU in {frame}, mounted as in the parameters"

    def _on_imu(self, message: Any) -> None:
        at, rate, acceleration = _seconds(message.header.stamp), message.angular_velocity, message.linear_acceleration
        try:
            if message.orientation_covariance[0] == -1.0:
                up = self._filter.update(at, (rate.x, rate.y, rate.z), (acceleration.x, acceleration.y, acceleration.z))
            else:
                q = message.orientation
                up = up_from_orientation((q.x, q.y, q.z, q.w))
        except InputError:
            return
        if up is None:
            return
        if self._samples and at < self._samples[-1][0]:  # the clock has jumped back
            self._samples.clear()
        self._samples.append((at, message.header.frame_id, up))

    def _read_static(self) -> None:
        if STATIC_TF in self._bag.topics:
            self._bag.need(STATIC_TF, TF)
            for _, message in self._bag.messages([STATIC_TF]):
                self.tree.add(message, static=True)

    def _until(self, stop_ns: int) -> Iterator[tuple[Raw, Any]]:
        while True:
            taken = self._pending or next(self._messages, None)
            if taken is None:
                return
            self._pending = taken
            if taken[0].stamp_ns > stop_ns:
                return
            self._pending = None
            yield taken


def _seconds(stamp: Any) -> float:
    return stamp.sec + 1e-9 * stamp.nanosec
