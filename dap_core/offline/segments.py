"""A bag that is made piece by piece, so that a run that was stopped, or killed, goes on where it was.

`OUT.part` holds the job's description, and one small bag for each stretch of the input's time that is done; at the end
they are joined into one bag, which takes its place at `OUT` whole.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.io.bag_reader import open_bag
from dap_core.io.bag_writer import SUFFIXES, BagWriter, move_bag

#: About so many panoramas to a segment: what a kill costs at most.
PANORAMAS = 50

_JOB, _MESSAGES = "job.json", "messages"


@dataclass(frozen=True)
class Span:
    """Recording stamps [start_ns, stop_ns) of one segment."""

    start_ns: int
    stop_ns: int


def spans(start_ns: int, end_ns: int, panoramas: int) -> list[Span]:
    """A recording cut into equal times of about PANORAMAS each; `end_ns` is its last stamp."""
    count = max(1, min(-(-panoramas // PANORAMAS), end_ns - start_ns))
    edges = [start_ns + (end_ns - start_ns) * i // count for i in range(count)] + [end_ns + 1]
    return [Span(a, b) for a, b in itertools.pairwise(edges)]


class Segments:
    """The segments of one job, kept in `<out>.part`.

    `job` says what is made of what; segments of another job are of no use and are removed (`started_anew` is then
    true). Raises InputError where `out` exists, or cannot be written.
    """

    def __init__(self, out: Path, job: Mapping[str, Any]) -> None:
        if out.exists():
            raise InputError(f"{out} exists already; give another name or remove it")
        self.out, self.part = out, out.with_name(f"{out.name}.part")
        job = json.loads(json.dumps(job))
        before = _read(self.part / _JOB)
        self.started_anew = self.part.exists() and before != job
        try:
            if self.started_anew:
                shutil.rmtree(self.part)
            self.part.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {self.part}: {error.strerror}") from None
        if before != job:
            _write(self.part / _JOB, job)

    def result(self, index: int) -> dict[str, Any] | None:
        """What `finish` said of a segment; None while it is not done."""
        return _read(self._path(index).with_suffix(".json"))

    def open(self, index: int) -> LazyWriter:
        """A writer for a segment, which takes the place of what is left of an earlier attempt."""
        shutil.rmtree(self._path(index), ignore_errors=True)
        return LazyWriter(self._path(index))

    def finish(self, index: int, result: Mapping[str, Any]) -> None:
        """Note that a segment is done, with figures about it."""
        _write(self._path(index).with_suffix(".json"), result)

    def join(self, count: int, storage: str, compressed: bool, progress: Callable[[int], None]) -> None:
        """Make one bag of the first `count` segments, move it to `out`, and remove the part; calls progress(index)."""
        name = self.out.stem if self.out.suffix in SUFFIXES else self.out.name
        whole = self.part / "joined" / name
        shutil.rmtree(whole.parent, ignore_errors=True)
        whole.parent.mkdir()
        with BagWriter(whole, storage, compressed) as writer:
            for index in range(count):
                if self._path(index).exists():
                    with open_bag(self._path(index)) as bag:
                        for raw in bag.raw():
                            writer.write_like(raw.connection, raw.stamp_ns, raw.data)
                progress(index)
        move_bag(whole, self.out)
        shutil.rmtree(self.part)

    def _path(self, index: int) -> Path:
        return self.part / f"segment_{index:06d}"


class LazyWriter:
    """A BagWriter that is made with its first message, since a bag without any is none. A context, like it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: BagWriter | None = None

    @property
    def writer(self) -> BagWriter:
        """The writer."""
        if self._writer is None:
            self._writer = BagWriter(self._folder)
        return self._writer

    def __enter__(self) -> LazyWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        made: AbstractContextManager[Any] = self._writer or nullcontext()
        made.__exit__(*error)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: Path, values: Mapping[str, Any]) -> None:
    with written_beside(path) as beside:
        beside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
