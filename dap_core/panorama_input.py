"""From what a 360-degree camera sends to an equirectangular panorama that covers the sphere.

What the camera does not see is marked as unknown and filled with its mirrored surroundings: a network that has only
seen whole panoramas goes astray where parts are black, also in the rest of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import resize_panorama
from dap_core.lenses.calibration import CameraCalibration
from dap_core.lenses.calibration_file import read_calibration
from dap_core.lenses.ideal import Circle, ideal_calibration
from dap_core.lenses.remapper import Remapper
from dap_core.panorama import check_erp_shape
from dap_core.settings import setting

#: Tables for so many sizes of images and panoramas are kept.
_KEPT = 4


@dataclass(frozen=True)
class InputConfig:
    """What the camera's images are."""

    projection: str = setting(
        "equirectangular",
        "Projection of the incoming images: equirectangular (360 degrees wide, see top and bottom for its height), or "
        "dual_fisheye (the circles of the camera's lenses in one image).",
        "configure",
        choices=("equirectangular", "dual_fisheye"),
    )
    calibration: str = setting(
        "",
        "YAML file with the calibration of a dual_fisheye camera (of one or more lenses): this package's form, a "
        "Kalibr camera chain or a camodocal camera. Empty: ideal equidistant lenses, see fov and circles.",
        "configure",
    )
    fov: float = setting(
        190.0,
        "Degrees that each circle of a dual_fisheye camera without calibration shows; wrong by some degrees, things "
        "are doubled or missing where the lenses meet.",
        low=90.0,
        high=300.0,
    )
    circles: tuple[str, ...] = setting(
        (),
        "Circles of a dual_fisheye camera without calibration, the forward and the backward lens's, each 'x y radius' "
        "or 'x y radius roll' in pixels and degrees (roll: clockwise about the viewing direction). Empty: the left and "
        "the right half of the image.",
    )
    blend: float = setting(
        8.0,
        "Degrees over which the images of two lenses are blended in the middle of their overlap. What is near the "
        "camera is doubled there.",
        low=0.1,
        high=90.0,
    )
    yaw: float = setting(
        0.0,
        "Yaw of the image in the camera's body frame in degrees, counter-clockwise seen from above: 90 when the middle "
        "of the image (of a dual_fisheye camera: the forward lens) looks to the left.",
        low=-360.0,
        high=360.0,
    )
    top: float = setting(
        90.0,
        "Elevation in degrees of the upper edge of an equirectangular image; 90 where it reaches the zenith.",
        low=-90.0,
        high=90.0,
    )
    bottom: float = setting(
        -90.0,
        "Elevation in degrees of the lower edge of an equirectangular image; -90 where it reaches the nadir.",
        low=-90.0,
        high=90.0,
    )

    def __post_init__(self) -> None:
        if self.top - self.bottom < 1.0:
            raise InputError(
                f"top lies at least 1 degree above bottom, got top {self.top:g} and bottom {self.bottom:g}"
            )
        if self.projection == "dual_fisheye":
            if (self.top, self.bottom) != (90.0, -90.0):
                raise InputError("top and bottom are for the projection equirectangular; a lens has its fov")
            if self.calibration and self.circles:
                raise InputError("circles are for a dual_fisheye camera without calibration")
            if len(self.circles) > 2:
                raise InputError(f"a dual_fisheye camera has one or two circles, got {len(self.circles)}")
            for circle in self.circles:
                Circle.parse(circle)
        elif self.calibration or self.circles:
            raise InputError("calibration and circles are for the projection dual_fisheye")

    @property
    def covers_sphere(self) -> bool:
        """Whether an equirectangular image has the usual shape, 2:1."""
        return (self.top, self.bottom) == (90.0, -90.0)


class PanoramaInput:
    """A camera's images to panoramas, by an `InputConfig`; reads its calibration file when it is made (InputError).

    Tables for a size are made at its first image, and kept.
    """

    def __init__(self, config: InputConfig) -> None:
        self.config = config
        self._from_file = read_calibration(config.calibration) if config.calibration else None
        self._circles = tuple(Circle.parse(text) for text in config.circles)
        self._remapper = lru_cache(maxsize=_KEPT)(self._make_remapper)

    def check_shape(self, height: int, width: int) -> None:
        """Raise InputError unless the camera's images can have this size."""
        c = self.config
        if c.projection == "dual_fisheye":
            self._calibration(height, width)
        elif c.covers_sphere:
            check_erp_shape(height, width)
        elif height < 1 or width < 2 or not 0.5 <= (width / 360.0) / (height / (c.top - c.bottom)) <= 2.0:
            raise InputError(
                f"an image from {c.bottom:g} to {c.top:g} degrees of elevation with square pixels is about "
                f"{max(1, round(width * (c.top - c.bottom) / 360.0))} pixels high at a width of {width}, got {height}"
            )

    def natural_height(self, height: int, width: int) -> int:
        """Height of the panorama whose pixels on the horizon are as large as those of an image of this size."""
        if self.config.projection == "equirectangular":
            return max(2, width // 2)
        return max(2, round(math.pi * self._calibration(height, width).pixels_per_radian))

    def panorama(
        self, image: NDArray[np.uint8], height: int | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """The panorama (height, 2 height, 3) uint8 of an image (H, W, 3) uint8, and (height, 2 height) bool of what is
        unknown in it, read-only, None where nothing is. Without `height`: at the image's own resolution.

        What is unknown shows its mirrored surroundings. `yaw` turns an equirectangular image by whole columns, the
        nearest, before it is resized, so that directions are right to half a column of the image and nothing is
        blurred; its upper and lower edge are taken at its nearest rows in the same way. A fisheye frame is resampled
        with its exact yaw. Raises InputError.
        """
        if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise InputError(f"an image is a (H, W, 3) uint8 RGB array, got {got}")
        rows, columns = image.shape[:2]
        self.check_shape(rows, columns)
        size = self.natural_height(rows, columns) if height is None else height
        c = self.config
        if c.projection == "dual_fisheye":
            remapper = self._remapper(rows, columns, size)
            return remapper(image), remapper.unknown
        turned = _turned(image, c.yaw)
        return (resize_panorama(turned, size), None) if c.covers_sphere else _padded(turned, size, c.top, c.bottom)

    def _calibration(self, height: int, width: int) -> CameraCalibration:
        if self._from_file is not None:
            return self._from_file.for_frame(width, height)
        return ideal_calibration((width, height), self.config.fov, self._circles)

    def _make_remapper(self, rows: int, columns: int, height: int) -> Remapper:
        return Remapper(self._calibration(rows, columns), height, self.config.yaw, self.config.blend)


def _turned(image: NDArray[np.uint8], yaw: float) -> NDArray[np.uint8]:
    """The panorama after its azimuths have grown by `yaw` degrees, to the nearest column."""
    left = round(yaw / 360.0 * image.shape[1]) % image.shape[1]
    return image if left == 0 else np.concatenate([image[:, left:], image[:, :left]], axis=1)


def _padded(
    image: NDArray[np.uint8], height: int, top: float, bottom: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """A band between two elevations (degrees) as a panorama, and what of that is unknown.

    Known are the panorama's rows that lie wholly in the band.
    """
    row = 180.0 / height
    first, last = math.ceil((90.0 - top) / row - 1e-6), math.floor((90.0 - bottom) / row + 1e-6)
    if last <= first:
        raise InputError(
            f"the band from {bottom:g} to {top:g} degrees of elevation fills no row of a panorama {height} pixels high"
        )
    pixels = image.shape[0] / (top - bottom)
    upper = min(max(round((top - 90.0 + first * row) * pixels), 0), image.shape[0] - 1)
    lower = max(round((top - 90.0 + last * row) * pixels), upper + 1)
    band = _resized(image[upper:lower], last - first, 2 * height)
    # Mirrored, not black: see the module's docstring.
    padded = cv2.copyMakeBorder(band, first, height - last, 0, 0, cv2.BORDER_REFLECT)
    return np.asarray(padded), _outside(height, first, last)


def _resized(image: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """A band all around, resized: area filter down, linear and circular up."""
    if image.shape[0] >= rows and image.shape[1] >= columns:
        return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA))
    divisor = gcd(image.shape[1], columns)
    margin, scaled = image.shape[1] // divisor, columns // divisor
    wrapped = np.concatenate([image[:, -margin:], image, image[:, :margin]], axis=1)
    wide = cv2.resize(wrapped, (columns + 2 * scaled, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide[:, scaled:-scaled])


@lru_cache(maxsize=_KEPT)
def _outside(height: int, first: int, last: int) -> NDArray[np.bool_] | None:
    if (first, last) == (0, height):
        return None
    unknown = np.ones((height, 2 * height), bool)
    unknown[first:last] = False
    unknown.flags.writeable = False
    return unknown
