"""People-like figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
