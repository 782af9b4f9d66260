"""Scale-invariant logarithmic loss (Eigen et al. 2014), per image."""

from __future__ import annotations

from torch import Tensor

from training.losses.weight import masked, weighted_mean


def silog_loss(log_prediction: Tensor, log_target: Tensor, weight: Tensor, variance_focus: float = 0.5) -> Tensor:
    """sqrt(mean(d^2) - variance_focus * mean(d)^2) with d the difference of logarithms; mean over the batch.

    All (B, H, W) float32; `weight` is the distortion weight times the validity mask. A uniform 10 % overestimate gives
    ln(1.1) * sqrt(0.5) = 0.067 with the default. Zero at the truth, where the small constant under the root keeps the
    gradient finite. An image without valid pixels contributes 0.
    """
    d = masked(log_prediction, weight) - masked(log_target, weight)
    mean, square = weighted_mean(d, weight), weighted_mean(d * d, weight)
    return ((square - variance_focus * mean * mean).clamp(min=0) + 1e-8).sqrt().sub(1e-4).mean()
