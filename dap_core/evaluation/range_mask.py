"""How good the far mask is: precision, recall, IoU, and whether its probability means what it says."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import solid_angles

#: Bins of the reliability diagram over [0, 1].
BINS = 10


@dataclass(frozen=True)
class MaskScores:
    """Precision, recall and IoU of "far"; nan where there is nothing to divide by."""

    precision: float
    recall: float
    iou: float

    def as_dict(self) -> dict[str, float]:
        """Name to value."""
        return {"precision": self.precision, "recall": self.recall, "iou": self.iou}


@dataclass
class MaskSums:
    """Sums over pixels whose truth is known, for each weighting; sums of images add up.

    confusion    (2, 2, 2): weighting (plain, solid angle), truly far, predicted far
    reliability  (BINS, 3): solid angle, times probability, times truly far, by the predicted far probability
    """

    confusion: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 2, 2)))
    reliability: NDArray[np.float64] = field(default_factory=lambda: np.zeros((BINS, 3)))

    def __add__(self, other: MaskSums) -> MaskSums:
        return MaskSums(self.confusion + other.confusion, self.reliability + other.reliability)

    def scores(self, weighting: str = "plain") -> MaskScores:
        """Of the pixels ("plain") or of the solid angle ("sphere")."""
        table = self.confusion[0 if weighting == "plain" else 1]
        hit, false, missed = float(table[1, 1]), float(table[0, 1]), float(table[1, 0])
        return MaskScores(_ratio(hit, hit + false), _ratio(hit, hit + missed), _ratio(hit, hit + false + missed))

    @property
    def has_far(self) -> bool:
        """Whether any pixel is truly far: without one, recall and IoU say nothing."""
        return bool(self.confusion[0, 1].sum() > 0)

    def calibration(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Mean predicted probability, share truly far, share of the sphere, each (BINS,); nan in empty bins."""
        weight, probability, far = self.reliability.T
        with np.errstate(invalid="ignore"):
            return probability / weight, far / weight, weight / weight.sum()

    def expected_calibration_error(self) -> float:
        """Mean |probability - share truly far| over the bins, by their share of the sphere (Guo et al. 2017)."""
        predicted, observed, share = self.calibration()
        return float(np.nansum(share * np.abs(predicted - observed))) if self.reliability[:, 0].any() else float("nan")


def mask_sums(
    far: NDArray[np.bool_], far_probability: NDArray[np.floating], truth: NDArray[np.floating], limit: float
) -> MaskSums:
    """Sums for one panorama; all (H, W).

    `truth` is metres, +inf where there is no surface (sky), nan where nothing is known; truly far is beyond `limit`,
    the model's own threshold in metres. Pixels that the model calls unknown (nan probability) are left out.
    """
    known = ~np.isnan(truth) & ~np.isnan(far_probability)
    rows = np.nonzero(known)[0]
    with np.errstate(invalid="ignore"):
        true_far = (truth > limit)[known]
    weight = solid_angles(truth.shape[0])[rows]
    cell = true_far * 2 + far[known]
    confusion = np.stack([np.bincount(cell, minlength=4), np.bincount(cell, weights=weight, minlength=4)])
    probability = far_probability[known].astype(np.float64)
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    columns = [np.bincount(bins, weights=w, minlength=BINS) for w in (weight, weight * probability, weight * true_far)]
    return MaskSums(confusion.reshape(2, 2, 2).astype(np.float64), np.stack(columns, -1))


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")
