"""Depth files of public data sets as float32 metres: 16-bit PNG, NumPy arrays and archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError


def read_depth(path: Path, scale: float = 1000.0) -> NDArray[np.float32]:
    """(H, W) float32 metres, nan where unknown (0, negative or nan in the file) and +inf where the file says so.

    `.png`: 16 bits, `scale` to the metre. `.npy`, and the one array (or `arr_0`) of an `.npz`: metres. A singleton last
    axis is dropped. Raises InputError for a file that is missing, damaged, or none of these.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(f"no depth file {path}")
    if suffix == ".png":
        codes = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_UNCHANGED)
        if codes is None:
            raise InputError(f"{path}: not a PNG that can be decoded")
        if codes.dtype != np.uint16 or codes.ndim != 2:
            raise InputError(f"{path}: a depth PNG has one channel of 16 bits, got {codes.dtype} {codes.shape}")
        values = codes.astype(np.float32) / np.float32(scale)
    elif suffix in (".npy", ".npz"):
        values = _read_array(path)
    else:
        raise InputError(f"{path}: depth is read from .png, .npy and .npz")
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    if values.ndim != 2 or values.dtype.kind not in "fui":
        raise InputError(f"{path}: a depth image is a 2-D array of numbers, got {values.dtype} {values.shape}")
    values = values.astype(np.float32)
    with np.errstate(invalid="ignore"):
        return np.where(values > 0, values, np.float32(np.nan))


def _read_array(path: Path) -> NDArray:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            names = loaded.files
            if "arr_0" not in names and len(names) != 1:
                raise InputError(f"{path}: holds {', '.join(names) or 'nothing'}; one array, or arr_0, is wanted")
            return np.asarray(loaded["arr_0" if "arr_0" in names else names[0]])
    except InputError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a NumPy array ({str(error).splitlines()[0]})") from None
