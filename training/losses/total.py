"""The sum that a stage minimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.dense_fidelity import dense_fidelity_loss
from training.losses.gradient import gradient_loss
from training.losses.log_l1 import log_l1_loss
from training.losses.normals import normal_loss
from training.losses.points import point_loss
from training.losses.range_mask import range_mask_loss
from training.losses.silog import silog_loss
from training.losses.weight import masked, solid_angle_weight

#: Depth is supervised in [MIN_DEPTH, 1] of the model's range (the reference's evaluation clips the same way).
MIN_DEPTH = 0.001


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; `PAPER` has the paper's. The last three terms are computed only where they have weight.

    Far pixels are supervised at the model's limit, with `far_depth` of a near pixel's weight. In the mask loss a near
    pixel weighs `near_mask`: above 1, calling an obstacle far costs more than calling the sky near. Without
    `distortion` all pixels weigh the same, instead of the solid angle that they see.
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
    dense_fidelity: float = 0.0
    normal: float = 0.0
    points: float = 0.0
    distortion: bool = True


#: The paper's weights of all its terms.
PAPER = LossWeights(dense_fidelity=0.4, normal=2.0, points=2.0)


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
    with torch.autocast(depth_logit.device.type, enabled=False):
        valid, far = target.valid, target.far
        log_prediction = F.logsigmoid(masked(depth_logit, valid))
        log_target = masked(target.depth, valid).clamp(MIN_DEPTH, 1.0).log()
        sphere = valid.float()
        if weights.distortion:
            sphere = sphere * solid_angle_weight(depth_logit.shape[-2], depth_logit.device)
        weight = sphere * (1.0 + (weights.far_depth - 1.0) * far.float())
        balance = sphere * (weights.near_mask + (1.0 - weights.near_mask) * far.float())
        edge_threshold = weights.gradient_threshold
        parts = {
            "silog": (weights.silog, silog_loss(log_prediction, log_target, weight, weights.silog_variance_focus)),
            "log_l1": (weights.log_l1, log_l1_loss(log_prediction, log_target, weight)),
            "gradient": (
                weights.gradient,
                gradient_loss(log_prediction, log_target, weight, edge_threshold, valid),
            ),
            "mask": (weights.mask, range_mask_loss(far_logit.float(), far, balance, weights.mask_cross_entropy)),
        }
        if weights.dense_fidelity:
            # Depth's fourth power would let the sky outweigh everything else, and the mask answers for the sky.
            near = valid & ~far
            parts["dense_fidelity"] = (
                weights.dense_fidelity,
                dense_fidelity_loss(log_prediction, log_target, near),
            )
        if weights.normal:
            parts["normal"] = (weights.normal, normal_loss(log_prediction, log_target, weight))
        if weights.points:
            parts["points"] = (weights.points, point_loss(log_prediction, log_target, weight))
        loss = torch.stack([factor * term for factor, term in parts.values()]).sum()
    return loss, {name: term.detach() for name, (_, term) in parts.items()}
