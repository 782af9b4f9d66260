"""Labels of a prepared set by some labeler, in shards of their own: one beside each shard of images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from training.data.prepared import PreparedSet
from training.data.range_code import decode_label, encode_label
from training.data.sample import Sample
from training.data.shards import Record, Shard, file_sha256, is_finished, write_shard


class LabelledSet:
    """A prepared set whose ranges are those that a labeler gave.

    `labeler` is the sha256 of the labeler's checkpoint; its labels lie in `folder`/<the first 16 digits> (by default
    under `labels` of the set). `discriminator` is the sha256 of what gave the scores, where they matter. `missing` says
    which shards are still to be labelled and `write` labels one; samples can be read once all are there. Raises
    InputError for labels that are missing, truncated, of another labeler, scored by another discriminator, or of images
    that have changed since.
    """

    def __init__(
        self, images: PreparedSet, labeler: str, folder: str | Path | None = None, discriminator: str | None = None
    ) -> None:
        if len(labeler) < 16 or set(labeler) - set("0123456789abcdef"):
            raise InputError(f"a labeler is known by its sha256 in hex, got {labeler!r}")
        self.images, self.labeler, self.discriminator = images, labeler, discriminator
        self.folder = (Path(folder) if folder is not None else images.folder / "labels") / labeler[:16]
        self._open: dict[int, Shard] = {}

    @property
    def name(self) -> str:
        """The set's name, and whose labels these are."""
        return f"{self.images.name} by {self.labeler[:8]}"

    def __len__(self) -> int:
        return len(self.images)

    def path(self, shard: int) -> Path:
        """The tar of a shard's labels."""
        return self.folder / f"labels-{shard:05d}.tar"

    def missing(self) -> list[int]:
        """Shards without whole labels of this labeler (and scores of this discriminator), in order."""
        return [k for k in range(len(self.images.shards)) if not self._done(k)]

    def is_intact(self, shard: int) -> bool:
        """Whether a shard's labels are not missing, and the tar has the hash that it was written with."""
        return self._done(shard) and file_sha256(self.path(shard)) == self._labels(shard).about["sha256"]

    def range_m(self, index: int) -> NDArray[np.float32]:
        """The label of a sample alone, (H, 2 H) metres."""
        number, position = self.images.place(index)
        shard = self._labels(number)
        return decode_label(shard.read(position, "range.png"), f"{shard.path}: sample {position}")

    def write(
        self, shard: int, ranges_m: Iterable[NDArray[np.floating]], scores: Iterable[float] | None = None
    ) -> None:
        """Label a shard: (H, 2 H) metres for each of its samples in order, +inf far, nan unknown, and maybe a score."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = [entry["name"] for entry in self.images.shards[shard].entries()]
        ranges_m, marks = iter(ranges_m), iter([None] * len(names) if scores is None else scores)

        def records() -> Iterator[Record]:
            for name in names:
                range_m, score = next(ranges_m, None), next(marks, None)
                if range_m is None or (score is None and scores is not None):
                    raise InputError(f"{self.path(shard)}: {len(names)} labels are wanted, got fewer")
                about = {"name": name} | ({} if score is None else {"score": float(score)})
                yield Record({"range.png": encode_label(range_m)}, about)
            if next(ranges_m, None) is not None:
                raise InputError(f"{self.path(shard)}: {len(names)} labels are wanted, got more")

        write_shard(self.path(shard), records(), self._about(shard))
        self._open.pop(shard, None)

    def scores(self) -> NDArray[np.float64]:
        """The score of every sample, nan where it has none."""
        shards = map(self._labels, range(len(self.images.shards)))
        return np.array([entry.get("score", np.nan) for shard in shards for entry in shard.entries()], np.float64)

    def scored_by(self) -> str:
        """The sha256 of the discriminator that gave all the scores; InputError where none did, or several."""
        found = {str(self._labels(k).about.get("discriminator", "")) for k in range(len(self.images.shards))}
        if len(found) != 1 or "" in found:
            what = "no scores" if found <= {""} else "not all their scores from one discriminator"
            raise InputError(f"{self.folder}: these labels have {what}; label the set with one discriminator")
        return found.pop()

    def check(self) -> None:
        """InputError for the first shard whose labels are not whole and this labeler's."""
        for number in range(len(self.images.shards)):
            self._labels(number)

    def __getitem__(self, index: int) -> Sample:
        return dataclasses.replace(self.images[index], range_m=self.range_m(index))

    def _about(self, shard: int) -> dict[str, str]:
        about = {"labeler": self.labeler, "images": self.images.shards[shard].about["sha256"]}
        return about if self.discriminator is None else {**about, "discriminator": self.discriminator}

    def _done(self, number: int) -> bool:
        path = self.path(number)
        return is_finished(path) and self._about(number).items() <= Shard(path).about.items()

    def _labels(self, number: int) -> Shard:
        if number not in self._open:
            labels, images = Shard(self.path(number)), self.images.shards[number]
            if labels.about.get("labeler") != self.labeler:
                theirs = str(labels.about.get("labeler"))[:16]
                raise InputError(f"{labels.path} was labelled by {theirs}, asked for {self.labeler[:16]}")
            if labels.about.get("images") != images.about["sha256"] or len(labels) != len(images):
                raise InputError(f"{labels.path} labels other images than {images.path} holds; label them again")
            if self.discriminator is not None and labels.about.get("discriminator") != self.discriminator:
                theirs = str(labels.about.get("discriminator"))[:16]
                raise InputError(f"{labels.path} was scored by {theirs}, asked for {self.discriminator[:16]}")
            self._open[number] = labels
        return self._open[number]
