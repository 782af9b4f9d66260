"""The demo's subscriber: rates and latencies of every output, and frames to hold against the exact range."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import Image, PointCloud2

from dap_core.evaluation.metrics import DepthMetrics, depth_metrics, mean_metrics, sphere_weight
from dap_core.io.image_messages import decode_image, decode_range
from dap_ros.diagnostics import values_of
from dap_ros.messages import data_bytes
from dap_ros.outputs import DEFAULT_TOPICS, OUTPUTS
from dap_ros.transport import qos

#: Camera frames kept until their depth arrives; at 30 Hz these are two seconds.
_KEPT = 60

#: Seconds between frames that are compared with the exact range.
_COMPARE_PERIOD_S = 0.2


@dataclass
class TopicRecord:
    """Arrivals of one topic: monotonic seconds of each, seconds from stamp to receipt, bytes of data of the last."""

    arrivals: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    nbytes: int = 0

    def rate(self) -> float:
        """Messages a second."""
        span = self.arrivals[-1] - self.arrivals[0] if len(self.arrivals) > 1 else 0.0
        return (len(self.arrivals) - 1) / span if span > 0 else 0.0

    def latency_ms(self, percentile: float) -> float:
        """Percentile of the time from stamp to receipt, milliseconds."""
        return 1e3 * float(np.percentile(self.latencies_s, percentile)) if self.latencies_s else float("nan")


@dataclass(frozen=True)
class Scene:
    """One frame, everything with the same stamp: image (H, W, 3), ranges (h, w) in metres, points (N, 3)."""

    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]
    truth_m: NDArray[np.float32]
    points: NDArray[np.float32]


class Listener(Node):
    """Subscribes to outputs of depth_node and, with `truth`, to both topics of synthetic_camera, to compare them."""

    def __init__(self, namespace: str, topics: Sequence[str] = DEFAULT_TOPICS, truth: bool = True) -> None:
        super().__init__("dap_demo", namespace=namespace)
        self.topics = {topic: TopicRecord() for topic in topics}
        self.status: dict[str, Any] = {}
        self.reports: list[dict[str, str]] = []
        self._frames: dict[str, OrderedDict[tuple[int, int], Any]] = {
            topic: OrderedDict() for topic in ("image", "range", "depth/image", "points")
        }
        self._pairs: list[tuple[Image, Image]] = []
        self._compared, self._truth = 0.0, truth
        kinds: dict[str, type] = {"image": Image, "range": Image} if truth else {}
        for topic, kind in (kinds | {topic: OUTPUTS[topic].kind for topic in topics}).items():
            self.create_subscription(kind, topic, lambda m, t=topic: self._on_message(t, m), qos("reliable", 5))
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos("reliable", 10))

    def reset(self) -> None:
        """Forget what was measured so far."""
        self.topics = {topic: TopicRecord() for topic in self.topics}
        self._pairs, self.reports = [], []

    def problem(self) -> str:
        """Why the node does not run, as it says itself; empty while it does."""
        return next((s.message for s in self.status.values() if s.level == DiagnosticStatus.ERROR), "")

    def values(self) -> dict[str, str]:
        """The newest values of the node's main diagnostic status; `reports` has all since the last `reset`."""
        return next((values_of(s) for name, s in self.status.items() if name.endswith(": depth")), {})

    def metrics(self) -> tuple[DepthMetrics, int]:
        """Errors against the exact range, weighted by solid angle, mean over the frames compared; and their number."""
        rows = []
        for depth, truth in self._pairs:
            predicted = decode_range(depth)
            rows.append(
                depth_metrics(predicted, _at(decode_range(truth), predicted.shape), sphere_weight(len(predicted)))
            )
        return mean_metrics(rows), len(rows)

    def scene(self) -> Scene | None:
        """The newest frame of which everything arrived."""
        complete = set.intersection(*(set(frames) for frames in self._frames.values()))
        if not complete:
            return None
        stamp = max(complete)
        range_m = decode_range(self._frames["depth/image"][stamp])
        cloud: PointCloud2 = self._frames["points"][stamp]
        return Scene(
            image=decode_image(self._frames["image"][stamp]),
            range_m=range_m,
            truth_m=_at(decode_range(self._frames["range"][stamp]), range_m.shape),
            points=np.frombuffer(cloud.data, np.float32).reshape(cloud.width, cloud.point_step // 4)[:, :3],
        )

    def _on_message(self, topic: str, message: Any) -> None:
        now = time.monotonic()
        stamp = message.header.stamp
        key = (stamp.sec, stamp.nanosec)
        record = self.topics.get(topic)
        if record is not None:
            record.arrivals.append(now)
            record.latencies_s.append(1e-9 * self.get_clock().now().nanoseconds - (stamp.sec + 1e-9 * stamp.nanosec))
            record.nbytes = data_bytes(message)
        frames = self._frames.get(topic)
        if frames is not None and self._truth:
            frames[key] = message
            if len(frames) > _KEPT:
                frames.popitem(last=False)
        if (
            self._truth
            and topic == "depth/image"
            and now - self._compared > _COMPARE_PERIOD_S
            and key in self._frames["range"]
        ):
            self._compared = now
            self._pairs.append((message, self._frames["range"][key]))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.status.update((status.name, status) for status in message.status)
        self.reports += [values_of(status) for status in message.status if status.name.endswith(": depth")]


def _at(range_m: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Nearest pixels of a range image at another resolution."""
    rows = (np.arange(shape[0]) * range_m.shape[0] + range_m.shape[0] // 2) // shape[0]
    columns = (np.arange(shape[1]) * range_m.shape[1] + range_m.shape[1] // 2) // shape[1]
    return range_m[rows[:, None], columns]
