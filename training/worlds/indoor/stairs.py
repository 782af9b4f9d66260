"""Stairs and railings."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material


def railing(stage: Stage, start: tuple[float, float, float], end: tuple[float, float, float]) -> None:
    """A hand rail 0.9 to 1.1 m above the line from start to end, on posts or with bars."""
    rng = stage.rng
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(b - a))
    height = float(rng.uniform(0.9, 1.1))
    up = np.array([0.0, 0.0, height])
    stage.mesh.tube([a + up, b + up], 0.025, stage.palette.metal, 6)
    step = 0.12 if rng.random() < 0.5 else 1.0
    n = max(2, int(length / step) + 1)
    posts = a + np.linspace(0, 1, n)[:, None] * (b - a)
    stage.mesh.boxes(
        posts + up / 2, (0.015 if step < 0.5 else 0.04, 0.015 if step < 0.5 else 0.04, height), stage.palette.metal
    )
    if step > 0.5:
        for f in (0.25, 0.5, 0.75):
            stage.mesh.tube([a + f * up, b + f * up], 0.012, stage.palette.metal, 4)


def stairs(stage: Stage, width: float, steps: int, tread: float, rise: float, solid: bool, surface: Material) -> None:
    """A flight from the origin along +y, `width` along x; steps `tread` deep and `rise` high."""
    k = np.arange(steps)
    if solid:
        h = (k + 1) * rise
        stage.mesh.boxes(
            np.stack([0 * h, (k + 0.5) * tread, h / 2], -1),
            np.stack([np.full(steps, width), np.full(steps, tread), h], -1),
            surface,
        )
    else:
        stage.mesh.boxes(
            np.stack([0.0 * k, (k + 0.5) * tread, (k + 1) * rise - 0.03], -1), (width, tread + 0.03, 0.06), surface
        )
        for s in (-1, 1):
            x = s * (width / 2 - 0.04)
            stage.mesh.tube([(x, 0, 0), (x, steps * tread, steps * rise)], 0.06, stage.palette.metal, 4)
