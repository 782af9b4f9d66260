"""DAP as released (Depth Any Panoramas, CVPR 2026): a DINOv3 backbone, a DPT decoder for depth and one for far."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.model.dpt import DptDecoder, PixelHead
from dap_core.model.range_mask import RangeMaskHead, check_threshold
from dap_core.model.vit import NORM_EPS, PREFIX, VisionTransformer, grid_of


@dataclass(frozen=True)
class DapConfig:
    """Shape of a `Dap`; `height` and `width` are the resolution it is exported at, not a limit."""

    name: str
    dim: int
    depth: int
    heads: int
    taps: tuple[int, int, int, int]
    features: int
    out_channels: tuple[int, int, int, int]
    height: int = 512
    width: int = 1024
    max_range_m: float = 100.0
    far_beyond_m: float | None = 100.0  #: threshold of the range mask; None: no mask, nothing is far

    def __post_init__(self) -> None:
        check_threshold(self.far_beyond_m, self.max_range_m)
        if self.dim % (4 * self.heads):
            raise InputError(f"dim must be a multiple of 4 heads (rotary pairs): dim {self.dim}, heads {self.heads}")
        if list(self.taps) != sorted(set(self.taps)) or self.taps[-1] >= self.depth:
            raise InputError(f"taps must ascend and lie below depth {self.depth}, got {self.taps}")


class Adapter(nn.Module):
    """From the backbone's tokens (B, 5 + N, dim) to a map (B, dim, rows, columns), the way the weights were trained.

    The reference drops a class token here that is already gone, and so loses the first patch; it then stretches the
    N - 1 tokens left, as one row-major sequence, linearly back to N. The weights expect exactly that.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)

    def forward(self, tokens: Tensor, rows: int, columns: int) -> Tensor:
        sequence = self.norm(tokens[:, PREFIX + 1 :]).transpose(1, 2).unsqueeze(3)
        # Bilinear over a width of one is linear along the sequence, and exports as a single Resize.
        sequence = F.interpolate(sequence, size=(rows * columns, 1), mode="bilinear", align_corners=False)
        return sequence.reshape(-1, sequence.shape[1], rows, columns)


class Dap(nn.Module):
    """Depth and far of a panorama.

    Called on (B, 3, H, W) ImageNet-normalised float32, H and W multiples of 16; returns `(depth, far)`, each (B, H, W)
    in [0, 1]: depth is range along the ray, 1.0 = `config.max_range_m`; far is the probability of lying beyond
    `config.far_beyond_m`.
    Raises InputError for another shape.
    """

    def __init__(self, config: DapConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = VisionTransformer(config.dim, config.depth, config.heads, config.taps)
        self.adapter = Adapter(config.dim)
        self.depth_decoder = DptDecoder(config.dim, config.features, config.out_channels)
        self.depth_head = PixelHead(config.features)
        self.far_decoder = DptDecoder(config.dim, config.features, config.out_channels)
        self.far_head = RangeMaskHead(config.features, config.far_beyond_m)

    def maps(self, image: Tensor) -> list[Tensor]:
        """What both decoders read: four (B, dim, H / 16, W / 16), shallow to deep."""
        rows, columns = grid_of(image)
        return [self.adapter(tokens, rows, columns) for tokens in self.backbone(image)]

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of depth and far, each (B, H, W)."""
        maps, size = self.maps(image), image.shape[2:]
        depth = self.depth_head.logits(self.depth_decoder(maps), size)
        far = self.far_head.logits(self.far_decoder(maps), size)
        return depth, far

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        depth, far = self.logits(image)
        return depth.sigmoid(), far.sigmoid()
