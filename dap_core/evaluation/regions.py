"""Metrics by region: all pixels, the band around the horizon, range bins and latitude bands, plain and by solid angle.

One table of sums per image, by row and range bin, holds them all: a region is a sum over rows and bins, and solid
angle is a weight of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dap_core.evaluation.metrics import TERMS, DepthMetrics, comparable, error_terms, metrics_of
from dap_core.panorama import elevations, solid_angles

#: Metres of ground truth; a bin holds (low, high].
RANGE_EDGES_M = (0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
#: Degrees above the horizon, from the ground up.
LATITUDE_EDGES_DEG = (-90, -60, -30, 0, 30, 60, 90)
BAND_DEG = 30.0

WEIGHTINGS = ("plain", "sphere")
RANGE_BINS = tuple(f"{a:g} to {b:g} m" for a, b in pairwise(RANGE_EDGES_M))
LATITUDE_BANDS = tuple(f"{a} to {b} deg" for a, b in pairwise(LATITUDE_EDGES_DEG))
REGIONS = ("all", "band", *RANGE_BINS, *LATITUDE_BANDS)


def region_sums(
    prediction: NDArray[np.floating], truth: NDArray[np.floating], mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Sums of `error_terms` over every region, (len(REGIONS), len(WEIGHTINGS), TERMS).

    `prediction` and `truth` (H, W) metres, compared where both are finite and positive and `mask` holds. Truth beyond
    the last edge counts in the last bin. Sums of images add up to the sums of a data set.
    """
    height = truth.shape[0]
    use = comparable(prediction, truth)
    if mask is not None:
        use &= mask
    rows, columns = np.nonzero(use)
    p, t = prediction[rows, columns].astype(np.float64), truth[rows, columns].astype(np.float64)
    bins = np.searchsorted(RANGE_EDGES_M[1:-1], t, side="left")
    cell = rows * len(RANGE_BINS) + bins
    size = height * len(RANGE_BINS)
    cells = np.empty((height, len(RANGE_BINS), TERMS))
    for i, term in enumerate(error_terms(p, t)):
        cells[..., i] = np.bincount(cell, weights=term, minlength=size).reshape(height, -1)
    weights = np.stack([np.ones(height), solid_angles(height)])
    by_row = cells.sum(1)
    sums = [weights @ by_row]
    sums += [weights * inside @ by_row for inside in _bands(height)]
    sums[2:2] = np.einsum("wr,rbt->bwt", weights, cells)
    return np.stack(sums)


def region_metrics(sums: NDArray[np.float64]) -> Iterator[tuple[str, str, DepthMetrics]]:
    """Region, weighting and metrics of every entry of `region_sums`."""
    for r, region in enumerate(REGIONS):
        for w, weighting in enumerate(WEIGHTINGS):
            yield region, weighting, metrics_of(sums[r, w])


def _bands(height: int) -> Iterator[NDArray[np.float64]]:
    """Rows (H,) inside the horizon band, then inside every latitude band; together those are all rows, each once."""
    degrees = np.degrees(elevations(height))
    yield (np.abs(degrees) <= BAND_DEG).astype(np.float64)
    for low, high in pairwise(LATITUDE_EDGES_DEG):
        yield ((degrees > low) & (degrees <= high)).astype(np.float64)
