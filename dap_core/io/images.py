"""Images in: any of the usual files as (H, W, 3) uint8 RGB, or one line that says why not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

#: Suffixes that are taken from a folder.
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a JPEG, PNG, WebP, BMP or TIFF file; 16 bits scaled to 8, grey repeated, alpha dropped.

    Raises InputError for a file that is missing, empty, not an image, cut short, or floating point.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no image {path}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    return decode_image(data, str(path))


def decode_image(data: bytes | bytearray | memoryview, source: str = "image") -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of an encoded image in memory; `source` names it in the InputError of a bad one."""
    buffer = np.frombuffer(data, np.uint8)
    if buffer.size == 0:
        raise InputError(f"{source}: the file is empty")
    if (fault := _fault(buffer)) is not None:
        raise InputError(f"{source}: {fault}")
    try:
        pixels = cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise InputError(f"{source}: cannot be decoded ({str(error).strip().splitlines()[-1]})") from None
    if pixels is None:
        raise InputError(f"{source}: not an image that can be decoded (JPEG, PNG, WebP, BMP, TIFF)")
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=255.0 / 65535.0)
    if pixels.dtype != np.uint8:
        raise InputError(f"{source}: {pixels.dtype} values; an image has 8 or 16 bits")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def write_image(path: str | Path, image: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB or (H, W) grey uint8 in the format of the path's suffix."""
    with written_beside(path) as temporary:
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
        if not cv2.imwrite(str(temporary), pixels):
            raise InputError(f"cannot write {path}")


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """The files that are named, and of every folder that is named the images in it, by name.

    A folder's own results (`<stem>_range.png` beside `<stem>_range.npy`) are passed over. Raises InputError for a
    path that does not exist and a folder without images.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            if not path.exists():
                raise InputError(f"no image or folder {path}")
            found.append(path)
            continue
        inside = sorted(
            p
            for p in path.iterdir()
            if p.suffix.lower() in IMAGE_SUFFIXES
            and p.is_file()
            and not p.name.startswith(".")
            and not (p.stem.endswith("_range") and p.with_suffix(".npy").exists())
        )
        if not inside:
            raise InputError(f"no images in {path} ({', '.join(sorted(IMAGE_SUFFIXES))})")
        found += inside
    return found


def _fault(data: NDArray[np.uint8]) -> str | None:
    """What is wrong with an encoded image that OpenCV would paint grey and only warn about, or None."""
    if data[:2].tobytes() == b"\xff\xd8":
        fault = _jpeg_fault(data)
        return fault and f"corrupt JPEG: {fault}"
    if data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-4096:].tobytes():
        return "corrupt PNG: it ends before its last chunk"
    return None


def _jpeg_fault(data: NDArray[np.uint8]) -> str | None:
    """What is structurally wrong with a JPEG (ITU-T T.81 annex B), or None: segments, byte stuffing, end of image."""
    position = 2
    while True:
        if position + 4 > data.size or data[position] != 0xFF:
            return f"no segment where one should start, at byte {position}"
        marker = int(data[position + 1])
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        position += 2 + (int(data[position + 2]) << 8 | int(data[position + 3]))
        if marker == 0xDA:
            break
    scan = data[position:]
    after = scan[np.flatnonzero(scan[:-1] == 0xFF) + 1]
    ends = np.flatnonzero(after == 0xD9)
    if ends.size == 0:
        return "cut short, without an end-of-image marker"
    # In scans 0xFF is followed by stuffing, a restart, a fill byte, or what may come between scans.
    after = after[: ends[0]]
    legal = np.isin(after, (0x00, *range(0xD0, 0xD8), 0xFF, 0xDA, 0xC4, 0xDB, 0xDD, 0xDC, 0xFE))
    return None if legal.all() else f"marker 0xFF{int(after[~legal][0]):02X} inside the image data"
