"""Dense fidelity loss: Gram matrices of the depth that twelve pinhole cameras around the sphere would see."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from dap_core.panorama import BODY_FROM_OPTICAL, pinhole_rays, project, yaw_pitch_roll
from training.losses.weight import masked

#: Gram matrices are scaled as if a patch had this many columns, as it has where a panorama is 512 pixels high.
COLUMNS = 128
FIELD_OF_VIEW = np.pi / 2


def view_directions() -> NDArray[np.float64]:
    """(12, 3) unit vertices of an icosahedron, two-fold symmetric about z and mirrored in y.

    None of them is a pole, so every camera has an upright image, and a roll by half a turn or a flip of the panorama
    only exchanges cameras.
    """
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    corners = [(0.0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    vertices = np.array([np.roll(corner, turn) for turn in range(3) for corner in corners])
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True)


@lru_cache(maxsize=8)
def _grid(height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(12, N, N, 2) sampling grid into a panorama with a margin of one pixel, for `grid_sample`."""
    size = max(height // 4, 2)
    views = []
    for x, y, z in view_directions():
        body_from_view = yaw_pitch_roll(np.arctan2(y, x), -np.arcsin(z)) @ BODY_FROM_OPTICAL
        views.append(project(pinhole_rays(size, FIELD_OF_VIEW) @ body_from_view.T, height, width))
    uv = np.stack(views) + 1.0
    return torch.from_numpy(2.0 * uv / (width + 1, height + 1) - 1.0).to(device, dtype)


def patches(x: Tensor) -> Tensor:
    """(B, 12, N, N) bilinear pinhole views of (B, H, W), N = H / 4, field of view 90 degrees, rows along elevation."""
    batch, height, width = x.shape
    half = width // 2
    x = torch.cat([x[:, :1].roll(half, -1), x, x[:, -1:].roll(half, -1)], 1)
    x = torch.cat([x[..., -1:], x, x[..., :1]], -1)
    grid = _grid(height, width, x.device, x.dtype)
    views, size = grid.shape[:2]
    grid = grid.reshape(1, views * size, size, 2).expand(batch, -1, -1, -1)
    sampled = F.grid_sample(x[:, None], grid, mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.reshape(batch, views, size, size)


def dense_fidelity_loss(log_prediction: Tensor, log_target: Tensor, valid: Tensor) -> Tensor:
    """Mean squared difference of D D^T over the elements of the Gram matrix of each view D, the views and the batch.

    All (B, H, W), the logarithms of depth in (0, 1] of the model's range in float32; what is not `valid`, and a view's
    pixel that one of those would enter, is 0 in both. No distortion weight: the views have none to undo. A regulariser,
    since a Gram matrix does not know the order of the columns. Invariant under a flip and under a roll by half a turn;
    other rolls move the scene between the cameras, a tenth of the loss in a room, which random rolls average out.

    A uniform 10 % overestimate of a scene at depth d gives (0.21 * 128 d^2)^2: 0.26 at 14 m of 100 m, 6e-4 at 3 m, but
    720 at 100 m, so leave far pixels out by `valid`. Zero at the truth.
    """
    with torch.autocast(log_prediction.device.type, enabled=False):
        prediction, target = (masked(masked(x, valid).exp(), valid) for x in (log_prediction, log_target))
        seen = patches(valid.to(prediction.dtype)) > 0.999
        return (_gram(patches(prediction) * seen) - _gram(patches(target) * seen)).square().mean()


def _gram(x: Tensor) -> Tensor:
    return x @ x.mT * (COLUMNS / x.shape[-1])
