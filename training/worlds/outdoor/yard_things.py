"""Things of yards, farms and sites: fences, containers, pallets, pipes, cranes, solar panels, bales."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder, poses
from training.worlds.outdoor import palette
from training.worlds.outdoor.shapes import blobs, loft, placed, tube
from training.worlds.outdoor.stage import Stage, Thing, thing

Rng = np.random.Generator
FENCES = ("picket", "rails", "mesh", "wall", "panels", "iron", "wire")


def fence(
    stage: Stage,
    start: ArrayLike,
    end: ArrayLike,
    kind: str | None = None,
    height: float | None = None,
    materials: tuple[Material, Material] | None = None,
) -> None:
    """A fence or garden wall between two points, panel by panel on the terrain."""
    rng = stage.rng
    kind = kind or str(rng.choice(FENCES))
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(b - a))
    if length < 0.6:
        return
    panel = {"wall": 2.5, "panels": 1.8, "wire": 3.0, "mesh": 2.5}.get(kind, 2.0)
    count = max(1, round(length / panel))
    step = length / count
    yaw = float(np.arctan2(*(b - a)[::-1]))
    tall = height or float(
        {
            "picket": rng.uniform(0.8, 1.2),
            "rails": rng.uniform(1.0, 1.4),
            "mesh": rng.uniform(1.2, 2.4),
            "wall": rng.uniform(0.5, 2.2),
            "panels": rng.uniform(1.5, 2.0),
            "iron": rng.uniform(1.0, 1.9),
            "wire": rng.uniform(1.0, 1.3),
        }[kind]
    )
    main, post = materials or fence_materials(rng, kind)
    item = thing(lambda m: _panel(m, kind, step, tall, main, post))
    ends = a + (b - a) * (np.arange(count + 1) / count)[:, None]
    z = stage.ground(ends[:, 0], ends[:, 1])
    pose = poses(np.column_stack([ends[:-1], z[:-1]]), yaw)
    pose[:, 2, :3] += ((z[1:] - z[:-1]) / step)[:, None] * np.array([1.0, 0.0, 0.0])
    stage.builder.instances(item.mesh, pose)
    stage.occupy(0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), length / 2, 0.12, yaw)


def fence_materials(rng: Rng, kind: str) -> tuple[Material, Material]:
    """Infill and posts of a kind of fence."""
    if kind == "wall":
        m = (
            palette.bricks(rng)
            if rng.random() < 0.5
            else palette.ashlar(rng)
            if rng.random() < 0.6
            else palette.plaster(rng)
        )
        return m, palette.concrete(rng)
    if kind in ("mesh", "iron", "wire"):
        m = palette.metal(rng)
        return m, palette.wood(rng) if kind == "wire" else m
    m = palette.wood(rng) if rng.random() < 0.6 else palette.plain((0.68, 0.68, 0.66))
    return m, m


def _panel(m: MeshBuilder, kind: str, w: float, h: float, main: Material, post: Material) -> None:
    if kind == "wall":
        m.box((w, 0.22, h + 0.4), main, (w / 2, 0, h / 2 - 0.2))
        m.box((w, 0.3, 0.07), post, (w / 2, 0, h + 0.03))
        return
    m.box((0.09, 0.09, h + 0.25), post, (0, 0, h / 2 - 0.06))
    if kind == "picket":
        count = max(2, int(w / 0.14))
        x = (np.arange(count) + 0.5) * w / count
        m.boxes(np.column_stack([x, np.full(count, -0.03), np.full(count, h / 2 + 0.03)]), (0.08, 0.02, h - 0.06), main)
        m.boxes([[w / 2, 0, 0.25 * h], [w / 2, 0, 0.8 * h]], (w, 0.035, 0.07), main)
    elif kind == "rails":
        m.boxes([[w / 2, 0, z * h] for z in (0.35, 0.65, 0.95)], (w, 0.04, 0.12), main)
    elif kind == "mesh":
        for z in (0.03, 0.5 * h, h):
            m.box((w, 0.02, 0.02), main, (w / 2, 0, z))
        count = int(w / 0.25)
        x = (np.arange(count) + 0.5) * w / count
        m.boxes(np.column_stack([x, np.zeros(count), np.full(count, h / 2)]), (0.008, 0.008, h), main)
    elif kind == "panels":
        m.box((w, 0.04, h), main, (w / 2, 0, h / 2 + 0.03))
    elif kind == "iron":
        count = int(w / 0.13)
        x = (np.arange(count) + 0.5) * w / count
        m.boxes(np.column_stack([x, np.zeros(count), np.full(count, h / 2 + 0.05)]), (0.018, 0.018, h), main)
        m.boxes([[w / 2, 0, 0.15], [w / 2, 0, h - 0.12]], (w, 0.025, 0.045), main)
    else:
        m.boxes([[w / 2, 0, z * h] for z in (0.3, 0.55, 0.78, 0.98)], (w, 0.012, 0.012), main)


def container(rng: Rng, long: bool | None = None) -> Thing:
    """A shipping container: 6.06 or 12.19 x 2.44 x 2.59 m."""
    length = 12.19 if (rng.random() < 0.5 if long is None else long) else 6.06
    paint = palette.pick(
        rng,
        (0.3, 0.06, 0.04),
        (0.04, 0.12, 0.28),
        (0.06, 0.2, 0.1),
        (0.42, 0.42, 0.42),
        (0.5, 0.24, 0.03),
        (0.55, 0.55, 0.52),
    )
    skin = Material(paint, (paint[0] * 0.6, paint[1] * 0.6, paint[2] * 0.6), Pattern.CORRUGATED, (0.28, 1.0), 0.4, 0.1)
    plain = palette.plain(paint, 0.1)

    def draw(b: MeshBuilder) -> None:
        b.box((length, 2.4, 2.5), skin, (0, 0, 1.3), {"x+": plain})
        for y in (-1.2, 1.2):
            b.boxes([[0, y, 0.08], [0, y, 2.53]], (length, 0.08, 0.14), plain)
            b.boxes([[-length / 2, y, 1.3], [length / 2, y, 1.3]], (0.12, 0.1, 2.59), plain)
        b.boxes([[length / 2 + 0.03, y, 1.3] for y in (-0.9, -0.35, 0.35, 0.9)], (0.04, 0.04, 2.4), palette.metal(rng))
        b.box((0.02, 0.02, 2.4), palette.plain((0.02, 0.02, 0.02)), (length / 2 + 0.01, 0, 1.3))

    return thing(draw)


def pallet_load(rng: Rng) -> Thing:
    """A pallet (1.2 x 0.8 m), empty stacks or loaded with bricks, sacks or boxes."""
    wood = palette.wood(rng)
    kind = int(rng.integers(4))

    def pallet(b: MeshBuilder, z: float) -> None:
        b.boxes([[0, y, z + 0.12] for y in (-0.34, -0.17, 0, 0.17, 0.34)], (1.2, 0.11, 0.022), wood)
        b.boxes([[x, 0, z + 0.055] for x in (-0.53, 0, 0.53)], (0.14, 0.8, 0.09), wood)

    def draw(b: MeshBuilder) -> None:
        pallet(b, 0.0)
        if kind == 0:
            for k in range(1, int(rng.integers(2, 12))):
                pallet(b, k * 0.144)
        elif kind == 1:
            h = float(rng.uniform(0.4, 1.1))
            b.box((1.1, 0.76, h), palette.bricks(rng), (0, 0, 0.14 + h / 2))
        elif kind == 2:
            sack = palette.plain(palette.pick(rng, (0.5, 0.45, 0.36), (0.6, 0.6, 0.57)))
            for k in range(int(rng.integers(2, 7))):
                b.triangles(
                    *placed(
                        blobs(
                            rng,
                            np.array([[x, y, 0.22 + 0.14 * k] for x in (-0.3, 0.3) for y in (-0.2, 0.2)]),
                            np.full((4, 3), (0.32, 0.21, 0.09)),
                            0.08,
                        ),
                        sack,
                    )
                )
        else:
            h = float(rng.uniform(0.5, 1.6))
            b.box(
                (1.16, 0.78, h),
                Material((0.42, 0.3, 0.18), (0.2, 0.15, 0.1), Pattern.PACKAGES, (0.4, 0.3)),
                (0, 0, 0.14 + h / 2),
            )

    return thing(draw)


def pile(rng: Rng, radius: float) -> Thing:
    """A heap of sand, gravel or earth."""
    m = [palette.sand, palette.gravel, palette.soil][int(rng.integers(3))](rng)

    def draw(b: MeshBuilder) -> None:
        r = radius * np.array([1.0, 0.92, 0.7, 0.42, 0.12])
        z = radius * 0.62 * np.array([-0.05, 0.05, 0.34, 0.7, 0.96])
        a = np.arange(18) / 18 * 2 * np.pi
        wobble = 1 + 0.12 * np.sin(a * 2 + rng.uniform(0, 6)) + 0.06 * np.sin(a * 5 + rng.uniform(0, 6))
        rings = np.stack(
            [
                np.column_stack([rr * wobble * np.cos(a), rr * wobble * np.sin(a), np.full(18, zz)])
                for rr, zz in zip(r, z, strict=True)
            ]
        )
        b.triangles(*placed(loft(rings), m))

    return thing(draw)


def pipes(rng: Rng) -> Thing:
    """A stack of pipes or trunks along x."""
    length, r = float(rng.uniform(3, 8)), float(rng.uniform(0.1, 0.5))
    m = palette.concrete(rng) if r > 0.3 else palette.bark(rng) if rng.random() < 0.4 else palette.metal(rng)
    rows = int(rng.integers(1, 5))

    def draw(b: MeshBuilder) -> None:
        for k in range(rows):
            for i in range(rows - k):
                y = (i - (rows - k - 1) / 2) * 2.02 * r
                b.cylinder(r, length, m, (-length / 2, y, r + k * 1.75 * r), 12, axis="x", caps=r < 0.3)

    return thing(draw)


def crane(b: MeshBuilder, rng: Rng, height: float, jib: float) -> None:
    """A tower crane as lattice."""
    steel = palette.plain(palette.pick(rng, (0.6, 0.4, 0.03), (0.5, 0.05, 0.03), (0.6, 0.6, 0.58)))
    s = 0.8

    def lattice(length: float) -> None:
        steps = max(2, int(length / 2.2))
        x = np.linspace(0, length, steps + 1)
        for y, z in ((-s, 0), (s, 0), (0, 1.4)):
            tube(b, [[0, y, z], [length, y, z]], 0.08, steel, 4)
        for i in range(steps):
            tube(b, [[x[i], -s, 0], [x[i + 1], 0, 1.4], [x[i], s, 0], [x[i + 1], -s, 0]], 0.04, steel, 3)

    with b.at((0, 0, 0), pitch=-np.pi / 2):
        lattice(height)
    with b.at((0, 0, height), yaw=float(rng.uniform(0, 6.28))):
        lattice(jib)
        with b.at((0, 0, 0), yaw=np.pi):
            lattice(jib * 0.3)
        b.box((2.2, 1.8, 1.6), palette.concrete(rng), (-0.27 * jib, 0, -0.6))
        tube(b, [[0, 0, 1.4], [0, 0, 5.0]], 0.12, steel, 4)
        tube(b, [[jib * 0.8, 0, 1.4], [0, 0, 5.0], [-jib * 0.27, 0, 1.4]], 0.04, steel, 3)
        tube(b, [[jib * 0.6, 0, 0], [jib * 0.6, 0, -height * 0.55]], 0.03, steel, 3)
    b.box((3, 3, 0.8), palette.concrete(rng), (0, 0, 0.3))


def scaffold(b: MeshBuilder, rng: Rng, width: float, height: float) -> None:
    """Scaffolding along x in front of y = 0."""
    steel, deck = palette.metal(rng), palette.wood(rng)
    x = np.arange(0, width + 0.1, 2.5)
    for y in (-0.4, -1.3):
        b.boxes(np.column_stack([x, np.full(len(x), y), np.full(len(x), height / 2)]), (0.05, 0.05, height), steel)
        for z in np.arange(2.0, height + 0.1, 2.0):
            b.boxes([[width / 2, y, z], [width / 2, y, z + 1.0]], (width, 0.05, 0.05), steel)
    for z in np.arange(2.0, height + 0.1, 2.0):
        b.box((width, 0.9, 0.05), deck, (width / 2, -0.85, z + 0.05))
    for k in range(0, len(x) - 1, 2):
        tube(b, [[x[k], -1.3, 0.2], [x[k + 1], -1.3, min(4.0, height)]], 0.025, steel, 4)


def solar_table(rng: Rng, length: float) -> Thing:
    """A row of photovoltaic panels along x on posts, facing -y."""
    cell = Material(
        (0.012, 0.018, 0.06),
        (0.3, 0.32, 0.34),
        Pattern.TILES,
        (float(rng.choice([0.16, 1.0])), float(rng.choice([0.16, 1.65]))),
        0.2,
        0.5,
    )
    steel = palette.metal(rng)
    tilt, wide = np.radians(float(rng.uniform(12, 38))), float(rng.choice([2.0, 3.3, 4.1]))
    low = float(rng.uniform(0.5, 1.0))

    def draw(b: MeshBuilder) -> None:
        dy, dz = wide * np.cos(tilt), wide * np.sin(tilt)
        count = max(1, int(length / 1.05))
        w = length / count
        for k in range(0, count, 4):
            x0, x1 = k * w + 0.015, min(k + 4, count) * w - 0.015
            b.quad([[x0, 0, low], [x1, 0, low], [x1, dy, low + dz], [x0, dy, low + dz]], cell)
            under = np.array(
                [
                    [x0, 0.01, low - 0.05],
                    [x1, 0.01, low - 0.05],
                    [x1, dy + 0.01, low + dz - 0.05],
                    [x0, dy + 0.01, low + dz - 0.05],
                ]
            )
            b.quad(under, palette.plain((0.5, 0.5, 0.52)))
        for y, z in ((0.15, low - 0.1 + 0.15 * np.tan(tilt)), (dy - 0.25, low + dz - 0.1 - 0.25 * np.tan(tilt))):
            b.box((length, 0.07, 0.09), steel, (length / 2, y, z))
            x = np.arange(0.6, length, 3.2)
            b.boxes(np.column_stack([x, np.full(len(x), y), np.full(len(x), z / 2 - 0.2)]), (0.1, 0.1, z + 0.4), steel)

    return thing(draw)


def bale(rng: Rng) -> Thing:
    """A round or square hay bale, bare or wrapped."""
    straw = palette.Material(
        palette.pick(rng, (0.42, 0.32, 0.13), (0.33, 0.28, 0.15)), (0.2, 0.15, 0.06), Pattern.CARPET, (0.1, 0.1), 0.5
    )
    m = straw if rng.random() < 0.7 else palette.plain(palette.pick(rng, (0.65, 0.67, 0.65), (0.25, 0.4, 0.3)), 0.2)
    if rng.random() < 0.6:
        r = float(rng.uniform(0.6, 0.8))
        return thing(lambda b: b.cylinder(r, 1.2, m, (0, -0.6, r), 20, axis="y"))
    return thing(lambda b: b.box((2.2, 0.9, 0.8), m, (0, 0, 0.4)))


def pole_line(stage: Stage, points: ArrayLike, height: float = 8.0, wires: int = 3, arms: bool = True) -> None:
    """Wooden or steel poles with sagging wires along points (N, 2)."""
    rng = stage.rng
    p = np.asarray(points, float)
    m = palette.bark(rng) if rng.random() < 0.6 else palette.metal(rng)
    z = stage.ground(p[:, 0], p[:, 1])
    direction = np.gradient(p, axis=0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    side = np.column_stack([-direction[:, 1], direction[:, 0]])
    for k, (x, y) in enumerate(p):
        tube(stage.builder, [[x, y, z[k] - 0.3], [x, y, z[k] + height]], (0.15, 0.1), m, 7)
        stage.occupy(x, y, 0.15, 0.15)
        if arms:
            a, c = p[k] - side[k], p[k] + side[k]
            tube(stage.builder, [[*a, z[k] + height - 0.5], [*c, z[k] + height - 0.5]], 0.06, m, 4)
    black = palette.plain((0.02, 0.02, 0.02))
    t = np.linspace(0, 1, 9)[:, None]
    for w in range(wires):
        offset = (w - (wires - 1) / 2) * 0.9 if arms else 0.0
        drop = 0.0 if arms else 0.3 * w
        for k in range(len(p) - 1):
            a = np.array([*(p[k] + offset * side[k]), z[k] + height - 0.4 - drop])
            b = np.array([*(p[k + 1] + offset * side[k + 1]), z[k + 1] + height - 0.4 - drop])
            line = a + (b - a) * t
            line[:, 2] -= 0.025 * np.linalg.norm(b - a) * 4 * (t * (1 - t))[:, 0]
            tube(stage.builder, line, 0.015, black, 3)


def cone(rng: Rng) -> Thing:
    """A traffic cone or a barrier."""
    if rng.random() < 0.6:
        orange = Material((0.6, 0.12, 0.02), (0.65, 0.65, 0.62), Pattern.PLAIN)

        def draw(b: MeshBuilder) -> None:
            b.box((0.36, 0.36, 0.04), orange, (0, 0, 0.02))
            b.cylinder(0.14, 0.68, orange, (0, 0, 0.04), 12, top_radius=0.03)
            b.cylinder(0.105, 0.15, palette.plain((0.65, 0.65, 0.62)), (0, 0, 0.28), 12, top_radius=0.08)

        return thing(draw)
    board = Material((0.6, 0.05, 0.03), (0.66, 0.66, 0.64), Pattern.STRIPES, (0.5, 1.0))

    def barrier(b: MeshBuilder) -> None:
        b.box((2.0, 0.04, 0.25), board, (0, 0, 0.95))
        b.box((2.0, 0.04, 0.15), board, (0, 0, 0.3))
        for x in (-0.9, 0.9):
            b.box((0.06, 0.06, 1.05), palette.metal(rng), (x, 0, 0.52))
            b.box((0.2, 0.6, 0.08), palette.plain((0.03, 0.03, 0.03)), (x, 0, 0.04))

    return thing(barrier)
