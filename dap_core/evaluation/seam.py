"""Seams: what a model does where the image ends, although the world goes on there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core.estimate import PanoramaDepth
from dap_core.panorama import rays, solid_angles

#: Columns on either side of the image's border that count as "at the seam".
SEAM_COLUMNS = 2


@dataclass(frozen=True)
class SeamError:
    """Relative difference between the prediction of a rolled panorama and the rolled prediction; 0 is seamless.

    mean      over the sphere, by solid angle, where both have a range
    at_seam   the same over the columns beside the image's border
    far_flip  share of the sphere that is far in one and not in the other
    """

    mean: float
    at_seam: float
    far_flip: float

    def as_dict(self) -> dict[str, float]:
        """Name to value."""
        return asdict(self)


def seam_error(
    predict: Callable[[NDArray[np.uint8]], PanoramaDepth], image: NDArray[np.uint8], straight: PanoramaDepth
) -> SeamError:
    """Predict the panorama turned by half a revolution and compare with `straight`, its prediction as it is.

    Half a revolution puts the border into the middle of the image, and is a whole number of patches for every model.
    """
    turned = predict(np.roll(image, image.shape[1] // 2, 1))
    back = np.roll(turned.range_m, -(turned.shape[1] // 2), 1)
    both = np.isfinite(back) & straight.near
    weight = np.broadcast_to(solid_angles(straight.shape[0])[:, None], straight.shape)
    with np.errstate(invalid="ignore"):
        difference = np.abs(back / straight.range_m - 1.0)
    seam = np.zeros_like(both)
    seam[:, :SEAM_COLUMNS] = seam[:, -SEAM_COLUMNS:] = True
    flipped = np.isposinf(back) != straight.far
    return SeamError(
        _mean(difference, weight, both),
        _mean(difference, weight, both & seam),
        float((flipped * weight).sum() / 4 / np.pi),
    )


@dataclass(frozen=True)
class CubeSeams:
    """Jumps of range across the edges of a cube around the camera, for models that look at six faces.

    The three measures that PaGeR (arXiv 2605.26368, appendix) reports, on range scaled to [0, 1] between its 1st and
    99th percentile: `density`, the share of border pixels that jump by more than 0.010; `prevalence`, the share of the
    12 edges with more than 5 % of such pixels; `severity`, the share of edges whose mean jump exceeds 0.008. The
    thresholds are for 1024 rows and more: of fewer, the slope of an ordinary wall passes them.
    """

    density: float
    prevalence: float
    severity: float

    def as_dict(self) -> dict[str, float]:
        """Name to value."""
        return asdict(self)


def cube_seams(range_m: NDArray[np.floating]) -> CubeSeams:
    """Cube seams of one range image (H, 2 H), metres; pixels without a finite range, and their jumps, are left out."""
    first, second, edge = _borders(*range_m.shape)
    a, b = range_m.reshape(-1)[first], range_m.reshape(-1)[second]
    known = np.isfinite(a) & np.isfinite(b)
    if not known.any():
        return CubeSeams(*([float("nan")] * 3))
    low, high = np.quantile(range_m[np.isfinite(range_m)], (0.01, 0.99))
    a, b = (np.clip((v[known] - low) / max(high - low, 1e-6), 0.0, 1.0) for v in (a, b))
    jump, edge = np.abs(a - b), edge[known]
    count = np.bincount(edge, minlength=12)
    used = count > 0
    broken = np.bincount(edge, weights=jump > 0.010, minlength=12)[used] / count[used]
    mean = np.bincount(edge, weights=jump, minlength=12)[used] / count[used]
    return CubeSeams(float((jump > 0.010).mean()), float((broken > 0.05).mean()), float((mean > 0.008).mean()))


@lru_cache(maxsize=4)
def _borders(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Flat indices of neighbouring pixels on different faces, (n,) and (n,), and which of the 12 edges parts them."""
    directions = rays(height, width)
    axis = np.abs(directions).argmax(-1)
    face = 2 * axis + (np.take_along_axis(directions, axis[..., None], -1)[..., 0] < 0)
    index = np.arange(height * width).reshape(height, width)
    pairs = [(index, np.roll(index, -1, 1)), (index[:-1], index[1:])]
    first = np.concatenate([a.reshape(-1) for a, _ in pairs])
    second = np.concatenate([b.reshape(-1) for _, b in pairs])
    one, other = face.reshape(-1)[first], face.reshape(-1)[second]
    border = one != other
    name = np.minimum(one, other)[border] * 6 + np.maximum(one, other)[border]
    return first[border], second[border], np.unique(name, return_inverse=True)[1].reshape(-1)


def _mean(values: NDArray, weight: NDArray, where: NDArray[np.bool_]) -> float:
    return float(np.average(values[where], weights=weight[where])) if where.any() else float("nan")
