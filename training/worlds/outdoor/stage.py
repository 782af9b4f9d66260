"""Laying out an outdoor world: ground, footprints, draped strips, instances, and free places for cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.worlds.materials import Material
from training.worlds.mesh import Mesh, MeshBuilder, poses
from training.worlds.outdoor import rigs
from training.worlds.outdoor.clearance import Footprints, Surroundings
from training.worlds.outdoor.shapes import curve, ribbon
from training.worlds.outdoor.terrain import Terrain
from training.worlds.outdoor.weather import Weather
from training.worlds.world import MAX_LIGHTS, Camera, Crowded, Light, World

Array = NDArray[np.float64]
#: Where a camera may stand: (x, y), or (x, y, floor) on a deck or platform above the terrain.
Spot = tuple[float, ...]

CLEARANCE_M = 0.3
WALK_HEIGHT_M = 1.4


@dataclass(frozen=True, eq=False)
class Thing:
    """A mesh to be placed, standing on z = 0. `half` and `centre`: footprint of what a passer-by would bump into."""

    mesh: Mesh
    reach_m: float = 2.3

    @cached_property
    def _bounds(self) -> tuple[Array, Array]:
        v = self.mesh.vertices
        v = v[v[:, 2] < self.reach_m]
        v = v if len(v) else self.mesh.vertices
        return v[:, :2].min(0).astype(float), v[:, :2].max(0).astype(float)

    @property
    def centre(self) -> Array:
        return 0.5 * (self._bounds[0] + self._bounds[1])

    @property
    def half(self) -> Array:
        return 0.5 * (self._bounds[1] - self._bounds[0])


def thing(draw: Callable[[MeshBuilder], object], reach_m: float = 2.3) -> Thing:
    """A Thing drawn by `draw` into a builder of its own."""
    builder = MeshBuilder()
    draw(builder)
    return Thing(builder.build(), reach_m)


def within(rng: np.random.Generator, x: tuple[float, float], y: tuple[float, float]) -> Callable[[], Spot]:
    """Uniform spots of a rectangle."""
    return lambda: (float(rng.uniform(*x)), float(rng.uniform(*y)))


def about(rng: np.random.Generator, spread: float) -> Callable[[], Spot]:
    """Spots normally spread about the origin."""
    return lambda: (float(rng.normal(scale=spread)), float(rng.normal(scale=spread)))


def camera_height(rng: np.random.Generator) -> float:
    """Height above the ground, metres: three quarters at 1.2 to 1.7, the rest from a small robot to a car's roof."""
    u = rng.random()
    low, high = (1.2, 1.7) if u < 0.75 else (0.2, 0.8) if u < 0.87 else (0.8, 1.2) if u < 0.91 else (1.7, 2.5)
    return float(rng.uniform(low, high))


class Stage:
    """One world in the making."""

    def __init__(self, rng: np.random.Generator, weather: Weather, terrain: Terrain | None = None) -> None:
        self.rng = rng
        self.weather = weather
        self.terrain = terrain if terrain is not None else Terrain()
        self.builder = MeshBuilder()
        self.taken = Footprints()
        self.ways = Footprints()
        self.lights: list[Light] = []

    def ground(self, x: ArrayLike, y: ArrayLike) -> Array:
        """Terrain height."""
        return self.terrain.height(np.asarray(x, float), np.asarray(y, float))

    def low_ground(self, x: float, y: float, half_x: float, half_y: float, yaw: float = 0.0) -> tuple[float, float]:
        """Lowest and highest ground under a rectangle."""
        gx, gy = np.meshgrid(np.linspace(-half_x, half_x, 4), np.linspace(-half_y, half_y, 4))
        c, s = np.cos(yaw), np.sin(yaw)
        z = self.ground(x + c * gx - s * gy, y + s * gx + c * gy)
        return float(z.min()), float(z.max())

    def occupy(self, x: float, y: float, half_x: float, half_y: float, yaw: float = 0.0) -> None:
        """Reserve a rectangle of the ground."""
        self.taken.add(x, y, half_x, half_y, yaw)

    def reserve(self, line: ArrayLike, half: float) -> None:
        """Keep a way along `line` (N, 2) free of things; cameras may still stand on it."""
        p = np.asarray(line, float)
        mid, d = 0.5 * (p[1:] + p[:-1]), np.diff(p, axis=0)
        self.ways.add(mid[:, 0], mid[:, 1], 0.5 * np.linalg.norm(d, axis=1), half, np.arctan2(d[:, 1], d[:, 0]))

    def free(self, xy: ArrayLike, radius: float) -> NDArray[np.bool_]:
        """Which points (K, 2) keep `radius` from every footprint."""
        return self.taken.distance(np.asarray(xy, float).reshape(-1, 2)) > radius

    def put(
        self,
        item: Thing,
        x: float,
        y: float,
        yaw: float = 0.0,
        scale: float = 1.0,
        *,
        lift: float = 0.0,
        margin: float = 0.1,
        check: bool = True,
        tilt: bool = False,
    ) -> bool:
        """Stand a thing on the ground, if its footprint and `margin` about it are free; `tilt` follows the slope."""
        c, s = np.cos(yaw), np.sin(yaw)
        cx, cy = (
            x + scale * (c * item.centre[0] - s * item.centre[1]),
            y + scale * (s * item.centre[0] + c * item.centre[1]),
        )
        hx, hy = item.half * scale
        if check and not all(f.clear(cx, cy, hx + margin, hy + margin, yaw) for f in (self.taken, self.ways)):
            return False
        pose = poses([[x, y, float(self.ground(x, y)) + lift]], yaw, scale)
        if tilt and not self.terrain.flat:
            n = self.terrain.normal(x, y, max(hx, 0.5))
            turn = np.eye(3)
            turn[2, 0], turn[2, 1] = -n[0] / n[2], -n[1] / n[2]
            pose[0, :3, :3] = turn @ pose[0, :3, :3]
        self.builder.instances(item.mesh, pose)
        self.taken.add(cx, cy, hx, hy, yaw)
        return True

    def scatter(
        self,
        items: Sequence[Thing],
        xy: ArrayLike,
        *,
        scale: tuple[float, float] = (0.8, 1.2),
        radius: float | None = None,
        sink: float = 0.03,
        occupy: bool = True,
    ) -> int:
        """Stand things at random yaw at those points (K, 2) that keep `radius` from footprints; returns how many.

        radius None takes half of each footprint's width. Points may be crowded among themselves.
        """
        xy = np.asarray(xy, float).reshape(-1, 2)
        if len(xy) == 0:
            return 0
        need = radius if radius is not None else max(float(t.half.max()) for t in items)
        xy = xy[self.free(xy, need) & (self.ways.distance(xy) > need)]
        which = self.rng.integers(len(items), size=len(xy))
        size = self.rng.uniform(*scale, size=len(xy))
        yaw = self.rng.uniform(-np.pi, np.pi, len(xy))
        z = self.ground(xy[:, 0], xy[:, 1]) - sink
        for k, item in enumerate(items):
            m = which == k
            self.builder.instances(item.mesh, poses(np.column_stack([xy[m], z[m]]), yaw[m], size[m]))
            if occupy and m.any():
                half = item.half * size[m, None]
                self.taken.add(xy[m, 0], xy[m, 1], half[:, 0], half[:, 1], yaw[m])
        return len(xy)

    def strip(
        self,
        line: ArrayLike,
        left: float,
        right: float,
        material: Material,
        *,
        lift: float = 0.03,
        step: float = 2.0,
        across: int = 2,
    ) -> None:
        """Drape a path, road or marking along `line` (N, 2), from `left` to -`right` metres off it."""
        line = np.asarray(line, float)
        fine = line if self.terrain.flat else curve(line, step) if len(line) > 2 else _even(line, step)
        cuts = np.linspace(-right, left, across) if not self.terrain.flat else np.array([-right, left])
        for a, b in pairwise(cuts):
            xy, faces, uv = ribbon(fine, b, -a)
            z = self.ground(xy[:, 0], xy[:, 1]) + lift
            self.builder.triangles(np.column_stack([xy, z]), faces, material, uv)

    def slab(self, line: ArrayLike, left: float, right: float, top: Material, side: Material, height: float) -> None:
        """A raised strip with kerbs, as pavements are, along `line` (N, 2)."""
        self.strip(line, left, right, top, lift=height, across=4)
        line = np.asarray(line, float)
        fine = line if self.terrain.flat else _even(line, 2.0)
        for offset in (left, -right):
            xy, _, uv = ribbon(fine, offset, -offset)
            edge = xy[: len(fine)]
            z = self.ground(edge[:, 0], edge[:, 1])
            n, i = len(fine), np.arange(len(fine) - 1)
            vertices = np.concatenate([np.column_stack([edge, z - 0.1]), np.column_stack([edge, z + height])])
            faces = np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)])
            flat = np.column_stack([uv[:n, 0], np.zeros(n)])
            self.builder.triangles(vertices, faces, side, np.concatenate([flat, flat + np.array([0.0, height + 0.1])]))

    def light(self, position: ArrayLike, colour: ArrayLike, radius: float = 0.12) -> None:
        """Add a lamp's light while there is room for it."""
        if len(self.lights) < MAX_LIGHTS:
            x, y, z = (float(v) for v in np.asarray(position, float))
            r, g, b = (float(v) for v in np.asarray(colour, float))
            self.lights.append(Light((x, y, z), (r, g, b), radius))

    def finish(
        self, kind: str, spot: Callable[[], Spot], walk: ArrayLike | None = None, count: int | None = None
    ) -> World:
        """Build the mesh, find one or two free cameras among `spot()`s, and check the walk (N, 2 or 3)."""
        rng = self.rng
        mesh = self.builder.build()
        around = Surroundings(mesh)
        want = count or (2 if rng.random() < 0.5 else 1)
        cameras: list[Camera] = []
        close = rng.random() < 0.45
        for attempt in range(400):
            if len(cameras) == want or (cameras and attempt > 60):
                break
            camera = self._camera(
                around, self._close(spot) if close else spot(), camera_height(rng) if attempt < 200 else 1.5
            )
            if camera is not None:
                cameras.append(camera)
        if not cameras:
            raise Crowded(f"no free place for a camera in a world of kind {kind}")
        rig = rigs.fitting(rng, cameras[0].height)
        if rig is not None:
            x, y, z = cameras[0].position
            if rigs.room(rig) < 0.3 or bool(self.free([[x, y]], rigs.room(rig))[0]):
                cameras = cameras[:1]
                with self.builder.at((x, y, z - cameras[0].height), yaw=float(rng.uniform(-np.pi, np.pi))):
                    rigs.add(self.builder, rng, rig, cameras[0].height)
                mesh = self.builder.build()
        path = self._walk(mesh, walk)
        weather = self.weather
        return World(kind, mesh, tuple(self.lights), weather.sky, weather.ambient, tuple(cameras), path)

    def _close(self, spot: Callable[[], Spot]) -> Spot:
        """Of several spots the one that is nearest to something, but not in it."""
        spots = [spot() for _ in range(8)]
        away = self.taken.distance(np.array([s[:2] for s in spots], float))
        return spots[int(np.argmin(np.where(away > CLEARANCE_M + 0.1, away, np.inf)))]

    def _camera(self, around: Surroundings, spot: Spot, height: float, yaw: float | None = None) -> Camera | None:
        x, y = spot[:2]
        if not self.free([[x, y]], CLEARANCE_M)[0]:
            return None
        base = spot[2] if len(spot) > 2 else float(self.ground(x, y))
        floor = around.below(x, y, base + 0.45)
        if floor < base - 0.3 or around.below(x, y, floor + height) > floor + 1e-6:
            return None
        position = np.array([x, y, floor + height])
        if around.clearance(position, CLEARANCE_M) < min(CLEARANCE_M, 0.95 * height):
            return None
        turn = float(self.rng.uniform(-np.pi, np.pi)) if yaw is None else yaw
        return Camera((x, y, floor + height), turn, height=height)

    def _walk(self, mesh: Mesh, walk: ArrayLike | None) -> tuple[Camera, ...]:
        """The longest free run of the path's waypoints, at least 4 metres, else empty."""
        if walk is None:
            return ()
        line = curve(np.asarray(walk, float), 0.8)
        heading = np.gradient(line, axis=0)
        (x0, y0), (x1, y1) = line[:, :2].min(0) - 0.5, line[:, :2].max(0) + 0.5
        top = float(np.max(line[:, 2] if line.shape[1] > 2 else self.ground(line[:, 0], line[:, 1]))) + 3.0
        around = Surroundings(mesh, (x0, x1, y0, y1, top))
        best: list[Camera] = []
        run: list[Camera] = []
        for p, h in zip(line, heading, strict=True):
            camera = self._camera(around, tuple(float(v) for v in p), WALK_HEIGHT_M, float(np.arctan2(h[1], h[0])))
            run = [*run, camera] if camera is not None else []
            if len(run) > len(best):
                best = run
        return tuple(best) if len(best) >= 5 else ()


def _even(line: Array, step: float) -> Array:
    """A polyline (N, 2) cut into pieces of at most `step` metres."""
    pieces = [
        a + (b - a) * np.linspace(0, 1, max(int(np.linalg.norm(b - a) / step), 1), endpoint=False)[:, None]
        for a, b in pairwise(line)
    ]
    return np.concatenate([*pieces, line[-1:]])
