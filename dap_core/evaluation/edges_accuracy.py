"""Edge accuracy: whether steps of range are where they really are, which decides where a robot may pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import elevations

#: A step of range between neighbouring pixels by more than this factor is an edge.
STEP = 1.25
#: An edge counts as found when one of the other image lies this near.
TOLERANCE_DEG = 1.0
#: Rows nearer to a pole are left out: there a pixel is a sliver, and distances in pixels mean nothing.
MAX_LATITUDE_DEG = 60.0


@dataclass(frozen=True)
class EdgeAccuracy:
    """`precision`: share of predicted edge pixels with a true edge nearby; `recall`: the other way round."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean; nan where either is."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else (0.0 if total == 0 else float("nan"))

    def as_dict(self) -> dict[str, float]:
        """Name to value, f1 too."""
        return {**asdict(self), "f1": self.f1}


def edge_accuracy(prediction: NDArray[np.floating], truth: NDArray[np.floating]) -> EdgeAccuracy:
    """Compare the edges of two range images (H, 2 H), metres, within `MAX_LATITUDE_DEG` of the horizon.

    Only steps between two known ranges are edges, and only pixels whose truth is known on both sides are looked at.
    nan where there is no edge to divide by.
    """
    height = truth.shape[0]
    known = np.isfinite(truth) & (truth > 0)
    looked_at = known & np.roll(known, -1, 1)
    looked_at[:-1] &= known[1:]
    looked_at &= (np.abs(np.degrees(elevations(height))) <= MAX_LATITUDE_DEG)[:, None]
    true_edges, found_edges = edges(truth), edges(prediction)
    radius = max(1, round(TOLERANCE_DEG * height / 180.0))
    wanted, found = true_edges & looked_at, found_edges & looked_at
    return EdgeAccuracy(_share(found, _near(true_edges, radius)), _share(wanted, _near(found_edges, radius)))


def edges(range_m: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(H, W) bool: a step by more than `STEP` to the pixel on the right (around the seam) or below."""
    with np.errstate(invalid="ignore", divide="ignore"):
        log = np.log(np.where(np.isfinite(range_m) & (range_m > 0), range_m, np.nan))
    threshold = np.log(STEP)
    found = np.abs(np.roll(log, -1, 1) - log) > threshold
    found[:-1] |= np.abs(log[1:] - log[:-1]) > threshold
    return found


def _near(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Pixels within `radius` of a set pixel, around the seam."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wrapped = np.concatenate([mask[:, -radius:], mask, mask[:, :radius]], 1).astype(np.uint8)
    return cv2.dilate(wrapped, kernel)[:, radius:-radius] > 0


def _share(of: NDArray[np.bool_], within: NDArray[np.bool_]) -> float:
    return float((of & within).sum() / of.sum()) if of.any() else float("nan")
