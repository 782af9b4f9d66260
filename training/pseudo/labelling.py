"""Labelling a set: its shards dealt by rank, no word between the ranks, each shard written beside and renamed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dap_core.errors import InputError
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256
from training.pseudo.discriminator import PatchDiscriminator, load_discriminator
from training.pseudo.labeler import Labeler, chosen_device
from training.pseudo.progress import Progress, silent

#: A range image (H, W) in metres, and its score.
Label = tuple[NDArray[np.float32], float]


def label_set(
    images: PreparedSet,
    labeler: Path,
    folder: Path,
    discriminator: Path | None = None,
    rank: int = 0,
    world: int = 1,
    batch: int = 8,
    device: str = "auto",
    progress: Progress = silent,
) -> LabelledSet | None:
    """Label this rank's shards of `images` that are not labelled; the whole set once all ranks' are, else None.

    Shard k is rank k % world's. A shard is done when its index names this labeler, these images and (where one is
    given) this discriminator, and the tar has the hash in it; anything else is labelled anew. Labels that are whole but
    for the scores are scored, not computed again. Panoramas go through the networks `batch` at a time, counted from
    the first of a shard, so labels do not depend on how the shards were dealt, nor on where a killed run stopped.

    `progress` is told samples. Raises InputError for a bad rank, checkpoint or shard, and where the disk is full; what
    was finished is kept.
    """
    if not 0 <= rank < world:
        raise InputError(f"ranks of {world} processes are 0 to {world - 1}, got {rank}")
    if batch < 1:
        raise InputError(f"a batch has at least 1 panorama, got {batch}")
    for path in (labeler, *([discriminator] if discriminator else [])):
        if not path.is_file():
            raise InputError(f"no checkpoint {path}")
    judge = None if discriminator is None else file_sha256(discriminator)
    labels = LabelledSet(images, file_sha256(labeler), folder, judge)
    mine = range(rank, len(images.shards), world)
    total = sum(len(images.shards[k]) for k in mine)
    networks = _Networks(labeler, discriminator, device)
    what, done = f"labels of {images.name}", 0
    progress(what, done, total)

    def counted(results: Iterable[Label]) -> Iterator[Label]:
        nonlocal done
        for result in results:
            yield result
            done += 1
            progress(what, done, total)

    for number in mine:
        if labels.is_intact(number):
            done += len(images.shards[number])
            progress(what, done, total)
            continue
        ranges, scores = itertools.tee(counted(networks.labels(labels, number, batch)))
        labels.write(number, (r for r, _ in ranges), None if judge is None else (score for _, score in scores))
    return None if labels.missing() else labels


class _Networks:
    """Labeler and discriminator, each loaded when it is first needed."""

    def __init__(self, labeler: Path, discriminator: Path | None, device: str) -> None:
        self._paths, self._device = (labeler, discriminator), device

    @cached_property
    def labeler(self) -> Labeler:
        return Labeler(self._paths[0], self._device)

    @cached_property
    def discriminator(self) -> PatchDiscriminator | None:
        path = self._paths[1]
        return None if path is None else load_discriminator(path).to(chosen_device(self._device))

    def labels(self, labels: LabelledSet, number: int, batch: int) -> Iterator[Label]:
        """The labels of a shard, computed, or read where only their scores are wanting."""
        unscored = LabelledSet(labels.images, labels.labeler, labels.folder.parent)
        return self._batches(unscored, number, batch, unscored.is_intact(number))

    def _batches(self, labels: LabelledSet, number: int, batch: int, read: bool) -> Iterator[Label]:
        first, end = (int(k) for k in labels.images.ends[number : number + 2])
        for start in range(first, end, batch):
            indices = range(start, min(start + batch, end))
            if read:
                ranges = torch.from_numpy(np.stack([labels.range_m(k) for k in indices]))
            else:
                ranges = self.labeler(torch.from_numpy(np.stack([labels.images[k].image for k in indices])))
            yield from zip(ranges.numpy(), self.scores(ranges), strict=True)

    @torch.no_grad()
    def scores(self, ranges: Tensor) -> list[float]:
        """Of each map; nan without a discriminator."""
        if self.discriminator is None:
            return [math.nan] * len(ranges)
        device = next(self.discriminator.parameters()).device
        return [float(score) for score in self.discriminator.score(ranges.to(device))]
