"""What every data set gives: panoramas with their range, and one line about each that cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.datasets.unit_check import WrongUnit, doubt_about_unit
from dap_core.io.images import read_image


@dataclass(frozen=True)
class Entry:
    """One panorama of a data set: its name, and where its image and its range are (whether or not they exist)."""

    name: str
    image: Path
    depth: Path


@dataclass(frozen=True)
class Sample:
    """One panorama (H, W, 3) uint8 RGB with its range (H, W) float32: metres along the ray, +inf where it is known that
    there is no surface or none near enough to measure, nan where nothing is known."""

    name: str
    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]


@dataclass(frozen=True)
class Dataset:
    """A list of entries and the way to read them.

    name        as on the command line
    layout      which packaging was found, in words
    entries     in a fixed order
    read_range  file to (H, W) float32 with `Sample`'s contract; raises InputError
    read_image  file to (H, W, 3) uint8 RGB; raises InputError
    scanned     range comes from a scanner: what lies beyond a protocol's limit may be a mirror or a window, and is left
                out; of rendered data it is known to be far
    published   panoramas in the published test split; 0 where there is none
    check_unit  look at every range for signs of a wrong unit
    """

    name: str
    layout: str
    entries: tuple[Entry, ...]
    read_range: Callable[[Path], NDArray[np.float32]]
    read_image: Callable[[Path], NDArray[np.uint8]] = read_image
    scanned: bool = True
    published: int = 0
    check_unit: bool = True

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def complete(self) -> bool:
        """Whether this is as many panoramas as the published split has."""
        return bool(self.published) and len(self.entries) == self.published

    def first(self, count: int) -> Dataset:
        """The same with the first `count` entries only."""
        return replace(self, entries=self.entries[:count])

    def load(self, entry: Entry) -> Sample:
        """Read one entry; InputError, in one line, where a file is missing, damaged, or not what it should be."""
        for what, path in (("image", entry.image), ("range", entry.depth)):
            if not path.is_file():
                raise InputError(f"{entry.name}: its {what} is missing: {path}")
        image, range_m = self.read_image(entry.image), self.read_range(entry.depth)
        if image.shape[:2] != range_m.shape:
            raise InputError(
                f"{entry.depth}: range is {_size(range_m)}, its image {_size(image)} (width x height); they must agree"
            )
        height, width = range_m.shape
        if height < 2 or width != 2 * height:
            raise InputError(f"{entry.image}: a panorama is twice as wide as high, got {width}x{height}")
        if not (range_m > 0).any():
            raise InputError(f"{entry.depth}: not one pixel has a range")
        if self.check_unit and (doubt := doubt_about_unit(range_m)):
            raise WrongUnit(f"{entry.depth}: {doubt}")
        return Sample(entry.name, image, range_m)


def checked(root: Path, what: str) -> Path:
    """The folder as a Path; InputError where there is none."""
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"no folder {root} with {what}")
    return root


def name_of(path: Path, root: Path) -> str:
    """A file's name in reports: its place under `root` without the suffix."""
    try:
        return path.relative_to(root).with_suffix("").as_posix()
    except ValueError:
        return path.with_suffix("").as_posix()


def _size(array: NDArray) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
