"""What carries the camera and so shows at the nadir: tripods and robots."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.colours import hue, linear, pick
from training.worlds.indoor.piece import Piece
from training.worlds.materials import Material
from training.worlds.mesh import MeshBuilder


def tripod(mesh: MeshBuilder, rng: np.random.Generator, top: float, room: float) -> Piece | None:
    """A tripod whose head ends `top` metres above the floor; None where the legs find no room."""
    spread = min(float(rng.uniform(0.25, 0.5)) * max(top, 0.5), room - 0.03)
    if spread < 0.12:
        return None
    black = Material(linear((float(rng.uniform(0.08, 0.35)),) * 3), gloss=0.1)
    hub = top * float(rng.uniform(0.5, 0.85))
    turn = float(rng.uniform(0.0, 2 * pi))
    legs = 3 if rng.random() < 0.85 else 4

    def draw() -> None:
        mesh.cylinder(0.016, top - hub, black, (0, 0, hub), 8)
        mesh.cylinder(0.035, 0.06, black, (0, 0, top - 0.06), 10)
        mesh.cylinder(0.04, 0.08, black, (0, 0, hub - 0.05), 8)
        for k in range(legs):
            a = turn + 2 * pi * k / legs
            foot = (spread * cos(a), spread * sin(a), 0.01)
            mesh.tube([(0.03 * cos(a), 0.03 * sin(a), hub), foot], [0.014, 0.01], black, 6)

    return Piece(2 * spread, 2 * spread, top, draw)


def robot(mesh: MeshBuilder, rng: np.random.Generator, top: float, room: float) -> Piece | None:
    """A mobile robot with its mast up to `top`: a disc, a box on wheels, or a four-legged body."""
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
            mesh.cylinder(reach, 0.75 * deck, body, (0, 0, 0.03), 20)
            mesh.cylinder(0.7 * reach, 0.25 * deck, dark, (0, 0, 0.75 * deck), 16)
        else:
            length, width = 1.3 * reach, 0.9 * reach
            mesh.box((length, width, 0.6 * deck), body, (0, 0, 0.7 * deck))
            if kind == "box":
                for x in (-0.4 * length, 0.4 * length):
                    for y in (-0.5 * width - 0.05, 0.5 * width):
                        mesh.cylinder(0.35 * deck, 0.05, dark, (x, y, 0.35 * deck), 12, axis="y")
            else:
                legs = np.array([(x, y) for x in (-0.4, 0.4) for y in (-0.55, 0.55)]) * (length, width)
                for x, y in legs:
                    mesh.tube([(x, y, 0.7 * deck), (x - 0.06, y, 0.35 * deck), (x, y, 0.0)], 0.025, dark, 6)
        if top > deck + 0.05:
            mesh.cylinder(0.018, top - deck, dark, (0, 0, deck), 8)
        mesh.cylinder(0.04, 0.04, dark, (0, 0, top - 0.04), 10)

    return Piece(2 * reach, 2 * reach, top, draw)
