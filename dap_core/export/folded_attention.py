"""Attention from the same weights with less around it: what is linear is folded into the products beside it.

Against the models' own attention, which is written for training: one product for queries, keys and values becomes three
(nothing is left to split or transposed apart), the scale of the scores goes into the queries' weights, the values' bias
through the projection into its bias (the weights of a softmax add up to one), a layer scale into the projection.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dap_core.export.folded_layers import linear, scaled

#: Up to so many tokens attention is one product, its scores whole. Beyond, queries go in chunks of so many scores (a
#: head) at most: a runtime that does not fuse attention holds the scores of one chunk, not those of all tokens.
WHOLE_TOKENS = 4096
CHUNK_SCORES = 1 << 22


def query_chunk(tokens: int) -> int:
    """Queries attended to at once, of so many tokens; as nearly equal chunks as may be."""
    if tokens <= WHOLE_TOKENS:
        return tokens
    return math.ceil(tokens / math.ceil(tokens * tokens / CHUNK_SCORES))


class FoldedAttention(nn.Module):
    """Self-attention on (B, N, dim) with rotary positions, for one N, which may be large: memory grows with N.

    `qkv` and `proj` are the model's own; `cos` and `sin`, (N, dim / heads), pair feature d of a head with d + half;
    `gamma` (dim,), where there is one, multiplies the result.
    """

    cos: Tensor
    sin: Tensor

    def __init__(
        self, qkv: nn.Linear, proj: nn.Linear, heads: int, cos: Tensor, sin: Tensor, gamma: Tensor | None = None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.pairs = cos.shape[-1] // 2
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)
        scale = (2 * self.pairs) ** -0.5
        (w_q, w_k, w_v), (b_q, b_k, b_v) = qkv.weight.double().chunk(3), qkv.bias.double().chunk(3)
        self.q = linear(scale * w_q, scale * b_q)
        self.k = linear(w_k, b_k if b_k.any() else None)
        self.v = linear(w_v, None)
        self.proj = scaled(linear(proj.weight.double(), proj.bias + proj.weight.double() @ b_v), gamma)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        q, k = self._rotated(q), self._rotated(k).transpose(2, 3)
        chunk = query_chunk(self.cos.shape[0])
        if chunk == self.cos.shape[0]:
            x = (q @ k).softmax(-1) @ v
        else:
            x = torch.cat([(part @ k).softmax(-1) @ v for part in q.split(chunk, dim=2)], dim=2)
        return self.proj(x.transpose(1, 2).flatten(2))

    def _rotated(self, x: Tensor) -> Tensor:
        # In this very form, and with the sizes of the split given, OpenVINO makes one RoPE of it.
        first, second = x.split([self.pairs, self.pairs], dim=-1)
        return x * self.cos + torch.cat([-second, first], dim=-1) * self.sin


class FoldedBlock(nn.Module):
    """Pre-norm transformer block on (B, N, dim) of these parts."""

    def __init__(
        self, norm1: nn.LayerNorm, attention: FoldedAttention, norm2: nn.LayerNorm, fc1: nn.Linear, fc2: nn.Linear
    ) -> None:
        super().__init__()
        self.norm1, self.attention = norm1, attention
        self.norm2, self.fc1, self.fc2 = norm2, fc1, fc2

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))
