"""The range-mask head of DAP: which pixels lie beyond a threshold, so that depth need not answer for the sky."""

from __future__ import annotations

from dap_core.model.dpt import PixelHead


class RangeMaskHead(PixelHead):
    """Probability (B, H, W) that a pixel lies farther than `threshold_m` along its ray; far where it exceeds 0.5.

    Attaches to any decoder's features (B, C, h, w). The paper ablates thresholds of 10, 20, 50 and 100 m; the released
    model has one head, at 100 m, on a decoder of its own.
    """

    def __init__(self, features: int, threshold_m: float) -> None:
        super().__init__(features)
        self.threshold_m = threshold_m
