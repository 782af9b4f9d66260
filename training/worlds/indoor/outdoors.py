"""What is seen through windows: ground, buildings, trees, fences, cars and hills, as plain geometry in the far."""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.colours import Colour, dim, hue, linear, pick, warm
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern


def outdoors(stage: Stage, box: tuple[float, float, float, float], level: float | None = None) -> None:
    """Surroundings of a building with the footprint `box` (x0, y0, x1, y1), `level` metres below its floor.

    Nothing of it comes nearer than about 2 m to the box.
    """
    rng = stage.rng
    if level is None:
        level = float(pick(rng, {"0.15": 5, "0.5": 2, "3.2": 1.5, "6.5": 1, "13": 0.7, "30": 0.5}))
    ground_kind = pick(rng, {"grass": 4, "asphalt": 3, "paving": 3, "gravel": 1, "soil": 1})
    ground = {
        "grass": Material(linear((0.3, 0.42, 0.18)), linear((0.45, 0.44, 0.24)), Pattern.GRASS, (1.5, 1.5), 0.4),
        "asphalt": Material(linear((0.33, 0.33, 0.34)), linear((0.25,) * 3), Pattern.ASPHALT, (3.0, 3.0), 0.3),
        "paving": Material(linear((0.6, 0.57, 0.53)), linear((0.4,) * 3), Pattern.PAVING, (0.4, 0.4), 0.2),
        "gravel": Material(linear((0.55, 0.52, 0.47)), linear((0.4, 0.38, 0.35)), Pattern.GRAVEL, (0.05, 0.05), 0.4),
        "soil": Material(linear((0.45, 0.36, 0.27)), linear((0.35, 0.28, 0.2)), Pattern.SOIL, (1.0, 1.0), 0.4),
    }[ground_kind]
    x0, y0, x1, y1 = box
    cx, cy = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
    stage.mesh.quad(
        [
            (cx - 400, cy - 400, -level),
            (cx + 400, cy - 400, -level),
            (cx + 400, cy + 400, -level),
            (cx - 400, cy + 400, -level),
        ],
        ground,
    )
    radius = 0.5 * float(np.hypot(x1 - x0, y1 - y0))
    density = pick(rng, {"open": 2.5, "garden": 3, "town": 3.5, "dense": 1.5})
    buildings = {"open": 3, "garden": 4, "town": 14, "dense": 20}[density]
    near = {"open": 40.0, "garden": 18.0, "town": 12.0, "dense": 6.0}[density]
    for k in range(buildings):
        angle = 2 * pi * (k + rng.uniform(0.0, 0.8)) / buildings
        distance = radius + near * float(rng.uniform(1.0, 4.0))
        _building(stage, cx + distance * cos(angle), cy + distance * sin(angle), angle, -level, near)
    trees = {"open": 14, "garden": 22, "town": 12, "dense": 4}[density]
    for _ in range(trees):
        angle, distance = rng.uniform(-pi, pi), radius + rng.uniform(6.0, 45.0)
        spot = (cx + distance * cos(angle), cy + distance * sin(angle), -level)
        stage.copy(("tree", int(rng.integers(5))), lambda: tree(stage), *spot, float(angle))
    if density == "garden" and level < 1.0:
        _fence(stage, cx, cy, radius + float(rng.uniform(5.0, 12.0)), -level)
    for _ in range(int(rng.integers(0, 6))):
        angle, distance = rng.uniform(-pi, pi), radius + rng.uniform(5.0, 20.0)
        spot = (cx + distance * cos(angle), cy + distance * sin(angle), -level)
        stage.copy(("car", int(rng.integers(3))), lambda: car(stage), *spot, float(rng.uniform(-pi, pi)))
    if rng.random() < 0.3:
        _hills(stage, cx, cy, -level)


def _building(stage: Stage, x: float, y: float, angle: float, ground: float, near: float) -> None:
    rng = stage.rng
    width, depth = float(rng.uniform(8, 25)), float(rng.uniform(8, 16))
    storeys, storey = int(rng.integers(1, 8)), float(rng.uniform(2.8, 3.5))
    if near > 15.0:
        storeys = min(storeys, 3)
    colour = warm(rng, (0.4, 0.9)) if rng.random() < 0.7 else hue(rng, (0.1, 0.5), (0.4, 0.85))
    facade = Material(colour, linear((0.75,) * 3), Pattern.FACADE, (float(rng.uniform(2.0, 4.0)), storey), 0.2)
    height = storeys * storey
    with stage.mesh.at((x, y, ground), yaw=angle), stage.mesh.at((depth / 2, 0.0, 0.0)):
        stage.mesh.box((depth, width, height), facade, (0, 0, height / 2))
        if rng.random() < 0.5:
            roof = Material(linear((0.55, 0.3, 0.22)), linear((0.3, 0.2, 0.17)), Pattern.ROOF_TILES, (0.3, 0.35), 0.3)
            rise, over = float(rng.uniform(0.2, 0.5)) * depth / 2, 0.4
            ridge = [(-depth / 2 - over, height), (0.0, height + rise), (depth / 2 + over, height)]
            for (xa, za), (xb, zb) in pairwise(ridge):
                stage.mesh.quad(
                    [
                        (xa, -width / 2 - over, za),
                        (xb, -width / 2 - over, zb),
                        (xb, width / 2 + over, zb),
                        (xa, width / 2 + over, za),
                    ],
                    roof,
                )
            for side in (-1, 1):
                points = [(px, side * width / 2, pz) for px, pz in ridge]
                stage.mesh.triangles(points, [[0, 1, 2]], facade)


def tree(stage: Stage) -> None:
    """A tree of 4 to 12 m at the origin of the current frame."""
    rng = stage.rng
    height = float(rng.uniform(4.0, 12.0))
    trunk = Material(linear((0.35, 0.27, 0.2)), (0.05, 0.04, 0.03), Pattern.BARK, (0.1, 0.3), 0.4)
    green: Colour = linear(
        (float(rng.uniform(0.2, 0.45)), float(rng.uniform(0.38, 0.52)), float(rng.uniform(0.12, 0.22)))
    )
    leaves = Material(green, dim(green, 0.4), Pattern.FOLIAGE, (0.25, 0.25), 0.5)
    if rng.random() < 0.25:
        stage.mesh.tube([(0, 0, 0), (0, 0, 0.4 * height)], 0.12, trunk, 5)
        stage.mesh.cylinder(0.22 * height, 0.85 * height, leaves, (0, 0, 0.15 * height), 9, 0.0, caps=False)
        return
    stage.mesh.tube([(0, 0, 0), (0.1, 0, 0.6 * height)], [0.16, 0.08], trunk, 5)
    for _ in range(int(rng.integers(2, 5))):
        x, y = rng.uniform(-0.14, 0.14, 2) * height
        stage.mesh.sphere(
            float(rng.uniform(0.16, 0.26)) * height,
            leaves,
            (x, y, float(rng.uniform(0.55, 0.8)) * height),
            (1, 1, 0.85),
            5,
            8,
        )


def car(stage: Stage) -> None:
    """A car of about 1.8 x 4.3 x 1.5 m at the origin of the current frame."""
    rng = stage.rng
    paint = Material(linear((0.75,) * 3) if rng.random() < 0.4 else hue(rng, (0.2, 0.9), (0.15, 0.8)), gloss=0.35)
    glass = Material(linear((0.15, 0.17, 0.2)), gloss=0.5)
    tyre = Material(linear((0.1, 0.1, 0.1)))
    with stage.mesh.at((0.0, 0.0, 0.0), scale=float(rng.uniform(0.9, 1.12))):
        body = [(-2.1, 0.35), (2.1, 0.35), (2.15, 0.7), (1.2, 0.9), (-1.9, 0.95), (-2.15, 0.75)]
        cabin = [(-1.85, 0.93), (1.05, 0.9), (0.45, 1.42), (-1.3, 1.45)]
        for shape, half, surface in ((body, 0.88, paint), (cabin, 0.76, glass)):
            with stage.mesh.at((0.0, half, 0.0), roll=pi / 2):
                stage.mesh.prism(shape, 0.0, 2 * half, surface, surface, surface)
        stage.mesh.box((1.6, 1.46, 0.03), paint, (-0.42, 0.0, 1.45))
        for x in (-1.35, 1.35):
            for y in (-0.9, 0.7):
                stage.mesh.cylinder(0.32, 0.2, tyre, (x, y, 0.32), 10, axis="y")


def _fence(stage: Stage, cx: float, cy: float, distance: float, ground: float) -> None:
    rng = stage.rng
    n, height = 40, float(rng.uniform(0.9, 1.9))
    surface = stage.palette.wood
    if rng.random() < 0.4:
        green = linear((0.25, 0.4, 0.15))
        surface = Material(green, dim(green, 0.5), Pattern.FOLIAGE, (0.15, 0.15), 0.5)
    for axis in (0, 1):
        for side in (-1, 1):
            s = np.linspace(-distance, distance, n)
            centres = np.zeros((n, 3))
            centres[:, axis], centres[:, 1 - axis], centres[:, 2] = s, side * distance, height / 2
            size = np.array([1.02 * 2 * distance / n, 0.05, height])
            stage.mesh.boxes(np.add(centres, (cx, cy, ground)), size if axis == 0 else size[[1, 0, 2]], surface)


def _hills(stage: Stage, cx: float, cy: float, ground: float) -> None:
    rng = stage.rng
    a = np.linspace(0, 2 * pi, 49)
    height = 8 + 25 * rng.random() * (1.2 + np.sin(3 * a + rng.uniform(0, 6)) + 0.5 * np.sin(7 * a + rng.uniform(0, 6)))
    ring = np.stack([cx + 260 * np.cos(a), cy + 260 * np.sin(a)], -1)
    low = np.c_[ring, np.full(len(a), ground)]
    high = np.c_[(ring - (cx, cy)) * 1.4 + (cx, cy), ground + height]
    n = len(a)
    i = np.arange(n - 1)
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], -1), np.stack([i, i + n + 1, i + n], -1)])
    green = Material(linear((0.3, 0.38, 0.22)), linear((0.2, 0.28, 0.15)), Pattern.FOLIAGE, (6.0, 6.0), 0.4)
    stage.mesh.triangles(np.concatenate([low, high]), faces, green)
