"""Equirectangular (ERP) geometry in numpy: rays, solid angles, roll, rotation, pinhole faces.

Conventions, everywhere in this project (REP 103 body frame: x forward, y left, z up):

* an ERP image is (H, W, ...), W = 2 H, row 0 is up, the centre column looks forward;
* azimuth = (0.5 - (u + 0.5) / W) * 2 pi, counter-clockwise seen from above;
* elevation = (0.5 - (v + 0.5) / H) * pi;
* ray = (cos e cos a, cos e sin a, sin e); depth is Euclidean range along that ray, in metres.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

Interpolation = Literal["linear", "nearest"]


def check_erp_shape(height: int, width: int) -> None:
    """Raise InputError unless (height, width) is a non-empty 2:1 panorama."""
    if height <= 0 or width != 2 * height:
        raise InputError(f"an equirectangular panorama is twice as wide as high, got {width}x{height} (width x height)")


def azimuths(width: int) -> NDArray[np.float64]:
    """Azimuth of every column's centre, (W,), radians, decreasing from just under pi to just over -pi."""
    return (0.5 - (np.arange(width) + 0.5) / width) * (2.0 * np.pi)


def elevations(height: int) -> NDArray[np.float64]:
    """Elevation of every row's centre, (H,), radians, from just under pi/2 (up) to just over -pi/2 (down)."""
    return (0.5 - (np.arange(height) + 0.5) / height) * np.pi


def rays(height: int, width: int | None = None) -> NDArray[np.float32]:
    """Unit rays through the pixel centres, (H, W, 3) float32, in the body frame."""
    width = 2 * height if width is None else width
    a, e = azimuths(width)[None, :], elevations(height)[:, None]
    xyz = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.broadcast_to(np.sin(e), (height, width))], -1)
    return xyz.astype(np.float32)


def solid_angles(height: int, width: int | None = None) -> NDArray[np.float64]:
    """Solid angle of one pixel in every row, (H,), steradians; W times their sum is exactly 4 pi."""
    width = 2 * height if width is None else width
    edges = np.sin((0.5 - np.arange(height + 1) / height) * np.pi)
    return (edges[:-1] - edges[1:]) * (2.0 * np.pi / width)


def fibonacci_directions(count: int) -> NDArray[np.float64]:
    """`count` unit vectors (count, 3) in the body frame, from the zenith down, spread evenly over the sphere.

    The Fibonacci lattice: z in equal steps, so that each stands for 4 pi / count steradians, and azimuth by the golden
    angle, so that neighbours lie about sqrt(4 pi / count) radians apart.
    """
    i = np.arange(count)
    z = 1.0 - (2.0 * i + 1.0) / count
    azimuth = i * (np.pi * (3.0 - np.sqrt(5.0)))
    radius = np.sqrt(1.0 - z * z)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], -1)


def project(points: NDArray[np.floating], height: int, width: int | None = None) -> NDArray[np.float64]:
    """Continuous pixel coordinates (u, v) of body-frame points or rays (..., 3); pixel centres are integers.

    u lies in [-0.5, W - 0.5), v in [-0.5, H - 0.5]. The inverse of `rays` up to length.
    """
    width = 2 * height if width is None else width
    x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    a, e = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
    u = np.mod(0.5 - a / (2.0 * np.pi), 1.0) * width - 0.5
    v = (0.5 - e / np.pi) * height - 0.5
    return np.stack([u, v], -1)


def roll(image: NDArray, columns: int) -> NDArray:
    """The panorama after the camera turned left (counter-clockwise) by `columns` pixels; exact.

    What was at azimuth a is then at a - columns * 2 pi / W: content moves to the right.
    """
    return np.roll(image, columns, axis=1)


def sample(image: NDArray, uv: NDArray[np.floating], interpolation: Interpolation = "linear") -> NDArray:
    """Values of an ERP image (H, W[, C]) at continuous pixel coordinates (..., 2).

    Circular in azimuth and continued over the poles (past the top row lies the top row half a turn away). Use
    "nearest" for range images: interpolating across a depth edge invents points that do not exist. uint8 in,
    uint8 out (rounded); floating types are kept.
    """
    height, width = image.shape[:2]
    check_erp_shape(height, width)
    u, v = np.asarray(uv[..., 0], np.float64), np.asarray(uv[..., 1], np.float64)

    def texel(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray:
        over = (rows < 0) | (rows >= height)
        rows = np.where(rows < 0, -1 - rows, np.where(rows >= height, 2 * height - 1 - rows, rows))
        return image[rows, (columns + np.where(over, width // 2, 0)) % width]

    if interpolation == "nearest":
        return texel(np.rint(v).astype(np.int64), np.rint(u).astype(np.int64))
    v0, u0 = np.floor(v).astype(np.int64), np.floor(u).astype(np.int64)
    shape = v.shape + (1,) * (image.ndim - 2)
    fv, fu = (v - v0).reshape(shape), (u - u0).reshape(shape)
    top = texel(v0, u0) * (1 - fu) + texel(v0, u0 + 1) * fu
    bottom = texel(v0 + 1, u0) * (1 - fu) + texel(v0 + 1, u0 + 1) * fu
    value = top * (1 - fv) + bottom * fv
    return np.rint(value).astype(image.dtype) if image.dtype.kind in "ui" else value.astype(image.dtype)


def rotate(image: NDArray, rotation: NDArray[np.floating], interpolation: Interpolation = "linear") -> NDArray:
    """The panorama that the same camera would see after being rotated.

    `rotation` (3, 3) takes directions of the new camera frame to the old one: the new pixel with ray r shows what the
    old panorama has at `rotation @ r`. Range images keep their values, since range does not depend on orientation.
    """
    r = np.asarray(rotation, np.float64)
    if r.shape != (3, 3) or not np.allclose(r @ r.T, np.eye(3), atol=1e-6) or np.linalg.det(r) < 0:
        raise ValueError("rotation must be a proper 3x3 rotation matrix")
    height, width = image.shape[:2]
    return sample(image, project(rays(height, width) @ r.T, height, width), interpolation)


def yaw_pitch_roll(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """Rotation matrix Rz(yaw) Ry(pitch) Rx(roll), radians, in the body frame (REP 103: positive pitch looks down)."""
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    rz = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rx = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return rz @ ry @ rx


#: Columns are a camera optical frame's axes (z forward, x right, y down; REP 103) in the body frame.
BODY_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def pinhole_intrinsics(size: int, fov: float) -> NDArray[np.float64]:
    """K (3, 3) of a square pinhole image of `size` pixels with field of view `fov` (radians, below pi)."""
    if size <= 0 or not 0.0 < fov < np.pi:
        raise ValueError(f"a face needs a positive size and a field of view in (0, pi), got {size} and {fov}")
    f = 0.5 * size / np.tan(0.5 * fov)
    c = 0.5 * (size - 1)
    return np.array([[f, 0.0, c], [0.0, f, c], [0.0, 0.0, 1.0]])


def pinhole_rays(size: int, fov: float) -> NDArray[np.float64]:
    """Rays (size, size, 3) of a pinhole face in its optical frame, scaled to z = 1."""
    k = pinhole_intrinsics(size, fov)
    x = (np.arange(size) - k[0, 2]) / k[0, 0]
    return np.stack([*np.meshgrid(x, x), np.ones((size, size))], -1)


def to_pinhole(
    image: NDArray,
    size: int,
    fov: float,
    rotation: NDArray[np.floating] | None = None,
    interpolation: Interpolation = "linear",
) -> NDArray:
    """Pinhole view (size, size[, C]) of an ERP image.

    `rotation` (3, 3) takes the face's body directions (x along its optical axis) to the panorama's body frame;
    the default looks forward. A range image stays range: multiply by `pinhole_z_factor` for depth along z (REP 118).
    """
    height, width = image.shape[:2]
    body_from_face = BODY_FROM_OPTICAL if rotation is None else np.asarray(rotation) @ BODY_FROM_OPTICAL
    return sample(image, project(pinhole_rays(size, fov) @ body_from_face.T, height, width), interpolation)


def pinhole_z_factor(size: int, fov: float) -> NDArray[np.float64]:
    """z of the unit ray through every pixel of a face, (size, size): z-depth = range * factor."""
    return 1.0 / np.linalg.norm(pinhole_rays(size, fov), axis=-1)


def from_pinhole(
    face: NDArray[np.floating], fov: float, height: int, rotation: NDArray[np.floating] | None = None
) -> NDArray[np.floating]:
    """Nearest-pixel ERP image (height, 2 height[, C]) of one pinhole face; nan where the face does not look.

    The inverse of `to_pinhole` up to resampling, with the same `rotation`.
    """
    size = face.shape[0]
    k = pinhole_intrinsics(size, fov)
    body_from_face = BODY_FROM_OPTICAL if rotation is None else np.asarray(rotation) @ BODY_FROM_OPTICAL
    x, y, z = np.moveaxis(rays(height) @ body_from_face, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = k[0, 0] * x / z + k[0, 2], k[1, 1] * y / z + k[1, 2]
    seen = (z > 0) & (np.abs(u - k[0, 2]) <= 0.5 * size) & (np.abs(v - k[1, 2]) <= 0.5 * size)
    columns = np.clip(np.rint(np.where(seen, u, 0)), 0, size - 1).astype(np.int64)
    rows = np.clip(np.rint(np.where(seen, v, 0)), 0, size - 1).astype(np.int64)
    values = face[rows, columns].astype(np.result_type(face.dtype, np.float32))
    values[~seen] = np.nan
    return values
