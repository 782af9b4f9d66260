"""What the node tells /diagnostics: rates, latency by stage, drops by reason, backend, and advice on transport."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dap_ros.transport import BEST_EFFORT_LIMIT

#: What happens to a frame, in order; `network` is the model's forward pass and everything else is overhead.
STAGES = ("decode", "resize", "network", "filters", "products", "messages", "publish")

#: Reasons for which a frame ends before the network, beside the `reason` of a MessageError.
NEWER = "newer_frame"
NOBODY = "nobody_listens"
INTERNAL = "internal"
DISABLED = "disabled"

#: Frames over which latencies and rates are taken, and seconds after which they no longer count.
_WINDOW = 256
_HORIZON_S = 10.0

#: Seconds without a frame after which a published input is called silent, and the share of lost ones worth a warning.
SILENT_S = 2.0
_LOST_SHARE = 0.05

#: Seconds that images are old, or ahead of the node's clock, from which on whoever uses transforms will drop them.
_OLD_S, _AHEAD_S = 5.0, 0.5


@dataclass
class Timings:
    """Seconds that one frame spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._mark = time.perf_counter()

    def resume(self) -> None:
        """Book the time since the last lap to no stage: the frame has waited."""
        self._mark = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Book the time since the last lap to a stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._mark
        self._mark = now


class FrameStatistics:
    """Counts and recent timings of frames; written by the executor's and the worker's thread, read by the timer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: deque[float] = deque(maxlen=_WINDOW)
        self._finished: deque[tuple[float, dict[str, float]]] = deque(maxlen=_WINDOW)
        self._drops: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._last_fault = ""
        self._image, self._image_bytes, self._frame_id = "", 0, ""
        self._lost: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self._message_bytes: dict[str, int] = {}
        self._age_s = float("nan")
        self._since = time.monotonic()

    def received(self, age_s: float, image: str, nbytes: int, frame_id: str) -> None:
        """A frame of `nbytes` arrived, `age_s` after its stamp; `image` describes it."""
        with self._lock:
            self._received.append(time.monotonic())
            self._counts["received"] += 1
            self._age_s = age_s
            self._image, self._image_bytes, self._frame_id = image, nbytes, frame_id

    def lost(self, count: int) -> None:
        """So many frames went missing on their way here."""
        with self._lock:
            self._lost.append((time.monotonic(), count))
            self._counts["lost"] += count

    def dropped(self, reason: str, fault: str = "") -> None:
        """A frame ended early; `fault` is the line that was logged, when it was at fault itself."""
        with self._lock:
            self._drops[reason] += 1
            self._counts["faulty"] += bool(fault)
            self._last_fault = fault or self._last_fault

    def finished(self, timings: Timings, age_s: float, message_bytes: Mapping[str, int]) -> None:
        """A frame went through, `age_s` after its stamp; `message_bytes` of each output that was published."""
        with self._lock:
            self._finished.append((time.monotonic(), {**timings.seconds, "age": age_s}))
            self._counts["processed"] += 1
            self._message_bytes.update(message_bytes)

    def snapshot(self) -> Snapshot:
        """The state now."""
        now = time.monotonic()
        with self._lock:
            received = [t for t in self._received if now - t < _HORIZON_S]
            finished = [(t, s) for t, s in self._finished if now - t < _HORIZON_S]
            return Snapshot(
                counts=dict(self._counts),
                drops=dict(self._drops),
                last_fault=self._last_fault,
                image=self._image,
                image_bytes=self._image_bytes,
                frame_id=self._frame_id,
                lost_share=_share([c for t, c in self._lost if now - t < _HORIZON_S], len(received)),
                message_bytes=dict(self._message_bytes),
                input_rate=_rate(received, now),
                output_rate=_rate([t for t, _ in finished], now),
                input_age_s=self._age_s if received else float("nan"),
                silent_s=now - (self._received[-1] if self._received else self._since),
                latencies=_latencies([s for _, s in finished]),
            )


@dataclass(frozen=True)
class Snapshot:
    """Counts since activation; of the last seconds rates (Hz), latencies (milliseconds: median, 95th percentile), and
    the share of images that were lost on their way.
    """

    counts: dict[str, int]
    drops: dict[str, int]
    last_fault: str
    image: str
    image_bytes: int
    frame_id: str
    lost_share: float
    message_bytes: dict[str, int]
    input_rate: float
    output_rate: float
    input_age_s: float
    silent_s: float
    latencies: dict[str, tuple[float, float]]


def _rate(times: list[float], now: float) -> float:
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and now - times[-1] < SILENT_S else 0.0


def _share(lost: list[int], received: int) -> float:
    return sum(lost) / max(1, sum(lost) + received)


def _latencies(frames: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    if not frames:
        return {}
    ms = {stage: 1e3 * np.array([f.get(stage, 0.0) for f in frames]) for stage in (*STAGES, "age")}
    ms["overhead"] = sum((ms[s] for s in STAGES if s != "network"), np.zeros(len(frames)))
    ms["total"] = ms["overhead"] + ms["network"]
    return {name: (float(np.median(v)), float(np.percentile(v, 95))) for name, v in ms.items()}


def pipeline_status(
    name: str, problem: str, snapshot: Snapshot | None, facts: Mapping[str, str], doing: str = ""
) -> DiagnosticStatus:
    """The main status: `problem` is why the node is not running, if so, `doing` what it does instead; `facts` are
    model, backend and the like.
    """
    values = dict(facts)
    if snapshot is None:
        level = DiagnosticStatus.ERROR if problem else DiagnosticStatus.OK
        return _status(name, level, problem or doing or "not active", values)
    values |= {"output_rate_hz": f"{snapshot.output_rate:.2f}", "processed": str(snapshot.counts.get("processed", 0))}
    for stage, (median, p95) in snapshot.latencies.items():
        values[f"{stage}_ms_median"], values[f"{stage}_ms_p95"] = f"{median:.2f}", f"{p95:.2f}"
    if not snapshot.latencies:
        return _status(name, DiagnosticStatus.OK, "waiting for frames", values)
    network, overhead = snapshot.latencies["network"][0], snapshot.latencies["overhead"][0]
    message = f"{snapshot.output_rate:.1f} frames/s, network {network:.1f} ms, overhead {overhead:.1f} ms"
    return _status(name, DiagnosticStatus.OK, message, values)


def input_status(
    name: str, snapshot: Snapshot, facts: Mapping[str, str], faults_before: int, advice: str
) -> DiagnosticStatus:
    """Status of the image input; WARN when frames were refused since the last report, come in part or not at all, or
    have no frame, or stamps that nobody can use.

    `facts` are what is subscribed to, and the parameter `frame`; `advice` is against the loss of large images.
    """
    values = dict(facts) | {
        "image": snapshot.image,
        "frame_id": snapshot.frame_id,
        "input_rate_hz": f"{snapshot.input_rate:.2f}",
        "input_age_ms": f"{1e3 * snapshot.input_age_s:.1f}",
        "received": str(snapshot.counts.get("received", 0)),
        "lost": str(snapshot.counts.get("lost", 0)),
        "last_fault": snapshot.last_fault,
    }
    values |= {f"dropped_{reason}": str(count) for reason, count in sorted(snapshot.drops.items())}
    if snapshot.counts.get("faulty", 0) > faults_before:
        return _status(name, DiagnosticStatus.WARN, f"refused: {snapshot.last_fault}", values)
    if facts.get("publishers", "0") == "0":
        return _status(name, DiagnosticStatus.WARN, f"nobody publishes {facts.get('topic', 'images')}", values)
    topic = facts.get("topic", "")
    if snapshot.silent_s > SILENT_S:
        return _status(name, DiagnosticStatus.WARN, "; ".join(filter(None, [f"no image from {topic}", advice])), values)
    if snapshot.lost_share > _LOST_SHARE:
        lost = f"{100 * snapshot.lost_share:.0f} % of the images from {topic} are lost on their way"
        if 0 < snapshot.image_bytes <= BEST_EFFORT_LIMIT:  # it is not their size
            advice = ""
        return _status(name, DiagnosticStatus.WARN, "; ".join(filter(None, [lost, advice])), values)
    rate, age = f"{snapshot.input_rate:.1f} images/s", snapshot.input_age_s
    if snapshot.image and not (snapshot.frame_id or facts.get("frame")):
        text = f"{rate} without a frame_id: give the driver one, or set the parameter frame"
        return _status(name, DiagnosticStatus.WARN, text, values)
    if age > _OLD_S or age < -_AHEAD_S:
        how = f"{age:.1f} s old" if age > 0 else f"{-age:.1f} s ahead"
        return _status(name, DiagnosticStatus.WARN, f"{rate}, {how} by this node's clock", values)
    return _status(name, DiagnosticStatus.OK, rate, values)


def transport_status(
    name: str,
    profile: str,
    carries_large: bool,
    message_bytes: Mapping[str, int],
    best_effort: Mapping[str, int],
) -> DiagnosticStatus:
    """Status of DDS: WARN when a best-effort subscriber meets a large message and no profile carries it."""
    values = {"profile": profile} | {f"bytes {t}": str(b) for t, b in sorted(message_bytes.items())}
    values |= {f"best_effort_subscribers {t}": str(n) for t, n in sorted(best_effort.items()) if n}
    lost = [t for t, b in sorted(message_bytes.items()) if b > BEST_EFFORT_LIMIT and best_effort.get(t)]
    if carries_large or not lost:
        return _status(name, DiagnosticStatus.OK, "messages fit the transport", values)
    message = (
        f"best-effort subscribers of {', '.join(lost)} lose messages above {BEST_EFFORT_LIMIT // 1024} KB: "
        "unset DAP_ROS_DDS_PROFILE or set a Fast DDS profile with a larger shared-memory segment"
    )
    return _status(name, DiagnosticStatus.WARN, message, values)


def values_of(status: Any) -> dict[str, str]:
    """The key-value pairs of a DiagnosticStatus."""
    return {v.key: v.value for v in status.values}


def _status(name: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    pairs: Iterable[KeyValue] = (KeyValue(key=k, value=v) for k, v in values.items())
    return DiagnosticStatus(level=level, name=name, message=message, hardware_id="dap_ros", values=list(pairs))
