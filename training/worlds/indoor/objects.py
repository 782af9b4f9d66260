"""Single objects: plants, bins, bicycles, machines, ladders, railings, stairs, sculptures, abstract bodies."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.clutter import foliage, picture
from training.worlds.indoor.colours import hue, linear, pick, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.surfaces import wood
from training.worlds.materials import Material, Pattern


def plant(stage: Stage) -> Piece:
    """A pot plant 0.5 to 2 m high."""
    rng = stage.rng
    height, pot = float(rng.uniform(0.5, 2.0)), float(rng.uniform(0.12, 0.24))
    trunk = height > 1.1 and rng.random() < 0.6

    def draw() -> None:
        stage.mesh.cylinder(0.75 * pot, 1.6 * pot, stage.palette.lacquer, segments=14, top_radius=pot)
        base = 1.5 * pot
        if trunk:
            stage.mesh.tube([(0, 0, base), (0.03, 0.02, 0.6 * height)], 0.02, stage.palette.wood, 5)
            foliage(stage, 0.55 * height, 0.5 * height, int(rng.integers(14, 40)), 0.9)
        else:
            foliage(stage, base, height - base, int(rng.integers(10, 30)))

    return Piece(2 * pot + 0.15, 2 * pot + 0.15, height, draw)


def bin_(stage: Stage) -> Piece:
    """A waste bin."""
    rng = stage.rng
    r, h = float(rng.uniform(0.12, 0.25)), float(rng.uniform(0.25, 0.8))
    surface = pick_one(rng, [stage.palette.metal, stage.palette.lacquer])
    return Piece(2 * r, 2 * r, h, lambda: stage.mesh.cylinder(0.85 * r, h, surface, segments=12, top_radius=r))


def bicycle(stage: Stage) -> Piece:
    """A bicycle, 1.75 m long."""
    rng = stage.rng
    frame, tyre = Material(hue(rng, (0.2, 0.95), (0.2, 0.9)), gloss=0.3), Material(linear((0.1,) * 3))

    def draw() -> None:
        a = np.linspace(0, 2 * pi, 19)
        for x in (-0.53, 0.53):
            ring = np.stack([x + 0.33 * np.cos(a), 0 * a, 0.345 + 0.33 * np.sin(a)], -1)
            stage.mesh.tube(ring, 0.02, tyre, 5)
            for b in np.linspace(0, pi, 5)[:-1]:
                stage.mesh.tube(
                    [(x - 0.31 * cos(b), 0, 0.345 - 0.31 * sin(b)), (x + 0.31 * cos(b), 0, 0.345 + 0.31 * sin(b))],
                    0.004,
                    stage.palette.metal,
                    3,
                )
        crank, seat, head, rear, front = (
            (-0.08, 0, 0.29),
            (-0.22, 0, 0.8),
            (0.36, 0, 0.8),
            (-0.53, 0, 0.345),
            (0.53, 0, 0.345),
        )
        for path in ([crank, seat], [crank, head], [seat, head], [rear, crank], [rear, seat], [front, head]):
            stage.mesh.tube(path, 0.016, frame, 6)
        stage.mesh.tube([head, (0.38, 0, 0.95)], 0.014, frame, 5)
        stage.mesh.tube([(0.42, -0.3, 0.98), (0.38, 0, 0.95), (0.42, 0.3, 0.98)], 0.013, tyre, 5)
        stage.mesh.box((0.25, 0.13, 0.06), tyre, (-0.26, 0, 0.88))

    return Piece(1.75, 0.6, 1.0, draw)


def ladder(stage: Stage) -> Piece:
    """A step ladder."""
    rng = stage.rng
    h = float(rng.uniform(1.0, 2.4))

    def draw() -> None:
        for s in (-1, 1):
            stage.mesh.tube([(0.25 * s, 0.35 * h / 2, 0), (0.17 * s, 0, h)], 0.02, stage.palette.metal, 4)
            stage.mesh.tube([(0.25 * s, -0.35 * h / 2, 0), (0.17 * s, 0, h)], 0.018, stage.palette.metal, 4)
        z = np.arange(0.25, h, 0.25)
        stage.mesh.boxes([(0, 0.175 * h * (1 - v / h), v) for v in z], (0.4, 0.07, 0.025), stage.palette.metal)

    return Piece(0.55, 0.4 * h, h, draw)


def machine(stage: Stage, large: float = 1.0) -> Piece:
    """A machine: housing, control cabinet, cylinders, pipes and a screen."""
    rng = stage.rng
    width, depth, height = (float(v) for v in rng.uniform((0.8, 0.7, 1.0), (3.0, 2.0, 2.4)) * large)
    main = Material(hue(rng, (0.1, 0.9), (0.3, 0.85)) if rng.random() < 0.6 else linear((0.7, 0.72, 0.7)), gloss=0.15)
    dark = Material(linear((0.25, 0.26, 0.28)), gloss=0.1)

    def draw() -> None:
        stage.mesh.box((width, 0.8 * depth, 0.45 * height), main, (0, 0, 0.225 * height))
        for _ in range(int(rng.integers(2, 6))):
            w, d, h = rng.uniform((0.15, 0.2, 0.2), (0.5, 0.7, 0.55)) * (width, depth, height)
            x = rng.uniform(-0.5, 0.5) * (width - w)
            stage.mesh.box(
                (w, d, h),
                pick_one(rng, [main, dark, stage.palette.metal]),
                (x, rng.uniform(-0.5, 0.5) * (depth - d), 0.45 * height + h / 2),
            )
        for _ in range(int(rng.integers(0, 4))):
            r = float(rng.uniform(0.05, 0.2)) * min(width, depth)
            stage.mesh.cylinder(
                r,
                float(rng.uniform(0.3, 0.55)) * height,
                pick_one(rng, [dark, stage.palette.metal]),
                (float(rng.uniform(-0.35, 0.35)) * width, float(rng.uniform(-0.25, 0.25)) * depth, 0.42 * height),
                12,
            )
        y, z = 0.42 * depth, 0.25 * height
        stage.mesh.tube(
            [
                (-0.45 * width, y, z),
                (0.1 * width, y, z),
                (0.1 * width, y, 0.7 * height),
                (0.4 * width, 0.1 * depth, 0.7 * height),
            ],
            0.03,
            stage.palette.metal,
            6,
        )
        stage.mesh.box(
            (0.3, 0.05, 0.25),
            dark,
            (0.3 * width, 0.42 * depth, 0.6 * height),
            {"y+": Material((0.2, 0.4, 0.5), (0.9,) * 3, Pattern.SCREEN, (0.3, 0.25), 0.5, emission=0.3)},
        )

    return Piece(width, depth, height, draw)


def sculpture(stage: Stage) -> Piece:
    """A sculpture on a plinth: stacked solids, a bust or a bent tube; or a glass-less showcase."""
    rng = stage.rng
    side, plinth = float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.2, 1.2))
    size = float(rng.uniform(0.3, 1.2))
    surface = pick_one(
        rng,
        [
            Material(linear((0.85, 0.83, 0.8))),
            Material(linear((0.35, 0.25, 0.15)), gloss=0.3),
            Material(hue(rng, (0.4, 0.9), (0.4, 0.9)), gloss=0.2),
            wood(rng),
        ],
    )
    kind = pick(rng, {"stack": 2, "bust": 1, "tube": 1.5, "lathe": 1.5, "case": 1.5})

    def draw() -> None:
        stage.mesh.box((side, side, plinth), stage.palette.trim, (0, 0, plinth / 2))
        with stage.mesh.at((0, 0, plinth)):
            if kind == "stack":
                z = 0.0
                for _ in range(int(rng.integers(2, 5))):
                    s = float(rng.uniform(0.15, 0.4)) * size
                    if rng.random() < 0.5:
                        stage.mesh.sphere(s / 2, surface, (0, 0, z + s / 2))
                    else:
                        with stage.mesh.at((0, 0, z + s / 2), yaw=float(rng.uniform(0, 1.5))):
                            stage.mesh.box((s, 0.8 * s, s), surface)
                    z += s
            elif kind == "bust":
                stage.mesh.lathe([(0.25, 0), (0.28, 0.2), (0.1, 0.32), (0.08, 0.4)], surface, 14)
                stage.mesh.sphere(0.14, surface, (0, 0.02, 0.52), (0.85, 1.0, 1.25))
            elif kind == "tube":
                t = np.linspace(0, 2 * pi, 40)
                k, m = rng.integers(1, 4, 2)
                path = np.stack([0.3 * np.cos(k * t), 0.3 * np.sin(m * t + 0.5), 0.5 + 0.4 * np.sin(t + 1)], -1) * size
                stage.mesh.tube(path - (0, 0, path[:, 2].min() - 0.05), 0.05 * size, surface, 8)
            elif kind == "lathe":
                r = rng.uniform(0.04, 0.25, 8) * size
                stage.mesh.lathe(np.stack([r, np.linspace(0, size, 8)], -1), surface, 18)
            else:
                h = 0.6
                stage.mesh.boxes(
                    [(a * side / 2, b * side / 2, h / 2) for a in (-1, 1) for b in (-1, 1)],
                    (0.02, 0.02, h),
                    stage.palette.metal,
                )
                stage.mesh.box((side, side, 0.03), stage.palette.metal, (0, 0, h))
                stage.mesh.sphere(0.12, surface, (0, 0, 0.12))

    return Piece(side, side, plinth + size, draw)


def partition(stage: Stage, width: float, height: float) -> Piece:
    """A free-standing screen or exhibition wall with pictures on both sides."""
    rng = stage.rng
    surface = pick_one(rng, [stage.palette.wall, stage.palette.accent, stage.palette.fabric])
    pictures = int(width / 1.1) if height > 1.9 else 0

    def draw() -> None:
        stage.mesh.box((width, 0.08, height), surface, (0, 0, height / 2))
        for k in range(pictures):
            w, h = rng.uniform(0.35, 0.8), rng.uniform(0.35, 0.9)
            x = (k + 0.5) * width / pictures - width / 2
            for side in (-1, 1):
                stage.mesh.box(
                    (w, 0.03, h),
                    stage.palette.metal,
                    (x, side * 0.055, 1.5),
                    {"y+" if side > 0 else "y-": picture(stage, w, h)},
                )

    return Piece(width, 0.12, height, draw)


def rope_posts(stage: Stage) -> Piece:
    """Two barrier posts with a rope or belt between them."""
    width = float(stage.rng.uniform(1.2, 2.0))
    belt = Material(hue(stage.rng, (0.5, 0.95), (0.2, 0.7)))

    def draw() -> None:
        for s in (-1, 1):
            stage.mesh.cylinder(0.16, 0.03, stage.palette.metal, (s * width / 2, 0, 0), 14)
            stage.mesh.cylinder(0.025, 0.95, stage.palette.metal, (s * width / 2, 0, 0), 8)
        t = np.linspace(-1, 1, 9)
        stage.mesh.tube(np.stack([t * width / 2, 0 * t, 0.68 + 0.22 * t * t], -1), 0.018, belt, 6)

    return Piece(width + 0.32, 0.35, 0.95, draw)


def body(stage: Stage, largest: float = 1.5) -> Piece:
    """An abstract body of random shape, size and surface: for what the other lists do not think of."""
    rng = stage.rng
    w, d, h = (float(v) for v in np.exp(rng.uniform(np.log(0.1), np.log(largest), 3)))
    h = min(1.6 * h, 2.2)
    surface = pick_one(
        rng,
        [
            stage.palette.wood,
            stage.palette.lacquer,
            stage.palette.fabric,
            stage.palette.metal,
            stage.palette.wall,
            *stage.palette.packages,
            Material(
                hue(rng, (0.0, 0.9), (0.1, 0.95)),
                hue(rng, (0, 1), (0.1, 1)),
                Pattern(int(rng.integers(0, 45))),
                (float(rng.uniform(0.05, 0.6)),) * 2,
            ),
        ],
    )
    kind = pick(
        rng, {"box": 4, "cylinder": 2, "cone": 1, "sphere": 1.5, "frame": 1.5, "lathe": 1, "wedge": 1, "sticks": 1}
    )

    def draw() -> None:
        if kind == "box":
            stage.mesh.box((w, d, h), surface, (0, 0, h / 2))
        elif kind in ("cylinder", "cone"):
            stage.mesh.cylinder(
                min(w, d) / 2,
                h,
                surface,
                segments=18,
                top_radius=None if kind == "cylinder" else float(rng.uniform(0, 0.3)) * min(w, d),
            )
        elif kind == "sphere":
            stage.mesh.sphere(0.5, surface, (0, 0, h / 2), (w, d, h), 9, 14)
        elif kind == "frame":
            t = min(0.05, 0.3 * min(w, d, h))
            edges = [(0.0, a * d / 2, z, w, t, t) for a in (-1, 1) for z in (t / 2, h)] + [
                (a * w / 2, 0.0, z, t, d, t) for a in (-1, 1) for z in (t / 2, h)
            ]
            edges += [(a * w / 2, b * d / 2, h / 2, t, t, h) for a in (-1, 1) for b in (-1, 1)]
            stage.mesh.boxes([e[:3] for e in edges], [e[3:] for e in edges], surface)
        elif kind == "lathe":
            stage.mesh.lathe(np.stack([rng.uniform(0.15, 0.5, 7) * min(w, d), np.linspace(0, h, 7)], -1), surface, 16)
        elif kind == "wedge":
            with stage.mesh.at((0, d / 2, 0), roll=pi / 2):
                stage.mesh.prism([(-w / 2, 0), (w / 2, 0), (w / 2, h)], 0.0, d, surface, surface, surface)
        else:
            for _ in range(6):
                a, b = rng.uniform(-0.5, 0.5, (2, 2)) * (w, d)
                stage.mesh.tube([(*a, 0.0), (*b, h)], 0.015, surface, 5)

    return Piece(w, d, h, draw)
