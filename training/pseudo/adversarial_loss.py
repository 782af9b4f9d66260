"""The loss of the discriminator: real is 1, a fake is as real as it is right."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.range_code import FARTHEST_M
from training.pseudo.discriminator import PatchGan, sphere_mean


def likeness(fake: Tensor, real: Tensor, stride: int, tolerance: float) -> Tensor:
    """(B, H / s, W / s), how like ground truth the patches of a fake are: exp(-error / `tolerance`), from 0 to 1.

    The error of a patch is the mean of |ln(fake / real)| over its `stride`^2 pixels, both (B, H, W) in metres and 100 m
    where far; where the ground truth is unknown there is no error. With a tolerance of 0 every fake is wholly a fake.
    """
    if tolerance == 0:
        return torch.zeros_like(F.avg_pool2d(real, stride))
    known = ~(torch.isnan(real) | torch.isnan(fake))
    error = (_log(fake) - _log(real)).abs()
    error = F.avg_pool2d(torch.where(known, error, torch.zeros_like(error)), stride)
    share = F.avg_pool2d(known.float(), stride)
    return (-error / share.clamp(min=1.0 / stride**2) / tolerance).exp()


def adversarial_loss(discriminator: PatchGan, real: Tensor, fake: Tensor) -> tuple[Tensor, float]:
    """Logistic loss of maps (B, H, W) in metres, mean over patches by solid angle, and how well the two are told apart:
    the share of patches whose fake has a lower logit than its ground truth.
    """
    logits = discriminator(torch.cat([real, fake])).float()
    ones = torch.ones_like(logits[: len(real)])
    wanted = likeness(fake, real, discriminator.config.stride, discriminator.config.tolerance)
    loss = F.binary_cross_entropy_with_logits(logits, torch.cat([ones, wanted]), reduction="none")
    truth, faked = logits.detach().split(len(real))
    return 2.0 * sphere_mean(loss).mean(), float((truth > faked).float().mean())


def _log(range_m: Tensor) -> Tensor:
    return range_m.nan_to_num(1.0, posinf=FARTHEST_M).clamp(max=FARTHEST_M).log()
