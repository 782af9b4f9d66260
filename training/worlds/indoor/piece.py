"""A thing that can be put down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A thing to put down: its size (width x, depth y, height z) in metres and how to draw it.

    It is drawn in its own frame: origin on the floor under its middle, front towards +y. `z0` is its lower edge above
    the floor, for things on walls or ceilings.
    """

    width: float
    depth: float
    height: float
    draw: Callable[[], None]
    z0: float = 0.0
