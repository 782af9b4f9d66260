"""What a depth estimate must beat: predictions that never look at the image."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import elevations

#: Where the floor is read off a row prior: steep enough that furniture and walls seldom stand before it.
FLOOR_BELOW_DEG = 30.0


@dataclass(frozen=True)
class FloorPlane:
    """An image-blind room: a level floor `camera_height_m` below the camera, and `surroundings_m` to all else."""

    camera_height_m: float
    surroundings_m: float


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


def floor_plane(prior: NDArray[np.floating]) -> FloorPlane:
    """The floor plane of a training set, from its row prior (H,).

    Camera height: the median of range times sine over the rows more than 30 degrees below the horizon. Surroundings:
    the median over the rows above the horizon.
    """
    up = elevations(len(prior))
    below = up < -np.radians(FLOOR_BELOW_DEG)
    return FloorPlane(
        float(np.nanmedian(prior[below] * np.sin(-up[below]))),
        float(np.nanmedian(prior[up > 0])),
    )


def apply_floor_plane(plane: FloorPlane, height: int) -> NDArray[np.float64]:
    """Range of a floor plane and its surroundings, (height, 2 height).

    camera_height / sin(angle below the horizon), out to the surroundings; the surroundings at and above the horizon.
    """
    down = np.maximum(np.sin(-elevations(height)), plane.camera_height_m / plane.surroundings_m)
    return np.broadcast_to((plane.camera_height_m / down)[:, None], (height, 2 * height))


def _valid(truth: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(np.isfinite(truth) & (truth > 0), truth, np.nan)
