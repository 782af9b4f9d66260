"""The samples of a run as a pure function of (seed, step): resuming needs no state but the step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from dap_core.backends.spec import IMAGENET_MEAN, IMAGENET_STD
from dap_core.errors import InputError
from training.config import StageConfig
from training.data.augment import augment
from training.data.loading import Batch
from training.data.stores import training_store
from training.data.streaming import MixedBatches
from training.data.training_sets import open_training_set
from training.losses.total import Target


class SceneBatches(Dataset[Batch]):
    """Item n is one rank's part of the batch of optimizer step n, of procedural scenes that are drawn at random and
    rendered where they are missing: images uint8 (b, H, W, 3) and range (b, H, W), b = batch / world.

    Together the ranks' items are the same samples, augmented the same, whatever the number of ranks and workers.
    """

    def __init__(self, config: StageConfig, rank: int = 0, world: int = 1) -> None:
        self.config, self.rank, self.world = config, rank, world
        self.stores = {phase.height: training_store(config.data, phase.height) for phase in config.phases}

    def __len__(self) -> int:
        return self.config.steps

    def scenes(self, step: int) -> NDArray[np.int64]:
        """Scene numbers of this rank's part of the batch of `step`."""
        phase, phase_step = self.config.phase_at(step)
        rng = np.random.default_rng([self.config.seed, 1, step])
        draw = rng.integers(phase.available(phase_step), size=phase.batch)
        share = phase.batch // self.world
        return draw[self.rank * share : (self.rank + 1) * share]

    def __getitem__(self, step: int) -> Batch:
        store = self.stores[self.config.phase_at(step)[0].height]
        scenes = self.scenes(step)
        images, ranges = [], []
        for slot, scene in enumerate(scenes, self.rank * len(scenes)):
            image, range_m, _ = store[int(scene)]
            rng = np.random.default_rng([self.config.seed, 2, step, slot])
            image, range_m = augment(image, range_m, self.config.augment, rng)
            images.append(image)
            ranges.append(range_m)
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(ranges))


def open_batches(config: StageConfig, rank: int = 0, world: int = 1) -> Dataset[Batch]:
    """One rank's part of the batches of all steps: of the sets that `config` names, or of its procedural worlds.

    InputError for a batch that cannot be shared by `world` processes in `config.accumulate` parts each.
    """
    for phase in config.phases:
        if phase.batch % (world * config.accumulate):
            parts = f"{world} processes" + f" in {config.accumulate} parts each" * (config.accumulate > 1)
            raise InputError(f"a batch of {phase.batch} cannot be shared by {parts}")
    if config.sets is None:
        return SceneBatches(config, rank, world)
    sets, shares = [open_training_set(s) for s in config.sets], [s.share for s in config.sets]
    phases, first = [], 0
    for phase in config.phases:
        options = (phase.batch, phase.steps, config.seed, config.augment, rank, world, first, phase.height)
        phases.append(MixedBatches(sets, shares, *options))
        first += phase.batch * phase.steps
    return ConcatDataset(phases)


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
