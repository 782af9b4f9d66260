"""Batches of a mixture of sets, as a pure function of (seed, step); each process takes its part of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from dap_core.errors import InputError
from training.config import Augment
from training.data.augment import augment
from training.data.loading import Batch, step_loader
from training.data.mixture import Mixture
from training.data.sample import SampleSet
from training.data.training_sets import at_height


class MixedBatches(Dataset[Batch]):
    """Item n is one rank's batch of optimizer step n: images uint8 (b, H, 2 H, 3) and range (b, H, 2 H), where b is
    batch / world, as `training.data.batches.to_network` takes them.

    Together the ranks' items are the same samples, augmented the same, whatever the number of ranks and workers.
    `first` samples of the mixture have been drawn before (in an earlier phase of a run). Samples are brought to
    `height` where it is given. Raises InputError for a batch that the ranks cannot share, for sets of different
    heights, for one that `height` does not divide, and for a sample without label.
    """

    def __init__(
        self,
        sets: Sequence[SampleSet],
        shares: Sequence[float],
        batch: int,
        steps: int,
        seed: int,
        augmentation: Augment,
        rank: int = 0,
        world: int = 1,
        first: int = 0,
        height: int | None = None,
    ) -> None:
        if batch % world:
            raise InputError(f"a batch of {batch} cannot be shared by {world} processes")
        self.sets, self.batch, self.steps, self.rank, self.world = list(sets), batch, steps, rank, world
        self.seed, self.augmentation, self.first, self.height = seed, augmentation, first, height
        self.mixture = Mixture([len(s) for s in sets], shares, seed)

    def __len__(self) -> int:
        return self.steps

    def numbers(self, step: int) -> range:
        """Numbers in the mixture of this rank's part of the batch of `step`."""
        share = self.batch // self.world
        start = self.first + step * self.batch + self.rank * share
        return range(start, start + share)

    def __getitem__(self, step: int) -> Batch:
        images, ranges = [], []
        for number in self.numbers(step):
            which, index = self.mixture[number]
            sample = self.sets[which][index]
            if self.height is not None:
                sample = at_height(sample, self.height)
            if sample.range_m is None:
                raise InputError(
                    f"{self.sets[which].name}: {sample.name} has no label to train on; label the set first"
                )
            rng = np.random.default_rng([self.seed, 2, number])
            image, range_m = augment(sample.image, sample.range_m, self.augmentation, rng)
            images.append(image)
            ranges.append(range_m)
        if len({image.shape for image in images}) > 1:
            sizes = sorted({f"{i.shape[1]}x{i.shape[0]}" for i in images})
            raise InputError(f"sets of one mixture have one height, these have {', '.join(sizes)}")
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(ranges))

    def loader(self, start: int = 0, workers: int = 0) -> Iterator[Batch]:
        """The items from step `start` on, see `training.data.loading.step_loader`."""
        return step_loader(self, start, workers)
