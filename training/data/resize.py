"""Panoramas and their ranges to the height of a set."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import check_image, resize_panorama


def resized(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """(height, 2 height, 3) of a panorama (H, 2 H, 3); InputError where it is none."""
    check_image(image)
    return resize_panorama(image, height)


def resized_range(range_m: NDArray[np.floating], height: int) -> NDArray[np.float32]:
    """(height, 2 height) float32 of ranges (H, 2 H), nearest: between two surfaces lies none. InputError if not 2:1."""
    if range_m.ndim != 2 or range_m.shape[1] != 2 * range_m.shape[0]:
        raise InputError(f"a range image is twice as wide as high, got shape {range_m.shape}")
    range_m = np.ascontiguousarray(range_m, np.float32)
    if range_m.shape[0] == height:
        return range_m
    return np.asarray(cv2.resize(range_m, (2 * height, height), interpolation=cv2.INTER_NEAREST_EXACT), np.float32)
