"""Alignment of a prediction to the truth before it is scored: what a protocol forgives.

A metric model is scored with `none`. Everything else fits one or two numbers per image to the ground truth and hides
that much of the error, so a report always names its alignment.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

Alignment = Literal["none", "median", "scale", "scale-and-shift", "disparity"]
ALIGNMENTS: tuple[Alignment, ...] = get_args(Alignment)


def fit(
    prediction: NDArray[np.floating], truth: NDArray[np.floating], mask: NDArray[np.bool_], alignment: Alignment
) -> tuple[float, float]:
    """Scale and shift that bring `prediction` to `truth` over `mask` (arrays of one shape, metres).

    none             1 and 0
    median           ratio of the medians
    scale            least squares, no shift
    scale-and-shift  least squares in range
    disparity        least squares in 1 / range: the shift is in 1 / metre

    Raises InputError where the pixels do not determine them.
    """
    if alignment == "none":
        return 1.0, 0.0
    p, t = prediction[mask].astype(np.float64), truth[mask].astype(np.float64)
    if p.size < 2:
        raise InputError(f"alignment {alignment} needs at least 2 valid pixels, got {p.size}")
    if alignment == "median":
        return float(np.median(t) / np.median(p)), 0.0
    if alignment == "disparity":
        p, t = 1.0 / p, 1.0 / t
    if alignment == "scale":
        return float(p @ t / (p @ p)), 0.0
    spread = float(np.var(p))
    if not spread > 1e-12 * float(np.mean(p)) ** 2:
        raise InputError(f"alignment {alignment} cannot be fitted: the prediction is constant")
    scale = float(np.mean((p - p.mean()) * (t - t.mean()))) / spread
    return scale, float(t.mean() - scale * p.mean())


def apply(prediction: NDArray[np.floating], scale: float, shift: float, alignment: Alignment) -> NDArray[np.floating]:
    """The aligned prediction, float32 metres; it can be negative after a shift."""
    if alignment == "disparity":
        with np.errstate(divide="ignore"):
            disparity = scale / prediction + shift
            # What is at or beyond infinity after the fit is very far, not behind the camera.
            return np.where(disparity > 0, 1.0 / disparity, np.float32(np.finfo(np.float32).max)).astype(np.float32)
    return (scale * prediction + shift).astype(np.float32)
