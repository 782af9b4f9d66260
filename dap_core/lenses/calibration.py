"""A camera of one or more lenses: where each images in the camera's frame, and how it is turned in the camera's body.

`CameraCalibration` is what calibration files are read into (`dap_core.lenses.calibration_file`).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.lenses.model import Floats, LensModel
from dap_core.panorama import BODY_FROM_OPTICAL, yaw_pitch_roll

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Lens:
    """One lens of a camera.

    model        its projection, in pixels of an image of `size`
    size         width and height of that image
    region       x, y, width and height of where this image is in the camera's frame; may be of another size
    rotation     rows of the rotation (3, 3) that takes its optical frame (z along the axis, x right, y down) to the
                 camera's body frame (x forward, y left, z up)
    translation  its centre in the body frame, metres. Stated, not used: from one image nothing can be moved to another
                 viewpoint, so that what is near is doubled, or cut, where two lenses meet
    fov          degrees of the cone in which its image is good; the model's own limit holds as well
    """

    model: LensModel
    size: tuple[int, int]
    region: tuple[int, int, int, int]
    rotation: Matrix
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fov: float = 360.0
    name: str = ""

    def __post_init__(self) -> None:
        r = np.asarray(self.rotation, np.float64)
        if r.shape != (3, 3) or not np.allclose(r @ r.T, np.eye(3), atol=1e-4) or np.linalg.det(r) < 0.0:
            raise InputError(f"the rotation of lens {self.name!r} is a proper 3x3 rotation matrix, got {r.tolist()}")
        if not 0.0 < self.fov <= 360.0:
            raise InputError(f"the fov of lens {self.name!r} lies between 0 and 360 degrees, got {self.fov:g}")

    @property
    def max_angle(self) -> float:
        """Half the angle of the cone in which the lens sees, radians."""
        return min(self.model.max_angle, math.radians(0.5 * self.fov))

    def see(self, rays: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Pixels (..., 2) in the camera's frame of body-frame rays (..., 3), and their angle (...,) to the cone's edge.

        The angle is in radians, negative outside of the cone; there the pixel is that of the ray mirrored at the edge
        (or of the axis). Whether a pixel lies in the region is not looked at.
        """
        x, y, z = np.moveaxis(np.asarray(rays, np.float64) @ np.asarray(self.rotation), -1, 0)
        across = np.hypot(x, y)
        angle, edge = np.arctan2(across, z), self.max_angle
        # Just inside the edge, where rounding cannot take a ray beyond it.
        inner = np.clip(2.0 * edge - angle, 0.0, (1.0 - 1e-9) * edge)
        inner = np.where(angle <= edge, angle, inner)
        # A ray along the axis has no direction about it, and its radius is 0.
        scale = np.sin(inner) / np.where(across > 0.0, across, 1.0)
        left, top, width, height = self.region
        model = self.model.resized(width / self.size[0], height / self.size[1])
        pixels = model.project(np.stack([x * scale, y * scale, np.cos(inner)], -1))
        return pixels + np.array([left, top]), edge - angle

    @property
    def pixels_per_radian(self) -> float:
        """Angular resolution on the axis, in the camera's frame."""
        scale = math.sqrt(self.region[2] * self.region[3] / (self.size[0] * self.size[1]))
        return self.model.pixels_per_radian * scale


@dataclass(frozen=True)
class CameraCalibration:
    """A camera whose `frame` (width, height, pixels) shows all of its lenses."""

    frame: tuple[int, int]
    lenses: tuple[Lens, ...]

    def __post_init__(self) -> None:
        width, height = self.frame
        if not self.lenses:
            raise InputError("a camera has at least one lens")
        for lens in self.lenses:
            x, y, w, h = lens.region
            if min(x, y) < 0 or min(w, h) < 1 or x + w > width or y + h > height:
                raise InputError(
                    f"the region of lens {lens.name!r}, {w}x{h} at ({x}, {y}), is not in the frame of {width}x{height}"
                )

    @property
    def pixels_per_radian(self) -> float:
        """Angular resolution on the axis of the coarsest lens."""
        return min(lens.pixels_per_radian for lens in self.lenses)

    def for_frame(self, width: int, height: int) -> CameraCalibration:
        """The calibration for frames of another size. Raises InputError where that has another shape."""
        if (width, height) == self.frame:
            return self
        if width < 1 or width * self.frame[1] != height * self.frame[0]:
            raise InputError(
                f"the camera is calibrated for frames of {self.frame[0]}x{self.frame[1]}, or that shape in another "
                f"size; got {width}x{height} (width x height)"
            )
        scale = width / self.frame[0]
        return CameraCalibration((width, height), tuple(_scaled(lens, scale, width, height) for lens in self.lenses))


def angles(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Matrix:
    """The rotation of a lens by its angles in the body frame (REP 103), degrees, about z, then y, then x.

    At (0, 0, 0) it looks forward with its image upright; positive yaw turns it to the left, positive pitch down,
    positive roll clockwise about its viewing direction.
    """
    return rows(yaw_pitch_roll(math.radians(yaw), math.radians(pitch), math.radians(roll)) @ BODY_FROM_OPTICAL)


def rows(matrix: NDArray[np.float64]) -> Matrix:
    """A matrix as tuples, which can be compared and hashed."""
    return tuple(tuple(float(v) for v in row) for row in matrix)


def _scaled(lens: Lens, scale: float, width: int, height: int) -> Lens:
    """The lens in a frame `scale` times as large; its region's edges are rounded, its model takes the remainder up."""
    x, y, w, h = (scale * v for v in lens.region)
    left, top, right, bottom = round(x), round(y), min(width, round(x + w)), min(height, round(y + h))
    sx, sy = w / lens.size[0], h / lens.size[1]
    model = lens.model.resized(sx, sy)
    model = dataclasses.replace(model, cx=model.cx + x - left, cy=model.cy + y - top)
    size = (max(1, right - left), max(1, bottom - top))
    return dataclasses.replace(lens, model=model, size=size, region=(left, top, *size))
