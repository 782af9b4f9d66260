"""Stage 1, the scene-invariant labeler: a preset trained on panoramas with exact range."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from training.config import StageConfig
from training.display import SILENT, Display
from training.recipe import Recipe
from training.stages.labeler import train


def stage1_config(recipe: Recipe) -> StageConfig:
    """Stage 1 of a recipe: all of the labelled sets."""
    return replace(recipe.stages["stage1"], sets=recipe.labelled)


def train_stage1(
    config: StageConfig,
    folder: Path,
    restart: bool = False,
    device: str = "auto",
    accept_changes: bool = False,
    display: Display = SILENT,
) -> Path:
    """Train `config.preset` from scratch, or from what `config` names; returns the path of the checkpoint."""
    return train(config, folder, restart, device, accept_changes, display)
