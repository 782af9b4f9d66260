"""A walk of a panoramic camera through a world, written as a bag: compressed images and their exact range."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from dap_core.errors import InputError
from training.worlds.photograph import CameraSettings, photograph_jpeg
from training.worlds.sample import renderer
from training.worlds.world import Camera, World

IMAGE_TOPIC = "/camera/image/compressed"
RANGE_TOPIC = "/camera/range"
FRAME_ID = "camera_link"
MANTISSA_BITS = 13
TOP_SPEED = 1.2
#: Length of path over which corners are rounded, metres.
ROUNDING_M = 0.5


@dataclass(frozen=True)
class WalkReport:
    """What was written: frames, metres walked, bytes on disk, nearest range of the whole walk in metres."""

    frames: int
    metres: float
    size_bytes: int
    nearest_m: float


def poses_along(waypoints: tuple[Camera, ...], frames: int, rate_hz: float) -> list[Camera]:
    """Cameras along a path, looking where it goes, at up to 1.2 m/s, starting and stopping softly.

    As far as the time allows; played forwards and backwards it is one smooth motion.
    """
    points = np.array([c.position for c in waypoints], np.float64)
    if len(points) < 2:
        raise InputError("this world has no walk; take another kind or seed")
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if steps.sum() < 1e-3:
        raise InputError("this world's walk stays in one place; take another kind or seed")
    at = np.concatenate([[0.0], np.cumsum(steps)])
    dense = np.arange(0.0, at[-1], 0.02)
    window = np.ones(max(1, int(ROUNDING_M / 0.02)) | 1)
    window /= window.sum()
    pad = len(window) // 2
    line = np.stack([np.interp(dense, at, points[:, k]) for k in range(3)], -1)
    head, tail = line[0] - line[min(1, len(line) - 1)], line[-1] - line[-2]
    before = line[0] + head * np.arange(pad, 0, -1)[:, None]
    after = line[-1] + tail * np.arange(1, pad + 1)[:, None]
    line = np.concatenate([before, line, after])
    smooth = np.stack([np.convolve(line[:, k], window, "valid") for k in range(3)], -1)
    heading = np.unwrap(np.arctan2(*np.gradient(smooth[:, :2], axis=0).T[::-1]))
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
    duration = (frames - 1) / rate_hz
    distance = min(float(travelled[-1]), TOP_SPEED * duration / 1.25)
    t = np.linspace(0.0, 1.0, frames)
    ease = 0.2
    ramp = np.where(
        t < ease, t * t / (2 * ease), np.where(t > 1 - ease, 1 - ease - (1 - t) ** 2 / (2 * ease), t - ease / 2)
    )
    s = distance * ramp / (1 - ease)
    xyz = np.stack([np.interp(s, travelled, smooth[:, k]) for k in range(3)], -1)
    yaw = np.interp(s, travelled, heading)
    return [Camera((p[0], p[1], p[2]), float(a)) for p, a in zip(xyz, yaw, strict=True)]


def coarse(range_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ranges with the mantissa rounded to 13 bits (relative error at most 2**-14), so that they compress."""
    drop = 23 - MANTISSA_BITS
    bits = range_m.astype("<f4").view(np.uint32)
    rounded = (bits + np.uint32(1 << (drop - 1))) & ~np.uint32((1 << drop) - 1)
    return np.where(np.isfinite(range_m), rounded, bits).astype(np.uint32).view(np.float32)


def write_walk(
    out: str | Path,
    world: World,
    *,
    frames: int = 40,
    rate_hz: float = 10.0,
    height: int = 256,
    samples: int = 4,
    device: str = "cpu",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> WalkReport:
    """Render a walk through `world` along its path and write the bag folder `out` (rosbag2, mcap, zstd).

    `/camera/image/compressed` is sensor_msgs/CompressedImage (JPEG, quality 92), `/camera/range` sensor_msgs/Image
    32FC1: metres along the ray, +inf where nothing is met, rounded to 13 bits of mantissa (relative error <= 2**-14).
    Both carry frame `camera_link` and stamps from 0 upwards at `rate_hz`. Raises InputError when `out` exists or the
    world has no walk.
    """
    path = Path(out)
    if path.exists():
        raise InputError(f"{path} exists already; give a new folder for the bag")
    cameras = poses_along(world.walk, frames, rate_hz)
    engine = renderer(device)
    settings = CameraSettings(exposure_ev=0.3, grey_world=0.6, local=0.25, shot=2e-5, jpeg_quality=92)
    rng = np.random.Generator(np.random.PCG64(seed))
    store = get_typestore(Stores.ROS2_JAZZY)
    kinds = {name: store.types[name] for name in ("builtin_interfaces/msg/Time", "std_msgs/msg/Header")}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}") / path.name
    beside.parent.mkdir(parents=True)
    nearest = np.inf
    try:
        writer = Writer(beside, version=9, storage_plugin=StoragePlugin.MCAP)
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with writer:
            types = ("sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image")
            images, ranges = (
                writer.add_connection(topic, kind, typestore=store)
                for topic, kind in zip((IMAGE_TOPIC, RANGE_TOPIC), types, strict=True)
            )
            for k, camera in enumerate(cameras):
                rendering = engine.render(world, camera, height, samples, seed=seed)
                jpeg = photograph_jpeg(rendering.radiance, rng, settings)
                nearest = min(nearest, float(rendering.range_m.min()))
                stamp = round(k / rate_hz * 1e9)
                time = kinds["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
                header = kinds["std_msgs/msg/Header"](stamp=time, frame_id=FRAME_ID)
                image = store.types[types[0]](header=header, format="jpeg", data=np.frombuffer(jpeg, np.uint8))
                depth = store.types[types[1]](
                    header=header,
                    height=height,
                    width=2 * height,
                    encoding="32FC1",
                    is_bigendian=0,
                    step=8 * height,
                    data=coarse(rendering.range_m).astype("<f4").view(np.uint8).ravel(),
                )
                writer.write(images, stamp, store.serialize_cdr(image, types[0]))
                writer.write(ranges, stamp, store.serialize_cdr(depth, types[1]))
                if progress is not None:
                    progress(k + 1, len(cameras))
        os.replace(beside, path)
    finally:
        shutil.rmtree(beside.parent, ignore_errors=True)
    places = np.array([c.position for c in cameras])
    metres = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    size = sum(f.stat().st_size for f in path.iterdir())
    return WalkReport(len(cameras), metres, size, nearest)
