"""One training scene from one number: world, camera, rendering, photograph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core.io.images import decode_image
from training.worlds.kinds import make_world
from training.worlds.photograph import photograph_jpeg
from training.worlds.render import Renderer
from training.worlds.world import Camera, PlainLight, Sky, World

#: Raise this when a seed gives other pixels than before, so that stores of old scenes are not mixed with new ones.
VERSION = 2
TILT = np.deg2rad(2.0)
TILTED = 0.3
#: Share of scenes under the plain light of a simulator.
PLAIN = 0.15


@dataclass(frozen=True)
class Sample:
    """image (H, 2 H, 3) uint8 RGB; range_m (H, 2 H) f32 metres, +inf where the ray meets nothing; what it shows.

    `jpeg` is the file that `image` was decoded from; `camera_height` is metres above what lies straight below.
    """

    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]
    kind: str
    seed: int
    camera_height: float
    jpeg: bytes = field(repr=False)


@lru_cache(maxsize=2)
def renderer(device: str) -> Renderer:
    """This process's renderer of a device."""
    return Renderer(device)


def make_sample(seed: int, height: int = 256, device: str = "cpu", kind: str | None = None, samples: int = 2) -> Sample:
    """The scene of a seed; the same arguments give the same bytes on the same kind of device.

    The world depends on `seed` and `kind` alone; the camera is one of the world's, turned by a random yaw, and in
    some scenes tilted by up to 2 degrees. Some scenes are lit as simulators light theirs.
    """
    world = make_world(seed, kind)
    simulated = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 2])))
    if simulated.random() < PLAIN:
        world = plainly_lit(world, simulated)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 1])))
    camera = world.cameras[int(rng.integers(len(world.cameras)))]
    pitch, roll = rng.uniform(-TILT, TILT, 2) if rng.random() < TILTED else (0.0, 0.0)
    yaw = float(rng.uniform(-np.pi, np.pi))
    camera = replace(camera, yaw=yaw, pitch=camera.pitch + float(pitch), roll=camera.roll + float(roll))
    engine = renderer(device)
    rendering = engine.render(world, camera, height, samples, seed=int(rng.integers(2**31)))
    jpeg = photograph_jpeg(rendering.radiance, rng)
    return Sample(decode_image(jpeg), rendering.range_m, world.kind, seed, _height(engine, world, camera), jpeg)


def plainly_lit(world: World, rng: np.random.Generator) -> World:
    """The same world as a robot simulator would show it: one light without shadows, an even or softly graded sky."""
    level, share = rng.uniform(0.3, 1.0), rng.uniform(0.2, 1.0)
    away = rng.normal(size=3) * (0.6, 0.6, 0.3) + (0.0, 0.0, 0.8)
    tint = np.exp(rng.normal(scale=0.05, size=3))
    light = PlainLight(tuple(level * share * tint), tuple(level * (1.0 - share) * tint), tuple(away))
    grey = np.full(3, rng.uniform(0.25, 0.9)) * np.exp(rng.normal(scale=0.03, size=3))
    blue = grey * (rng.uniform(0.5, 0.9), rng.uniform(0.7, 1.0), 1.1)
    zenith, horizon = [(grey, grey), (blue, grey), (blue, blue)][int(rng.choice(3, p=[0.4, 0.4, 0.2]))]
    sky = Sky(zenith=tuple(zenith), horizon=tuple(horizon), ground=tuple(horizon), cloudiness=0.0)
    return replace(world, plain=light, sky=sky)


def _height(engine: Renderer, world: World, camera: Camera) -> float:
    if np.isfinite(camera.height):
        return camera.height
    down = engine.cast(world, np.array([camera.position]), np.array([[0.0, 0.0, -1.0]]))
    return float(down[0])
