"""Range as `.npy`: (h, w) float32 metres along the ray, +inf far, nan unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside


def write_range(path: str | Path, range_m: NDArray[np.float32]) -> None:
    """Write a range image; InputError where it breaks the contract."""
    _check(range_m, str(path))
    with written_beside(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(range_m), allow_pickle=False)


def read_range(path: str | Path) -> NDArray[np.float32]:
    """Read a range image; InputError for a file that is missing, damaged, or breaks the contract."""
    try:
        with Path(path).open("rb") as file:
            range_m = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"no range file {path}") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a .npy file ({str(error).splitlines()[0]})") from None
    if not isinstance(range_m, np.ndarray):
        raise InputError(f"{path}: not a .npy file with one array in it")
    _check(range_m, str(path))
    return range_m


def _check(range_m: NDArray, source: str) -> None:
    if range_m.dtype != np.float32 or range_m.ndim != 2:
        raise InputError(f"{source}: a range image is (h, w) float32, got {range_m.dtype} {range_m.shape}")
    height, width = range_m.shape
    if height < 1 or width != 2 * height:
        raise InputError(f"{source}: a range image is twice as wide as high, got {width}x{height}")
    if (range_m <= 0).any():
        raise InputError(f"{source}: ranges are positive metres, +inf far, nan unknown; got {np.nanmin(range_m)}")
