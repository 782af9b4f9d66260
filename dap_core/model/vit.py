"""DINOv3 vision transformer (arXiv 2508.10104): patches of 16, storage tokens, layer scale, axial rotary positions.

Written from the description of the weights; agrees with `transformers`' DINOv3ViTModel (see the tests).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.model.rope import AxialRope, rotate

PATCH = 16
STORAGE_TOKENS = 4
#: Class token and storage tokens, which stand before the patches.
PREFIX = 1 + STORAGE_TOKENS
MLP_RATIO = 4
NORM_EPS = 1e-5
#: DINOv3's initial value of the layer scale.
LAYER_SCALE = 1e-5


class Attention(nn.Module):
    """Self-attention on (B, N, dim). The released key bias is masked out, so here its third of `qkv.bias` is zero."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        tokens, dim = x.shape[1:]
        q, k, v = self.qkv(x).reshape(-1, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v)
        return self.proj(y.transpose(1, 2).reshape(-1, tokens, dim))


class Mlp(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, MLP_RATIO * dim)
        self.fc2 = nn.Linear(MLP_RATIO * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Block(nn.Module):
    """Pre-norm transformer block with layer scale, (B, N, dim) -> (B, N, dim)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = Attention(dim, heads)
        self.ls1 = LayerScale(dim)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim)
        self.ls2 = LayerScale(dim)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x), cos, sin))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """The backbone. Called on (B, 3, H, W) ImageNet-normalised, H and W multiples of 16.

    Returns one (B, 5 + N, dim) per entry of `taps` (block numbers from 0, ascending), each through the final norm: the
    class token, four storage tokens, then the N = H / 16 * W / 16 patches row by row. Blocks after the last tap are not
    run. Raises InputError for another size.
    """

    def __init__(self, dim: int, depth: int, heads: int, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.taps = taps
        self.patch_embed = nn.Conv2d(3, dim, PATCH, PATCH)
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.storage_tokens = nn.Parameter(torch.empty(1, STORAGE_TOKENS, dim))
        self.rope = AxialRope(dim // heads)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.storage_tokens, std=0.02)

    def forward(self, image: Tensor) -> list[Tensor]:
        rows, columns = grid_of(image)
        patches = self.patch_embed(image).flatten(2).transpose(1, 2)
        prefix = torch.cat([self.cls_token, self.storage_tokens], dim=1)
        x = torch.cat([prefix.expand(patches.shape[0], -1, -1), patches], dim=1)
        cos, sin = self.rope(rows, columns, PREFIX)
        features = []
        for number, block in enumerate(self.blocks[: self.taps[-1] + 1]):
            x = block(x, cos, sin)
            if number in self.taps:
                features.append(self.norm(x))
        return features


def grid_of(image: Tensor) -> tuple[int, int]:
    """Rows and columns of patches of a (B, 3, H, W) image; InputError where that is not what it is."""
    if image.ndim != 4 or image.shape[1] != 3:
        raise InputError(f"expected a batch of images (B, 3, H, W), got {tuple(image.shape)}")
    height, width = image.shape[2:]
    if height % PATCH or width % PATCH or height * width < 2 * PATCH * PATCH:
        raise InputError(f"image height and width must be multiples of {PATCH}, two patches at least: {height}x{width}")
    return height // PATCH, width // PATCH
