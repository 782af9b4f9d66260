"""Metric depth from 360-degree panoramas.

>>> from dap_core import DepthEstimator
>>> estimator = DepthEstimator.open(model="dap-tiny", backend="auto")
>>> depth = estimator(image)          # (H, W, 3) uint8 RGB of any size with W = 2 H
>>> depth.range_m, depth.far          # (h, w) float32 metres, (h, w) bool
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dap_core.errors import InputError
    from dap_core.estimate import DepthEstimator, PanoramaDepth

__all__ = ["DepthEstimator", "InputError", "PanoramaDepth"]


def __getattr__(name: str) -> object:
    """Names are found on first use, so that `dap --help` does not load OpenCV."""
    if name in ("DepthEstimator", "PanoramaDepth"):
        from dap_core import estimate

        return getattr(estimate, name)
    if name == "InputError":
        from dap_core.errors import InputError

        return InputError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
