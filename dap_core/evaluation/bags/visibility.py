"""Which lidar points the camera can see, and what a range image says in their directions.

The lidar looks from another place than the camera, so it sees behind things that stand in the camera's way. A point is
taken for hidden where other points surround it that are clearly nearer to the camera: one on either side, left and
right or above and below. On one side alone is not enough, as on a floor or a wall seen at a grazing angle; below three
degrees of grazing, a floor beyond 18 times the camera's height, it happens all the same.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import project

#: Rows of the grid on which points are compared: 0.35 degrees each.
ROWS = 512
#: Grid cells to either side in which an occluder's points are looked for (3 degrees), and half the band's thickness.
REACH, HALF = 9, 1
#: How much nearer (share of range, metres) an occluder is.
SHARE, METRES = 0.1, 0.1
#: And beside the outline of one, in the very next cells, where a little error of the extrinsics swaps the two.
BESIDE_SHARE = 0.3

#: The four pixels around a direction are of one surface where their ranges differ by less than this factor.
SURFACE = 1.3


def visible(points: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(N,) bool of points (N, 3) metres in the camera's body frame: true where nothing of them hides the point."""
    if not len(points):
        return np.zeros(0, bool)
    range_m = np.linalg.norm(points, axis=1).astype(np.float32)
    u, v = cells(points, ROWS)
    pad, rows, columns = REACH + 1, slice(REACH + 1, -REACH - 1), 2 * ROWS
    nearest = np.full((ROWS + 2 * pad, columns + 2 * pad), np.inf, np.float32)
    order = np.argsort(-range_m)
    nearest[rows, rows][v[order], u[order]] = range_m[order]
    nearest[:, :pad], nearest[:, -pad:] = nearest[:, columns : columns + pad], nearest[:, pad : 2 * pad]

    def least(width: int, height: int, right: int, down: int) -> NDArray[np.float32]:
        """Least range around every point, in a window whose top left cell lies `right` and `down` of it."""
        window = cv2.erode(nearest, np.ones((height, width), np.uint8), anchor=(0, 0))
        return np.asarray(window, np.float32)[v + pad + down, u + pad + right]

    limit = range_m * np.float32(1.0 - SHARE) - np.float32(METRES)
    thick = 2 * HALF + 1
    left, right = least(REACH, thick, -REACH, -HALF) < limit, least(REACH, thick, 1, -HALF) < limit
    above, below = least(thick, REACH, -HALF, -REACH) < limit, least(thick, REACH, -HALF, 1) < limit
    beside = least(3, 3, -1, -1) < range_m * np.float32(1.0 - BESIDE_SHARE) - np.float32(METRES)
    return np.asarray(~((left & right) | (above & below) | beside))


def cells(points: NDArray[np.floating], height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column and row (N,) of points (N, 3) in a panorama of `height` rows."""
    uv = np.rint(project(points, height)).astype(np.int64)
    return uv[:, 0] % (2 * height), np.clip(uv[:, 1], 0, height - 1)


def range_along(range_m: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) metres that a range image (h, 2 h) has in the directions of points (N, 3); +inf far, nan unknown.

    The inverse of range is interpolated, which is linear in the direction for a plane, where the four pixels around
    are of one surface; elsewhere the nearest pixel says it.
    """
    height, width = range_m.shape
    uv = project(points, height)
    u0, v0 = np.floor(uv[:, 0]).astype(np.int64), np.floor(uv[:, 1]).astype(np.int64)
    fu, fv = uv[:, 0] - u0, uv[:, 1] - v0
    left, right = u0 % width, (u0 + 1) % width
    top, bottom = np.clip(v0, 0, height - 1), np.clip(v0 + 1, 0, height - 1)
    flat = range_m.reshape(-1)
    corners = np.stack([flat[r * width + c] for r in (top, bottom) for c in (left, right)]).astype(np.float64)
    weights = np.stack([(1 - fv) * (1 - fu), (1 - fv) * fu, fv * (1 - fu), fv * fu])
    nearest = np.take_along_axis(corners, weights.argmax(0)[None], 0)[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        smooth = corners.max(0) < SURFACE * corners.min(0)
        mixed = 1.0 / (weights / corners).sum(0)
    return np.where(smooth, mixed, nearest)
