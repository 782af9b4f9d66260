"""Stage 3, DAP: labelled sets, and all others as stage 2 labels them."""

from __future__ import annotations

from dataclasses import replace

from training.config import StageConfig
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256
from training.recipe import Recipe
from training.stages.folder import RunFolder
from training.stages.stage2 import mixed


def stage3_config(recipe: Recipe, run: RunFolder) -> StageConfig:
    """Stage 3 of a recipe in a run that has stage 2 and its labels; InputError where they are missing."""
    labeler = run.checkpoint(2, recipe.stages["stage2"])
    sha256 = file_sha256(labeler)
    pseudo = [
        replace(described, labeler=sha256, labels=str(run.labels(2, PreparedSet(described.path).name)))
        for described in recipe.unlabelled
    ]
    return mixed(recipe, recipe.stages["stage3"], recipe.mixes["stage3"], pseudo, str(labeler))
