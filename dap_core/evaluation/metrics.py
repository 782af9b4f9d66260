"""Depth metrics on panoramas: plain or weighted by solid angle, over any region of the sphere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import elevations, solid_angles


@dataclass(frozen=True)
class DepthMetrics:
    """Errors of range over one set of pixels. `rmse` is the root of the mean square and `mae` the mean absolute error,
    both in metres; `delta1` is the share of pixels within a factor of 1.25. nan where no pixel is valid."""

    absrel: float
    rmse: float
    mae: float
    delta1: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


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
    use = np.isfinite(p) & np.isfinite(t) & (t > 0) & (p > 0) & (w > 0)
    p, t, w = p[use], t[use], w[use]
    if not p.size:
        return DepthMetrics(*([float("nan")] * 4))
    if align:
        p = p * weighted_median(t / p, w)
    w = w / w.sum()
    error = np.abs(p - t)
    ratio = np.maximum(p / t, t / p)
    return DepthMetrics(
        absrel=float(w @ (error / t)),
        rmse=float(np.sqrt(w @ error**2)),
        mae=float(w @ error),
        delta1=float(w @ (ratio < 1.25)),
    )


def weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The lower weighted median of a non-empty array."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def mean_metrics(metrics: Iterable[DepthMetrics]) -> DepthMetrics:
    """Mean over images, as every published protocol reports it; images without valid pixels are left out."""
    rows = np.array([[getattr(m, f.name) for f in fields(DepthMetrics)] for m in metrics])
    rows = rows[np.isfinite(rows).all(1)] if rows.size else rows
    if not rows.size:
        return DepthMetrics(*([float("nan")] * 4))
    return DepthMetrics(*map(float, rows.mean(0)))


def horizon_band(height: int, degrees: float = 30.0) -> NDArray[np.float64]:
    """(H, 1) weight: 1 on the rows within `degrees` of the horizon, else 0."""
    return (np.abs(elevations(height)) <= np.radians(degrees)).astype(np.float64)[:, None]


def sphere_weight(height: int) -> NDArray[np.float64]:
    """(H, 1) weight: the solid angle of a pixel of each row."""
    return solid_angles(height)[:, None]
