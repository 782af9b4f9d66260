"""Training losses: float32, masks honoured, circular in azimuth, weighted by solid angle."""

from training.losses.dense_fidelity import dense_fidelity_loss
from training.losses.gradient import edge_mask, gradient_loss
from training.losses.log_l1 import log_l1_loss
from training.losses.normals import normal_loss
from training.losses.points import point_loss
from training.losses.range_mask import range_mask_loss
from training.losses.silog import silog_loss
from training.losses.total import PAPER, LossWeights, Target, total_loss
from training.losses.weight import solid_angle_weight

__all__ = [
    "PAPER",
    "LossWeights",
    "Target",
    "dense_fidelity_loss",
    "edge_mask",
    "gradient_loss",
    "log_l1_loss",
    "normal_loss",
    "point_loss",
    "range_mask_loss",
    "silog_loss",
    "solid_angle_weight",
    "total_loss",
]
