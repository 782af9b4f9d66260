"""Exact distance from a point to a triangle mesh, for checking that a camera stands free."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.worlds.mesh import Mesh


def point_triangle_distance(point: ArrayLike, triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (M,) from a point (3,) to triangles (M, 3, 3): the foot of the perpendicular, or the nearest edge."""
    p = np.asarray(point, np.float64)
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    best = np.full(len(triangles), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        edge = end - start
        length = np.maximum((edge * edge).sum(-1), 1e-18)
        t = np.clip(((p - start) * edge).sum(-1) / length, 0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(p - start - t[:, None] * edge, axis=-1))
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.linalg.norm(normal, axis=-1), 1e-18)
    normal = normal / area[:, None]
    height = ((p - a) * normal).sum(-1)
    foot = p - height[:, None] * normal
    within = np.ones(len(triangles), bool)
    for start, end in ((a, b), (b, c), (c, a)):
        within &= (np.cross(end - start, foot - start) * normal).sum(-1) >= 0.0
    return np.where(within & (area > 1e-12), np.abs(height), best)


class Solid:
    """A mesh prepared for distance queries within `reach` metres."""

    def __init__(self, mesh: Mesh, reach: float = 0.5) -> None:
        self._take(mesh.vertices[mesh.faces], reach)

    def _take(self, triangles: NDArray[np.float32], reach: float) -> None:
        self.triangles = triangles
        self.low = triangles.min(1) - reach
        self.high = triangles.max(1) + reach
        self.reach = reach

    def slab(self, z0: float, z1: float) -> Solid:
        """Only what reaches into the heights z0..z1."""
        part = Solid.__new__(Solid)
        inside = (self.low[:, 2] + self.reach < z1) & (self.high[:, 2] - self.reach > z0)
        part._take(self.triangles[inside], self.reach)
        return part

    def along(self, waypoints: list[tuple[float, float]], z: float, step: float = 0.25) -> float:
        """Least distance (m) from points every `step` metres along a path at height z to the nearest surface."""
        least = self.reach
        for (ax, ay), (bx, by) in pairwise(waypoints):
            for t in np.linspace(0.0, 1.0, int(np.hypot(bx - ax, by - ay) / step) + 2):
                least = min(least, self.distance((ax + t * (bx - ax), ay + t * (by - ay), z)))
        return least

    def distance(self, point: ArrayLike) -> float:
        """Distance (m) from a point (3,) to the nearest surface, `reach` where that is farther."""
        p = np.asarray(point, np.float32)
        near = ((self.low < p) & (self.high > p)).all(-1)
        if not near.any():
            return self.reach
        distances = point_triangle_distance(p, self.triangles[near].astype(np.float64))
        return float(min(distances.min(), self.reach))
