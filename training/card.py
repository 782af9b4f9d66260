"""The model card: a model's figures by group of scenes, beside predictions that never look at the image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core import DepthEstimator
from dap_core.evaluation.baselines import apply_row_prior, oracle_constant, oracle_row_median
from dap_core.evaluation.datasets.folder import read_pairs
from dap_core.evaluation.metrics import DepthMetrics, depth_metrics, horizon_band, mean_metrics
from dap_core.evaluation.resampling import resize_nearest
from training.worlds import indoor
from training.worlds.store import WorldsStore


@dataclass(frozen=True)
class Scene:
    """One test panorama: its group, image (H, W, 3) uint8 and range (H, W) metres, nan or inf where not measured."""

    group: str
    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]


Figures = dict[str, dict[str, dict[str, DepthMetrics]]]  #: group -> predictor -> region and alignment -> metrics

REGIONS = ("all", "band")


def procedural_scenes(store: WorldsStore, count: int) -> Iterator[Scene]:
    """The first `count` scenes of a store, in two groups: indoors and outdoors."""
    for index in range(count):
        image, range_m, kind = store[index]
        yield Scene("procedural indoors" if kind in indoor.KINDS else "procedural outdoors", image, range_m)


def rendered_scenes(folder: Path) -> Iterator[Scene]:
    """Pairs of a folder, grouped by the part of their name before the last underscore."""
    for pair in read_pairs(folder):
        yield Scene(pair.name.rpartition("_")[0] or pair.name, pair.image, pair.range_m)


def evaluate(estimator: DepthEstimator, prior: NDArray[np.float32], scenes: Iterable[Scene]) -> Figures:
    """Metrics of the model, the image-blind prior and the oracles, at the ground truth's resolution.

    Prediction is nearest-resized to the truth and `max_range_m` where far; pixels count where truth lies in
    (0, max_range_m]. Unweighted pixels; mean per image, then over images.
    """
    rows: dict[str, dict[str, dict[str, list[DepthMetrics]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    limit = estimator.spec.max_range_m
    for scene in scenes:
        height = scene.range_m.shape[0]
        truth = np.where(scene.range_m <= limit, scene.range_m, np.nan)
        depth = estimator(scene.image)
        model = resize_nearest(np.where(depth.far, np.float32(limit), depth.range_m), height)
        predictors = {
            "model": model,
            "image-blind prior": apply_row_prior(prior, height),
            "oracle constant": oracle_constant(truth),
            "oracle row median": oracle_row_median(truth),
        }
        band = horizon_band(height)
        for name, predicted in predictors.items():
            cells = rows[scene.group][name]
            for region, weight in (("all", None), ("band", band)):
                cells[f"{region} raw"].append(depth_metrics(predicted, truth, weight))
                cells[f"{region} aligned"].append(depth_metrics(predicted, truth, weight, align=True))
    return {
        group: {name: {cell: mean_metrics(m) for cell, m in cells.items()} for name, cells in names.items()}
        for group, names in sorted(rows.items())
    }


def roll_difference(estimator: DepthEstimator, image: NDArray[np.uint8], columns: int) -> tuple[float, float]:
    """Median and maximum relative difference between the range of the rolled panorama and the rolled range.

    `image` is (h, 2 h, 3) at the model's resolution; pixels that are far in either are left out.
    """
    still, rolled = estimator(image), estimator(np.roll(image, columns, 1))
    moved = np.roll(still.range_m, columns, 1)
    both = np.isfinite(moved) & np.isfinite(rolled.range_m)
    difference = np.abs(rolled.range_m[both] - moved[both]) / moved[both]
    return float(np.median(difference)), float(difference.max())


def losses_to_prior(figures: Figures) -> list[str]:
    """The cells (group, region) in which the model's raw AbsRel is not below the image-blind prior's."""
    return [
        f"{group} {region}"
        for group, names in figures.items()
        for region in REGIONS
        if not names["model"][f"{region} raw"].absrel < names["image-blind prior"][f"{region} raw"].absrel
    ]


def markdown(figures: Figures, counts: dict[str, int]) -> str:
    """The tables of a card: one row per group and predictor, `AbsRel / delta1 / RMSE / MAE` raw, then aligned."""
    lines = []
    for region, title in (("all", "All pixels"), ("band", "Within 30 degrees of the horizon")):
        lines += [
            f"### {title}",
            "",
            "| scenes (n) | predictor | AbsRel | delta1 | RMSE m | MAE m | AbsRel, scale-aligned | delta1, aligned |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for group, names in figures.items():
            for name, cells in names.items():
                raw, aligned = cells[f"{region} raw"], cells[f"{region} aligned"]
                label = f"**{group}** ({counts[group]})" if name == "model" else ""
                lines.append(
                    f"| {label} | {name} | {raw.absrel:.3f} | {raw.delta1:.3f} | {raw.rmse:.2f} | {raw.mae:.2f} "
                    f"| {aligned.absrel:.3f} | {aligned.delta1:.3f} |"
                )
        lines.append("")
    return "\n".join(lines)
