"""Points from depth: organised like the image, or one from each of many equal shares of the sphere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.settings import setting

#: Metres that stand for "no limit".
UNLIMITED_M = 1000.0
_TINY = float(np.finfo(np.float32).tiny)
_NOTHING = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True)
class CloudConfig:
    """Which points a cloud has. 24 000 of them are 384 000 bytes, which arrive best effort without a DDS profile."""

    max_points: int = setting(
        24_000,
        "Most points of the cloud. The sphere is cut into so many equal shares, and each gives its nearest point.",
        low=100,
        high=8_000_000,
    )
    range_min: float = setting(
        0.0, "Points nearer to the camera than this, in metres, are left out.", low=0.0, high=UNLIMITED_M
    )
    range_max: float = setting(
        UNLIMITED_M, "Points farther from the camera than this, in metres, are left out.", low=0.0, high=UNLIMITED_M
    )
    min_height: float = setting(
        -UNLIMITED_M,
        "Points lower than this are left out. Metres along gravity above the ground where the camera's height is "
        "known, relative to the camera otherwise; -1000 is no limit.",
        low=-UNLIMITED_M,
        high=UNLIMITED_M,
    )
    max_height: float = setting(
        UNLIMITED_M,
        "Points higher than this are left out. Metres along gravity above the ground where the camera's height is "
        "known, relative to the camera otherwise; 1000 is no limit.",
        low=-UNLIMITED_M,
        high=UNLIMITED_M,
    )
    voxel: float = setting(
        0.0,
        "Edge of the cubes, in metres, of which each keeps one point, the centroid of its own; 0 keeps all points.",
        low=0.0,
        high=10.0,
    )
    color: bool = setting(False, "Give every point the colour of its pixel (field rgb).")

    def __post_init__(self) -> None:
        if self.max_points < 1:
            raise InputError(f"max_points is at least 1, got {self.max_points}")
        if 0.0 < self.voxel < 0.01:  # a finer grid could not be counted
            raise InputError(f"voxel is 0 (off) or at least 0.01 m, got {self.voxel:g}")
        for low, high in (("range_min", "range_max"), ("min_height", "max_height")):
            below, above = getattr(self, low), getattr(self, high)
            if not below < above:
                raise InputError(f"{low} lies below {high}, got {below:g} and {above:g}")


@dataclass(frozen=True)
class Cloud:
    """Near points, metres, in a frame with x forward, y left, z up (REP 103) whose origin is the camera.

    xyzh  (N, 4) float32, contiguous: x, y, z and the height along gravity, above the ground where that is known
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

    def rotated(self, rotation: NDArray[np.floating]) -> Cloud:
        """The same points in another frame at the camera: xyz are `rotation` (3, 3) @ xyz, heights and colours stay."""
        block = np.eye(4, dtype=np.float32)
        block[:3, :3] = rotation
        # Not numpy's product, which hands even this to a pool of threads.
        return Cloud(cv2.transform(self.xyzh[None], block)[0], self.rgb) if len(self) else self


def sampled_cloud(
    depth: PanoramaDepth,
    config: CloudConfig | None = None,
    camera_height: float = 0.0,
    image: NDArray[np.uint8] | None = None,
) -> Cloud:
    """The nearest near pixel, within the limits, of each of `max_points` equal shares of the sphere that has one.

    An equirectangular image crowds its poles; the shares have the same solid angle each and are the same for every
    frame, so a still scene gives a still cloud. A share gives its nearest pixel rather than the one in its middle, so
    that no pole or cable slips through because it is thinner than a share: every pixel has a point of the cloud in its
    share that is no farther (to 0.1 %). The point lies on its own pixel's ray, so surfaces stay where they are. Where
    every pixel is wanted (`max_points` not below their number) all near pixels within the limits are given.

    `depth` is in a frame with z along gravity, as height is z plus `camera_height` (metres of the camera above the
    ground). Voxels are aligned with the same frame and give their centroids. `image` (h, w, 3) uint8, of depth's own
    shape, gives the colours where `color` is set. Raises InputError where it is missing then or has another shape.
    """
    config = config or CloudConfig()
    height, width = depth.shape
    colours = _colours(depth, image) if config.color else None
    pixels = _nearest(depth.range_m, _limits(config, height, camera_height), config.max_points)
    xyzh = np.empty((len(pixels), 4), np.float32)
    rays = np.take(_rays(height, width).reshape(-1, 3), pixels, axis=0)
    np.multiply(rays, depth.range_m.reshape(-1)[pixels, None], out=xyzh[:, :3])
    np.add(xyzh[:, 2], np.float32(camera_height), out=xyzh[:, 3])
    cloud = Cloud(xyzh, None if colours is None else np.take(colours, pixels, axis=0))
    return _centroids(cloud, config.voxel) if config.voxel > 0.0 and len(cloud) else cloud


def organised_points(depth: PanoramaDepth) -> NDArray[np.float32]:
    """Points (h, w, 3) float32 metres in the body frame, one for each pixel; nan where far or unknown."""
    range_m = np.where(depth.near, depth.range_m, np.float32(np.nan))
    return _rays(*depth.shape) * range_m[..., None]


def _colours(depth: PanoramaDepth, image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if image is None:
        raise InputError("a cloud with colour needs the image")
    if image.shape != (*depth.shape, 3):
        raise InputError(f"the colours of a {depth.shape} cloud are a {(*depth.shape, 3)} image, got {image.shape}")
    return image.reshape(-1, 3)


def _limits(config: CloudConfig, height: int, camera_height: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least and greatest range of every row, each (h, 1): along one row, a limit of height is one of range."""
    up = np.sin(panorama.elevations(height))[:, None]
    up[np.abs(up) < 1e-9] = 1e-9  # the middle one of an odd number of rows
    bottom, top = (config.min_height - camera_height) / up, (config.max_height - camera_height) / up
    least = np.maximum(np.minimum(bottom, top), max(config.range_min, _TINY))
    return least.astype(np.float32), np.minimum(np.maximum(bottom, top), config.range_max).astype(np.float32)


def _nearest(
    range_m: NDArray[np.float32], limits: tuple[NDArray[np.float32], NDArray[np.float32]], count: int
) -> NDArray[np.intp]:
    """Flat indices (n,), n <= count, in image order by share, of the nearest pixel within the limits of each share."""
    shares = _shares(*range_m.shape, count)
    # Positive floats sort like their bits; the last of these give way to the pixel's place within its share, so that
    # the least key says where it is.
    keys = np.ascontiguousarray(range_m, np.float32).view(np.uint32) & ~shares.place_bits
    keys |= shares.places
    np.copyto(keys, _NOTHING, where=~((range_m >= limits[0]) & (range_m <= limits[1])))
    rings = keys[shares.rows[0]]
    for rows in shares.rows[1:]:
        np.minimum(rings, keys[rows], out=rings)
    least = np.minimum.reduceat(rings.reshape(-1), shares.columns)
    found = least != _NOTHING
    return shares.first[found] + shares.offsets[least[found] & shares.place_bits]


@dataclass(frozen=True)
class _Shares:
    """A division of a panorama's pixels into rings of whole rows, and of every ring into equal sectors.

    rows        (k, b) rows of each of b rings, the last one again where a ring has fewer than k
    columns     (n,) first column of each share, counted through all rings
    first       (n,) flat index of the first pixel of each share
    places      (h, w) where in its share a pixel is
    offsets     what to add to `first`, by place
    place_bits  the bits that a place takes
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    first: NDArray[np.intp]
    places: NDArray[np.uint32]
    offsets: NDArray[np.intp]
    place_bits: np.uint32


@lru_cache(maxsize=4)
def _shares(height: int, width: int, count: int) -> _Shares:
    """At most `count` shares, each of 4 pi / count steradians as nearly as whole pixels go, about as wide as high."""
    rings = min(height, max(1, round(math.sqrt(0.25 * math.pi * count))))
    edges = np.rint(np.linspace(0, height, rings + 1)).astype(np.intp)
    above = 0.5 - 0.5 * np.sin((0.5 - edges / height) * np.pi)
    sectors = np.minimum(np.diff(np.rint(count * above)).astype(np.intp), width)
    if count >= height * width:
        sectors[:] = width
    starts = [-(-np.arange(k) * width // k) for k in sectors]
    rows, columns = np.zeros((height, 1), np.int64), np.zeros((height, width), np.int64)
    for top, bottom, begins in zip(edges[:-1], edges[1:], starts, strict=True):
        rows[top:bottom, 0] = np.arange(bottom - top)
        columns[top:bottom] = np.arange(width) - np.repeat(begins, np.diff([*begins, width]))
    column_bits = int(columns.max()).bit_length()
    places = (rows << column_bits) | columns
    place = np.arange(int(places.max()) + 1)
    shares = _Shares(
        rows=np.minimum(edges[:-1] + np.arange(np.diff(edges).max())[:, None], edges[1:] - 1),
        columns=np.concatenate([k * width + begins for k, begins in enumerate(starts)]),
        first=np.concatenate([top * width + begins for top, begins in zip(edges[:-1], starts, strict=True)]),
        places=places.astype(np.uint32),
        offsets=(place >> column_bits) * width + (place & ((1 << column_bits) - 1)),
        place_bits=np.uint32((1 << int(places.max()).bit_length()) - 1),
    )
    for table in (shares.rows, shares.columns, shares.first, shares.places, shares.offsets):
        table.flags.writeable = False
    return shares


@lru_cache(maxsize=4)
def _rays(height: int, width: int) -> NDArray[np.float32]:
    rays = panorama.rays(height, width)
    rays.flags.writeable = False
    return rays


def _centroids(cloud: Cloud, edge: float) -> Cloud:
    """One point for every cube of the grid that holds any: the mean of their places, heights and colours."""
    cells = np.floor(cloud.xyz.T * np.float32(1.0 / edge)).astype(np.int64)
    cells -= cells.min(1, keepdims=True)
    x, y, z = cells
    key = (z * (y.max() + 1) + y) * (x.max() + 1) + x
    order = np.argsort(key)
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    counts = np.diff(starts, append=len(key)).astype(np.float32)

    def means(values: NDArray) -> NDArray[np.float32]:
        columns = np.ascontiguousarray(np.take(values, order, axis=0).T, np.float32)
        return np.ascontiguousarray((np.add.reduceat(columns, starts, axis=1) / counts).T)

    return Cloud(means(cloud.xyzh), None if cloud.rgb is None else np.rint(means(cloud.rgb)).astype(np.uint8))
