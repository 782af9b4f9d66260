"""`dap-tiny` for one resolution: the same function from the same weights with less around its products."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dap_core.export.folded_attention import FoldedAttention, FoldedBlock
from dap_core.export.folded_layers import convolution
from dap_core.model.tiny import (
    BRIGHTEST,
    CONTRAST,
    LOG_FLOOR,
    SHIFT,
    DapTiny,
    Fuse,
    Residual,
    SphereBlock,
    SphereConv,
    SphereTransformer,
    gain,
    latitude_features,
    rotary_tables,
    row_weights,
)

#: Rows of pixels that the last convolution computes at once: with two, its 16 outputs fill a CPU's vector registers.
HEAD_ROWS = 2
#: Zeros above and below; in azimuth the picture is wrapped instead.
POLES = (1, 0)
#: Brightnesses multiplied before their logarithm is taken: of 8 bytes' worth, the product is above 1e-14.
LOG_GROUP = 8


class FoldedTiny(nn.Module):
    """(B, H, W, 3) uint8 to range_m and far, (B, H, W) each, for one H and W = 2 H."""

    def __init__(self, tiny: DapTiny, height: int, max_range_m: float) -> None:
        super().__init__()
        self.stem2 = FoldedStem(tiny, height)
        self.stem4, self.stage4 = FoldedDown(tiny.stem4), FoldedResidual(tiny.stage4)
        down8, *stage8 = cast("Sequence[SphereConv]", tiny.stage8)
        self.stage8 = nn.Sequential(FoldedDown(down8), *map(FoldedResidual, cast("list[Residual]", stage8)))
        self.down16, self.down32, self.up16 = FoldedDown(tiny.down16), tiny.down32, tiny.up16
        self.tokens16 = FoldedTransformer(tiny.tokens16, height // 16)
        self.tokens32 = FoldedTransformer(tiny.tokens32, height // 32)
        self.mix16 = FoldedTransformer(tiny.mix16, height // 16)
        self.fuse8 = FoldedFuse(tiny.fuse8, height // 8, FoldedResidual(cast(Residual, tiny.fuse8.refine)))
        self.fuse4 = FoldedFuse(tiny.fuse4, height // 4, FoldedResidual(cast(Residual, tiny.fuse4.refine)))
        self.fuse2 = FoldedFuse(tiny.fuse2, height // 2, FoldedHead(tiny, max_range_m))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x2 = self.stem2(image)
        x4 = self.stage4(self.stem4(x2))
        x8 = self.stage8(x4)
        x16 = self.tokens16(self.down16(x8))
        x32 = self.tokens32(self.down32(x16))
        x16 = self.mix16(x16 + doubled(self.up16(x32)))
        range_m, far = self.fuse2(self.fuse4(self.fuse8(x16, x8), x4), x2)
        return range_m, far


class FoldedStem(nn.Module):
    """Exposure and the first convolution: what that makes of the latitude's channels is a bias for each row."""

    rows: Tensor
    weight: Tensor

    def __init__(self, tiny: DapTiny, height: int) -> None:
        super().__init__()
        weight, bias = folded_batch_norm(tiny.stem2)
        none = torch.empty(0)
        latitude = latitude_features(height, none).double()[None, :, :, None].expand(-1, -1, -1, 3)
        self.register_buffer("rows", F.conv2d(latitude, weight[:, 3:], bias, stride=2, padding=POLES).float())
        self.conv = convolution(weight[:, :3], None, 2, POLES)
        self.register_buffer("weight", row_weights(height, none)[:, None] / (2 * height))

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2).float()
        red, green, blue = x.unbind(1)
        brightness = (red + green + blue) * (1 / (3 * 255)) + LOG_FLOOR
        # The logarithm of a product is the sum of the logarithms: an eighth of them are left to take.
        for _ in range(round(math.log2(LOG_GROUP))):
            left, right = brightness.chunk(2, dim=2)
            brightness = left * right
        # Weighted before they are summed: a mean along the rows first, then weighted, is wrong in OpenVINO 2026.4.
        log_mean = (brightness.log() * self.weight).sum((1, 2))
        factor = gain(log_mean)[:, None, None, None] * (CONTRAST / 255)
        x = (x * factor).clamp(max=CONTRAST * BRIGHTEST) + SHIFT
        return F.relu(self.conv(wrapped(x, 1, 0)) + self.rows)


class FoldedDown(nn.Module):
    """A circular 3x3 convolution with stride 2: of an even width it reads one column beyond the left edge alone."""

    def __init__(self, conv: SphereConv) -> None:
        super().__init__()
        self.conv, self.activation = _circular(conv, 2), len(conv) == 3

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(wrapped(x, 1, 0))
        return F.relu(x) if self.activation else x


class FoldedResidual(nn.Module):
    """Two circular convolutions around a skip, wrapped once for both."""

    def __init__(self, residual: Residual) -> None:
        super().__init__()
        first, last = cast("Sequence[SphereConv]", residual.body)
        self.first, self.last = _circular(first), _circular(last)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.last(F.relu(self.first(wrapped(x, 2, 2)))))


class FoldedFuse(nn.Module):
    """A decoder level with its latitude as one bias a row."""

    rows: Tensor

    def __init__(self, fuse: Fuse, height: int, refine: nn.Module) -> None:
        super().__init__()
        self.coarse, self.skip, self.refine = fuse.coarse, fuse.skip, refine
        self.register_buffer("rows", _rows(fuse.latitude, height))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        return self.refine(F.relu(doubled(self.coarse(coarse)) + self.skip(skip) + self.rows))


class FoldedHead(nn.Module):
    """The last level's convolution and the head's: (B, C, h, w) to range_m and far (2, B, 2 h, 2 w), wrapped once.

    The head's 3x3 convolution is written as one with stride `HEAD_ROWS` over as many rows at once. Sigmoid and unit
    come before the pixels are shuffled: so OpenVINO makes them part of the convolution, and then leaves its result in
    float32, where in bfloat16 the range came in steps of 1 %.
    """

    units: Tensor

    def __init__(self, tiny: DapTiny, max_range_m: float) -> None:
        super().__init__()
        self.conv = _circular(cast(SphereConv, tiny.fuse2.refine))
        # Outputs: range or far, row of those computed at once, row and column of the shuffled pixel.
        weight, bias = tiny.head.weight.unflatten(0, (2, 1, 2, 2)), cast(Tensor, tiny.head.bias)
        weight = torch.cat([F.pad(weight, (0, 0, row, HEAD_ROWS - 1 - row)) for row in range(HEAD_ROWS)], dim=1)
        bias = bias.view(2, 1, 2, 2).expand(-1, HEAD_ROWS, -1, -1)
        self.head = convolution(weight.flatten(0, 3), bias.flatten(), (HEAD_ROWS, 1), POLES)
        units = torch.tensor([max_range_m, 1.0]).repeat_interleave(bias[0].numel())
        self.register_buffer("units", units[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(F.relu(self.conv(wrapped(x, 2, 2)))).sigmoid() * self.units
        x = x.permute(0, 2, 3, 1).unflatten(3, (2, 2 * HEAD_ROWS, 2))  # (B, h / 2, w, output, row, column)
        return x.permute(3, 0, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


class FoldedTransformer(nn.Module):
    """Transformer blocks over a map (B, dim, rows, 2 rows) of one size."""

    latitude: Tensor

    def __init__(self, transformer: SphereTransformer, rows: int) -> None:
        super().__init__()
        self.grid = rows, 2 * rows
        # For every token, not every row: on a map, the sum keeps OpenVINO from transposing at no cost.
        latitude = _rows(transformer.latitude, rows).expand(-1, -1, -1, 2 * rows)
        self.register_buffer("latitude", latitude.flatten(2).transpose(1, 2).contiguous())
        cos, sin = (x.tile(2) for x in rotary_tables(*self.grid, torch.empty(0)))
        self.blocks = nn.ModuleList()
        for block in cast("Iterable[SphereBlock]", transformer.blocks):
            attention = FoldedAttention(block.qkv, block.proj, block.heads, cos, sin)
            self.blocks.append(FoldedBlock(block.norm1, attention, block.norm2, block.fc1, block.fc2))
        self.norm = transformer.norm

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2) + self.latitude
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens).transpose(1, 2).unflatten(2, self.grid)


def wrapped(x: Tensor, left: int, right: int) -> Tensor:
    """(B, C, H, W) to (B, C, H, left + W + right), circular in azimuth."""
    return torch.cat([x[..., -left:], x, *([x[..., :right]] if right else [])], dim=-1)


def doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def folded_batch_norm(conv: SphereConv) -> tuple[Tensor, Tensor]:
    """Weight and bias, float64, of the convolution and its batch norm (running statistics) together."""
    plain, norm = cast(nn.Conv2d, conv[0]), cast(nn.BatchNorm2d, conv[1])
    mean, variance = cast(Tensor, norm.running_mean).double(), cast(Tensor, norm.running_var).double()
    factor = norm.weight.double() / (variance + norm.eps).sqrt()
    return factor[:, None, None, None] * plain.weight, norm.bias - factor * mean


def _circular(conv: SphereConv, stride: int = 1) -> nn.Conv2d:
    """A circular convolution and its batch norm, to be given a wrapped map."""
    return convolution(*folded_batch_norm(conv), stride, POLES)


def _rows(latitude: nn.Linear, height: int) -> Tensor:
    """What a level adds for its latitude: (1, C, height, 1)."""
    return latitude(latitude_features(height, torch.empty(0)).T).T[None, :, :, None].detach()
