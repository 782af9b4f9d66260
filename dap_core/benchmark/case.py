"""One thing to measure, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from dap_core.errors import InputError


@dataclass(frozen=True)
class Case:
    """A model at one resolution and batch on one backend.

    model      as people call it: a preset's name, or a file's without its suffix
    weights    "bundled", "own", or "random" where only speed is to be had from it
    height     rows of the panorama, which has twice as many columns
    backend    of `dap_core.backends`, with a form after a colon where it has several: openvino:f32, torch:compiled
    threads    CPU threads of one inference
    """

    model: str
    weights: str
    height: int
    batch: int
    backend: str
    threads: int

    @property
    def input(self) -> str:
        """Rows x columns."""
        return f"{self.height}x{2 * self.height}"

    @property
    def subject(self) -> tuple[str, str, int, int]:
        """What is computed, whoever computes it."""
        return self.model, self.weights, self.height, self.batch


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one run, from images in memory to depth in memory, over `frames` runs; seconds of opening."""

    frames: int
    median_ms: float
    p95_ms: float
    min_ms: float
    open_s: float


@dataclass(frozen=True)
class Memory:
    """Most of the process's resident memory, interpreter and libraries included, in MB (10^6 bytes): while the model
    was opened and first run, while it ran on, and on the GPU; None where that is not known."""

    open_mb: float | None
    run_mb: float | None
    gpu_mb: float | None = None


@dataclass(frozen=True)
class Difference:
    """From another run of the same weights on the same picture: relative range difference over its pixels (median,
    99th percentile), and the share of pixels on another side of the far threshold."""

    reference: str
    median: float
    p99: float
    far_flips: float


@dataclass(frozen=True)
class PeakShare:
    """Rate of the model's products over that of matrix products by the same backend in the same minute (median over
    turns), and that backend's rate then: the median and the best, GFLOP/s."""

    share: float
    peak_gflops: float
    best_gflops: float


@dataclass(frozen=True)
class Against:
    """How many times faster than another run of the same weights, turn by turn: median and quartiles of the ratios."""

    what: str
    ratio: float
    ratio_low: float
    ratio_high: float
    median_ms: float
    difference: Difference | None


@dataclass(frozen=True)
class Result:
    """What was found of a case: `error` says in one line why there is nothing else.

    what           the backend's own words: library, version, precision, device
    precision      float32, tf32, bf16, fp16 or int8
    native_height  rows that the model was made for
    flops          floating point operations of one run's products; elements: numbers that they read and write
    note           what could not be measured beside it
    """

    case: Case
    what: str = ""
    precision: str = ""
    native_height: int | None = None
    latency: Latency | None = None
    memory: Memory | None = None
    flops: int | None = None
    elements: int | None = None
    difference: Difference | None = None
    peak: PeakShare | None = None
    against: Against | None = None
    note: str | None = None
    error: str | None = None

    @property
    def images_per_s(self) -> float | None:
        """Panoramas a second, one run after the other."""
        return None if self.latency is None else 1e3 * self.case.batch / self.latency.median_ms

    @property
    def median_ms(self) -> float | None:
        """Of one run."""
        return None if self.latency is None else self.latency.median_ms

    @property
    def p95_ms(self) -> float | None:
        """Of one run."""
        return None if self.latency is None else self.latency.p95_ms

    @property
    def most_mb(self) -> float | None:
        """What the machine must have for it."""
        known = [] if self.memory is None else [self.memory.open_mb, self.memory.run_mb]
        return max((mb for mb in known if mb is not None), default=None)

    @property
    def off_by(self) -> float | None:
        """Median relative range difference from float32."""
        return None if self.difference is None else self.difference.median

    @property
    def far_flips(self) -> float | None:
        """Share of pixels on another side of the far threshold than in float32."""
        return None if self.difference is None else self.difference.far_flips

    def to_json(self) -> dict[str, Any]:
        """As nested dicts of numbers and text."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Result:
        """What `to_json` gave; InputError for anything else."""
        return _read(cls, values)


_PARTS: dict[str, type] = {
    "Case": Case,
    "Latency": Latency,
    "Memory": Memory,
    "Difference": Difference,
    "PeakShare": PeakShare,
    "Against": Against,
}
_NUMBERS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}


def _read(kind: type, values: object) -> Any:
    """A dataclass of this module from what JSON gave for it."""
    if not isinstance(values, Mapping):
        raise InputError(f"a {kind.__name__} is an object, got {str(values)[:40]!r}")
    names = {field.name for field in fields(kind)}
    if unknown := sorted(values.keys() - names):
        raise InputError(f"unknown key in a {kind.__name__}: {', '.join(map(str, unknown))}")
    arguments = {}
    for field in fields(kind):
        if field.name not in values:
            continue
        type_name, _, optional = str(field.type).partition(" | ")
        value = values[field.name]
        if not (value is None and optional):
            if type_name in _PARTS:
                value = _read(_PARTS[type_name], value)
            elif not isinstance(value, _NUMBERS[type_name]) or isinstance(value, bool):
                raise InputError(f"{field.name} of a {kind.__name__} is a {type_name}, got {str(value)[:40]!r}")
        arguments[field.name] = value
    try:
        return kind(**arguments)
    except TypeError:
        missing = [field.name for field in fields(kind) if field.name not in arguments]
        raise InputError(f"missing in a {kind.__name__}: {', '.join(missing)}") from None
