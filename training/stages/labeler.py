"""What the stages have in common: a preset, what it starts from, and one run of the trainer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

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
        if replace(model.config, far_beyond_m=shape.far_beyond_m) != shape:
            raise InputError(f"{config.initial} holds {model.config.name}, which is not {config.preset} as it is here")
    else:
        model = build(shape)
        if config.initial_backbone is not None:
            load_backbone(cast(Dap, model), config.initial_backbone)
    _set_threshold(model, shape)
    return model.train()


def model_shape(config: StageConfig) -> ModelConfig:
    """The preset's configuration with the run's own fields and its range mask's threshold in it.

    InputError for a preset or a field that is not there, and for a threshold beyond the model's range.
    """
    if config.preset not in PRESETS:
        raise InputError(f"unknown preset {config.preset!r}; known: {', '.join(PRESETS)}")
    values = json.loads(config_to_json(PRESETS[config.preset]))
    if "far_beyond_m" in (config.shape or {}):
        raise InputError("far_beyond_m is a key of the run (or of a stage), not of the model's shape")
    return config_from_json(json.dumps({**values, **(config.shape or {}), "far_beyond_m": config.far_beyond_m}))


def _set_threshold(model: Dap | DapTiny, shape: ModelConfig) -> None:
    """Let the model carry the threshold it is trained with, whatever that was in the checkpoint it starts from.

    With None, far becomes an answer that is never given; without a mask loss nothing changes that.
    """
    if isinstance(model, Dap):
        model.far_head.threshold_m = shape.far_beyond_m
    model.config = cast(Any, shape)
    if shape.far_beyond_m is not None:
        return
    head = model.far_head.out if isinstance(model, Dap) else model.head
    first = 0 if isinstance(model, Dap) else head.out_channels // 2  # the second half of dap-tiny's head is far
    with torch.no_grad():
        head.weight[first:] = 0.0
        cast(nn.Parameter, head.bias)[first:] = NEVER_FAR
