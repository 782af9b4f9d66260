"""Structured3D (Zheng et al., ECCV 2020): 21,835 panoramas of 3,500 furnished designs, rendered, with depth.

`scene_<id>/2D_rendering/<room>/panorama/<full|simple|empty>/rgb_<raw|cold|warm>light.png` and `depth.png` beside it: 16
bits, millimetres along the ray, 0 where nothing was read. As extracted from the published archives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from dap_core.errors import InputError
from dap_core.io.images import read_image
from training.data.depth_images import read_depth
from training.data.resize import resized, resized_range
from training.data.sample import Sample

#: The published splits, by the number of the scene.
SPLITS = {
    "train": range(0, 3000),
    "validation": range(3000, 3250),
    "test": range(3250, 3500),
    "all": range(0, 1_000_000),
}
FURNITURE = ("full", "simple", "empty")
LIGHT = ("raw", "cold", "warm")


@dataclass(frozen=True)
class Structured3D:
    """The rooms of a split in one furnishing and light.

    `exclude` is a file of names to leave out, one a line, `scene_00123` or `scene_00123_room_456`, `#` for comments:
    the data set's own `errata.txt`. InputError for a folder without scenes, an unknown split, furnishing or light.
    """

    root: Path
    split: str = "train"
    furniture: str = "full"
    light: str = "raw"
    exclude: Path | None = None

    kind: ClassVar[str] = "structured3d"
    labelled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name, choices in (("split", tuple(SPLITS)), ("furniture", FURNITURE), ("light", LIGHT)):
            if getattr(self, name) not in choices:
                raise InputError(f"{name} of Structured3D is one of {', '.join(choices)}, got {getattr(self, name)!r}")

    def sources(self) -> Sequence[str]:
        left_out = self._left_out()
        found = []
        for scene in sorted(self.root.glob("scene_*")):
            number = scene.name.removeprefix("scene_")
            if not number.isdigit() or int(number) not in SPLITS[self.split] or scene.name in left_out:
                continue
            for panorama in sorted(scene.glob(f"2D_rendering/*/panorama/{self.furniture}")):
                room = panorama.parent.parent.name
                if f"{scene.name}_room_{room}" not in left_out:
                    found.append(f"{scene.name}/{room}")
        if not found:
            raise InputError(f"no {self.furniture} panoramas of the {self.split} split of Structured3D in {self.root}")
        return found

    def read(self, source: str, height: int) -> Iterator[Sample]:
        scene, room = source.split("/")
        folder = self.root / scene / "2D_rendering" / room / "panorama" / self.furniture
        image = read_image(folder / f"rgb_{self.light}light.png")
        range_m = read_depth(folder / "depth.png", scale=1000.0)
        if image.shape[:2] != range_m.shape:
            raise InputError(f"{folder}: image and depth differ in size")
        label = resized_range(range_m, height)
        if not np.isfinite(label).any():
            raise InputError(f"{folder}/depth.png: no reading in it")
        yield Sample(source, resized(image, height), label, scene, "indoor")

    def _left_out(self) -> set[str]:
        if self.exclude is None:
            return set()
        try:
            lines = self.exclude.read_text().splitlines()
        except OSError as error:
            raise InputError(f"cannot read {self.exclude}: {error.strerror}") from None
        return {line.strip() for line in lines if line.strip() and not line.startswith("#")}
