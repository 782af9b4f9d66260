"""Is a 2:1 picture an upright panorama? Three measurements, and why one is left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import rays

ROWS = 128
MARGIN = 6
#: Sine of the angle between a great circle and a vertical one within which an edge counts as vertical.
VERTICAL = np.sin(np.deg2rad(2.5))
#: Directions of up that are tried: every tilt up to this many degrees.
STEEPEST = 45.0


@dataclass(frozen=True)
class Horizon:
    """`tilt`: degrees between the picture's up and the up that most of its vertical edges agree on. `support`: how many
    times more edges agree on it than would by chance; below 2 there are no verticals to speak of. `upright`: the same
    for the picture's own up.
    """

    tilt: float
    support: float
    upright: float


def horizon(image: NDArray[np.uint8]) -> Horizon:
    """The tilt of a panorama (H, 2 H, 3), by its vertical edges.

    Every edge lies on a great circle. Its normal is the direction in which brightness changes, and those of vertical
    edges are all at right angles to up: the up that most of them allow is the scene's.
    """
    ray, left, rise, cos = _frame()
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (2 * ROWS, ROWS), interpolation=cv2.INTER_AREA)
    wide = np.log(_wide(grey.astype(np.float32)) + 16.0)
    scale = _wide(np.maximum(cos, 0.05))
    across, along = -cv2.Sobel(wide, cv2.CV_32F, 1, 0) / scale, -cv2.Sobel(wide, cv2.CV_32F, 0, 1)
    # Where a neighbourhood agrees on one direction (its structure tensor has one large eigenvalue), there is an edge.
    aa, ee, ae = (
        cv2.GaussianBlur(x, (0, 0), 1.2)[MARGIN:-MARGIN, MARGIN:-MARGIN]
        for x in (across * across, along * along, across * along)
    )
    apart = np.hypot(aa - ee, 2.0 * ae)
    weight = np.minimum(apart**2 / (aa + ee + 1e-4) ** 2, 1.0) * np.sqrt(aa + ee) * cos
    strong = (weight > np.quantile(weight, 0.92)) & (np.abs(ray[..., 2]) < 0.9)
    if float(weight[strong].sum()) < 1e-2:
        return Horizon(0.0, 0.0, 0.0)
    angle = 0.5 * np.arctan2(2.0 * ae, aa - ee)[strong][:, None]
    normal, weight = np.cos(angle) * left[strong] + np.sin(angle) * rise[strong], weight[strong]
    ups, tilts = _ups()
    agree = np.abs(normal.astype(np.float32) @ ups.T) < VERTICAL
    agreeing = weight @ agree.astype(np.float32) / (weight.sum() * VERTICAL)
    best = int(agreeing.argmax())
    return Horizon(float(tilts[best]), float(agreeing[best]), float(agreeing[tilts < 5.0].max()))


def seam(image: NDArray[np.uint8]) -> float:
    """Step across the left and right border over the usual step between columns; near 1 in a panorama."""
    x = cv2.resize(image, (4 * ROWS, 2 * ROWS), interpolation=cv2.INTER_AREA).astype(np.float32)
    inside = np.abs(np.diff(x, axis=1)).mean((0, 2))
    return float(np.abs(x[:, 0] - x[:, -1]).mean() / (np.quantile(inside, 0.75) + 1.0))


def poles(image: NDArray[np.uint8]) -> float:
    """Contrast along the first and the last row over that along the middle one: a pole is one point, so small."""
    x = cv2.resize(image, (4 * ROWS, 2 * ROWS), interpolation=cv2.INTER_AREA).astype(np.float32)
    spread = x.std(1).mean(-1)
    ends = min(float(spread[:2].mean()), float(spread[-2:].mean()))
    return ends / (float(np.median(spread)) + 1.0)


@dataclass(frozen=True)
class Plausible:
    """What a picture must be like; 0 switches a test off.

    Largest tilt in degrees, where at least `support` speaks for it and twice what speaks for upright; largest step at
    the seam, in usual steps; largest contrast at the quieter of the poles, relative to that of the picture. Pictures
    should be 128 pixels high or more. The defaults are on the safe side: of 160 upright procedural scenes they leave
    out none, of those tilted by 20 degrees two in five.
    """

    tilt: float = 12.0
    support: float = 5.0
    seam: float = 5.0
    poles: float = 0.6

    def fault(self, image: NDArray[np.uint8]) -> str | None:
        """Why (H, 2 H, 3) is no upright panorama, in a few words; None where it may be one."""
        if image.std() < 4.0:
            return "empty: one colour"
        if self.seam and (step := seam(image)) > self.seam:
            return f"no panorama: its borders do not meet (step {step:.1f} at the seam)"
        if self.poles and (contrast := poles(image)) > self.poles:
            return f"no panorama: its first and last rows are no points (contrast {contrast:.2f})"
        if self.tilt:
            found = horizon(image)
            if found.tilt > self.tilt and found.support > max(self.support, 2.0 * found.upright):
                return f"implausible horizon: tilted by {found.tilt:.0f} degrees"
        return None


def _wide(x: NDArray[np.float32]) -> NDArray[np.float32]:
    x = np.concatenate([x[:, -MARGIN:], x, x[:, :MARGIN]], 1)
    return np.asarray(cv2.copyMakeBorder(x, MARGIN, MARGIN, 0, 0, cv2.BORDER_REPLICATE))


@lru_cache(maxsize=1)
def _frame() -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Rays, and the unit directions to the left and upwards at each, (ROWS, 2 ROWS, 3), and the cosine of elevation."""
    ray = rays(ROWS).astype(np.float64)
    cos = np.hypot(ray[..., 0], ray[..., 1])
    left = np.stack([-ray[..., 1] / cos, ray[..., 0] / cos, np.zeros_like(cos)], -1)
    return ray, left, np.cross(ray, left), cos.astype(np.float32)


@lru_cache(maxsize=1)
def _ups() -> tuple[NDArray, NDArray]:
    """Directions of up, about 2.5 degrees apart, and their tilts in degrees."""
    directions, tilts = [], []
    for tilt in np.arange(0.0, STEEPEST + 0.1, 2.5):
        for azimuth in np.linspace(0.0, 2.0 * np.pi, max(1, round(144 * np.sin(np.deg2rad(tilt)))), endpoint=False):
            sin = np.sin(np.deg2rad(tilt))
            directions.append((sin * np.cos(azimuth), sin * np.sin(azimuth), np.cos(np.deg2rad(tilt))))
            tilts.append(tilt)
    return np.array(directions, np.float32), np.array(tilts)
