"""Dwellings of several rooms, and how rooms are divided and joined by doorways."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor import surfaces
from training.worlds.indoor.colours import pick
from training.worlds.indoor.groups import rug
from training.worlds.indoor.home import FILLERS, FURNISH, dress_up
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.placing import fill_walls
from training.worlds.indoor.rooms import ceiling_height, finish_room, size
from training.worlds.indoor.shell import Opening, Room, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.world import World


def split(
    rng: np.random.Generator, box: tuple[float, float, float, float], smallest: float
) -> list[tuple[float, float, float, float]]:
    """Divide a floor (x0, y0, x1, y1) into rooms whose sides stay above `smallest` (m)."""
    x0, y0, x1, y1 = box
    w, d = x1 - x0, y1 - y0
    longer = max(w, d)
    if longer < 2.1 * smallest or (w * d < 14.0 and rng.random() < 0.7):
        return [box]
    cut = float(rng.uniform(smallest / longer, 1 - smallest / longer)) * longer
    if w >= d:
        parts = [(x0, y0, x0 + cut, y1), (x0 + cut, y0, x1, y1)]
    else:
        parts = [(x0, y0, x1, y0 + cut), (x0, y0 + cut, x1, y1)]
    return [room for part in parts for room in split(rng, part, smallest)]


def connect(
    rng: np.random.Generator, rooms: list[Room], cells: list[tuple[float, float, float, float]], wide: float = 0.35
) -> None:
    """Cut doorways between neighbouring rooms until all hang together, and some more."""
    pairs = []
    for i, a in enumerate(cells):
        for j, b in enumerate(cells):
            if abs(a[2] - b[0]) < 1e-6:
                low, high, vertical = max(a[1], b[1]), min(a[3], b[3]), True
            elif abs(a[3] - b[1]) < 1e-6:
                low, high, vertical = max(a[0], b[0]), min(a[2], b[2]), False
            else:
                continue
            if high - low > 1.3:
                pairs.append((i, j, low, high, vertical))
    joined = list(range(len(rooms)))
    for k in rng.permutation(len(pairs)):
        i, j, low, high, vertical = pairs[int(k)]
        if joined[i] == joined[j] and rng.random() > 0.3:
            continue
        width = float(rng.uniform(0.78, 0.95))
        top = float(rng.uniform(1.98, 2.1))
        if high - low > 2.0 and rng.random() < wide:
            width = float(rng.uniform(1.1, max(high - low - 0.6, 1.2)))
            top = float(rng.uniform(2.05, 2.4))
        top = min(top, rooms[i].height - 0.08, rooms[j].height - 0.08)
        start = float(rng.uniform(low + 0.25, max(high - 0.25 - width, low + 0.26)))
        first, second = rooms[i], rooms[j]
        if vertical:  # the first's right (edge 1, upwards), the second's left (edge 3, downwards)
            one = Opening(start - first.outline[1, 1], start + width - first.outline[1, 1], 0.0, top, "passage")
            two = Opening(second.outline[3, 1] - start - width, second.outline[3, 1] - start, 0.0, top, "passage")
            edges = (first.edges[1], second.edges[3])
        else:  # the first's top (edge 2, leftwards), the second's bottom (edge 0, rightwards)
            one = Opening(first.outline[2, 0] - start - width, first.outline[2, 0] - start, 0.0, top, "passage")
            two = Opening(start - second.outline[0, 0], start + width - second.outline[0, 0], 0.0, top, "passage")
            edges = (first.edges[2], second.edges[0])
        if first.free_span(edges[0], one.s0, one.s1) and second.free_span(edges[1], two.s0, two.s1):
            first.cut(edges[0], one)
            second.cut(edges[1], two)
            old, new = joined[j], joined[i]
            joined = [new if g == old else g for g in joined]


def apartment(rng: np.random.Generator) -> World:
    """Three to eight rooms with doorways between them, each with its own use, walls and floor."""
    stage = Stage(rng, "home")
    width, depth = size(rng, 7.0, 14.0, 1.5)
    height = ceiling_height(rng, "home")
    thick = float(rng.uniform(0.04, 0.1))
    cells = split(rng, (0.0, 0.0, width, depth), float(rng.uniform(1.9, 3.0)))[:8]
    rooms = [
        Room(
            rectangle(c[2] - c[0] - 2 * thick, c[3] - c[1] - 2 * thick, c[0] + thick, c[1] + thick),
            height,
            thickness=thick,
        )
        for c in cells
    ]
    connect(rng, rooms, cells)
    outer = (0.0, 0.0, width, depth)
    x0, y0, x1, y1 = outer
    for cell, room in zip(cells, rooms, strict=True):
        sides = [cell[1] <= y0 + 1e-6, cell[2] >= x1 - 1e-6, cell[3] >= y1 - 1e-6, cell[0] <= x0 + 1e-6]
        free = [i for i in range(4) if sides[i]]
        small = room.area < 7.0
        use = pick(
            rng, {"bathroom": 3, "kitchen": 1, "hall": 2} if small else {"living": 3, "bedroom": 3, "kitchen": 2}
        )
        style: str = "wet" if use == "bathroom" else "home"
        own = rng.random() < 0.6
        finish_room(
            stage,
            room.outline,
            height,
            windows=int(rng.integers(0, 3)) if free else 0,
            window_kind=pick(rng, {"single": 4, "wide": 2, "french": 1}),
            doors=0,
            ceiling="plain" if rng.random() < 0.8 else "moulding",
            lamps=pick(rng, {"disc": 3, "globe": 2, "spots": 2, "pendant": 1}),
            spacing=4.0,
            floor=surfaces.floor(rng, style) if own else None,
            wall=surfaces.wall(rng, style) if own else None,
            room=room,
            window_edges=free,
        )
        if use in FURNISH and rng.random() < 0.93:
            FURNISH[use](stage, room)
            fill_walls(stage, room, FILLERS[use], float(rng.uniform(0.0, 0.35)))
        dress_up(stage, room, 0.7)
        if rng.random() < 0.15:
            with stage.at(*(0.5 * (room.outline[0] + room.outline[2]))):
                rug(stage, 1.6, 1.1)
    outdoors(stage, outer)
    return stage.finish("apartment", walk=True)
