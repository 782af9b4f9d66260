"""How fast memory is copied."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

#: Far beyond any cache.
BYTES = 256 << 20


def copy_gb_per_s(threads: int, seconds: float = 1.5) -> float:
    """Bytes read and written a second by copies of a large array with `threads` threads, in GB (10^9): the best."""
    source = np.ones(BYTES, np.uint8)
    target = np.empty_like(source)
    target[...] = 0  # pages are given out when they are first written
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    best, until = float("inf"), time.perf_counter() + seconds
    with ThreadPoolExecutor(threads) as pool:
        while time.perf_counter() < until or best == float("inf"):
            began = time.perf_counter()
            list(pool.map(lambda part: np.copyto(*part), parts))
            best = min(best, time.perf_counter() - began)
    return 2 * BYTES / best / 1e9
