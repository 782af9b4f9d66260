"""Several things timed in turns, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

#: Runs for at least so many seconds, once at least, and gives the seconds of each run.
Runner = Callable[[float], "list[float]"]
#: For each turn, for each runner, the seconds of its runs.
Turns = list[list[list[float]]]


@dataclass(frozen=True)
class Effort:
    """How long to measure: `seconds` in all, `turns` of everything at least, each runner for `slice_s` at a time."""

    seconds: float = 4.0
    turns: int = 5
    slice_s: float = 0.1
    #: A first turn in which no run took longer is only a warm-up; longer ones are too dear to throw away.
    warm_up_s: float = 1.0


@dataclass(frozen=True)
class Ratio:
    """Of two runners' times, turn by turn: median and quartiles."""

    median: float
    low: float
    high: float


def in_turns(
    runners: Sequence[Runner], effort: Effort, progress: Callable[[float], None] = lambda share: None
) -> Turns:
    """Run everything until the effort is made; `progress` is told the share done."""
    turns = [[run(effort.slice_s) for run in runners]]
    if max(max(times) for times in turns[0]) < effort.warm_up_s:
        turns = []
    began = time.perf_counter()
    while True:
        passed = time.perf_counter() - began
        share = min(passed / effort.seconds if effort.seconds > 0 else 1.0, len(turns) / effort.turns)
        progress(min(share, 1.0))
        if share >= 1.0:
            return turns
        turns.append([run(effort.slice_s) for run in runners])


def of_runner(turns: Turns, runner: int) -> list[float]:
    """All runs of one runner."""
    return [seconds for turn in turns for seconds in turn[runner]]


def ratio(turns: Turns, first: int, second: int) -> Ratio:
    """How many times longer a run of `first` took than one of `second`.

    Within a turn the mean counts: a long run has met on average what several short ones met one by one.
    """
    ratios = [float(np.mean(turn[first]) / np.mean(turn[second])) for turn in turns]
    low, median, high = np.percentile(ratios, (25, 50, 75))
    return Ratio(float(median), float(low), float(high))
