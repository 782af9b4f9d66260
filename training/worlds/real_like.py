"""The second domain of procedural worlds: what cheap 360-degree cameras on robots and sticks give.

It stands for the unlabelled, real panoramas where those are not at hand: other scenes than `sample`'s in other
proportions, materials and light, something under the camera, and a twin-lens camera in between. The range is known all
the same, so what a pipeline gained on it can be measured.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dap_core.io.images import decode_image
from training.worlds.disguise import relit, repainted, stretched
from training.worlds.kinds import make_world
from training.worlds.mounts import mounted
from training.worlds.photograph import photograph
from training.worlds.render import Renderer
from training.worlds.sample import Sample, renderer
from training.worlds.twin_lens import Processor, TwinLens, consumer, processed_jpeg, stitch
from training.worlds.world import Camera, World

#: Raise this when a seed gives other pixels than before.
VERSION = 1
#: Worlds of this domain are drawn from seeds that no store of the first domain reaches.
FIRST_WORLD = 7_000_000_000_000_000
TILT = np.deg2rad(1.5)
#: Heights above the ground that cameras are carried at, in metres, and how often.
HEIGHTS = ((0.25, 0.7, 0.3), (0.7, 1.3, 0.3), (1.3, 1.8, 0.3), (1.8, 2.6, 0.1))
CLEARANCE_M = 0.22


def make_real_like(
    seed: int, height: int = 256, device: str = "cpu", kind: str | None = None, samples: int = 2
) -> Sample:
    """The scene of a seed; the same arguments give the same bytes on the same kind of device."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 11])))
    world = make_world(FIRST_WORLD + seed, kind)
    world = stretched(world, np.exp(rng.normal(scale=0.1, size=3)).clip(0.85, 1.25))
    world = relit(replace(world, mesh=repainted(world.mesh, rng)), rng)
    engine = renderer(device)
    camera = _carried(world, engine, rng)
    world, _ = mounted(world, camera, engine, rng)
    rendering = engine.render(world, camera, height, samples, seed=int(rng.integers(2**31)))
    seen = stitch(rendering.radiance, rendering.range_m, TwinLens.draw(rng))
    picture = photograph(seen, rng, consumer(rng))
    jpeg = processed_jpeg(picture, Processor.draw(rng), rng)
    return Sample(decode_image(jpeg), rendering.range_m, world.kind, seed, camera.height, jpeg)


def _carried(world: World, engine: Renderer, rng: np.random.Generator) -> Camera:
    """One of the world's cameras, moved up or down to another height if there is room, and turned."""
    camera = world.cameras[int(rng.integers(len(world.cameras)))]
    origin = np.asarray(camera.position)
    vertical = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    below, above = (float(d) for d in engine.cast(world, np.repeat(origin[None], 2, 0), vertical))
    band = HEIGHTS[int(rng.choice(len(HEIGHTS), p=[share for *_, share in HEIGHTS]))]
    wanted = float(rng.uniform(band[0], band[1]))
    yaw, pitch, roll = float(rng.uniform(-np.pi, np.pi)), *rng.normal(scale=TILT / 2, size=2)
    around = rng.normal(size=(96, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    for target in (wanted, 0.5 * (wanted + below)):
        place = origin + np.array([0.0, 0.0, target - below])
        inside = np.isfinite(below) and CLEARANCE_M < target < below + above - CLEARANCE_M
        if inside and float(engine.cast(world, np.repeat(place[None], 96, 0), around).min()) > CLEARANCE_M:
            x, y, z = (float(c) for c in place)
            return Camera((x, y, z), yaw, float(pitch), float(roll), target)
    return replace(camera, yaw=yaw, pitch=float(pitch), roll=float(roll), height=below)
