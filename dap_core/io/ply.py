"""Point clouds as binary little-endian PLY: float x y z in metres, and uchar red green blue where there is colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

_XYZ = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
_RGB = [("red", "u1"), ("green", "u1"), ("blue", "u1")]
_NAMES = {"<f4": "float", "u1": "uchar"}


def write_ply(path: str | Path, xyz: NDArray[np.floating], rgb: NDArray[np.uint8] | None = None) -> None:
    """Write points (N, 3) metres, with colours (N, 3) uint8 if given."""
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise InputError(f"points are (N, 3), got {xyz.shape}")
    if rgb is not None and (rgb.shape != xyz.shape or rgb.dtype != np.uint8):
        raise InputError(f"colours of {len(xyz)} points are ({len(xyz)}, 3) uint8, got {rgb.dtype} {rgb.shape}")
    fields = _XYZ + (_RGB if rgb is not None else [])
    vertices = np.empty(len(xyz), np.dtype(fields))
    for i, (name, _) in enumerate(_XYZ):
        vertices[name] = xyz[:, i]
    if rgb is not None:
        for i, (name, _) in enumerate(_RGB):
            vertices[name] = rgb[:, i]
    with written_beside(path) as temporary, temporary.open("wb") as file:
        file.write(_header(len(xyz), fields))
        file.write(vertices.tobytes())


def read_ply(path: str | Path) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
    """Read what `write_ply` wrote: points (N, 3) float32 and colours (N, 3) uint8 or None; InputError otherwise."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    head, mark, body = data.partition(b"end_header\n")
    lines = head.decode("ascii", "replace").splitlines()
    counts = [line.split()[2] for line in lines if line.startswith("element vertex ") and len(line.split()) == 3]
    fields = _XYZ + (_RGB if "property uchar red" in lines else [])
    if not mark or len(counts) != 1 or not counts[0].isdecimal() or head + mark != _header(int(counts[0]), fields):
        raise InputError(f"{path}: not a cloud written by this project (binary PLY of x y z [red green blue])")
    kind = np.dtype(fields)
    if len(body) != int(counts[0]) * kind.itemsize:
        raise InputError(f"{path}: {len(body)} bytes of points, {int(counts[0]) * kind.itemsize} announced")
    vertices = np.frombuffer(body, kind)
    xyz = np.stack([vertices[name] for name, _ in _XYZ], -1)
    return xyz, np.stack([vertices[name] for name, _ in _RGB], -1) if kind.itemsize > 12 else None


def _header(count: int, fields: list[tuple[str, str]]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", "comment metres; x forward, y left, z up; origin at the camera"]
    lines += [f"element vertex {count}", *(f"property {_NAMES[kind]} {name}" for name, kind in fields), "end_header"]
    return "\n".join([*lines, ""]).encode()
