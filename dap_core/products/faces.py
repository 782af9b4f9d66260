"""Pinhole faces of a panorama: image, depth along z (REP 118) and intrinsics, for what only knows pinhole cameras."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth, check_image
from dap_core.settings import setting

#: Yaw and pitch (degrees, REP 103: positive pitch looks down) that turn the camera's axes into the face's.
ORIENTATIONS = {
    "front": (0.0, 0.0),
    "left": (90.0, 0.0),
    "back": (180.0, 0.0),
    "right": (-90.0, 0.0),
    "up": (0.0, -90.0),
    "down": (0.0, 90.0),
}

#: Steps per pixel in which cv2.remap interpolates.
_STEPS = 32

#: What breaks ties between pixels the same way for every face, above the rounding of a coordinate.
_TIE = 1e-6


@dataclass(frozen=True)
class FacesConfig:
    """Which pinhole views are cut from the panorama, and how large they are."""

    names: tuple[str, ...] = setting(
        ("front", "left", "back", "right"),
        "The pinhole views, any of front, left, back, right, up and down: front looks along the camera's x axis, the "
        "next three are turned to the left by 90, 180 and 270 degrees, up and down are the front view pitched by 90.",
        "configure",
        choices=tuple(ORIENTATIONS),
    )
    size: int = setting(256, "Width and height of every face in pixels.", low=16, high=2048)
    fov: float = setting(
        90.0,
        "Horizontal and vertical field of view of every face in degrees; 90 makes neighbours meet edge to edge.",
        low=10.0,
        high=150.0,
    )

    def __post_init__(self) -> None:
        twice = [name for i, name in enumerate(self.names) if name in self.names[:i]]
        if twice:
            raise InputError(f"every face is named once, got {twice[0]} twice")


@dataclass(frozen=True)
class Face:
    """One square pinhole view from the camera's own position.

    name  of `ORIENTATIONS`
    size  pixels
    fov   degrees between the outer edges of the outermost pixels
    """

    name: str
    size: int
    fov: float

    def __post_init__(self) -> None:
        if self.name not in ORIENTATIONS:
            raise InputError(f"a face is one of {', '.join(ORIENTATIONS)}, got {self.name!r}")
        if self.size < 1 or not 0.0 < self.fov < 180.0:
            raise InputError(
                f"a face has a positive size and a field of view between 0 and 180 degrees, "
                f"got {self.size} pixels and {self.fov:g} degrees"
            )

    @property
    def camera_from_face(self) -> NDArray[np.float64]:
        """See the function of that name."""
        return camera_from_face(self.name)

    @property
    def camera_from_optical(self) -> NDArray[np.float64]:
        """(3, 3) rotation of the face's optical axes (REP 103: x right, y down, z forward) into the camera's body."""
        return self.camera_from_face @ panorama.BODY_FROM_OPTICAL

    @property
    def K(self) -> NDArray[np.float64]:
        """(3, 3) intrinsic matrix in pixels, principal point at (size - 1) / 2, no distortion; CameraInfo's K."""
        return panorama.pinhole_intrinsics(self.size, np.radians(self.fov))

    @property
    def P(self) -> NDArray[np.float64]:
        """(3, 4) projection matrix [K | 0]; CameraInfo's P, with the identity for R."""
        return np.hstack([self.K, np.zeros((3, 1))])


def camera_from_face(name: str) -> NDArray[np.float64]:
    """(3, 3) rotation of a face's body axes (x along its optical axis, z its image's up) into the camera's."""
    yaw, pitch = ORIENTATIONS[name]
    # Quarter turns: rounding makes the zeros exact.
    return np.rint(panorama.yaw_pitch_roll(np.radians(yaw), np.radians(pitch))) + 0.0


def faces_of(config: FacesConfig) -> tuple[Face, ...]:
    """The faces that are wanted, in the order of their names."""
    return tuple(Face(name, config.size, config.fov) for name in config.names)


def face_depth(depth: PanoramaDepth, face: Face) -> NDArray[np.float32]:
    """Depth along the face's optical axis (REP 118), (size, size) float32 metres: +inf far, nan unknown, never 0.

    Every value is the range of the panorama's nearest pixel, so no point is invented between two surfaces: the point
    that REP 118 gives, (u - cx) z / fx, (v - cy) z / fy, z, has that pixel's range and lies off that pixel's ray by at
    most half a pixel in azimuth and in elevation, together sqrt(2) pi / W radians for a panorama of W columns.
    """
    range_m = np.ascontiguousarray(depth.range_m, np.float32)
    z = range_m.reshape(-1).take(_nearest(*range_m.shape, face))
    z *= _z_factor(face.size, face.fov)
    unsound = z <= 0
    if unsound.any():
        z[unsound] = np.nan
    return z


def face_image(image: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """What the face sees of a panorama (H, 2 H, 3) uint8 of any size: (size, size, 3) uint8, bilinear.

    A panorama much finer than the face is first halved by `face_source`; for several faces of a size, do that once.
    Raises InputError where the image is not an 8-bit RGB panorama.
    """
    source = face_source(image, face)
    height = len(source)
    coordinates, fractions, over_pole = _bilinear(height, face)
    if over_pole:
        # Past a pole lies the same row, half a turn away.
        source = np.concatenate([np.roll(source[:1], height, axis=1), source, np.roll(source[-1:], height, axis=1)])
    seen = cv2.remap(source, coordinates, fractions, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(seen, np.uint8)


def face_source(image: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """The panorama (H, 2 H, 3) uint8, halved until bilinear sampling of the face does not alias.

    A face is coarsest at its centre, f pixels per radian, and finer by 1 + tan^2 towards its edges. With the panorama
    at f (1 + tan(fov / 2)) the error against the mean over every pixel's footprint is least (measured on photographs
    with 60, 90 and 120 degrees); the halving that comes nearest to it is taken. Raises InputError as `face_image`.
    """
    check_image(image)
    wanted = np.pi * face.K[0, 0] * (1.0 + np.tan(np.radians(0.5 * face.fov)))
    # Divisible by 4, so that a quarter turn stays whole columns.
    while len(image) > np.sqrt(2.0) * wanted and len(image) % 4 == 0:
        image = np.asarray(cv2.resize(image, (len(image), len(image) // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return image


def _coordinates(height: int, face: Face) -> NDArray[np.float64]:
    rays = panorama.pinhole_rays(face.size, np.radians(face.fov))
    return panorama.project(rays @ face.camera_from_optical.T, height)


@lru_cache(maxsize=16)
def _nearest(height: int, width: int, face: Face) -> NDArray[np.intp]:
    """Flat index (size, size) of the panorama's pixel that every pixel of the face looks at."""
    panorama.check_erp_shape(height, width)
    u, v = np.moveaxis(np.floor(_coordinates(height, face) + 0.5 + _TIE).astype(np.intp), -1, 0)
    table = np.clip(v, 0, height - 1) * width + u % width
    table.flags.writeable = False
    return table


@lru_cache(maxsize=4)
def _z_factor(size: int, fov: float) -> NDArray[np.float32]:
    factor = panorama.pinhole_z_factor(size, np.radians(fov)).astype(np.float32)
    factor.flags.writeable = False
    return factor


@lru_cache(maxsize=16)
def _bilinear(height: int, face: Face) -> tuple[NDArray[np.int16], NDArray[np.uint16], bool]:
    """cv2.remap's fixed-point maps, and whether the panorama needs a row beyond each pole for them."""
    uv = np.floor(_coordinates(height, face) * _STEPS + 0.5 + _TIE) / _STEPS
    over_pole = bool(uv[..., 1].min() < 0 or uv[..., 1].max() > height - 1)
    uv[..., 1] += over_pole
    u, v = np.moveaxis(uv.astype(np.float32), -1, 0)
    maps = cv2.convertMaps(u, v, cv2.CV_16SC2)
    coordinates, fractions = np.asarray(maps[0], np.int16), np.asarray(maps[1], np.uint16)
    coordinates.flags.writeable = fractions.flags.writeable = False
    return coordinates, fractions, over_pole
