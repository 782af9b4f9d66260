"""Deep360 (Li et al., ECCV 2022): 3,000 frames of outdoor scenes, as Cassini panoramas of four cameras, with depth.

`ep<k>_500frames/<training|validation|testing>/rgb/<frame>_12_rgb1.png` is camera 1, for which
`../depth/<frame>_depth.npz` holds metres along the ray. The reference evaluates on exactly these pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dap_core.errors import InputError
from dap_core.io.images import read_image
from training.data.cassini import cassini_to_erp
from training.data.depth_images import read_depth
from training.data.resize import resized
from training.data.sample import Sample

SPLITS = ("training", "validation", "testing")
PAIR_SUFFIX = "_12_rgb1.png"


@dataclass(frozen=True)
class Deep360:
    """The frames of camera 1 of a split, turned to equirectangular; with `soiled`, those with dirt on the lens."""

    root: Path
    split: str = "training"
    soiled: bool = False

    kind: ClassVar[str] = "deep360"
    labelled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(f"split of Deep360 is one of {', '.join(SPLITS)}, got {self.split!r}")

    def sources(self) -> Sequence[str]:
        folder = "rgb_soiled" if self.soiled else "rgb"
        found = sorted(self.root.glob(f"ep*/{self.split}/{folder}/*{PAIR_SUFFIX}"))
        if not found:
            raise InputError(f"no ep*/{self.split}/{folder}/*{PAIR_SUFFIX} of Deep360 in {self.root}")
        return [path.relative_to(self.root).as_posix() for path in found]

    def read(self, source: str, height: int) -> Iterator[Sample]:
        path = self.root / source
        frame = path.name.removesuffix(PAIR_SUFFIX)
        image = read_image(path)
        range_m = read_depth(path.parent.parent / "depth" / f"{frame}_depth.npz")
        # The picture is turned at its own resolution and then reduced, so that nothing aliases.
        upright = resized(cassini_to_erp(image, image.shape[1]), height)
        yield Sample(source, upright, cassini_to_erp(range_m, height, nearest=True), source.split("/")[0], "outdoor")
