"""Contact sheets of scenes: each image over its range in colour, with its kind and seed."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.worlds.sample import Sample

NEAR_M, FAR_M = 0.3, 100.0


def range_colours(range_m: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Ranges (H, W) as colours (H, W, 3) uint8 RGB: red 0.3 m to blue 100 m on a log scale, black beyond."""
    span = np.log(FAR_M / NEAR_M)
    t = np.log(np.clip(range_m, NEAR_M, FAR_M) / NEAR_M) / span
    colours = cv2.applyColorMap((255.0 * (1.0 - t)).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    return np.where((range_m <= FAR_M)[..., None], colours, 0).astype(np.uint8)


def tile(sample: Sample, width: int) -> NDArray[np.uint8]:
    """One scene, (width + 16, width, 3): label, image, range."""
    size = (width, width // 2)
    image = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA)
    colours = cv2.resize(range_colours(sample.range_m), size, interpolation=cv2.INTER_NEAREST)
    label = np.full((16, width, 3), 255, np.uint8)
    text = f"{sample.kind}  {sample.seed}  h {sample.camera_height:.2f}"
    cv2.putText(label, text, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([label, image, colours])


def sheet(tiles: Sequence[NDArray[np.uint8]], columns: int, gap: int = 6) -> NDArray[np.uint8]:
    """Tiles of one size side by side, row by row, on white."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    out = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for k, one in enumerate(tiles):
        y, x = gap + k // columns * (height + gap), gap + k % columns * (width + gap)
        out[y : y + height, x : x + width] = one
    return out
