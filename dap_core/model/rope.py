"""Axial rotary position embedding of DINOv3 (arXiv 2508.10104, section 3.2): where a patch lies, as a rotation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

BASE = 100.0


class AxialRope(nn.Module):
    """Angles of a grid of patches; half of them turn with the row, half with the column.

    `periods` (head_dim / 4,) is a buffer because checkpoints carry it: 100 ** (2 k / (head_dim / 2)).
    """

    periods: Tensor

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        k = torch.arange(head_dim // 4, dtype=torch.float32)
        self.register_buffer("periods", BASE ** (2 * k / (head_dim // 2)))

    def forward(self, rows: int, columns: int, prefix: int) -> tuple[Tensor, Tensor]:
        """cos and sin, each (prefix + rows * columns, head_dim) float32, row-major.

        The first `prefix` tokens (class and storage) have no place in the image: their angle is zero, which `rotate`
        leaves bit for bit as it was. Computed once per forward; about a thousandth of one block's work.
        """
        periods = self.periods.float()
        row = (torch.arange(rows, device=periods.device) + 0.5) / rows
        column = (torch.arange(columns, device=periods.device) + 0.5) / columns
        row_angles = 2 * math.pi * (2 * row - 1)[:, None] / periods
        column_angles = 2 * math.pi * (2 * column - 1)[:, None] / periods
        angles = torch.cat(
            [row_angles[:, None].expand(-1, columns, -1), column_angles[None].expand(rows, -1, -1)], dim=-1
        ).flatten(0, 1)
        angles = torch.cat([angles.new_zeros(prefix, angles.shape[-1]), angles]).tile(2)
        return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate feature d with d + head_dim / 2 ("rotate half"); x (B, heads, N, head_dim), tables (N, head_dim)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
