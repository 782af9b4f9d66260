"""The sum that a stage minimises; the defaults are the paper's weights for the terms it has."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from training.losses.gradient import gradient_loss
from training.losses.log_l1 import log_l1_loss
from training.losses.range_mask import range_mask_loss
from training.losses.silog import silog_loss
from training.losses.weight import solid_angle_weight

#: Depth is supervised in [MIN_DEPTH, 1] of the model's range (the reference's evaluation clips the same way).
MIN_DEPTH = 0.001


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms.

    Far pixels are supervised at the model's limit, with `far_depth` of a near pixel's weight. In the mask loss a near
    pixel weighs `near_mask`: above 1, calling an obstacle far costs more than calling the sky near.
    """

    silog: float = 1.0
    log_l1: float = 0.0
    gradient: float = 5.0
    mask: float = 2.0
    far_depth: float = 1.0
    near_mask: float = 1.0
    silog_variance_focus: float = 0.5
    gradient_threshold: float = 0.1
    mask_cross_entropy: bool = False


@dataclass(frozen=True)
class Target:
    """Ground truth of a batch: depth in (0, 1] of the model's range and far, each (B, H, W), with their validity."""

    depth: Tensor
    far: Tensor
    valid: Tensor


def total_loss(
    depth_logit: Tensor, far_logit: Tensor, target: Target, weights: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum and its terms (detached), from logits (B, H, W); computed in float32."""
    log_prediction = F.logsigmoid(depth_logit.float())
    log_target = target.depth.float().clamp(MIN_DEPTH, 1.0).log()
    sphere = solid_angle_weight(depth_logit.shape[-2], depth_logit.device) * target.valid
    weight = sphere * (1.0 + (weights.far_depth - 1.0) * target.far.float())
    balance = sphere * (weights.near_mask + (1.0 - weights.near_mask) * target.far.float())
    terms = {
        "silog": silog_loss(log_prediction, log_target, weight, weights.silog_variance_focus),
        "log_l1": log_l1_loss(log_prediction, log_target, weight),
        "gradient": gradient_loss(log_prediction, log_target, weight, weights.gradient_threshold),
        "mask": range_mask_loss(far_logit.float(), target.far, balance, weights.mask_cross_entropy),
    }
    loss = (
        weights.silog * terms["silog"]
        + weights.log_l1 * terms["log_l1"]
        + weights.gradient * terms["gradient"]
        + weights.mask * terms["mask"]
    )
    return loss, {name: value.detach() for name, value in terms.items()}
