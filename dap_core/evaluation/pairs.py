"""A folder of panoramas with their range: `<stem>_rgb.png` beside `<stem>_depth.npz`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.images import read_image


@dataclass(frozen=True)
class Pair:
    """One panorama (H, W, 3) uint8 RGB and its range (H, W) float32 metres, nan where there is no surface."""

    name: str
    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]


def read_pairs(folder: Path) -> Iterator[Pair]:
    """Every pair of `folder`, sorted by name; the npz holds `range_m`, 0 where there is no surface.

    Raises InputError for an empty folder, a missing or damaged partner and mismatched sizes.
    """
    pictures = sorted(Path(folder).glob("*_rgb.png"))
    if not pictures:
        raise InputError(f"{folder}: no *_rgb.png with a *_depth.npz beside it")
    for picture in pictures:
        stem = picture.name.removesuffix("_rgb.png")
        depth_path = picture.with_name(f"{stem}_depth.npz")
        try:
            with np.load(depth_path) as archive:
                range_m = archive["range_m"].astype(np.float32)
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{depth_path}: not an npz archive with `range_m` ({type(error).__name__})") from None
        image = read_image(picture)
        if image.shape[:2] != range_m.shape:
            raise InputError(f"{depth_path}: range is {range_m.shape}, its image {image.shape[:2]} (rows, columns)")
        range_m[range_m <= 0] = np.nan
        yield Pair(stem, image, range_m)
