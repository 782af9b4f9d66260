"""Triangulating simple polygons by ear clipping."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def triangulate(outline: ArrayLike) -> NDArray[np.int64]:
    """Triangles (N - 2, 3) of a simple polygon (N, 2), convex or not, in either orientation."""
    p = np.asarray(outline, np.float64).reshape(-1, 2)
    n = len(p)
    if n < 3:
        raise ValueError(f"a polygon needs at least 3 corners, got {n}")
    x, y = p[:, 0], p[:, 1]
    area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    order = list(range(n)) if area >= 0 else list(range(n))[::-1]
    edge = np.roll(p[order], -1, 0) - p[order]
    turn = edge[:, 0] * np.roll(edge, -1, 0)[:, 1] - edge[:, 1] * np.roll(edge, -1, 0)[:, 0]
    if np.all(turn >= -1e-12 * abs(area)):
        first = order[0]
        return np.array([[first, order[i], order[i + 1]] for i in range(1, n - 1)])
    out = []
    points = [(float(a), float(b)) for a, b in p]
    while len(order) > 3:
        for i in range(len(order)):
            a, b, c = order[i - 1], order[i], order[(i + 1) % len(order)]
            if _cross(points[a], points[b], points[c]) <= 0.0:
                continue
            if any(_inside(points[q], points[a], points[b], points[c]) for q in order if q not in (a, b, c)):
                continue
            break
        else:
            i = 1  # touching corners: any ear keeps the number of triangles right
            a, b, c = order[0], order[1], order[2]
        out.append((a, b, c))
        del order[i]
    out.append((order[0], order[1], order[2]))
    return np.array(out)


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _inside(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return _cross(a, b, p) >= 0.0 and _cross(b, c, p) >= 0.0 and _cross(c, a, p) >= 0.0
