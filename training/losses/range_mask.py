"""Range-mask loss: is a pixel beyond the threshold (far) or not."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from training.losses.weight import masked, weighted_mean


def range_mask_loss(logit: Tensor, far: Tensor, weight: Tensor, cross_entropy: bool = False) -> Tensor:
    """Squared error (or, by switch, binary cross entropy) + 0.5 Dice, per image, mean over the batch.

    `logit` (B, H, W) float32, `far` the truth in {0, 1}. Dice is counted on the near pixels and on the far ones and
    averaged, so that an image without far pixels is no special case. A probability 10 % off everywhere on a half-far
    image gives 0.01 + 0.5 * 0.1 = 0.06. Zero at the truth.
    """
    logit, far = masked(logit, weight), masked(far, weight)
    p = logit.sigmoid()
    if cross_entropy:
        target = far.to(logit.dtype)
        point = weighted_mean(F.binary_cross_entropy_with_logits(logit, target, reduction="none"), weight)
    else:
        point = weighted_mean((p - far) ** 2, weight)
    dice = 0.5 * (_dice(p, far, weight) + _dice(1 - p, 1 - far, weight))
    return (point + 0.5 * dice).mean()


def _dice(p: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    smooth = weight.sum((-2, -1)) * 1e-3 + 1e-6
    overlap = (p * truth * weight).sum((-2, -1))
    return 1 - (2 * overlap + smooth) / ((p * weight).sum((-2, -1)) + (truth * weight).sum((-2, -1)) + smooth)
