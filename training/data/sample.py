"""One panorama of a data set, with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Domain = Literal["indoor", "outdoor", "unknown"]
DOMAINS: tuple[Domain, ...] = ("indoor", "outdoor", "unknown")


@dataclass(frozen=True)
class Sample:
    """image (H, 2 H, 3) uint8 RGB; range_m (H, 2 H) float32 metres, +inf far, nan unknown, or None without a label.

    `name` is unique in its set; `group` is what it was taken from (scene, episode, video): a selection may want only so
    many of one, and a split all or none.
    """

    name: str
    image: NDArray[np.uint8]
    range_m: NDArray[np.float32] | None
    group: str
    domain: Domain


class SampleSet(Protocol):
    """Samples by number. Any number of processes may hold one."""

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...
