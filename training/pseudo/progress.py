"""How long work tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable

#: Told what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """For work that nobody watches."""
