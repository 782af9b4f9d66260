"""Batches of a mixture of sets, as a pure function of (seed, step, rank, world)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dap_core.errors import InputError
from training.config import Augment
from training.data.augment import augment
from training.data.mixture import Mixture
from training.data.sample import SampleSet


class MixedBatches(Dataset):
    """Item n is one rank's batch of optimizer step n: images uint8 (b, H, 2 H, 3) and range (b, H, 2 H), where b is
    batch / world, as `training.data.batches.to_network` takes them.

    Together the ranks' items are the same samples, augmented the same, whatever the number of ranks and workers. Raises
    InputError for a batch that the ranks cannot share, for sets of different heights, and for a sample without label.
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
    ) -> None:
        if batch % world:
            raise InputError(f"a batch of {batch} cannot be shared by {world} processes")
        self.sets, self.batch, self.steps, self.rank, self.world = list(sets), batch, steps, rank, world
        self.seed, self.augmentation = seed, augmentation
        self.mixture = Mixture([len(s) for s in sets], shares, seed)

    def __len__(self) -> int:
        return self.steps

    def draws(self, step: int) -> list[tuple[int, int]]:
        """Set and sample of each of this rank's part of the batch of `step`."""
        share = self.batch // self.world
        first = step * self.batch + self.rank * share
        return [self.mixture[number] for number in range(first, first + share)]

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        images, ranges = [], []
        first = self.rank * (self.batch // self.world)
        for slot, (which, index) in enumerate(self.draws(step)):
            sample = self.sets[which][index]
            if sample.range_m is None:
                raise InputError(
                    f"{self.sets[which].name}: {sample.name} has no label to train on; label the set first"
                )
            rng = np.random.default_rng([self.seed, 2, step, first + slot])
            image, range_m = augment(sample.image, sample.range_m, self.augmentation, rng)
            images.append(image)
            ranges.append(range_m)
        if len({image.shape for image in images}) > 1:
            sizes = sorted({f"{i.shape[1]}x{i.shape[0]}" for i in images})
            raise InputError(f"sets of one mixture have one height, these have {', '.join(sizes)}")
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(ranges))

    def loader(self, start: int = 0, workers: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The items from step `start` on, prepared ahead by that many processes; the same whatever their number."""
        loader: DataLoader = DataLoader(
            self,
            batch_size=None,
            sampler=range(start, self.steps),
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            multiprocessing_context="spawn" if workers else None,
        )
        return iter(loader)
