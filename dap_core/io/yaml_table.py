"""Mappings of a YAML file, taken key by key: what is missing, unknown or of the wrong kind is one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dap_core.errors import InputError


def read_yaml(path: str | Path) -> Table:
    """The mapping that a YAML file (or a JSON file) holds; also as OpenCV writes it, with `%YAML:1.0` for a header."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not text'}") from None
    if text.startswith("%YAML:"):
        text = text.partition("\n")[2]
    try:
        values = yaml.safe_load(text)
    # ValueError: the constructor of dates; RecursionError: brackets without end.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())[:200]})") from None
    return Table(values, str(path))


class Table:
    """A mapping whose keys are taken one after the other; `done` refuses those that nobody took.

    `where` names the file and the place in it. All methods raise InputError with that and the key.
    """

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, Mapping):
            raise InputError(f"{where}: a mapping of keys to values is expected, got {_short(values)}")
        self._values, self.where = dict(values), where
        self._taken: set[Any] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def is_list(self, key: str) -> bool:
        """Whether a key holds a list."""
        return isinstance(self._values.get(key), list)

    def names(self) -> list[str]:
        """The keys that are strings, in the file's order."""
        return [key for key in self._values if isinstance(key, str)]

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        return self._number(self._take(key, default), key)

    def numbers(self, key: str, count: int, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """A list of `count` finite numbers."""
        values = self._take(key, default)
        if not isinstance(values, (list, tuple)) or len(values) != count:
            raise self.fault(key, f"is a list of {count} numbers, got {_short(values)}")
        return tuple(self._number(v, key) for v in values)

    def whole(self, key: str, count: int, low: int, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A list of `count` whole numbers of at least `low`."""
        values = self.numbers(key, count, default)
        if any(v != int(v) or v < low for v in values):
            raise self.fault(key, f"holds whole numbers of at least {low}, got {_short(self._values[key])}")
        return tuple(int(v) for v in values)

    def matrix(self, key: str, rows: int, columns: int) -> tuple[tuple[float, ...], ...]:
        """A list of `rows` lists of `columns` finite numbers."""
        values = self._take(key)
        shaped = isinstance(values, list) and len(values) == rows
        if not shaped or any(not isinstance(row, list) or len(row) != columns for row in values):
            raise self.fault(key, f"is a {rows}x{columns} matrix, a list of rows, got {_short(values)}")
        return tuple(tuple(self._number(v, key) for v in row) for row in values)

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.fault(key, f"is a string, got {_short(value)}")
        return value

    def table(self, key: str) -> Table:
        """A mapping."""
        return Table(self._take(key), f"{self.where}: {key}")

    def tables(self, key: str) -> list[Table]:
        """A list of mappings, not empty."""
        values = self._take(key)
        if not isinstance(values, list) or not values:
            raise self.fault(key, f"is a list of mappings, got {_short(values)}")
        return [Table(value, f"{self.where}: {key}[{i}]") for i, value in enumerate(values)]

    def done(self) -> None:
        """Refuse keys that were not taken."""
        unknown = [key for key in self._values if key not in self._taken]
        if unknown:
            raise InputError(
                f"{self.where}: unknown key {_short(unknown[0])}; known are {', '.join(sorted(self._taken))}"
            )

    def fault(self, key: str, text: str) -> InputError:
        """The error that says so about a key."""
        return InputError(f"{self.where}: {key} {text}")

    def _take(self, key: str, default: Any = None) -> Any:
        self._taken.add(key)
        value = self._values.get(key, default)
        if value is None:
            raise InputError(f"{self.where}: {key} is missing")
        return value

    def _number(self, value: Any, key: str) -> float:
        # YAML 1.1 reads 1e-3, without a point, as a string.
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                number = math.nan
            if math.isfinite(number):
                return number
        raise self.fault(key, f"takes finite numbers, got {_short(value)}")


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
