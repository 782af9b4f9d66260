"""Depth metrics on panoramas: plain or weighted by solid angle, over any pixels of the sphere.

Every metric is a function of eleven weighted sums over pixels (`error_terms`), so that regions, images and whole data
sets are the same arithmetic on different sums.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import elevations, solid_angles


@dataclass(frozen=True)
class DepthMetrics:
    """Errors of range p against truth t over one set of pixels; nan where no pixel is valid.

    absrel    mean |p - t| / t
    sqrel     mean (p - t)^2 / t, metres
    rmse      root of the mean (p - t)^2, metres
    mae       mean |p - t|, metres
    rmse_log  root of the mean (ln p - ln t)^2 (Eigen et al. 2014); divide by ln 10 for papers that use log10 here
    log10     mean |log10 p - log10 t|
    delta1-3  share of pixels with max(p / t, t / p) below 1.25, 1.25^2, 1.25^3
    silog     100 times the standard deviation of ln p - ln t (KITTI): what remains after the best single scale
    """

    absrel: float
    sqrel: float
    rmse: float
    mae: float
    rmse_log: float
    log10: float
    delta1: float
    delta2: float
    delta3: float
    silog: float

    def as_dict(self) -> dict[str, float]:
        """Name to value, in the order of the fields."""
        return asdict(self)


METRICS = tuple(f.name for f in fields(DepthMetrics))

#: For every metric whether less is better.
LESS_IS_BETTER = {name: not name.startswith("delta") for name in METRICS}

_NOTHING = DepthMetrics(*([float("nan")] * len(METRICS)))

#: The number of sums: weight, |e|, |e|/t, e^2/t, e^2, d, d^2, |d|, three deltas, with e = p - t and d = ln p - ln t.
TERMS = 11


def error_terms(prediction: NDArray[np.float64], truth: NDArray[np.float64]) -> Iterable[NDArray]:
    """What is summed over pixels for every metric, `TERMS` arrays (N,), one at a time; both inputs (N,), positive."""
    error = np.abs(prediction - truth)
    yield np.ones_like(error)
    yield error
    yield error / truth
    error *= error
    yield error / truth
    yield error
    difference = np.log(prediction / truth)
    yield difference
    yield difference * difference
    np.abs(difference, out=difference)
    yield difference
    # exp(ln ratio) can round across the threshold, the ratio itself cannot: p = 1.25 t is not below 1.25.
    ratio = np.maximum(prediction / truth, truth / prediction)
    for power in (1, 2, 3):
        yield ratio < 1.25**power


def metrics_of(sums: NDArray[np.float64]) -> DepthMetrics:
    """Metrics from the weighted sums (TERMS,) of `error_terms`."""
    if not sums[0] > 0:
        return _NOTHING
    mae, absrel, sqrel, square, log, log_square, log_abs, *deltas = (sums[1:] / sums[0]).tolist()
    return DepthMetrics(
        absrel=absrel,
        sqrel=sqrel,
        rmse=square**0.5,
        mae=mae,
        rmse_log=log_square**0.5,
        log10=log_abs / np.log(10.0),
        delta1=deltas[0],
        delta2=deltas[1],
        delta3=deltas[2],
        silog=100.0 * max(log_square - log * log, 0.0) ** 0.5,
    )


def comparable(prediction: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where both are finite and positive."""
    return np.isfinite(prediction) & np.isfinite(truth) & (truth > 0) & (prediction > 0)


def depth_metrics(
    prediction: NDArray[np.floating],
    truth: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
    align: bool = False,
) -> DepthMetrics:
    """Compare ranges in metres of the same shape where both are finite and positive.

    `weight` (broadcastable) weights the pixels, and leaves out those where it is 0. `align` scales the prediction by
    the (weighted) median of truth / prediction first.
    """
    p, t = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    w = np.ones_like(t) if weight is None else np.broadcast_to(np.asarray(weight, np.float64), t.shape)
    use = comparable(p, t) & (w > 0)
    p, t, w = p[use], t[use], w[use]
    if not p.size:
        return _NOTHING
    if align:
        p = p * weighted_median(t / p, w)
    return metrics_of(np.array([w @ term for term in error_terms(p, t)]))


def weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The lower weighted median of a non-empty array."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def mean_metrics(metrics: Iterable[DepthMetrics]) -> DepthMetrics:
    """Mean over images, as every published protocol reports it; images without valid pixels are left out."""
    rows = np.array([[getattr(m, name) for name in METRICS] for m in metrics])
    rows = rows[np.isfinite(rows).all(1)] if rows.size else rows
    if not rows.size:
        return _NOTHING
    return DepthMetrics(*map(float, rows.mean(0)))


def horizon_band(height: int, degrees: float = 30.0) -> NDArray[np.float64]:
    """(H, 1) weight: 1 on the rows within `degrees` of the horizon, else 0."""
    return (np.abs(elevations(height)) <= np.radians(degrees)).astype(np.float64)[:, None]


def sphere_weight(height: int) -> NDArray[np.float64]:
    """(H, 1) weight: the solid angle of a pixel of each row."""
    return solid_angles(height)[:, None]
