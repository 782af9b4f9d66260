"""How fast the node stays: frames a second, latency, time by stage and memory, from outside, over minutes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dap_ros.diagnostics import STAGES
from dap_ros.listener import Listener

#: What is listened to: the cloud, which is what a costmap takes.
TOPIC = "points"


@dataclass
class Memory:
    """Resident memory of a process, MB, at monotonic times in seconds."""

    pid: int
    at_s: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def sample(self, now_s: float) -> None:
        """Look at most once a second; nothing where the process has ended."""
        if self.at_s and now_s - self.at_s[-1] < 1.0:
            return
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return
        self.at_s.append(now_s)
        self.megabytes.append(1e-6 * pages * os.sysconf("SC_PAGE_SIZE"))

    def slope(self) -> float:
        """MB a minute, the line of least squares."""
        if len(self.at_s) < 3:
            return float("nan")
        return 60.0 * float(np.polyfit(np.array(self.at_s) - self.at_s[0], self.megabytes, 1)[0])


@dataclass(frozen=True)
class Sustained:
    """What was measured.

    frames_per_s  clouds received a second
    latency_ms    median and 95th percentile from the image's stamp to the cloud's receipt
    stages_ms     median of each stage as the node reports it, with `network` and `overhead`, all that is not network
    memory_mb     first and last resident memory of the node, and MB a minute
    """

    frames_per_s: float
    latency_ms: tuple[float, float]
    stages_ms: dict[str, float]
    memory_mb: tuple[float, float, float]
    model: str
    backend: str

    @classmethod
    def of(cls, listener: Listener, memory: Memory) -> Sustained:
        """The figures of a listener to `TOPIC` and of the node's memory."""
        record = listener.topics[TOPIC]

        def stage(name: str) -> float:
            values = [float(r[f"{name}_ms_median"]) for r in listener.reports if f"{name}_ms_median" in r]
            return float(np.median(values)) if values else float("nan")

        newest = listener.values()
        first, last = (memory.megabytes[0], memory.megabytes[-1]) if memory.megabytes else (float("nan"),) * 2
        return cls(
            frames_per_s=record.rate(),
            latency_ms=(record.latency_ms(50), record.latency_ms(95)),
            stages_ms={name: stage(name) for name in (*STAGES, "overhead")},
            memory_mb=(first, last, memory.slope()),
            model=newest.get("model", "?"),
            backend=newest.get("backend_reason", "?"),
        )

    def lines(self) -> list[str]:
        """The figures in words."""
        parts = ", ".join(f"{name} {self.stages_ms[name]:.2f}" for name in STAGES if name != "network")
        (first, last, slope), (median, p95) = self.memory_mb, self.latency_ms
        return [
            f"{self.model} on {self.backend}",
            f"{self.frames_per_s:.1f} clouds/s; stamp to cloud, in another process: median {median:.1f} ms, "
            f"p95 {p95:.1f} ms",
            f"network {self.stages_ms['network']:.1f} ms, beyond it {self.stages_ms['overhead']:.2f} ms ({parts})",
            f"memory of the node {first:.0f} MB, {last:.0f} MB at the end, {slope:+.2f} MB a minute",
        ]


def write_picture(path: Path, listener: Listener, memory: Memory) -> None:
    """A picture of every cloud's latency and of the node's memory over time."""
    from matplotlib.figure import Figure

    from dap_core.io.atomic import written_beside

    record = listener.topics[TOPIC]
    figure = Figure(figsize=(9.0, 5.0), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    began = record.arrivals[0] if record.arrivals else 0.0
    above.plot(np.array(record.arrivals) - began, 1e3 * np.array(record.latencies_s), ",", color="black")
    above.set_ylabel("stamp to cloud, ms")
    above.set_ylim(bottom=0.0)
    below.plot(np.array(memory.at_s) - began, memory.megabytes, color="black")
    below.set_ylabel("resident memory, MB")
    below.set_xlabel("seconds")
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=110)
