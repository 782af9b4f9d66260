"""What a bag says about the camera's attitude and place at the time of a picture: its IMU and its transforms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dap_core.io.bag_reader import Raw, open_bag
from dap_core.io.frame_tree import FrameTree
from dap_core.offline.topics import IMU, TF
from dap_core.pose import Pose
from dap_core.products.attitude import KEPT_S, Attitude
from dap_core.products.levelling import LevellingConfig

#: Messages may be recorded this much later than a picture with the same stamp (seconds).
LATENESS_S = 2.0

STATIC_TF, MOVING_TF = "/tf_static", "/tf"


class Sensors:
    """Reads the IMU and the transforms of a bag along with its pictures, from an iterator of its own.

    `tree` and `attitude` hold what was read. `imu` is the topic of the IMU, "" for none; `moving` says whether /tf is
    wanted beside /tf_static, which is read at once; `levelling` says how up is found. `start_ns` is where in the bag
    pictures begin. Use as a context. Raises InputError for an IMU topic that the bag does not have.
    """

    def __init__(
        self,
        path: Path,
        imu: str = "",
        moving: bool = False,
        levelling: LevellingConfig | None = None,
        start_ns: int | None = None,
    ) -> None:
        self.tree, self.attitude = FrameTree(), Attitude(levelling or LevellingConfig())
        self._imu = imu
        self._stack = ExitStack()
        self._bag = self._stack.enter_context(open_bag(path))
        try:
            self._read_static()
            topics = [imu] if imu else []
            if imu:
                self._bag.need(imu, IMU)
            if moving and MOVING_TF in self._bag.topics:
                topics.append(MOVING_TF)
            begin = None if start_ns is None else start_ns - int(1e9 * (LATENESS_S + KEPT_S))
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
                self.attitude.add(message)
                self._newest[raw.topic] = _seconds(message.header.stamp)
            else:
                self.tree.add(message, static=False)
                self._newest[raw.topic] = max((_seconds(t.header.stamp) for t in message.transforms), default=-math.inf)
            if raw.stamp_ns > recorded_ns and all(newest > stamp_s for newest in self._newest.values()):
                break

    def pose(self, target: str, source: str, stamp_s: float) -> Pose:
        """See `FrameTree.lookup`."""
        return self.tree.lookup(target, source, stamp_s)

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
