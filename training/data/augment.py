"""Augmentation of a panorama and its range: what leaves the geometry of the sphere intact."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.config import Augment


def augment(
    image: NDArray[np.uint8], range_m: NDArray[np.float32], config: Augment, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Random roll, flip (left-right) and colour of `image` (H, W, 3) uint8 and `range_m` (H, W), the same for both."""
    if config.roll:
        columns = int(rng.integers(image.shape[1]))
        image, range_m = np.roll(image, columns, 1), np.roll(range_m, columns, 1)
    if config.flip and rng.random() < 0.5:
        image, range_m = image[:, ::-1], range_m[:, ::-1]
    return colour(np.ascontiguousarray(image), config, rng), np.ascontiguousarray(range_m)


def colour(image: NDArray[np.uint8], config: Augment, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Jitter of brightness, contrast, saturation and hue, then blur and noise, on (H, W, 3) uint8."""
    x = image.astype(np.float32) / 255.0
    x *= 1.0 + config.brightness * rng.uniform(-1, 1)
    mean = x.mean()
    x = (x - mean) * (1.0 + config.contrast * rng.uniform(-1, 1)) + mean
    grey = x @ np.array([0.299, 0.587, 0.114], np.float32)
    saturation = 0.0 if rng.random() < config.grey else 1.0 + config.saturation * rng.uniform(-1, 1)
    x = grey[..., None] + (x - grey[..., None]) * saturation
    x = x @ hue_rotation(config.hue * rng.uniform(-1, 1)).T
    if rng.random() < config.blur:
        x = cv2.GaussianBlur(np.clip(x, 0, 1), (3, 3), float(rng.uniform(0.3, 1.0)), borderType=cv2.BORDER_REPLICATE)
    sigma = config.noise * rng.random() ** 2
    x += np.float32(sigma) * rng.standard_normal(x.shape, np.float32)
    return np.rint(np.clip(x, 0.0, 1.0) * 255.0).astype(np.uint8)


def hue_rotation(turns: float) -> NDArray[np.float32]:
    """(3, 3) rotation of RGB about the grey axis by `turns` of a full circle."""
    a = 2.0 * np.pi * turns
    diagonal = np.cos(a) + (1 - np.cos(a)) / 3.0
    plus, minus = ((1 - np.cos(a)) / 3.0 + s * np.sqrt(1 / 3.0) * np.sin(a) for s in (1, -1))
    return np.array([[diagonal, minus, plus], [plus, diagonal, minus], [minus, plus, diagonal]], np.float32)
