"""Ranges as 16-bit logarithms: 65,534 steps over 0.01 to 100 m, each 1.41e-4 of the range."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

NEAREST_M, FARTHEST_M = 0.01, 100.0
STEPS = 65534
#: Codes of labels that are no range. A label nearer than 0.0100014 m would have the second, and is unknown instead.
FAR, UNKNOWN = 0, 1


def encode_range(range_m: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Log codes of ranges: 1 is 0.01 m (and below), 65535 is 100 m, 0 is far; relative step 1.41e-4, error half."""
    with np.errstate(divide="ignore"):
        log = np.log(np.maximum(np.asarray(range_m, np.float64), NEAREST_M) / NEAREST_M)
        codes = np.rint(1.0 + log * (STEPS / np.log(FARTHEST_M / NEAREST_M)))
    return np.where(np.isfinite(range_m) & (range_m <= FARTHEST_M), codes, 0).astype(np.uint16)


_RANGES = (NEAREST_M * (FARTHEST_M / NEAREST_M) ** ((np.arange(65536) - 1.0) / STEPS)).astype(np.float32)
_RANGES[FAR] = np.inf
_LABELS = _RANGES.copy()
_LABELS[UNKNOWN] = np.nan


def decode_range(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Metres of log codes, +inf where far."""
    return _RANGES[codes]


def encode_label(range_m: NDArray[np.floating]) -> bytes:
    """A range image (H, W) in metres as a 16-bit PNG of log codes: +inf and beyond 100 m far; nan and <= 0 unknown."""
    range_m = np.asarray(range_m)
    with np.errstate(invalid="ignore"):
        codes = np.where(range_m > 0, encode_range(np.where(range_m > 0, range_m, 1.0)), np.uint16(UNKNOWN))
    ok, png = cv2.imencode(".png", codes.astype(np.uint16), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a range image of shape {range_m.shape}")
    return bytes(png.tobytes())


def decode_label(png: bytes, source: str = "label") -> NDArray[np.float32]:
    """What `encode_label` wrote: (H, W) float32 metres, +inf far, nan unknown; InputError names `source`."""
    codes = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None
    if codes is None or codes.ndim != 2 or codes.dtype != np.uint16:
        raise InputError(f"{source}: not a 16-bit PNG of log ranges")
    return _LABELS[codes]
