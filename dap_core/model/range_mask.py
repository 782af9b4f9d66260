"""The range-mask head of DAP: which pixels lie beyond a threshold, so that depth need not answer for the sky."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.model.dpt import PixelHead

#: The thresholds of the paper's ablation, metres; the released model has the last.
THRESHOLDS_M = (10.0, 20.0, 50.0, 100.0)
#: The logit of far that stands for "never": what a model without a mask answers.
NEVER_FAR = -30.0


def check_threshold(far_beyond_m: float | None, max_range_m: float) -> None:
    """InputError unless a range mask's threshold lies within the model's range; None stands for no mask."""
    if far_beyond_m is not None and not 0.0 < far_beyond_m <= max_range_m:
        raise InputError(f"a range mask's threshold lies in (0, {max_range_m:g}] metres, got {far_beyond_m:g}")


class RangeMaskHead(PixelHead):
    """Probability (B, H, W) that a pixel lies farther than `threshold_m` along its ray; far where it exceeds 0.5.

    Attaches to any decoder's features (B, C, h, w). The paper ablates thresholds of 10, 20, 50 and 100 m; the released
    model has one head, at 100 m, on a decoder of its own. With None the head is there and never says far.
    """

    def __init__(self, features: int, threshold_m: float | None) -> None:
        super().__init__(features)
        self.threshold_m = threshold_m


class WithRangeMask(nn.Module):
    """Any depth network, with a range-mask head on the features of one of its modules. The network stays as it is.

    `base` is called on images (B, 3, H, W) and gives depth (B, H, W) or (B, 1, H, W) in [0, 1], 1.0 = `max_range_m`, or
    a tuple that begins with it. `tap` names the module of it whose output (B, `channels`, h, w), of any size, the head
    reads; it is listened to during a call and otherwise left alone, so weights, outputs and state dict of `base` are
    what they were. With `threshold_m` None there is no head and nothing is far. With `frozen` the mask sends no
    gradient into the network.

    Called on images it returns `(depth, far)`, each (B, H, W) in [0, 1], as all models here do. Raises InputError for a
    tap that `base` lacks or that gives something else, and for a threshold beyond `max_range_m`.
    """

    def __init__(
        self,
        base: nn.Module,
        tap: str,
        channels: int,
        threshold_m: float | None = 100.0,
        max_range_m: float = 100.0,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        if tap not in dict(base.named_modules()) or not tap:
            raise InputError(f"no module {tap!r} in {type(base).__name__} to read features from")
        check_threshold(threshold_m, max_range_m)
        self.base, self.tap, self.channels, self.frozen = base, tap, channels, frozen
        self.max_range_m, self.threshold_m = max_range_m, threshold_m
        self.range_mask = None if threshold_m is None else RangeMaskHead(channels, threshold_m)

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of depth and far, each (B, H, W)."""
        own = getattr(self.base, "logits", None)
        if own is not None:
            depth, features = self._listened(own, image)
            return depth, self._far(features, depth)
        depth, features = self._listened(self.base, image)
        epsilon = torch.finfo(depth.dtype).eps
        return depth.clamp(epsilon, 1.0 - epsilon).logit(), self._far(features, depth)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        depth, features = self._listened(self.base, image)
        return depth, self._far(features, depth).sigmoid()

    def range_m(self, image: Tensor) -> Tensor:
        """Range (B, H, W) in metres with the mask's answer in it: +inf where far."""
        depth, far = self(image)
        return (depth * self.max_range_m).masked_fill(far > 0.5, math.inf)

    def _far(self, features: Tensor, depth: Tensor) -> Tensor:
        if self.range_mask is None:
            return torch.full_like(depth, NEVER_FAR)
        return self.range_mask.logits(features.detach() if self.frozen else features, depth.shape[-2:])

    def _listened(self, call: Any, image: Tensor) -> tuple[Tensor, Tensor]:
        """The base's depth (B, H, W), and what the tapped module gave meanwhile."""
        heard: list[Any] = []
        handle = self.base.get_submodule(self.tap).register_forward_hook(lambda _module, _given, out: heard.append(out))
        try:
            answer = call(image)
        finally:
            handle.remove()
        depth = answer[0] if isinstance(answer, (tuple, list)) else answer
        depth = depth.squeeze(1) if depth.ndim == 4 else depth
        features = heard[-1] if heard else None
        if not isinstance(features, Tensor) or features.ndim != 4 or features.shape[1] != self.channels:
            got = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise InputError(f"{self.tap} must give features (B, {self.channels}, h, w), got {got}")
        return depth, features
