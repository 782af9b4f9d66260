"""State of a run on disk: written beside and renamed, read back whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from training.config import StageConfig, build_config
from training.ema import Ema


@dataclass
class TrainingState:
    """Everything that the next step depends on, and what the next line of the log does.

    step       steps that are done
    losses     of the steps since the last line of the log, but for those that were skipped
    bad        steps in a row that were skipped because their loss was not finite
    skipped    such steps in all
    """

    model: nn.Module
    ema: Ema
    optimizer: torch.optim.Optimizer
    step: int = 0
    losses: list[float] = field(default_factory=list)
    bad: int = 0
    skipped: int = 0


def save_state(path: Path, state: TrainingState, config: StageConfig) -> None:
    """Write the state; a killed writer leaves the previous file intact, and so does a full disk, an InputError."""
    values = {
        "step": state.step,
        "losses": state.losses,
        "bad": state.bad,
        "skipped": state.skipped,
        "config": json.dumps(dataclasses.asdict(config), sort_keys=True),
        "model": state.model.state_dict(),
        "ema": state.ema.module.state_dict(),
        "optimizer": state.optimizer.state_dict(),
    }
    remove_stale(path)
    try:
        with written_beside(path) as beside:
            torch.save(values, beside)
    except (OSError, RuntimeError) as error:  # torch tells of a full disk by a RuntimeError of many lines
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(f"cannot write {path} ({reason}); the state before it is kept, make room and go on") from None


def load_state(path: Path, state: TrainingState, config: StageConfig, accept_changes: bool = False) -> list[str]:
    """Restore a run into `state`; returns the keys of the configuration that changed since.

    InputError for a damaged file, and when keys changed that influence the weights, unless `accept_changes`.
    """
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        saved = json.loads(found["config"])
    except Exception as error:
        raise InputError(f"{path}: damaged or not a training checkpoint ({type(error).__name__})") from None
    changed = changed_keys(saved, config)
    if changed and not accept_changes:
        raise InputError(
            f"{path}: this run was started with another {', '.join(changed)}; restore the configuration, choose "
            "another --out, start afresh with --restart, or go on all the same with --accept-changes"
        )
    state.model.load_state_dict(found["model"])
    state.ema.module.load_state_dict(found["ema"])
    state.optimizer.load_state_dict(found["optimizer"])
    state.step, state.losses = int(found["step"]), list(found.get("losses", []))
    state.bad, state.skipped = int(found.get("bad", 0)), int(found.get("skipped", 0))
    return changed


def changed_keys(saved: dict[str, Any], config: StageConfig) -> list[str]:
    """Keys that influence the weights and are other in `config` than in a saved configuration."""
    now, saved = _plain(config), _completed(saved)
    return [key for key in now if key not in MAY_CHANGE and saved.get(key) != now[key]]


def remove_stale(path: Path) -> None:
    """Remove what killed writers of `path` left beside it."""
    for stale in path.parent.glob(f".{path.stem}-*{path.suffix}"):
        stale.unlink(missing_ok=True)


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
MAY_CHANGE = frozenset(
    {"workers", "validate_every", "checkpoint_every", "log_every", "validation_scenes", "held_out", "tensorboard"}
)
