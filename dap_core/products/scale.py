"""Scale held by the mount: depth is multiplied so that the ground lies as far below the camera as it is known to.

A network reads the scale of a scene from its looks; the height of a camera above the ground is known. One factor for
all ranges keeps the shape of what the network saw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.estimate import MIN_RANGE_M, PanoramaDepth
from dap_core.settings import setting

#: Rays below this elevation (degrees) are asked: a degree of tilt changes their height above the ground by 5 % at most.
_HIGHEST = -20.0
#: Directions on the whole sphere that are looked at; a third of them lie below `_HIGHEST`.
_DIRECTIONS = 6000
#: Half the thickness of the ground, as a share of range: what lies within agrees.
_BAND = 0.08
#: The histogram over the logarithm of the factor: its ends, its bins, and the width of its smoothing.
_ENDS, _BIN, _SMOOTH = math.log(50.0), 0.02, 0.05
#: Of several level surfaces those count that hold at least this share of what the largest does.
_STRONG = 0.5
#: The logarithm of what the factor may differ from the last one and still be of the same ground.
_JUMP = math.log(1.25)
#: The share of the downward view that must be known at all.
_MIN_KNOWN = 0.05


@dataclass(frozen=True)
class ScaleConfig:
    """How the ground is recognised, and how fast and how far it may change the scale."""

    enabled: bool = setting(
        False,
        "Whether depth is scaled so that the ground lies camera_height below the camera; needs camera_height.",
    )
    time_constant: float = setting(
        3.0,
        "Seconds over which the scale follows the ground; the first frame that sees the ground sets it at once.",
        low=0.0,
        high=600.0,
    )
    hold: float = setting(
        10.0,
        "Seconds for which the last scale is kept where no ground is seen, or one that differs by more than a quarter "
        "from the last. Then another ground is believed, and without any the scale goes back to 1, with time_constant.",
        low=0.0,
        high=86400.0,
    )
    min_factor: float = setting(
        0.2,
        "Smallest factor that depth may be multiplied with; a ground that asks for less is not believed.",
        low=0.05,
        high=1.0,
    )
    max_factor: float = setting(
        2.5,
        "Largest factor that depth may be multiplied with; a ground that asks for more (a table top) is not believed.",
        low=1.0,
        high=20.0,
    )
    min_share: float = setting(
        0.3,
        "Share of the known view more than 20 degrees below the horizon that must lie on one level plane for it to be "
        "the ground.",
        low=0.05,
        high=1.0,
    )
    max_slope: float = setting(
        10.0,
        "Angle in degrees between that plane and the horizontal above which it is not believed.",
        low=0.0,
        high=45.0,
    )


@dataclass(frozen=True)
class ScaleState:
    """What the ground said.

    factor    what ranges are to be multiplied with now
    measured  the factor that this frame alone asks for; nan where it shows no ground
    share     share of the known downward view that lies on the ground, 0 to 1
    reason    in plain words, where `factor` comes from
    """

    factor: float
    measured: float
    share: float
    reason: str


class GroundScale:
    """The scale of one camera's depth from frame to frame."""

    def __init__(self, config: ScaleConfig) -> None:
        self.config = config
        self._stamp = math.nan
        self._forget()

    def _forget(self) -> None:
        # Logarithms of the factor applied and of what the ground last asked for; nan before any ground was seen.
        self._applied = self._ground = math.nan
        self._seen = self._silent = 0.0

    def update(self, depth: PanoramaDepth, camera_height_m: float, stamp_s: float) -> ScaleState:
        """Look for the ground in unscaled `depth` of the levelled frame.

        `camera_height_m` is the height of the camera above the ground (metres; not positive: not known), `stamp_s` the
        image's time. A stamp from the past starts anew. The height may change from frame to frame, as on a lift.
        """
        if not self.config.enabled:
            return ScaleState(1.0, math.nan, 0.0, "scale.enabled is false")
        if stamp_s < self._stamp:
            self._forget()
        step = stamp_s - self._stamp if stamp_s >= self._stamp else 0.0
        self._stamp = stamp_s
        if math.isfinite(camera_height_m) and camera_height_m > 0.0:
            measured, share, reason = _measure(depth, camera_height_m, self.config, self._ground)
        else:
            measured, share, reason = math.nan, 0.0, "camera_height is not set"
        if math.isfinite(measured) and self._believed(math.log(measured), step):
            self._follow(math.log(measured), step)
        elif math.isfinite(self._applied):
            if math.isfinite(measured):
                reason = "what lies below is not where the ground was"
            reason += self._wait(step)
        factor = math.exp(self._applied) if math.isfinite(self._applied) else 1.0
        return ScaleState(factor, measured, share, reason)

    def _believed(self, log: float, step: float) -> bool:
        return not abs(log - self._ground) > _JUMP or self._silent + step > self.config.hold

    def _follow(self, log: float, step: float) -> None:
        # In the first seconds the mean, then an exponential one; to another ground the latter too.
        if abs(log - self._ground) > _JUMP:
            self._seen = self.config.time_constant
        span = min(self.config.time_constant, self._seen) + step
        gain = step / span if span > 0.0 and math.isfinite(self._applied) else 1.0
        self._applied = log if gain == 1.0 else self._applied + gain * (log - self._applied)
        self._ground, self._seen, self._silent = log, self._seen + step, 0.0

    def _wait(self, step: float) -> str:
        """Keep the factor, later let it go; in words."""
        self._silent += step
        if self._silent <= self.config.hold:
            return ", the last factor is held"
        self._seen = self.config.time_constant
        self._applied *= math.exp(-step / self.config.time_constant) if self.config.time_constant > 0.0 else 0.0
        return ", the factor goes back to 1"


def scaled(depth: PanoramaDepth, factor: float) -> PanoramaDepth:
    """`depth` with ranges multiplied by `factor`; what then lies beyond `max_range_m` is far, what was far stays far.

    The far probability of a pixel that becomes far is 1. Nothing comes nearer than `MIN_RANGE_M`.
    """
    if factor == 1.0:
        return depth
    with np.errstate(invalid="ignore", over="ignore"):
        range_m = depth.range_m * np.float32(factor)
        np.maximum(range_m, np.float32(MIN_RANGE_M), out=range_m)
        beyond = range_m > depth.max_range_m
    beyond &= ~depth.far
    if not beyond.any():
        return replace(depth, range_m=range_m)
    range_m[beyond] = np.inf
    probability = np.where(beyond, np.float32(1.0), depth.far_probability)
    return replace(depth, range_m=range_m, far=depth.far | beyond, far_probability=probability)


def _measure(depth: PanoramaDepth, height_m: float, config: ScaleConfig, ground: float) -> tuple[float, float, str]:
    """(factor, share, reason) of one frame; the factor is nan where there is no ground to believe in."""
    pixels, rays = _downward(*depth.shape)
    range_m = depth.range_m.reshape(-1)[pixels].astype(np.float64)
    known = int(np.count_nonzero(range_m > 0.0))
    if known < _MIN_KNOWN * len(pixels):
        return math.nan, 0.0, "nothing is known of the view downwards"
    near = np.isfinite(range_m) & (range_m > 0.0)
    points = rays[near] * range_m[near, None]
    log = _level(np.log(height_m / -points[:, 2]), ground)
    if log is None:
        return math.nan, 0.0, "no ground seen"
    # A plane is its normal over its distance, n . p = -1: the residual is then the relative error of the range.
    plane = np.array([0.0, 0.0, math.exp(log) / height_m])
    try:
        for _ in range(4):
            on = points[np.abs(points @ plane + 1.0) < _BAND]
            plane = np.linalg.solve(on.T @ on, -on.sum(0))
    except np.linalg.LinAlgError:
        return math.nan, 0.0, "no ground seen"
    share = float(np.count_nonzero(np.abs(points @ plane + 1.0) < _BAND)) / known
    norm = float(np.linalg.norm(plane))
    if share < config.min_share or norm == 0.0:
        return math.nan, share, "no ground seen"
    slope = math.degrees(math.acos(min(1.0, plane[2] / norm)))
    if slope > config.max_slope:
        return math.nan, share, f"the plane below slopes by {slope:.0f} degrees"
    factor = height_m * norm
    if not config.min_factor <= factor <= config.max_factor:
        return math.nan, share, f"the ground asks for a factor of {factor:.2f}, outside of what is allowed"
    return factor, share, "from the ground"


def _level(logs: NDArray[np.float64], ground: float) -> float | None:
    """The logarithm of the factor that the ground asks for, among the most prominent level surfaces.

    That is the one nearest to where the `ground` was, and where that is nan, the lowest: tables lie above the ground.
    """
    bins = round(2.0 * _ENDS / _BIN)
    index = np.floor((logs + _ENDS) / _BIN)
    index = index[(index >= 0) & (index < bins)].astype(np.int64)
    if not index.size:
        return None
    offsets = np.arange(-8, 9) * _BIN
    smooth = np.convolve(np.bincount(index, minlength=bins), np.exp(-0.5 * (offsets / _SMOOTH) ** 2), "same")
    peaks = np.flatnonzero((smooth[1:-1] >= smooth[:-2]) & (smooth[1:-1] > smooth[2:])) + 1
    peaks = peaks[smooth[peaks] >= _STRONG * smooth.max()] if peaks.size else np.array([int(smooth.argmax())])
    if not peaks.size:
        return None
    at = (peaks + 0.5) * _BIN - _ENDS
    return float(at[np.abs(at - ground).argmin()] if math.isfinite(ground) else at[0])


@lru_cache(maxsize=4)
def _downward(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Flat pixel indices (n,) of directions spread evenly over what is below `_HIGHEST`, and their rays (n, 3)."""
    directions = panorama.fibonacci_directions(_DIRECTIONS)
    u, v = np.rint(panorama.project(directions, height, width)).astype(np.int64).T
    pixels = np.unique(np.clip(v, 0, height - 1) * width + u % width)
    rays = panorama.rays(height, width).reshape(-1, 3)[pixels].astype(np.float64)
    below = rays[:, 2] < math.sin(math.radians(_HIGHEST))
    return pixels[below], rays[below]
