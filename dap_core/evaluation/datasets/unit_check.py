"""Ground truth in the wrong unit: found by what a panorama cannot look like.

Metres along the ray of a whole sphere are a narrow thing: something, at least the ground or what carries the camera, is
within a hundred metres, and something is farther than a metre. Millimetres and normalised depth are neither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

#: The nearest hundredth of a panorama's known pixels is never farther than this, metres.
NEAREST_LIMIT_M = 150.0
#: And the farthest hundredth never all nearer than this.
FARTHEST_LIMIT_M = 1.0


class WrongUnit(InputError):
    """Ground truth that does not look like metres."""


def doubt_about_unit(range_m: NDArray[np.floating]) -> str | None:
    """What a range image (H, W), said to be in metres, looks like instead; None when it can be metres."""
    known = range_m[np.isfinite(range_m) & (range_m > 0)]
    if known.size < 100:
        return None
    near, middle, far = (float(v) for v in np.quantile(known, (0.01, 0.5, 0.99)))
    if near > NEAREST_LIMIT_M:
        # 1500 may be millimetres, but not centimetres: no room's nearest wall is at 15 m and its median too.
        return (
            f"looks like millimetres: its nearest hundredth lies at {near:.0f} and its median at {middle:.0f}; "
            "say --unit mm, or --trust-unit if these are metres"
        )
    if float(known.max()) <= FARTHEST_LIMIT_M:
        return (
            f"looks normalised, or in a larger unit than metres: nothing lies beyond {known.max():.3g}; "
            "give metres, say --unit, or --trust-unit if these are metres"
        )
    if far < FARTHEST_LIMIT_M / 10:
        return f"nearly everything is nearer than {far:.3g} m: the unit is too small; say --unit, or --trust-unit"
    return None
