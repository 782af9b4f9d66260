"""Validation on scenes that training never draws, with the metrics that users have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dap_core.evaluation.edges_accuracy import edge_accuracy
from dap_core.evaluation.metrics import DepthMetrics, depth_metrics, horizon_band, mean_metrics
from dap_core.evaluation.range_mask import MaskScores, MaskSums, mask_sums
from dap_core.picture import colourise
from training.config import StageConfig
from training.data.batches import to_network
from training.data.sample import Sample, SampleSet
from training.data.sets.worlds import StoreSet
from training.data.stores import validation_store
from training.data.training_sets import open_held_out


@dataclass(frozen=True)
class Measured:
    """Figures of one panorama: its group, raw metrics, those within 30 degrees of the horizon and of what truly lies
    within 10 m, the far mask, and the F1 of the edges.
    """

    group: str
    all: DepthMetrics
    band: DepthMetrics
    within_10m: DepthMetrics
    mask: MaskSums
    edges: float


@dataclass(frozen=True)
class Validation:
    """Figures of one pass: means over its panoramas, the far mask over their pixels, and by group of scenes."""

    all: DepthMetrics
    band: DepthMetrics
    within_10m: DepthMetrics
    far: MaskScores
    edges: float
    by_group: dict[str, DepthMetrics]

    def as_dict(self) -> dict:
        return {
            "all": self.all.as_dict(),
            "band": self.band.as_dict(),
            "within_10m": self.within_10m.as_dict(),
            "far": self.far.as_dict(),
            "edges_f1": self.edges,
            "by_group": {group: m.as_dict() for group, m in self.by_group.items()},
        }

    @staticmethod
    def of(rows: Sequence[Measured]) -> Validation:
        """The means of `rows`."""
        groups = defaultdict(list)
        for row in rows:
            groups[row.group].append(row.all)
        edges = [row.edges for row in rows if np.isfinite(row.edges)]
        return Validation(
            mean_metrics(row.all for row in rows),
            mean_metrics(row.band for row in rows),
            mean_metrics(row.within_10m for row in rows),
            sum((row.mask for row in rows), MaskSums()).scores(),
            float(np.mean(edges)) if edges else float("nan"),
            {group: mean_metrics(of_it) for group, of_it in sorted(groups.items())},
        )


def held_out_samples(config: StageConfig, height: int) -> list[tuple[str, SampleSet, int]]:
    """Group (set and domain, or kind of world), set and number of every panorama that a run is validated on."""
    if not config.validation_scenes:
        return []
    if config.held_out is None:
        scenes = StoreSet(validation_store(config.data, height), config.validation_scenes)
        return [("", scenes, k) for k in range(len(scenes))]
    sets = open_held_out(config.held_out, height)
    return [(s.name, s, k) for s in sets for k in range(min(len(s), config.validation_scenes))]


@torch.no_grad()
def predict(
    model: nn.Module, image: NDArray[np.uint8], far_beyond_m: float | None = 100.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Range in metres, far, and the probability of far, each (H, W).

    What is far lies beyond the range mask's threshold, so its range is that at least: with the threshold at the
    model's limit, the limit. Without a threshold the mask has no say.
    """
    device = next(model.parameters()).device
    limit = float(model.config.max_range_m)  # type: ignore[union-attr,arg-type]
    x, _ = to_network(torch.from_numpy(image)[None].to(device), torch.zeros(1, *image.shape[:2], device=device), limit)
    depth, probability = (t[0].float().cpu().numpy() for t in model(x))
    range_m = depth * np.float32(limit)
    if far_beyond_m is None:
        return range_m, np.zeros(range_m.shape, bool), np.zeros_like(range_m)
    far = probability > 0.5
    return np.where(far, np.maximum(range_m, np.float32(far_beyond_m)), range_m), far, probability


def measure(model: nn.Module, sample: Sample, group: str, far_beyond_m: float | None) -> Measured:
    """The figures of `model` (in eval mode) on one panorama; what is beyond the model's limit counts for the mask."""
    assert sample.range_m is not None
    limit = float(model.config.max_range_m)  # type: ignore[union-attr,arg-type]
    predicted, far, probability = predict(model, sample.image, far_beyond_m)
    truth = np.where(sample.range_m <= limit, sample.range_m, np.nan)
    return Measured(
        group,
        depth_metrics(predicted, truth),
        depth_metrics(predicted, truth, horizon_band(len(truth))),
        depth_metrics(predicted, np.where(truth <= 10.0, truth, np.nan)),
        mask_sums(far, probability, sample.range_m, limit if far_beyond_m is None else far_beyond_m),
        edge_accuracy(np.minimum(predicted, limit), np.minimum(sample.range_m, limit)).f1,
    )


def measured(
    model: nn.Module, samples: Iterable[tuple[str, SampleSet, int]], far_beyond_m: float | None
) -> Iterator[Measured]:
    """`measure` of each of `held_out_samples`."""
    for name, whole, index in samples:
        sample = whole[index]
        kind = sample.domain if name else sample.name.partition(" ")[2]
        yield measure(model, sample, f"{name} {kind}".strip(), far_beyond_m)


def picture(model: nn.Module, sample: Sample, far_beyond_m: float | None) -> NDArray[np.uint8]:
    """(H, 6 H, 3) uint8: the image, its range and the prediction, side by side."""
    assert sample.range_m is not None
    predicted, far, _ = predict(model, sample.image, far_beyond_m)
    answer = np.where(far, np.float32(np.inf), predicted)
    return np.concatenate([sample.image, colourise(sample.range_m), colourise(answer)], 1)
