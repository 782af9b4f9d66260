"""Free space: oriented footprints while a world is laid out, exact distances to triangles once it is built."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.mesh import Mesh

Array = NDArray[np.float64]


class Footprints:
    """Oriented rectangles on the ground that things stand on."""

    def __init__(self) -> None:
        self._rows = np.zeros((256, 6))
        self._count = 0

    def add(
        self, x: Array | float, y: Array | float, half_x: Array | float, half_y: Array | float, yaw: Array | float = 0.0
    ) -> None:
        """Occupy rectangles of half extents (half_x, half_y) about (x, y), turned by yaw; arrays broadcast."""
        x, y, hx, hy, yaw = (np.atleast_1d(a).ravel() for a in np.broadcast_arrays(x, y, half_x, half_y, yaw))
        rows = np.column_stack([x, y, hx, hy, np.cos(yaw), np.sin(yaw)])
        while self._count + len(rows) > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count : self._count + len(rows)] = rows
        self._count += len(rows)

    def distance(self, xy: Array) -> Array:
        """Distance of points (K, 2) to the nearest footprint, (K,); 0 inside, inf if there is none."""
        if self._count == 0:
            return np.full(len(xy), np.inf)
        best = np.full(len(xy), np.inf)
        for start in range(0, self._count, 512):
            cx, cy, hx, hy, c, s = self._rows[start : min(start + 512, self._count)].T
            dx, dy = xy[:, :1] - cx, xy[:, 1:] - cy
            ox = np.maximum(np.abs(c * dx + s * dy) - hx, 0.0)
            oy = np.maximum(np.abs(c * dy - s * dx) - hy, 0.0)
            best = np.minimum(best, np.hypot(ox, oy).min(1))
        return best

    def clear(self, x: float, y: float, half_x: float, half_y: float, yaw: float = 0.0) -> bool:
        """Whether a rectangle overlaps none (separating axes)."""
        rows = self._rows[: self._count]
        reach = np.hypot(half_x, half_y) + np.hypot(rows[:, 2], rows[:, 3])
        rows = rows[np.hypot(rows[:, 0] - x, rows[:, 1] - y) < reach]
        if len(rows) == 0:
            return True
        cx, cy, hx, hy, c, s = rows.T
        c0, s0 = np.cos(yaw), np.sin(yaw)
        dx, dy = cx - x, cy - y
        dot, cross = np.abs(c * c0 + s * s0), np.abs(s * c0 - c * s0)
        apart = np.abs(c0 * dx + s0 * dy) > half_x + hx * dot + hy * cross
        apart |= np.abs(c0 * dy - s0 * dx) > half_y + hx * cross + hy * dot
        apart |= np.abs(c * dx + s * dy) > hx + half_x * dot + half_y * cross
        apart |= np.abs(c * dy - s * dx) > hy + half_x * cross + half_y * dot
        return bool(apart.all())


def distance_to_triangles(point: Array, triangles: Array) -> Array:
    """Distance of a point (3,) to triangles (M, 3, 3), (M,)."""
    a, b, c = triangles[:, 0] - point, triangles[:, 1] - point, triangles[:, 2] - point
    normal = np.cross(b - a, c - a)
    area = np.einsum("mi,mi->m", normal, normal)
    inside = area > 1e-16
    area = np.maximum(area, 1e-16)
    plane = np.einsum("mi,mi->m", a, normal)
    foot = (plane / area)[:, None] * normal
    best = np.full(len(a), np.inf)
    for p, q in ((a, b), (b, c), (c, a)):
        edge = q - p
        inside &= np.einsum("mi,mi->m", np.cross(edge, foot - p), normal) >= 0.0
        t = -np.einsum("mi,mi->m", p, edge) / np.maximum(np.einsum("mi,mi->m", edge, edge), 1e-18)
        best = np.minimum(best, np.linalg.norm(p + np.clip(t, 0.0, 1.0)[:, None] * edge, axis=1))
    return np.where(inside, np.abs(plane) / np.sqrt(area), best)


class Surroundings:
    """A built mesh, asked about single points; `region` (x0, x1, y0, y1, z1) keeps only what reaches into it."""

    def __init__(self, mesh: Mesh, region: tuple[float, float, float, float, float] | None = None) -> None:
        columns = [np.ascontiguousarray(mesh.vertices[:, k]) for k in range(3)]
        corner = [[c[mesh.faces[:, k]] for k in range(3)] for c in columns]
        self._low = [np.minimum(np.minimum(a, b), c) for a, b, c in corner]
        self._high = [np.maximum(np.maximum(a, b), c) for a, b, c in corner]
        self._mesh, self._faces = mesh, mesh.faces
        if region is not None:
            (x, y, z), (u, v, _) = self._low, self._high
            keep = (u > region[0]) & (x < region[1]) & (v > region[2]) & (y < region[3]) & (z < region[4])
            self._faces = mesh.faces[keep]
            self._low, self._high = [a[keep] for a in self._low], [a[keep] for a in self._high]

    def _triangles(self, near: NDArray[np.bool_]) -> Array:
        return self._mesh.vertices[self._faces[near]].astype(float)

    def clearance(self, point: Array, limit: float) -> float:
        """Distance of the nearest surface to a point (3,), or `limit` if none is nearer."""
        near = np.ones(len(self._faces), bool)
        for low, high, p in zip(self._low, self._high, point, strict=True):
            near &= (low < p + limit) & (high > p - limit)
        if not near.any():
            return limit
        return min(float(distance_to_triangles(np.asarray(point, float), self._triangles(near)).min()), limit)

    def below(self, x: float, y: float, z: float) -> float:
        """Height of the first surface straight below (x, y, z), -inf if there is none."""
        (x0, y0, z0), (x1, y1, _) = self._low, self._high
        near = (x0 <= x) & (x1 >= x) & (y0 <= y) & (y1 >= y) & (z0 <= z)
        t = self._triangles(near)
        if len(t) == 0:
            return -np.inf
        d1, d2, d = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0], np.array([x, y]) - t[:, 0, :2]
        det = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
        safe = np.where(np.abs(det) < 1e-12, 1.0, det)
        u = (d[:, 0] * d2[:, 1] - d[:, 1] * d2[:, 0]) / safe
        v = (d1[:, 0] * d[:, 1] - d1[:, 1] * d[:, 0]) / safe
        hit = (np.abs(det) >= 1e-12) & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
        heights = (t[:, 0, 2] + u * d1[:, 2] + v * d2[:, 2])[hit]
        heights = heights[heights <= z]
        return float(heights.max()) if len(heights) else -np.inf
