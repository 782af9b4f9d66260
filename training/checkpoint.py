"""State of a run on disk: written beside and renamed, read back whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from training.config import StageConfig, build_config
from training.ema import Ema


def save_state(
    path: Path, step: int, config: StageConfig, model: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer
) -> None:
    """Write everything that the next step depends on; a killed writer leaves the previous file intact."""
    state = {
        "step": step,
        "config": json.dumps(dataclasses.asdict(config), sort_keys=True),
        "model": model.state_dict(),
        "ema": ema.module.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with written_beside(path) as beside:
        torch.save(state, beside)


def load_state(
    path: Path,
    config: StageConfig,
    model: nn.Module,
    ema: Ema,
    optimizer: torch.optim.Optimizer,
    accept_changes: bool = False,
) -> tuple[int, list[str]]:
    """Restore a run; returns the step to continue with, and the keys of the configuration that changed since.

    InputError for a damaged file, and when keys changed that influence the weights, unless `accept_changes`.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        saved = json.loads(state["config"])
    except Exception as error:
        raise InputError(f"{path}: damaged or not a training checkpoint ({type(error).__name__})") from None
    now, saved = _plain(config), _completed(saved)
    changed = [key for key in now if key not in MAY_CHANGE and saved.get(key) != now[key]]
    if changed and not accept_changes:
        raise InputError(
            f"{path}: this run was started with another {', '.join(changed)}; restore the configuration, choose "
            "another --out, start afresh with --restart, or go on all the same with --accept-changes"
        )
    model.load_state_dict(state["model"])
    ema.module.load_state_dict(state["ema"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), changed


def _plain(config: StageConfig) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return values


def _completed(saved: dict[str, Any]) -> dict[str, Any]:
    """A saved configuration with the defaults of the settings that have come since: they mean what was done before."""
    try:
        return _plain(build_config(saved, "the saved configuration"))
    except InputError:  # of settings that are no more: what differs is then reported as it stands
        return saved


#: Keys of the configuration that do not influence the weights.
MAY_CHANGE = frozenset({"workers", "validate_every", "checkpoint_every", "log_every", "validation_scenes"})
