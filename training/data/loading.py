"""Reading a run's batches ahead in other processes, and saying clearly what went wrong there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dap_core.errors import InputError

Batch = tuple[Tensor, Tensor]


def step_loader(steps: Dataset[Batch], start: int = 0, workers: int = 0, pinned: bool = False) -> Iterator[Batch]:
    """The items of `steps` from `start` on, prepared ahead by that many processes; the same whatever their number.

    `pinned` puts them where a GPU can fetch them by itself. Raises what a worker raised; see `worker_died` for one that
    raised nothing.
    """
    loader: DataLoader = DataLoader(
        steps,
        batch_size=None,
        sampler=range(start, len(steps)),  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="spawn" if workers else None,
        pin_memory=pinned,
    )
    return _said_on_one_line(iter(loader))


def _said_on_one_line(batches: Iterator[Batch]) -> Iterator[Batch]:
    """What a worker raises comes with its traceback around it."""
    try:
        yield from batches
    except InputError as error:
        text = str(error).strip().splitlines()[-1]
        raise InputError(text.removeprefix(f"{InputError.__module__}.{InputError.__qualname__}: ")) from None


@contextmanager
def workers_alive(state: Path) -> Iterator[None]:
    """A data worker that was killed, in one line; torch tells of it wherever the loop over its batches happens to be.

    `state` is what the loop goes on from.
    """
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        if not worker_died(error):
            raise
        with suppress(RuntimeError):  # the signal of its death, for which torch raises again, may still be on its way
            time.sleep(0.2)
        raise InputError(
            f"a data worker died (killed, or out of memory: fewer `workers` need less); the same command goes on from "
            f"{state}"
        ) from None


def worker_died(error: Exception) -> bool:
    """Whether `error` is how one learns of a worker that was killed: from torch, at any moment, or from its pipe."""
    said = str(error)
    if "in DataLoader worker process" in said:  # raised by a worker, which lives
        return False
    return "DataLoader worker (pid" in said or isinstance(error, (ConnectionError, EOFError))
