"""The samples of a run as a pure function of (seed, step, rank): resuming needs no state but the step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dap_core.backends.spec import IMAGENET_MEAN, IMAGENET_STD
from dap_core.errors import InputError
from training.config import StageConfig
from training.data.augment import augment
from training.data.stores import training_store
from training.losses.total import Target


class StepBatches(Dataset):
    """Item n is the whole batch of optimizer step n on one rank: images uint8 (B, H, W, 3) and range (B, H, W)."""

    def __init__(self, config: StageConfig, rank: int = 0, world: int = 1) -> None:
        self.config, self.rank, self.world = config, rank, world
        self.stores = {phase.height: training_store(config.data, phase.height) for phase in config.phases}

    def __len__(self) -> int:
        return self.config.steps

    def scenes(self, step: int) -> NDArray[np.int64]:
        """Scene numbers of this rank's share of the batch of `step`."""
        phase, phase_step = self.config.phase_at(step)
        share, rest = divmod(phase.batch, self.world)
        if rest:
            raise InputError(f"a batch of {phase.batch} cannot be shared by {self.world} processes")
        rng = np.random.default_rng([self.config.seed, 1, step])
        draw = rng.integers(phase.available(phase_step), size=phase.batch)
        return draw[self.rank * share : (self.rank + 1) * share]

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        store = self.stores[self.config.phase_at(step)[0].height]
        images, ranges = [], []
        for i, scene in enumerate(self.scenes(step)):
            image, range_m, _ = store[int(scene)]
            rng = np.random.default_rng([self.config.seed, 2, step, self.rank, i])
            image, range_m = augment(image, range_m, self.config.augment, rng)
            images.append(image)
            ranges.append(range_m)
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(ranges))


def step_loader(config: StageConfig, start: int, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of the steps from `start` to the end, prepared ahead by `config.workers` processes."""
    dataset = StepBatches(config, rank, world)
    loader: DataLoader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, config.steps),
        num_workers=config.workers,
        prefetch_factor=4 if config.workers else None,
        multiprocessing_context="spawn" if config.workers else None,
    )
    return iter(loader)


def to_network(
    images: Tensor, ranges: Tensor, max_range_m: float, far_beyond_m: float | None = None
) -> tuple[Tensor, Target]:
    """ImageNet-normalised (B, 3, H, W) float32 and the target: depth in (0, 1], 1 = `max_range_m` and beyond.

    Far is what lies beyond the range mask's threshold, `far_beyond_m`, by default `max_range_m`.
    """
    x = images.permute(0, 3, 1, 2).float() / 255.0
    mean = torch.tensor(IMAGENET_MEAN, device=x.device)[:, None, None]
    std = torch.tensor(IMAGENET_STD, device=x.device)[:, None, None]
    depth = (ranges / max_range_m).clamp(max=1.0)
    valid = ~torch.isnan(ranges) & (ranges > 0)
    far = ranges > (max_range_m if far_beyond_m is None else far_beyond_m)
    return (x - mean) / std, Target(depth.nan_to_num(1.0), far, valid)
