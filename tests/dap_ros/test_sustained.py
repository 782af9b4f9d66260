"""Figures of a long run, from arrivals and memory that are known."""

from __future__ import annotations

import os

import pytest

from dap_ros.listener import TopicRecord
from dap_ros.sustained import Memory, Sustained


class Heard:
    """What a Listener has at the end of a run."""

    def __init__(self) -> None:
        times = [0.04 * i for i in range(101)]
        self.topics = {"points": TopicRecord(times, [0.020 + 0.0001 * i for i in range(101)], 384_000)}
        self.reports = [
            {"network_ms_median": str(n), "overhead_ms_median": str(o), "products_ms_median": "1.5"}
            for n, o in ((15.0, 2.0), (17.0, 2.5), (90.0, 9.0))
        ] + [{"model": "m"}]

    def values(self) -> dict[str, str]:
        """The newest report."""
        return {"model": "m", "backend_reason": "b (CPU)"}


def test_figures() -> None:
    memory = Memory(0, [0.0, 30.0, 60.0, 90.0], [300.0, 301.0, 302.0, 303.0])
    found = Sustained.of(Heard(), memory)  # type: ignore[arg-type]
    assert found.frames_per_s == pytest.approx(25.0)
    assert found.latency_ms == (pytest.approx(25.0), pytest.approx(29.5))
    assert (found.stages_ms["network"], found.stages_ms["overhead"], found.stages_ms["products"]) == (17.0, 2.5, 1.5)
    assert found.memory_mb == (300.0, 303.0, pytest.approx(2.0))
    text = "\n".join(found.lines())
    assert "m on b (CPU)" in text and "25.0 clouds/s" in text and "+2.00 MB a minute" in text


def test_memory_of_a_process_is_looked_at_once_a_second() -> None:
    memory = Memory(os.getpid())
    for now in (0.0, 0.5, 1.0, 1.9, 2.0):
        memory.sample(now)
    assert memory.at_s == [0.0, 1.0, 2.0] and all(10 < megabytes < 10_000 for megabytes in memory.megabytes)
    ended = Memory(2**30)
    ended.sample(0.0)
    assert not ended.megabytes
