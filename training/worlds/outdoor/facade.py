"""House fronts as geometry: bays with recessed windows, doors, balconies and shop fronts, at true storey heights.

A front lies in the plane y = 0 of its frame, x to the right, z up, seen from -y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import Mesh, MeshBuilder
from training.worlds.outdoor import palette

Rng = np.random.Generator
Opening = tuple[float, float, float, float]


@dataclass(frozen=True)
class Look:
    """The style that the bays of one building share. Lengths in metres."""

    wall: Material
    base: Material
    frame: Material
    panes: tuple[Material, ...]
    storey: float
    ground_storey: float
    bay: float
    window: tuple[float, float]
    sill: float
    recess: float
    bars: tuple[int, int]
    surround: bool
    shutters: Material | None
    balcony: str | None
    arched: bool = False


def look(rng: Rng, lit: float = 0.0, shop: bool = False) -> Look:
    """A style of house: old or new, plain or ornate. `lit`: share of windows lit from within."""
    wall = palette.wall(rng)
    storey = float(rng.uniform(2.7, 3.5))
    # Multiples of a brick, so that courses run on from bay to bay.
    storey = round(storey / 0.075) * 0.075
    bay = round(float(rng.uniform(1.9, 3.6)) / 0.25) * 0.25
    wide = min(float(rng.uniform(0.9, 1.6)), bay - 0.5) if rng.random() < 0.8 else bay - 0.4
    tall = float(rng.uniform(1.15, 1.7)) if rng.random() < 0.8 else storey - 0.75
    sill = min(float(rng.uniform(0.75, 0.95)), storey - tall - 0.3)
    ground = round(float(rng.uniform(3.3, 4.4)) / 0.075) * 0.075 if shop else storey + 0.075 * int(rng.integers(0, 8))
    return Look(
        wall=wall,
        base=wall if rng.random() < 0.5 else palette.ashlar(rng) if rng.random() < 0.6 else palette.plaster(rng),
        frame=palette.frame(rng),
        panes=tuple(palette.glass(rng, lit) for _ in range(3)),
        storey=storey,
        ground_storey=ground,
        bay=bay,
        window=(wide, tall),
        sill=sill,
        recess=float(rng.uniform(0.06, 0.28)),
        bars=(int(rng.integers(1, 4)), int(rng.integers(1, 4))),
        surround=bool(rng.random() < 0.4),
        shutters=palette.bright(rng) if rng.random() < 0.15 else None,
        balcony=str(rng.choice(["rail", "slab"])) if rng.random() < 0.35 else None,
    )


def _hole(b: MeshBuilder, x: Opening, w: float, h: float, wall: Material, recess: float) -> None:
    """Wall of w x h about an opening (x0, x1, z0, z1), with its reveals."""
    x0, x1, z0, z1 = x
    for a, c, lo, hi in ((0.0, x0, 0.0, h), (x1, w, 0.0, h), (x0, x1, 0.0, z0), (x0, x1, z1, h)):
        if c - a > 1e-4 and hi - lo > 1e-4:
            v = np.array([[a, 0, lo], [c, 0, lo], [c, 0, hi], [a, 0, hi]])
            b.triangles(v, [[0, 1, 2], [0, 2, 3]], wall, v[:, [0, 2]])
    ring = np.array([[x0, z0], [x1, z0], [x1, z1], [x0, z1]])
    v = np.concatenate([np.insert(ring, 1, 0.0, 1), np.insert(ring, 1, recess, 1)])
    i, j = np.arange(4), np.roll(np.arange(4), -1)
    b.triangles(v, np.concatenate([np.stack([i, j, j + 4], 1), np.stack([i, j + 4, i + 4], 1)]), wall)


def _pane(
    b: MeshBuilder, x: Opening, y: float, glass: Material, frame: Material, bars: tuple[int, int], bar: float = 0.06
) -> None:
    x0, x1, z0, z1 = x
    b.quad([[x0, y, z0], [x1, y, z0], [x1, y, z1], [x0, y, z1]], glass)
    xs, zs = np.linspace(x0, x1, bars[0] + 1), np.linspace(z0, z1, bars[1] + 1)
    centres = [[np.clip(v, x0 + bar / 2, x1 - bar / 2), y - 0.02, (z0 + z1) / 2] for v in xs]
    centres += [[(x0 + x1) / 2, y - 0.02, np.clip(v, z0 + bar / 2, z1 - bar / 2)] for v in zs]
    sizes = [[bar, 0.05, z1 - z0]] * len(xs) + [[x1 - x0, 0.045, bar]] * len(zs)
    b.boxes(centres, sizes, frame)


def window_bay(
    rng: Rng, style: Look, height: float, glass: Material, balcony: bool = False, wall: Material | None = None
) -> Mesh:
    """One bay with a window, or a balcony with its door."""
    b = MeshBuilder()
    w, (wide, tall) = style.bay, style.window
    x0 = (w - wide) / 2
    z0 = 0.12 if balcony else style.sill
    top = min(style.sill + tall, height - 0.25)
    hole = (x0, x0 + wide, z0, top)
    _hole(b, hole, w, height, wall or style.wall, style.recess)
    _pane(b, hole, style.recess, glass, style.frame, style.bars)
    if not balcony:
        b.box((wide + 0.12, 0.16 + 0.4 * style.recess, 0.05), style.frame, (w / 2, -0.02, z0 - 0.025))
    if style.surround:
        b.boxes([[x0 - 0.07, 0, (z0 + top) / 2], [x0 + wide + 0.07, 0, (z0 + top) / 2], [w / 2, 0, top + 0.09]],
                [[0.14, 0.08, top - z0], [0.14, 0.08, top - z0], [wide + 0.34, 0.12, 0.18]], style.frame)  # fmt: skip
    if style.shutters is not None and w - wide > 0.7:
        half = min(wide / 2, (w - wide) / 2 - 0.05)
        b.boxes([[x0 - half / 2 - 0.02, -0.03, (z0 + top) / 2], [x0 + wide + half / 2 + 0.02, -0.03, (z0 + top) / 2]],
                (half, 0.04, top - z0), style.shutters)  # fmt: skip
    if balcony:
        deep, across = 1.1, min(w - 0.2, wide + 0.9)
        b.box((across, deep, 0.14), palette.concrete(rng), (w / 2, -deep / 2, 0.02))
        if style.balcony == "slab":
            b.boxes(
                [
                    [w / 2, -deep + 0.04, 0.55],
                    [w / 2 - across / 2, -deep / 2, 0.55],
                    [w / 2 + across / 2, -deep / 2, 0.55],
                ],
                [[across, 0.06, 0.95], [0.06, deep, 0.95], [0.06, deep, 0.95]],
                style.frame,
            )
        else:
            count = max(4, int(across / 0.16))
            x = np.linspace(-across / 2, across / 2, count) + w / 2
            b.boxes(np.column_stack([x, np.full(count, -deep), np.full(count, 0.58)]), (0.02, 0.02, 0.98), style.frame)
            b.box((across, 0.05, 0.05), style.frame, (w / 2, -deep, 1.08))
    return b.build()


def door_bay(rng: Rng, style: Look, height: float) -> Mesh:
    """One bay with a house door (2.0 to 2.4 m), steps and sometimes a canopy."""
    b = MeshBuilder()
    w, wide, tall = style.bay, float(rng.uniform(0.95, 1.4)), float(rng.uniform(2.0, 2.4))
    x0 = (w - wide) / 2
    hole = (x0, x0 + wide, 0.15, 0.15 + tall)
    _hole(b, hole, w, height, style.base, 0.25)
    colour = palette.wood(rng) if rng.random() < 0.4 else palette.bright(rng)
    b.quad([[x0, 0.25, 0.15], [x0 + wide, 0.25, 0.15], [x0 + wide, 0.25, 0.15 + tall], [x0, 0.25, 0.15 + tall]], colour)
    _pane(
        b,
        (x0 + 0.12, x0 + wide - 0.12, 0.15 + tall * 0.6, 0.15 + tall * 0.92),
        0.23,
        style.panes[0],
        style.frame,
        (1, 1),
    )
    b.box((0.04, 0.06, 0.04), palette.plain((0.5, 0.42, 0.2), 0.6), (x0 + 0.12, 0.21, 1.15))
    b.box((wide + 0.5, 0.35, 0.15), palette.concrete(rng), (w / 2, -0.12, 0.075))
    if rng.random() < 0.4:
        b.box((wide + 0.5, 0.9, 0.1), style.frame, (w / 2, -0.4, tall + 0.5))
    return b.build()


def shop_bay(rng: Rng, style: Look, height: float, lit: bool, awning: bool) -> Mesh:
    """One bay of a shop: tall glass over a low base, a fascia sign, sometimes an awning."""
    b = MeshBuilder()
    w = style.bay
    hole = (0.12, w - 0.12, 0.35 if rng.random() < 0.7 else 0.05, height - 0.75)
    _hole(b, hole, w, height, style.base, 0.12)
    goods = Material(
        (0.3, 0.28, 0.25), (0.05, 0.05, 0.05), Pattern.PACKAGES, (0.35, 0.45), 0.6, 0.3, 0.35 if lit else 0.03
    )
    glass = goods if rng.random() < 0.45 else palette.glowing((1.0, 0.85, 0.65), 0.9) if lit else style.panes[0]
    _pane(b, hole, 0.12, glass, style.frame, (int(rng.integers(1, 3)), 1))
    sign = Material(
        palette.bright(rng).colour, (0.7, 0.7, 0.66), Pattern.POSTER_TEXT, (w, 0.55), 0.3, 0.0, 1.2 if lit else 0.0
    )
    b.box((w, 0.12, 0.55), sign, (w / 2, -0.05, height - 0.4))
    if awning:
        cloth = Material(palette.bright(rng).colour, (0.65, 0.63, 0.58), Pattern.STRIPES, (0.4, 1.0))
        z = height - 0.7
        b.quad([[0.02, -1.3, z - 0.55], [w - 0.02, -1.3, z - 0.55], [w - 0.02, -0.05, z], [0.02, -0.05, z]], cloth)
        b.quad(
            [[0.02, -1.3, z - 0.75], [w - 0.02, -1.3, z - 0.75], [w - 0.02, -1.3, z - 0.55], [0.02, -1.3, z - 0.55]],
            cloth,
        )
    return b.build()


def gate_bay(rng: Rng, style: Look, height: float) -> Mesh:
    """One bay with a garage door or roller shutter."""
    b = MeshBuilder()
    w = style.bay
    tall = min(2.5, height - 0.5)
    _hole(b, (0.15, w - 0.15, 0.0, tall), w, height, style.base, 0.2)
    door = Material(
        palette.bright(rng).colour if rng.random() < 0.4 else (0.45, 0.45, 0.44),
        (0.2, 0.2, 0.2),
        Pattern.SHUTTER,
        (1.0, 0.12),
    )
    b.quad([[0.15, 0.2, 0], [w - 0.15, 0.2, 0], [w - 0.15, 0.2, tall], [0.15, 0.2, tall]], door)
    return b.build()


def blank_bay(style: Look, height: float, wall: Material | None = None) -> Mesh:
    """One bay of bare wall."""
    b = MeshBuilder()
    w = style.bay
    b.quad([[0.0, 0.0, 0.0], [w, 0.0, 0.0], [w, 0.0, height], [0.0, 0.0, height]], wall or style.wall)
    return b.build()


def tile(builder: MeshBuilder, bay: Mesh, offsets: ArrayLike) -> None:
    """Repeat a bay at offsets (K, 3) as one surface: texture coordinates run on along x and z."""
    offsets = np.asarray(offsets, float).reshape(-1, 3)
    if len(offsets) == 0:
        return
    for k, material in enumerate(bay.materials):
        faces = bay.faces[bay.material == k]
        corners = bay.vertices[faces].astype(float)[None] + offsets[:, None, None]
        uv = bay.uv[bay.material == k][None] + offsets[:, None, None, [0, 2]]
        count = corners.shape[0] * corners.shape[1] * 3
        builder.triangles(corners.reshape(-1, 3), np.arange(count).reshape(-1, 3), material, uv.reshape(-1, 2))


def front(
    b: MeshBuilder,
    rng: Rng,
    style: Look,
    bays: int,
    storeys: int,
    ground: str = "door",
    lit: bool = False,
    plain_share: float = 0.04,
) -> float:
    """A whole front of `bays` x `storeys`; the ground floor is 'door', 'shop', 'gate' or 'windows'.

    Returns the height."""
    h0, w = style.ground_storey, style.bay
    kinds = ["window"] * bays
    if ground == "shop":
        kinds = ["shop"] * bays
        kinds[int(rng.integers(bays))] = "door"
    elif ground in ("door", "gate"):
        kinds[int(rng.integers(bays))] = "door"
        if ground == "gate":
            for k in range(bays):
                if kinds[k] == "window" and rng.random() < 0.5:
                    kinds[k] = "gate"
    awning = bool(rng.random() < 0.35)
    makers = {
        "door": lambda: door_bay(rng, style, h0),
        "shop": lambda: shop_bay(rng, style, h0, lit, awning),
        "gate": lambda: gate_bay(rng, style, h0),
        "window": lambda: window_bay(rng, style, h0, style.panes[0], wall=style.base),
    }
    for name in sorted(set(kinds)):
        xs = [k * w for k in range(bays) if kinds[k] == name]
        tile(b, makers[name](), [[x, 0, 0] for x in xs])
    if storeys > 1:
        columns, rows = np.meshgrid(np.arange(bays), np.arange(storeys - 1))
        offsets = np.column_stack([columns.ravel() * w, np.zeros(columns.size), h0 + rows.ravel() * style.storey])
        which = rng.integers(0, len(style.panes), columns.size)
        step = int(rng.integers(1, 4))
        with_balcony = (columns.ravel() % step == 0) if style.balcony else np.zeros(columns.size, bool)
        blank = rng.random(columns.size) < plain_share
        for k, pane in enumerate(style.panes):
            tile(b, window_bay(rng, style, style.storey, pane), offsets[(which == k) & ~with_balcony & ~blank])
        if with_balcony.any():
            tile(b, window_bay(rng, style, style.storey, style.panes[0], balcony=True), offsets[with_balcony & ~blank])
        if blank.any():
            tile(b, blank_bay(style, style.storey), offsets[blank])
    return h0 + (storeys - 1) * style.storey
