"""Flying pixels: points that a network draws between a foreground and what lies behind it, where there is nothing.

Networks blur depth edges over a few pixels; seen as points, that is a curtain hung from every object to its background.
On a plane the inverse range is a linear function of the ray, so along any great circle it continues itself (to second
order in the step) whatever the angle between ray and plane. A pixel flies when, across it, both hold:

* the surface on one side is nearer and that on the other farther than it by more than `contrast`, `reach` pixels away;
* it lies on the continuation of neither side's surface.

The first alone would take floors near the horizon and walls seen along; those continue themselves, and the second
spares them. What is nearest across an edge is never taken: no obstacle disappears, its curtain does.

Measured with the default settings on 34 scenes (24 procedural, 10 renders of other origin) at 256x512. A wrong point
lies between surfaces of the true 5x5 neighbourhood and farther than max(10 %, 0.15 m) from each of them; a right one is
nearer than that to one. Exact range halved and doubled in size by linear filters: 85 % of the wrong points go and 1.2 %
of the right ones; blurred by a Gaussian of one pixel: 83 and 1.5 %. The bundled network, the smooth part of its error
taken out: 23 % of all wrong ones, 38 % of those where it draws an edge at all, and 1.8 % of the right ones; the rest
are objects that it melts into their surroundings. Of exact range itself 0.6 % goes, of grass most.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.settings import setting

#: Square of a step's angle about the vertical axis, times cos elevation, at most: by that, relative to the sine of the
#: angle between ray and plane, continuing along a circle of latitude is wrong. So within 15 degrees of a pole (at 256
#: rows) steps are shorter than the rule, or walls up there would fly.
BEND = 0.002


@dataclass(frozen=True)
class EdgesConfig:
    """When a point at a depth edge is taken for an artefact of the network."""

    enabled: bool = setting(True, "Remove points that float between a foreground and its background at depth edges.")
    contrast: float = setting(
        0.1,
        "A point is removed when it lies farther behind the nearer side and before the farther side of an edge than "
        "this share of its range. Smaller removes more, right points too.",
        low=0.02,
        high=1.0,
    )
    reach: int = setting(
        2,
        "Distance in pixels, at the horizon, at which the two sides of an edge are looked for: half the width of the "
        "edges that the network draws.",
        low=1,
        high=8,
    )


def flying_pixels(depth: PanoramaDepth, config: EdgesConfig | None = None) -> NDArray[np.bool_]:
    """(h, w) bool, true at near pixels that float between the two sides of a depth edge; nowhere if not enabled.

    Far counts as a background at infinity, the unknown as neither side. Neighbours are `reach` pixels of the horizon
    away: rows up and down, over the poles too, and columns left and right, 1 / cos elevation times as many. Raises
    InputError unless the depth is a 2:1 panorama.
    """
    config = config or EdgesConfig()
    height, width = depth.shape
    panorama.check_erp_shape(height, width)
    flying = np.zeros(height * width, bool)
    if not config.enabled:
        return flying.reshape(height, width)
    reach, share = config.reach, np.float32(config.contrast)
    with np.errstate(all="ignore"):  # nan and nonsense compare false
        inverse = np.reciprocal(depth.range_m, dtype=np.float32).reshape(-1)
        nearer, farther = inverse * (1 + share), inverse / (1 + share)
        for rows, columns in ((1, 0), (0, 1)):
            neighbours = (_neighbours(height, width, reach, s * rows, s * columns) for s in (-1, 1))
            # Indices are in range; "wrap" spares take the copy that it makes to be able to fail.
            before, after = (np.take(inverse, index, mode="wrap") for index in neighbours)
            crossed = np.maximum(before, after) > nearer
            crossed &= np.minimum(before, after) < farther
            among = np.flatnonzero(crossed)  # few, so that the rest costs little
            own, fits = inverse[among], np.zeros(len(among), bool)
            for side, s in ((before, -2), (after, 2)):
                continued = 2 * side[among] - inverse[_neighbours(height, width, reach, s * rows, s * columns)[among]]
                fits |= ~(np.abs(continued - own) > 0.5 * share * own)
            flying[among[~fits]] = True
        flying &= inverse > 0
    return flying.reshape(height, width) & depth.near


def without(depth: PanoramaDepth, mask: NDArray[np.bool_]) -> PanoramaDepth:
    """The depth with nothing known where `mask` (h, w) is true: range and far probability nan, not far.

    Raises InputError where the mask is not bool or not of depth's shape.
    """
    if mask.shape != depth.shape or mask.dtype != np.bool_:
        raise InputError(f"a mask of this depth is {depth.shape} bool, got {mask.shape} {mask.dtype}")
    range_m, probability = depth.range_m.copy(), depth.far_probability.copy()
    range_m[mask] = probability[mask] = np.nan
    return PanoramaDepth(range_m, depth.far & ~mask, probability, depth.max_range_m)


@lru_cache(maxsize=16)
def _neighbours(height: int, width: int, reach: int, rows: int, columns: int) -> NDArray[np.intp]:
    """Flat indices (h * w,) of the pixels so many steps below and to the right, past a pole half a turn away.

    A step is `reach` rows, or as many columns as cover the same angle.
    """
    v = np.arange(height) + reach * rows
    over = (v < 0) | (v >= height)
    v = np.clip(np.where(v < 0, -1 - v, np.where(over, 2 * height - 1 - v, v)), 0, height - 1)
    pixel, level = 2.0 * np.pi / width, np.cos(panorama.elevations(height))
    step = np.maximum(reach, np.rint(np.minimum(reach / level, np.sqrt(BEND / level) / pixel)).astype(np.intp))
    u = (np.arange(width) + (columns * step + over * (width // 2))[:, None]) % width
    index = (v[:, None] * width + u).reshape(-1)
    index.flags.writeable = False
    return index
