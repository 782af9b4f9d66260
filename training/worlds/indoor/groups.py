"""Things that stand together: a table with its chairs, a desk with its seat, a bed with its nightstands."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.clutter import clutter, screen
from training.worlds.indoor.colours import hue, linear, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.seating import bed, bench, chair, office_chair, sofa, stool
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cabinet
from training.worlds.indoor.tables import coffee_table, desk, table
from training.worlds.materials import Material, Pattern


def rug(stage: Stage, width: float, depth: float, round_: bool = False) -> None:
    """A rug of 1 cm on the floor, around the origin of the current frame."""
    rng = stage.rng
    surface = Material(
        hue(rng, (0.0, 0.6), (0.25, 0.9)),
        hue(rng, (0.0, 0.6), (0.2, 0.9)),
        pick_one(rng, [Pattern.RUG, Pattern.CARPET, Pattern.STRIPES, Pattern.RUG]),
        (width, depth),
        float(rng.uniform(0.2, 0.7)),
    )
    if surface.pattern != Pattern.RUG:
        surface = Material(surface.colour, surface.second, surface.pattern, (0.25, 0.25), surface.contrast)
    if round_:
        stage.mesh.cylinder(min(width, depth) / 2, 0.01, surface, segments=28)
    else:
        stage.mesh.box((width, depth, 0.012), surface, (0, 0, 0.006))


def dining(stage: Stage, seats: int | None = None, top: str = "table") -> Piece:
    """A table with chairs (or benches) around it, some pushed in, some not."""
    rng = stage.rng
    seats = int(rng.choice([2, 4, 4, 6, 8])) if seats is None else seats
    round_ = seats <= 4 and rng.random() < 0.35
    per_side = max(1, (seats - (2 if seats >= 6 and rng.random() < 0.5 else 0)) // 2)
    width = max(0.7, per_side * float(rng.uniform(0.6, 0.72)) + 0.1)
    depth = float(rng.uniform(0.7, 1.0))
    board = table(stage, width, depth, None, top, round_)
    kind = pick_one(rng, ["wood", "shell", "padded", "slats"])
    one = stage.repeated(chair(stage, kind))
    long = bench(stage) if rng.random() < 0.12 and not round_ else None
    tuck = rng.uniform(-0.05, 0.25, 2 * per_side + 2)
    reach = 0.5 * board.depth + 0.42

    def draw() -> None:
        board.draw()
        if round_:
            for k in range(seats):
                a = 2 * pi * k / seats + 0.3
                r = 0.5 * board.width + 0.2 - float(tuck[k % len(tuck)]) * 0.6
                with stage.at(r * np.cos(a), r * np.sin(a), 0.0, a + pi / 2):
                    one.draw()
            return
        for k in range(per_side):
            x = (k + 0.5 - per_side / 2) * (width - 0.1) / per_side
            for side in (-1, 1):
                if long is not None and side < 0:
                    continue
                y = side * (0.5 * depth + 0.2 - float(tuck[2 * k + (side > 0)]))
                with stage.at(x, y, 0.0, (0.0 if side < 0 else pi) + float(rng.normal(0, 0.08))):
                    one.draw()
        if long is not None:
            with stage.at(0.0, -0.5 * depth - 0.2):
                long.draw()
        if seats > 2 * per_side:
            for side in (-1, 1):
                with stage.at(side * (0.5 * width + 0.15), 0.0, 0.0, -side * -pi / 2):
                    one.draw()

    extra = 0.8 if seats > 2 * per_side or round_ else 0.1
    return Piece(board.width + extra, 2 * reach, 0.95, draw)


def workplace(stage: Stage, width: float | None = None) -> Piece:
    """A desk with its chair; the desk's back at -y, so that it may stand to a wall."""
    rng = stage.rng
    board, seat = desk(stage, width), office_chair(stage) if rng.random() < 0.8 else chair(stage)
    deep = board.depth + float(rng.uniform(0.3, 0.6))
    turn = pi + float(rng.normal(0, 0.5))
    aside = float(rng.uniform(-0.2, 0.2))

    def draw() -> None:
        with stage.at(0.0, -0.5 * (deep - board.depth)):
            board.draw()
        with stage.at(aside, 0.5 * deep - 0.3, 0.0, turn):
            seat.draw()

    return Piece(board.width, deep, 1.25, draw)


def sleeping(stage: Stage) -> Piece:
    """A bed with nightstands and lamps, sometimes a rug and a bench at its foot."""
    rng = stage.rng
    place = bed(stage)
    stands = int(rng.choice([0, 1, 2, 2]))
    stand = stage.repeated(cabinet(stage, float(rng.uniform(0.38, 0.5)), float(rng.uniform(0.45, 0.6))))
    width = place.width + stands * (stand.width + 0.06)
    shift = 0.5 * (stand.width + 0.06) if stands == 1 else 0.0
    carpet = rng.random() < 0.35

    def draw() -> None:
        with stage.at(shift, 0.0):
            place.draw()
            for k in range(stands):
                x = (-1, 1)[k] * (0.5 * place.width + 0.04 + 0.5 * stand.width)
                with stage.at(x, -0.5 * place.depth + 0.5 * stand.depth):
                    stand.draw()
            if carpet:
                with stage.at(0.0, 0.4):
                    rug(stage, place.width + 1.0, 1.6)

    return Piece(width, place.depth, place.height, draw)


def lounge(stage: Stage) -> Piece:
    """A sofa with a coffee table on a rug, and armchairs."""
    rng = stage.rng
    main, low = sofa(stage, int(rng.integers(2, 4))), coffee_table(stage)
    chairs = [stage.repeated(sofa(stage, 1)) for _ in range(int(rng.integers(0, 3)))]
    gap = float(rng.uniform(0.3, 0.5))
    deep = main.depth + gap + low.depth + (0.2 if not chairs else 0.35)
    width = max(main.width, low.width + 2 * (chairs[0].depth + 0.45) if chairs else main.width)
    carpet = rng.random() < 0.7

    def draw() -> None:
        y = -0.5 * deep
        with stage.at(0.0, y + 0.5 * main.depth):
            main.draw()
        middle = y + main.depth + gap + 0.5 * low.depth
        with stage.at(0.0, middle):
            low.draw()
            if carpet:
                rug(stage, float(rng.uniform(1.6, 2.6)), float(rng.uniform(1.2, 1.9)), bool(rng.random() < 0.2))
        for k, one in enumerate(chairs):
            side = (-1, 1)[k]
            x = side * (0.5 * width - 0.5 * one.depth)
            with stage.at(x, middle, 0.0, side * pi / 2 + float(rng.normal(0, 0.15))):
                one.draw()

    return Piece(width, deep, 0.95, draw)


def media(stage: Stage) -> Piece:
    """A low cabinet with a television on it."""
    rng = stage.rng
    low = cabinet(stage, float(rng.uniform(1.0, 2.0)), float(rng.uniform(0.35, 0.6)))
    width = float(rng.uniform(0.75, 1.5))
    height = 0.58 * width
    z = low.height - 0.25

    def draw() -> None:
        low.draw()
        black = Material(linear((0.06,) * 3), gloss=0.3)
        stage.mesh.box(
            (width, 0.05, height), black, (0, -0.05, z + 0.08 + height / 2), {"y+": screen(stage, width, height)}
        )
        stage.mesh.box((0.3, 0.2, 0.02), black, (0, -0.05, z + 0.01))
        stage.mesh.box((0.06, 0.04, 0.1), black, (0, -0.05, z + 0.05))

    return Piece(low.width, low.depth, z + height + 0.1, draw)


def bar(stage: Stage, length: float) -> Piece:
    """A bar with stools before it (at +y) and bottles on it."""
    rng, palette = stage.rng, stage.palette
    one = stage.repeated(stool(stage, float(rng.uniform(0.68, 0.78))))
    height = float(rng.uniform(1.0, 1.12))
    n = int(length / rng.uniform(0.55, 0.9))

    def draw() -> None:
        stage.mesh.box(
            (length, 0.45, height - 0.05),
            pick_one(rng, [palette.wood, palette.lacquer, palette.accent]),
            (0, -0.4, 0.5 * (height - 0.05)),
        )
        stage.mesh.box((length + 0.06, 0.62, 0.05), palette.worktop, (0, -0.36, height - 0.025))
        with stage.at(0.0, -0.36):
            clutter(stage, length, 0.4, height, "table", 5.0)
        for k in range(n):
            if rng.random() < 0.85:
                with stage.at((k + 0.5) * length / n - length / 2, 0.35 + float(rng.uniform(-0.1, 0.1))):
                    one.draw()

    return Piece(length + 0.06, 1.3, height + 0.2, draw)


def cubicles(stage: Stage, columns: int) -> Piece:
    """A double row of workplaces back to back with low screens between them."""
    rng = stage.rng
    width = float(rng.uniform(1.3, 1.7))
    places = [stage.repeated(workplace(stage, width)) for _ in range(min(columns, 2))]
    deep = max(p.depth for p in places)
    height = float(rng.choice([0.0, 1.1, 1.3, 1.55]))
    surface = pick_one(rng, [stage.palette.fabric, stage.palette.lacquer, stage.palette.fabric_two])

    def draw() -> None:
        for k in range(columns):
            x = (k + 0.5 - columns / 2) * width
            for side in (-1, 1):
                one = places[int(rng.integers(len(places)))]
                with stage.at(x, side * (0.5 * one.depth + 0.03), 0.0, 0.0 if side > 0 else pi):
                    one.draw()
        if height:
            stage.mesh.box((columns * width, 0.04, height), surface, (0, 0, height / 2))
            for k in range(columns + 1):
                if rng.random() < 0.7:
                    stage.mesh.box((0.04, 1.5, height), surface, ((k - columns / 2) * width, 0, height / 2))

    return Piece(columns * width, 2 * deep + 0.06, 1.25, draw)
