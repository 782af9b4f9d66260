"""Where the panorama shows the robot itself: from a mask picture, polygons, and cuts around straight down and up.

Every part is drawn so that a pixel is masked as soon as any of the robot lies in it, at whatever resolution: a thin
mast does not get lost, and a finer mask never has robot where a coarser one has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.images import read_image
from dap_core.settings import setting

#: What is less than this of a pixel inside it does not count: outlines on pixel boundaries are met exactly.
_SLACK = 1e-7


@dataclass(frozen=True)
class MaskConfig:
    """What of the panorama is the robot, in the camera's own frame; the parts are united."""

    image: str = setting(
        "",
        "Path of an equirectangular picture (twice as wide as high, any size) of the robot as the camera sees it: "
        "black is free, every other pixel is the robot. dap mask writes one. Empty for none.",
    )
    polygons: tuple[str, ...] = setting(
        (),
        "Outlines of parts of the robot, each at least three corners 'azimuth elevation, azimuth elevation, ...' in "
        "degrees: azimuth counter-clockwise from forward, elevation up from the horizon. Edges are straight in the "
        "panorama and go the short way round; an outline all around the camera encloses the pole that it is nearer to.",
    )
    nadir: float = setting(
        0.0,
        "Everything within this many degrees of straight down, as the camera is mounted, is the robot.",
        low=0.0,
        high=90.0,
    )
    zenith: float = setting(
        0.0,
        "Everything within this many degrees of straight up, as the camera is mounted, is the robot.",
        low=0.0,
        high=90.0,
    )


def self_mask(config: MaskConfig, height: int) -> NDArray[np.bool_]:
    """(height, 2 height) bool, read-only: true where a pixel shows any of the robot; camera's frame.

    Drawn once and kept while neither the configuration nor the file of its picture changes. Raises InputError, in one
    line, for a picture that is missing, unreadable or not 2:1, for a polygon that is none, and for a height below 1.
    """
    try:
        file = Path(config.image).expanduser().stat() if config.image else None
    except OSError:
        file = None
    return _drawn(config, height, file and (file.st_mtime_ns, file.st_size))


@lru_cache(maxsize=8)
def _drawn(config: MaskConfig, height: int, version: tuple[int, int] | None) -> NDArray[np.bool_]:
    if height < 1:
        raise InputError(f"a mask has at least one row, got {height}")
    mask = np.zeros((height, 2 * height), bool)
    if config.image:
        mask |= resize_mask(read_mask(config.image), height)
    for text in config.polygons:
        mask |= draw_polygon(parse_polygon(text), height)
    rows = 180.0 / height
    mask[: _ceil(config.zenith / rows)] = True
    mask[height - _ceil(config.nadir / rows) :] = True
    mask.flags.writeable = False
    return mask


def read_mask(path: str | Path) -> NDArray[np.bool_]:
    """(H, 2 H) bool of a mask picture, true where it is not black. Raises InputError."""
    path = Path(path).expanduser()
    picture = read_image(path)
    height, width = picture.shape[:2]
    if width != 2 * height:
        raise InputError(f"{path}: a mask picture is twice as wide as high, got {width}x{height} (width x height)")
    return picture.max(axis=2) > 0


def resize_mask(mask: NDArray[np.bool_], height: int) -> NDArray[np.bool_]:
    """The mask (H, 2 H) at (height, 2 height): true where any true pixel of the given one overlaps."""
    return _any_overlapping(_any_overlapping(mask, height).T, 2 * height).T


def parse_polygon(text: str) -> NDArray[np.float64]:
    """Corners (n, 2) of 'azimuth elevation, azimuth elevation, ...': degrees.

    Azimuths are continued, so that each edge goes the short way round: they may leave +-180. Corners half a turn apart
    are joined the way their numbers go. The last edge leads back to the first corner. Raises InputError for what is
    not three corners or more, and for an outline around nothing.
    """
    text = " ".join(text.split())
    corners = []
    for part in text.split(","):
        try:
            azimuth, elevation = (float(word) for word in part.split())
        except ValueError:
            raise InputError(
                f"polygon '{text}': a corner is 'azimuth elevation' in degrees, got '{part.strip()}'"
            ) from None
        if not abs(azimuth) <= 360.0:
            raise InputError(f"polygon '{text}': an azimuth lies between -360 and 360 degrees, got {azimuth:g}")
        if not abs(elevation) <= 90.0:
            raise InputError(f"polygon '{text}': an elevation lies between -90 and 90 degrees, got {elevation:g}")
        corners.append((azimuth, elevation))
    if len(corners) < 3:
        raise InputError(f"polygon '{text}': three corners or more make a polygon, got {len(corners)}")
    polygon = np.array(corners)
    polygon[1:, 0] = polygon[0, 0] + np.cumsum(_short_way(np.diff(polygon[:, 0])))
    if _is_line(_closed(polygon)):
        raise InputError(
            f"polygon '{text}': encloses nothing; edges go the short way round, "
            "so a ring around the camera needs corners in between"
        )
    return polygon


def draw_polygon(polygon: NDArray[np.float64], height: int) -> NDArray[np.bool_]:
    """(height, 2 height) bool, true where any of the polygon of `parse_polygon` lies in the pixel.

    A pixel does so if an edge passes through it or if its centre is inside (of winding number other than zero).
    """
    closed, scale = _closed(polygon), height / 180.0
    x, y = scale * (180.0 - closed[:, 0]), scale * (90.0 - closed[:, 1])
    # Whole turns are folded at the end; until then columns are counted from a turn's start left of the polygon.
    width, upper = 2 * height, _floor(y.min())
    x -= np.floor(x.min() / width) * width
    turns = int(x.max()) // width + 1
    # Along each row, where the number of edges in a pixel and the winding number of its centre change.
    shape = max(_ceil(y.max()) - upper, 0), turns * width + 1
    edges, winding = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
    for i, (x0, y0, x1, y1) in enumerate(zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True)):
        top, bottom = min(y0, y1), max(y0, y1)
        rows = np.arange(_floor(top), _ceil(bottom))
        if rows.size == 0:
            continue
        fall = y1 - y0 if y1 != y0 else np.inf
        crossed = rows[(rows + 0.5 >= top) & (rows + 0.5 < bottom)]
        column = np.ceil(x0 + (x1 - x0) * (crossed + 0.5 - y0) / fall - 0.5).astype(int)
        np.add.at(winding, (crossed - upper, column), 1 if y1 > y0 else -1)
        if i >= len(polygon):  # the way to the pole and back is no outline
            continue
        # The part of the edge within each row; a level edge is in its one row as a whole.
        parts = np.clip((np.stack([rows, rows + 1]) - y0) / fall, 0.0, 1.0) if y1 != y0 else np.array([[0.0], [1.0]])
        at = x0 + (x1 - x0) * parts
        left, right = np.floor(at.min(0) + _SLACK).astype(int), np.ceil(at.max(0) - _SLACK).astype(int)
        passed = right > left
        np.add.at(edges, (rows[passed] - upper, left[passed]), 1)
        np.add.at(edges, (rows[passed] - upper, right[passed]), -1)
    folded = [np.cumsum(a, 1, np.int16)[:, :-1].reshape(-1, turns, width).sum(1) for a in (edges, winding)]
    mask = np.zeros((height, width), bool)
    mask[upper : upper + len(edges)] = (folded[0] > 0) | (folded[1] != 0)
    return mask


def _short_way(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of azimuths (degrees) within half a turn; exactly half a turn keeps its sign."""
    return np.where(np.abs(turn) > 180.0, (turn + 180.0) % 360.0 - 180.0, turn)


def _closed(polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """The polygon as corners (m, 2) in the plane, closed through the pole where it goes all around the camera."""
    start, end = polygon[0], polygon[-1]
    last = end[0] + float(_short_way(start[0] - end[0]))
    if abs(last - start[0]) < 180.0:
        return polygon
    ring = np.vstack([polygon, [last, start[1]]])
    # The pole on the side with less of the sphere: the mean sine of the elevation along the ring says which.
    a, e = ring[:, 0], np.sin(np.radians(ring[:, 1]))
    pole = 90.0 if np.sum(np.diff(a) * (e[1:] + e[:-1])) / (a[-1] - a[0]) > 0 else -90.0
    return np.vstack([ring, [last, pole], [start[0], pole]])


def _is_line(polygon: NDArray[np.float64]) -> bool:
    """Whether all corners (m, 2) in the plane lie on one line."""
    x, y = (polygon - polygon[0]).T
    return bool(np.abs(x * np.roll(y, -1) - y * np.roll(x, -1)).max() < 1e-9)


def _any_overlapping(mask: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """`count` rows, each true where any row of the mask that it overlaps is."""
    size, i = len(mask), np.arange(count)
    sums = np.concatenate([np.zeros((1, mask.shape[1]), np.int32), np.cumsum(mask, 0, np.int32)])
    return sums[-(-(i + 1) * size // count)] > sums[i * size // count]


def _floor(value: float) -> int:
    return int(np.floor(value + _SLACK))


def _ceil(value: float) -> int:
    return int(np.ceil(value - _SLACK))
