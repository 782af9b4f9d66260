"""How far a builder has come that reports nested phases, each in so many steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsInt


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class BuildPhases:
    """The phases that are under way; `fraction` grows from 0 to 1 over the outermost one.

    Methods as TensorRT's IProgressMonitor calls them. A phase that is not known, or steps that do not fit, are
    ignored: reports about progress must never stop a build.
    """

    def __init__(self) -> None:
        self._phases: dict[str, _Phase] = {}
        self._best = 0.0

    def start(self, name: str, parent: str | None, steps: SupportsInt) -> None:
        """A phase begins, within `parent` if that is named."""
        self._phases[name] = _Phase(parent if parent in self._phases else None, max(1, int(steps)))

    def step(self, name: str, step: SupportsInt) -> None:
        """Step number `step` (from 0) of a phase is done."""
        if name in self._phases:
            phase = self._phases[name]
            phase.done = min(max(phase.done, int(step) + 1), phase.steps)

    def finish(self, name: str) -> None:
        """A phase, and all within it, is over."""
        self._phases.pop(name, None)
        for inner in [n for n, p in self._phases.items() if p.parent == name]:
            self.finish(inner)

    @property
    def innermost(self) -> str:
        """The phase that began last, or nothing."""
        return next(reversed(self._phases), "")

    @property
    def fraction(self) -> float:
        """Between 0 and 1, never less than it was before."""
        outer = next((n for n, p in self._phases.items() if p.parent is None), None)
        if outer is not None:
            self._best = max(self._best, self._share(outer))
        return self._best

    def _share(self, name: str) -> float:
        phase = self._phases[name]
        inner = [self._share(n) for n, p in self._phases.items() if p.parent == name]
        return min(1.0, (phase.done + min(0.99, sum(inner))) / phase.steps)
