"""The registry of worlds: every kind with its weight, and `make_world`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from dap_core.errors import InputError
from training.worlds import indoor, outdoor
from training.worlds.world import Crowded, World

Builder = Callable[[np.random.Generator], World]

INDOOR_SHARE = 0.6

#: Weight of a kind within its group, where it is not 1: what robots and panorama data sets meet most, more often.
WEIGHTS: dict[str, float] = {
    "living_room": 2.0,
    "apartment": 3.0,
    "bedroom": 1.5,
    "kitchen": 1.5,
    "office": 1.5,
    "open_office": 1.5,
    "shop": 1.5,
    "bookshop": 2.0,
    "cafe": 1.5,
    "corridor": 2.0,
    "lobby": 1.5,
    "warehouse": 1.5,
    "closet": 0.5,
    "church": 0.5,
    "tunnel": 0.7,
}

#: How often a world that left no place for a camera (about 1 in 10 000) is built anew before that is an error.
RETRIES = 8

BUILDERS: dict[str, Builder] = {**indoor.KINDS, **outdoor.KINDS}


def probabilities() -> dict[str, float]:
    """How often each kind is drawn; sums to 1, `INDOOR_SHARE` of it indoors."""
    shares: dict[str, float] = {}
    for group, share in ((indoor.KINDS, INDOOR_SHARE), (outdoor.KINDS, 1.0 - INDOOR_SHARE)):
        total = sum(WEIGHTS.get(kind, 1.0) for kind in group)
        shares.update({kind: share * WEIGHTS.get(kind, 1.0) / total for kind in group})
    return shares


def make_world(seed: int, kind: str | None = None) -> World:
    """The world of a seed, of a random kind or the given one; the same seed gives the same world everywhere."""
    rng = np.random.Generator(np.random.PCG64(seed))
    shares = probabilities()
    drawn = str(rng.choice(list(shares), p=list(shares.values())))
    if kind is not None and kind not in BUILDERS:
        raise InputError(f"there is no kind of world {kind!r}; there are: {', '.join(BUILDERS)}")
    for _ in range(RETRIES):  # the same generator goes on, so the answer still depends on the seed alone
        with suppress(Crowded):
            return BUILDERS[kind or drawn](rng)
    return BUILDERS[kind or drawn](rng)
