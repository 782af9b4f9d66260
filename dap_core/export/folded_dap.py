"""The released architecture for one resolution, the same function from the same weights with less around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from dap_core.backends.spec import IMAGENET_MEAN, IMAGENET_STD
from dap_core.export.folded_attention import FoldedAttention, FoldedBlock
from dap_core.export.folded_decoder import FoldedDecoder
from dap_core.export.folded_layers import convolution, scaled
from dap_core.model.released import Adapter, Dap
from dap_core.model.vit import PATCH, PREFIX, Block, VisionTransformer

#: Subtracted from the image's bytes: what is left has 8 bits, which bfloat16 keeps, and is near zero on average.
MIDDLE = 128.0


class FoldedDap(nn.Module):
    """(B, H, W, 3) uint8 to range_m and far, (B, H, W) each, for one H and W = 2 H."""

    def __init__(self, dap: Dap, height: int, max_range_m: float) -> None:
        super().__init__()
        grid = height // PATCH, 2 * height // PATCH
        self.size = height, 2 * height
        self.max_range_m = max_range_m
        self.backbone = FoldedBackbone(dap.backbone, dap.adapter, grid)
        self.depth_decoder, self.depth_head = FoldedDecoder(dap.depth_decoder, grid), dap.depth_head
        self.far_decoder, self.far_head = FoldedDecoder(dap.far_decoder, grid), dap.far_head

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.backbone(image)
        depth = self.depth_head(self.depth_decoder(maps), self.size)
        far = self.far_head(self.far_decoder(maps), self.size)
        return depth * self.max_range_m, far


class FoldedBackbone(nn.Module):
    """Transformer and adapter: (B, H, W, 3) uint8 to four maps (B, dim, rows, columns)."""

    prefix: Tensor
    early: Tensor

    def __init__(self, vit: VisionTransformer, adapter: Adapter, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid, self.taps = grid, vit.taps
        self.patch_embed = _patch_embed(vit.patch_embed)
        prefix = torch.cat([vit.cls_token, vit.storage_tokens], dim=1)
        self.register_buffer("prefix", prefix.detach())
        cos, sin = vit.rope(*grid, PREFIX)
        self.blocks = nn.ModuleList()
        for block in cast("Iterable[Block]", vit.blocks[: vit.taps[-1] + 1]):
            attn, mlp = block.attn, block.mlp
            attention = FoldedAttention(attn.qkv, attn.proj, attn.heads, cos, sin, block.ls1.gamma)
            fc2 = scaled(mlp.fc2, block.ls2.gamma)
            self.blocks.append(FoldedBlock(block.norm1, attention, block.norm2, mlp.fc1, fc2))
        self.norm, self.adapter_norm = vit.norm, adapter.norm
        # The adapter stretches patches 1 ... N - 1 to N: number i lies between patches i and i + 1 (see `Adapter`).
        count = grid[0] * grid[1]
        early = (torch.arange(count, dtype=torch.float64) + 0.5) / count
        early[0], early[-1] = 0.0, 1.0
        self.register_buffer("early", early[:, None].float())

    def forward(self, image: Tensor) -> list[Tensor]:
        pixels = (image.float() - MIDDLE).permute(0, 3, 1, 2)
        patches = self.patch_embed(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.prefix.expand(patches.shape[0], -1, -1), patches], dim=1)
        maps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                maps.append(self._map(x))
        return maps

    def _map(self, x: Tensor) -> Tensor:
        patches = self.adapter_norm(self.norm(x))[:, PREFIX:]
        following = torch.cat([patches[:, 1:], patches[:, -1:]], dim=1)
        stretched = patches * self.early + following * (1.0 - self.early)
        return stretched.transpose(1, 2).unflatten(2, self.grid)


def _patch_embed(conv: nn.Conv2d) -> nn.Conv2d:
    """The convolution for bytes less `MIDDLE` instead of ImageNet-normalised values."""
    assert conv.bias is not None
    mean, std = (torch.tensor(x, dtype=torch.float64)[:, None, None] for x in (IMAGENET_MEAN, IMAGENET_STD))
    weight = conv.weight / (255.0 * std)
    bias = conv.bias + (weight * (MIDDLE - 255.0 * mean)).sum((1, 2, 3))
    return convolution(weight, bias, stride=PATCH)
