"""What a 360-degree camera is mounted on, put under it in the world: robots, tripods, sticks, a person's head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.worlds.materials import Material
from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import rigs
from training.worlds.render import Renderer
from training.worlds.world import Camera, World

#: How often each is met, and the radius on the ground that it needs in metres.
MOUNTS: dict[str, tuple[float, float]] = {
    "none": (0.12, 0.0),
    "tripod": (0.2, 0.6),
    "monopod": (0.18, 0.2),
    "wheeled": (0.2, 0.75),
    "legged": (0.1, 0.7),
    "plate": (0.12, 0.3),
    "head": (0.08, 0.35),
}
GROUND_RAYS = 24


def mounted(world: World, camera: Camera, engine: Renderer, rng: np.random.Generator) -> tuple[World, str]:
    """The world with something under the camera that fits there, and what: a key of `MOUNTS`.

    `engine` looks whether the ground around is free and where it is.
    """
    origin = np.asarray(camera.position)
    height = float(engine.cast(world, origin[None], np.array([[0.0, 0.0, -1.0]]))[0])
    names = list(MOUNTS)
    shares = np.array([share for share, _ in MOUNTS.values()])
    for name in rng.choice(names, len(names), replace=False, p=shares / shares.sum()):
        if name == "none":
            return world, "none"
        if _fits(world, origin, height, str(name), engine):
            builder = MeshBuilder()
            builder.instances(world.mesh, np.eye(4)[None])
            with builder.at(origin - np.array([0.0, 0.0, height]), yaw=camera.yaw):
                _add(builder, rng, str(name), height)
            return replace(world, mesh=builder.build()), str(name)
    return world, "none"


def _fits(world: World, origin: np.ndarray, height: float, name: str, engine: Renderer) -> bool:
    """Whether the mount is of this camera's height, and rays down to its outline meet the ground and nothing before."""
    lowest, highest = {"tripod": (0.6, 2.5), "wheeled": (0.45, 1.9), "legged": (0.4, 1.2), "head": (1.5, 2.1)}.get(
        name, (0.3, 3.0)
    )
    if not lowest < height < highest:
        return False
    turn = np.linspace(0.0, 2.0 * np.pi, GROUND_RAYS, endpoint=False)
    radius = MOUNTS[name][1]
    outline = np.stack([radius * np.cos(turn), radius * np.sin(turn), np.full_like(turn, -height)], -1)
    length = np.linalg.norm(outline, axis=1)
    met = engine.cast(world, np.repeat(origin[None], len(turn), 0), outline / length[:, None])
    return bool((met > 0.93 * length).all())


def _add(builder: MeshBuilder, rng: np.random.Generator, name: str, height: float) -> None:
    """Add a mount to a builder whose origin is the ground under the camera."""
    shade = float(rng.uniform(0.02, 0.12))
    grey = (shade, shade, shade)
    dark = Material(grey, gloss=float(rng.uniform(0.0, 0.4)))
    if name == "plate":  # a camera on a short post on a flat deck: a vacuum cleaner, a cart, a car's roof
        radius = float(rng.uniform(0.16, 0.28))
        shade = float(rng.uniform(0.03, 0.8))
        body = Material((shade, shade * float(rng.uniform(0.8, 1.0)), shade * float(rng.uniform(0.7, 1.0))), gloss=0.3)
        deck = max(0.08, height - float(rng.uniform(0.15, 0.6)))
        builder.cylinder(radius, min(deck, 0.4), body, (0, 0, deck - min(deck, 0.4)), 24)
        builder.cylinder(0.015, max(height - deck - 0.12, 0.02), dark, (0, 0, deck), 8)
        builder.box((0.1, 0.06, 0.02), dark, (0.5 * radius, 0, deck + 0.01))
    elif name == "head":  # a helmet's camera, or one on a backpack: a head and shoulders right below
        skin = Material((0.45, 0.28, 0.2) if rng.random() < 0.6 else (0.12, 0.07, 0.05))
        r, g, b = (float(c) for c in rng.uniform(0.02, 0.5, 3))
        coat = Material((r, g, b))
        hair = Material((0.05, 0.035, 0.025) if rng.random() < 0.5 else grey)
        top = height - float(rng.uniform(0.12, 0.3))
        builder.sphere(0.11, hair, (0, 0, top - 0.11), (1.0, 0.85, 1.1), 10, 14)
        builder.sphere(0.1, skin, (0.03, 0, top - 0.15), (0.9, 0.8, 1.1), 8, 12)
        builder.sphere(0.22, coat, (0, 0, top - 0.44), (0.65, 1.05, 0.6), 8, 14)
        builder.cylinder(0.17, top - 0.5, coat, (0, 0, 0.02), 12)
    else:
        rigs.add(builder, rng, name, height)
    builder.cylinder(0.022, 0.06, dark, (0, 0, height - 0.18), 10)
