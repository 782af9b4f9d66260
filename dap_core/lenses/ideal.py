"""A dual-fisheye camera that nobody has calibrated: ideal equidistant lenses behind the circles in its frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dap_core.errors import InputError
from dap_core.lenses.calibration import CameraCalibration, Lens, angles
from dap_core.lenses.kannala_brandt import KannalaBrandt


@dataclass(frozen=True)
class Circle:
    """The image of a lens: centre and radius in pixels, and the lens's roll in degrees (see `calibration.angles`)."""

    x: float
    y: float
    radius: float
    roll: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Circle:
        """From "x y radius" or "x y radius roll". Raises InputError."""
        try:
            values = [float(word) for word in text.split()]
        except ValueError:
            values = []
        if len(values) not in (3, 4) or not all(map(math.isfinite, values)) or values[2] <= 0.0:
            raise InputError(f"a circle is 'x y radius' or 'x y radius roll', in pixels and degrees, got {text!r}")
        return cls(*values)


def ideal_calibration(frame: tuple[int, int], fov: float, circles: tuple[Circle, ...] = ()) -> CameraCalibration:
    """A camera with frames of this (width, height) whose circles are cones of `fov` degrees.

    The first circle looks forward, a second one back. Without circles they fill the halves of the frame, which is then
    twice as wide as high. Raises InputError.
    """
    width, height = frame
    if not circles:
        if height < 2 or width != 2 * height:
            raise InputError(
                f"a dual-fisheye frame without calibration or circles is twice as wide as high, got {width}x{height}"
            )
        circles = tuple(Circle((0.5 + i) * height - 0.5, 0.5 * height - 0.5, 0.5 * height) for i in range(2))
    if len(circles) > 2:
        raise InputError(f"a dual-fisheye camera has one or two circles, got {len(circles)}")
    looks = (("front", 0.0), ("back", 180.0))
    return CameraCalibration(frame, tuple(_lens(frame, fov, c, *look) for c, look in zip(circles, looks, strict=False)))


def _lens(frame: tuple[int, int], fov: float, circle: Circle, name: str, yaw: float) -> Lens:
    """A lens whose region is the square about its circle, cut to the frame."""
    left, top = max(0, math.floor(circle.x - circle.radius)), max(0, math.floor(circle.y - circle.radius))
    right = min(frame[0], math.ceil(circle.x + circle.radius) + 1)
    bottom = min(frame[1], math.ceil(circle.y + circle.radius) + 1)
    if right <= left or bottom <= top:
        raise InputError(f"the circle at ({circle.x:g}, {circle.y:g}) is not in the frame of {frame[0]}x{frame[1]}")
    size = (right - left, bottom - top)
    model = KannalaBrandt.equidistant(fov, circle.radius, circle.x - left, circle.y - top)
    return Lens(model, size, (left, top, *size), angles(yaw, roll=circle.roll), fov=fov, name=name)
