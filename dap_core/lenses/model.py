"""What every fisheye lens model has in common: rays to pixels, pixels to rays, and how far the lens sees.

Optical frame (REP 103): z along the lens's axis, x right, y down in its image. A ray at the angle theta from the axis
is imaged at `radius(theta)` from the principal point, in the plane of focal length 1, in the ray's own direction about
the axis; a model may distort that plane, and fx, fy, cx, cy take it to pixels, whose centres are integers.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

Floats = NDArray[np.float64]
M = TypeVar("M", bound="LensModel")


@dataclass(frozen=True)
class LensModel(ABC):
    """A central lens; focal lengths and principal point in pixels. Raises InputError for parameters without sense."""

    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise InputError(f"{field.name} is a finite number, got {value}")
        if self.fx <= 0.0 or self.fy <= 0.0:
            raise InputError(f"focal lengths are positive numbers of pixels, got fx {self.fx:g} and fy {self.fy:g}")

    @property
    @abstractmethod
    def max_angle(self) -> float:
        """Radians from the axis up to which every pixel has one ray; what lies beyond is not imaged."""

    @abstractmethod
    def radius(self, angle: Floats) -> Floats:
        """Distance from the principal point, in focal lengths, of rays at `angle` radians from the axis."""

    @abstractmethod
    def angle(self, radius: Floats) -> Floats:
        """The inverse of `radius`; nan where no ray up to `max_angle` has that radius."""

    def distort(self, plane: Floats) -> Floats:
        """Points (..., 2) of the plane of focal length 1 where the real lens images them; by default the same."""
        return plane

    def undistort(self, plane: Floats) -> Floats:
        """The inverse of `distort`; nan where there is none."""
        return plane

    @property
    def pixels_per_radian(self) -> float:
        """Angular resolution on the axis."""
        small = 1e-4
        return math.sqrt(self.fx * self.fy) * float(self.radius(np.array(small))) / small

    def project(self, rays: NDArray[np.floating]) -> Floats:
        """Pixels (..., 2) of rays or points (..., 3) in the optical frame; nan beyond `max_angle`."""
        x, y, z = np.moveaxis(np.asarray(rays, np.float64), -1, 0)
        across = np.hypot(x, y)
        angle = np.arctan2(across, z)
        angle = np.where((angle <= self.max_angle) & (across + np.abs(z) > 0.0), angle, np.nan)
        # On the axis the direction about it is arbitrary, and the radius 0.
        scale = self.radius(angle) / np.where(across > 0.0, across, 1.0)
        plane = self.distort(np.stack([x * scale, y * scale], -1))
        return plane * (self.fx, self.fy) + (self.cx, self.cy)

    def unproject(self, pixels: NDArray[np.floating]) -> Floats:
        """Unit rays (..., 3) in the optical frame of pixels (..., 2); nan where the lens images nothing."""
        plane = (np.asarray(pixels, np.float64) - (self.cx, self.cy)) / (self.fx, self.fy)
        x, y = np.moveaxis(self.undistort(plane), -1, 0)
        radius = np.hypot(x, y)
        angle = self.angle(radius)
        scale = np.sin(angle) / np.where(radius > 0.0, radius, 1.0)
        return np.stack([x * scale, y * scale, np.cos(angle)], -1)

    def resized(self: M, x: float, y: float) -> M:
        """The same lens in an image that is `x` times as wide and `y` times as high."""
        return dataclasses.replace(
            self, fx=self.fx * x, fy=self.fy * y, cx=(self.cx + 0.5) * x - 0.5, cy=(self.cy + 0.5) * y - 0.5
        )
