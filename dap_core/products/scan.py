"""A laser scan from a panorama: per azimuth the nearest thing in a band of heights.

What its consumers make of the values (REP 117; Nav2's obstacle layer, AMCL, slam_toolbox):

* a finite range is an obstacle, and the way to it is free;
* `+inf` is a free way up to `range_max`. Nav2 clears along it where `inf_is_valid` is true, by putting a point 0.1 mm
  short of `range_max`: keep its `obstacle_max_range` below that, or the point becomes an obstacle;
* `nan` and `-inf` neither mark nor clear; AMCL and slam_toolbox skip them or take them for missing readings;
* the number of beams follows from the angles, and must: slam_toolbox drops scans with any other number. The first
  and the last beam are one increment apart, so no azimuth is there twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.settings import setting


@dataclass(frozen=True)
class ScanConfig:
    """Which heights a scan takes for obstacles, and how far it reaches."""

    min_height: float = setting(
        -0.3,
        "Lower edge of the scan's band of heights, in metres along gravity relative to the camera. "
        "Keep it clear of the floor by more than the floor's roughness.",
        low=-100.0,
        high=100.0,
    )
    max_height: float = setting(
        0.3,
        "Upper edge of the scan's band of heights, in metres along gravity relative to the camera.",
        low=-100.0,
        high=100.0,
    )
    range_min: float = setting(
        0.2, "Horizontal distance in metres below which a hit is reported as -inf (REP 117).", low=0.01, high=100.0
    )
    range_max: float = setting(
        20.0,
        "Horizontal distance in metres up to which the scan reports hits; where none is nearer a beam is +inf. "
        "The model's own limit applies where it is lower.",
        low=0.1,
        high=1000.0,
    )

    def __post_init__(self) -> None:
        if not -math.inf < self.min_height < self.max_height < math.inf:
            raise InputError(f"a scan's min_height lies below its max_height, got {self.min_height}, {self.max_height}")
        if not 0.0 <= self.range_min < self.range_max < math.inf:
            raise InputError(f"a scan's range_min lies below its range_max, got {self.range_min} and {self.range_max}")


@dataclass(frozen=True)
class Scan:
    """Horizontal distances around the camera, as sensor_msgs/LaserScan has them, in a frame with z against gravity.

    ranges           (W,) float32 metres; beam i looks at azimuth angle_min + i * angle_increment, counter-clockwise
                     from x. Finite values lie in [range_min, range_max]; -inf, +inf and nan as in REP 117
    angle_min        radians, -pi + pi / W: half an increment past the seam behind the robot
    angle_increment  radians, 2 pi / W
    range_min        metres
    range_max        metres
    """

    ranges: NDArray[np.float32]
    angle_min: float
    angle_increment: float
    range_min: float
    range_max: float

    @property
    def angle_max(self) -> float:
        """Azimuth of the last beam, radians, pi - pi / W."""
        return self.angle_min + (len(self.ranges) - 1) * self.angle_increment


def scan(depth: PanoramaDepth, config: ScanConfig) -> Scan:
    """One beam per image column: the nearest horizontal distance among what the column shows inside the band.

    `depth` (h, w) is in the levelled frame (z against gravity, x forward), with flying pixels taken out, since one of
    them is a hit like any other. A pixel is inside the band where the height of its point, relative to the camera,
    lies in [min_height, max_height], or where the middle of the band lies within the height that the pixel covers:
    a band thinner than a pixel does not fall between two rows (at distances where it is, a floor close below may come
    into it). Rows whose rays leave the band nearer than `range_min` are not looked at: they show the robot's mount,
    not what is around it.

    Without a hit a beam is +inf or, where too little was seen to say so, nan. What was seen is measured in the
    column's vertical plane: the part of the band's cross-section, from range_min to range_max and from min_height to
    max_height, that the column's rays cross unhindered. Less than half makes the beam nan. It is the area that says
    how much of a beam's length is known: most rows of a band are steep and leave it near the camera, and by their
    number, or weighed by how far they reach, they outvote the few that look along it. (For +-0.3 m to 20 m in 256
    rows, the four rows at the horizon are all that looks beyond 10 m; they are 70 % of the area, 30 % by reach and
    2.5 % by number.) Rays that end before they come into the band, on a table below a camera that scans for what lies
    on the floor, have seen as little of it as unknown ones.

    Raises InputError where `depth` is not a panorama or the model's limit is not beyond `range_min`.
    """
    height, width = depth.shape
    panorama.check_erp_shape(height, width)
    range_max = min(config.range_max, depth.max_range_m)
    if not range_max > config.range_min:
        raise InputError(f"a scan from {config.range_min:g} m needs a model that sees beyond, got one to {range_max} m")
    band = _band(height, config, range_max)
    with np.errstate(invalid="ignore"):
        distance = np.asarray(depth.range_m[band.rows], np.float32) * band.cosine
        hit = distance >= band.enter
        hit &= distance <= band.leave
        ranges = np.where(hit, distance, np.float32(np.inf)).min(0)
        free = ranges == np.inf
        ranges[ranges < np.float32(config.range_min)] = -np.inf
        if free.any():
            seen = band.share @ (distance > band.leave).astype(np.float32)
            ranges[free & (seen < 0.5 * band.share.sum())] = np.nan
    increment = 2.0 * math.pi / width
    # Columns run clockwise, beams counter-clockwise.
    return Scan(ranges[::-1].copy(), 0.5 * increment - math.pi, increment, config.range_min, range_max)


@dataclass(frozen=True)
class _Band:
    """A band of heights as the n rows of a panorama see it that look into it; float32.

    cosine  (n, 1) horizontal distance of a metre along the ray
    enter   (n, 1) horizontal distance at which a row's rays come into the band, metres, above zero
    leave   (n, 1) horizontal distance at which they leave it or reach range_max, metres
    share   (n,) the row's part of the band's cross-section; their sum is about 1
    """

    rows: slice
    cosine: NDArray[np.float32]
    enter: NDArray[np.float32]
    leave: NDArray[np.float32]
    share: NDArray[np.float32]


@lru_cache(maxsize=8)
def _band(height: int, config: ScanConfig, range_max: float) -> _Band:
    elevation = panorama.elevations(height)
    slope, edges = np.tan(elevation), np.tan((0.5 - np.arange(height + 1) / height) * np.pi)
    middle = 0.5 * (config.min_height + config.max_height)
    enter, leave = _stay(slope, slope, config.min_height, config.max_height)
    # Between the two edges of a pixel lies its centre, so the two stays overlap, and together they are one.
    enter_middle, leave_middle = _stay(edges[1:], edges[:-1], middle, middle)
    enter, leave = np.minimum(enter, enter_middle), np.minimum(np.maximum(leave, leave_middle), range_max)
    used = np.flatnonzero((leave > enter) & (leave > config.range_min))
    rows = slice(int(used[0]), int(used[-1]) + 1)
    enter, leave, cosine = enter[rows], leave[rows], np.cos(elevation[rows])
    area = (leave**2 - np.clip(enter, config.range_min, leave) ** 2) / cosine**2
    # Multiples of 2^-16: their sums are exact in any order, so that equal columns are judged equally.
    share = np.rint(area / area.sum() * 2.0**16) / 2.0**16
    # A range of zero breaks the contract of PanoramaDepth: no hit, and nothing seen.
    enter = np.maximum(enter, np.finfo(np.float32).tiny)
    tables = [*(x[:, None].astype(np.float32) for x in (cosine, enter, leave)), share.astype(np.float32)]
    for table in tables:
        table.flags.writeable = False
    return _Band(rows, *tables)


def _stay(
    lower: NDArray[np.float64], upper: NDArray[np.float64], low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last distance x >= 0 at which [x lower, x upper] touches [low, high]; inf and 0 where none does.

    `lower` and `upper` are slopes of rays, `low` and `high` heights.
    """
    # x upper >= low and x lower <= high: either bounds x from below or from above, by the sign of its slope.
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = low / upper, high / lower
    first = np.maximum(np.where(upper > 0, a, 0.0), np.where(lower < 0, b, 0.0)).clip(0.0)
    last = np.minimum(np.where(upper < 0, a, np.inf), np.where(lower > 0, b, np.inf))
    never = (first > last) | ((upper == 0) & (low > 0)) | ((lower == 0) & (high < 0))
    return np.where(never, np.inf, first), np.where(never, 0.0, last)
