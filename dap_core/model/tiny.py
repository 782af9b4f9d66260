"""`dap-tiny`: our own small panoramic depth network, one trunk for depth and far.

A convolutional pyramid, transformer blocks over the whole sphere at 1/16 and 1/32, and a light decoder back up. The
sphere is in the architecture: every convolution is circular in azimuth, attention sees azimuth only through integer
harmonics (rotary, so only differences count), and every decoder level knows its latitude. Rolling the input by
multiples of 32 pixels therefore rolls the output, trained or not, up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dap_core.backends.spec import IMAGENET_MEAN, IMAGENET_STD
from dap_core.model.range_mask import check_threshold

#: Rotary harmonics of azimuth; integers, so that a full turn is the identity.
AZIMUTH_HARMONICS = (1, 2, 3, 4, 6, 8, 12, 16)
#: Rotary frequencies of elevation (radians per radian).
ELEVATION_FREQUENCIES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
HEAD_DIM = 2 * (len(AZIMUTH_HARMONICS) + len(ELEVATION_FREQUENCIES))
#: Up to so many tokens, training on a CPU is faster with the scores written out: the fused backward pass in bf16 takes
#: four times as long at 128 tokens. At 512 it is the other way round.
FEW_TOKENS = 128

#: Exposure: added to a brightness in [0, 1] before its logarithm, the largest that a gain may lead to, and the factor
#: and shift that make of it what the first convolution reads.
LOG_FLOOR, BRIGHTEST, CONTRAST, SHIFT = 0.02, 2.0, 4.0, -1.7


@dataclass(frozen=True)
class TinyConfig:
    """Shape of a `DapTiny`; `height` and `width` are the resolution it is exported at."""

    name: str = "dap-tiny"
    height: int = 256
    width: int = 512
    max_range_m: float = 100.0
    far_beyond_m: float | None = 100.0  #: threshold of the range mask; None: no mask, nothing is far
    stem: int = 32
    channels: tuple[int, int] = (48, 96)  #: at 1/4 and 1/8
    dim: int = 256  #: of the tokens at 1/16
    coarse_dim: int = 288  #: of the tokens at 1/32
    blocks: tuple[int, int, int] = (2, 2, 1)  #: at 1/16, at 1/32, and again at 1/16

    def __post_init__(self) -> None:
        check_threshold(self.far_beyond_m, self.max_range_m)


def circular(x: Tensor, columns: int = 1) -> Tensor:
    """(B, C, H, W) -> (B, C, H, W + 2 columns): wrapped in azimuth."""
    if x.requires_grad and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return _Circular.apply(x, columns)  # a fifth of a training step on a CPU went into autograd's own way
    return _wrapped(x, columns)


def _wrapped(x: Tensor, columns: int) -> Tensor:
    return torch.cat([x[..., -columns:], x, x[..., :columns]], dim=-1)


class _Circular(torch.autograd.Function):
    """`_wrapped`, with a backward pass that adds the two margins to a copy of the middle."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, columns: int) -> Tensor:
        ctx.columns = columns
        return _wrapped(x, columns)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,), columns = gradients, ctx.columns
        result = gradient[..., columns:-columns].clone(memory_format=torch.preserve_format)
        result[..., -columns:] += gradient[..., :columns]
        result[..., :columns] += gradient[..., -columns:]
        return result, None


def row_elevations(height: int, like: Tensor) -> Tensor:
    """Elevation of each row's centre, (H,), radians (see `dap_core.panorama.elevations`)."""
    return ((0.5 - (torch.arange(height, dtype=torch.float32) + 0.5) / height) * math.pi).to(like.device)


def row_weights(height: int, like: Tensor) -> Tensor:
    """Share of the sphere's surface in each row, (H,)."""
    weight = row_elevations(height, like).cos()
    return weight / weight.sum()


def gain(log_mean: Tensor) -> Tensor:
    """What brings a log-mean brightness (B,) to that of a well-exposed picture, within limits; (B,)."""
    return (math.log(0.4) - log_mean).clamp(-1.5, 2.5).exp()


def latitude_features(height: int, like: Tensor) -> Tensor:
    """(4, H): sin and cos of the elevation and of twice the elevation, float32."""
    e = row_elevations(height, like)
    return torch.stack([e.sin(), e.cos(), (2 * e).sin(), (2 * e).cos()])


class SphereConv(nn.Sequential):
    """3x3 convolution, circular in azimuth, zero-padded at the poles; batch norm folds into it at inference."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, activation: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, 3, stride, padding=(1, 0), bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([nn.ReLU()] if activation else []))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(circular(x))


class Residual(nn.Module):
    """Two circular 3x3 convolutions around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = SphereConv(channels, channels, activation=False)
        nn.init.constant_(cast(nn.BatchNorm2d, last[1]).weight, 0.5)
        self.body = nn.Sequential(SphereConv(channels, channels), last)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


def rotary_tables(rows: int, columns: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """cos and sin, (rows * columns, pairs), of every token's rotary angles, float32."""
    azimuth = (0.5 - (torch.arange(columns, dtype=torch.float32) + 0.5) / columns) * (2 * math.pi)
    a = azimuth[:, None] * torch.tensor(AZIMUTH_HARMONICS, dtype=torch.float32)
    e = row_elevations(rows, torch.empty(0))[:, None] * torch.tensor(ELEVATION_FREQUENCIES)
    angles = torch.cat([e[:, None].expand(-1, columns, -1), a[None].expand(rows, -1, -1)], -1).reshape(
        rows * columns, -1
    )
    return angles.cos().to(like.device), angles.sin().to(like.device)


def rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate feature d with feature d + half, (B, heads, N, 2 * pairs)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention of (B, heads, N, HEAD_DIM)."""
    if q.requires_grad and q.device.type == "cpu" and q.shape[-2] <= FEW_TOKENS:
        scores = (q * HEAD_DIM**-0.5) @ k.transpose(-1, -2)
        return scores.softmax(-1).to(v.dtype) @ v
    return F.scaled_dot_product_attention(q, k, v)


class SphereBlock(nn.Module):
    """Pre-norm transformer block on (B, N, dim) whose attention is a function of azimuth differences."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim % HEAD_DIM:
            raise ValueError(f"the width of a block must be a multiple of {HEAD_DIM}, got {dim}")
        self.heads = dim // HEAD_DIM
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        y = _attention(rotate_pairs(q, cos, sin), rotate_pairs(k, cos, sin), v)
        x = x + self.proj(y.transpose(1, 2).reshape(batch, tokens, dim))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class SphereTransformer(nn.Module):
    """Blocks over a map (B, dim, h, w): tokens, their latitude, attention; gives a map of the same shape."""

    def __init__(self, dim: int, blocks: int) -> None:
        super().__init__()
        self.latitude = nn.Linear(4, dim)
        self.blocks = nn.ModuleList(SphereBlock(dim) for _ in range(blocks))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        _, dim, rows, columns = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.latitude(latitude_features(rows, x).T).repeat_interleave(columns, 0)
        cos, sin = rotary_tables(rows, columns, x)
        for block in self.blocks:
            tokens = block(tokens, cos, sin)
        return self.norm(tokens).transpose(1, 2).reshape(-1, dim, rows, columns)


class Fuse(nn.Module):
    """One decoder level: coarser features brought up by 2, the encoder's skip, and the latitude of every row."""

    def __init__(self, coarse: int, skip: int, outputs: int, refine: nn.Module) -> None:
        super().__init__()
        self.coarse, self.skip = nn.Conv2d(coarse, outputs, 1), nn.Conv2d(skip, outputs, 1)
        self.latitude = nn.Linear(4, outputs)
        self.refine = refine

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        rows = self.latitude(latitude_features(skip.shape[-2], skip).T).T[None, :, :, None]
        x = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="nearest") + self.skip(skip) + rows
        return self.refine(F.relu(x))


class DapTiny(nn.Module):
    """Depth and far of a panorama.

    Called on (B, 3, H, W) ImageNet-normalised float32, H a multiple of 32 and W = 2 H; returns `(depth, far)`, each
    (B, H, W) in (0, 1): depth is range along the ray, 1.0 = `config.max_range_m`; far the probability of lying beyond
    `config.far_beyond_m`.
    """

    def __init__(self, config: TinyConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TinyConfig()
        c4, c8 = config.channels
        before, coarse, after = config.blocks
        self.stem2 = SphereConv(3 + 4, config.stem, 2)
        self.stem4 = SphereConv(config.stem, c4, 2)
        self.stage4 = Residual(c4)
        self.stage8 = nn.Sequential(SphereConv(c4, c8, 2), Residual(c8), Residual(c8))
        self.down16 = SphereConv(c8, config.dim, 2, activation=False)
        self.tokens16 = SphereTransformer(config.dim, before)
        self.down32 = nn.Conv2d(config.dim, config.coarse_dim, 2, 2)
        self.tokens32 = SphereTransformer(config.coarse_dim, coarse)
        self.up16 = nn.Conv2d(config.coarse_dim, config.dim, 1)
        self.mix16 = SphereTransformer(config.dim, after)
        self.fuse8 = Fuse(config.dim, c8, c8, Residual(c8))
        self.fuse4 = Fuse(c8, c4, c4, Residual(c4))
        self.fuse2 = Fuse(c4, config.stem, config.stem, SphereConv(config.stem, config.stem))
        self.head = nn.Conv2d(config.stem, 2 * 4, 3, padding=(1, 0))
        with torch.no_grad():  # start near the median range of a furnished room, and with nothing far
            self.head.weight.mul_(0.1)
            cast(Tensor, self.head.bias).copy_(torch.tensor([-3.2] * 4 + [-2.0] * 4))

    def expose(self, x: Tensor) -> Tensor:
        """Bring the log-mean brightness over the sphere to one value: how bright a place is says nothing of depth."""
        mean = torch.tensor(IMAGENET_MEAN, device=x.device)[:, None, None]
        std = torch.tensor(IMAGENET_STD, device=x.device)[:, None, None]
        rgb = (x * std + mean).clamp(0.0, 1.0)
        log_mean = ((rgb.mean(1) + LOG_FLOOR).log() * row_weights(x.shape[-2], x)[:, None]).sum(1).mean(-1)
        return (rgb * gain(log_mean)[:, None, None, None]).clamp(max=BRIGHTEST) * CONTRAST + SHIFT

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of depth and far, each (B, H, W) float32."""
        height, width = x.shape[-2:]
        if height % 32 or width != 2 * height:
            raise ValueError(f"height must be a multiple of 32 and width twice that, got {height}x{width}")
        rows = latitude_features(height, x)[None, :, :, None].expand(x.shape[0], -1, -1, width)
        x2 = self.stem2(torch.cat([self.expose(x), rows], 1))
        x4 = self.stage4(self.stem4(x2))
        x8 = self.stage8(x4)
        x16 = self.tokens16(self.down16(x8))
        x32 = self.tokens32(self.down32(x16))
        x16 = self.mix16(x16 + F.interpolate(self.up16(x32), scale_factor=2.0, mode="nearest"))
        y = self.fuse2(self.fuse4(self.fuse8(x16, x8), x4), x2)
        out = F.pixel_shuffle(self.head(circular(y)), 2).float()
        return cast(tuple[Tensor, Tensor], out.unbind(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        depth, far = self.logits(x)
        return depth.sigmoid(), far.sigmoid()
