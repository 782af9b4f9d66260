"""Deep360 (Li et al., ECCV 2022), its testing frames: 600, rendered, outdoor, in Cassini projection.

Layout: `ep<1-6>_500frames/testing/rgb/<frame>_12_rgb1.png` (the first camera as rectified with the second) and
`.../depth/<frame>_depth.npz` (`arr_0`, metres). Both are Cassini images, 1024 rows of 512 columns, and are resampled to
equirectangular ones. DAP's evaluation interpolates range, where this takes the nearest pixel and invents no points; on
ten rendered scenes taken to Cassini and back that moved AbsRel from 0.4252 to 0.4271 and delta1 by less than 0.0005.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.datasets.depth_formats import read_depth
from dap_core.evaluation.datasets.list_files import entries_or
from dap_core.evaluation.datasets.sample import Dataset, Entry, checked, name_of
from dap_core.io.images import read_image
from dap_core.panorama import Interpolation, rays

PUBLISHED = 600

_IMAGE_END, _DEPTH_END = "_12_rgb1.png", "_depth.npz"


def open_deep360(root: Path, list_file: Path | None = None, unit_m: float | None = None) -> Dataset:
    """The testing frames of all episodes under `root`, or what `list_file` names."""
    root = checked(root, "Deep360 (ep1_500frames, ...)")
    frames = {p.parent.parent / p.name.removesuffix(_IMAGE_END) for p in root.glob(f"ep*/testing/rgb/*{_IMAGE_END}")}
    frames |= {p.parent.parent / p.name.removesuffix(_DEPTH_END) for p in root.glob(f"ep*/testing/depth/*{_DEPTH_END}")}
    found = []
    for frame in frames:
        image = frame.parent / "rgb" / f"{frame.name}{_IMAGE_END}"
        found.append(Entry(name_of(image, root), image, frame.parent / "depth" / f"{frame.name}{_DEPTH_END}"))
    unit = np.float32(1.0 if unit_m is None else unit_m)

    def read_range(path: Path) -> NDArray[np.float32]:
        values = cassini_to_equirectangular(_cassini(read_depth(path), path), "nearest")
        return np.where(values > 0, values * unit, np.float32(np.nan))

    return Dataset(
        "deep360",
        "testing frames, Cassini to equirectangular",
        entries_or(list_file, root, found, f"ep*_500frames/testing/rgb/*{_IMAGE_END}, or a list file (--list)"),
        read_range,
        lambda path: cassini_to_equirectangular(_cassini(read_image(path), path), "linear"),
        scanned=False,
        published=PUBLISHED,
    )


def cassini_to_equirectangular(cassini: NDArray, interpolation: Interpolation) -> NDArray:
    """A Cassini image (2 n, n[, C]) as an equirectangular one (n, 2 n[, C]) in the body frame.

    Rows of a Cassini image are the angle about the left axis, from straight behind over the zenith, forward and the
    nadir back to behind; columns the angle from the left (first) to the right (last).
    """
    height, width = cassini.shape[:2]
    x, y, z = np.moveaxis(rays(width, 2 * width).astype(np.float64), -1, 0)
    row = (0.5 - np.arctan2(z, x) / (2.0 * np.pi)) * height - 0.5
    column = (0.5 - np.arcsin(np.clip(y, -1.0, 1.0)) / np.pi) * width - 0.5
    # One row of the other end on either side: the first and the last row are neighbours.
    wrapped = np.concatenate([cassini[-1:], cassini, cassini[:1]], 0)
    if interpolation == "nearest":
        rows = np.rint(row).astype(np.int64) + 1
        return wrapped[rows, np.clip(np.rint(column).astype(np.int64), 0, width - 1)]
    maps = column.astype(np.float32), (row + 1.0).astype(np.float32)
    return cv2.remap(wrapped, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _cassini(array: NDArray, path: Path) -> NDArray:
    height, width = array.shape[:2]
    if height != 2 * width:
        raise InputError(f"{path}: a Cassini image is twice as high as wide, got {width}x{height} (width x height)")
    return array
