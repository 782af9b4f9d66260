"""Stage 1, the scene-invariant labeler: a preset trained on panoramas with exact range."""

from __future__ import annotations

from pathlib import Path

import torch

from dap_core.errors import InputError
from dap_core.model import PRESETS, build, load_checkpoint
from training.config import StageConfig
from training.trainer import fit


def train_stage1(
    config: StageConfig, folder: Path, restart: bool = False, device: str = "auto", accept_changes: bool = False
) -> Path:
    """Train `config.preset` from scratch, or from `config.initial`; returns the path of the checkpoint."""
    torch.manual_seed(config.seed)
    if config.preset not in PRESETS:
        raise InputError(f"unknown preset {config.preset!r}; known: {', '.join(PRESETS)}")
    if config.initial is None:
        model = build(PRESETS[config.preset])
    else:
        model = load_checkpoint(config.initial)
        if model.config != PRESETS[config.preset]:
            raise InputError(f"{config.initial} holds {model.config.name}, not the preset {config.preset}")
    return fit(model, config, folder, restart, device, accept_changes)
