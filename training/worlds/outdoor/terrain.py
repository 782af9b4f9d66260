"""The ground: triangulated height fields, fine under the camera and reaching far beyond the horizon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.worlds.materials import Material
from training.worlds.mesh import MeshBuilder

Array = NDArray[np.float64]
Relief = Callable[[Array, Array], Array]

#: Half extent of the ground, metres: its edge lies within a tenth of a degree of the horizon for a standing camera.
EXTENT_M = 3000.0


class Noise:
    """Smooth value noise in [-1, 1] of unit wavelength, from a table drawn once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._table = rng.uniform(-1.0, 1.0, (64, 64))

    def __call__(self, x: Array, y: Array) -> Array:
        xi, yi = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        fx, fy = x - xi, y - yi
        fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
        t, i, j, i1, j1 = self._table, xi & 63, yi & 63, (xi + 1) & 63, (yi + 1) & 63
        low = t[i, j] * (1 - fx) + t[i1, j] * fx
        return low * (1 - fy) + (t[i, j1] * (1 - fx) + t[i1, j1] * fx) * fy

    def layered(self, x: Array, y: Array, wavelength: float, octaves: int = 4, ridged: bool = False) -> Array:
        """Octaves of noise, each half the wavelength and amplitude of the one before; about [-1, 1]."""
        total, gain = np.zeros_like(x), 0.5
        for k in range(octaves):
            f = 2.0**k / wavelength
            n = self(x * f + 17.3 * k, y * f - 9.1 * k)
            total += gain * (1.0 - 2.0 * np.abs(n) if ridged else n * 1.4)
            gain *= 0.5
        return total


def graded(fine: float, count: int, extent: float = EXTENT_M) -> Array:
    """Grid lines from -extent to extent, `fine` metres apart at 0 and ever wider, (2 count + 1,)."""
    low, high = 1e-3, 12.0
    for _ in range(50):
        stretch = 0.5 * (low + high)
        reach = fine * count * np.sinh(stretch) / stretch
        low, high = (stretch, high) if reach < extent else (low, stretch)
    t = np.arange(-count, count + 1) / count
    return extent * np.sinh(stretch * t) / np.sinh(stretch)


class Terrain:
    """A height field over a graded grid; `height` is exact on the triangles that are drawn."""

    def __init__(self, relief: Relief | None = None, fine: float = 0.6, count: int = 52) -> None:
        self.flat = relief is None
        self.x = np.array([-EXTENT_M, 0.0, EXTENT_M]) if relief is None else graded(fine, count)
        self.y = self.x.copy()
        gx, gy = np.meshgrid(self.x, self.y)
        self.z = np.zeros_like(gx) if relief is None else np.asarray(relief(gx, gy), float)

    def height(self, x: Array | float, y: Array | float) -> Array:
        """Ground height at x, y (metres, any shape), on the drawn triangles."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        if self.flat:
            return np.zeros(np.broadcast(x, y).shape)
        i = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, len(self.x) - 2)
        j = np.clip(np.searchsorted(self.y, y, side="right") - 1, 0, len(self.y) - 2)
        s = (x - self.x[i]) / (self.x[i + 1] - self.x[i])
        t = (y - self.y[j]) / (self.y[j + 1] - self.y[j])
        a, b, c, d = self.z[j, i], self.z[j, i + 1], self.z[j + 1, i + 1], self.z[j + 1, i]
        return np.where(s >= t, a + s * (b - a) + t * (c - b), a + t * (d - a) + s * (c - d))

    def normal(self, x: float, y: float, span: float = 0.5) -> Array:
        """Unit normal of the ground about (x, y), averaged over `span` metres, (3,)."""
        dx = float(self.height(x + span, y) - self.height(x - span, y)) / (2 * span)
        dy = float(self.height(x, y + span) - self.height(x, y - span)) / (2 * span)
        n = np.array([-dx, -dy, 1.0])
        return n / np.linalg.norm(n)

    def draw(
        self,
        builder: MeshBuilder,
        material: Material,
        zones: Callable[[Array, Array, Array], NDArray[Any]] | None = None,
        others: tuple[Material, ...] = (),
    ) -> None:
        """Add the ground to the mesh. `zones(x, y, z)` of the cells' centres gives 0 for `material`, k for
        ``others[k - 1]``."""
        if zones is None:
            builder.heightfield(self.x, self.y, self.z, material)
            return
        gx, gy = np.meshgrid(self.x, self.y)
        n = len(self.x)
        i = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)[None]).ravel()
        faces = np.concatenate([np.stack([i, i + 1, i + n + 1], -1), np.stack([i, i + n + 1, i + n], -1)])
        vertices = np.column_stack([gx.ravel(), gy.ravel(), self.z.ravel()])
        centre = vertices[faces].mean(1)
        zone = np.asarray(zones(*centre.T)).astype(int)
        for k, m in enumerate((material, *others)):
            if np.any(zone == k):
                builder.triangles(vertices, faces[zone == k], m, vertices[:, :2])


def slope(degrees: float, azimuth: float, level: float = 90.0) -> Relief:
    """A plane of the given slope under the origin, rising towards `azimuth` and levelling off `level` metres away."""
    gain, c, s = np.tan(np.radians(degrees)), np.cos(azimuth), np.sin(azimuth)
    return lambda x, y: gain * level * np.tanh((x * c + y * s) / level)


def rolling(rng: np.random.Generator, amplitude: float, wavelength: float, octaves: int = 3) -> Relief:
    """Gentle undulation, zero mean."""
    noise = Noise(rng)
    ox, oy = rng.uniform(0, 64, 2) * wavelength
    return lambda x, y: amplitude * noise.layered(x + ox, y + oy, wavelength, octaves)


def mountains(rng: np.random.Generator, near: float, far: float, height: float, side: float | None = None) -> Relief:
    """Ranges rising between `near` and `far` metres from the origin; `side` (azimuth) leaves the other half open."""
    noise = Noise(rng)
    ox, oy = rng.uniform(0, 40, 2) * 400.0

    def relief(x: Array, y: Array) -> Array:
        r = np.hypot(x, y)
        rise = np.clip((r - near) / (far - near), 0.0, 1.0)
        if side is not None:
            rise = rise * np.clip(0.2 + np.cos(np.arctan2(y, x) - side), 0.0, 1.0)
        return height * rise**1.5 * (0.45 + 0.75 * noise.layered(x + ox, y + oy, 0.45 * far, 4, ridged=True))

    return relief


def together(*reliefs: Relief) -> Relief:
    """The sum of reliefs."""
    return lambda x, y: np.sum([r(x, y) for r in reliefs], axis=0)


def usual(rng: np.random.Generator, roughness: float = 0.15) -> Terrain:
    """Ground as built places have it: flat in most, a slope of up to 12 degrees in a third, hills beyond in some."""
    parts: list[Relief] = []
    if rng.random() < 0.35:
        parts.append(
            slope(float(rng.uniform(1.5, 12.0)), float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(40, 120)))
        )
    if rng.random() < roughness:
        parts.append(rolling(rng, float(rng.uniform(0.1, 0.5)), float(rng.uniform(15, 40)), 2))
    if rng.random() < 0.25:
        near = float(rng.uniform(150, 500))
        side = float(rng.uniform(-np.pi, np.pi)) if rng.random() < 0.6 else None
        parts.append(mountains(rng, near, near * float(rng.uniform(2, 5)), float(rng.uniform(30, 300)), side))
    if not parts:
        return Terrain()
    return Terrain(together(*parts), fine=1.2, count=40)
