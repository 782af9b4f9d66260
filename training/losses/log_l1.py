"""Absolute error of the logarithm: its optimum is the median, where SILog's is the mean of what a pixel may be."""

from __future__ import annotations

from torch import Tensor

from training.losses.weight import masked, weighted_mean


def log_l1_loss(log_prediction: Tensor, log_target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of |d|, d the difference of logarithms, per image, mean over the batch; all (B, H, W) float32.

    A uniform 10 % overestimate gives ln(1.1) = 0.095. Zero at the truth and for an image without valid pixels. Not one
    of the paper's terms: where an edge or an occluder leaves a pixel undecided between a near and a far surface, the
    mean invents a range between them and the median chooses one.
    """
    return weighted_mean((masked(log_prediction, weight) - masked(log_target, weight)).abs(), weight).mean()
