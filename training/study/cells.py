"""The cells of the study: what is trained, once for every seed, and which rows of which table it gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from training.recipe import STAGES, Recipe, build_recipe, merged

#: Losses of the paper's Table 5, switched off.
NO_DISTORTION = {"loss": {"distortion": False}}
NO_GEOMETRY = {"loss": {"normal": 0.0, "points": 0.0}}
NO_SHARPNESS = {"loss": {"dense_fidelity": 0.0, "gradient": 0.0}}


@dataclass(frozen=True)
class Variant:
    """One way of training: what is other than in the recipe in every stage; whether all stages are run, or the first
    alone; and if it is stage 1 for as many steps as all three together.
    """

    name: str
    changes: dict[str, Any] = field(default_factory=dict, hash=False)
    whole: bool = False
    longer: bool = False

    def recipe(self, values: dict[str, Any], where: str, seed: int) -> Recipe:
        """The study's recipe, of plain values, as this variant trains it."""
        recipe = build_recipe(merged(values, {"seed": seed, "every_stage": self.changes}), where, "study")
        if not self.longer:
            return recipe
        first, steps = recipe.stages["stage1"], sum(stage.steps for stage in recipe.stages.values())
        phases = tuple(replace(phase, steps=phase.steps * steps // first.steps) for phase in first.phases)
        return replace(recipe, stages={**recipe.stages, "stage1": replace(first, phases=phases)})


@dataclass(frozen=True)
class Cell:
    """A variant with one seed."""

    variant: Variant
    seed: int

    @property
    def name(self) -> str:
        """Of its folder, and of what it says."""
        return f"{self.variant.name}-seed{self.seed}"

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages that it runs."""
        return STAGES if self.variant.whole else STAGES[:1]


@dataclass(frozen=True)
class Row:
    """A row of a table: its label, and where its figures come from."""

    label: str
    variant: str
    stage: str = "stage1"


@dataclass(frozen=True)
class Table:
    """A table of the study; differences are to the row `reference`."""

    name: str
    title: str
    rows: tuple[Row, ...]
    reference: int = 0


PIPELINE, LONGER = Variant("pipeline", whole=True), Variant("stage1-longer", longer=True)
LOSSES = {
    "silog": merged(merged(NO_DISTORTION, NO_GEOMETRY), NO_SHARPNESS),
    "distortion": merged(NO_GEOMETRY, NO_SHARPNESS),
    "distortion-geometry": NO_SHARPNESS,
    "distortion-sharpness": NO_GEOMETRY,
}
MASKS: dict[str, float | None] = {"mask-10m": 10.0, "mask-20m": 20.0, "mask-50m": 50.0, "no-mask": None}

#: The longest first, so that processes end together.
VARIANTS = (
    PIPELINE,
    LONGER,
    *(Variant(name, changes) for name, changes in LOSSES.items()),
    *(Variant(name, {"far_beyond_m": threshold}) for name, threshold in MASKS.items()),
)

TABLES = (
    Table(
        "stages",
        "What the stages are worth",
        (
            Row("stage 1", "pipeline"),
            Row("stage 1, as many steps as all three", "stage1-longer"),
            Row("stage 2", "pipeline", "stage2"),
            Row("stage 3", "pipeline", "stage3"),
        ),
        reference=1,  # more steps alone help too
    ),
    Table(
        "losses",
        "What the losses are worth (the paper's Table 5)",
        (
            Row("SILog and mask alone", "silog"),
            Row("+ distortion weight", "distortion"),
            Row("+ distortion, geometry (normals, points)", "distortion-geometry"),
            Row("+ distortion, sharpness (dense fidelity, gradient)", "distortion-sharpness"),
            Row("all", "pipeline"),
        ),
    ),
    Table(
        "threshold",
        "What the range mask's threshold is worth (the paper's Table 6)",
        (
            Row("10 m", "mask-10m"),
            Row("20 m", "mask-20m"),
            Row("50 m", "mask-50m"),
            Row("100 m", "pipeline"),
            Row("no mask", "no-mask"),
        ),
        reference=3,
    ),
)
