"""Solids that the outdoors need beyond the mesh builder's own: lofts, blobs, ribbons, gabled prisms.

Every function returns ``(vertices (N, 3), faces (M, 3), uv (N, 2))`` in metres, ready for ``MeshBuilder.triangles``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from training.worlds.materials import Material
from training.worlds.mesh import MeshBuilder

Array = NDArray[np.float64]
Points = Sequence[Sequence[float]] | Sequence[Array] | Array
Patch = tuple[Array, NDArray[np.int64], Array]


@lru_cache(maxsize=4)
def icosphere(level: int) -> tuple[Array, NDArray[np.int64]]:
    """Unit sphere of 20 * 4**level triangles: vertices (N, 3), faces (M, 3)."""
    g = (1.0 + 5.0**0.5) / 2.0
    pairs = [(-1.0, g), (1.0, g), (-1.0, -g), (1.0, -g)]
    v = np.array([(a, b, 0.0) for a, b in pairs] + [(0.0, a, b) for a, b in pairs] + [(b, 0.0, a) for a, b in pairs])
    # Faces join corners at the edge's length.
    gap = np.linalg.norm(v[:, None] - v[None], axis=2) < 2.1
    f = np.array([t for t in combinations(range(12), 3) if gap[t[0], t[1]] and gap[t[1], t[2]] and gap[t[0], t[2]]])
    for _ in range(level):
        edges = np.sort(np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), axis=1)
        unique, inverse = np.unique(edges, axis=0, return_inverse=True)
        middle = inverse.reshape(3, -1).T + len(v)
        v = np.concatenate([v, v[unique].mean(1)])
        (a, b, c), (ab, bc, ca) = f.T, middle.T
        f = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
    return v / np.linalg.norm(v, axis=1, keepdims=True), f


def blobs(rng: np.random.Generator, centres: Array, radii: Array, roughness: float = 0.25, level: int = 1) -> Patch:
    """Lumpy ellipsoids at centres (N, 3) with semi-axes radii (N, 3): clumps of leaves, rocks, clods."""
    unit, faces = icosphere(level)
    count, size = len(centres), len(unit)
    directions = rng.normal(size=(count, 3, 3))
    waves = np.sin(np.einsum("vi,nki->nvk", unit * 2.6, directions) + rng.uniform(0, 6.28, (count, 1, 3))).mean(2)
    lump = 1.0 + roughness * (waves + rng.normal(scale=0.35, size=(count, size)))
    vertices = (centres[:, None] + unit[None] * radii[:, None] * lump[..., None]).reshape(-1, 3)
    index = (faces[None] + size * np.arange(count)[:, None, None]).reshape(-1, 3)
    return vertices, index, np.stack([vertices[:, 0] + 0.6 * vertices[:, 1], vertices[:, 2] + 0.4 * vertices[:, 1]], 1)


def cards(rng: np.random.Generator, centres: Array, size: float, up: float = 0.3) -> Patch:
    """Leaves or blades as loose quads of about `size` metres at centres (N, 3), turned at random."""
    count = len(centres)
    a = rng.normal(size=(count, 3))
    a[:, 2] *= up
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b = np.cross(a, rng.normal(size=(count, 3)))
    b /= np.linalg.norm(b, axis=1, keepdims=True) + 1e-9
    s = size * rng.uniform(0.6, 1.3, (count, 1, 1))
    corners = np.array([[-1, -0.45], [1, -0.45], [0.8, 0.5], [-0.8, 0.5]]) * 0.5
    vertices = centres[:, None] + s * (corners[None, :, :1] * a[:, None] + corners[None, :, 1:] * b[:, None])
    index = (np.array([[0, 1, 2], [0, 2, 3]])[None] + 4 * np.arange(count)[:, None, None]).reshape(-1, 3)
    flat = vertices.reshape(-1, 3)
    return flat, index, np.stack([flat[:, 0] + 0.6 * flat[:, 1], flat[:, 2]], 1)


def loft(rings: Array, *, closed: bool = True, cap: bool = True) -> Patch:
    """Surface through rings (K, N, 3); closed joins each ring's ends, cap fans the last ring shut."""
    k, n = rings.shape[:2]
    if closed:
        rings = np.concatenate([rings, rings[:, :1]], 1)
        n += 1
    along = np.linalg.norm(np.diff(rings, axis=1), axis=2).max(0)
    u = np.concatenate([[0.0], np.cumsum(along)])
    step = np.linalg.norm(np.diff(rings, axis=0), axis=2).max(1)
    v = np.concatenate([[0.0], np.cumsum(step)])
    vertices = rings.reshape(-1, 3)
    uv = np.stack(np.broadcast_arrays(u[None, :], v[:, None]), -1).reshape(-1, 2)
    i = (np.arange(k - 1)[:, None] * n + np.arange(n - 1)[None]).reshape(-1)
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)])
    if cap:
        top = rings[-1]
        first = len(vertices)
        vertices = np.concatenate([vertices, top, top.mean(0, keepdims=True)])
        uv = np.concatenate([uv, top[:, :2], top[:, :2].mean(0, keepdims=True)])
        j = first + np.arange(n - 1)
        faces = np.concatenate([faces, np.stack([j, j + 1, np.full(n - 1, first + n)], 1)])
    return vertices, faces, uv


def rounded_ring(length: float, width: float, z: float, x: float = 0.0, corner: float = 0.25) -> Array:
    """Horizontal rectangle with cut corners centred at (x, 0, z), counter-clockwise, (12, 3)."""
    c = min(corner, 0.45 * length, 0.45 * width)
    quarter = np.array([[1.0, 0.0], [0.71, 0.71], [0.0, 1.0]]) * c
    points = []
    for sx, sy, turn in ((1, 1, 0), (-1, 1, 1), (-1, -1, 2), (1, -1, 3)):
        q = quarter @ np.array([[np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)],
                                [-np.sin(turn * np.pi / 2), np.cos(turn * np.pi / 2)]])  # fmt: skip
        points.append(q + np.array([sx * (length / 2 - c), sy * (width / 2 - c)]))
    flat = np.concatenate(points)
    return np.column_stack([flat[:, 0] + x, flat[:, 1], np.full(len(flat), z)])


def sheet(profile: Array, depth: float, u0: float = 0.0) -> Patch:
    """A profile (N, 2) of (x, z) swept along y from 0 to depth: roofs, awnings, culverts."""
    n = len(profile)
    u = u0 + np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1))])
    front = np.column_stack([profile[:, 0], np.zeros(n), profile[:, 1]])
    vertices = np.concatenate([front, front + np.array([0.0, depth, 0.0])])
    uv = np.concatenate([np.column_stack([np.zeros(n), u]), np.column_stack([np.full(n, depth), u])])
    i = np.arange(n - 1)
    return vertices, np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)]), uv


def fan(polygon: Array) -> Patch:
    """A flat star-shaped polygon (N, 3), as gables are, fanned from its mean."""
    n = len(polygon)
    centre = polygon.mean(0, keepdims=True)
    vertices = np.concatenate([polygon, centre])
    axis = int(np.argmin(np.ptp(polygon, axis=0)))
    keep = [c for c in range(3) if c != axis]
    i = np.arange(n)
    return vertices, np.stack([i, (i + 1) % n, np.full(n, n)], 1), vertices[:, keep]


def ribbon(line: Array, left: float, right: float) -> tuple[Array, NDArray[np.int64], Array]:
    """A strip along line (N, 2) reaching left and right of it (metres): xy (2 N, 2), faces, uv = (along, across)."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    n = len(line)
    xy = np.concatenate([line - right * normal, line + left * normal])
    uv = np.concatenate([np.column_stack([along, np.full(n, -right)]), np.column_stack([along, np.full(n, left)])])
    i = np.arange(n - 1)
    return xy, np.concatenate([np.stack([i, i + n, i + n + 1], 1), np.stack([i, i + n + 1, i + 1], 1)]), uv


def rectangle(width: float, depth: float, y0: float = 0.0) -> Array:
    """Corners of [0, width] x [y0, depth], counter-clockwise, (4, 2)."""
    return np.array([[0.0, y0], [width, y0], [width, depth], [0.0, depth]])


def curve(points: Array, step: float) -> Array:
    """A smooth line through points (N, 2 or 3), resampled about every `step` metres (Catmull-Rom)."""
    points = np.asarray(points, float)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        n = max(int(np.linalg.norm(c - b) / step), 1)
        t = (np.arange(n) / n)[:, None]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*pieces, points[-1:]])


def tube(
    b: MeshBuilder, points: Points, radius: float | Sequence[float] | Array, material: Material, segments: int = 6
) -> None:
    """Add a round tube along a polyline (N, 3) without parallel transport: quick, for the many thin things outdoors.

    `radius` is one number, or one a point; a shorter list is stretched over the points.
    """
    p = np.asarray(points, float)
    n = len(p)
    r = np.atleast_1d(np.asarray(radius, float))
    if len(r) != n:
        r = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(r)), r)
    step = p[1:] - p[:-1]
    length = np.sqrt((step * step).sum(1)) + 1e-9
    way = step / length[:, None]
    t = np.concatenate([way[:1], way[:-1] + way[1:], way[-1:]]) if n > 2 else np.concatenate([way, way])
    aside = np.zeros(3)
    aside[int(np.abs(way).sum(0).argmin())] = 1.0
    e1 = _cross(t, aside)
    e1 /= np.sqrt((e1 * e1).sum(1, keepdims=True)) + 1e-9
    e2 = _cross(t, e1)
    e2 /= np.sqrt((e2 * e2).sum(1, keepdims=True)) + 1e-9
    a = np.arange(segments + 1) * (2 * np.pi / segments)
    ring = np.cos(a)[None, :, None] * e1[:, None] + np.sin(a)[None, :, None] * e2[:, None]
    vertices = (p[:, None] + r[:, None, None] * ring).reshape(-1, 3)
    along = np.concatenate([[0.0], np.cumsum(length)])
    uv = np.stack(np.broadcast_arrays((a * r.max())[None], along[:, None]), -1).reshape(-1, 2)
    w = segments + 1
    i = (np.arange(n - 1)[:, None] * w + np.arange(segments)[None]).ravel()
    faces = np.concatenate([np.stack([i, i + 1, i + w + 1], 1), np.stack([i, i + w + 1, i + w], 1)])
    b.triangles(vertices, faces, material, uv)


def _cross(a: Array, b: Array) -> Array:
    """Cross product over the last axis; numpy's own costs three times as much on small arrays."""
    x, y, z = a[..., 0], a[..., 1], a[..., 2]
    u, v, w = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], -1)


def placed(patch: Patch, material: Material) -> tuple[Array, NDArray[np.int64], Material, Array]:
    """A patch in the order in which `MeshBuilder.triangles` takes it."""
    vertices, faces, uv = patch
    return vertices, faces, material, uv
