"""Worlds whose range is known in closed form: boxes and floors, cast through the pixel centres of a panorama.

Frame as in `dap_core.panorama`: the camera at the origin, x forward, y left, z up; metres. A world of several things
is the `numpy.minimum` of their ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rays(height: int) -> NDArray[np.float64]:
    """Unit rays through the pixel centres, (height, 2 height, 3), in double precision."""
    a = np.pi - (np.arange(2 * height) + 0.5) * (np.pi / height)
    e = np.pi / 2 - (np.arange(height)[:, None] + 0.5) * (np.pi / height)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e) + 0.0 * a], -1)


def box_along(directions: ArrayLike, centre: ArrayLike, size: ArrayLike, rotation: ArrayLike | None = None) -> NDArray:
    """Range along unit `directions` (..., 3) to a box, +inf where it is missed; (...).

    `size` (3,) is its edges' lengths, `rotation` (3, 3) takes its axes to the camera's. Around the camera the box is
    a room: the range to its walls from inside.
    """
    r = np.eye(3) if rotation is None else np.asarray(rotation, float)
    d, c, half = np.asarray(directions, float) @ r, np.asarray(centre, float) @ r, np.asarray(size, float) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (c - half) / d, (c + half) / d
    # A ray inside a face's own plane gives 0 / 0; whether it meets the box is a matter of taste.
    near = np.fmax.reduce(np.fmin(low, high), -1)
    far = np.fmin.reduce(np.fmax(low, high), -1)
    return np.where((near <= far) & (far > 0), np.where(near > 0, near, far), np.inf)


def floor_along(directions: ArrayLike, camera_height: float) -> NDArray[np.float64]:
    """Range along unit `directions` (..., 3) to the plane z = -camera_height (below 0: a ceiling), +inf elsewhere."""
    with np.errstate(divide="ignore"):
        t = -camera_height / np.asarray(directions, float)[..., 2]
    return np.where(t > 0, t, np.inf)


def box_range(height: int, centre: ArrayLike, size: ArrayLike, rotation: ArrayLike | None = None) -> NDArray:
    """Range (height, 2 height) to a box (see `box_along`), +inf where nothing is met."""
    return box_along(rays(height), centre, size, rotation)


def floor_range(height: int, camera_height: float) -> NDArray[np.float64]:
    """Range (height, 2 height) to the floor `camera_height` below the camera, +inf above the horizon."""
    return floor_along(rays(height), camera_height)
