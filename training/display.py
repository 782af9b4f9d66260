"""What a person sees of work that takes long: bars with the time left, and lines above them."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Display:
    """A bar for each piece of work that reports to it; shows nothing where `shown` is False (other ranks, tests).

    It is called with what is being done, how much of it is done, how much there is, and maybe a note.
    """

    def __init__(self, shown: bool = True) -> None:
        self.shown = shown
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            disable=not shown,
        )
        self._tasks: dict[str, TaskID] = {}

    @property
    def console(self) -> Console:
        return self._bars.console

    def __enter__(self) -> Display:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        if what not in self._tasks:  # what was done before this process says nothing of its speed
            self._tasks[what] = self._bars.add_task(what, total=total, completed=done, note=note)
        self._bars.update(self._tasks[what], completed=done, total=total, note=note)

    def say(self, text: str) -> None:
        """A line above the bars."""
        if self.shown:
            self.console.print(text, highlight=False, soft_wrap=True)


#: For work that nobody watches.
SILENT = Display(shown=False)
