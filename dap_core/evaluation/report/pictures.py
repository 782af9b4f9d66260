"""The pictures of a report's cases: image, prediction, truth and error, each as a data URI."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.evaluation.run import Case
from dap_core.picture import LIMITS, UNKNOWN_RGB, auto_limits, colourise

#: Relative error at which the error map's colours end.
LARGEST_ERROR = 0.5


def case_pictures(case: Case) -> tuple[list[tuple[str, str]], tuple[float, float]]:
    """(caption, data URI) of a case's four pictures, and the metres at the ends of the range colours.

    Prediction and truth share the truth's colours.
    """
    limits = auto_limits(case.truth) if np.isfinite(case.truth).any() else LIMITS
    return [
        ("image", uri(case.image, ".jpg")),
        ("prediction", uri(colourise(case.prediction, limits))),
        ("ground truth", uri(colourise(case.truth, limits))),
        ("relative error", uri(error_colours(case.prediction, case.truth))),
    ], limits


def error_colours(prediction: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Signed relative error as (h, w, 3) uint8: too near blue, right white, too far red; grey where the truth has no
    range or the prediction is unknown."""
    from matplotlib import colormaps

    with np.errstate(invalid="ignore", divide="ignore"):
        error = prediction / truth - 1.0
    known = np.isfinite(truth) & ~np.isnan(error)
    position = np.clip(np.where(known, error, 0.0) / (2 * LARGEST_ERROR) + 0.5, 0.0, 1.0)
    colours = (colormaps["RdBu_r"](position)[..., :3] * 255.0).round().astype(np.uint8)
    colours[~known] = UNKNOWN_RGB
    return colours


def range_gradient(limits: tuple[float, float]) -> str:
    """The range colours from near to far as a CSS gradient."""
    return _gradient(colourise(np.geomspace(*limits, 24)[None], limits)[0])


def error_gradient() -> str:
    """The error colours from too near to too far as a CSS gradient."""
    steps = np.linspace(1 - LARGEST_ERROR, 1 + LARGEST_ERROR, 17)
    return _gradient(error_colours(steps[None], np.ones((1, 17)))[0])


def uri(image: NDArray[np.uint8], suffix: str = ".png") -> str:
    """(h, w, 3) uint8 RGB as a data URI: PNG, or JPEG for photographs."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 88] if suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 5]
    data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]
    kind = "jpeg" if suffix == ".jpg" else "png"
    return f"data:image/{kind};base64," + base64.b64encode(data.tobytes()).decode()


def _gradient(colours: NDArray[np.uint8]) -> str:
    return "linear-gradient(90deg," + ",".join("#{:02x}{:02x}{:02x}".format(*c) for c in colours.tolist()) + ")"
