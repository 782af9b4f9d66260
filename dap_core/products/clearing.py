"""Free space from a panorama: the ends of sparse rays that meet nothing on their way.

For sources that clear and do not mark (Nav2's obstacle and voxel layer: `marking: false`, `clearing: true`). A layer
frees the cells between the sensor's origin and each point, so a point is a claim about the whole way to it. Nav2
drops points outside the source's `min_obstacle_height` and `max_obstacle_height` before it clears, and rays end
anywhere between floor and sky: give a clearing source heights wide enough for `range_max` up and down. Its 2-D layer
also frees cells of things the ray passes over; what the marking sources see then marks them again in the same update.
STVL clears by its sensor's model and not by points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.settings import setting

#: Turns from ring to ring, so that the azimuths of all rays together leave no gap: the golden ratio's remainder.
STAGGER = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class ClearingConfig:
    """How many clearing rays there are and how far they go."""

    rays: int = setting(
        8000,
        "Number of clearing rays, spread evenly over the sphere; they lie 203 / sqrt(rays) degrees apart, "
        "2.3 degrees or 12 cm at 3 m for 8000.",
        low=1,
        high=1_000_000,
    )
    range_max: float = setting(
        100.0,
        "Length in metres of a clearing ray that meets nothing. The model's own limit applies where it is lower.",
        low=0.1,
        high=1000.0,
    )
    margin: float = setting(
        0.1,
        "Metres by which a clearing ray ends before the nearest surface of its share of the sphere; "
        "at least the diagonal of the costmap's cells, or the ray frees the cell of the surface itself.",
        low=0.0,
        high=10.0,
    )

    def __post_init__(self) -> None:
        if self.rays < 1:
            raise InputError(f"clearing needs at least 1 ray, got {self.rays}")
        if not 0.0 < self.range_max < math.inf or not 0.0 <= self.margin < math.inf:
            raise InputError(
                f"clearing rays have a range_max above 0 and a margin not below 0, got {self.range_max}, {self.margin}"
            )


def clearing_points(depth: PanoramaDepth, config: ClearingConfig) -> NDArray[np.float32]:
    """Ends (n, 3) float32 of clearing rays from the camera, n <= rays, metres in the frame of `depth`.

    The sphere is cut into cells of about equal solid angle, rings of rows cut into columns, and each cell has one
    ray, through the centre of one of its pixels. It ends `margin` before the nearest surface anywhere in the cell,
    or at `range_max` (the model's limit, where that is lower) if this is nearer. There is no ray where its own pixel
    is unknown or the nearest surface is within `margin`. Unknown pixels elsewhere in a cell are passed over: the ray
    does not go there.

    The directions are the same for every frame. A panorama with fewer pixels than rays gives fewer rays. Raises
    InputError where `depth` is not a panorama.
    """
    height, width = depth.shape
    panorama.check_erp_shape(height, width)
    table = _cells(height, config.rays)
    range_m = np.ascontiguousarray(depth.range_m, np.float32)
    # As unsigned integers, ranges keep their order, and nan and whatever is negative come after infinity.
    ordered = range_m.view(np.uint32)
    # Several times faster than one reduceat along the rows.
    by_ring = np.empty((len(table.rings), width), np.uint32)
    for i, ring in enumerate(table.rings):
        np.minimum.reduce(ordered[ring], axis=0, out=by_ring[i])
    nearest = np.minimum.reduceat(by_ring.reshape(-1), table.columns).view(np.float32)
    length = np.minimum(nearest - np.float32(config.margin), np.float32(min(config.range_max, depth.max_range_m)))
    with np.errstate(invalid="ignore"):
        known = (range_m.reshape(-1)[table.pixels] > 0) & (length > 0)
    return table.directions[known] * length[known, None]


@dataclass(frozen=True)
class _Cells:
    """A partition of a panorama's pixels into n cells, and a pixel of each.

    rings       rows of every ring of cells
    columns     (n,) first column of every cell, plus the width times its ring
    pixels      (n,) flat index of the cell's ray
    directions  (n, 3) float32, its unit vector
    """

    rings: tuple[slice, ...]
    columns: NDArray[np.int64]
    pixels: NDArray[np.int64]
    directions: NDArray[np.float32]


@lru_cache(maxsize=8)
def _cells(height: int, count: int) -> _Cells:
    width = 2 * height
    rings = min(max(round(math.pi / math.sqrt(4.0 * math.pi / count)), 1), height)
    edges = np.rint(np.linspace(0, height, rings + 1)).astype(np.int64)
    # The share of the sphere above an edge; cells are dealt out by it, so that their number comes out as asked.
    above = 0.5 * (1.0 - np.sin((0.5 - edges / height) * np.pi))
    cells = np.clip(np.diff(np.floor(count * above + 0.5).astype(np.int64)), 1, width)
    columns, pixels = [], []
    for ring, n in enumerate(cells):
        bounds = np.arange(n + 1) * width // n
        columns.append(ring * width + bounds[:-1])
        across = bounds[:-1] + (np.diff(bounds) * (ring * STAGGER % 1.0)).astype(np.int64)
        pixels.append((edges[ring] + edges[ring + 1]) // 2 * width + across)
    rows = tuple(slice(int(top), int(bottom)) for top, bottom in pairwise(edges))
    chosen = np.concatenate(pixels)
    table = _Cells(rows, np.concatenate(columns), chosen, panorama.rays(height).reshape(-1, 3)[chosen])
    for array in (table.columns, table.pixels, table.directions):
        array.flags.writeable = False
    return table
