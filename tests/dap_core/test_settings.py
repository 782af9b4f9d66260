"""Settings: names, bounds, and building a configuration from flat names."""

from dataclasses import dataclass

import pytest

from dap_core.errors import InputError
from dap_core.settings import build, fault, fields, flat, group, setting


@dataclass(frozen=True)
class Beam:
    length: float = setting(2.0, "Metres.", low=0.0, high=10.0)
    names: tuple[str, ...] = setting(("a",), "Letters.", choices=("a", "b"))


@dataclass(frozen=True)
class Machine:
    mode: str = setting("slow", "Speed.", "configure", choices=("slow", "fast"))
    count: int = setting(3, "Number.", low=1, high=5)
    on: bool = setting(False, "Switch.")
    beam: Beam = group(Beam)


def test_names_are_dotted_and_in_order() -> None:
    assert [n for n, _ in fields(Machine)] == ["mode", "count", "on", "beam.length", "beam.names"]
    assert dict(fields(Machine))["mode"].metadata["when"] == "configure"


def test_build_takes_flat_names_and_keeps_defaults() -> None:
    made = build(Machine, flat({"count": 5, "beam": {"length": 1.5, "names": ["b", "a"]}}))
    assert made == Machine(count=5, beam=Beam(1.5, ("b", "a"))) and made.mode == "slow"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beam.width": 1.0}, "unknown setting 'beam.width'; known: mode, count"),
        ({"mode": "quick"}, "mode is one of slow, fast, got 'quick'"),
        ({"count": 6}, "count lies between 1 and 5, got 6"),
        ({"count": True}, "count is an integer, got True"),
        ({"beam.length": float("nan")}, "beam.length lies between 0 and 10, got nan"),
        ({"beam.length": 1}, "beam.length is a number with a decimal point, got 1"),
        ({"beam.names": ["a", "c"]}, "beam.names takes a, b, got 'c'"),
        ({"beam.names": "a"}, "beam.names is a list of strings, got 'a'"),
    ],
)
def test_what_is_wrong_is_said(values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("[", ".")):
        build(Machine, values)


def test_a_fault_is_none_where_there_is_none() -> None:
    f = dict(fields(Machine))["beam.length"]
    assert fault("beam.length", f, 10.0) is None and fault("beam.length", f, 10.1) is not None
