"""Lists of image and depth pairs, a pair a line: how DAP-2M's labelled part and most benchmarks name their files.

`raw_data_0701/raw_images_panorama/panorama_7.png raw_data_0701/erp_distance_npy/erp_distance_7.npy`: paths under one
root, with or without a slash before them. DAP-2M's depth is `.npy`, metres along the ray, its sky very far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from dap_core.errors import InputError
from dap_core.io.images import read_image
from training.data.cassini import cassini_to_erp
from training.data.depth_images import read_depth
from training.data.resize import resized, resized_range
from training.data.sample import Domain, Sample


@dataclass(frozen=True)
class PairList:
    """The pairs of a list. `scale`: steps of a 16-bit depth to the metre. `cassini`: both are Cassini panoramas.

    A pair's group is the folder that its image is in. Raises InputError for a line that is not two paths.
    """

    root: Path
    file: Path
    domain: Domain = "outdoor"
    scale: float = 1000.0
    cassini: bool = False

    kind: ClassVar[str] = "list"
    labelled: ClassVar[bool] = True

    @cached_property
    def pairs(self) -> dict[str, str]:
        """Depth by image, both relative to the root."""
        try:
            lines = self.file.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the list {self.file}: {error}") from None
        pairs: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not (words := line.split()):
                continue
            if len(words) != 2:
                raise InputError(
                    f"{self.file}, line {number}: an image and its depth are wanted, got {len(words)} words"
                )
            image, depth = (word.lstrip("/") for word in words)
            if image in pairs:
                raise InputError(f"{self.file}, line {number}: {image} is listed twice")
            pairs[image] = depth
        if not pairs:
            raise InputError(f"{self.file}: an empty list")
        return pairs

    def sources(self) -> Sequence[str]:
        return list(self.pairs)

    def read(self, source: str, height: int) -> Iterator[Sample]:
        image, range_m = read_image(self.root / source), read_depth(self.root / self.pairs[source], self.scale)
        if self.cassini:
            image = cassini_to_erp(image, image.shape[1])
            range_m = cassini_to_erp(range_m, height, nearest=True)
        yield Sample(
            source, resized(image, height), resized_range(range_m, height), str(Path(source).parent), self.domain
        )
