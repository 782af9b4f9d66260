"""Spearman's rank correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - 0.5 * (counts - 1))[place], np.float64)


def spearman(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Correlation of the ranks of (N,) and (N,), from -1 to 1; nan for fewer than 3 pairs, or where one is constant."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])
