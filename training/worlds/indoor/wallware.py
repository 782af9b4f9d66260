"""What hangs on walls or runs along them: pictures, boards, mirrors, screens, radiators, switches, pipes."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor.clutter import picture, screen, thing
from training.worlds.indoor.colours import hue, linear, pick, pick_one
from training.worlds.indoor.lamps import glowing
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall
from training.worlds.indoor.shell import Room
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern

KINDS: dict[str, dict[str, float]] = {
    "home": {
        "picture": 6,
        "mirror": 1,
        "radiator": 2,
        "switch": 3,
        "shelf": 1.5,
        "clock": 0.5,
        "tv": 0.5,
        "hooks": 0.5,
        "sconce": 0.7,
    },
    "office": {"picture": 3, "board": 3, "poster": 2, "radiator": 2, "switch": 3, "clock": 1, "tv": 1, "box": 1},
    "shop": {
        "picture": 2,
        "poster": 5,
        "box": 1.5,
        "switch": 1,
        "clock": 0.7,
        "mirror": 0.7,
        "shelf": 2,
        "sconce": 0.7,
    },
    "industrial": {"box": 4, "pipe": 4, "sign": 3, "extinguisher": 2, "clock": 0.5, "switch": 1},
    "grand": {"picture": 5, "mirror": 1, "sconce": 2, "clock": 0.5, "radiator": 0.7},
    "raw": {"pipe": 4, "box": 2, "sign": 2, "extinguisher": 1, "switch": 0.5},
    "wet": {"mirror": 3, "hooks": 2, "shelf": 2, "switch": 1, "radiator": 1, "picture": 0.7},
}


def hang(stage: Stage, room: Room, count: int, kind: str | None = None) -> None:
    """Hang about `count` things on the room's walls, where they find room."""
    for _ in range(min(count, 40)):
        against_wall(stage, room, ware(stage, room, kind or pick(stage.rng, KINDS[stage.palette.style])), 0.0, 4)


def ware(stage: Stage, room: Room, kind: str) -> Piece:
    """One thing for a wall; it faces +y with its back at -depth/2."""
    rng, palette = stage.rng, stage.palette
    if kind in ("picture", "poster", "mirror", "board", "tv", "sign"):
        width, height = {
            "picture": (rng.uniform(0.25, 1.4), rng.uniform(0.25, 1.1)),
            "poster": (rng.uniform(0.4, 1.0), rng.uniform(0.5, 1.4)),
            "mirror": (rng.uniform(0.4, 1.1), rng.uniform(0.5, 1.5)),
            "board": (rng.uniform(1.0, 3.6), rng.uniform(0.9, 1.25)),
            "tv": (rng.uniform(0.8, 1.6), 0.0),
            "sign": (rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.5)),
        }[kind]
        height = height or 0.58 * width
        middle = float(
            np.clip(rng.uniform(1.35, 1.75), height / 2 + 0.1, max(room.height - height / 2 - 0.08, height / 2 + 0.1))
        )
        face = {
            "picture": lambda: picture(stage, width, height),
            "poster": lambda: Material(
                hue(rng, (0.0, 0.7), (0.6, 0.95)),
                hue(rng, (0.0, 0.9), (0.1, 0.6)),
                Pattern.POSTER_TEXT,
                (width, height),
                0.5,
            ),
            "mirror": lambda: Material(linear((0.8, 0.84, 0.86)), (0.5,) * 3, Pattern.PLAIN, gloss=0.8),
            "board": lambda: _board(stage, width, height),
            "tv": lambda: screen(stage, width, height),
            "sign": lambda: Material(
                hue(rng, (0.7, 0.95), (0.5, 0.9)), linear((0.95,) * 3), Pattern.POSTER_TEXT, (width, height), 0.5
            ),
        }[kind]()
        rim = pick_one(rng, [palette.wood, palette.metal, palette.trim])
        border = float(rng.uniform(0.01, 0.06)) if kind in ("picture", "mirror") else 0.02

        def framed() -> None:
            stage.mesh.box((width, 0.025, height), rim, (0, 0, height / 2), {"y+": face})
            stage.mesh.boxes(
                [(s * (width / 2 + border / 2), 0.006, height / 2) for s in (-1, 1)]
                + [(0, 0.006, z) for z in (-border / 2, height + border / 2)],
                [(border, 0.04, height + 2 * border)] * 2 + [(width, 0.04, border)] * 2,
                rim,
            )

        def drawn() -> None:
            with stage.mesh.at((0.0, 0.0, middle - height / 2)):
                framed()

        return Piece(width + 0.12, 0.05, height, drawn, middle - height / 2)
    if kind == "radiator":
        width, height = float(rng.uniform(0.5, 1.8)), float(rng.uniform(0.4, 0.7))
        n = int(width / 0.06)

        def radiator() -> None:
            stage.mesh.box((width, 0.03, height), palette.trim, (0, 0, 0.12 + height / 2))
            stage.mesh.boxes(
                [((k + 0.5) / n * width - width / 2, 0.035, 0.12 + height / 2) for k in range(n)],
                (0.035, 0.05, height - 0.04),
                palette.trim,
            )

        return Piece(width, 0.1, height + 0.12, radiator)
    if kind == "shelf":
        width, z = float(rng.uniform(0.4, 1.6)), float(rng.uniform(1.2, 1.8))
        levels = int(rng.integers(1, 4))

        def board() -> None:
            for k in range(levels):
                stage.mesh.box((width, 0.22, 0.03), palette.wood, (0, 0, z + 0.32 * k))
                for _ in range(int(rng.poisson(3 * width))):
                    thing(
                        stage,
                        pick(rng, {"book": 3, "vase": 1, "cup": 2, "bottle": 2, "frame": 1, "box": 1}),
                        float(rng.uniform(-0.4, 0.4) * width),
                        0.0,
                        z + 0.32 * k + 0.015,
                    )

        return Piece(width, 0.24, 0.32 * levels, board, z - 0.02)
    if kind == "pipe":
        radius, z = float(rng.uniform(0.02, 0.09)), float(rng.uniform(0.3, max(room.height - 0.4, 0.5)))
        length = float(rng.uniform(1.0, 6.0))
        up = rng.random() < 0.5
        surface = pick_one(rng, [palette.metal, Material(linear((0.7, 0.15, 0.1))), palette.trim])

        def pipe() -> None:
            if up:
                stage.mesh.cylinder(radius, room.height, surface, segments=8, caps=False)
            else:
                stage.mesh.tube(
                    [(-length / 2, 0, z), (length / 2, 0, z), (length / 2, 0, room.height)], radius, surface, 8
                )

        return Piece(0.2 if up else length, 2 * radius + 0.06, room.height if up else 0.2, pipe, 0.0 if up else z - 0.1)
    if kind == "extinguisher":

        def extinguisher() -> None:
            stage.mesh.cylinder(0.08, 0.45, Material(linear((0.75, 0.08, 0.06)), gloss=0.3), (0, 0, 0.6), 10)
            stage.mesh.cylinder(0.03, 0.12, palette.metal, (0, 0, 1.05), 8)

        return Piece(0.2, 0.2, 1.2, extinguisher, 0.6)
    if kind == "hooks":
        n = int(rng.integers(2, 7))

        def hooks() -> None:
            stage.mesh.box((0.16 * n, 0.025, 0.09), palette.wood, (0, 0, 1.65))
            for k in range(n):
                if rng.random() < 0.6:
                    colour = Material(hue(rng, (0.0, 0.7), (0.12, 0.8)))
                    stage.mesh.box(
                        (0.14, 0.1, float(rng.uniform(0.5, 1.0))), colour, (0.16 * (k - 0.5 * (n - 1)), 0.06, 1.25)
                    )

        return Piece(0.16 * n, 0.2, 1.0, hooks, 0.75)
    if kind == "sconce":
        z = float(rng.uniform(1.6, 2.0))

        def sconce() -> None:
            stage.mesh.box((0.08, 0.06, 0.12), palette.metal, (0, -0.04, z))
            stage.mesh.sphere(0.08, glowing(stage, 6.0), (0, 0.05, z + 0.08), rings=6, segments=10)
            stage.light((0, 0.2, z + 0.1), 0.5 * stage.mood.lamps, 0.05)

        return Piece(0.2, 0.2, 0.3, sconce, z - 0.1)
    z, size = (
        (1.05, (0.08, 0.012, 0.08))
        if kind == "switch"
        else (float(rng.uniform(1.2, 1.8)), tuple(rng.uniform((0.2, 0.08, 0.25), (0.7, 0.25, 0.9))))
    )
    if kind == "clock":

        def clock() -> None:
            stage.mesh.cylinder(0.15, 0.04, palette.metal, (0, -0.02, 2.0), 20, axis="y")
            stage.mesh.cylinder(0.135, 0.045, Material(linear((0.93,) * 3)), (0, -0.02, 2.0), 20, axis="y")
            stage.mesh.boxes(
                [(0.03, 0.03, 2.0), (0.0, 0.03, 2.05)],
                [(0.08, 0.005, 0.01), (0.01, 0.005, 0.1)],
                Material(linear((0.1,) * 3)),
            )

        return Piece(0.32, 0.06, 0.32, clock, min(1.85, room.height - 0.35))
    surface = (
        palette.trim
        if kind == "switch"
        else Material(linear((0.6,) * 3) if rng.random() < 0.6 else hue(rng, (0.3, 0.8), (0.3, 0.8)))
    )
    return Piece(size[0] + 0.02, size[1], size[2], lambda: stage.mesh.box(size, surface, (0, 0, z)), z - size[2] / 2)


def _board(stage: Stage, width: float, height: float) -> Material:
    """A whiteboard, a pin board or a chalkboard."""
    rng = stage.rng
    kind = pick(rng, {"white": 4, "cork": 1, "chalk": 1})
    if kind == "white":
        ink = linear((0.2, 0.25, 0.5))
        pattern = Pattern.POSTER_TEXT if rng.random() < 0.5 else Pattern.PLAIN
        return Material(linear((0.93,) * 3), ink, pattern, (width, height), 0.15, 0.2)
    if kind == "cork":
        return Material(linear((0.68, 0.5, 0.33)), linear((0.55, 0.4, 0.25)), Pattern.NOISE, (0.05, 0.05), 0.3)
    return Material(linear((0.13, 0.2, 0.16)), linear((0.3, 0.35, 0.32)), Pattern.NOISE, (0.5, 0.3), 0.3)
