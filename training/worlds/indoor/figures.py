"""People-like figures, and what carries the camera: tripods, poles and robots."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

import numpy as np

from training.worlds.indoor.colours import Colour, hue, linear, pick
from training.worlds.indoor.piece import Piece
from training.worlds.materials import Material

if TYPE_CHECKING:
    from training.worlds.indoor.stage import Stage

SKIN: tuple[Colour, ...] = ((0.62, 0.42, 0.32), (0.45, 0.28, 0.2), (0.2, 0.11, 0.07), (0.72, 0.52, 0.42))


def person(stage: Stage, pose: str | None = None) -> Piece:
    """A standing (1.5 to 1.9 m) or sitting figure of rounded limbs."""
    rng = stage.rng
    height = float(rng.uniform(1.5, 1.9))
    pose = pose or pick(rng, {"stand": 3, "walk": 2})
    skin = Material(SKIN[int(rng.integers(len(SKIN)))])
    shirt, trousers = (Material(hue(rng, (0.05, 0.7), (0.12, 0.9))) for _ in range(2))
    hair = Material(linear((0.15, 0.11, 0.08)) if rng.random() < 0.8 else linear((0.7, 0.6, 0.4)))
    stride = float(rng.uniform(0.12, 0.25)) if pose == "walk" else 0.0
    swing = float(rng.uniform(0.05, 0.3))

    def draw() -> None:
        with stage.mesh.at((0.0, 0.0, 0.0), scale=height / 1.75):
            hip = 0.9 if pose != "sit" else 0.5
            for side in (-1, 1):
                x = 0.1 * side
                if pose == "sit":
                    leg = [(x, 0.0, hip), (x, 0.45, hip), (x, 0.43, 0.05)]
                else:
                    leg = [(x, 0.0, hip), (x, 0.5 * side * stride + 0.04, 0.48), (x, side * stride, 0.06)]
                stage.mesh.tube(leg, [0.095, 0.07, 0.05], trousers, 7)
                stage.mesh.box((0.1, 0.26, 0.08), hair, (x, leg[-1][1] + 0.06, 0.04))
                arm = [
                    (0.2 * side, 0, hip + 0.52),
                    (0.27 * side, -side * stride, hip + 0.25),
                    (0.25 * side, swing, hip + 0.08),
                ]
                stage.mesh.tube(arm, [0.06, 0.045, 0.035], shirt, 6)
                stage.mesh.sphere(0.045, skin, arm[-1], rings=4, segments=6)
            stage.mesh.lathe(
                [(0.0, hip - 0.08), (0.16, hip), (0.15, hip + 0.25), (0.2, hip + 0.5), (0.06, hip + 0.6)], shirt, 10
            )
            stage.mesh.sphere(0.105, skin, (0, 0.02, hip + 0.73), (0.85, 0.95, 1.2), 7, 10)
            stage.mesh.sphere(0.11, hair, (0, -0.01, hip + 0.77), (0.9, 0.95, 1.05), 6, 8)

    return Piece(0.6, 0.55, height, draw)


def tripod(stage: Stage, top: float, room: float) -> Piece | None:
    """A tripod whose head ends `top` metres above the floor; None where the legs find no room."""
    rng = stage.rng
    spread = min(float(rng.uniform(0.25, 0.5)) * max(top, 0.5), room - 0.03)
    if spread < 0.12:
        return None
    black = Material(linear((float(rng.uniform(0.08, 0.35)),) * 3), gloss=0.1)
    hub = top * float(rng.uniform(0.5, 0.85))
    turn = float(rng.uniform(0.0, 2 * pi))
    legs = 3 if rng.random() < 0.85 else 4

    def draw() -> None:
        stage.mesh.cylinder(0.016, top - hub, black, (0, 0, hub), 8)
        stage.mesh.cylinder(0.035, 0.06, black, (0, 0, top - 0.06), 10)
        stage.mesh.cylinder(0.04, 0.08, black, (0, 0, hub - 0.05), 8)
        for k in range(legs):
            a = turn + 2 * pi * k / legs
            foot = (spread * cos(a), spread * sin(a), 0.01)
            stage.mesh.tube([(0.03 * cos(a), 0.03 * sin(a), hub), foot], [0.014, 0.01], black, 6)

    return Piece(2 * spread, 2 * spread, top, draw)


def robot(stage: Stage, top: float, room: float) -> Piece | None:
    """A mobile robot with its mast up to `top`: a disc, a box on wheels, or a four-legged body."""
    rng = stage.rng
    reach = min(float(rng.uniform(0.15, 0.4)), room - 0.03)
    if reach < 0.12:
        return None
    body = Material(
        hue(rng, (0.0, 0.9), (0.1, 0.9)) if rng.random() < 0.5 else linear((float(rng.uniform(0.1, 0.9)),) * 3),
        gloss=0.2,
    )
    dark = Material(linear((0.12, 0.12, 0.13)))
    kind = pick(rng, {"disc": 2, "box": 2, "legs": 1})
    deck = min(float(rng.uniform(0.12, 0.45)), top)

    def draw() -> None:
        if kind == "disc":
            stage.mesh.cylinder(reach, 0.75 * deck, body, (0, 0, 0.03), 20)
            stage.mesh.cylinder(0.7 * reach, 0.25 * deck, dark, (0, 0, 0.75 * deck), 16)
        else:
            length, width = 1.3 * reach, 0.9 * reach
            stage.mesh.box((length, width, 0.6 * deck), body, (0, 0, 0.7 * deck))
            if kind == "box":
                for x in (-0.4 * length, 0.4 * length):
                    for y in (-0.5 * width - 0.05, 0.5 * width):
                        stage.mesh.cylinder(0.35 * deck, 0.05, dark, (x, y, 0.35 * deck), 12, axis="y")
            else:
                legs = np.array([(x, y) for x in (-0.4, 0.4) for y in (-0.55, 0.55)]) * (length, width)
                for x, y in legs:
                    stage.mesh.tube([(x, y, 0.7 * deck), (x - 0.06, y, 0.35 * deck), (x, y, 0.0)], 0.025, dark, 6)
        if top > deck + 0.05:
            stage.mesh.cylinder(0.018, top - deck, dark, (0, 0, deck), 8)
        stage.mesh.cylinder(0.04, 0.04, dark, (0, 0, top - 0.04), 10)

    return Piece(2 * reach, 2 * reach, top, draw)
