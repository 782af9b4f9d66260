"""A shard: a plain tar of encoded samples, and an index beside it that makes every one of them a single read.

The tar is what `tar tf`, webdataset and other tools expect: `000012.jpg`, `000012.range.png`, `000012.json`. The index
is written last, so a shard with an index is a whole shard.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

FORMAT = 1
BLOCK = 512


@dataclass(frozen=True)
class Record:
    """One sample's encoded parts by suffix (`jpg`, `range.png`) and what the index says of it."""

    parts: Mapping[str, bytes]
    about: Mapping[str, Any] = field(default_factory=dict)


def write_shard(path: Path, records: Iterable[Record], about: Mapping[str, Any]) -> dict[str, Any]:
    """Write the tar `path` (.tar) and its index (.json); returns the index. The same records give the same bytes.

    `about` goes into the index as it is. A killed writer leaves no index, and `is_finished` is False. Raises InputError
    where the disk is full or the folder cannot be written.
    """
    for stale in path.parent.glob(f".{path.stem}-*"):
        stale.unlink(missing_ok=True)
    samples: list[dict[str, Any]] = []
    try:
        path.with_suffix(".json").unlink(missing_ok=True)
        with written_beside(path) as beside:
            with tarfile.open(beside, "w", format=tarfile.USTAR_FORMAT) as tar:
                for number, record in enumerate(records):
                    at = {}
                    described = json.dumps(dict(record.about), sort_keys=True).encode()
                    for suffix, data in {**record.parts, "json": described}.items():
                        member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                        member.size = len(data)
                        at[suffix] = [tar.offset + BLOCK, len(data)]
                        tar.addfile(member, io.BytesIO(data))
                    samples.append({"at": at, **record.about})
            digest, size = file_sha256(beside), beside.stat().st_size
        index = {"format": FORMAT, **about, "bytes": size, "sha256": digest, "samples": samples}
        with written_beside(path.with_suffix(".json")) as beside:
            beside.write_text(json.dumps(index, sort_keys=True))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    return index


def file_sha256(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_finished(path: Path) -> bool:
    """Whether the index of the tar `path` is there, and the tar as long as it says."""
    try:
        index = json.loads(path.with_suffix(".json").read_text())
        return bool(index["format"] == FORMAT and path.stat().st_size == index["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


class Shard:
    """A shard on disk, by the path of its tar: `about`, what was written beside the samples, and where each part lies.

    Raises InputError, one line that names the file, where the shard is missing, truncated, or of another format.
    """

    def __init__(self, path: Path) -> None:
        index = _read_index(path)
        found = path.stat().st_size if path.exists() else 0
        if found != index["bytes"]:
            what = "is missing" if not found else f"has {found} bytes, its index says {index['bytes']}"
            raise InputError(f"{path} {what}; delete {path.with_suffix('.json').name} and make it again")
        samples = index.pop("samples")
        self.path, self.about, self._count = path, index, len(samples)
        self._at: dict[str, NDArray[np.int64]] = {}
        for number, sample in enumerate(samples):
            for suffix, place in sample["at"].items():
                self._at.setdefault(suffix, np.full((len(samples), 2), -1, np.int64))[number] = place

    def __len__(self) -> int:
        return self._count

    def entries(self) -> list[dict[str, Any]]:
        """What the index says of every sample, read anew: names are not kept in memory."""
        entries: list[dict[str, Any]] = _read_index(self.path)["samples"]
        return entries

    def read(self, number: int, suffix: str) -> bytes:
        """One part of one sample; InputError where it lacks it or the tar has become shorter."""
        offset, size = self._at[suffix][number] if suffix in self._at else (-1, 0)
        if offset < 0:
            raise InputError(f"{self.path}: sample {number} has no {suffix}")
        try:
            with self.path.open("rb", buffering=0) as file:
                data = os.pread(file.fileno(), int(size), int(offset))
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from None
        if len(data) != size:
            raise InputError(f"{self.path}: sample {number} is cut short; delete the index and make the shard again")
        return data

    def described(self, number: int) -> dict[str, Any]:
        """What the index says of one sample."""
        data = self.read(number, "json")
        try:
            described: dict[str, Any] = json.loads(data)
        except ValueError:
            raise InputError(f"{self.path}: sample {number} is damaged; make the shard again") from None
        return described

    def verify(self) -> None:
        """Compare the tar with its hash; InputError where it differs."""
        if file_sha256(self.path) != self.about["sha256"]:
            raise InputError(f"{self.path}: its bytes have changed since it was written; make it again")


def _read_index(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    try:
        index: dict[str, Any] = json.loads(beside.read_text())
        known, _, samples = index["format"] == FORMAT, int(index["bytes"]), index["samples"]
    except FileNotFoundError:
        raise InputError(f"{path}: no such shard, or an unfinished one; run the command that makes it again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{beside}: damaged index ({type(error).__name__}); delete it and make it again") from None
    if not known or not isinstance(samples, list):
        raise InputError(f"{beside}: an index of format {index['format']}, this program reads {FORMAT}")
    return index
