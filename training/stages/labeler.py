"""What the stages have in common: a preset, what it starts from, and one run of the trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import torch
from torch import nn

from dap_core.errors import InputError
from dap_core.model import PRESETS, build, load_checkpoint
from dap_core.model.dinov3 import load_backbone
from dap_core.model.presets import ModelConfig, config_from_json, config_to_json
from dap_core.model.range_mask import NEVER_FAR
from dap_core.model.released import Dap
from dap_core.model.tiny import DapTiny
from training.config import StageConfig
from training.display import SILENT, Display
from training.trainer import final_checkpoint, fit, is_finished


def train(
    config: StageConfig,
    folder: Path,
    restart: bool = False,
    device: str = "auto",
    accept_changes: bool = False,
    display: Display = SILENT,
) -> Path:
    """Train what `config` describes in `folder`; returns the path of the checkpoint. A finished run is left alone."""
    model = starting_model(config)
    if not restart and is_finished(model, config, folder):
        return final_checkpoint(model, folder)
    return fit(model, config, folder, restart, device, accept_changes, display)


def starting_model(config: StageConfig) -> Dap | DapTiny:
    """The preset before the first step: from scratch, on a backbone's weights, or from a checkpoint of the same shape.

    InputError where what is to be started from does not fit the preset.
    """
    shape = model_shape(config)
    torch.manual_seed(config.seed)
    if config.initial is not None:
        if config.initial_backbone is not None:
            raise InputError("a run starts from `initial` or from `initial_backbone`, not from both")
        model = load_checkpoint(config.initial)
        if model.config != shape:
            raise InputError(f"{config.initial} holds {model.config.name}, which is not {config.preset} as it is here")
    else:
        model = build(shape)
        if config.initial_backbone is not None:
            load_backbone(cast(Dap, model), config.initial_backbone)
    if config.far_beyond_m is None:
        _silence_mask(model)
    return model.train()


def model_shape(config: StageConfig) -> ModelConfig:
    """The preset's configuration with the run's own fields in it; InputError for one that is not there."""
    if config.preset not in PRESETS:
        raise InputError(f"unknown preset {config.preset!r}; known: {', '.join(PRESETS)}")
    values = json.loads(config_to_json(PRESETS[config.preset]))
    return config_from_json(json.dumps({**values, **(config.shape or {})}))


def _silence_mask(model: Dap | DapTiny) -> None:
    """Make far an answer that is never given; without a mask loss nothing changes that."""
    head = model.far_head.out if isinstance(model, Dap) else model.head
    first = 0 if isinstance(model, Dap) else head.out_channels // 2  # the second half of dap-tiny's head is far
    with torch.no_grad():
        head.weight[first:] = 0.0
        cast(nn.Parameter, head.bias)[first:] = NEVER_FAR
