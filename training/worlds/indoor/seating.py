"""Chairs, stools, sofas, benches and beds at true sizes: seats at 0.42 to 0.48 m, bar stools at 0.65 to 0.78 m."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.colours import linear, pick, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material


def legs(
    stage: Stage, width: float, depth: float, height: float, thick: float, material: Material, splay: float = 0.0
) -> None:
    """Four legs under a rectangle, square and straight or round and splayed outwards by `splay` metres."""
    x, y = 0.5 * width - 0.6 * thick, 0.5 * depth - 0.6 * thick
    corners = [(a * x, b * y) for a in (-1, 1) for b in (-1, 1)]
    if splay == 0.0:
        stage.mesh.boxes([(*c, height / 2) for c in corners], (thick, thick, height), material)
        return
    for a, b in corners:
        foot = (a + np.sign(a) * splay, b + np.sign(b) * splay, 0.0)
        stage.mesh.tube([(a * 0.85, b * 0.85, height), foot], [0.5 * thick, 0.35 * thick], material, 6)


def chair(stage: Stage, kind: str | None = None) -> Piece:
    """A chair with a back; seat at about 0.45 m."""
    rng, palette = stage.rng, stage.palette
    kind = kind or pick(rng, {"wood": 4, "shell": 3, "padded": 2, "slats": 2, "folding": 0.7})
    width, depth, seat = (float(rng.uniform(*r)) for r in ((0.4, 0.5), (0.4, 0.5), (0.43, 0.48)))
    top = seat + float(rng.uniform(0.35, 0.55))
    frame = pick_one(rng, [palette.wood, palette.metal, palette.lacquer])
    cover = pick_one(rng, [palette.fabric, palette.leather, palette.wood]) if kind != "shell" else palette.lacquer
    thick = float(rng.uniform(0.022, 0.045))
    splay = 0.0 if kind in ("wood", "slats") and rng.random() < 0.7 else 0.04

    def draw() -> None:
        legs(stage, width - 2 * splay, depth - 2 * splay, seat, thick, frame, splay)
        pad = 0.07 if kind == "padded" else 0.035
        stage.mesh.box((width, depth, pad), cover, (0, 0, seat - pad / 2))
        y = -0.5 * depth + 0.02
        if kind in ("wood", "slats"):
            stage.mesh.boxes(
                [(a * (0.5 * width - thick / 2), y, 0.5 * (seat + top)) for a in (-1, 1)],
                (thick, thick, top - seat),
                frame,
            )
            n = int(rng.integers(3, 7)) if kind == "slats" else 2
            if kind == "slats":
                xs = np.linspace(-0.35, 0.35, n) * width
                stage.mesh.boxes([(v, y, 0.5 * (seat + top)) for v in xs], (0.025, 0.015, top - seat), frame)
                stage.mesh.box((width, 0.025, 0.06), frame, (0, y, top - 0.03))
            else:
                stage.mesh.boxes([(0, y, top - 0.06), (0, y, 0.5 * (seat + top))], (width, 0.02, 0.1), frame)
        else:
            with stage.mesh.at((0, y, seat), roll=float(rng.uniform(0.05, 0.2))):
                stage.mesh.box((0.95 * width, pad, 0.85 * (top - seat)), cover, (0, 0, 0.55 * (top - seat)))

    return Piece(width + 0.04, depth + 0.06, top, draw)


def office_chair(stage: Stage) -> Piece:
    """A swivel chair on a five-armed foot."""
    rng = stage.rng
    seat, top = float(rng.uniform(0.43, 0.52)), float(rng.uniform(0.9, 1.25))
    cover = pick_one(rng, [stage.palette.fabric, stage.palette.leather, Material(linear((0.12, 0.12, 0.13)))])
    dark = Material(linear((0.13,) * 3), gloss=0.1)
    arms, turn = rng.random() < 0.7, float(rng.uniform(0, 6))

    def draw() -> None:
        for k in range(5):
            a = turn + 2 * pi * k / 5
            x, y = 0.3 * cos(a), 0.3 * sin(a)
            stage.mesh.tube([(0, 0, 0.12), (x, y, 0.08)], 0.02, dark, 4)
            stage.mesh.box((0.05, 0.05, 0.06), dark, (x, y, 0.03))
        stage.mesh.cylinder(0.03, seat - 0.18, dark, (0, 0, 0.1), 8)
        stage.mesh.box((0.5, 0.48, 0.08), cover, (0, 0, seat - 0.04))
        with stage.mesh.at((0, -0.24, seat), roll=0.1):
            stage.mesh.box((0.46, 0.06, top - seat - 0.06), cover, (0, 0, 0.5 * (top - seat) + 0.05))
        if arms:
            stage.mesh.boxes([(x, -0.02, seat + 0.2) for x in (-0.28, 0.28)], (0.05, 0.26, 0.03), dark)
            stage.mesh.boxes([(x, -0.05, seat + 0.08) for x in (-0.28, 0.28)], (0.025, 0.05, 0.24), dark)

    return Piece(0.62, 0.62, top, draw)


def stool(stage: Stage, height: float | None = None) -> Piece:
    """A stool: low (0.45 m) or for a bar (0.65 to 0.78 m); three or four legs, or one column."""
    rng, palette = stage.rng, stage.palette
    height = (
        (float(rng.uniform(0.42, 0.5)) if rng.random() < 0.5 else float(rng.uniform(0.65, 0.78)))
        if height is None
        else height
    )
    radius = float(rng.uniform(0.15, 0.21))
    top = pick_one(rng, [palette.wood, palette.lacquer, palette.leather])
    frame = pick_one(rng, [palette.metal, palette.wood])
    kind = pick(rng, {"legs": 3, "column": 1, "square": 1})

    def draw() -> None:
        if kind == "column":
            stage.mesh.cylinder(0.2, 0.02, frame, segments=14)
            stage.mesh.cylinder(0.025, height - 0.05, frame, (0, 0, 0.01), 8)
        else:
            count = int(rng.integers(3, 5))
            for k in range(count):
                a = 2 * pi * k / count + 0.4
                c, s = cos(a), sin(a)
                stage.mesh.tube(
                    [(0.6 * radius * c, 0.6 * radius * s, height - 0.03), (1.1 * radius * c, 1.1 * radius * s, 0.0)],
                    0.015,
                    frame,
                    5,
                )
            ring = [(0.9 * radius * cos(a), 0.9 * radius * sin(a), 0.35 * height) for a in np.linspace(0, 2 * pi, 13)]
            stage.mesh.tube(ring, 0.008, frame, 4)
        if kind == "square":
            stage.mesh.box((1.8 * radius, 1.8 * radius, 0.04), top, (0, 0, height - 0.02))
        else:
            stage.mesh.cylinder(radius, 0.045, top, (0, 0, height - 0.045), 16)

    return Piece(2.2 * radius, 2.2 * radius, height, draw)


def sofa(stage: Stage, seats: int | None = None) -> Piece:
    """An armchair (one seat) to a long sofa (four), sometimes with a chaise, and cushions."""
    rng, palette = stage.rng, stage.palette
    seats = seats or int(rng.choice([1, 2, 2, 3, 3, 4]))
    cover = pick_one(rng, [palette.fabric, palette.fabric, palette.leather, palette.fabric_two])
    arm, seat, depth = (float(rng.uniform(*r)) for r in ((0.08, 0.24), (0.38, 0.46), (0.8, 1.0)))
    width = seats * float(rng.uniform(0.55, 0.72)) + 2 * arm
    back = float(rng.uniform(0.72, 0.98))
    rest = seat + float(rng.uniform(0.12, 0.24))
    foot = float(rng.choice([0.0, 0.06, 0.12]))
    chaise = seats >= 2 and rng.random() < 0.2
    long = 0.65 if chaise else 0.0
    cushions = int(rng.integers(0, seats + 1))

    def draw() -> None:
        with stage.mesh.at((0.0, -0.5 * long, 0.0)):
            inner = width - 2 * arm
            y = -0.5 * depth
            stage.mesh.box((width, depth, seat - 0.15 - foot), cover, (0, 0, foot + 0.5 * (seat - 0.15 - foot)))
            if foot:
                legs(stage, width - 0.1, depth - 0.1, foot, 0.05, palette.wood)
            stage.mesh.box((width, 0.2, back - foot), cover, (0, y + 0.1, 0.5 * (back + foot)))
            stage.mesh.boxes(
                [(s * 0.5 * (width - arm), 0, 0.5 * (rest + foot)) for s in (-1, 1)], (arm, depth, rest - foot), cover
            )
            if rng.random() < 0.4:
                for s in (-1, 1):
                    stage.mesh.cylinder(0.55 * arm, depth, cover, (s * 0.5 * (width - arm), y, rest), 10, axis="y")
            span = inner / seats
            xs = [span * (k + 0.5) - 0.5 * inner for k in range(seats)]
            stage.mesh.boxes([(x, 0.09, seat - 0.07) for x in xs], (span - 0.015, depth - 0.2, 0.15), cover)
            with stage.mesh.at((0, y + 0.24, seat), roll=0.12):
                stage.mesh.boxes(
                    [(x, 0.0, 0.5 * (back - seat)) for x in xs], (span - 0.02, 0.14, back - seat + 0.06), cover
                )
            if chaise:
                stage.mesh.box((span, long, seat), cover, (xs[0], 0.5 * (depth + long), seat / 2))
            for _ in range(cushions):
                with stage.mesh.at(
                    (float(rng.uniform(-0.45, 0.45)) * inner, -0.05, seat + 0.2),
                    yaw=float(rng.uniform(-0.5, 0.5)),
                    roll=0.35,
                ):
                    stage.mesh.box(
                        (0.42, 0.12, 0.4), pick_one(rng, [palette.fabric_two, palette.fabric, palette.lacquer])
                    )

    return Piece(width, depth + long, back, draw)


def bench(stage: Stage) -> Piece:
    """A bench, with or without a back."""
    rng, palette = stage.rng, stage.palette
    width, depth = float(rng.uniform(1.0, 2.2)), float(rng.uniform(0.3, 0.5))
    back = rng.random() < 0.4
    solid = rng.random() < 0.3

    def draw() -> None:
        stage.mesh.box((width, depth, 0.05), palette.wood, (0, 0, 0.425))
        if solid:
            stage.mesh.box((width - 0.1, depth - 0.08, 0.4), palette.lacquer, (0, 0, 0.2))
        else:
            legs(stage, width - 0.1, depth - 0.04, 0.4, 0.05, palette.metal)
        if back:
            stage.mesh.boxes([(0, -depth / 2, z) for z in (0.62, 0.76)], (width, 0.03, 0.1), palette.wood)
            stage.mesh.boxes(
                [(x, -depth / 2, 0.6) for x in (-0.45 * width, 0.45 * width)], (0.04, 0.04, 0.45), palette.metal
            )

    return Piece(width, depth, 0.81 if back else 0.45, draw)


def bed(stage: Stage, width: float | None = None) -> Piece:
    """A bed (0.9 to 1.8 m wide) with mattress, blanket and pillows; its head at the back."""
    rng, palette = stage.rng, stage.palette
    width = float(rng.choice([0.9, 1.0, 1.4, 1.6, 1.8])) if width is None else width
    length, top, head = float(rng.uniform(1.95, 2.1)), float(rng.uniform(0.42, 0.62)), float(rng.uniform(0.75, 1.3))
    frame = pick_one(rng, [palette.wood, palette.lacquer, palette.fabric])
    sheet = Material(linear((0.92, 0.91, 0.88)) if rng.random() < 0.6 else palette.fabric_two.colour)
    pillows = 1 if width < 1.2 else 2
    cover = float(rng.uniform(0.5, 0.85))

    def draw() -> None:
        stage.mesh.box((width + 0.06, length, 0.14), frame, (0, 0, top - 0.31))
        legs(stage, width, length - 0.1, top - 0.35, 0.07, frame)
        stage.mesh.box((width, length - 0.06, 0.22), sheet, (0, 0.01, top - 0.13))
        stage.mesh.box((width + 0.04, 0.07, head), frame, (0, -0.5 * length + 0.02, head / 2))
        stage.mesh.box(
            (width + 0.07, cover * length, 0.2),
            palette.fabric,
            (0, 0.5 * length - 0.5 * cover * length + 0.02, top - 0.07),
        )
        for k in range(pillows):
            x = (k - 0.5 * (pillows - 1)) * 0.75
            stage.mesh.sphere(0.3, sheet, (x, -0.5 * length + 0.3, top + 0.05), (1.0, 0.7, 0.3), 6, 10)
        if rng.random() < 0.3:
            stage.mesh.box((0.4, 0.15, 0.3), palette.fabric_two, (0, -0.5 * length + 0.6, top + 0.1))

    return Piece(width + 0.08, length + 0.06, head, draw)
