"""Readers of the data sets that the pipeline is made from, one module each.

A reader is a frozen dataclass with `kind`, `labelled`, `sources()`, the names of what there is to read, in an order
that does not change, and `read(source, height)`, the samples in one of them at a height; a source that is damaged
raises InputError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol

from training.data.sample import Sample


class Reader(Protocol):
    """See the module. Readers travel to worker processes, so they are picklable and open nothing when made."""

    kind: ClassVar[str]

    @property
    def labelled(self) -> bool: ...

    def sources(self) -> Sequence[str]: ...

    def read(self, source: str, height: int) -> Iterator[Sample]: ...
