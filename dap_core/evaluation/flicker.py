"""Flicker: how much a model's error changes from frame to frame, which is what a costmap sees as ghosts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import solid_angles


class FlickerMeter:
    """Takes the frames of one sequence in order.

    The flicker of a frame is the mean, by solid angle, of the change of ln(prediction / truth) since the frame before:
    0.05 means that ranges breathe by 5 %. With ground truth of every frame the camera may move; without it (`truth`
    None) it must stand still, and the scene too.
    """

    def __init__(self) -> None:
        self.values: list[float] = []
        self._last: NDArray[np.float64] | None = None

    def add(self, prediction: NDArray[np.floating], truth: NDArray[np.floating] | None = None) -> float | None:
        """Flicker of this frame (H, W), metres, where both frames have a range; None for the first of a sequence."""
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.log(np.asarray(prediction, np.float64))
            if truth is not None:
                error = error - np.log(np.asarray(truth, np.float64))
        last, self._last = self._last, error
        if last is None or last.shape != error.shape:
            return None
        with np.errstate(invalid="ignore"):
            change = np.abs(error - last)
        known = np.isfinite(change)
        weight = solid_angles(len(error))[np.nonzero(known)[0]]
        value = float(np.average(change[known], weights=weight)) if known.any() else float("nan")
        self.values.append(value)
        return value

    @property
    def mean(self) -> float:
        """Mean over the frames so far; nan before the second."""
        values = [v for v in self.values if np.isfinite(v)]
        return float(np.mean(values)) if values else float("nan")
