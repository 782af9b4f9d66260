"""A panorama's values at another size: how predictions and ground truth of different resolutions meet."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def resize_nearest(values: NDArray, height: int) -> NDArray:
    """(h, 2 h) to (height, 2 height) by the nearest pixel centre."""
    h, w = values.shape
    v = ((np.arange(height) + 0.5) * h / height).astype(np.int64)
    u = ((np.arange(2 * height) + 0.5) * w / (2 * height)).astype(np.int64)
    return values[np.ix_(v, u)]


def resize_linear(values: NDArray[np.float32], height: int) -> NDArray[np.float32]:
    """(h, 2 h) to (height, 2 height), linear and circular in azimuth; nan spreads to the pixels that touch it."""
    h, w = values.shape
    u = ((np.arange(2 * height) + 0.5) * w / (2 * height) + 0.5).astype(np.float32)
    v = ((np.arange(height) + 0.5) * h / height - 0.5).clip(0, h - 1).astype(np.float32)
    wrapped = np.concatenate([values[:, -1:], values, values[:, :1]], 1)
    columns, lines = np.meshgrid(u, v)
    return np.asarray(cv2.remap(wrapped, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
