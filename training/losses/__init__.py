"""Training losses: float32, masks honoured, circular in azimuth, weighted by solid angle."""

from training.losses.gradient import edge_mask, gradient_loss
from training.losses.log_l1 import log_l1_loss
from training.losses.range_mask import range_mask_loss
from training.losses.silog import silog_loss
from training.losses.total import LossWeights, Target, total_loss
from training.losses.weight import solid_angle_weight

__all__ = [
    "LossWeights",
    "Target",
    "edge_mask",
    "gradient_loss",
    "log_l1_loss",
    "range_mask_loss",
    "silog_loss",
    "solid_angle_weight",
    "total_loss",
]
