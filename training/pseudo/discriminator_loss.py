"""The loss of the discriminator: it is told how wrong each patch of a fake is, and the whole of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.pseudo.discriminator import PatchDiscriminator, log_range

#: An AbsRel that makes no difference: errors are compared as ln(error + this).
FLOOR = 0.02
#: Patches with less of known range say nothing of their error.
LEAST_SHARE = 0.02


def patch_errors(fake: Tensor, real: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """AbsRel of each patch of `stride`^2 pixels, over those where the ground truth has a range, and the share of these,
    both (B, H / s, W / s).

    Maps are (B, H, W) in metres; a fake is 100 m where it says far. A patch without any has the error 0.
    """
    near = torch.isfinite(real)
    error = ((log_range(fake) - log_range(real)).exp() - 1.0).abs()
    error = F.avg_pool2d(torch.where(near, error, torch.zeros_like(error)), stride)
    share = F.avg_pool2d(near.float(), stride)
    return error / share.clamp(min=1.0 / stride**2), share


def discriminator_loss(discriminator: PatchDiscriminator, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Loss of fakes by their ground truth, (B, H, W) in metres; and the expected and the true AbsRel of each, (B,).

    |ln of expected and true error|, of patches that have a range and of whole maps; and cross-entropy of the share.
    """
    said = discriminator(fake)
    error, share = patch_errors(fake, real, discriminator.config.stride)
    true = (error * share).sum((1, 2)) / share.sum((1, 2)).clamp(min=1e-6)
    patches = (said.log_error - (error + FLOOR).log()).abs()
    maps = (said.whole - (true + FLOOR).log()).abs()
    loss = _mean(patches, share > LEAST_SHARE) + _mean(maps, share.mean((1, 2)) > LEAST_SHARE)
    return loss + F.binary_cross_entropy_with_logits(said.near, share), said.error().detach(), true


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)
