"""Learning rate as a function of the step, and the optimizer's parameter groups."""

from __future__ import annotations

import math

import torch
from torch import nn

from training.config import Optimizer


def rate_factor(step: int, steps: int, config: Optimizer) -> float:
    """Factor on the learning rate at `step` of `steps`: linear warm-up, then half a cosine down to `config.final`."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, steps - config.warmup)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def build_optimizer(model: nn.Module, config: Optimizer) -> torch.optim.Optimizer:
    """AdamW; no decay on vectors (norms, biases); `backbone.` parameters at their own rate."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        backbone = name.startswith("backbone.") and config.backbone_learning_rate is not None
        rate = config.backbone_learning_rate if backbone else config.learning_rate
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)  # type: ignore[arg-type]
    return torch.optim.AdamW(
        [{"params": p, "lr": rate, "base": rate, "weight_decay": decay} for (rate, decay), p in groups.items()],
        betas=(0.9, 0.99),
    )


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to `factor` times its base."""
    for group in optimizer.param_groups:
        group["lr"] = group["base"] * factor
