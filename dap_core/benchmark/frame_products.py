"""What each product of a frame costs, without the network."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from dap_core import panorama
from dap_core.estimate import PanoramaDepth
from dap_core.panorama_input import PanoramaInput
from dap_core.picture import colourise
from dap_core.pipeline import DepthFrame, MountConfig, Prepared, ProcessingConfig
from dap_core.products.clearing import clearing_points
from dap_core.products.cloud import organised_points, sampled_cloud
from dap_core.products.edges import flying_pixels, without
from dap_core.products.faces import face_depth, face_image, faces_of
from dap_core.products.levelling import Leveller, camera_from_level
from dap_core.products.scale import GroundScale, ScaleConfig
from dap_core.products.scan import scan
from dap_core.products.temporal import TemporalConfig, TemporalFilter


def product_cases(height: int) -> dict[str, Callable[[], object]]:
    """What to time, by name: a furnished scene with sky at (height, 2 height), products as the node configures them.

    Products that have a cache in the frame get a new frame each time.
    """
    rng = np.random.default_rng(0)
    rays = panorama.rays(height).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        range_m = np.where(rays[..., 2] < -0.03, -1.2 / rays[..., 2], np.inf)
        for _ in range(40):  # posts and boxes as circles of directions at one range each
            towards = rays[tuple(rng.integers((0, 0), (height, 2 * height)))]
            inside = rays @ towards > np.cos(rng.uniform(0.03, 0.25))
            range_m = np.where(inside, np.minimum(range_m, rng.uniform(0.8, 15.0)), range_m)
    depth = PanoramaDepth.from_range(range_m)
    image = rng.integers(0, 255, (height, 2 * height, 3), np.uint8)
    mount, config, leveller = MountConfig(camera_height=1.2), ProcessingConfig(), Leveller(height)
    temporal, ground = TemporalFilter(TemporalConfig(enabled=True)), GroundScale(ScaleConfig(enabled=True))
    face = faces_of(config.faces)[0]
    prepared = Prepared(image, PanoramaInput(mount.panorama), image[None], None, np.eye(3))
    clock = iter(range(10**9))

    def tilted() -> np.ndarray:  # another rotation each time, as from an IMU
        angle = 0.1 + 1e-3 * (next(clock) % 100)
        return camera_from_level(np.array([np.sin(angle), 0.0, np.cos(angle)]))

    def level_and_back() -> object:
        rotation = tilted()
        leveller.upright(image, rotation)
        return leveller.back(depth.range_m, rotation)

    def default_outputs() -> object:
        frame = DepthFrame(depth, prepared, mount, config, leveller)
        shown = (frame.depth.near, frame.depth.far, frame.cloud, frame.scan)
        return shown, colourise(frame.depth.range_m)

    return {
        "flying pixels": lambda: without(depth, flying_pixels(depth, config.edges)),
        "scan": lambda: scan(depth, config.scan),
        "points": lambda: sampled_cloud(depth, config.cloud, 1.2),
        "points/clearing": lambda: clearing_points(depth, config.clearing),
        "points/full": lambda: organised_points(depth),
        "masks": lambda: (depth.near, depth.far),
        "depth/color": lambda: colourise(depth.range_m),
        "one face: depth": lambda: face_depth(depth, face),
        "one face: image": lambda: face_image(image, face),
        "levelling, there and back": level_and_back,
        "temporal filter": lambda: temporal.update(depth, 0.1 * next(clock)),
        "scale by the ground": lambda: ground.update(depth, 1.2, 0.1 * next(clock)),
        "all default outputs and scan": default_outputs,
    }


def time_product(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """`median_ms` and `p95_ms` of a call, after three that do not count."""
    for _ in range(3):
        call()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return {"median_ms": 1e3 * float(np.median(seconds)), "p95_ms": 1e3 * float(np.percentile(seconds, 95))}
