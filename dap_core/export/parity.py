"""How nearly two runs of a model agree, in the terms that matter to a robot: relative range, and far or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.backends.spec import ModelSpec


@dataclass(frozen=True)
class Tolerance:
    """Upper bounds of the relative range difference, and of the fraction of pixels that turn far or near."""

    median: float
    p99: float
    far_flips: float


#: Another implementation of the same float32 arithmetic differs by rounding alone; rounding the weights to float16
#: (11 bits) may move the range by a part in a hundred, far below any model's error.
TOLERANCES = {
    "onnxruntime and torch": Tolerance(median=1e-4, p99=1e-3, far_flips=1e-3),
    "weights in half and in full precision": Tolerance(median=5e-3, p99=2e-2, far_flips=2e-3),
}


@dataclass(frozen=True)
class Comparison:
    """Differences on one image; `far_flips` is the fraction of pixels on another side of the far threshold."""

    question: str
    image: str
    median: float
    p99: float
    largest: float
    far_flips: float
    tolerance: Tolerance

    @property
    def passed(self) -> bool:
        """Within the tolerance; a nan never is."""
        t = self.tolerance
        return self.median <= t.median and self.p99 <= t.p99 and self.far_flips <= t.far_flips

    def line(self) -> str:
        """One line for people."""
        t = self.tolerance
        return (
            f"{self.question}, on {self.image}: relative range difference median {self.median:.1e} (at most "
            f"{t.median:.0e}), p99 {self.p99:.1e} (at most {t.p99:.0e}), largest {self.largest:.1e}; far flips "
            f"{self.far_flips:.1e} (at most {t.far_flips:.0e})"
        )


def compare(
    question: str,
    image: str,
    spec: ModelSpec,
    reference: Sequence[NDArray[np.float32]],
    other: Sequence[NDArray[np.float32]],
    tolerance: Tolerance | None = None,
) -> Comparison:
    """Compare two (range_m, far) pairs of the same shape; `question` names a tolerance where none is given."""
    (range_a, far_a), (range_b, far_b) = reference, other
    difference = np.abs(range_b.astype(np.float64) - range_a) / np.maximum(np.abs(range_a), 1e-6)
    flips = (far_a > spec.far_threshold) != (far_b > spec.far_threshold)
    return Comparison(
        question=question,
        image=image,
        median=float(np.median(difference)),
        p99=float(np.percentile(difference, 99)),
        largest=float(difference.max()),
        far_flips=float(flips.mean()) if np.isfinite(far_a).all() and np.isfinite(far_b).all() else float("nan"),
        tolerance=tolerance or TOLERANCES[question],
    )


def parity_images(height: int) -> dict[str, NDArray[np.uint8]]:
    """A furnished-looking room and white noise, each (1, height, 2 height, 3) uint8, the same on every machine."""
    noise = np.random.default_rng(0).integers(0, 256, (1, height, 2 * height, 3), dtype=np.uint8)
    return {"a room": room(height)[None], "noise": noise}


def room(height: int) -> NDArray[np.uint8]:
    """A panorama (height, 2 height, 3) of a lit box room with tiles, wall panels, and a bright window."""
    rays = panorama.rays(height).astype(np.float64)
    low, high = np.array([-2.6, -3.4, -1.4]), np.array([4.1, 2.2, 1.3])
    with np.errstate(divide="ignore"):
        distance = np.where(rays > 0, high / rays, low / rays)
    axis = distance.argmin(-1)
    range_m = distance.min(-1)
    points = rays * range_m[..., None]
    x, y, z = np.moveaxis(points, -1, 0)
    along = np.where(axis == 0, y, x)
    tiles = 0.12 * ((np.floor(x / 0.6) + np.floor(y / 0.6)) % 2)
    panels = 0.08 * np.sin(along * 7.0) + 0.05 * (np.abs(z + 0.4) < 0.06)
    albedo = np.where(axis == 2, np.where(z < 0, 0.35 + tiles, 0.8), 0.55 + panels)
    shade = 1.0 / (1.0 + 0.08 * ((x - 0.5) ** 2 + (y - 0.3) ** 2 + (z - 1.2) ** 2))
    rgb = (albedo * shade)[..., None] * np.array([1.0, 0.93, 0.82])
    window = (axis == 0) & (x > 0) & (np.abs(y) < 0.9) & (z > -0.3) & (z < 0.9)
    rgb[window] = (0.85, 0.93, 1.0)
    return np.rint(255.0 * np.clip(rgb, 0.0, 1.0) ** (1 / 2.2)).astype(np.uint8)
