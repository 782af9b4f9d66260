"""Shelves with books or goods, cabinets, wardrobes, racks and cartons."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor.clutter import clutter, thing
from training.worlds.indoor.colours import hue, linear, pick, pick_one
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.seating import legs
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern


def shelf(
    stage: Stage,
    width: float | None = None,
    height: float | None = None,
    goods: str | None = None,
    detail: float = 1.0,
    double: bool = False,
) -> Piece:
    """A shelf unit full of books, packages or odds and ends; `double` is stocked from both sides.

    `detail` 1 sets every group of books as a box of its own height and depth, 0 fills each board with one flat row.
    """
    rng, palette = stage.rng, stage.palette
    width = float(rng.uniform(0.6, 1.4)) if width is None else width
    height = float(rng.uniform(1.2, 2.4)) if height is None else height
    goods = goods or pick(rng, {"books": 4, "packages": 2, "odds": 1.5})
    depth = {"books": rng.uniform(0.24, 0.34), "packages": rng.uniform(0.35, 0.5), "odds": rng.uniform(0.28, 0.42)}[
        goods
    ]
    depth = float(depth) * (1.9 if double else 1.0)
    body = pick_one(rng, [palette.wood, palette.wood, palette.lacquer, palette.metal])
    pitch = {"books": rng.uniform(0.28, 0.38), "packages": rng.uniform(0.3, 0.5), "odds": rng.uniform(0.3, 0.42)}[goods]
    boards = max(2, int((height - 0.1) / pitch))
    back = double or rng.random() < 0.7
    base = float(rng.choice([0.02, 0.08, 0.12]))
    fill = float(rng.choice([0.35, 0.7, 0.92, 1.0]))

    def draw() -> None:
        z = np.linspace(base, height - 0.025, boards + 1)
        uprights = np.linspace(-width / 2 + 0.012, width / 2 - 0.012, max(1, round(width / 1.1)) + 1)
        stage.mesh.boxes([(x, 0, height / 2) for x in uprights], (0.024, depth, height), body)
        stage.mesh.boxes([(0, 0, v) for v in z], (width - 0.04, depth, 0.025), body)
        if back:
            stage.mesh.box(
                (width - 0.03, 0.012, height - base),
                body,
                (0, 0.0 if double else -depth / 2 + 0.01, 0.5 * (height + base)),
            )
        if base > 0.05:
            stage.mesh.box((width - 0.05, depth - 0.06, base), body, (0, 0, base / 2))
        for side in (1.0, -1.0) if double else (1.0,):
            stock(stage, width - 0.06, depth / 2 if double else depth, z, goods, fill, detail, side, double)

    return Piece(width, depth, height, draw)


def stock(
    stage: Stage,
    width: float,
    depth: float,
    z: np.ndarray,
    goods: str,
    fill: float,
    detail: float,
    side: float,
    double: bool,
) -> None:
    """Fill the boards at heights z of a shelf with goods facing +y (`side` 1) or -y (-1)."""
    rng, palette = stage.rng, stage.palette
    middle = side * depth / 2 if double else 0.0
    room = float(z[1] - z[0]) - 0.03
    if goods == "odds":
        for low in z[:-1]:
            for _ in range(int(rng.poisson(3.0 * fill * width))):
                x = float(rng.uniform(-0.42, 0.42) * width)
                thing(
                    stage,
                    pick(rng, {"book": 3, "box": 3, "vase": 1, "bowl": 1, "bottle": 1, "plant": 0.5, "frame": 1}),
                    x,
                    middle,
                    float(low) + 0.0125,
                )
        return
    kinds = palette.books if goods == "books" else palette.packages
    row_kinds = (
        rng.integers(0, len(kinds), len(z) - 1) if rng.random() < 0.6 else np.full(len(z) - 1, rng.integers(len(kinds)))
    )
    for low, k in zip(z[:-1], row_kinds, strict=True):
        surface = kinds[int(k)]
        tall = min(surface.size_m[1], 0.93 * room)
        if goods == "packages" and room > 2.1 * tall and rng.random() < 0.7:
            tall *= int(room / tall)
        thick = min(0.8 * depth, 0.2 if goods == "books" else 0.9 * depth)
        n = max(1, int(width / rng.uniform(0.12, 0.35))) if detail > 0.5 else 1
        cuts = np.sort(np.concatenate([[0.0, 1.0], rng.random(n - 1)])) * width - width / 2
        keep = rng.random(n) < fill if n > 1 else np.ones(1, bool)
        if not keep.any():
            continue
        h = tall * (rng.uniform(0.78, 1.0, n) if n > 1 and goods == "books" else np.ones(n))
        deep = thick * (rng.uniform(0.8, 1.0, n) if n > 1 else np.ones(n))
        across = 0.5 * (cuts[1:] + cuts[:-1])
        pulled = float(rng.uniform(0, 0.05)) if n > 1 else 0.0
        centres = np.stack([across, middle + side * (0.5 * depth - 0.03 - deep / 2 - pulled), low + 0.0125 + h / 2], -1)
        sizes = np.stack([np.maximum(np.diff(cuts) - 0.004, 0.01), deep, h], -1)
        stage.mesh.boxes(centres[keep], sizes[keep], surface)


def cabinet(stage: Stage, width: float | None = None, height: float | None = None, top: str = "home") -> Piece:
    """A sideboard, chest of drawers or low cupboard with fronts, handles and things on it."""
    rng, palette = stage.rng, stage.palette
    width = float(rng.uniform(0.5, 1.9)) if width is None else width
    height = float(rng.uniform(0.45, 1.1)) if height is None else height
    depth, foot = float(rng.uniform(0.36, 0.52)), float(rng.choice([0.0, 0.08, 0.15]))
    body = pick_one(rng, [palette.wood, palette.lacquer])
    columns = max(1, round(width / rng.uniform(0.4, 0.6)))
    rows = int(rng.integers(1, 5)) if height > 0.6 else int(rng.integers(1, 3))

    def draw() -> None:
        stage.mesh.box((width, depth - 0.02, height - foot), body, (0, -0.01, foot + 0.5 * (height - foot)))
        if foot:
            legs(stage, width - 0.06, depth - 0.06, foot, 0.04, palette.metal)
        fronts(stage, width, height - foot, foot, depth / 2 - 0.02, columns, rows, body)
        clutter(stage, width, depth, height, top, 3.5)

    return Piece(width, depth, height + (0.25 if height < 1.2 else 0.0), draw)


def fronts(
    stage: Stage, width: float, height: float, z0: float, y: float, columns: int, rows: int, body: Material
) -> None:
    """Doors or drawers as panels 2 cm thick with handles, on a cupboard's front at y."""
    rng = stage.rng
    w, h = width / columns, height / rows
    grid = [((i + 0.5) * w - width / 2, z0 + (j + 0.5) * h) for i in range(columns) for j in range(rows)]
    stage.mesh.boxes([(x, y + 0.01, z) for x, z in grid], (w - 0.012, 0.02, h - 0.012), body)
    kind = pick(rng, {"bar": 3, "knob": 2, "none": 1})
    if kind == "bar":
        size = (0.12, 0.025, 0.012) if h < 0.5 else (0.012, 0.025, 0.16)
        offset = (0.0, 0.0) if h < 0.5 else (0.4 * w, 0.0)
        stage.mesh.boxes([(x + offset[0], y + 0.035, z) for x, z in grid], size, stage.palette.metal)
    elif kind == "knob":
        stage.mesh.boxes(
            [(x + (0.38 * w if h > 0.5 else 0.0), y + 0.03, z) for x, z in grid], 0.028, stage.palette.metal
        )


def wardrobe(stage: Stage) -> Piece:
    """A wardrobe or tall cupboard, 1.8 to 2.4 m."""
    rng, palette = stage.rng, stage.palette
    width, height, depth = float(rng.uniform(0.8, 2.6)), float(rng.uniform(1.8, 2.4)), float(rng.uniform(0.5, 0.65))
    body = pick_one(rng, [palette.wood, palette.lacquer, palette.lacquer])
    columns = max(1, round(width / 0.5))

    def draw() -> None:
        stage.mesh.box((width, depth - 0.02, height), body, (0, -0.01, height / 2))
        fronts(stage, width, height - 0.08, 0.06, depth / 2 - 0.02, columns, 1, body)

    return Piece(width, depth, height, draw)


CARTON = Material(linear((0.68, 0.53, 0.37)), linear((0.45, 0.33, 0.22)), Pattern.NOISE, (0.3, 0.3), 0.15)


def cartons(stage: Stage) -> Piece:
    """A pile of cartons, crates or bins on the floor."""
    rng = stage.rng
    n = int(rng.integers(1, 5))
    sizes = rng.uniform((0.25, 0.25, 0.2), (0.65, 0.5, 0.5), (n, 3))
    sizes = sizes[np.argsort(-sizes[:, 0])]
    surface = pick_one(rng, [CARTON, CARTON, Material(hue(rng, (0.3, 0.9), (0.2, 0.8)))])
    yaws = rng.uniform(-0.25, 0.25, n)

    def draw() -> None:
        z = np.concatenate([[0.0], np.cumsum(sizes[:, 2])[:-1]]) + sizes[:, 2] / 2
        stage.mesh.boxes(np.stack([0 * z, 0 * z, z], -1), sizes, surface, yaws)

    return Piece(float(sizes[0, 0]) + 0.1, float(sizes[0, 1]) + 0.1, float(sizes[:, 2].sum()), draw)


def pallet(stage: Stage) -> Piece:
    """A pallet 1.2 x 0.8 m, bare or loaded up to 2 m with cartons, sacks or drums."""
    rng, palette = stage.rng, stage.palette
    load = pick(rng, {"cartons": 4, "block": 2, "drums": 1, "bare": 1})
    height = 0.145 + (0.0 if load == "bare" else float(rng.uniform(0.4, 1.8)))
    goods = pick_one(rng, [CARTON, *palette.packages])

    def draw() -> None:
        stage.mesh.boxes([(0, y, 0.135) for y in np.linspace(-0.35, 0.35, 6)], (1.2, 0.1, 0.022), palette.wood)
        stage.mesh.boxes([(x, 0, 0.06) for x in (-0.52, 0, 0.52)], (0.1, 0.8, 0.12), palette.wood)
        if load == "cartons":
            n = max(1, round((height - 0.145) / 0.35))
            h = (height - 0.145) / n
            grid = [(x, y, 0.145 + (k + 0.5) * h) for k in range(n) for x in (-0.4, 0, 0.4) for y in (-0.2, 0.2)]
            keep = [p for i, p in enumerate(grid) if i < 6 * (n - 1) or rng.random() < 0.8]
            stage.mesh.boxes(keep, (0.39, 0.39, h - 0.005), goods)
        elif load == "block":
            film = Material(linear((0.75, 0.78, 0.8)), goods.colour, Pattern.NOISE, (0.4, 0.3), 0.4, 0.2)
            stage.mesh.box((1.15, 0.78, height - 0.145), film, (0, 0, 0.5 * (height + 0.145)))
        elif load == "drums":
            colour = Material(hue(rng, (0.4, 0.9), (0.2, 0.7)), gloss=0.15)
            for x in (-0.3, 0.3):
                stage.mesh.cylinder(0.28, 0.88, colour, (x, 0, 0.145), 14)

    return Piece(1.2, 0.8, height if load != "drums" else 1.03, draw)


def rack(stage: Stage, length: float, height: float, levels: int, depth: float = 1.0) -> Piece:
    """A pallet rack of bays 2.7 m wide: blue or grey uprights, orange beams, loads on every level."""
    rng, palette = stage.rng, stage.palette
    bays = max(1, round(length / 2.7))
    bay = length / bays
    upright = Material(hue(rng, (0.6, 0.95), (0.3, 0.7)) if rng.random() < 0.6 else linear((0.6,) * 3), gloss=0.1)
    beam = Material(linear((0.85, 0.4, 0.1)) if rng.random() < 0.6 else linear((0.7,) * 3), gloss=0.1)
    fill = float(rng.uniform(0.4, 1.0))

    def draw() -> None:
        xs = np.linspace(-length / 2, length / 2, bays + 1)
        stage.mesh.boxes(
            [(x, y, height / 2) for x in xs for y in (-depth / 2 + 0.05, depth / 2 - 0.05)],
            (0.09, 0.08, height),
            upright,
        )
        for x in xs:
            n = max(2, round(height / 0.9))
            y = np.tile([-depth / 2 + 0.05, depth / 2 - 0.05], n)[:n]
            stage.mesh.tube(np.stack([np.full(n, x), y, np.linspace(0.2, height - 0.1, n)], -1), 0.018, upright, 4)
        z = np.linspace(0.0, height - 0.5, levels + 1)[1:] if levels else np.zeros(0)
        step = float(z[0]) if len(z) else height
        middle = 0.5 * (xs[1:] + xs[:-1])
        if len(z):
            stage.mesh.boxes(
                [(x, y, v) for x in middle for y in (-depth / 2 + 0.05, depth / 2 - 0.05) for v in z],
                (bay - 0.1, 0.05, 0.11),
                beam,
            )
        spots = np.array([(x + o, v) for x in middle for o in (-0.28 * bay, 0.28 * bay) for v in (0.0, *z)])
        spots = spots[rng.random(len(spots)) < fill]
        if not len(spots):
            return
        loads = rng.integers(0, 4, len(spots))
        goods = [CARTON, *[palette.packages[int(i)] for i in rng.integers(0, 8, 3)]]
        stage.mesh.boxes([(x, 0, v + 0.12) for x, v in spots], (1.1, 0.9 * depth, 0.13), palette.wood)
        for k, surface in enumerate(goods):
            chosen = spots[loads == k]
            if not len(chosen):
                continue
            h = rng.uniform(0.35, 0.8, len(chosen)) * (step - 0.25)
            w = rng.uniform(0.75, 1.1, len(chosen))
            centres = np.stack([chosen[:, 0], rng.uniform(-0.05, 0.05, len(chosen)), chosen[:, 1] + 0.185 + h / 2], -1)
            stage.mesh.boxes(centres, np.stack([w, np.full(len(w), 0.85 * depth), h], -1), surface)

    return Piece(length + 0.1, depth, height, draw)


def clothes_rail(stage: Stage) -> Piece:
    """A rail with clothes on hangers, 1.3 to 1.7 m high."""
    rng, palette = stage.rng, stage.palette
    width, height = float(rng.uniform(0.9, 1.8)), float(rng.uniform(1.3, 1.7))
    n = int(rng.integers(6, 18))

    def draw() -> None:
        stage.mesh.tube(
            [(-width / 2, 0, 0), (-width / 2, 0, height), (width / 2, 0, height), (width / 2, 0, 0)],
            0.016,
            palette.metal,
        )
        stage.mesh.boxes([(s * width / 2, 0, 0.02) for s in (-1, 1)], (0.05, 0.5, 0.03), palette.metal)
        x = np.sort(rng.uniform(-0.45, 0.45, n)) * width
        length = rng.uniform(0.6, 1.0, n)
        colours = [Material(hue(rng, (0.0, 0.7), (0.1, 0.9))) for _ in range(4)] + [palette.fabric, palette.fabric_two]
        which = rng.integers(0, len(colours), n)
        for k, surface in enumerate(colours):
            at = which == k
            if at.any():
                centres = np.stack([x[at], 0 * x[at], height - 0.06 - length[at] / 2], -1)
                stage.mesh.boxes(
                    centres, np.stack([np.full(at.sum(), 0.04), np.full(at.sum(), 0.44), length[at]], -1), surface
                )

    return Piece(width + 0.1, 0.5, height, draw)
