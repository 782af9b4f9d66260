"""One pass over a data set: every panorama is predicted, scored under a protocol, and forgotten again."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.evaluation.alignment import Alignment
from dap_core.evaluation.datasets.sample import Dataset, Entry
from dap_core.evaluation.datasets.unit_check import WrongUnit
from dap_core.evaluation.edges_accuracy import EdgeAccuracy, edge_accuracy
from dap_core.evaluation.flicker import FlickerMeter
from dap_core.evaluation.metrics import TERMS, DepthMetrics, mean_metrics, metrics_of
from dap_core.evaluation.protocols import Prepared, Protocol, Scored, prepare, score
from dap_core.evaluation.range_mask import MaskSums, mask_sums
from dap_core.evaluation.regions import REGIONS, WEIGHTINGS, region_metrics, region_sums
from dap_core.evaluation.resampling import resize_nearest
from dap_core.evaluation.seam import CubeSeams, SeamError, cube_seams, seam_error

Predict = Callable[[NDArray[np.uint8]], PanoramaDepth]

#: Columns of the pictures that a run keeps of its worst and best panoramas.
PICTURE_WIDTH = 512


@dataclass(frozen=True)
class ImageResult:
    """One panorama's figures.

    truth_crc       checksum of the prepared truth and mask: two runs compare only where it agrees
    coverage        share of the counted pixels with a prediction; the others are in no metric
    scale, shift    of the alignment
    metrics         (region, weighting) to metrics
    """

    name: str
    truth_crc: int
    coverage: float
    scale: float
    shift: float
    metrics: dict[tuple[str, str], DepthMetrics]
    mask: MaskSums
    edges: EdgeAccuracy
    cube: CubeSeams | None = None
    seam: SeamError | None = None
    flicker: float | None = None

    @property
    def headline(self) -> DepthMetrics:
        """All counted pixels, unweighted."""
        return self.metrics["all", "plain"]


@dataclass(frozen=True)
class Case:
    """Pictures of one panorama, at most `PICTURE_WIDTH` wide: image uint8 RGB; prediction and truth in metres, where
    +inf is far and nan unknown or not counted."""

    result: ImageResult
    image: NDArray[np.uint8]
    prediction: NDArray[np.float32]
    truth: NDArray[np.float32]


@dataclass
class Evaluation:
    """What a pass over a data set gives; `faults` are (name, one line) of every panorama that could not be measured."""

    dataset: Dataset
    protocol: Protocol
    alignment: Alignment
    max_range_m: float
    images: list[ImageResult] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((len(REGIONS), len(WEIGHTINGS), TERMS)))
    mask: MaskSums = field(default_factory=MaskSums)
    worst: list[Case] = field(default_factory=list)
    best: list[Case] = field(default_factory=list)
    sequence: bool = False

    def mean(self, region: str = "all", weighting: str = "plain", average: str | None = None) -> DepthMetrics:
        """Metrics of a region, averaged as the protocol says, or over "image" or "pixel"."""
        if (average or self.protocol.average) == "pixel":
            return metrics_of(self.sums[REGIONS.index(region), WEIGHTINGS.index(weighting)])
        return mean_metrics(image.metrics[region, weighting] for image in self.images)


def evaluate(
    dataset: Dataset,
    predict: Predict,
    protocol: Protocol,
    alignment: Alignment,
    max_range_m: float,
    *,
    seam: bool = True,
    sequence: bool = False,
    cases: int = 3,
    progress: Callable[[Entry, InputError | None], None] = lambda entry, error: None,
) -> Evaluation:
    """Measure `predict` on every entry of a data set.

    `max_range_m` is the model's own far threshold. `seam` predicts every image twice. `sequence` takes the entries as
    consecutive frames and measures flicker. `cases` worst and best panoramas are kept as pictures. What cannot be
    loaded or scored is listed in `faults`, and `progress` is told of every entry, done or not. Raises InputError where
    the very first range looks like another unit, since then all do, and where nothing could be measured.
    """
    run = Evaluation(dataset, protocol, alignment, max_range_m, sequence=sequence)
    flicker = FlickerMeter() if sequence else None
    worst: list[tuple[float, int, Case]] = []
    best: list[tuple[float, int, Case]] = []
    for number, entry in enumerate(dataset.entries):
        try:
            result, sums, case = _measure(run, entry, predict, seam, flicker)
        except InputError as error:
            if isinstance(error, WrongUnit) and not run.images and not run.faults:
                raise
            run.faults.append((entry.name, str(error)))
            progress(entry, error)
            continue
        run.images.append(result)
        run.sums += sums
        run.mask = run.mask + result.mask
        error_now = result.headline.absrel
        # A tie goes to the earlier panorama, so that a run repeated keeps the same ones.
        for heap, key in ((worst, error_now), (best, -error_now)):
            (heapq.heappush if len(heap) < cases else heapq.heappushpop)(heap, (key, -number, case))
        progress(entry, None)
    if not run.images:
        first = f"; the first: {run.faults[0][1]}" if run.faults else ""
        raise InputError(f"none of the {len(dataset)} panoramas of {dataset.name} could be measured{first}")
    run.worst = [case for *_, case in sorted(worst, reverse=True)]
    run.best = [
        case for *_, case in sorted(best, reverse=True) if case.result.name not in {c.result.name for c in run.worst}
    ]
    return run


def _measure(
    run: Evaluation, entry: Entry, predict: Predict, seam: bool, flicker: FlickerMeter | None
) -> tuple[ImageResult, NDArray[np.float64], Case]:
    sample = run.dataset.load(entry)
    prepared = prepare(run.protocol, run.dataset, sample)
    try:
        depth = predict(prepared.image)
    except InputError as error:
        raise InputError(f"{entry.image}: {error}") from None
    try:
        scored = score(run.protocol, prepared, depth, run.alignment)
    except InputError as error:
        raise InputError(f"{entry.name}: {error}") from None
    sums = region_sums(scored.prediction, prepared.truth, prepared.mask)
    counted = np.where(prepared.mask, prepared.truth, np.float32(np.nan))
    result = ImageResult(
        entry.name,
        zlib.crc32(np.ascontiguousarray(counted).tobytes()),
        scored.coverage,
        scored.scale,
        scored.shift,
        {(region, weighting): metrics for region, weighting, metrics in region_metrics(sums)},
        *_as_the_model_sees(depth, sample.range_m, run.max_range_m),
        cube_seams(scored.prediction) if run.protocol.cube_seams else None,
        seam_error(predict, prepared.image, depth) if seam else None,
        flicker.add(scored.prediction, counted) if flicker else None,
    )
    return result, sums, _case(result, prepared, scored, depth)


def _as_the_model_sees(
    depth: PanoramaDepth, range_m: NDArray[np.float32], limit: float
) -> tuple[MaskSums, EdgeAccuracy]:
    """Far mask and edges, at the model's resolution and on all that is known, whatever the protocol leaves out.

    For the edges, what is far stands at the limit: the outline of a thing against the sky is an edge.
    """
    truth = range_m if range_m.shape == depth.shape else resize_nearest(range_m, depth.shape[0])
    mask = mask_sums(depth.far, depth.far_probability, truth, limit)
    return mask, edge_accuracy(np.minimum(depth.range_m, np.float32(limit)), np.minimum(truth, np.float32(limit)))


def _case(result: ImageResult, prepared: Prepared, scored: Scored, depth: PanoramaDepth) -> Case:
    height = min(PICTURE_WIDTH // 2, prepared.truth.shape[0])
    image = np.asarray(cv2.resize(prepared.image, (2 * height, height), interpolation=cv2.INTER_AREA), np.uint8)
    far = np.float32(np.inf)
    prediction = np.where(resize_nearest(depth.far, height), far, resize_nearest(scored.prediction, height))
    shown = prepared.mask | np.isposinf(prepared.truth)
    truth = np.where(shown, prepared.truth, np.float32(np.nan))
    return Case(result, image, prediction, resize_nearest(truth, height))
