"""Near-duplicates by a perceptual hash: a video of a camera that stands still is one picture, not a thousand."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Bits of 64 in which two pictures of the same place may differ. Unrelated pictures differ in 32 on average.
NEAR = 6


def perceptual_hash(image: NDArray[np.uint8]) -> int:
    """64 bits of (H, W, 3) RGB: which of its 8x8 lowest cosine coefficients at 32x32 lie above their median (pHash)."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


class Seen:
    """Pictures so far; `near(image)` says whether one of them is nearly the same, and remembers it if not."""

    def __init__(self, bits: int = NEAR) -> None:
        self.bits = bits
        self._hashes: list[int] = []

    def near(self, image: NDArray[np.uint8]) -> bool:
        """Whether an earlier picture's hash differs from this one's in at most `bits` bits."""
        mark = perceptual_hash(image)
        if any((mark ^ other).bit_count() <= self.bits for other in reversed(self._hashes)):
            return True
        self._hashes.append(mark)
        return False
