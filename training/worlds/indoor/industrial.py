"""Things of halls and yards: trucks, tanks, conveyors, barriers, cars, bales."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.colours import hue, linear
from training.worlds.indoor.fittings import workbench
from training.worlds.indoor.objects import body
from training.worlds.indoor.outdoors import car
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.stairs import railing
from training.worlds.materials import Material, Pattern


def forklift(stage: Stage) -> Piece:
    """A fork-lift truck of about 1.1 x 2.6 x 2.1 m."""
    rng = stage.rng
    paint = Material(hue(rng, (0.7, 0.95), (0.6, 0.9)), gloss=0.2)
    dark = Material(linear((0.12,) * 3))

    def draw() -> None:
        stage.mesh.box((1.05, 1.5, 0.7), paint, (0, -0.3, 0.6))
        stage.mesh.box((1.0, 0.5, 0.5), dark, (0, -0.8, 0.95))
        for x in (-0.5, 0.5):
            for y in (-0.85, 0.3):
                stage.mesh.cylinder(0.26, 0.15, dark, (x - 0.075, y, 0.26), 10, axis="x")
        stage.mesh.boxes([(x, y, 1.5) for x in (-0.45, 0.45) for y in (-0.7, 0.35)], (0.06, 0.06, 1.2), dark)
        stage.mesh.box((1.0, 1.15, 0.05), dark, (0, -0.18, 2.1))
        stage.mesh.boxes([(x, 0.5, 1.1) for x in (-0.3, 0.3)], (0.1, 0.12, 2.1), dark)
        stage.mesh.boxes([(x, 1.05, 0.1) for x in (-0.25, 0.25)], (0.12, 1.1, 0.05), dark)

    return Piece(1.15, 2.9, 2.15, draw)


def tank(stage: Stage) -> Piece:
    """An upright or lying tank on feet."""
    rng = stage.rng
    r, h = float(rng.uniform(0.4, 1.2)), float(rng.uniform(1.2, 3.0))
    skin = Material(
        linear((0.65,) * 3) if rng.random() < 0.6 else hue(rng, (0.1, 0.6), (0.5, 0.9)),
        linear((0.5,) * 3),
        Pattern.METAL,
        (0.5, 0.1),
        0.2,
        0.3,
    )
    lying = rng.random() < 0.35

    def draw() -> None:
        if lying:
            with stage.mesh.at((-h / 2, 0, r + 0.3), pitch=pi / 2):
                stage.mesh.lathe(
                    [(0, -0.3 * r), (0.7 * r, -0.15 * r), (r, 0), (r, h), (0.7 * r, h + 0.15 * r), (0, h + 0.3 * r)],
                    skin,
                    18,
                )
            stage.mesh.boxes([(x, 0, 0.2) for x in (-h / 3, h / 3)], (0.15, 1.4 * r, 0.5), stage.palette.metal)
        else:
            stage.mesh.lathe([(0, 0.3), (r, 0.5), (r, h), (0.6 * r, h + 0.2 * r), (0, h + 0.3 * r)], skin, 18)
            stage.mesh.boxes(
                [(a * 0.65 * r, b * 0.65 * r, 0.25) for a in (-1, 1) for b in (-1, 1)],
                (0.08, 0.08, 0.5),
                stage.palette.metal,
            )
            stage.mesh.tube(
                [(0, 0, h + 0.2 * r), (0, 0, h + 0.6), (r + 0.1, 0, h + 0.6), (r + 0.1, 0, 0.0)],
                0.04,
                stage.palette.metal,
                6,
            )

    return Piece(h + 0.6 * r if lying else 2 * r + 0.2, 2 * r, 2 * r + 0.3 if lying else h + 0.6, draw)


def conveyor(stage: Stage) -> Piece:
    """A belt on trestles with things on it."""
    rng = stage.rng
    length, width, z = float(rng.uniform(2, 8)), float(rng.uniform(0.4, 0.9)), float(rng.uniform(0.7, 1.0))

    def draw() -> None:
        stage.mesh.box((length, width, 0.06), Material(linear((0.15,) * 3)), (0, 0, z))
        stage.mesh.boxes([(0, s * width / 2, z) for s in (-1, 1)], (length, 0.05, 0.14), stage.palette.metal)
        n = max(2, round(length / 1.5) + 1)
        xs = np.linspace(-length / 2 + 0.1, length / 2 - 0.1, n)
        stage.mesh.boxes([(x, s * width / 2, z / 2) for x in xs for s in (-1, 1)], (0.05, 0.05, z), stage.palette.metal)
        k = int(rng.integers(0, int(2 + length / 0.5)))
        if k:
            size_ = rng.uniform((0.15, 0.15, 0.1), (0.4, 0.35, 0.35), (k, 3))
            x = rng.uniform(-0.45, 0.45, k) * length
            stage.mesh.boxes(
                np.stack([x, 0 * x, z + 0.03 + size_[:, 2] / 2], -1),
                size_,
                stage.palette.packages[int(rng.integers(8))],
            )

    return Piece(length, width + 0.05, z + 0.35, draw)


def barrier(stage: Stage) -> Piece:
    """A railing that stands free."""
    length = float(stage.rng.uniform(1.5, 4.0))
    return Piece(length, 0.1, 1.1, lambda: railing(stage, (-length / 2, 0, 0), (length / 2, 0, 0)))


def parked(stage: Stage) -> Piece:
    """A car, its length along x."""
    return Piece(4.8, 2.0, 1.6, lambda: stage.copy(("car", int(stage.rng.integers(4))), lambda: car(stage)))


def bales(stage: Stage) -> Piece:
    """One to four bales of straw on each other."""
    straw = Material(linear((0.75, 0.62, 0.32)), linear((0.55, 0.45, 0.25)), Pattern.CARPET, (0.1, 0.1), 0.4)
    stacked = int(stage.rng.integers(1, 5))
    centres = [(0.0, 0.0, 0.42 * (k + 0.5)) for k in range(stacked)]
    return Piece(1.0, 0.5, 0.42 * stacked, lambda: stage.mesh.boxes(centres, (0.95, 0.46, 0.41), straw))


def large_body(stage: Stage) -> Piece:
    """An abstract body of up to 2 m."""
    return body(stage, 2.0)


def workbench_any(stage: Stage) -> Piece:
    """A workbench of some length."""
    return workbench(stage, float(stage.rng.uniform(1.2, 2.6)))
