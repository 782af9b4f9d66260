"""What a depth estimate must beat: predictions that never look at the image."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def oracle_constant(truth: NDArray[np.floating]) -> NDArray[np.floating]:
    """The image's own median range everywhere, (H, W); it knows the answer's scale, so it is an oracle."""
    return np.full_like(truth, np.nanmedian(_valid(truth)))


def oracle_row_median(truth: NDArray[np.floating]) -> NDArray[np.floating]:
    """The image's own median range in every row, (H, W); rows without a valid pixel stay nan."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows of sky have no median, and say so
        rows = np.nanmedian(_valid(truth), axis=1, keepdims=True)
    return np.broadcast_to(rows, truth.shape)


def row_prior(ranges: Iterable[NDArray[np.floating]], max_range_m: float) -> NDArray[np.float32]:
    """The median range of every row over a training set, (H,), far counted as `max_range_m`: the image-blind prior.

    Ranges are (H, W) of one height, +inf where far, nan where unknown.
    """
    rows = [np.minimum(r, max_range_m)[:, ::8] for r in ranges]
    return np.nanmedian(np.concatenate(rows, axis=1), axis=1).astype(np.float32)


def apply_row_prior(prior: NDArray[np.floating], height: int) -> NDArray[np.floating]:
    """The prior as a panorama of another height, (height, 2 height), interpolated over rows in the logarithm."""
    rows = (np.arange(height) + 0.5) / height * len(prior) - 0.5
    values = np.exp(np.interp(rows, np.arange(len(prior)), np.log(prior)))
    return np.broadcast_to(values[:, None], (height, 2 * height))


def _valid(truth: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(np.isfinite(truth) & (truth > 0), truth, np.nan)
