"""Which sample of which set comes when: a pure function of its number in the run, so a position is all of the state."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

#: The pattern of sets repeats after this many samples: shares are kept to 1 in 1000 exactly.
CYCLE = 1000


class Mixture:
    """An endless sequence of (set, sample), mixed by `shares`; within an epoch of a set every sample comes once.

    `sizes` are the sets' numbers of samples, `shares` their parts of the sequence (any positive numbers). Sets take
    turns as evenly as their shares allow, and each goes through its own samples in an order drawn anew for each of its
    epochs from (`seed`, set, epoch). Raises InputError for an empty set or a share that is not positive.
    """

    def __init__(self, sizes: Sequence[int], shares: Sequence[float], seed: int) -> None:
        if not sizes or len(sizes) != len(shares):
            raise InputError(f"a mixture wants a share for each set, got {len(shares)} for {len(sizes)}")
        if min(sizes) < 1 or not all(0.0 < share < np.inf for share in shares):
            raise InputError(
                f"sets must have samples and positive shares, got sizes {list(sizes)}, shares {list(shares)}"
            )
        self.sizes, self.seed = tuple(int(n) for n in sizes), int(seed)
        self.pattern = _pattern(tuple(shares))
        counts = np.bincount(self.pattern, minlength=len(sizes))
        if counts.min() == 0:
            raise InputError(f"a share below 1 in {CYCLE} is never drawn, got shares {list(shares)}")
        self._counts = counts
        self._turn = np.zeros(CYCLE, np.int64)
        for number in range(len(sizes)):
            mine = np.flatnonzero(self.pattern == number)
            self._turn[mine] = np.arange(len(mine))
        self._order = lru_cache(maxsize=2 * len(sizes))(self._shuffled)

    def __getitem__(self, number: int) -> tuple[int, int]:
        """Set and sample of the `number`-th draw, from 0."""
        cycle, slot = divmod(number, CYCLE)
        which = int(self.pattern[slot])
        drawn = cycle * int(self._counts[which]) + int(self._turn[slot])
        epoch, position = divmod(drawn, self.sizes[which])
        return which, int(self._order(which, epoch)[position])

    def _shuffled(self, which: int, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.seed, which, epoch]).permutation(self.sizes[which])

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k != "_order"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._order = lru_cache(maxsize=2 * len(self.sizes))(self._shuffled)


def _pattern(shares: tuple[float, ...]) -> NDArray[np.int64]:
    """(CYCLE,) set of each slot: counts by largest remainder, spread by taking the set that is furthest behind."""
    exact = np.asarray(shares, np.float64) / sum(shares) * CYCLE
    counts = np.floor(exact).astype(np.int64)
    for number in np.argsort(counts - exact, kind="stable")[: CYCLE - counts.sum()]:
        counts[number] += 1
    given = np.zeros(len(shares), np.int64)
    pattern = np.zeros(CYCLE, np.int64)
    for slot in range(CYCLE):
        behind = counts * (slot + 1) / CYCLE - given
        pattern[slot] = int(behind.argmax())
        given[pattern[slot]] += 1
    return pattern
