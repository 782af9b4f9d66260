"""Small things on surfaces: books, cups, bottles, boxes, plants, screens."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.colours import dim, hue, linear, pick, pick_one
from training.worlds.indoor.lamps import table_lamp
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern

TOPS: dict[str, dict[str, float]] = {
    "desk": {"papers": 4, "book": 2, "cup": 3, "box": 1, "laptop": 2, "plant": 0.7, "lamp": 1, "phone": 1, "tray": 1},
    "home": {
        "book": 3,
        "cup": 2,
        "vase": 2,
        "plant": 1.5,
        "lamp": 1,
        "bowl": 2,
        "frame": 1.5,
        "papers": 1,
        "bottle": 1,
    },
    "kitchen": {"bottle": 3, "cup": 3, "bowl": 3, "pot": 2, "box": 2, "appliance": 2, "plant": 0.7},
    "table": {"plate": 4, "cup": 3, "bottle": 2, "bowl": 1.5, "vase": 1, "candle": 1},
    "shop": {"stack": 4, "box": 4, "book": 3, "sign": 1, "bottle": 2, "bowl": 1},
    "work": {"box": 4, "tool": 4, "bottle": 2, "can": 3, "papers": 1},
    "bath": {"bottle": 5, "cup": 2, "plant": 0.5, "towel": 1.5},
}


def clutter(stage: Stage, width: float, depth: float, z: float, kind: str, density: float = 4.0) -> None:
    """Scatter things over a surface of width x depth at height z of the current frame, `density` a square metre."""
    rng = stage.rng
    count = int(rng.poisson(min(density * width * depth, 12.0)))
    spots: list[tuple[float, float]] = []
    for _ in range(count):
        x, y = float(rng.uniform(-0.45, 0.45) * width), float(rng.uniform(-0.42, 0.42) * depth)
        if any(abs(x - a) < 0.2 and abs(y - b) < 0.16 for a, b in spots):
            continue
        spots.append((x, y))
        thing(stage, pick(rng, TOPS[kind]), x, y, z)


def thing(stage: Stage, kind: str, x: float, y: float, z: float) -> None:
    """One small thing standing at (x, y, z) of the current frame (`Stage.at`), one of four of its kind a world."""
    rng = stage.rng
    if kind == "lamp":
        stage.copy(("lamp", int(rng.integers(2))), lambda: table_lamp(stage, 0.0, 0.0, 0.0), x, y, z)
        return
    yaw = float(rng.uniform(-pi, pi)) if rng.random() < 0.5 else float(rng.normal(0.0, 0.2))
    stage.copy((kind, int(rng.integers(4))), lambda: _draw(stage, kind), x, y, z, yaw)


def _draw(stage: Stage, kind: str) -> None:
    rng = stage.rng
    colour = Material(hue(rng, (0.0, 0.8), (0.15, 0.95)), gloss=float(rng.choice([0.0, 0.15, 0.3])))
    if kind == "papers":
        paper = Material(linear((0.9, 0.9, 0.88)), linear((0.3,) * 3), Pattern.POSTER_TEXT, (0.21, 0.297), 0.2)
        stage.mesh.box((0.21, 0.297, float(rng.uniform(0.002, 0.03))), colour, (0, 0, 0.01), {"z+": paper})
    elif kind in ("book", "stack"):
        n = int(rng.integers(1, 4 if kind == "book" else 9))
        thick = rng.uniform(0.015, 0.045, n)
        height = np.cumsum(thick) - thick / 2
        for t, h in zip(thick, height, strict=True):
            stage.mesh.boxes(
                [(0, 0, h)],
                (float(rng.uniform(0.13, 0.2)), float(rng.uniform(0.19, 0.28)), t),
                Material(hue(rng, (0.1, 0.8), (0.2, 0.9))),
                [float(rng.uniform(-0.2, 0.2))],
            )
    elif kind == "cup":
        stage.mesh.cylinder(0.038, 0.095, colour, segments=10, top_radius=0.042)
    elif kind == "bottle":
        r, h = float(rng.uniform(0.028, 0.045)), float(rng.uniform(0.18, 0.32))
        stage.mesh.lathe([(r, 0.0), (r, 0.62 * h), (0.35 * r, 0.8 * h), (0.35 * r, h), (0.0, h)], colour, 10)
    elif kind == "can":
        stage.mesh.cylinder(
            float(rng.uniform(0.035, 0.09)),
            float(rng.uniform(0.1, 0.2)),
            pick_one(rng, [colour, stage.palette.metal]),
            segments=12,
        )
    elif kind == "box":
        size = rng.uniform((0.08, 0.08, 0.06), (0.3, 0.25, 0.3))
        stage.mesh.box(size, pick_one(rng, [colour, *stage.palette.packages[:3]]), (0, 0, size[2] / 2))
    elif kind == "bowl":
        r = float(rng.uniform(0.08, 0.16))
        stage.mesh.lathe([(0.4 * r, 0.0), (0.8 * r, 0.35 * r), (r, 0.7 * r)], colour, 14)
        if rng.random() < 0.5:
            fruit = Material(hue(rng, (0.6, 0.9), (0.6, 0.9)))
            for k in range(3):
                stage.mesh.sphere(
                    0.38 * r, fruit, (0.4 * r * cos(2 * k), 0.4 * r * sin(2 * k), 0.6 * r), rings=4, segments=6
                )
    elif kind == "plate":
        stage.mesh.cylinder(0.07, 0.02, Material(linear((0.9,) * 3), gloss=0.2), segments=14, top_radius=0.13)
    elif kind == "vase":
        h, r = float(rng.uniform(0.15, 0.35)), float(rng.uniform(0.05, 0.1))
        stage.mesh.lathe([(0.6 * r, 0), (r, 0.4 * h), (0.5 * r, 0.85 * h), (0.65 * r, h)], colour, 12)
        if rng.random() < 0.6:
            stems(stage, h, 0.3)
    elif kind == "plant":
        stage.mesh.cylinder(0.06, 0.12, colour, segments=10, top_radius=0.08)
        foliage(stage, 0.12, float(rng.uniform(0.1, 0.2)), int(rng.integers(6, 14)))
    elif kind == "laptop":
        grey = Material(linear((0.45,) * 3), gloss=0.2)
        keys = Material(linear((0.2,) * 3), linear((0.5,) * 3), Pattern.KEYS, (0.019, 0.019), 0.2)
        stage.mesh.box((0.33, 0.23, 0.018), grey, (0, 0, 0.009), {"z+": keys})
        with stage.mesh.at((0, -0.115, 0.018), roll=0.25):
            stage.mesh.box((0.33, 0.01, 0.22), grey, (0, 0, 0.11), {"y+": screen(stage, 0.33, 0.22)})
    elif kind == "phone":
        stage.mesh.box((0.18, 0.2, 0.06), Material(linear((0.12,) * 3)), (0, 0, 0.03))
    elif kind == "tray":
        stage.mesh.boxes([(0, 0, h) for h in (0.01, 0.08, 0.15)], (0.25, 0.33, 0.015), stage.palette.metal)
    elif kind == "frame":
        with stage.mesh.at((0, 0, 0), roll=0.15):
            stage.mesh.box((0.18, 0.015, 0.24), stage.palette.wood, (0, 0, 0.12), {"y+": picture(stage, 0.18, 0.24)})
    elif kind == "pot":
        r = float(rng.uniform(0.09, 0.15))
        stage.mesh.cylinder(r, 0.9 * r, stage.palette.metal, segments=14)
        stage.mesh.box((3.2 * r, 0.025, 0.015), Material(linear((0.12,) * 3)), (0, 0, 0.8 * r))
    elif kind == "appliance":
        size = rng.uniform((0.2, 0.2, 0.2), (0.45, 0.35, 0.38))
        stage.mesh.box(size, pick_one(rng, [colour, stage.palette.metal]), (0, 0, size[2] / 2))
        stage.mesh.box(
            (0.6 * size[0], 0.01, 0.5 * size[2]),
            Material(linear((0.1,) * 3), gloss=0.3),
            (0, size[1] / 2, 0.55 * size[2]),
        )
    elif kind == "candle":
        stage.mesh.cylinder(0.025, float(rng.uniform(0.08, 0.2)), Material(linear((0.9, 0.87, 0.75))), segments=8)
    elif kind == "sign":
        poster = Material(linear((0.92,) * 3), hue(rng, (0.3, 0.9), (0.2, 0.8)), Pattern.POSTER_TEXT, (0.15, 0.21), 0.3)
        stage.mesh.box((0.15, 0.02, 0.21), poster, (0, 0, 0.105))
    elif kind == "towel":
        stage.mesh.box((0.3, 0.2, float(rng.uniform(0.05, 0.2))), stage.palette.fabric_two, (0, 0, 0.05))
    else:
        stage.mesh.box((float(rng.uniform(0.15, 0.4)), 0.05, 0.05), colour, (0, 0, 0.025))


def picture(stage: Stage, width: float, height: float) -> Material:
    """A painting that fills width x height, with its frame colour."""
    rng = stage.rng
    frame = pick_one(rng, [stage.palette.wood.colour, stage.palette.metal.colour, linear((0.9,) * 3)])
    return Material(
        hue(rng, (0.0, 0.8), (0.3, 0.95)), frame, Pattern.PICTURE, (width, height), float(rng.uniform(0.3, 0.9))
    )


def screen(stage: Stage, width: float, height: float) -> Material:
    """A screen of width x height: lit, or black."""
    rng = stage.rng
    if rng.random() < 0.35:
        return Material(linear((0.06, 0.06, 0.07)), gloss=0.4)
    level = max(stage.mood.daylight, 0.5 * stage.mood.lamps, 0.15) * float(rng.uniform(0.4, 1.5))
    return Material(
        hue(rng, (0.1, 0.7), (0.4, 0.95)), linear((0.9,) * 3), Pattern.SCREEN, (width, height), 0.5, emission=level
    )


def leaf_green(rng: np.random.Generator) -> Material:
    """Leaves of a house plant."""
    green = linear((float(rng.uniform(0.15, 0.4)), float(rng.uniform(0.35, 0.55)), float(rng.uniform(0.12, 0.3))))
    return Material(green, dim(green, 0.5), Pattern.NOISE, (0.1, 0.1), 0.3, 0.1)


def foliage(stage: Stage, base: float, reach: float, leaves: int, lean: float = 0.6) -> None:
    """Pointed leaves that rise and bend outwards from (0, 0, base), two triangles pairs each, in one call."""
    rng = stage.rng
    a = rng.uniform(-pi, pi, leaves)
    length = reach * rng.uniform(0.6, 1.2, leaves)
    out = np.stack([np.cos(a), np.sin(a), np.zeros(leaves)], -1)
    side = np.stack([-np.sin(a), np.cos(a), np.zeros(leaves)], -1) * (0.13 * length)[:, None]
    rise = rng.uniform(0.4, 1.3, leaves) * length
    bend = lean * rng.uniform(0.3, 1.2, leaves) * length
    root = np.tile((0.0, 0.0, base), (leaves, 1))
    middle = root + out * (0.45 * bend)[:, None] + np.stack([0 * a, 0 * a, 0.8 * rise], -1)
    tip = root + out * bend[:, None] + np.stack([0 * a, 0 * a, rise * rng.uniform(0.5, 1.1, leaves)], -1)
    vertices = np.stack([root, middle - side, middle + side, tip], 1).reshape(-1, 3)
    faces = (np.array([[0, 1, 2], [1, 3, 2]])[None] + 4 * np.arange(leaves)[:, None, None]).reshape(-1, 3)
    uv = np.tile([(0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.2, 0.1)], (leaves, 1))
    stage.mesh.triangles(vertices, faces, leaf_green(rng), uv)


def stems(stage: Stage, base: float, reach: float) -> None:
    """A few flowers or twigs in a vase."""
    rng = stage.rng
    foliage(stage, base - 0.05, reach, int(rng.integers(5, 10)), 0.35)
    blossom = Material(hue(rng, (0.3, 0.9), (0.6, 0.95)))
    for _ in range(int(rng.integers(0, 6))):
        x, y, z = rng.uniform((-0.12, -0.12, 0.1), (0.12, 0.12, 0.28))
        stage.mesh.sphere(0.03, blossom, (x, y, base + z), rings=3, segments=6)
