"""Configuration of a stage: frozen dataclasses, read from YAML; unknown keys and wrong types are errors."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from dap_core.errors import InputError
from training.losses.total import LossWeights

T = TypeVar("T")


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
class TrainingSet:
    """A prepared set (see `dap data prepare`) in the folder `path`, and its `share` of the samples that are drawn.

    Its own ranges are trained on, or those of the labeler whose sha256 `labeler` is, in the folder `labels` (by default
    `labels` within the set). `selection` is a file that says which samples, see `training.pseudo.selection`.
    """

    path: str
    share: float = 1.0
    labeler: str | None = None
    labels: str | None = None
    selection: str | None = None


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
    """Everything that determines a run of the trainer.

    Samples come from `sets` in turns, by their shares, whatever the phase; where there are none, from the procedural
    worlds of `data`. Validation is on the first `validation_scenes` of each of `held_out`, or of the worlds.
    """

    preset: str = "dap-tiny"
    shape: dict[str, Any] | None = None  #: fields of the preset's configuration that are other than the preset's
    seed: int = 0
    phases: tuple[Phase, ...] = (Phase(height=128, batch=32, steps=10_000),)
    data: WorldsData = field(default_factory=WorldsData)
    sets: tuple[TrainingSet, ...] | None = None
    held_out: tuple[str, ...] | None = None  #: folders of prepared sets
    augment: Augment = field(default_factory=Augment)
    loss: LossWeights = field(default_factory=LossWeights)
    far_beyond_m: float | None = 100.0  #: threshold of the range mask; none: no mask, nothing is far
    optimizer: Optimizer = field(default_factory=Optimizer)
    precision: str = "bf16-mixed"
    accumulate: int = 1  #: parts that a process's share of a batch is gone through in
    workers: int = 1
    validation_scenes: int = 64
    validate_every: int = 1_000
    checkpoint_every: int = 500
    log_every: int = 20
    ladder: int = 0  #: checkpoints kept on the way, evenly spaced, the last at the end
    tensorboard: bool = True  #: where it is installed
    initial: str | None = None  #: a checkpoint to start from
    initial_backbone: str | None = None  #: a file of DINOv3 weights to start the backbone from

    def __post_init__(self) -> None:
        if self.accumulate < 1:
            raise InputError(f"accumulate must be at least 1, got {self.accumulate}")
        if not 0 <= self.ladder <= self.steps:
            raise InputError(f"a ladder has at most a rung for each of the {self.steps} steps, got {self.ladder}")
        if self.far_beyond_m is not None and not self.far_beyond_m > 0:
            raise InputError(f"far_beyond_m must be above 0 metres, got {self.far_beyond_m:g}")

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

    @property
    def rungs(self) -> tuple[int, ...]:
        """Steps after which a checkpoint of the ladder is written."""
        return tuple(sorted({-(-self.steps * rung // self.ladder) for rung in range(1, self.ladder + 1)}))

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
    return build_config(read_values(path), str(path))


def read_values(path: str | Path) -> Any:
    """What a YAML (or JSON) file says; InputError where it cannot be read."""
    try:
        text = Path(path).read_text()
    except OSError as error:
        raise InputError(f"{path}: cannot read the configuration ({error.strerror})") from None
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def build_config(values: Any, where: str) -> StageConfig:
    """The configuration of plain values, defaults for what they do not name; InputError names `where` and the key."""
    return build_dataclass(StageConfig, values, where)


def build_dataclass(kind: type[T], values: Any, where: str) -> T:
    """A frozen dataclass of plain values, unknown keys and wrong types being errors; InputError as above."""
    return cast(T, _build(kind, values, where))


def _build(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected a mapping, got {value!r}")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(value) - set(hints), key=str)
        if unknown:
            raise InputError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(hints)}")
        missing = [f.name for f in dataclasses.fields(kind) if _required(f) and f.name not in value]
        if missing:
            raise InputError(f"{where}: missing key {missing[0]!r}")
        return kind(**{key: _build(hints[key], item, f"{where}: {key}") for key, item in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, (list, tuple)) or not value:
            raise InputError(f"{where}: expected a non-empty list, got {value!r}")
        return tuple(_build(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin in (typing.Union, types.UnionType):
        return None if value is None or value == "none" else _build(arguments[0], value, where)
    if kind is Any:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kind = origin or kind
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"{where}: expected {kind.__name__}, got {value!r}")
    return value


def _required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
