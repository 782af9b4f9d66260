"""Rooms: outlines, walls with openings, floors, skirtings; what a wall is made of stays the palette's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import atan2, cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from training.worlds.indoor.colours import pick
from training.worlds.indoor.plan import Footprint
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material

Outline = NDArray[np.float64]
#: Walls reach this far (m) beyond floor and ceiling, so that no ray slips through a seam.
LAP = 0.05


@dataclass(frozen=True)
class Opening:
    """A hole in a wall: along the wall from s0 to s1, heights z0 to z1 above the floor (m)."""

    s0: float
    s1: float
    z0: float
    z1: float
    kind: str = "window"


@dataclass(frozen=True)
class Edge:
    """One wall of a room, seen from inside: from a to b with the room on the left; `yaw` turns +y to the room."""

    index: int
    a: tuple[float, float]
    b: tuple[float, float]
    length: float
    yaw: float

    def at(self, s: float, inward: float = 0.0) -> tuple[float, float]:
        """The point s metres along and `inward` metres into the room."""
        c, n = cos(self.yaw), sin(self.yaw)
        return (self.a[0] + s * c - inward * n, self.a[1] + s * n + inward * c)


@dataclass
class Room:
    """A room: outline (N, 2) counter-clockwise in metres, floor at `z`, ceiling (or eaves) `height` above it.

    `edges` are its walls, in order.
    """

    outline: Outline
    height: float
    z: float = 0.0
    thickness: float = 0.2
    openings: dict[int, list[Opening]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        x, y = self.outline[:, 0], self.outline[:, 1]
        if float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) <= 0.0:
            raise InputError("a room's outline runs counter-clockwise; this one is clockwise or empty")
        self.edges = self._edges()

    def _edges(self) -> list[Edge]:
        result = []
        for i, (a, b) in enumerate(zip(self.outline, np.roll(self.outline, -1, 0), strict=True)):
            along = b - a
            result.append(
                Edge(
                    i,
                    (float(a[0]), float(a[1])),
                    (float(b[0]), float(b[1])),
                    float(np.hypot(*along)),
                    atan2(along[1], along[0]),
                )
            )
        return result

    @property
    def area(self) -> float:
        """Floor area in square metres."""
        x, y = self.outline[:, 0], self.outline[:, 1]
        return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Bounding box x0, y0, x1, y1."""
        (x0, y0), (x1, y1) = self.outline.min(0), self.outline.max(0)
        return float(x0), float(y0), float(x1), float(y1)

    def free_span(self, edge: Edge, s0: float, s1: float, gap: float = 0.1) -> bool:
        """Whether no opening lies within `gap` of s0..s1 on a wall."""
        if s0 < gap or s1 > edge.length - gap:
            return False
        return all(s1 + gap <= o.s0 or s0 - gap >= o.s1 for o in self.openings.get(edge.index, []))

    def cut(self, edge: Edge, opening: Opening, gap: float = 0.1) -> bool:
        """Cut an opening, if the wall has room for it."""
        if opening.z1 > self.height - 0.04 or not self.free_span(edge, opening.s0, opening.s1, gap):
            return False
        self.openings.setdefault(edge.index, []).append(opening)
        return True


def rectangle(width: float, depth: float, x0: float = 0.0, y0: float = 0.0) -> Outline:
    """A rectangle from its lower left corner."""
    return np.array([(x0, y0), (x0 + width, y0), (x0 + width, y0 + depth), (x0, y0 + depth)], np.float64)


def outline(rng: np.random.Generator, width: float, depth: float, kind: str | None = None) -> Outline:
    """A room's outline within width x depth: mostly rectangular, else L, T, U, chamfered, oblique, polygonal, round."""
    if kind is None:
        kind = pick(
            rng, {"box": 6, "L": 1.6, "T": 0.5, "U": 0.5, "chamfer": 0.7, "oblique": 0.7, "polygon": 0.4, "round": 0.4}
        )
    w, d = width, depth
    cut_x, cut_y = w * rng.uniform(0.25, 0.55), d * rng.uniform(0.25, 0.55)
    if kind == "L":
        points = [(0, 0), (w, 0), (w, d - cut_y), (w - cut_x, d - cut_y), (w - cut_x, d), (0, d)]
    elif kind == "T":
        left, right = 0.5 * (w - cut_x) * rng.uniform(0.6, 1.2), w - 0.5 * (w - cut_x)
        points = [
            (left, 0),
            (right, 0),
            (right, d - cut_y),
            (w, d - cut_y),
            (w, d),
            (0, d),
            (0, d - cut_y),
            (left, d - cut_y),
        ]
    elif kind == "U":
        left, right = 0.3 * w, 0.7 * w
        points = [(0, 0), (w, 0), (w, d), (right, d), (right, d - cut_y), (left, d - cut_y), (left, d), (0, d)]
    elif kind == "chamfer":
        c = min(w, d) * rng.uniform(0.15, 0.3)
        points = [(0, 0), (w, 0), (w, d - c), (w - c, d), (0, d)]
        if rng.random() < 0.5:
            points = [(c, 0), (w - c, 0), (w, c), (w, d - c), (w - c, d), (c, d), (0, d - c), (0, c)]
    elif kind == "oblique":
        a, b = rng.uniform(0.0, 0.2, 2)
        points = [(0, b * d), (w * (1 - a), 0), (w, d * (1 - b)), (a * w, d)]
    elif kind in ("polygon", "round"):
        n = int(rng.integers(5, 9)) if kind == "polygon" else 24
        turn = rng.uniform(0, 2 * pi)
        points = [
            (0.5 * w * (1 + cos(turn + 2 * pi * i / n)), 0.5 * d * (1 + sin(turn + 2 * pi * i / n))) for i in range(n)
        ]
    else:
        points = [(0, 0), (w, 0), (w, d), (0, d)]
    result = np.array(points, np.float64)
    if rng.random() < 0.5:
        result = (np.array([w, 0.0]) + np.array([-1.0, 1.0]) * result)[::-1]
    return np.ascontiguousarray(result)


def chords(shape: Outline, axis: int, position: float) -> list[tuple[float, float]]:
    """Intervals inside the outline of the line where coordinate `axis` equals `position`."""
    p, q = shape, np.roll(shape, -1, 0)
    hits = (p[:, axis] > position) != (q[:, axis] > position)
    p, q = p[hits], q[hits]
    t = (position - p[:, axis]) / (q[:, axis] - p[:, axis])
    s = np.sort(p[:, 1 - axis] + t * (q[:, 1 - axis] - p[:, 1 - axis]))
    return [(float(s[i]), float(s[i + 1])) for i in range(0, len(s) - 1, 2)]


def flat(stage: Stage, shape: Outline, z: float, material: Material, turned: bool = False) -> None:
    """A horizontal surface; `turned` runs boards along y."""
    if not turned:
        stage.mesh.polygon(shape, z, material)
        return
    with stage.mesh.at((0.0, 0.0, 0.0), yaw=pi / 2):
        stage.mesh.polygon(np.stack([shape[:, 1], -shape[:, 0]], -1), z, material)


def add_walls(
    stage: Stage, room: Room, wall: Material | None = None, top: float | None = None, skip: tuple[int, ...] = ()
) -> None:
    """The room's walls with their holes, their obstacles, the floor's region and skirtings.

    `top` is the walls' upper edge where it is not the ceiling's; `skip` names walls that are open (no wall at all).
    """
    rng = stage.rng
    main = stage.palette.wall if wall is None else wall
    accent = int(rng.integers(len(room.outline))) if rng.random() < 0.3 else -1
    top = room.z + room.height if top is None else top
    stage.plan.add_region(room.outline)
    edges = room.edges
    t = room.thickness
    skirting = float(rng.uniform(0.05, 0.16)) if rng.random() < 0.8 else 0.0
    for edge in edges:
        if edge.index in skip or edge.length < 0.02:
            continue
        before, after = edges[edge.index - 1], edges[(edge.index + 1) % len(edges)]
        # at outer corners the wall runs on, so that no light comes through
        start = -t if sin(edge.yaw - before.yaw) > 0.01 else 0.0
        end = edge.length + (t if sin(after.yaw - edge.yaw) > 0.01 else 0.0)
        holes = room.openings.get(edge.index, [])
        stage.mesh.wall_with_openings(
            edge.at(start, -t / 2),
            edge.at(end, -t / 2),
            room.z - LAP,
            top + LAP,
            [(o.s0 - start, o.s1 - start, room.z + o.z0, room.z + o.z1) for o in holes],
            stage.palette.accent if edge.index == accent and wall is None else main,
            t,
            stage.palette.trim if rng.random() < 0.3 else None,
        )
        _wall_obstacles(stage, room, edge, holes, skirting)


def _wall_obstacles(stage: Stage, room: Room, edge: Edge, holes: list[Opening], skirting: float) -> None:
    """Footprints of the solid parts of a wall, and a skirting on them."""
    t = room.thickness
    doors = sorted((o for o in holes if o.z0 < 0.05 and o.kind in ("passage", "door")), key=lambda o: o.s0)
    s = 0.0
    for s0, s1 in [(o.s0, o.s1) for o in doors] + [(edge.length, edge.length)]:
        if s0 - s > 0.02:
            x, y = edge.at(0.5 * (s + s0), -t / 2)
            stage.plan.add(Footprint(x, y, 0.5 * (s0 - s), t / 2, edge.yaw, room.z, room.z + 9.0))
            glass = any(o.z0 < 0.3 and o.s0 < s0 and o.s1 > s for o in holes)
            if skirting and not glass:
                x, y = edge.at(0.5 * (s + s0), 0.008)
                with stage.mesh.at((x, y, room.z + skirting / 2), yaw=edge.yaw):
                    stage.mesh.box((s0 - s, 0.018, skirting), stage.palette.trim)
        s = s1
    for o in holes:
        x, y = edge.at(0.5 * (o.s0 + o.s1), 0.1)
        if o.kind == "window":  # nothing tall goes before a window
            stage.plan.zones.append(Footprint(x, y, 0.5 * (o.s1 - o.s0), 0.1, edge.yaw, room.z + o.z0, room.z + o.z1))
        else:
            reach = 0.5 * min(1.1, o.s1 - o.s0)
            x, y = edge.at(0.5 * (o.s0 + o.s1), reach)
            stage.plan.zones.append(Footprint(x, y, 0.5 * (o.s1 - o.s0), reach, edge.yaw, room.z, room.z + 2.2))
        if o.kind == "passage":  # the way through belongs to the walkable floor
            corners = [edge.at(o.s0, -t - 0.05), edge.at(o.s1, -t - 0.05), edge.at(o.s1, 0.05), edge.at(o.s0, 0.05)]
            stage.plan.add_region(np.array(corners))


def wainscot(stage: Stage, room: Room, height: float, material: Material) -> None:
    """Panelling or tiles on the lower walls up to `height`, where no opening is in the way."""
    for edge in room.edges:
        holes = [o for o in room.openings.get(edge.index, []) if o.z0 < height]
        cuts = sorted([0.0, edge.length, *(v for o in holes for v in (o.s0 - 0.06, o.s1 + 0.06))])
        for s0, s1 in zip(cuts[::2], cuts[1::2], strict=False):
            if s1 - s0 < 0.05:
                continue
            x, y = edge.at(0.5 * (s0 + s1), 0.01)
            with stage.mesh.at((x, y, room.z + height / 2), yaw=edge.yaw):
                stage.mesh.box((s1 - s0, 0.024, height), material)
                stage.mesh.box((s1 - s0, 0.04, 0.04), stage.palette.trim, (0.0, 0.0, height / 2))
