"""Normal loss: how far the surface normals of two range images differ."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.weight import masked, weighted_mean


def neighbours(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The pixels to the left, right, above and below every pixel of (B, H, W), W even.

    Circular in azimuth; above the first row lies the first row half a turn away, and so at the other pole.
    """
    half = x.shape[-1] // 2
    up = torch.cat([x[..., :1, :].roll(half, -1), x[..., :-1, :]], -2)
    down = torch.cat([x[..., 1:, :], x[..., -1:, :].roll(half, -1)], -2)
    return x.roll(1, -1), x.roll(-1, -1), up, down


def normals(log_range: Tensor) -> Tensor:
    """Unit normals (B, 3, H, W) of log range (B, H, W), pointing away from the camera.

    The components are along left (azimuth grows), up (elevation grows) and the ray of each pixel, so that they do not
    depend on which way the camera faces. They are the cross product of the chords between opposite neighbours: exact
    on planes, the same at any scale.
    """
    height, width = log_range.shape[-2:]
    device, dtype = log_range.device, log_range.dtype
    e = (0.5 - (torch.arange(height, dtype=torch.float64, device=device) + 0.5) / height) * math.pi
    cos, sin = (t[:, None].to(dtype) for t in (e.cos(), e.sin()))
    across, along = 2.0 * math.pi / width, math.pi / height
    left, right, up, down = ((n - log_range).exp() for n in neighbours(log_range))

    # The chords in units of the pixel's own range: (level, tilt * rise, tilt * depth) and (0, height, slope).
    level = 0.5 * (left + right)
    tilt = 0.5 * (left - right) / (cos * math.sin(across))
    bend = 1.0 - math.cos(across)
    rise, depth = sin * cos * bend, 1.0 - cos * cos * bend
    stand = 0.5 * (up + down)
    slope = 0.5 * (up - down) * (math.cos(along) / math.sin(along))
    cross = torch.stack([tilt * (rise * slope - depth * stand), -level * slope, level * stand], 1)
    return F.normalize(cross, dim=1)


def normal_loss(log_prediction: Tensor, log_target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of the L1 distance of the normals, per image, mean over the batch; all (B, H, W) float32.

    A pixel counts where it and its four neighbours have weight. A uniform overestimate gives 0: normals know no scale.
    An error that grows by 10 % within a radian tilts a wall that is seen straight on by 0.1 rad and gives 0.10. Zero at
    the truth.
    """
    sound = weight > 0
    for neighbour in neighbours(sound):
        sound = sound & neighbour
    prediction, target = (normals(masked(x, weight)) for x in (log_prediction, log_target))
    return weighted_mean((prediction - target).abs().sum(1), weight * sound).mean()
