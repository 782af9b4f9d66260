"""Vertices, faces and metric texture coordinates of the less simple primitives, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: vertices (N, 3), faces (M, 3), uv (M, 3, 2)
Triangles = tuple[NDArray, NDArray, NDArray]
#: corners (K, 4, 3), uv (K, 4, 2)
Quads = tuple[NDArray, NDArray]


def grid_faces(rows: int, columns: int) -> NDArray[np.int64]:
    """Faces of a grid of vertices, row by row."""
    i = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    lower = np.stack([i, i + 1, i + columns + 1], -1)
    return np.concatenate([lower, np.stack([i, i + columns + 1, i + columns], -1)])


def lathe(profile: NDArray, segments: int) -> Triangles:
    """A surface of revolution about z from a profile (N, 2) of (radius, z); triangles on the axis are left out."""
    angles = np.arange(segments + 1) * (2.0 * np.pi / segments)
    r, z = profile[:, :1], profile[:, 1:]
    n = len(profile)
    v = np.stack([r * np.cos(angles), r * np.sin(angles), np.broadcast_to(z, (n, segments + 1))], -1).reshape(-1, 3)
    distance = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    u = np.broadcast_to(angles * float(np.abs(r).max()), (n, segments + 1))
    uv = np.stack([u, np.broadcast_to(distance[:, None], u.shape)], -1).reshape(-1, 2)
    f = grid_faces(n, segments + 1)
    off_axis = profile[:, 0] > 1e-9
    f = f[np.concatenate([np.repeat(off_axis[:-1], segments), np.repeat(off_axis[1:], segments)])]
    return v, f, uv[f]


def tube(points: ArrayLike, radius: float | ArrayLike, segments: int) -> Triangles:
    """Rings round the corners of a polyline (N, 3), carried along it without twist."""
    p = np.asarray(points, np.float64).reshape(-1, 3)
    r = np.broadcast_to(np.asarray(radius, np.float64), (len(p),))
    step = np.diff(p, axis=0)
    lengths = np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-12)
    direction = step / lengths
    tangents = np.concatenate([direction[:1], direction[:-1] + direction[1:], direction[-1:]])
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    side = np.cross(tangents[0], [0.0, 0.0, 1.0] if abs(tangents[0, 2]) < 0.9 else [1.0, 0.0, 0.0])
    angles = np.arange(segments + 1) * (2.0 * np.pi / segments)
    rings = []
    for tangent, point, here in zip(tangents, p, r, strict=True):
        side = side - tangent * (side @ tangent)
        side /= max(float(np.linalg.norm(side)), 1e-9)
        up = np.cross(tangent, side)
        rings.append(point + here * (np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * up))
    distance = np.concatenate([[0.0], np.cumsum(lengths[:, 0])])
    u = np.broadcast_to(angles * r.max(), (len(p), segments + 1))
    uv = np.stack([u, np.broadcast_to(distance[:, None], u.shape)], -1).reshape(-1, 2)
    faces = grid_faces(len(p), segments + 1)
    return np.concatenate(rings), faces, uv[faces]


def prism_walls(polygon: NDArray, z0: float, z1: float) -> Triangles:
    """Upright walls over a polygon (N, 2); u runs along the perimeter, v = z - z0."""
    n = len(polygon)
    lengths = np.linalg.norm(np.roll(polygon, -1, 0) - polygon, axis=1)
    u1 = np.cumsum(lengths)
    u0 = u1 - lengths
    v = np.concatenate([np.c_[polygon, np.full(n, z0)], np.c_[polygon, np.full(n, z1)]])
    i, j = np.arange(n), np.roll(np.arange(n), -1)
    faces = np.concatenate([np.stack([i, j, j + n], -1), np.stack([i, j + n, i + n], -1)])
    h, zero = np.full(n, z1 - z0), np.zeros(n)
    a, b, c, d = np.c_[u0, zero], np.c_[u1, zero], np.c_[u1, h], np.c_[u0, h]
    return v, faces, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def wall(
    start: ArrayLike,
    end: ArrayLike,
    z0: float,
    z1: float,
    openings: Sequence[tuple[float, float, float, float]],
    thickness: float,
) -> tuple[Quads, Quads]:
    """Both faces of a wall round its openings, and the rims of openings and wall; see `MeshBuilder`."""
    none = np.zeros((0, 4, 3)), np.zeros((0, 4, 2))
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    length = float(np.linalg.norm(b - a))
    if length <= 0.0 or z1 <= z0:
        return none, none
    along = (b - a) / length
    normal = np.array([-along[1], along[0]])
    holes = [(max(s0, 0.0), min(s1, length), max(low, z0), min(high, z1)) for s0, s1, low, high in openings]
    holes = [h for h in holes if h[1] - h[0] > 1e-6 and h[3] - h[2] > 1e-6]
    s = np.unique([0.0, length, *(x for h in holes for x in h[:2])])
    z = np.unique([z0, z1, *(x for h in holes for x in h[2:])])
    cells = np.stack(np.meshgrid(np.arange(len(s) - 1), np.arange(len(z) - 1), indexing="ij"), -1).reshape(-1, 2)
    mid_s, mid_z = 0.5 * (s[:-1] + s[1:])[cells[:, 0]], 0.5 * (z[:-1] + z[1:])[cells[:, 1]]
    solid = np.ones(len(cells), bool)
    for s0, s1, low, high in holes:
        solid &= ~((mid_s > s0) & (mid_s < s1) & (mid_z > low) & (mid_z < high))
    i, j = cells[solid].T
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    q = np.stack([np.stack([s[i + di], z[j + dj]], -1) for di, dj in corners], 1)

    def place(sz: NDArray, side: float | NDArray) -> NDArray:
        xy = a + sz[..., :1] * along + np.asarray(side)[..., None] * normal
        return np.concatenate([xy, sz[..., 1:]], -1)

    half = 0.5 * thickness
    if thickness <= 0.0:
        return (place(q, 0.0), q - (0.0, z0)), none
    flat = np.concatenate([place(q, -half), place(q, half)]), np.concatenate([q, q]) - (0.0, z0)
    rims = []
    for s0, s1, low, high in [*holes, (0.0, length, z0, z1)]:
        ring = np.array([[s0, low], [s1, low], [s1, high], [s0, high]])
        following = np.roll(ring, -1, 0)
        sides = np.broadcast_to(np.array([-half, -half, half, half]), (4, 4))
        rims.append(place(np.stack([ring, following, following, ring], 1), sides))
    rim = np.concatenate(rims)
    uv = np.zeros((len(rim), 4, 2))
    uv[:, 1:3, 0] = np.linalg.norm(rim[:, 1] - rim[:, 0], axis=-1)[:, None]
    uv[:, 2:, 1] = thickness
    return flat, (rim, uv)
