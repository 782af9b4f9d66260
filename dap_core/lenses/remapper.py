"""Frames of a fisheye camera to equirectangular panoramas, lenses blended where they overlap."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.lenses.calibration import CameraCalibration, Lens
from dap_core.lenses.model import Floats

#: Pixels of several lenses are remapped as an image of this width: OpenCV has a limit, and rows are its unit of work.
_ROW = 256
#: Pixels that a reduced frame has to one of the panorama, about: fewer are blurred by the interpolation, more alias.
_DENSER = 1.5


class Remapper:
    """Tables that take frames (H, W, 3) uint8 of one size to panoramas (height, 2 height, 3).

    `yaw` (degrees) is that of the calibration's body frame in the panorama's: at 90 what the calibration calls forward
    appears on the left. In the overlap the lens whose cone's edge is further away shows, and within `blend` degrees of
    equality (a positive angle) both do, by weights that are continuous over the sphere.

    unknown  (height, 2 height) bool, read-only: no lens sees there; None where all is seen. The panorama shows the
             nearest lens's image there, mirrored at the edge of its cone: black would lead a network astray that has
             only seen whole panoramas

    A frame with more pixels to the radian than the panorama is first reduced by a whole factor with an area filter, so
    that nothing aliases; tables are OpenCV's fixed-point ones, of 1/32 pixel.
    """

    def __init__(self, calibration: CameraCalibration, height: int, yaw: float = 0.0, blend: float = 8.0) -> None:
        self.calibration, self.height = calibration, height
        density = calibration.pixels_per_radian
        self._factor = max(1, min(round(density * math.pi / height / _DENSER), *calibration.frame))
        body = panorama.rays(height).astype(np.float64) @ panorama.yaw_pitch_roll(yaw=math.radians(yaw))
        looks = [_look(lens, body, self._factor) for lens in calibration.lenses]
        pixels, margins = np.stack([p for p, _ in looks]), np.stack([m for _, m in looks])
        weights = _weights(margins, math.radians(blend))
        order = np.lexsort((-margins, -weights), axis=0)
        weights = np.take_along_axis(weights, order, 0)
        pixels = np.take_along_axis(pixels, order[..., None], 0)

        unseen = weights[0] <= 0.0
        self.unknown: NDArray[np.bool_] | None = unseen if unseen.any() else None
        if self.unknown is not None:
            self.unknown.flags.writeable = False
        self._first = _table(pixels[0])
        shared = weights[1] > 0.0 if len(weights) > 1 else np.zeros_like(unseen)
        # Full rows; what fills the last one is computed twice, to the same values.
        self._shared = np.resize(np.flatnonzero(shared), -(-int(shared.sum()) // _ROW) * _ROW)
        self._weights = [w.ravel()[self._shared, None].astype(np.float32) for w in weights]
        self._others = [
            _table(lens_pixels.reshape(-1, 2)[self._shared]) for lens_pixels in pixels[1:] if self._shared.size
        ]

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The panorama (height, 2 height, 3) uint8 of a frame (H, W, 3) uint8; InputError for one of another size."""
        width, height = self.calibration.frame
        if frame.shape != (height, width, 3):
            raise InputError(f"the tables are for RGB frames of {width}x{height} (width x height), got {frame.shape}")
        small, f = frame, self._factor
        if f > 1:
            rows, columns = frame.shape[0] // f, frame.shape[1] // f
            whole = frame[: rows * f, : columns * f]
            small = np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        result = _remap(small, self._first)
        if self._others:
            flat = result.reshape(-1, 3)
            mixed = flat[self._shared] * self._weights[0]
            for weight, table in zip(self._weights[1:], self._others, strict=True):
                mixed += _remap(small, table).reshape(-1, 3) * weight
            flat[self._shared] = np.rint(mixed)
        return result


def _look(lens: Lens, rays: Floats, factor: int) -> tuple[Floats, Floats]:
    """Where a lens images rays (..., 3) in the reduced frame, and the angle by which it sees more than them.

    Pixels (..., 2) are always some of the lens's own: what it does not see is mirrored at the edge of its cone, and
    drawn in to its region. The angle (...,) is not positive there.
    """
    pixels, margin = lens.see(rays)
    pixels = (pixels + 0.5) / factor - 0.5
    x, y, width, height = lens.region
    # Whole pixels of the reduced frame: none that is interpolated from holds another lens's image.
    first = np.array([-(-x // factor), -(-y // factor)])
    last = np.array([(x + width) // factor - 1, (y + height) // factor - 1])
    inside = ((pixels >= first) & (pixels <= last)).all(-1)
    return np.clip(pixels, first, np.maximum(first, last)), np.where(inside, margin, -np.abs(margin))


def _weights(margins: Floats, blend: float) -> Floats:
    """Weights (n, ...) that sum to 1, or are all 0, from the angles (n, ...) by which each lens sees more than a ray.

    Linear between two lenses, from all of the one to all of the other while their angles' difference goes from
    `blend` to -`blend`, or from one's edge to the other's where that is less.
    """
    seen = np.maximum(margins, 0.0)
    best_two = -np.sort(-seen, axis=0)[:2]
    weights = np.maximum(seen - np.maximum(0.5 * (best_two.sum(0) - blend), 0.0), 0.0)
    total = weights.sum(0)
    return weights / np.where(total > 0.0, total, 1.0)


def _table(pixels: Floats) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Fixed-point tables of pixels (h, w, 2), or of a list (n, 2) in rows of `_ROW`."""
    grid = pixels.reshape(-1, _ROW, 2) if pixels.ndim == 2 else pixels
    u, v = (np.ascontiguousarray(grid[..., i], np.float32) for i in range(2))
    return cv2.convertMaps(u, v, cv2.CV_16SC2)  # type: ignore[return-value]


def _remap(image: NDArray[np.uint8], table: tuple[NDArray[np.int16], NDArray[np.uint16]]) -> NDArray[np.uint8]:
    return np.asarray(cv2.remap(image, *table, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
