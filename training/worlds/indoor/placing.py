"""Putting pieces into a room: against walls, on the floor, in rows; and columns."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np

from training.worlds.indoor.colours import pick, vary
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.shell import Edge, Room
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern


def pillars(
    stage: Stage, room: Room, spacing: tuple[float, float], width: float, round_: bool, top: float | None = None
) -> int:
    """Columns on a grid inside the room (never on reserved floor); returns how many."""
    rng = stage.rng
    x0, y0, x1, y1 = room.box
    nx, ny = int((x1 - x0) / spacing[0]), int((y1 - y0) / spacing[1])
    height = room.height if top is None else top - room.z
    material = pick(rng, {"wall": 2, "concrete": 2, "trim": 1, "marble": 0.7})
    base = rng.random() < 0.5
    surface = {
        "wall": stage.palette.wall,
        "trim": stage.palette.trim,
        "concrete": Material((0.45, 0.44, 0.42), (0.35,) * 3, Pattern.CONCRETE, (1.2, 2.4), 0.25),
        "marble": Material((0.7, 0.66, 0.6), vary(rng, (0.4, 0.36, 0.33)), Pattern.MARBLE, (0.6, 0.6), 0.3, 0.25),
    }[material]

    def draw() -> None:
        if round_:
            stage.mesh.cylinder(width / 2, height, surface, segments=14, caps=False)
            if base:
                stage.mesh.cylinder(0.68 * width, 0.25, surface, segments=14)
                stage.mesh.cylinder(width / 2, 0.3, surface, (0, 0, height - 0.3), 14, 0.75 * width)
        else:
            stage.mesh.box((width, width, height), surface, (0, 0, height / 2))
            if base:
                stage.mesh.box((1.3 * width, 1.3 * width, 0.2), surface, (0, 0, 0.1))

    column = stage.repeated(Piece(width * 1.3, width * 1.3, height, draw))
    count = 0
    for i in range(1, max(nx, 1) + 1):
        for j in range(1, max(ny, 1) + 1):
            x, y = x0 + (x1 - x0) * i / (nx + 1), y0 + (y1 - y0) * j / (ny + 1)
            count += stage.try_put(column, x, y, margin=0.05, z=room.z)
    return count


def against_wall(
    stage: Stage, room: Room, piece: Piece, gap: float = 0.01, tries: int = 6, edge: Edge | None = None
) -> bool:
    """Put a piece with its back to a wall, somewhere it fits."""
    rng = stage.rng
    edges = [e for e in (room.edges if edge is None else [edge]) if e.length > piece.width + 0.02]
    if not edges:
        return False
    lengths = np.cumsum([e.length for e in edges])
    for _ in range(tries):
        e = edges[int(np.searchsorted(lengths, rng.random() * lengths[-1]))] if len(edges) > 1 else edges[0]
        s = rng.uniform(0.5 * piece.width + 0.01, e.length - 0.5 * piece.width - 0.01)
        x, y = e.at(float(s), 0.5 * piece.depth + gap)
        if stage.try_put(piece, x, y, e.yaw, z=room.z):
            return True
    return False


def in_room(stage: Stage, room: Room, piece: Piece, margin: float = 0.1, tries: int = 6, square: bool = True) -> bool:
    """Put a piece somewhere on the floor, square to the first wall unless `square` is off."""
    rng = stage.rng
    x0, y0, x1, y1 = room.box
    for _ in range(tries):
        yaw = room.edges[0].yaw + (rng.integers(4) * pi / 2 if square else rng.uniform(-pi, pi))
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        if stage.try_put(piece, float(x), float(y), float(yaw), margin, room.z):
            return True
    return False


def rows(
    stage: Stage,
    room: Room,
    piece: Piece,
    aisle: tuple[float, float],
    margin: float = 0.6,
    yaw: float = 0.0,
    keep: float = 1.0,
) -> int:
    """Put copies of a piece on a grid over the room, `aisle` metres apart in x and y; returns how many fitted."""
    rng = stage.rng
    piece = stage.repeated(piece)
    w, d = (piece.width, piece.depth) if abs(np.sin(yaw)) < 0.5 else (piece.depth, piece.width)
    x0, y0, x1, y1 = room.box
    nx = max(1, int((x1 - x0 - 2 * margin + aisle[0]) / (w + aisle[0])))
    ny = max(1, int((y1 - y0 - 2 * margin + aisle[1]) / (d + aisle[1])))
    x = 0.5 * (x0 + x1) + (np.arange(nx) - 0.5 * (nx - 1)) * (w + aisle[0])
    y = 0.5 * (y0 + y1) + (np.arange(ny) - 0.5 * (ny - 1)) * (d + aisle[1])
    count = 0
    for cx in x:
        for cy in y:
            if rng.random() < keep:
                count += stage.try_put(piece, float(cx), float(cy), yaw, 0.0, room.z)
    return count


def fill_walls(stage: Stage, room: Room, makes: tuple[Callable[[Stage], Piece], ...], share: float) -> None:
    """Put things against the walls until about `share` of their length is taken, or three in a row found no place."""
    rng = stage.rng
    left = share * sum(edge.length for edge in room.edges)
    misses = 0
    for _ in range(40):
        if left <= 0.0 or misses == 3:
            return
        piece = makes[int(rng.integers(len(makes)))](stage)
        if against_wall(stage, room, piece, 0.01, 4):
            left -= piece.width
            misses = 0
        else:
            misses += 1
