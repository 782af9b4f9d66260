"""Parts of a building that stand in a room: fireplaces, galleries with stairs, dividing walls, plinths."""

from __future__ import annotations

from training.worlds.indoor.clutter import clutter
from training.worlds.indoor.colours import linear, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.plan import Footprint
from training.worlds.indoor.shell import Room
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.stairs import railing, stairs
from training.worlds.indoor.surfaces import wall
from training.worlds.materials import Material


def fireplace(stage: Stage, room: Room) -> Piece:
    """A chimney breast up to the ceiling with a hearth, a mantelpiece and what stands on it."""
    rng = stage.rng
    width, depth = float(rng.uniform(1.2, 1.9)), float(rng.uniform(0.35, 0.6))
    breast = stage.palette.wall if rng.random() < 0.5 else wall(rng, "raw")
    mantel = pick_one(rng, [stage.palette.wood, stage.palette.trim, stage.palette.worktop])
    soot = Material(linear((0.08, 0.07, 0.07)))
    burning = stage.mood.lamps > 0.0 and rng.random() < 0.4
    hole, high, shelf = float(rng.uniform(0.6, 0.9)), float(rng.uniform(0.6, 0.85)), float(rng.uniform(1.05, 1.35))

    def draw() -> None:
        side = 0.5 * (width - hole)
        for s in (-1, 1):
            stage.mesh.box((side, depth, high), breast, (s * 0.5 * (hole + side), 0, high / 2))
        stage.mesh.box((width, depth, room.height - high), breast, (0, 0, 0.5 * (room.height + high)))
        stage.mesh.box((hole, 0.02, high), soot, (0, -depth / 2 + 0.02, high / 2))
        stage.mesh.box((width + 0.2, depth + 0.3, 0.05), mantel, (0, 0.15, 0.025))
        stage.mesh.box((width + 0.16, 0.22, 0.06), mantel, (0, depth / 2 + 0.05, shelf))
        logs = stage.palette.wood
        for k in range(3):
            stage.mesh.cylinder(0.05, 0.4, logs, (-0.2, -0.05 + 0.1 * k, 0.1 + 0.04 * (k == 1)), 8, axis="x")
        if burning:
            flame = Material((1.0, 0.5, 0.15), emission=6.0 * stage.mood.lamps)
            stage.mesh.cylinder(0.15, 0.3, flame, (0, 0, 0.12), 8, 0.02)
            stage.light((0.0, 0.1, 0.35), 1.5 * stage.mood.lamps, 0.12, (1.0, 0.5, 0.2))
        with stage.at(0.0, depth / 2 + 0.05):
            clutter(stage, width, 0.16, shelf + 0.03, "home", 18.0)

    return Piece(width + 0.2, depth + 0.3, room.height, draw)


def gallery(stage: Stage, room: Room) -> bool:
    """A gallery on posts along one wall of a high room, with a railing and a stair; False where it does not fit."""
    rng = stage.rng
    edge = max(room.edges, key=lambda e: e.length * rng.uniform(0.5, 1.0))
    x0, y0, x1, y1 = room.box
    short = min(x1 - x0, y1 - y0)
    if room.height <= 4.1 or edge.length < 3.5 or short < 3.5:
        return False
    z = float(rng.uniform(2.35, min(room.height - 1.6, 3.2)))
    depth = float(rng.uniform(1.5, 0.4 * short + 0.6))
    length = edge.length * float(rng.choice([1.0, 0.7, 0.5]))
    slab = pick_one(rng, [stage.palette.wood, stage.palette.trim, stage.palette.lacquer])
    x, y = edge.at(0.5 * length, 0.5 * depth)
    footing = Footprint(x, y, 0.5 * length, 0.5 * depth, edge.yaw, room.z + z - 0.2, room.z + z + 1.1)
    if not stage.plan.fits(footing, zones=False):
        return False
    stage.plan.add(footing)
    with stage.at(x, y, room.z, edge.yaw):
        stage.mesh.box((length, depth, 0.18), slab, (0, 0, z - 0.09), {"z+": stage.palette.floor})
        railing(stage, (-length / 2, depth / 2 - 0.05, z), (length / 2, depth / 2 - 0.05, z))
        if length < edge.length:
            railing(stage, (length / 2 - 0.05, -depth / 2, z), (length / 2 - 0.05, depth / 2, z))
    posts = max(2, round(length / rng.uniform(2.0, 4.0)) + 1)
    post = stage.repeated(
        Piece(0.16, 0.16, z, lambda: stage.mesh.box((0.14, 0.14, z - 0.1), stage.palette.metal, (0, 0, (z - 0.1) / 2)))
    )
    for k in range(posts):
        px, py = edge.at(0.15 + (length - 0.3) * k / (posts - 1), depth - 0.15)
        stage.try_put(post, px, py, edge.yaw, 0.0, room.z)
    rise, tread = float(rng.uniform(0.17, 0.2)), float(rng.uniform(0.22, 0.28))
    steps = int(z / rise)
    rise = z / steps
    run = steps * tread
    s = float(rng.uniform(0.5, max(length - 0.5, 0.6)))
    sx, sy = edge.at(s, depth + 0.5 * run)

    def flight() -> None:
        with stage.mesh.at((0.0, run / 2, 0.0), yaw=3.141592653589793):
            stairs(stage, 0.85, steps, tread, rise, False, slab)
            railing(stage, (0.38, 0, 0), (0.38, run, z))

    stage.try_put(Piece(0.9, run, z, flight), sx, sy, edge.yaw, 0.0, room.z)
    return True


def divider(stage: Stage, room: Room) -> Piece:
    """A piece of wall up to the ceiling, or a half-high one, that divides a room."""
    rng = stage.rng
    width, thick = float(rng.uniform(0.8, 3.0)), float(rng.uniform(0.1, 0.35))
    height = room.height if rng.random() < 0.7 else float(rng.uniform(0.9, 1.5))
    surface = pick_one(rng, [stage.palette.wall, stage.palette.accent, stage.palette.wood])

    def draw() -> None:
        stage.mesh.box((width, thick, height), surface, (0, 0, height / 2))
        stage.mesh.box((width + 0.02, thick + 0.03, 0.08), stage.palette.trim, (0, 0, 0.04))

    return Piece(width, thick, height, draw)
