"""The stage a world is set up on: mesh, floor plan, lamps and palette together, and the cameras at the end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from math import atan2, cos, hypot, sin

import numpy as np
from numpy.typing import NDArray

from training.worlds.indoor import clearance
from training.worlds.indoor.colours import Colour, Style, dim
from training.worlds.indoor.mood import Mood
from training.worlds.indoor.palette import Palette
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.plan import Footprint, Plan, path_through
from training.worlds.indoor.rigs import robot, tripod
from training.worlds.mesh import Mesh, MeshBuilder, poses
from training.worlds.world import MAX_LIGHTS, Camera, Crowded, Light, World

CAMERA_GAP = 0.3
STAND_GAP = 0.27
LEAST_GAP = 0.25
WALK_HEIGHT, WALK_GAP = 1.4, 0.26
Pose = tuple[float, float, float, float]


@dataclass(frozen=True)
class Model:
    """A thing modelled once, with its lamps, in its own frame; `mesh` is None where it has no surface."""

    mesh: Mesh | None
    lights: tuple[Light, ...]


class Stage:
    """One world under construction."""

    def __init__(self, rng: np.random.Generator, style: Style, windows: bool = True, mood: Mood | None = None) -> None:
        self.rng = rng
        self.mesh = MeshBuilder()
        self.plan = Plan()
        self.palette = Palette.draw(rng, style)
        self.mood = mood or Mood.draw(rng, windows, 0.5 if style == "home" else 0.85)
        self.lights: list[Light] = []
        self._pose: Pose = (0.0, 0.0, 0.0, 0.0)
        self._models: dict[Hashable, Model] = {}
        self._placed: dict[Hashable, list[Pose]] = {}

    def _global(self, x: float, y: float, z: float, yaw: float = 0.0) -> Pose:
        px, py, pz, pyaw = self._pose
        c, s = cos(pyaw), sin(pyaw)
        return (px + c * x - s * y, py + s * x + c * y, pz + z, pyaw + yaw)

    @contextmanager
    def at(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Iterator[MeshBuilder]:
        """A frame of one's own at (x, y, z) of the current one, turned by `yaw`; lamps follow it too."""
        saved = self._pose
        self._pose = self._global(x, y, z, yaw)
        try:
            with self.mesh.at((x, y, z), yaw=yaw) as mesh:
                yield mesh
        finally:
            self._pose = saved

    def light(
        self, position: tuple[float, float, float], strength: float, radius: float, colour: Colour | None = None
    ) -> None:
        """A lamp at a place of the current frame; `strength` is radiant intensity. Off when the mood has lamps off."""
        tint = self.mood.lamp if colour is None else colour
        if strength > 0.0:
            place = self._global(*position)[:3]
            self.lights.append(Light(place, dim(tint, strength), radius))

    def copy(
        self, key: Hashable, draw: Callable[[], None], x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw: float = 0.0
    ) -> None:
        """Put down one of many equal things: it is drawn once a key, and copied to all its places in one go at the end.

        Only frames made by `at` of this class count, not those of the mesh builder.
        """
        if key not in self._models:
            self._models[key] = self._model(draw)
        model = self._models[key]
        if model.mesh is not None:
            self._placed.setdefault(key, []).append(self._global(x, y, z, yaw))
        if model.lights:
            with self.at(x, y, z, yaw):
                self.lights += [
                    Light(self._global(*light.position)[:3], light.colour, light.radius) for light in model.lights
                ]

    def _model(self, draw: Callable[[], None]) -> Model:
        saved = self.mesh, self._pose, self.lights, self._placed
        self.mesh, self._pose, self.lights, self._placed = MeshBuilder(), (0.0, 0.0, 0.0, 0.0), [], {}
        try:
            draw()
            self._flush()
            mesh = self.mesh.build() if self.mesh.face_count else None
            return Model(mesh, tuple(self.lights))
        finally:
            self.mesh, self._pose, self.lights, self._placed = saved

    def _flush(self) -> None:
        """Copy everything noted by `copy` into the mesh."""
        for key, places in self._placed.items():
            table = np.array(places)
            mesh = self._models[key].mesh
            if mesh is not None:
                self.mesh.instances(mesh, poses(table[:, :3], table[:, 3]))
        self._placed.clear()

    def one_of(self, *makes: Callable[[Stage], Piece]) -> Piece:
        """A piece by one of these makers, each as likely."""
        return makes[int(self.rng.integers(len(makes)))](self)

    def repeated(self, piece: Piece) -> Piece:
        """The same piece for many places: modelled once, copied each time it is drawn."""
        key = object()
        return replace(piece, draw=lambda: self.copy(key, piece.draw))

    def put(self, piece: Piece, x: float, y: float, yaw: float = 0.0, z: float = 0.0, solid: bool = True) -> None:
        """Draw a piece at a place and note its footprint."""
        if solid:
            low = z + piece.z0
            self.plan.add(
                Footprint(x, y, 0.5 * piece.width, 0.5 * piece.depth, yaw, low, low + max(piece.height, 0.05))
            )
        with self.at(x, y, z, yaw):
            piece.draw()

    def try_put(self, piece: Piece, x: float, y: float, yaw: float = 0.0, margin: float = 0.0, z: float = 0.0) -> bool:
        """Put a piece down if it fits with `margin` metres around it."""
        low = z + piece.z0
        footprint = Footprint(
            x, y, 0.5 * piece.width + margin, 0.5 * piece.depth + margin, yaw, low, low + max(piece.height, 0.05)
        )
        if not self.plan.fits(footprint):
            return False
        self.put(piece, x, y, yaw, z)
        return True

    def finish(
        self, kind: str, walk: bool = False, heights: tuple[float, float] = (0.2, 2.5), floor_z: float = 0.0
    ) -> World:
        """Choose cameras (and a walk) in free space, add what carries the camera in some worlds, and build."""
        rng = self.rng
        self._flush()
        mesh = self.mesh.build()
        solid = clearance.Solid(mesh)
        cameras = self._cameras(solid, heights, floor_z)
        path: tuple[Camera, ...] = ()
        carried = rng.random() < 0.16 and self._stand(cameras[0], floor_z)
        if carried:
            cameras, mesh = cameras[:1], self.mesh.build()
        elif walk:
            path = self._walk(solid, floor_z)
        return World(kind, mesh, self._lights(cameras), self.mood.sky, self.mood.ambient, tuple(cameras), path)

    def _cameras(self, solid: clearance.Solid, heights: tuple[float, float], floor_z: float) -> list[Camera]:
        rng = self.rng
        points, _, step = self.plan.grid()
        space = self.plan.clearance(points, floor_z + 0.05, floor_z + 1.9)
        free = np.flatnonzero(space > CAMERA_GAP + 0.1)
        if len(free) == 0:
            free = np.argsort(space)[-5:]
        order = rng.permutation(free)[:24]
        wanted = 1 if rng.random() < 0.6 else 2
        cameras: list[Camera] = []
        for attempt, index in enumerate(order):
            spread = min(step / 2, max(space[index] - CAMERA_GAP - 0.06, 0.0))
            x, y = points[index] + rng.uniform(-spread, spread, 2) * 0.7
            height = camera_height(rng, heights)
            for _ in range(4):  # come down from under lamps and beams
                position = (float(x), float(y), float(floor_z + height))
                if solid.distance(position) >= CAMERA_GAP:
                    break
                height = max(0.25, 0.8 * height)
            else:
                continue
            cameras.append(Camera(position, float(rng.uniform(-np.pi, np.pi)), height=float(height)))
            if len(cameras) == wanted or (cameras and attempt > 12):
                break
        return cameras or [self._tightest(solid, points[np.argsort(-space)[:60]], heights, floor_z)]

    def _tightest(
        self, solid: clearance.Solid, points: NDArray[np.float64], heights: tuple[float, float], floor_z: float
    ) -> Camera:
        """The freest of many places in a crowded world."""
        levels = [h for h in (1.5, 1.2, 1.7, 0.9, 0.6, 0.4) if heights[0] <= h <= heights[1]]
        places = [(float(x), float(y), floor_z + h) for x, y in points for h in levels]
        gaps = [solid.distance(place) for place in places]
        best = int(np.argmax(gaps))
        if gaps[best] < LEAST_GAP:
            raise Crowded(f"no place for a camera: the freest one is {gaps[best]:.2f} m from a surface")
        return Camera(places[best], float(self.rng.uniform(-np.pi, np.pi)), height=places[best][2] - floor_z)

    def _stand(self, camera: Camera, floor_z: float) -> bool:
        """A tripod or a robot under the camera, where there is room for it."""
        x, y, z = camera.position
        top = z - floor_z - STAND_GAP
        room = float(self.plan.clearance(np.array([[x, y]]), floor_z + 0.05, floor_z + 1.0)[0])
        make = tripod if top > 0.8 or self.rng.random() < 0.3 else robot
        if self.rng.random() < 0.3 and top > 0.3:
            make = robot
        if top < 0.1:
            return False
        piece = make(self.mesh, self.rng, top, room)
        if piece is None:
            return False
        with self.at(x, y, floor_z, camera.yaw):
            piece.draw()
        return True

    def _walk(self, solid: clearance.Solid, floor_z: float) -> tuple[Camera, ...]:
        height = solid.slab(floor_z + WALK_HEIGHT - CAMERA_GAP, floor_z + WALK_HEIGHT + CAMERA_GAP)
        for _ in range(3):
            waypoints = path_through(self.plan, self.rng, floor_z + 0.05, floor_z + 1.75)
            if len(waypoints) >= 2 and height.along(waypoints, floor_z + WALK_HEIGHT) >= WALK_GAP:
                break
        else:
            return ()
        yaws = [atan2(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(waypoints)]
        yaws.append(yaws[-1])
        return tuple(
            Camera((x, y, floor_z + WALK_HEIGHT), yaw, height=WALK_HEIGHT)
            for (x, y), yaw in zip(waypoints, yaws, strict=True)
        )

    def _lights(self, cameras: list[Camera]) -> tuple[Light, ...]:
        """At most sixteen lights: the nearest ones as they are, each of the others merged into the kept one nearest."""
        if len(self.lights) <= MAX_LIGHTS:
            return tuple(self.lights)
        x, y, _ = cameras[0].position
        place = np.array([light.position for light in self.lights])
        near = np.argsort(np.hypot(place[:, 0] - x, place[:, 1] - y), kind="stable")
        kept = [int(i) for i in near[: MAX_LIGHTS // 2]]
        rest = near[MAX_LIGHTS // 2 :]
        kept += [int(i) for i in rest[np.linspace(0, len(rest) - 1, MAX_LIGHTS - len(kept)).astype(int)]]
        power = {i: np.array(self.lights[i].colour) for i in kept}
        for i in set(range(len(self.lights))) - set(kept):
            nearest = min(kept, key=lambda k: hypot(*(place[k, :2] - place[i, :2])))
            power[nearest] = power[nearest] + np.array(self.lights[i].colour)
        return tuple(Light(self.lights[i].position, tuple(power[i]), self.lights[i].radius) for i in kept)


def camera_height(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Height above the floor (m): three in four between 1.2 and 1.7, the others from 0.2 (robots) to 2.5 (poles)."""
    roll = rng.random()
    if roll < 0.75:
        height = rng.uniform(1.2, 1.7)
    elif roll < 0.89:
        height = rng.uniform(0.2, 1.2)
    else:
        height = rng.uniform(1.7, 2.5)
    return float(np.clip(height, *limits))
