"""Small things of streets and parks at true size: lamps, signs, benches, bins, people, tables, play equipment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import palette
from training.worlds.outdoor.shapes import blobs, loft, placed, rounded_ring, tube
from training.worlds.outdoor.stage import Thing, thing

Rng = np.random.Generator


def lamp(rng: Rng, lit: bool, height: float | None = None) -> tuple[Thing, tuple[float, float, float]]:
    """A street lamp (3 to 9 m) and where its light is, in its frame (arm along +x)."""
    h = float(rng.choice([3.5, 4.5, 6.0, 8.0, 9.0])) if height is None else height
    steel = palette.metal(rng)
    head = (
        palette.glowing((1.0, 0.8, 0.5) if rng.random() < 0.6 else (0.9, 0.95, 1.0), 12.0)
        if lit
        else palette.plain((0.6, 0.6, 0.58), 0.3)
    )
    arm = float(rng.uniform(0.8, 2.0)) if h > 5 else 0.0

    def draw(b: MeshBuilder) -> None:
        tube(b, [[0.0, 0.0, 0.0], [0.0, 0.0, 0.9], [0, 0, h]], (0.1, 0.07, 0.045), steel, 8)
        if arm:
            tube(b, [[0, 0, h - 0.1], [0.4 * arm, 0, h + 0.2], [arm, 0, h + 0.25]], 0.035, steel, 6)
            b.box((0.6, 0.24, 0.1), steel, (arm, 0, h + 0.25))
            b.box((0.5, 0.18, 0.04), head, (arm, 0, h + 0.185))
        else:
            b.lathe(np.array([[0.1, h], [0.2, h + 0.1], [0.17, h + 0.4], [0.1, h + 0.45]]), head, 10)
            b.lathe(np.array([[0.24, h + 0.44], [0.05, h + 0.6], [0.0, h + 0.62]]), steel, 10)

    return thing(draw), (arm, 0.0, h + 0.02 if arm else h + 0.25)


def sign(rng: Rng) -> Thing:
    """A traffic or street sign on a post."""
    kind = int(rng.integers(5))
    post, h = palette.metal(rng), float(rng.uniform(2.1, 2.9))

    def draw(b: MeshBuilder) -> None:
        tube(b, [[0.0, 0.0, 0.0], [0.0, 0.0, h + 0.3]], 0.032, post, 6)
        white = palette.plain((0.7, 0.7, 0.68))
        if kind == 0:
            b.cylinder(0.3, 0.02, palette.plain((0.5, 0.02, 0.02)), (0.04, 0, h), 20, axis="x")
            b.cylinder(0.23, 0.012, white, (0.055, 0, h), 20, axis="x")
        elif kind == 1:
            v = np.array([[0.05, -0.45, h - 0.3], [0.05, 0.45, h - 0.3], [0.05, 0, h + 0.45]])
            b.triangles(v, [[0, 1, 2]], palette.plain((0.5, 0.02, 0.02)))
            b.triangles((v - [0, 0, h]) * [1, 0.68, 0.68] + [0.01, 0, h], [[0, 1, 2]], white)
        elif kind == 2:
            b.box((0.03, 0.6, 0.6), palette.plain((0.03, 0.1, 0.4)), (0.05, 0, h))
            b.box((0.035, 0.2, 0.4), white, (0.055, 0, h))
        elif kind == 3:
            b.cylinder(0.3, 0.02, palette.plain((0.03, 0.1, 0.4)), (0.04, 0, h), 20, axis="x")
        else:
            text = Material((0.05, 0.2, 0.12), (0.7, 0.7, 0.68), Pattern.POSTER_TEXT, (0.9, 0.35))
            b.box((0.03, 0.9, 0.35), text, (0.05, 0, h))

    return thing(draw)


def traffic_light(rng: Rng) -> Thing:
    """A signal on a post, lenses towards +x."""
    lit = int(rng.integers(3))

    def draw(b: MeshBuilder) -> None:
        tube(b, [[0.0, 0.0, 0.0], [0.0, 0.0, 3.3]], 0.06, palette.metal(rng), 8)
        b.box((0.22, 0.32, 0.95), palette.plain((0.02, 0.025, 0.02)), (0.12, 0, 2.9))
        for k, colour in enumerate(((0.1, 0.8, 0.3), (0.9, 0.6, 0.05), (0.9, 0.05, 0.03))):
            lens = (
                palette.glowing(colour, 3.0)
                if k == lit
                else palette.plain((colour[0] * 0.1, colour[1] * 0.1, colour[2] * 0.1))
            )
            b.cylinder(0.1, 0.02, lens, (0.235, 0, 2.6 + 0.3 * k), 12, axis="x")

    return thing(draw)


def bollard(rng: Rng) -> Thing:
    """A bollard, 0.5 to 1.1 m."""
    h, r = float(rng.uniform(0.5, 1.1)), float(rng.uniform(0.05, 0.18))
    m = palette.concrete(rng) if r > 0.12 else palette.metal(rng)
    return thing(lambda b: b.lathe(np.array([[r * 1.1, 0], [r, 0.1], [r, h - 0.5 * r], [r * 0.7, h], [0, h]]), m, 12))


def bench(rng: Rng) -> Thing:
    """A slatted bench along x, seat at 0.45 m, usually with a back; it faces -y."""
    long, boards, legs = float(rng.uniform(1.4, 2.2)), palette.wood(rng), palette.metal(rng)
    back = rng.random() < 0.75

    def draw(b: MeshBuilder) -> None:
        b.boxes([[0, y, 0.44] for y in (-0.18, -0.06, 0.06, 0.18)], (long, 0.1, 0.035), boards)
        if back:
            b.boxes([[0, 0.25, z] for z in (0.58, 0.7, 0.82)], (long, 0.03, 0.09), boards)
        for x in (-0.4 * long, 0.4 * long):
            b.box((0.06, 0.42, 0.06), legs, (x, 0, 0.4))
            b.boxes([[x, -0.17, 0.2], [x, 0.19, 0.2]], (0.06, 0.06, 0.4), legs)
            if back:
                b.box((0.05, 0.05, 0.5), legs, (x, 0.28, 0.64))

    return thing(draw)


def bin_(rng: Rng) -> Thing:
    """A litter bin, a wheeled bin (1.05 m) or a large waste container."""
    kind = int(rng.integers(3))
    m = palette.bright(rng)

    def draw(b: MeshBuilder) -> None:
        if kind == 0:
            b.cylinder(0.23, 0.8, palette.metal(rng), (0, 0, 0.08), 14)
            b.cylinder(0.25, 0.06, m, (0, 0, 0.88), 14)
        elif kind == 1:
            b.triangles(
                *placed(
                    loft(np.stack([rounded_ring(0.45, 0.48, 0.05, 0, 0.05), rounded_ring(0.6, 0.56, 0.95, 0, 0.05)])), m
                )
            )
            b.box((0.64, 0.6, 0.08), m, (0.0, 0, 1.0))
            for y in (-0.22, 0.16):
                b.cylinder(0.1, 0.06, palette.plain((0.02, 0.02, 0.02)), (-0.22, y, 0.1), 10, axis="y")
        else:
            b.triangles(
                *placed(
                    loft(np.stack([rounded_ring(0.8, 1.2, 0.15, 0, 0.08), rounded_ring(1.0, 1.36, 1.05, 0, 0.08)])), m
                )
            )
            b.box((1.05, 1.4, 0.12), m, (0, 0, 1.12))

    return thing(draw)


def person(rng: Rng) -> Thing:
    """A standing or walking person, 1.5 to 1.95 m (a child now and then), facing +x."""
    h = float(rng.uniform(1.5, 1.95)) if rng.random() < 0.88 else float(rng.uniform(0.95, 1.4))
    stride = float(rng.uniform(0.02, 0.3))
    skin = palette.plain(palette.pick(rng, (0.5, 0.32, 0.23), (0.3, 0.17, 0.1), (0.1, 0.06, 0.04)))
    hair = palette.plain(palette.pick(rng, (0.03, 0.02, 0.015), (0.2, 0.12, 0.05), (0.35, 0.33, 0.3)))
    top, legs = (
        palette.bright(rng, 0.0),
        palette.plain(palette.pick(rng, (0.03, 0.05, 0.1), (0.02, 0.02, 0.02), (0.2, 0.17, 0.13))),
    )
    skirt = rng.random() < 0.2

    def draw(b: MeshBuilder) -> None:
        for s in (-1, 1):
            tube(
                b,
                [
                    [0, s * 0.055 * h, 0.52 * h],
                    [0.5 * s * stride + 0.04, s * 0.055 * h, 0.27 * h],
                    [s * stride, s * 0.055 * h, 0.04],
                ],
                (0.055 * h, 0.04 * h, 0.028 * h),
                legs,
                7,
            )
            b.box(
                (0.15 * h, 0.055 * h, 0.045 * h),
                palette.plain((0.03, 0.025, 0.02)),
                (s * stride + 0.035 * h, s * 0.055 * h, 0.0225 * h),
            )
            tube(
                b,
                [
                    [0, s * 0.115 * h, 0.8 * h],
                    [-0.3 * s * stride, s * 0.14 * h, 0.63 * h],
                    [-0.7 * s * stride + 0.06, s * 0.13 * h, 0.48 * h],
                ],
                (0.034 * h, 0.028 * h, 0.02 * h),
                top,
                6,
            )
            b.sphere(0.024 * h, skin, (-0.7 * s * stride + 0.07, s * 0.13 * h, 0.46 * h), rings=3, segments=6)
        rings = [
            rounded_ring(0.12 * h * k, 0.2 * h * w, z * h, 0, 0.05 * h)
            for k, w, z in (
                (1.05, 0.95, 0.49),
                (0.95, 0.86, 0.6),
                (1.1, 1.08, 0.74),
                (0.8, 1.0, 0.81),
                (0.4, 0.4, 0.84),
            )
        ]
        b.triangles(*placed(loft(np.stack(rings)), top))
        if skirt:
            b.cylinder(0.13 * h, 0.24 * h, top, (0, 0, 0.28 * h), 10, top_radius=0.085 * h)
        b.cylinder(0.03 * h, 0.06 * h, skin, (0, 0, 0.83 * h), 8)
        b.sphere(0.066 * h, skin, (0.005 * h, 0, 0.93 * h), (0.95, 0.85, 1.15), 6, 8)
        b.sphere(0.068 * h, hair, (-0.012 * h, 0, 0.945 * h), (0.95, 0.92, 1.1), 6, 8)

    return thing(draw)


def cafe_set(rng: Rng) -> Thing:
    """A table (0.74 m) with chairs, sometimes under a parasol."""
    m, chair = palette.metal(rng), palette.wood(rng)
    seats, parasol = int(rng.integers(2, 5)), rng.random() < 0.4

    def draw(b: MeshBuilder) -> None:
        b.cylinder(0.38, 0.03, chair, (0, 0, 0.71), 16)
        tube(b, [[0.0, 0.0, 0.0], [0.0, 0.0, 0.72]], 0.03, m, 6)
        b.cylinder(0.22, 0.03, m, (0, 0, 0), 12)
        for k in range(seats):
            a = 2 * np.pi * k / seats + 0.3
            with b.at((0.72 * np.cos(a), 0.72 * np.sin(a), 0), yaw=a):
                b.box((0.4, 0.4, 0.035), chair, (0, 0, 0.45))
                b.box((0.04, 0.38, 0.32), chair, (0.19, 0, 0.72))
                for x in (-0.17, 0.18):
                    for y in (-0.17, 0.17):
                        tube(b, [[x, y, 0], [x, y, 0.45 if x < 0 else 0.86]], 0.013, m, 4)
        if parasol:
            tube(b, [[0, 0, 0.7], [0, 0, 2.5]], 0.025, m, 6)
            b.cylinder(1.4, 0.45, palette.bright(rng), (0, 0, 2.1), 8, top_radius=0.02, caps=False)

    return thing(draw)


def planter(rng: Rng, season: str) -> Thing:
    """A tub or long box with plants."""
    w, d, h = float(rng.uniform(0.5, 2.0)), float(rng.uniform(0.4, 0.7)), float(rng.uniform(0.35, 0.7))
    m = palette.concrete(rng) if rng.random() < 0.5 else palette.wood(rng)
    leaf = palette.foliage(rng, season, 0.05)

    def draw(b: MeshBuilder) -> None:
        b.box((w, d, h), m, (0, 0, h / 2), {"z+": palette.soil(rng)})
        count = int(4 + 5 * w)
        c = np.column_stack(
            [rng.uniform(-0.4, 0.4, count) * w, rng.uniform(-0.3, 0.3, count) * d, h + rng.uniform(0.05, 0.3, count)]
        )
        b.triangles(*placed(blobs(rng, c, rng.uniform(0.1, 0.25, (count, 3)), 0.4, 0), leaf))

    return thing(draw)


def kiosk(rng: Rng) -> Thing:
    """A market stall, bus shelter, advertising column, telephone or switch box."""
    kind = int(rng.integers(5))
    m, accent = palette.metal(rng), palette.bright(rng)

    def draw(b: MeshBuilder) -> None:
        if kind == 0:
            cloth = Material(accent.colour, (0.65, 0.63, 0.6), Pattern.STRIPES, (0.5, 1.0))
            for x in (-1.4, 1.4):
                for y in (-1.0, 1.0):
                    tube(b, [[x, y, 0], [x, y, 2.2]], 0.03, m, 5)
            b.quad([[-1.6, -1.3, 2.1], [1.6, -1.3, 2.1], [1.6, 0, 2.7], [-1.6, 0, 2.7]], cloth)
            b.quad([[-1.6, 1.3, 2.1], [1.6, 1.3, 2.1], [1.6, 0, 2.7], [-1.6, 0, 2.7]], cloth)
            b.box((2.8, 1.0, 0.08), palette.wood(rng), (0, -0.4, 0.85))
            goods = Material((0.4, 0.25, 0.1), (0.1, 0.2, 0.05), Pattern.PACKAGES, (0.3, 0.3))
            b.boxes([[x, -0.4, 0.98] for x in (-1.0, -0.3, 0.4, 1.1)], (0.55, 0.8, 0.2), goods)
            b.box((2.8, 0.04, 0.75), cloth, (0, -0.9, 0.45))
        elif kind == 1:
            pane = palette.plain((0.25, 0.3, 0.32), 0.6)
            b.box((4.0, 0.04, 1.9), pane, (0, 0.7, 1.2))
            b.box((4.2, 1.6, 0.1), m, (0, 0, 2.4))
            for x in (-1.95, 0, 1.95):
                b.box((0.08, 0.08, 2.4), m, (x, 0.7, 1.2))
            b.box(
                (0.06, 1.2, 1.9),
                Material((0.6, 0.6, 0.6), accent.colour, Pattern.POSTER_TEXT, (1.2, 1.8)),
                (1.95, 0.1, 1.2),
            )
            b.box((2.4, 0.35, 0.06), palette.wood(rng), (-0.3, 0.4, 0.46))
        elif kind == 2:
            ad = Material((0.6, 0.6, 0.58), accent.colour, Pattern.POSTER_TEXT, (1.2, 1.7))
            b.cylinder(0.6, 2.6, ad, (0, 0, 0.2), 20)
            b.cylinder(0.68, 0.25, m, (0, 0, 2.8), 20, top_radius=0.2)
            b.cylinder(0.66, 0.2, m, (0, 0, 0), 20)
        elif kind == 3:
            b.box((0.9, 0.9, 2.3), palette.plain((0.06, 0.08, 0.09), 0.6), (0, 0, 1.15))
            b.box((1.0, 1.0, 0.2), accent, (0, 0, 2.35))
            for x in (-0.45, 0.45):
                for y in (-0.45, 0.45):
                    b.box((0.08, 0.08, 2.3), accent, (x, y, 1.15))
        else:
            b.box((1.1, 0.45, 1.25), palette.plain((0.35, 0.36, 0.34)), (0, 0, 0.62))
            b.box((1.16, 0.5, 0.06), m, (0, 0, 1.27))

    return thing(draw)


def fountain(rng: Rng, radius: float) -> Thing:
    """A round basin with a column, bowls and water."""
    stone, wet = palette.ashlar(rng), palette.water(rng)
    h = float(rng.uniform(1.5, 4.0))

    def draw(b: MeshBuilder) -> None:
        b.lathe(np.array([[radius, 0], [radius, 0.5], [radius - 0.35, 0.5], [radius - 0.35, 0.05]]), stone, 28)
        b.cylinder(radius - 0.35, 0.02, wet, (0, 0, 0.34), 28)
        b.lathe(
            np.array(
                [
                    [0.5, 0],
                    [0.3, 0.3],
                    [0.22, h * 0.6],
                    [0.3, h * 0.65],
                    [radius * 0.45, h * 0.75],
                    [radius * 0.45, h * 0.78],
                    [0.2, h * 0.7],
                    [0.15, h],
                    [0.0, h + 0.15],
                ]
            ),
            stone,
            18,
        )

    return thing(draw)


def statue(rng: Rng) -> Thing:
    """A figure or obelisk on a plinth."""
    stone = palette.ashlar(rng)
    bronze = Material((0.06, 0.09, 0.07), (0.03, 0.04, 0.03), Pattern.NOISE, (0.3, 0.3), 0.4, 0.25)
    tall = float(rng.uniform(1.0, 2.2))

    def draw(b: MeshBuilder) -> None:
        b.box((1.9, 1.9, 0.3), stone, (0, 0, 0.15))
        b.box((1.2, 1.2, tall), stone, (0, 0, 0.3 + tall / 2))
        b.box((1.4, 1.4, 0.15), stone, (0, 0, 0.3 + tall))
        if rng.random() < 0.6:
            with b.at((0, 0, 0.37 + tall), scale=float(rng.uniform(1.0, 1.5))):
                rings = [rounded_ring(0.4 * w, 0.5 * w, z, 0.05 * np.sin(z * 3), 0.15) for w, z in
                         ((1.1, 0), (0.8, 0.5), (0.75, 1.0), (1.05, 1.35), (0.5, 1.5))]  # fmt: skip
                b.triangles(*placed(loft(np.stack(rings)), bronze))
                b.sphere(0.13, bronze, (0.03, 0, 1.66), (1, 0.9, 1.2), 6, 8)
                tube(b, [[0, 0.25, 1.35], [0.3, 0.35, 1.25], [0.5, 0.2, 1.6]], 0.06, bronze, 6)
        else:
            b.cylinder(0.55, 5.0, stone, (0, 0, 0.37 + tall), 4, top_radius=0.25)

    return thing(draw)


def play(rng: Rng) -> Thing:
    """Swings, a slide, a climbing frame or a seesaw."""
    kind = int(rng.integers(4))
    a, c = palette.bright(rng), palette.bright(rng)

    def draw(b: MeshBuilder) -> None:
        if kind == 0:
            for x in (-1.8, 1.8):
                tube(b, [[x, -1.0, 0], [x, 0, 2.4], [x, 1.0, 0]], 0.05, a, 6)
            tube(b, [[-1.9, 0, 2.4], [1.9, 0, 2.4]], 0.05, a, 6)
            for x in (-0.9, 0.7):
                for s in (0, 0.42):
                    tube(b, [[x + s, 0, 2.4], [x + s, 0.1, 0.5]], 0.01, palette.metal(rng), 3)
                b.box((0.5, 0.2, 0.04), c, (x + 0.21, 0.1, 0.48))
        elif kind == 1:
            for x in (0, 0.9):
                for y in (-0.45, 0.45):
                    b.box((0.09, 0.09, 2.6), a, (x, y, 1.3))
            b.box((1.0, 1.0, 0.08), palette.wood(rng), (0.45, 0, 1.4))
            b.quad([[0.9, -0.25, 1.42], [0.9, 0.25, 1.42], [3.3, 0.25, 0.25], [3.3, -0.25, 0.25]], c)
            for y in (-0.27, 0.27):
                b.quad([[0.9, y, 1.42], [3.3, y, 0.25], [3.3, y, 0.45], [0.9, y, 1.62]], c)
            b.cylinder(0.85, 0.7, a, (0.45, 0, 2.6), 4, top_radius=0.03)
            b.boxes([[-0.35 + 0.05 * k, 0, 0.25 * k + 0.2] for k in range(5)], (0.06, 0.6, 0.05), palette.wood(rng))
        elif kind == 2:
            t = np.linspace(0, np.pi, 9)
            for yaw in np.arange(4) * np.pi / 4:
                with b.at((0, 0, 0), yaw=float(yaw)):
                    tube(b, np.column_stack([1.6 * np.cos(t), 0 * t, 1.7 * np.sin(t)]), 0.03, a, 5)
            ring = np.linspace(0, 2 * np.pi, 17)
            for z in (0.7, 1.25):
                r = 1.6 * np.sqrt(1 - (z / 1.7) ** 2)
                tube(b, np.column_stack([r * np.cos(ring), r * np.sin(ring), np.full(17, z)]), 0.03, c, 5)
        else:
            tube(b, [[-1.5, 0, 0.35], [1.5, 0, 0.75]], 0.06, a, 6)
            b.box((0.2, 0.3, 0.55), c, (0, 0, 0.27))
            for x, z in ((-1.3, 0.42), (1.3, 0.78)):
                b.box((0.35, 0.25, 0.06), c, (x, 0, z))

    return thing(draw)


def furniture(rng: Rng, season: str) -> list[Callable[[], Thing]]:
    """What stands about on pavements, as makers."""
    return [
        lambda: bench(rng),
        lambda: bin_(rng),
        lambda: bollard(rng),
        lambda: sign(rng),
        lambda: planter(rng, season),
        lambda: cafe_set(rng),
        lambda: kiosk(rng),
        lambda: person(rng),
        lambda: person(rng),
    ]
