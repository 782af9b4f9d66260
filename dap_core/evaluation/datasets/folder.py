"""A plain folder of panoramas with their range: your own data.

An image and its range share a stem, with or without an ending: `hall.jpg` and `hall.npy`, `hall_rgb.png` and
`hall_depth.npz`; or a name, in folders side by side: `rgb/0001.png` and `depth/0001.png`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.datasets.depth_formats import DEPTH_SUFFIXES, read_depth
from dap_core.evaluation.datasets.list_files import entries_or
from dap_core.evaluation.datasets.sample import Dataset, Entry, Sample, checked, name_of
from dap_core.io.images import IMAGE_SUFFIXES

IMAGE_ENDINGS = ("_rgb", "_image", "_color", "")
DEPTH_ENDINGS = ("_depth", "_range", "_distance", "_gt", "")
IMAGE_FOLDERS = ("rgb", "images", "image", "color")
DEPTH_FOLDERS = ("depth", "depths", "range", "ranges", "distance", "gt")

_EXPECTED = (
    "images beside ranges of one stem (hall.jpg and hall.npy, hall_rgb.png and hall_depth.npz), or rgb/ and depth/"
)


def open_folder(
    root: Path, list_file: Path | None = None, unit_m: float | None = None, zero_is_far: bool = False
) -> Dataset:
    """The pairs of a folder, or what `list_file` names.

    Range is in metres unless `unit_m` says otherwise; a 16-bit PNG needs it said. +inf is far; 0, negative and nan are
    unknown, or far too (0 as sky) with `zero_is_far`.
    """
    root = checked(root, "panoramas and their range")
    entries = entries_or(list_file, root, list(_pairs(root)), _EXPECTED)
    if unit_m is None and (png := next((e.depth for e in entries if e.depth.suffix.lower() == ".png"), None)):
        raise InputError(f"{png}: what is a step of this PNG? say --unit mm, cm, or metres of a step such as 1/512")
    unit = np.float32(1.0 if unit_m is None else unit_m)
    zero = np.float32(np.inf if zero_is_far else np.nan)

    def read_range(path: Path) -> NDArray[np.float32]:
        values = read_depth(path) * unit
        return np.where(values > 0, values, np.where(values == 0, zero, np.float32(np.nan)))

    layout = f"folder, {unit:g} m a step, 0 is {'far' if zero_is_far else 'unknown'}"
    return Dataset("folder", layout, entries, read_range)


def read_pairs(root: Path) -> Iterator[Sample]:
    """Every pair of a folder in metres, 0 unknown; InputError for the first that cannot be read."""
    dataset = open_folder(root)
    yield from map(dataset.load, dataset.entries)


def _pairs(root: Path) -> Iterator[Entry]:
    files = sorted(p for p in root.iterdir() if p.is_file() and not p.name.startswith("."))
    depths = {key: p for p in files if (key := _key(p, DEPTH_SUFFIXES, DEPTH_ENDINGS, beside=True)) is not None}
    taken = set(depths.values())
    images = {
        key: p
        for p in files
        if p not in taken and (key := _key(p, IMAGE_SUFFIXES, IMAGE_ENDINGS, beside=False)) is not None
    }
    image_folder = depth_folder = root
    if not depths:
        image_folder = next((root / n for n in IMAGE_FOLDERS if (root / n).is_dir()), root)
        depth_folder = next((root / n for n in DEPTH_FOLDERS if (root / n).is_dir()), root)
        if root in (image_folder, depth_folder):
            return
        images = _by_stem(image_folder, IMAGE_SUFFIXES, IMAGE_ENDINGS)
        depths = _by_stem(depth_folder, DEPTH_SUFFIXES, DEPTH_ENDINGS)
    # What has no partner stays in: a file that is gone is a panorama that was not measured, and is listed as such.
    for key in images.keys() | depths.keys():
        image = images.get(key, image_folder / f"{key}.*")
        yield Entry(key, image, depths.get(key, depth_folder / f"{key}.*"))


def _key(path: Path, suffixes: tuple[str, ...] | frozenset[str], endings: tuple[str, ...], beside: bool) -> str | None:
    """The stem without its ending, or None for a file of another kind; `beside` images a PNG is range if it says so."""
    if path.suffix.lower() not in suffixes:
        return None
    ending = next(e for e in endings if path.stem.endswith(e))
    if beside and not ending and path.suffix.lower() == ".png":
        return None
    return path.stem.removesuffix(ending) if ending else path.stem


def _by_stem(folder: Path, suffixes: tuple[str, ...] | frozenset[str], endings: tuple[str, ...]) -> dict[str, Path]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            stem = name_of(path, folder)
            ending = next(e for e in endings if stem.endswith(e))
            found[stem.removesuffix(ending) if ending else stem] = path
    return found
