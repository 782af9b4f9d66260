"""The log of a run: a JSON line for each report, in step with the state that a resumed run continues from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside


class Journal:
    """Writes `log.jsonl` in `folder`, and TensorBoard's events in `folder`/tensorboard if `board` and it is installed.

    Lines of steps after `step`, which a killed run wrote after its last checkpoint, are dropped: they will come again.
    A journal that is not `written` (other ranks) takes everything and writes nothing. Raises InputError where it cannot
    write.
    """

    def __init__(self, folder: Path, step: int, written: bool = True, board: bool = False) -> None:
        self.path, self._file, self._board = folder / "log.jsonl", None, None
        if not written:
            return
        cut(self.path, step)
        try:
            self._file = self.path.open("a")
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from None
        if board:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                return
            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    _file: TextIO | None
    _board: Any

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def write(self, line: dict[str, Any]) -> None:
        """Add a line; `step` is in it."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}") from None
        if self._board is not None:
            for name, value in _numbers(line):
                self._board.add_scalar(name, value, line["step"])

    @property
    def pictures(self) -> bool:
        """Whether pictures are kept."""
        return self._board is not None

    def show(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        """A picture (H, W, 3) for TensorBoard."""
        if self._board is not None:
            self._board.add_image(name, image, step, dataformats="HWC")


def cut(path: Path, step: int) -> None:
    """Drop the lines of `path` that are of later steps than `step`, and what is not a whole line."""
    if not path.exists():
        return
    kept = [text for text in path.read_text().splitlines(keepends=True) if _step_of(text) <= step]
    with written_beside(path) as beside:
        beside.write_text("".join(kept))


def _step_of(text: str) -> float:
    """Step of a line; infinity for what is not a whole line."""
    try:
        return float(json.loads(text)["step"]) if text.endswith("\n") else math.inf
    except (ValueError, KeyError, TypeError):
        return math.inf


def _numbers(values: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    """Every number in a line by its path."""
    found: list[tuple[str, float]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and f"{prefix}{name}" != "step":
            found.append((prefix + name, float(value)))
    return found
