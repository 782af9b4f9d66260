"""The model card: a model's figures by group of scenes, beside predictions that never look at the image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core import DepthEstimator
from dap_core.evaluation.baselines import (
    FloorPlane,
    apply_floor_plane,
    apply_row_prior,
    floor_plane,
    oracle_constant,
    oracle_row_median,
)
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

TITLES = {"all": "All pixels", "band": "Within 30 degrees of the horizon"}
REGIONS = tuple(TITLES)
PRIORS = ("image-blind prior", "floor-plane prior")
LABELS = {"absrel": "AbsRel", "delta1": "delta1", "rmse": "RMSE", "mae": "MAE"}


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
    """Metrics of the model, the image-blind priors and the oracles, at the ground truth's resolution.

    Prediction is nearest-resized to the truth and the spec's `limit_m` where far; pixels count where truth lies in
    (0, limit_m]. Unweighted pixels; mean per image, then over images.
    """
    rows: dict[str, dict[str, dict[str, list[DepthMetrics]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    limit = estimator.spec.limit_m
    plane = floor_plane(prior)
    for scene in scenes:
        height = scene.range_m.shape[0]
        truth = np.where(scene.range_m <= limit, scene.range_m, np.nan)
        depth = estimator(scene.image)
        model = resize_nearest(np.where(depth.far, np.float32(limit), depth.range_m), height)
        predictors = {
            "model": model,
            "image-blind prior": apply_row_prior(prior, height),
            "floor-plane prior": apply_floor_plane(plane, height),
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
    for region, title in TITLES.items():
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


@dataclass(frozen=True)
class Measured:
    """One measurement: the model and how it ran, the scenes by group, the figures, and what made the priors.

    model, weights_sha256, backend, max_range_m    of the estimator
    figures, counts                                from `evaluate`, and panoramas of each group
    prior_scenes, plane                            training scenes behind both priors, and the floor they gave
    """

    model: str
    weights_sha256: str
    backend: str
    max_range_m: float
    figures: Figures
    counts: dict[str, int]
    prior_scenes: int
    plane: FloorPlane


def predictors(measured: Measured) -> str:
    """What the rows of the tables beside the model's are, a markdown list."""
    floor, beyond = f"{measured.plane.camera_height_m:.2f} m", f"{measured.plane.surroundings_m:.2f} m"
    return f"""\
- image-blind prior: the median range of every row over {measured.prior_scenes} training scenes.
- floor-plane prior: a level floor {floor} below the camera out to {beyond}, and {beyond} to everything else.
  The height is the median, over the rows more than 30 degrees below the horizon, of the row prior's range times the
  sine of that angle; the other number is the median of its rows above the horizon.
- oracle constant, oracle row median: the median of each panorama's own ground truth, of the whole or row by row. They
  know the answer's scale; no estimate has that.
"""


def behind_priors(figures: Figures) -> str:
    """A sentence with the columns of the tables in which one of the priors is better than the model."""
    columns = [("raw", name) for name in ("absrel", "delta1", "rmse", "mae")]
    columns += [("aligned", name) for name in ("absrel", "delta1")]
    found = []
    for group, names in figures.items():
        for region in REGIONS:
            worse = []
            for alignment, column in columns:
                sign = -1.0 if column == "delta1" else 1.0
                error = {n: sign * getattr(cells[f"{region} {alignment}"], column) for n, cells in names.items()}
                if any(error[prior] < error["model"] for prior in PRIORS):
                    worse.append(f"{LABELS[column]}{', aligned' * (alignment == 'aligned')}")
            if worse:
                found.append(f"{group}, {TITLES[region].lower()} ({'; '.join(worse)})")
    if not found:
        return "The model is better than both priors in every column.\n"
    return "One of the two priors is better than the model in: " + ";\n".join(found) + ".\n"
