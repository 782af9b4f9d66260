"""What carries the camera and so shows at the nadir: tripods, robots, car roofs."""

from __future__ import annotations

import numpy as np

from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import palette, vehicles
from training.worlds.outdoor.shapes import tube


def fitting(rng: np.random.Generator, height: float) -> str | None:
    """A rig that can carry a camera at this height, or None in most worlds."""
    if rng.random() > 0.17:
        return None
    if height < 0.45:
        return None
    if height < 0.95:
        return str(rng.choice(["wheeled", "legged"]))
    if height > 1.85 and rng.random() < 0.6:
        return "car"
    return str(rng.choice(["tripod", "tripod", "monopod", "wheeled"]))


def room(rig: str) -> float:
    """Radius on the ground that the rig needs, metres."""
    return {"tripod": 0.6, "monopod": 0.2, "wheeled": 0.75, "legged": 0.7, "car": 2.6}[rig]


def add(builder: MeshBuilder, rng: np.random.Generator, rig: str, height: float) -> None:
    """Add the rig under a camera at (0, 0, height) of the builder's frame, ground at z = 0."""
    dark = palette.plain(palette.shade(rng, (0.03, 0.03, 0.033), 0.4), 0.2)
    if rig in ("tripod", "monopod"):
        top = height - float(rng.uniform(0.16, 0.32))
        tube(builder, [[0, 0, top], [0, 0, 0.02 if rig == "monopod" else 0.45 * top]], 0.016, dark)
        spread = float(rng.uniform(0.25, 0.55)) if rig == "tripod" else 0.12
        knee = top * float(rng.uniform(0.7, 0.92)) if rig == "tripod" else 0.1
        turn = float(rng.uniform(0, 6.28))
        for k in range(3):
            a = turn + k * 2 * np.pi / 3
            tube(builder, [[0, 0, knee], [spread * np.cos(a), spread * np.sin(a), 0.0]], (0.017, 0.011), dark)
        builder.box((0.06, 0.06, 0.05), dark, (0, 0, top))
        return
    if rig == "car":
        car, roof = vehicles.car(rng, str(rng.choice(["hatchback", "saloon", "estate"])))
        rise = height - roof
        builder.instances(car, np.eye(4)[None])
        builder.box((1.1, 0.05, 0.05), dark, (0, 0.3, roof + 0.05))
        builder.box((1.1, 0.05, 0.05), dark, (0, -0.3, roof + 0.05))
        tube(builder, [[0, 0, roof], [0, 0, roof + max(rise - 0.15, 0.05)]], 0.02, dark)
        return
    body = palette.bright(rng) if rng.random() < 0.5 else palette.plain(palette.shade(rng, (0.4, 0.4, 0.4), 0.6))
    length, width = float(rng.uniform(0.45, 0.95)), float(rng.uniform(0.3, 0.65))
    deck = min(height - 0.18, float(rng.uniform(0.28, 0.5)))
    builder.box((length, width, 0.5 * deck), body, (0, 0, 0.72 * deck))
    builder.box((0.3 * length, 0.5 * width, 0.06), dark, (0.25 * length, 0, deck + 0.0))
    if rig == "wheeled":
        radius = 0.45 * deck
        for x in (-0.36 * length, 0.36 * length):
            for y in (-0.5 * width - 0.1, 0.5 * width):
                builder.cylinder(radius, 0.1, dark, (x, y, radius), 12, axis="y")
    else:
        for x in (-0.4 * length, 0.4 * length):
            for y in (-0.5 * width - 0.03, 0.5 * width + 0.03):
                tube(builder, [[x, y, 0.8 * deck], [x - 0.12, y, 0.42 * deck], [x, y, 0.0]], 0.025, dark)
    tube(builder, [[0, 0, deck - 0.03], [0, 0, max(height - 0.12, deck)]], 0.018, dark)
    if rng.random() < 0.4:
        builder.cylinder(0.05, 0.07, dark, (0.3 * length, 0, deck + 0.03), 12)
