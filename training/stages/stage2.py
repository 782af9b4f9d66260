"""Stage 2, the realism-invariant labeler: labelled sets, and those of stage 1's labels that were selected."""

from __future__ import annotations

from dataclasses import replace

from dap_core.errors import InputError
from training.config import StageConfig, TrainingSet
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256
from training.pseudo.selection import Selection
from training.recipe import Mix, Recipe
from training.stages.folder import RunFolder


def stage2_config(recipe: Recipe, run: RunFolder) -> StageConfig:
    """Stage 2 of a recipe in a run that has labels and a selection.

    The share of a set is that of the recipe times what was selected of it; a set without any is left out.

    InputError where stage 1, its labels or the selection are missing, or nothing was selected at all.
    """
    if not run.selection.is_file():
        raise InputError(f"no {run.selection}: run dap train select first, or dap train all")
    selection = Selection.read(run.selection)
    labeler = run.checkpoint(1, recipe.stages["stage1"])
    sha256, chosen = file_sha256(labeler), []
    for described in recipe.unlabelled:
        images = PreparedSet(described.path)
        labels = run.labels(1, images.name)
        if kept := len(selection.subset(LabelledSet(images, sha256, labels))):
            pseudo = replace(described, labeler=sha256, labels=str(labels), selection=str(run.selection))
            chosen.append(replace(pseudo, share=described.share * kept / len(images)))
    if not chosen:
        raise InputError(f"{run.selection}: nothing was selected; let `selection` of the recipe keep more")
    return mixed(recipe, recipe.stages["stage2"], recipe.mixes["stage2"], chosen, str(labeler))


def mixed(recipe: Recipe, config: StageConfig, mix: Mix, pseudo: list[TrainingSet], previous: str) -> StageConfig:
    """`config` on labelled sets and `pseudo` in the mix's shares, from the checkpoint `previous` or from scratch."""
    sets = _scaled(recipe.labelled, 1.0 - mix.pseudo_share) + _scaled(tuple(pseudo), mix.pseudo_share)
    if mix.start == "scratch":
        first = recipe.stages["stage1"]
        return replace(config, sets=sets, initial=first.initial, initial_backbone=first.initial_backbone)
    return replace(config, sets=sets, initial=previous, initial_backbone=None)


def _scaled(sets: tuple[TrainingSet, ...], share: float) -> tuple[TrainingSet, ...]:
    total = sum(one.share for one in sets)
    return tuple(replace(one, share=one.share * share / total) for one in sets)
