"""Cassini panoramas (Deep360's): the sphere unrolled about the camera's left-right axis, twice as high as wide.

Column is the angle to the left, asin(y), from +90 degrees to -90; row the angle about y in the plane of x and z,
atan2(z, x), from +180 degrees (behind) over the zenith, forward and the nadir to -180; both at pixel centres.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.panorama import rays


@lru_cache(maxsize=4)
def _maps(height: int, source: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Columns and rows (height, 2 height) of a Cassini image of shape `source` with a margin of one pixel."""
    x, y, z = np.moveaxis(rays(height).astype(np.float64), -1, 0)
    column = (0.5 - np.arcsin(np.clip(y, -1.0, 1.0)) / np.pi) * source[1] - 0.5
    row = (0.5 - np.arctan2(z, x) / (2.0 * np.pi)) * source[0] - 0.5
    return (column + 1.0).astype(np.float32), (np.mod(row + 0.5, source[0]) + 0.5).astype(np.float32)


def cassini_to_erp(image: NDArray, height: int, nearest: bool = False) -> NDArray:
    """The equirectangular panorama (height, 2 height[, C]) of a Cassini image (2 N, N[, C]) of any dtype.

    Bilinear, across the image's own seam and poles too; nearest for ranges. InputError for another shape.
    """
    rows, columns = image.shape[:2]
    if rows != 2 * columns or rows < 4:
        raise InputError(f"a Cassini panorama is twice as high as wide, got {columns}x{rows} (width x height)")
    image = np.concatenate([image[-1:], image, image[:1]])
    # Past the left pole lies the same column, half a turn about the axis away.
    turned = np.roll(image[1:-1], rows // 2, 0)
    turned = np.concatenate([turned[-1:], turned, turned[:1]])
    image = np.concatenate([turned[:, :1], image, turned[:, -1:]], 1)
    column, row = _maps(height, (rows, columns))
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return np.asarray(cv2.remap(image, column, row, how, borderMode=cv2.BORDER_REPLICATE))
