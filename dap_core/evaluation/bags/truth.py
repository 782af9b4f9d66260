"""Ground truth out of a bag: range images and lidar, near the time of a picture."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.evaluation.resampling import resize_nearest
from dap_core.frames import FrameNames
from dap_core.io.bag_reader import Raw, open_bag
from dap_core.io.image_messages import MessageError, decode_range
from dap_core.io.point_messages import cloud_points, scan_points
from dap_core.offline.sensors import LATENESS_S
from dap_core.offline.topics import CLOUD, IMAGE, SCAN
from dap_core.panorama import check_erp_shape
from dap_core.products.cloud import organised_points

#: Metres of the truth's first hundredth beyond which its unit is doubted.
_NEAREST_LIMIT_M = 150.0
_UNLIMITED_M = 1e6


class Truth:
    """One message of the truth: its stamp (seconds, the offset added), its frame, and points or a range image.

    Decoded when it is looked at. Raises InputError where the message cannot be used.
    """

    def __init__(self, message: Any, kind: str, offset_s: float, scale: float, min_range_m: float) -> None:
        stamp = message.header.stamp
        self.stamp_s = stamp.sec + 1e-9 * stamp.nanosec + offset_s
        self.frame, self.kind = message.header.frame_id, kind
        self._message, self._scale, self._min = message, scale, min_range_m

    def sensor_frame(self, frames: FrameNames) -> str:
        """The frame that the points are in; those of a range image are in the link of its frame, x forward."""
        if self.kind != IMAGE:
            return self.frame
        return frames.link if self.frame == frames.image else FrameNames.of(self.frame).link

    @cached_property
    def range_m(self) -> NDArray[np.float32]:
        """The range image (h, 2 h) metres, where the truth is one; +inf far, nan unknown."""
        return PanoramaDepth.from_range(range_image(self._message) * np.float32(self._scale), _UNLIMITED_M).range_m

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """Points (N, 3) metres in the sensor's frame, without those nearer than the least range."""
        if self.kind == IMAGE:
            return _points_of(self.range_m, self._min)
        xyz = (cloud_points if self.kind == CLOUD else scan_points)(self._message) * self._scale
        return xyz[np.linalg.norm(xyz, axis=1) >= self._min]

    def sample(self, count: int) -> NDArray[np.float64]:
        """At most about `count` of the points, evenly; of a range image without making them all."""
        if self.kind == IMAGE:
            rows = max(2, min(self.range_m.shape[0], math.isqrt(count // 2)))
            return _points_of(resize_nearest(self.range_m, rows), self._min)
        step = max(1, -(-len(self.points) // count))
        return self.points[::step]

    def doubt(self) -> str | None:
        """Why its unit cannot be metres; None where it can."""
        ranges = np.linalg.norm(self.points, axis=1)
        if ranges.size < 100 or float(np.quantile(ranges, 0.01)) <= _NEAREST_LIMIT_M:
            return None
        return f"looks like millimetres: its median lies at {np.median(ranges):.0f}; say --truth-unit mm"


def _points_of(range_m: NDArray[np.float32], min_range_m: float) -> NDArray[np.float64]:
    xyz = organised_points(PanoramaDepth.from_range(range_m, _UNLIMITED_M)).reshape(-1, 3).astype(np.float64)
    return xyz[np.isfinite(xyz).all(1) & (range_m.reshape(-1) >= min_range_m)]


def range_image(message: Any) -> NDArray[np.float32]:
    """(h, 2 h) metres of a range image, 32FC1 or 16UC1 millimetres (0 unknown, 65535 far). Raises MessageError."""
    try:
        check_erp_shape(message.height, message.width)
    except InputError as error:
        raise MessageError("shape", f"not a range image of a panorama: {error}") from None
    if message.encoding != "16UC1":
        return decode_range(message)
    height, width, step = message.height, message.width, message.step
    if step < 2 * width or step % 2 or len(message.data) != step * height:
        raise MessageError("data", f"data has {len(message.data)} bytes, 16UC1 {width}x{height} needs {step * height}")
    steps = np.frombuffer(message.data, ">u2" if message.is_bigendian else "<u2").reshape(height, step // 2)[:, :width]
    metres = steps.astype(np.float32) * np.float32(0.001)
    metres[steps == 0] = np.nan
    metres[steps == 65535] = np.inf
    return metres


@dataclass(frozen=True)
class TruthOptions:
    """Where the truth is and how it is read; `scale` is metres of one unit."""

    topic: str
    offset_s: float = 0.0
    scale: float = 1.0
    min_range_m: float = 0.3


class TruthTrack:
    """Reads the truth along with the pictures, from an iterator of its own, and keeps what is near in time.

    Use as a context. Raises InputError where the topic is missing, empty, or of another type.
    """

    def __init__(self, path: Path, options: TruthOptions, window_s: float) -> None:
        self._options, self._window = options, window_s
        self._stack = ExitStack()
        self._bag = self._stack.enter_context(open_bag(path))
        try:
            self.kind = self._bag.need(options.topic, IMAGE, CLOUD, SCAN).type
        except BaseException:
            self._stack.close()
            raise
        self._messages = self._bag.messages([options.topic])
        self._pending: tuple[Raw, Any] | None = None
        self._kept: deque[Truth] = deque()
        self.ahead_s: list[float] = []

    def __enter__(self) -> TruthTrack:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def near(self, stamp_s: float, recorded_ns: int) -> list[Truth]:
        """What lies within the window around a stamp, in order; pictures are asked for in the order of recording."""
        for raw, message in self._until(recorded_ns + int(1e9 * (self._window + LATENESS_S))):
            o = self._options
            truth = Truth(message, self.kind, o.offset_s, o.scale, o.min_range_m)
            self.ahead_s.append(truth.stamp_s - 1e-9 * raw.stamp_ns)
            self._kept.append(truth)
            if truth.stamp_s > stamp_s + self._window and raw.stamp_ns > recorded_ns:
                break
        # Pictures may come out of order by as much as they may be late.
        while self._kept and self._kept[0].stamp_s < stamp_s - self._window - LATENESS_S:
            self._kept.popleft()
        return [t for t in self._kept if abs(t.stamp_s - stamp_s) <= self._window]

    def _until(self, stop_ns: int) -> Iterator[tuple[Raw, Any]]:
        while True:
            taken = self._pending or next(self._messages, None)
            self._pending = taken
            if taken is None or taken[0].stamp_ns > stop_ns:
                return
            self._pending = None
            yield taken
