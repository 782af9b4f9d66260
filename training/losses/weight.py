"""The distortion weight: an ERP oversamples the poles, and this undoes it. Masks are weights of zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def solid_angle_weight(height: int, device: torch.device | None = None) -> Tensor:
    """(H, 1) float32 with mean 1, proportional to the exact solid angle of a pixel of each row."""
    edges = torch.sin((0.5 - torch.arange(height + 1, dtype=torch.float64) / height) * math.pi)
    weight = edges[:-1] - edges[1:]
    return (weight / weight.mean()).float()[:, None].to(device)


def masked(values: Tensor, weight: Tensor) -> Tensor:
    """`values` in float32 (or float64 as they are), 0 where `weight` is 0, whatever stood there: nan and inf too.

    Taken before any arithmetic, so that what is masked enters neither the value nor the gradient.
    """
    values = values if values.dtype == torch.float64 else values.float()
    return torch.where(weight > 0, values, torch.zeros((), dtype=values.dtype, device=values.device))


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over the last two axes of (B, H, W) under `weight` >= 0 of the same shape; 0 where all weight is 0."""
    return (values * weight).sum((-2, -1)) / weight.sum((-2, -1)).clamp(min=1e-6)
