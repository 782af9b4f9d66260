"""Configuration of a stage: frozen dataclasses, read from YAML; unknown keys and wrong types are errors."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from dap_core.errors import InputError
from training.losses.total import LossWeights


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one resolution: `steps` optimizer steps of `batch` panoramas (all ranks together).

    `scenes` distinct scenes are used. Where `start` is given, the n-th step of the phase draws from the first
    `start + growth * n` of them only, so that training can begin while a renderer fills the rest ahead of it; the draw
    does not depend on how far the renderer has come.
    """

    height: int
    batch: int
    steps: int
    scenes: int = 10_000
    start: int | None = None
    growth: float = 0.0

    def available(self, step: int) -> int:
        """Scenes that the `step`-th step of this phase draws from."""
        return self.scenes if self.start is None else int(min(self.scenes, self.start + self.growth * step))


@dataclass(frozen=True)
class WorldsData:
    """Procedural panoramas, rendered on demand and kept in `folder`, one store for each height of the phases.

    `kinds` names the kinds of world to train on, in turns; all of them by their own shares when absent. Validation and
    test scenes are always of all kinds.
    """

    folder: str = "runs/worlds"
    seed: int = 0
    kinds: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Augment:
    """Random roll and flip, and colour jitter in the paper's ranges (factors about 1, hue in turns)."""

    roll: bool = True
    flip: bool = True
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.1
    blur: float = 0.2  #: probability of a slight blur
    noise: float = 0.02  #: largest standard deviation of added noise
    grey: float = 0.05  #: probability of a grey picture


@dataclass(frozen=True)
class Optimizer:
    """Adam with decoupled weight decay, linear warm-up, cosine decay to `final` of the learning rate."""

    learning_rate: float = 5e-5
    backbone_learning_rate: float | None = None  #: of parameters under `backbone.`; the same rate when absent
    weight_decay: float = 0.01
    warmup: int = 500
    final: float = 0.02
    clip: float = 1.0
    ema: float = 0.999


@dataclass(frozen=True)
class StageConfig:
    """Everything that determines a run of stage 1."""

    preset: str = "dap-tiny"
    seed: int = 0
    phases: tuple[Phase, ...] = (Phase(height=128, batch=32, steps=10_000),)
    data: WorldsData = field(default_factory=WorldsData)
    augment: Augment = field(default_factory=Augment)
    loss: LossWeights = field(default_factory=LossWeights)
    optimizer: Optimizer = field(default_factory=Optimizer)
    precision: str = "bf16-mixed"
    workers: int = 1
    validation_scenes: int = 64
    validate_every: int = 1_000
    checkpoint_every: int = 500
    log_every: int = 20
    initial: str | None = None  #: a checkpoint to start from

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> tuple[Phase, int]:
        """The phase that optimizer step `step` (from 0) belongs to, and which of its steps it is."""
        for phase in self.phases:
            if step < phase.steps:
                return phase, step
            step -= phase.steps
        raise IndexError(f"the run has {self.steps} steps")

    def samples_before(self, step: int) -> int:
        """Panoramas seen by all ranks before `step`."""
        seen = 0
        for phase in self.phases:
            taken = min(step, phase.steps)
            seen += taken * phase.batch
            step -= taken
        return seen


def load_config(path: str | Path) -> StageConfig:
    """Read a YAML (or JSON) file; InputError names the file, the key and what would be right."""
    try:
        text = Path(path).read_text()
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration ({error.strerror})") from None
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return build_config(values, str(path))


def build_config(values: Any, where: str) -> StageConfig:
    """The configuration of plain values, defaults for what they do not name; InputError names `where` and the key."""
    return cast(StageConfig, _build(StageConfig, values, where))


def _build(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected a mapping, got {value!r}")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise InputError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(hints)}")
        return kind(**{key: _build(hints[key], item, f"{where}: {key}") for key, item in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, list) or not value:
            raise InputError(f"{where}: expected a non-empty list, got {value!r}")
        return tuple(_build(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _build(arguments[0], value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"{where}: expected {kind.__name__}, got {value!r}")
    return value
