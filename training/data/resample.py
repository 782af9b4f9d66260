"""Bringing a panorama and its range to another resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def downsample(
    image: NDArray[np.uint8], range_m: NDArray[np.float32], height: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Image by area, range by the lower median of each block: every value is one that was measured, no mixed edges.

    `image` (H, W, 3) and `range_m` (H, W) with H a multiple of `height`.
    """
    if image.shape[0] == height:
        return image, range_m
    factor, rest = divmod(image.shape[0], height)
    if rest:
        raise ValueError(f"cannot bring {image.shape[0]} rows to {height}: not a multiple")
    small = np.asarray(cv2.resize(image, (2 * height, height), interpolation=cv2.INTER_AREA), np.uint8)
    blocks = range_m.reshape(height, factor, 2 * height, factor).swapaxes(1, 2).reshape(height, 2 * height, -1)
    return small, np.partition(blocks, (factor * factor - 1) // 2, axis=-1)[..., (factor * factor - 1) // 2]
