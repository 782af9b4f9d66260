"""Kitchens and bathrooms: runs of cupboards with worktops, and sanitary ware."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.clutter import clutter
from training.worlds.indoor.colours import linear, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.seating import legs
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import fronts
from training.worlds.materials import Material, Pattern

CERAMIC = Material(linear((0.93, 0.93, 0.92)), gloss=0.35)
STEEL = Material(linear((0.62, 0.63, 0.64)), linear((0.5,) * 3), Pattern.METAL, (0.3, 0.02), 0.15, 0.35)
BLACK = Material(linear((0.08, 0.08, 0.09)), gloss=0.4)


def kitchen_run(stage: Stage, width: float, uppers: bool = True) -> Piece:
    """A row of base cupboards 0.9 m high with sink, hob and oven, and wall cupboards or a hood above."""
    rng, palette = stage.rng, stage.palette
    height, depth = float(rng.uniform(0.86, 0.94)), 0.62
    body = pick_one(rng, [palette.lacquer, palette.wood])
    columns = max(1, round(width / 0.6))
    unit = width / columns
    sink, hob = (int(v) for v in rng.permutation(max(columns, 2))[:2])
    upper_z, upper_h = float(rng.uniform(1.35, 1.5)), float(rng.uniform(0.55, 0.85))

    def draw() -> None:
        stage.mesh.box((width, depth - 0.06, height - 0.14), body, (0, -0.03, 0.1 + 0.5 * (height - 0.14)))
        stage.mesh.box((width, depth - 0.12, 0.1), BLACK, (0, -0.06, 0.05))
        fronts(stage, width, height - 0.16, 0.11, depth / 2 - 0.06, columns, 1, body)
        stage.mesh.box((width + 0.01, depth, 0.04), palette.worktop, (0, 0, height - 0.02))

        def centre(k: int) -> float:
            return (k + 0.5) * unit - width / 2

        if sink < columns:
            stage.mesh.box((0.45, 0.38, 0.004), STEEL, (centre(sink), 0.02, height + 0.002))
            stage.mesh.box((0.36, 0.3, 0.003), BLACK, (centre(sink), 0.02, height + 0.006))
            x = centre(sink)
            stage.mesh.tube(
                [(x, -0.22, height), (x, -0.22, height + 0.28), (x, -0.1, height + 0.3), (x, -0.06, height + 0.22)],
                0.013,
                STEEL,
                6,
            )
        if hob < columns:
            x = centre(hob)
            stage.mesh.box((0.56, 0.5, 0.008), BLACK, (x, 0, height + 0.004))
            stage.mesh.box((0.56, 0.02, 0.5), BLACK, (x, depth / 2 - 0.03, 0.5))
            stage.mesh.box((0.45, 0.03, 0.02), STEEL, (x, depth / 2, 0.72))
            if uppers and rng.random() < 0.5:
                stage.mesh.box((0.6, 0.45, 0.1), STEEL, (x, -0.08, 1.7))
                stage.mesh.box((0.25, 0.25, 0.6), STEEL, (x, -0.16, 2.05))
        if uppers:
            keep = [k for k in range(columns) if k != hob or rng.random() < 0.3]
            if rng.random() < 0.75:
                stage.mesh.boxes(
                    [(centre(k), -depth / 2 + 0.175, upper_z + upper_h / 2) for k in keep],
                    (unit - 0.004, 0.33, upper_h),
                    body,
                )
                for k in keep:
                    with stage.mesh.at((centre(k), 0.0, 0.0)):
                        fronts(stage, unit, upper_h, upper_z, -depth / 2 + 0.34, 1, 1, body)
            else:
                stage.mesh.boxes(
                    [(0, -depth / 2 + 0.13, z) for z in (upper_z, upper_z + 0.35)], (width, 0.24, 0.03), palette.wood
                )
                with stage.at(0.0, -depth / 2 + 0.13):
                    for z in (upper_z, upper_z + 0.35):
                        clutter(stage, width, 0.15, z + 0.015, "kitchen", 22.0)
        with stage.at(0.0, -0.1):
            clutter(stage, width, 0.3, height, "kitchen", 9.0)

    return Piece(width, depth, 2.1 if uppers else height + 0.3, draw)


def fridge(stage: Stage) -> Piece:
    """A fridge, 0.85 to 2 m high."""
    rng = stage.rng
    height = float(rng.choice([0.85, 1.5, 1.8, 2.0]))
    width = float(rng.uniform(0.55, 0.7)) if rng.random() < 0.8 else 0.91
    skin = pick_one(rng, [CERAMIC, STEEL, stage.palette.lacquer])

    def draw() -> None:
        stage.mesh.box((width, 0.62, height), skin, (0, -0.02, height / 2))
        cut = 0.65 * height
        stage.mesh.boxes(
            [(0, 0.3, cut / 2), (0, 0.3, 0.5 * (cut + height))],
            [(width, 0.04, cut - 0.01), (width, 0.04, height - cut - 0.01)],
            skin,
        )
        stage.mesh.boxes(
            [(0.42 * width, 0.34, cut - 0.2), (0.42 * width, 0.34, cut + 0.15)],
            [(0.02, 0.03, 0.3), (0.02, 0.03, 0.2)],
            STEEL,
        )

    return Piece(width, 0.68, height, draw)


def island(stage: Stage, width: float) -> Piece:
    """A kitchen island or bar block."""
    rng, palette = stage.rng, stage.palette
    depth, height = float(rng.uniform(0.7, 1.1)), float(rng.uniform(0.88, 1.08))

    def draw() -> None:
        stage.mesh.box((width - 0.1, depth - 0.25, height - 0.05), palette.lacquer, (0, -0.05, 0.5 * (height - 0.05)))
        stage.mesh.box((width, depth, 0.05), palette.worktop, (0, 0, height - 0.025))
        clutter(stage, width, depth, height, "kitchen", 3.5)

    return Piece(width, depth, height + 0.2, draw)


def washbasin(stage: Stage, double: bool = False) -> Piece:
    """A washbasin on a cabinet or column with a mirror above."""
    rng, palette = stage.rng, stage.palette
    width = float(rng.uniform(0.5, 0.9)) * (2 if double else 1)
    on_column = not double and rng.random() < 0.4
    basins = 2 if double else 1

    def draw() -> None:
        if on_column:
            stage.mesh.cylinder(0.1, 0.72, CERAMIC, (0, -0.05, 0), 12)
        else:
            stage.mesh.box((width, 0.46, 0.5), palette.lacquer, (0, 0, 0.52))
            fronts(stage, width, 0.48, 0.28, 0.21, max(1, round(width / 0.45)), 1, palette.lacquer)
            stage.mesh.box((width + 0.02, 0.5, 0.04), palette.worktop, (0, 0, 0.79))
        for k in range(basins):
            x = (k - 0.5 * (basins - 1)) * 0.5 * width
            with stage.mesh.at((x, 0.0, 0.82)):
                stage.mesh.lathe(
                    [(0.1, -0.05), (0.2, 0.0), (0.23, 0.05), (0.2, 0.045), (0.12, 0.01), (0.0, 0.0)], CERAMIC, 16
                )
                stage.mesh.tube([(0, -0.2, 0), (0, -0.2, 0.16), (0, -0.08, 0.15)], 0.012, STEEL, 6)
        glass = Material(linear((0.75, 0.8, 0.82)), gloss=0.8)
        stage.mesh.box((width * 0.9, 0.02, 0.7), glass, (0, -0.24, 1.55))
        if not on_column:
            clutter(stage, width, 0.4, 0.81, "bath", 6.0)

    return Piece(width, 0.5, 1.9, draw)


def toilet(stage: Stage) -> Piece:
    """A toilet with its cistern."""
    cistern = stage.rng.random() < 0.6

    def draw() -> None:
        with stage.mesh.at((0.0, 0.06, 0.0)):
            stage.mesh.lathe(
                [(0.12, 0.0), (0.11, 0.15), (0.19, 0.36), (0.2, 0.4), (0.14, 0.39), (0.08, 0.25)], CERAMIC, 14
            )
            stage.mesh.sphere(0.2, CERAMIC, (0, 0.02, 0.41), (0.95, 1.15, 0.09), 5, 14)
        if cistern:
            stage.mesh.box((0.4, 0.17, 0.36), CERAMIC, (0, -0.24, 0.6))
        else:
            stage.mesh.box((0.22, 0.02, 0.14), STEEL, (0, -0.33, 1.0))
        stage.mesh.box((0.2, 0.2, 0.38), CERAMIC, (0, -0.2, 0.19))

    return Piece(0.42, 0.68, 0.8 if cistern else 0.45, draw)


def bathtub(stage: Stage) -> Piece:
    """A bathtub 1.5 to 1.8 m long, built in or free-standing."""
    rng = stage.rng
    length, width = float(rng.uniform(1.5, 1.8)), float(rng.uniform(0.7, 0.85))
    free = rng.random() < 0.3

    def draw() -> None:
        if free:
            n = 24
            a = np.linspace(0, 2 * pi, n, endpoint=False)
            oval = np.stack([0.5 * length * np.cos(a), 0.5 * width * np.sin(a)], -1)
            stage.mesh.prism(0.85 * oval, 0.0, 0.3, CERAMIC)
            stage.mesh.prism(oval, 0.3, 0.58, CERAMIC)
            stage.mesh.polygon(0.9 * oval, 0.2, CERAMIC)
            return
        apron = pick_one(rng, [stage.palette.wall, CERAMIC])
        rim = 0.07
        for x, y, sx, sy in (
            (0, -width / 2 + rim / 2, length, rim),
            (0, width / 2 - rim / 2, length, rim),
            (-length / 2 + rim, 0, 2 * rim, width),
            (length / 2 - rim, 0, 2 * rim, width),
        ):
            stage.mesh.box((sx, sy, 0.56), apron, (x, y, 0.28), {"z+": CERAMIC})
        stage.mesh.box((length - 0.2, width - 0.12, 0.02), CERAMIC, (0, 0, 0.15))

    return Piece(length, width, 0.58, draw)


def shower(stage: Stage) -> Piece:
    """A shower tray with a rail, and screens of thin frames (their glass is not modelled)."""
    rng = stage.rng
    side = float(rng.uniform(0.8, 1.1))

    def draw() -> None:
        stage.mesh.box((side, side, 0.06), CERAMIC, (0, 0, 0.03))
        stage.mesh.tube([(0, -side / 2 + 0.04, 0.9), (0, -side / 2 + 0.04, 2.0), (0, -0.1, 2.05)], 0.012, STEEL, 6)
        stage.mesh.cylinder(0.1, 0.02, STEEL, (0, -0.1, 2.02), 12)
        h = 1.95
        bars = [(s * side / 2, side / 2, h / 2) for s in (-1, 1)]
        stage.mesh.boxes(bars, (0.025, 0.025, h), STEEL)
        stage.mesh.box((side, 0.025, 0.03), STEEL, (0, side / 2, h))
        if rng.random() < 0.5:
            stage.mesh.box((side, 0.012, 1.75), stage.palette.fabric_two, (0, side / 2, 1.1))

    return Piece(side, side, 2.0, draw)


def workbench(stage: Stage, width: float) -> Piece:
    """A workbench or lab bench with tools or instruments."""
    rng, palette = stage.rng, stage.palette
    depth, height = float(rng.uniform(0.6, 0.9)), float(rng.uniform(0.82, 0.95))

    def draw() -> None:
        stage.mesh.box((width, depth, 0.05), palette.wood if rng.random() < 0.5 else STEEL, (0, 0, height - 0.025))
        legs(stage, width, depth, height - 0.05, 0.07, palette.metal)
        stage.mesh.box((width - 0.1, depth - 0.1, 0.03), palette.wood, (0, 0, 0.2))
        clutter(stage, width, depth, 0.22, "work", 4.0)
        clutter(stage, width, depth, height, "work", 6.0)

    return Piece(width, depth, height + 0.3, draw)
