"""Settings of components: fields of frozen dataclasses that say what they mean and what they may be.

A component's configuration is a frozen dataclass whose fields are made by `setting`. ROS parameters, parameter files
and their documentation are all read from these fields, so that every setting is described once.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from dap_core.errors import InputError

#: start: fixed when the process starts; configure: taken when the node is configured; dynamic: with the next frame.
When = Literal["start", "configure", "dynamic"]

S = TypeVar("S")

#: ROS takes an integer for no floating-point number, so that the latter is to be recognised.
_KINDS = {bool: "true or false", int: "an integer", float: "a number with a decimal point", str: "a string"}


def setting(
    default: Any,
    description: str,
    when: When = "dynamic",
    *,
    choices: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A dataclass field with its description, its bounds (inclusive) and when a change takes effect.

    `default` is a bool, int, float, str or tuple of str; `choices` limit a string, or every string of a tuple.
    """
    metadata = {"description": description, "when": when, "choices": tuple(choices), "low": low, "high": high}
    return dataclasses.field(default=default, metadata=metadata)


def group(kind: type) -> Any:
    """A dataclass field that holds a component's settings, `kind()` by default; their names get its name and a dot."""
    return dataclasses.field(default_factory=kind)


def fields(kind: type, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Full names (`scan.min_height`) and fields of all settings of a dataclass, groups included, in order."""
    hints = typing.get_type_hints(kind)
    for f in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[f.name]):
            yield from fields(hints[f.name], f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, f


def fault(name: str, f: dataclasses.Field[Any], value: Any) -> str | None:
    """Why a value is not allowed for a setting, in one line; None when it is."""
    m = f.metadata
    if isinstance(f.default, tuple):
        if not isinstance(value, (tuple, list)) or not all(isinstance(v, str) for v in value):
            return f"{name} is a list of strings, got {value!r}"
        wrong = [v for v in value if m["choices"] and v not in m["choices"]]
        return f"{name} takes {', '.join(m['choices'])}, got {wrong[0]!r}" if wrong else None
    if type(value) is not type(f.default):
        return f"{name} is {_KINDS[type(f.default)]}, got {value!r}"
    if m["choices"] and value not in m["choices"]:
        return f"{name} is one of {', '.join(m['choices'])}, got {value!r}"
    # Also refuses nan, which compares false with everything.
    if m["low"] is not None and not m["low"] <= value <= m["high"]:
        return f"{name} lies between {m['low']:g} and {m['high']:g}, got {value!r}"
    return None


def build(kind: type[S], values: Mapping[str, Any], prefix: str = "") -> S:
    """The dataclass from full names and values; what is not named keeps its default.

    Raises InputError for an unknown name, a value that is not allowed, or values that do not go together.
    """
    known = dict(fields(kind, prefix))
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"unknown setting {unknown[0]!r}; known: {', '.join(known)}")
    for name, value in values.items():
        reason = fault(name, known[name], value)
        if reason:
            raise InputError(reason)
    return _assemble(kind, values, prefix)


def flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings, as YAML has them, with full names: {"scan": {"range_max": 5.0}} -> {"scan.range_max": 5.0}."""
    result: dict[str, Any] = {}
    for name, value in mapping.items():
        result |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return result


def _assemble(kind: type[S], values: Mapping[str, Any], prefix: str) -> S:
    hints, parts = typing.get_type_hints(kind), {}
    for f in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = prefix + f.name
        if dataclasses.is_dataclass(hints[f.name]):
            parts[f.name] = _assemble(hints[f.name], values, f"{name}.")
        elif name in values:
            parts[f.name] = tuple(values[name]) if isinstance(f.default, tuple) else values[name]
    return kind(**parts)
