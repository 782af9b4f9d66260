"""Range files as they are published: npy, npz, 16-bit PNG, EXR and dpt, each to (H, W) float32 in the file's own unit.

What a value means (unit, missing, sky) is not in these files: readers of a data set know, users of a folder say.
"""

from __future__ import annotations

import importlib
import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError

DEPTH_SUFFIXES = (".npy", ".npz", ".png", ".exr", ".dpt")

#: Metres of one unit, by the names people use.
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}

#: Arrays of an npz that hold range, first come first served; the only array of a file needs no name.
NPZ_KEYS = ("range_m", "range", "depth_m", "depth", "distance", "arr_0")

_DPT_TAG = np.float32(202021.25)


def metres_per_unit(text: str) -> float:
    """`m`, `cm`, `mm`, a number of metres (`0.001`) or a fraction (`1/512`); InputError for anything else."""
    if text in UNITS:
        return UNITS[text]
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0.0 < value < 1e6:
        raise InputError(f"a unit is m, cm, mm, or the metres of one step such as 0.001 or 1/512, got {text!r}")
    return value


def read_depth(path: Path) -> NDArray[np.float32]:
    """(H, W) float32 of any of `DEPTH_SUFFIXES`; integers keep their values. Raises InputError, in one line."""
    readers = {".npy": _npy, ".npz": _npz, ".png": read_png16, ".exr": read_exr, ".dpt": read_dpt}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: range is read from {', '.join(DEPTH_SUFFIXES)}, not {path.suffix or 'no suffix'}")
    return readers[path.suffix.lower()](path)


def _npy(path: Path) -> NDArray[np.float32]:
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:  # by its first bytes the file may pass for an archive, which has errors of its own
        raise _damaged(path, "npy", error) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: an archive; rename it to .npz")
    return _image(array, path)


def _npz(path: Path) -> NDArray[np.float32]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise InputError(f"{path}: a single array; rename it to .npy")
            names = archive.files
            name = names[0] if len(names) == 1 else next((k for k in NPZ_KEYS if k in names), None)
            if name is None:
                raise InputError(f"{path}: which of {', '.join(names)} is range? name it {NPZ_KEYS[0]}")
            return _image(archive[name], path)
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy each raise their own for a damaged archive
        raise _damaged(path, "npz", error) from None


def read_png16(path: Path) -> NDArray[np.float32]:
    """(H, W) float32 of a 16-bit grey PNG, values 0 to 65535; InputError for other files."""
    data = np.frombuffer(_bytes(path), np.uint8)
    if b"IEND" not in data[-64:].tobytes():
        raise InputError(f"{path}: cut short: a PNG ends with an IEND chunk")
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise InputError(f"{path}: not a PNG that can be decoded")
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        kind = f"{8 * pixels.dtype.itemsize}-bit" + (f", {pixels.shape[2]} channels" if pixels.ndim == 3 else "")
        raise InputError(f"{path}: range is a 16-bit grey PNG, this one is {kind}")
    return pixels.astype(np.float32)


def read_dpt(path: Path) -> NDArray[np.float32]:
    """(H, W) float32 of a .dpt file (Sintel's layout: tag 202021.25, int32 width and height, float32 rows)."""
    data = _bytes(path)
    if len(data) < 12 or np.frombuffer(data[:4], "<f4")[0] != _DPT_TAG:
        raise InputError(f"{path}: not a .dpt file: it does not begin with the tag 202021.25")
    width, height = np.frombuffer(data[4:12], "<i4").tolist()
    if width < 1 or height < 1 or len(data) != 12 + 4 * width * height:
        raise InputError(
            f"{path}: damaged: {width}x{height} pixels need {12 + 4 * width * height} bytes, not {len(data)}"
        )
    return np.frombuffer(data[12:], "<f4").reshape(height, width).astype(np.float32)


def read_exr(path: Path) -> NDArray[np.float32]:
    """(H, W) float32: the red channel of an EXR file, or its only one (Z, Y). Needs the package OpenEXR."""
    try:
        exr = importlib.import_module("OpenEXR")
        exr.File  # noqa: B018  releases before 3.3 lack it
    except (ImportError, AttributeError):
        raise InputError(f"{path}: reading EXR needs the package OpenEXR: pip install 'OpenEXR>=3.3'") from None
    size = len(_bytes(path))
    if size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        with _silenced(), exr.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    except Exception as error:  # the bindings raise RuntimeError, ValueError or MemoryError by the kind of damage
        raise _damaged(path, "EXR", error) from None
    name = next((n for n in ("R", "Z", "Y") if n in channels), None)
    if name is None:
        raise InputError(f"{path}: no channel R, Z or Y among {', '.join(sorted(channels))}")
    return _image(channels[name], path)


class _silenced:
    """The EXR library writes its own lines on stderr; ours says the same in one."""

    def __enter__(self) -> None:
        self.kept, self.null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(self.null, 2)

    def __exit__(self, *_: object) -> None:
        os.dup2(self.kept, 2)
        os.close(self.kept)
        os.close(self.null)


def _image(array: NDArray, path: Path) -> NDArray[np.float32]:
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    if array.ndim != 2 or array.dtype.kind not in "fui" or array.size == 0:
        raise InputError(f"{path}: range is one number a pixel, (H, W), got {array.dtype} {array.shape}")
    return array.astype(np.float32)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    detail = str(error).strip().splitlines()
    return InputError(f"{path}: not a sound {kind} file ({detail[0] if detail else type(error).__name__})")
