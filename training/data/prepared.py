"""A prepared data set: a folder of shards with a manifest, every sample by its number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.io.images import decode_image
from training.data.range_code import decode_label
from training.data.sample import Sample
from training.data.shards import FORMAT, Shard

MANIFEST = "set.json"


def shard_path(folder: Path, number: int) -> Path:
    """The tar of a shard."""
    return folder / f"shard-{number:05d}.tar"


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Begin a set, or check that the one in `folder` was begun the same way; InputError otherwise."""
    path = folder / MANIFEST
    wanted = json.loads(json.dumps({"format": FORMAT, **manifest}))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}") from None
    if not path.exists():
        with written_beside(path) as beside:
            beside.write_text(json.dumps(wanted, indent=1, sort_keys=True) + "\n")
        return
    found = read_manifest(folder)
    differing = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if differing:
        key = differing[0]
        raise InputError(
            f"{folder} was begun with {key} = {found.get(key)!r}, now it is {wanted.get(key)!r}; give another folder"
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a set; InputError where there is none."""
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{folder} is not a prepared data set: no {MANIFEST}; see dap data prepare") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: damaged manifest ({type(error).__name__})") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{path}: not a manifest of format {FORMAT}")
    return found


@dataclass(frozen=True)
class About:
    """What the index says of a sample, without its pixels."""

    name: str
    group: str
    domain: str


class PreparedSet:
    """A whole prepared set; `set[i]` is a `Sample` at the set's own height.

    Opening reads every shard's index and compares sizes, and raises InputError with one line for the first that is
    missing, unfinished or truncated. Holds 16 bytes for each part of a sample, no file and no name.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        self.height, self.labelled = int(self.manifest["height"]), bool(self.manifest["labelled"])
        self.shards = [Shard(shard_path(self.folder, k)) for k in range(int(self.manifest["shards"]))]
        self.ends: NDArray[np.int64] = np.cumsum([0, *map(len, self.shards)])

    @property
    def name(self) -> str:
        """The set's name, for reports."""
        return str(self.manifest["name"])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def place(self, index: int) -> tuple[int, int]:
        """Which shard sample `index` is in, and which of its samples it is."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.folder} has samples 0 to {len(self) - 1}, asked for {index}")
        shard = int(np.searchsorted(self.ends, index, "right")) - 1
        return shard, index - int(self.ends[shard])

    def about(self) -> Iterator[About]:
        """Of every sample, in order."""
        for shard in self.shards:
            yield from (About(entry["name"], entry["group"], entry["domain"]) for entry in shard.entries())

    def __getitem__(self, index: int) -> Sample:
        number, position = self.place(index)
        shard = self.shards[number]
        about = shard.described(position)
        where = f"{shard.path}: {about['name']}"
        image = decode_image(shard.read(position, "jpg"), where)
        range_m = decode_label(shard.read(position, "range.png"), where) if self.labelled else None
        return Sample(about["name"], image, range_m, about["group"], about["domain"])


class Subset:
    """Some samples of a set, by their numbers, in that order."""

    def __init__(self, whole: Any, indices: NDArray[np.integer]) -> None:
        self.whole, self.indices = whole, np.asarray(indices, np.int64)
        if self.indices.size and not (self.indices.min() >= 0 and self.indices.max() < len(whole)):
            raise InputError(f"{whole.name} has {len(whole)} samples, a selection names {self.indices.max()}")

    @property
    def name(self) -> str:
        """The whole set's name."""
        return str(self.whole.name)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        sample: Sample = self.whole[int(self.indices[index])]
        return sample
