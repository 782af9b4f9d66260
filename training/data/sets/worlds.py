"""The procedural worlds as data sets: rendered into shards, or straight from a store that makes them on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dap_core.errors import InputError
from training.data.sample import Domain, Sample
from training.worlds import indoor
from training.worlds.store import WorldsStore

LOOKS = ("synthetic", "real-like")


def domain_of(kind: str) -> Domain:
    """Whether a kind of world is indoors."""
    return "indoor" if kind in indoor.KINDS else "outdoor"


@dataclass(frozen=True)
class Worlds:
    """Scenes `seed` to `seed` + `count` - 1 of one look, `synthetic` (`worlds.sample`) or `real-like`
    (`worlds.real_like`).

    Without `labels` the ranges are not kept: the set stands for real panoramas, whose ranges nobody knows. Scenes of
    different seeds have nothing in common, nor have the two looks of one.
    """

    count: int
    seed: int = 0
    look: str = "synthetic"
    labels: bool = True
    device: str = "cpu"

    kind: ClassVar[str] = "worlds"

    def __post_init__(self) -> None:
        if self.look not in LOOKS:
            raise InputError(f"worlds look {' or '.join(LOOKS)}, got {self.look!r}")
        if self.count < 1 or self.seed < 0:
            raise InputError(f"at least one scene from a seed of 0 or more, got {self.count} from {self.seed}")

    @property
    def labelled(self) -> bool:
        return self.labels

    def sources(self) -> Sequence[str]:
        return [str(self.seed + number) for number in range(self.count)]

    def read(self, source: str, height: int) -> Iterator[Sample]:
        from training.worlds.real_like import make_real_like
        from training.worlds.sample import make_sample

        make = make_sample if self.look == "synthetic" else make_real_like
        made = make(int(source), height, self.device)
        label = made.range_m if self.labels else None
        yield Sample(f"{source} {made.kind}", made.image, label, source, domain_of(made.kind))


class StoreSet:
    """The first `count` scenes of a store as a set of samples; what is missing is rendered when it is drawn."""

    def __init__(self, store: WorldsStore, count: int) -> None:
        self.store, self.count = store, count

    @property
    def name(self) -> str:
        """Where the store is."""
        return str(self.store.folder)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        image, range_m, kind = self.store[index]
        return Sample(f"{index} {kind}", image, range_m, str(index), domain_of(kind))
