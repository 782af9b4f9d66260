"""DPT decoder (Ranftl et al., ICCV 2021, section 3) as in Depth Anything: from four depths of a ViT to one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn


def upsample(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear with aligned corners, as the weights were trained."""
    return F.interpolate(x, size=list(size), mode="bilinear", align_corners=True)


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions, each after its ReLU, around a skip; (B, C, h, w) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Fusion(nn.Module):
    """Take in one level, refine, and bring up to the next level's size. The deepest level has nothing to take in."""

    def __init__(self, channels: int, deepest: bool) -> None:
        super().__init__()
        self.skip = None if deepest else ResidualUnit(channels)
        self.refine = ResidualUnit(channels)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, level: Tensor | None, size: Sequence[int]) -> Tensor:
        if self.skip is not None:
            x = x + self.skip(level)
        # The reference has the 1x1 convolution after the upsampling. It commutes with an interpolation, whose weights
        # add up to one, and before it there is a quarter of the pixels.
        return upsample(self.out(self.refine(x)), size)


class DptDecoder(nn.Module):
    """Four maps (B, dim, h, w) at 1/16, shallow to deep, to one map (B, features, 8 h, 8 w) at half the image size."""

    def __init__(self, dim: int, features: int, out_channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        c4, c8, _, c32 = out_channels
        self.project = nn.ModuleList(nn.Conv2d(dim, channels, 1) for channels in out_channels)
        self.resize = nn.ModuleList(
            [
                nn.ConvTranspose2d(c4, c4, 4, 4),
                nn.ConvTranspose2d(c8, c8, 2, 2),
                nn.Identity(),
                nn.Conv2d(c32, c32, 3, 2, padding=1),
            ]
        )
        self.reduce = nn.ModuleList(
            nn.Conv2d(channels, features, 3, padding=1, bias=False) for channels in out_channels
        )
        self.fuse = nn.ModuleList(Fusion(features, deepest=level == 3) for level in range(4))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return self.merge(
            [
                reduce(resize(project(x)))
                for x, project, resize, reduce in zip(maps, self.project, self.resize, self.reduce, strict=True)
            ]
        )

    def merge(self, levels: Sequence[Tensor]) -> Tensor:
        """The same from four maps (B, features, ...) at 1/4, 1/8, 1/16 and 1/32."""
        x = self.fuse[3](levels[3], None, levels[2].shape[2:])
        x = self.fuse[2](x, levels[2], levels[1].shape[2:])
        x = self.fuse[1](x, levels[1], levels[0].shape[2:])
        height, width = levels[0].shape[2:]
        return self.fuse[0](x, levels[0], (2 * height, 2 * width))


class PixelHead(nn.Module):
    """One value a pixel from a decoder's features, as a sigmoid: for depth, 1.0 is the model's range (100 m).

    Called on features (B, C, h, w) and the image size (H, W), returns (B, H, W); `logits` is the same without the
    sigmoid.
    """

    HIDDEN = 32

    def __init__(self, features: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(features, features // 2, 3, padding=1)
        self.hidden = nn.Conv2d(features // 2, self.HIDDEN, 3, padding=1)
        self.out = nn.Conv2d(self.HIDDEN, 1, 1)

    def logits(self, features: Tensor, size: Sequence[int]) -> Tensor:
        x = upsample(self.narrow(features), size)
        return cast(Tensor, self.out(F.relu(self.hidden(x)))).squeeze(1)

    def forward(self, features: Tensor, size: Sequence[int]) -> Tensor:
        return self.logits(features, size).sigmoid()
