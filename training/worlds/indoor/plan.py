"""Free space on a floor: rooms as polygons, things as upright oriented boxes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError


@dataclass(frozen=True)
class Footprint:
    """An upright box: centre and half sizes on the floor (m), yaw (rad), and the height interval it fills."""

    x: float
    y: float
    half_x: float
    half_y: float
    yaw: float = 0.0
    z0: float = 0.0
    z1: float = 1.0

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Its bounding box x0, y0, x1, y1 on the floor."""
        c, s = abs(cos(self.yaw)), abs(sin(self.yaw))
        reach_x, reach_y = c * self.half_x + s * self.half_y, s * self.half_x + c * self.half_y
        return (self.x - reach_x, self.y - reach_y, self.x + reach_x, self.y + reach_y)

    def corners(self) -> list[tuple[float, float]]:
        """Its four corners on the floor, counter-clockwise."""
        c, s = cos(self.yaw), sin(self.yaw)
        return [
            (self.x + c * a * self.half_x - s * b * self.half_y, self.y + s * a * self.half_x + c * b * self.half_y)
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]


def overlap(one: Footprint, two: Footprint) -> bool:
    """Whether two footprints overlap on the floor (separating axes)."""
    dx, dy = two.x - one.x, two.y - one.y
    relative = two.yaw - one.yaw
    c, s = abs(cos(relative)), abs(sin(relative))
    for box, half, other in ((one, (one.half_x, one.half_y), two), (two, (two.half_x, two.half_y), one)):
        bc, bs = cos(box.yaw), sin(box.yaw)
        if abs(bc * dx + bs * dy) > half[0] + c * other.half_x + s * other.half_y - 1e-6:
            return False
        if abs(-bs * dx + bc * dy) > half[1] + s * other.half_x + c * other.half_y - 1e-6:
            return False
    return True


class Region:
    """A polygon (N, 2) prepared for containment tests."""

    def __init__(self, polygon: NDArray[np.float64]) -> None:
        following = np.concatenate([polygon[1:], polygon[:1]])
        self.low, self.high = polygon.min(0), polygon.max(0)
        self._ax, self._ay = polygon[:, 0], polygon[:, 1]
        self._by = following[:, 1]
        rise = self._by - self._ay
        self._slope = (following[:, 0] - self._ax) / np.where(rise == 0.0, 1.0, rise)
        self._box = (*self.low.tolist(), *self.high.tolist())
        self._sides = np.stack([self._ax, self._ay, self._by, self._slope], -1).tolist()

    def has(self, x: float, y: float) -> bool:
        """Whether one point lies inside."""
        if not (self._box[0] <= x <= self._box[2] and self._box[1] <= y <= self._box[3]):
            return False
        odd = False
        for ax, ay, by, slope in self._sides:
            if (ay > y) != (by > y) and x < ax + (y - ay) * slope:
                odd = not odd
        return odd

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of `points` (M, 2) lie inside, by crossing number."""
        y = points[:, 1, None]
        straddles = (self._ay > y) != (self._by > y)
        crossings = straddles & (points[:, 0, None] < self._ax + (y - self._ay) * self._slope)
        return (np.count_nonzero(crossings, axis=-1) & 1).astype(bool)


def inside(polygon: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `points` (M, 2) lie in `polygon` (N, 2)."""
    return Region(polygon).contains(points)


class Plan:
    """The floor of a world: regions one may stand in, and obstacles."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.obstacles: list[Footprint] = []
        self.zones: list[Footprint] = []

    def add_region(self, polygon: NDArray[np.float64]) -> None:
        """Declare the inside of a polygon (N, 2) walkable."""
        if polygon.ndim != 2 or polygon.shape[0] < 3:
            raise InputError(f"a region is a polygon (N >= 3, 2), not an array {polygon.shape}")
        self.regions.append(Region(np.asarray(polygon, np.float64)))

    def add(self, footprint: Footprint) -> None:
        """Put an obstacle down, whether it fits or not."""
        self.obstacles.append(footprint)

    def keep_free(self, x: float, y: float, half: float = 0.45, yaw: float = 0.0, half_y: float | None = None) -> None:
        """Reserve floor that furniture must leave free (a camera's spot, the way through a door)."""
        self.zones.append(Footprint(x, y, half, half if half_y is None else half_y, yaw, 0.0, 9.0))

    def fits(self, footprint: Footprint, zones: bool = True) -> bool:
        """Whether a footprint lies in a region, off the obstacles of its heights and (if asked) off reserved floor."""
        x0, y0, x1, y1 = footprint.bounds
        z0, z1 = footprint.z0, footprint.z1
        for others in (self.obstacles, self.zones) if zones else (self.obstacles,):
            for other in others:
                a0, b0, a1, b1 = other.bounds
                near = a0 < x1 and a1 > x0 and b0 < y1 and b1 > y0 and other.z0 < z1 and other.z1 > z0
                if near and overlap(footprint, other):
                    return False
        # shrunk a little: what touches a wall still lies inside
        x, y = footprint.x, footprint.y
        corners = [(0.99 * (px - x) + x, 0.99 * (py - y) + y) for px, py in footprint.corners()]
        return all(any(region.has(*corner) for region in self.regions) for corner in corners)

    def _within(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        within = np.zeros(len(points), bool)
        low, high = points.min(0), points.max(0)
        for region in self.regions:
            if (region.low < high).all() and (region.high > low).all():
                within |= region.contains(points)
        return within

    def clearance(self, points: NDArray[np.float64], z0: float, z1: float) -> NDArray[np.float64]:
        """Distance (M,) from points (M, 2) to the nearest obstacle within heights z0..z1; 0 outside all regions."""
        within = self._within(points)
        nearby = [o for o in self.obstacles if o.z0 < z1 and o.z1 > z0]
        distance = np.full(len(points), 1e3)
        if nearby:
            table = np.array([(o.x, o.y, o.half_x, o.half_y, cos(o.yaw), sin(o.yaw)) for o in nearby], np.float32)
            dx = points[:, 0, None].astype(np.float32) - table[:, 0]
            dy = points[:, 1, None].astype(np.float32) - table[:, 1]
            outside_x = np.maximum(np.abs(table[:, 4] * dx + table[:, 5] * dy) - table[:, 2], 0.0)
            outside_y = np.maximum(np.abs(-table[:, 5] * dx + table[:, 4] * dy) - table[:, 3], 0.0)
            distance = np.sqrt((outside_x * outside_x + outside_y * outside_y).min(1)).astype(np.float64)
        return np.where(within, distance, 0.0)

    def grid(self, most: int = 1600) -> tuple[NDArray[np.float64], tuple[int, int], float]:
        """Points (ny * nx, 2) over the bounding box of all regions, their (ny, nx), and the step in metres (>= 0.2)."""
        low = np.min([r.low for r in self.regions], axis=0)
        high = np.max([r.high for r in self.regions], axis=0)
        size = high - low
        step = max(0.2, float(np.sqrt(size[0] * size[1] / most)))
        x = np.arange(low[0] + step / 2, high[0], step)
        y = np.arange(low[1] + step / 2, high[1], step)
        points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        return points, (len(y), len(x)), step


def path_through(
    plan: Plan, rng: np.random.Generator, z0: float, z1: float, gap: float = 0.4
) -> list[tuple[float, float]]:
    """A path of waypoints between two distant free points, at least `gap` from obstacles; empty where there is none.

    Breadth-first search on a grid, then shortcuts wherever the straight line is free.
    """
    points, (ny, nx), step = plan.grid()
    free = plan.clearance(points, z0, z1) > gap
    indices = np.flatnonzero(free)
    if len(indices) < 8:
        return []
    first = int(indices[rng.integers(len(indices))])
    for _ in range(2):  # twice: the far end of the far end is nearly the longest way
        parent = _flood(free, first, ny, nx)
        last = int(parent["order"][-1])
        start, first = first, last
    chain = [last]
    while chain[-1] != start:
        chain.append(int(parent["from"][chain[-1]]))
    path = points[chain]
    kept, here = [0], 0
    while here < len(path) - 1:
        ahead = min(len(path) - 1, here + int(8.0 / step) + 1)
        while ahead > here + 1 and not _line_free(plan, path[here], path[ahead], z0, z1, gap):
            ahead -= max(1, (ahead - here) // 4)
        here = max(ahead, here + 1)
        kept.append(here)
    return [(float(path[k, 0]), float(path[k, 1])) for k in kept]


def _flood(free: NDArray[np.bool_], start: int, ny: int, nx: int) -> dict[str, list[int]]:
    blocked = (~free).tolist()
    came = [-1] * len(blocked)
    order = [start]
    blocked[start] = True
    for node in order:
        x = node % nx
        for neighbour, allowed in (
            (node - nx, node >= nx),
            (node + nx, node + nx < ny * nx),
            (node - 1, x > 0),
            (node + 1, x < nx - 1),
        ):
            if allowed and not blocked[neighbour]:
                blocked[neighbour] = True
                came[neighbour] = node
                order.append(neighbour)
    return {"order": order, "from": came}


def _line_free(
    plan: Plan, start: NDArray[np.float64], end: NDArray[np.float64], z0: float, z1: float, gap: float
) -> bool:
    count = max(2, int(np.hypot(*(end - start)) / 0.15))
    points = start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)
    return bool((plan.clearance(points, z0, z1) > 0.9 * gap).all())
