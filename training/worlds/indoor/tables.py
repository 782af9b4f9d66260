"""Tables, desks and counters: dining 0.72 to 0.76 m, coffee 0.32 to 0.5 m, counters 0.9 to 1.1 m."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.clutter import clutter, screen
from training.worlds.indoor.colours import linear, pick, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.seating import legs
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern


def table(
    stage: Stage,
    width: float | None = None,
    depth: float | None = None,
    height: float | None = None,
    top: str = "table",
    round_: bool | None = None,
    density: float = 4.0,
) -> Piece:
    """A table, rectangular or round, on legs, trestles or a column, with things on it."""
    rng, palette = stage.rng, stage.palette
    width = float(rng.uniform(0.7, 2.2)) if width is None else width
    depth = float(rng.uniform(0.65, 1.0)) if depth is None else depth
    height = float(rng.uniform(0.72, 0.76)) if height is None else height
    round_ = rng.random() < 0.25 if round_ is None else round_
    surface = pick_one(rng, [palette.wood, palette.wood, palette.worktop, palette.lacquer])
    base = pick_one(rng, [palette.wood, palette.metal, palette.metal])
    thick = float(rng.uniform(0.02, 0.06))
    kind = (
        "column" if round_ and rng.random() < 0.6 else pick(rng, {"legs": 4, "panels": 1.2, "trestle": 1, "thin": 1.5})
    )
    if round_:
        depth = width = min(width, 1.4)

    def draw() -> None:
        under = height - thick
        if round_:
            stage.mesh.cylinder(width / 2, thick, surface, (0, 0, under), 24)
        else:
            stage.mesh.box((width, depth, thick), surface, (0, 0, height - thick / 2))
        inset = 0.7 if round_ else 0.96
        if kind == "column":
            stage.mesh.cylinder(0.3 * width, 0.03, base, segments=16)
            stage.mesh.cylinder(0.045, under, base, segments=10)
        elif kind == "panels" and not round_:
            stage.mesh.boxes([(s * 0.46 * width, 0, under / 2) for s in (-1, 1)], (0.035, 0.9 * depth, under), surface)
            stage.mesh.box((0.9 * width, 0.02, 0.4 * under), surface, (0, -0.3 * depth, 0.75 * under))
        elif kind == "trestle" and not round_:
            for s in (-1, 1):
                x = s * 0.38 * width
                for y in (-0.4 * depth, 0.4 * depth):
                    stage.mesh.tube([(x, 0.2 * y, under), (x, y, 0.0)], 0.022, base, 5)
        else:
            size = 0.03 if kind == "thin" else float(rng.uniform(0.05, 0.09))
            legs(stage, inset * width, inset * depth, under, size, base, 0.05 if kind == "thin" else 0.0)
            if kind == "legs" and not round_:
                stage.mesh.boxes(
                    [(0, s * 0.42 * depth, under - 0.04) for s in (-1, 1)], (0.85 * width, 0.02, 0.08), base
                )
        clutter(stage, width * (0.7 if round_ else 1.0), depth * (0.7 if round_ else 1.0), height, top, density)

    return Piece(width, depth, height, draw)


def coffee_table(stage: Stage) -> Piece:
    """A low table."""
    rng = stage.rng
    width = float(rng.uniform(0.6, 1.3))
    return table(stage, width, float(rng.uniform(0.45, 0.8)), float(rng.uniform(0.32, 0.5)), "home", density=3.0)


def monitor(stage: Stage, x: float, y: float, z: float, size: float | None = None) -> None:
    """A monitor with its foot on a surface; it faces +y."""
    rng = stage.rng
    width = float(rng.uniform(0.45, 0.75)) if size is None else size
    height = 0.58 * width
    dark = Material(linear((0.1,) * 3), gloss=0.1)
    with stage.mesh.at((x, y, z), yaw=float(rng.uniform(-0.3, 0.3))):
        stage.mesh.box((0.22, 0.18, 0.012), dark, (0, 0, 0.006))
        stage.mesh.box((0.04, 0.03, 0.2), dark, (0, -0.03, 0.1))
        stage.mesh.box((width, 0.03, height), dark, (0, 0, 0.12 + height / 2), {"y+": screen(stage, width, height)})


def desk(stage: Stage, width: float | None = None) -> Piece:
    """A desk with monitors, keyboard, mouse and clutter; one sits at its +y side, screens at the back."""
    rng = stage.rng
    width = float(rng.uniform(1.1, 1.8)) if width is None else width
    depth, height = float(rng.uniform(0.6, 0.85)), float(rng.uniform(0.7, 0.76))
    plain = table(stage, width, depth, height, "desk", False, float(rng.uniform(0.5, 6.0)))
    screens = int(rng.choice([0, 1, 1, 2, 3]))
    drawers = rng.random() < 0.5
    side = float(rng.choice([-1, 1]))

    def draw() -> None:
        plain.draw()
        for k in range(screens):
            monitor(stage, (k - 0.5 * (screens - 1)) * min(0.62, width / screens), -0.2 * depth, height)
        if screens:
            keys = Material(linear((0.15,) * 3), linear((0.4,) * 3), Pattern.KEYS, (0.019, 0.019), 0.2)
            stage.mesh.box((0.44, 0.14, 0.02), keys, (0.0, 0.2 * depth, height + 0.01))
        if drawers:
            stage.mesh.box((0.42, 0.85 * depth, 0.55), stage.palette.lacquer, (side * (0.5 * width - 0.26), 0, 0.3))
            for z in (0.14, 0.32, 0.5):
                stage.mesh.box((0.12, 0.02, 0.015), stage.palette.metal, (side * (0.5 * width - 0.26), 0.44 * depth, z))
        elif rng.random() < 0.4:
            stage.mesh.box((0.2, 0.45, 0.42), Material(linear((0.1,) * 3)), (side * (0.5 * width - 0.2), -0.05, 0.22))

    return Piece(width, depth, height + (0.45 if screens else 0.1), draw)


def counter(stage: Stage, length: float, top: str = "shop", curved: float = 0.0) -> Piece:
    """A counter 0.9 to 1.1 m high, its front at +y; `curved` bends it around by that angle (rad)."""
    rng, palette = stage.rng, stage.palette
    height, depth = float(rng.uniform(0.9, 1.1)), float(rng.uniform(0.5, 0.75))
    front = pick_one(rng, [palette.wood, palette.lacquer, palette.accent, *palette.packages[:1]])
    shelves = rng.random() < 0.4

    def slab() -> None:
        stage.mesh.box((length, depth - 0.06, height - 0.04), front, (0, 0, 0.5 * (height - 0.04)))
        stage.mesh.box((length + 0.04, depth, 0.04), palette.worktop, (0, 0, height - 0.02))
        if shelves:
            n = max(1, round(length / 0.9))
            xs = [(k + 0.5) * length / n - length / 2 for k in range(n)]
            goods = pick_one(rng, list(palette.packages + palette.books))
            stage.mesh.boxes(
                [(x, 0.5 * depth - 0.02, 0.5 * height) for x in xs], (0.85 * length / n, 0.02, 0.7 * height), goods
            )
        clutter(stage, length, depth, height, top, 2.5)
        if rng.random() < 0.5:
            monitor(stage, float(rng.uniform(-0.3, 0.3)) * length, -0.1, height, 0.4)

    def bent() -> None:
        n = max(4, int(curved / 0.2))
        radius = length / curved
        a = np.linspace(-0.5 * curved, 0.5 * curved, n + 1)

        def arc(r: float) -> np.ndarray:
            return np.stack([r * np.sin(a), r * np.cos(a) - radius * cos(0.5 * curved)], -1)

        outer, inner = arc(radius), arc(radius - depth)
        stage.mesh.prism(np.concatenate([inner, outer[::-1]]), 0.0, height - 0.04, front)
        wide = np.concatenate([arc(radius - depth - 0.03), arc(radius + 0.04)[::-1]])
        stage.mesh.prism(wide, height - 0.04, height, palette.worktop, palette.worktop, palette.worktop)
        for k in range(int(rng.integers(1, 4))):
            b = float(rng.uniform(-0.4, 0.4)) * curved
            with stage.at(
                (radius - depth / 2) * sin(b), (radius - depth / 2) * cos(b) - radius * cos(0.5 * curved), 0.0, -b
            ):
                if k == 0:
                    monitor(stage, 0.0, 0.0, height, 0.45)
                else:
                    clutter(stage, 0.6, 0.4, height, top, 8.0)

    if curved > 0.3:
        radius = length / curved
        chord = 2 * radius * sin(min(0.5 * curved, pi / 2))
        sag = radius * (1 - cos(0.5 * curved)) + 0.2

        def drawn() -> None:
            with stage.at(0.0, -0.5 * sag):
                bent()

        return Piece(chord, max(sag, depth) + depth, height, drawn)
    return Piece(length, depth, height, slab)


def display_table(stage: Stage) -> Piece:
    """A low display block or table in a shop with piles of goods on it."""
    rng, palette = stage.rng, stage.palette
    width, depth, height = (float(rng.uniform(*r)) for r in ((0.5, 1.8), (0.5, 1.2), (0.5, 0.95)))
    block = rng.random() < 0.6
    body = pick_one(rng, [palette.lacquer, palette.wood, palette.worktop, palette.trim])
    rows = int(rng.integers(1, 4))
    goods = pick_one(rng, [palette.packages, palette.books])

    def draw() -> None:
        if block:
            stage.mesh.box((width, depth, height), body, (0, 0, height / 2))
        else:
            stage.mesh.box((width, depth, 0.04), body, (0, 0, height - 0.02))
            legs(stage, 0.95 * width, 0.95 * depth, height - 0.04, 0.05, palette.metal)
        nx, ny = max(1, int(width / 0.24)), max(1, int(depth / 0.3))
        for k in range(rows):
            keep = rng.random((nx, ny)) < 0.75
            ix, iy = np.nonzero(keep)
            h = rng.uniform(0.03, 0.28, len(ix))
            x = (ix + 0.5) / nx * width - width / 2
            y = (iy + 0.5) / ny * depth - depth / 2
            pick_ = rng.integers(0, rows, len(ix)) == k
            if pick_.any():
                centres = np.stack([x, y, height + h / 2], -1)[pick_]
                sizes = np.stack([np.full(len(h), 0.17), np.full(len(h), 0.22), h], -1)[pick_]
                stage.mesh.boxes(
                    centres, sizes, goods[int(rng.integers(len(goods)))], rng.uniform(-0.25, 0.25, len(centres))
                )

    return Piece(width, depth, height + 0.3, draw)
