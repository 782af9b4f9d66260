"""Exponential moving average of a module's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """Keeps `module`, an averaged copy; buffers (batch-norm statistics) are averaged too, integers copied."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Average in the weights after optimizer step `step` (from 0); the decay ramps up: early weights fade."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        source = module.state_dict()
        for name, value in self.module.state_dict().items():
            if value.is_floating_point():
                value.lerp_(source[name], 1.0 - decay)
            else:
                value.copy_(source[name])
