"""Points from depth: organised like the image, or spread evenly over the directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth

#: 24 000 points of x y z height are 384 000 bytes, which Fast DDS delivers best effort without a profile.
DEFAULT_MAX_POINTS = 24_000


@dataclass(frozen=True)
class Cloud:
    """Near points in the body frame (x forward, y left, z up; REP 103), origin at the camera.

    xyzh  (N, 4) float32, contiguous: x, y, z and the height above the ground along gravity, metres
    rgb   (N, 3) uint8, or None
    """

    xyzh: NDArray[np.float32]
    rgb: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.xyzh)

    @property
    def xyz(self) -> NDArray[np.float32]:
        """(N, 3) float32 metres, a view."""
        return self.xyzh[:, :3]

    @property
    def height(self) -> NDArray[np.float32]:
        """(N,) float32 metres, a view."""
        return self.xyzh[:, 3]


def sampled_cloud(
    depth: PanoramaDepth,
    *,
    max_points: int = DEFAULT_MAX_POINTS,
    camera_height: float = 0.0,
    up: tuple[float, float, float] = (0.0, 0.0, 1.0),
    image: NDArray[np.uint8] | None = None,
) -> Cloud:
    """The near pixels among at most `max_points` directions that are spread evenly over the sphere.

    An equirectangular image crowds its poles; these directions have the same solid angle each, and they are the same
    for every frame, so a still scene gives a still cloud. Where every pixel is wanted (`max_points` not below their
    number) all near pixels are given.

    `height` is the point's component along `up` (unit vector against gravity, body frame) plus `camera_height`
    (metres of the camera above the ground). `image` (h, w, 3), of depth's own shape, gives the colours.
    """
    if max_points < 1:
        raise InputError(f"max_points must be at least 1, got {max_points}")
    pixels, table = _directions(*depth.shape, max_points, tuple(map(float, up)))
    range_m = depth.range_m.reshape(-1)[pixels]
    near = np.flatnonzero(np.isfinite(range_m))
    xyzh = table[near]
    xyzh *= range_m[near, None]
    xyzh[:, 3] += np.float32(camera_height)
    return Cloud(xyzh, None if image is None else _colours(depth, image)[pixels[near]])


def organised_points(depth: PanoramaDepth) -> NDArray[np.float32]:
    """Points (h, w, 3) float32 metres in the body frame, one for each pixel; nan where far or unknown."""
    range_m = np.where(depth.near, depth.range_m, np.float32(np.nan))
    return _rays(*depth.shape) * range_m[..., None]


def _colours(depth: PanoramaDepth, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.shape != (*depth.shape, 3):
        raise InputError(f"the colours of a {depth.shape} cloud are a {(*depth.shape, 3)} image, got {image.shape}")
    return image.reshape(-1, 3)


@lru_cache(maxsize=4)
def _rays(height: int, width: int) -> NDArray[np.float32]:
    rays = panorama.rays(height, width)
    rays.flags.writeable = False
    return rays


@lru_cache(maxsize=8)
def _directions(
    height: int, width: int, count: int, up: tuple[float, float, float]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Flat pixel indices (n,), n <= count, in image order; for each its ray and the ray's part along `up`, (n, 4)."""
    if not np.isclose(np.linalg.norm(up), 1.0, atol=1e-3):
        raise InputError(f"up must be a unit vector, got {up}")
    if count >= height * width:
        pixels = np.arange(height * width)
    else:
        u, v = np.moveaxis(np.rint(panorama.project(_spiral(count), height, width)).astype(np.int64), -1, 0)
        pixels = np.unique(np.clip(v, 0, height - 1) * width + u % width)
    rays = _rays(height, width).reshape(-1, 3)[pixels]
    table = np.concatenate([rays, rays @ np.asarray(up, np.float32)[:, None]], axis=1)
    pixels.flags.writeable = table.flags.writeable = False
    return pixels, table


def _spiral(count: int) -> NDArray[np.float64]:
    """`count` unit vectors, each in an equal share of the sphere: z in equal steps, azimuth by the golden angle."""
    i = np.arange(count)
    z = 1.0 - (2.0 * i + 1.0) / count
    azimuth = i * (np.pi * (3.0 - np.sqrt(5.0)))
    radius = np.sqrt(1.0 - z * z)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], -1)
