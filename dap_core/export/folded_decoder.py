"""The DPT decoder from the same weights with fewer operations: neighbouring linear layers become one.

A transposed convolution with kernel = stride = k followed by a 3x3 convolution reads, for the k x k pixels around a
corner of four cells, those four cells alone. Both together are one 2x2 convolution whose k * k outputs a channel are
shuffled into pixels, with two fifths of the multiplications where all are as wide. A 1x1 convolution goes into the one
after it where that saves any.

What the first layer's bias adds is constant but for the picture's edges, where the second layer pads with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dap_core.export.folded_layers import convolution
from dap_core.model.dpt import DptDecoder


class BorderBias(nn.Module):
    """What a zero-padded convolution by `weight` (C, 1, k, k) makes of ones on a `grid`: (1, C, h, w), on being called.

    It varies near the border alone, so of every axis the first place, one in the middle and the last are kept, and
    runtimes lay them out when they load the file.
    """

    def __init__(self, weight: Tensor, grid: tuple[int, int], stride: int = 1) -> None:
        super().__init__()
        self.size = [(length + 2 - weight.shape[-1]) // stride + 1 for length in grid]
        small = [min(length, 6 - length % 2) for length in grid]
        bias = F.conv2d(weight.new_ones(1, 1, *small), weight, stride=stride, padding=1)
        for axis in (2, 3):
            if bias.shape[axis] > 3:
                bias = torch.cat([bias.narrow(axis, 0, 2), bias.narrow(axis, -1, 1)], axis)
        self.register_buffer("kept", bias.float())

    def forward(self) -> Tensor:
        bias = cast(Tensor, self.kept)
        for axis, size in zip((2, 3), self.size, strict=True):
            if size > 3:
                shape = list(bias.shape)
                shape[axis] = size - 2
                first, middle, last = (bias.narrow(axis, place, 1) for place in range(3))
                bias = torch.cat([first, middle.expand(shape), last], axis)
        return bias


class FoldedUpsampling(nn.Module):
    """A transposed convolution with kernel and stride k and a 3x3 convolution: (B, C, h, w) to (B, features, k h, k w).

    The k x k outputs of a cell's corner are the pixels around that corner, so k / 2 pixels come off at each side.
    """

    def __init__(self, up: nn.ConvTranspose2d, reduce: nn.Conv2d, grid: tuple[int, int]) -> None:
        super().__init__()
        self.k = k = up.kernel_size[0]
        w_up, w_reduce = up.weight.double(), reduce.weight.double()
        bias_part = w_reduce * cast(Tensor, up.bias).double()[:, None, None]
        weight = w_reduce.new_zeros(reduce.out_channels, k, k, up.in_channels, 2, 2)
        bias = w_reduce.new_zeros(reduce.out_channels, k, k, 1, 2, 2)
        for y, x, dy, dx in torch.cartesian_prod(*map(torch.arange, (k, k, 3, 3))).tolist():
            # Where this tap lies in the 2k x 2k pixels of the four cells, and so in which cell and where in it.
            (cell_y, in_y), (cell_x, in_x) = divmod(k // 2 + y + dy - 1, k), divmod(k // 2 + x + dx - 1, k)
            weight[:, y, x, :, cell_y, cell_x] += w_reduce[:, :, dy, dx] @ w_up[:, :, in_y, in_x].T
            bias[:, y, x, 0, cell_y, cell_x] += bias_part[:, :, dy, dx].sum(1)
        self.conv = convolution(weight.flatten(0, 2), None, padding=1)
        self.bias = BorderBias(bias.flatten(0, 2), grid)

    def forward(self, x: Tensor) -> Tensor:
        pixels = F.pixel_shuffle(self.conv(x) + self.bias(), self.k)
        edge = self.k // 2
        return pixels[:, :, edge:-edge, edge:-edge]


class FoldedPointwise(nn.Module):
    """A 1x1 convolution and a zero-padded k x k one as one."""

    def __init__(self, pointwise: nn.Conv2d, conv: nn.Conv2d, grid: tuple[int, int]) -> None:
        super().__init__()
        weight, stride = conv.weight.double(), conv.stride[0]
        together = torch.einsum("omyx,mi->oiyx", weight, pointwise.weight.double()[:, :, 0, 0])
        self.conv = convolution(together, conv.bias, stride, padding=1)
        constant = torch.einsum("omyx,m->oyx", weight, cast(Tensor, pointwise.bias).double())
        self.bias = BorderBias(constant[:, None], grid, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.bias()


class FoldedDecoder(nn.Module):
    """`DptDecoder` for maps of one `grid` (rows, columns); it shares what it does not fold."""

    def __init__(self, decoder: DptDecoder, grid: tuple[int, int]) -> None:
        super().__init__()
        project, resize = decoder.project, decoder.resize
        reduce = cast("Sequence[nn.Conv2d]", decoder.reduce)
        up4, up2, down = cast("tuple[nn.ConvTranspose2d, nn.ConvTranspose2d, nn.Conv2d]", (*resize[:2], resize[3]))
        same, coarse = cast("tuple[nn.Conv2d, nn.Conv2d]", (*project[2:],))
        self.levels = nn.ModuleList(
            [
                nn.Sequential(project[0], FoldedUpsampling(up4, reduce[0], grid)),
                nn.Sequential(project[1], FoldedUpsampling(up2, reduce[1], grid)),
                _pair(same, reduce[2], grid),
                nn.Sequential(_pair(coarse, down, grid), reduce[3]),
            ]
        )
        self.merge = decoder.merge

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return self.merge([level(x) for level, x in zip(self.levels, maps, strict=True)])


def _pair(pointwise: nn.Conv2d, conv: nn.Conv2d, grid: tuple[int, int]) -> nn.Module:
    """Both convolutions, as one where that has fewer multiplications."""
    pixels = conv.stride[0] ** 2
    apart = pixels * pointwise.weight.numel() + conv.weight.numel()
    together = conv.weight[0, 0].numel() * conv.out_channels * pointwise.in_channels
    return FoldedPointwise(pointwise, conv, grid) if together < apart else nn.Sequential(pointwise, conv)
