"""A recipe: the three stages, what they are trained on and what is between them, in one YAML file."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dap_core.errors import InputError
from training.config import StageConfig, TrainingSet, build_config, build_dataclass, read_values
from training.cost import Machine
from training.pseudo.discriminator import DiscriminatorConfig
from training.pseudo.selection import SelectionConfig

#: Where recipes that come with the package lie: in the repository, and where it was installed from.
_HERE = Path(__file__).resolve()
FOLDERS = (
    _HERE.parents[1] / "config" / "training",
    _HERE.parents[min(4, len(_HERE.parents) - 1)] / "share" / "dap_ros" / "config" / "training",
)

STAGES = ("stage1", "stage2", "stage3")
STARTS = ("previous", "scratch")


@dataclass(frozen=True)
class WorldsSet:
    """A prepared set that the procedural worlds can make: `count` scenes from `seed` on, of one look, in `path`.

    Without `labels` its ranges are not kept, as if it were of a real camera.
    """

    path: str
    count: int
    height: int
    look: str = "synthetic"
    seed: int = 0
    labels: bool = True
    per_shard: int = 250


@dataclass(frozen=True)
class Mix:
    """What stages 2 and 3 are trained on besides the labelled sets: pseudo-labels, as `pseudo_share` of all samples.

    They start from the checkpoint of the stage before ("previous"), or from "scratch" as stage 1 did.
    """

    pseudo_share: float = 0.5
    start: str = "previous"

    def __post_init__(self) -> None:
        if not 0.0 < self.pseudo_share < 1.0:
            raise InputError(f"pseudo_share lies between 0 and 1, got {self.pseudo_share:g}")
        if self.start not in STARTS:
            raise InputError(f"a stage starts from {' or '.join(STARTS)}, got {self.start!r}")


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run of the pipeline.

    prepare        sets that are made where they are missing; all others are there, see `dap data prepare`
    labelled       sets with exact ranges
    unlabelled     sets without, which stages 1 and 2 label
    held_out       folders of sets with ranges that every stage is validated on
    acceptance     those that the discriminator's acceptance test is held on, `held_out` by default
    stages         configuration of each stage; what it is trained on and starts from comes in as it is begun
    mixes          of stages 2 and 3
    label_batch    panoramas that are labelled at once
    """

    name: str
    labelled: tuple[TrainingSet, ...]
    unlabelled: tuple[TrainingSet, ...]
    held_out: tuple[str, ...]
    stages: dict[str, StageConfig]
    mixes: dict[str, Mix]
    acceptance: tuple[str, ...]
    prepare: tuple[WorldsSet, ...] = ()
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    label_batch: int = 8
    machine: Machine | None = None


@dataclass(frozen=True)
class _File:
    """The recipe as its file has it; sections of stages are put together from several places."""

    labelled: tuple[TrainingSet, ...]
    unlabelled: tuple[TrainingSet, ...]
    held_out: tuple[str, ...]
    name: str | None = None
    acceptance: tuple[str, ...] | None = None
    prepare: tuple[WorldsSet, ...] = ()
    discriminator: dict[str, Any] | None = None
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    label_batch: int = 8
    machine: Machine | None = None
    preset: str = "dap-tiny"
    shape: dict[str, Any] | None = None
    seed: int = 0
    every_stage: dict[str, Any] | None = None
    stage1: dict[str, Any] | None = None
    stage2: dict[str, Any] | None = None
    stage3: dict[str, Any] | None = None


def load_recipe(path: Path) -> Recipe:
    """Read a YAML file; InputError names the file, the key and what would be right."""
    return build_recipe(read_values(path), str(path), path.stem)


def is_recipe(path: Path) -> bool:
    """Whether a file is a recipe, or the configuration of one run of the trainer."""
    values = read_values(path)
    return isinstance(values, dict) and "labelled" in values


def build_recipe(values: Any, where: str, name: str) -> Recipe:
    """The recipe of plain values, called `name` if it has none of its own."""
    file = build_dataclass(_File, values, where)
    for described in file.unlabelled:
        if described.labeler or described.labels or described.selection:
            raise InputError(f"{where}: {described.path}: the labels of unlabelled sets are made by the stages")
    stages, mixes = {}, {}
    for number, stage in enumerate(STAGES, 1):
        section = merged(file.every_stage or {}, getattr(file, stage) or {})
        if number > 1:
            keys = {f.name for f in dataclasses.fields(Mix)}
            mix = {key: section.pop(key) for key in keys & set(section)}
            mixes[stage] = build_dataclass(Mix, mix, f"{where}: {stage}")
        own = {"preset": file.preset, "seed": 10 * file.seed + number, "held_out": list(file.held_out)}
        own |= {"ladder": 4} if number == 1 else {}
        own |= {"shape": file.shape} if file.shape else {}
        stages[stage] = build_config({**own, **section}, f"{where}: {stage}")
    if not stages["stage1"].ladder:
        raise InputError(f"{where}: stage1: the discriminator wants checkpoints of the way: ladder 1 at least")
    return Recipe(
        name=file.name or name,
        labelled=file.labelled,
        unlabelled=file.unlabelled,
        held_out=file.held_out,
        stages=stages,
        mixes=mixes,
        acceptance=file.acceptance or file.held_out,
        prepare=file.prepare,
        discriminator=build_dataclass(
            DiscriminatorConfig, {"seed": file.seed, **(file.discriminator or {})}, f"{where}: discriminator"
        ),
        selection=file.selection,
        label_batch=file.label_batch,
        machine=file.machine,
    )


def find(name: str) -> Path:
    """The file of a configuration: a path, or the name of one that comes with the package, as `mini` or `h20/8gpu`.

    A folder stands for the file `default.yaml` in it. InputError names what there is.
    """
    if Path(name).suffix in (".yaml", ".yml", ".json"):
        if not Path(name).is_file():
            raise InputError(f"{name}: cannot read the configuration (no such file)")
        return Path(name)
    for folder in FOLDERS:
        for path in (folder / f"{name}.yaml", folder / name / "default.yaml"):
            if path.is_file():
                return path
    known = sorted({str(p.relative_to(f).with_suffix("")) for f in FOLDERS for p in f.rglob("*.yaml")})
    raise InputError(f"no configuration {name!r}; give a file, or one of {', '.join(known)}")


def merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """`own` over `base`, sections within them alike."""
    result = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
