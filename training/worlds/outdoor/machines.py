"""Lorries, buses, trains, farm and building machines, boats: true size, on z = 0, forward along +x."""

from __future__ import annotations

import numpy as np

from training.worlds.materials import Material
from training.worlds.mesh import Mesh, MeshBuilder
from training.worlds.outdoor import palette
from training.worlds.outdoor.shapes import loft, placed, rounded_ring, sheet, tube
from training.worlds.outdoor.vehicles import RUBBER, lights, wheels

Rng = np.random.Generator


def truck(rng: Rng, lit: bool = False) -> Mesh:
    """A lorry with a box, tank, flat bed or tipper; 7 to 16 m long, up to 4 m high."""
    b = MeshBuilder()
    length, width = float(rng.uniform(7.0, 16.0)), float(rng.uniform(2.4, 2.55))
    cab_paint, glass = palette.bright(rng, 0.3), palette.plain((0.02, 0.025, 0.03), 0.85)
    front, cab, tall = length / 2, float(rng.uniform(1.7, 2.4)), float(rng.uniform(2.7, 3.6))
    rings = [rounded_ring(cab * k, width * w, z, front - cab / 2 - s, 0.15) for k, w, z, s in
             ((1, 0.98, 0.45, 0), (1, 1, 1.5, 0), (0.9, 0.98, tall - 0.1, 0.1), (0.8, 0.9, tall, 0.15))]  # fmt: skip
    b.triangles(*placed(loft(np.stack(rings)), cab_paint))
    b.quad(
        [
            [front + 0.012, -1.05, 1.55],
            [front + 0.012, 1.05, 1.55],
            [front - 0.12, 1.0, 2.45],
            [front - 0.12, -1.0, 2.45],
        ],
        glass,
    )
    for side in (-1, 1):
        b.box((0.75, 0.03, 0.65), glass, (front - 0.75, side * width * 0.495, 1.95))
        b.box((0.12, 0.22, 0.5), RUBBER, (front - 0.1, side * (width / 2 + 0.16), 2.1))
    body = length - cab - 0.3
    x = -length / 2 + body / 2
    b.box((length - 0.5, 0.9, 0.28), RUBBER, (-0.25, 0, 0.85))
    load = rng.random()
    if load < 0.5:
        side_mat = palette.cladding(rng) if rng.random() < 0.3 else palette.bright(rng)
        high = float(rng.uniform(2.2, 2.75))
        b.box((body, width, high), side_mat, (x, 0, 1.05 + high / 2))
        sign = Material((0.6, 0.6, 0.6), palette.bright(rng).colour, palette.Pattern.POSTER_TEXT, (body * 0.6, 1.4))
        for side in (-1, 1):
            b.box((body * 0.6, 0.02, 1.4), sign, (x, side * width * 0.501, 1.2 + high / 2))
    elif load < 0.65:
        b.cylinder(1.05, body, palette.metal(rng), (x - body / 2, 0, 2.1), 16, axis="x")
    else:
        bed = palette.bright(rng)
        b.box((body, width, 0.16), bed, (x, 0, 1.1))
        rail = float(rng.uniform(0.5, 1.3)) if load < 0.85 else 0.05
        for side in (-1, 1):
            b.box((body, 0.06, rail), bed, (x, side * (width / 2 - 0.03), 1.18 + rail / 2))
        b.box((0.06, width, rail + 0.5), bed, (x + body / 2, 0, 1.2 + rail / 2))
    wheels(b, [front - 1.2, -length / 2 + 1.0, -length / 2 + 2.3], width, 0.5, 0.32)
    lights(b, length, width, 0.75, lit)
    return b.build()


def bus(rng: Rng, lit: bool = False, tram: bool = False) -> Mesh:
    """A city bus (11 to 13 m, sometimes with two decks) or one car of a tram."""
    b = MeshBuilder()
    length, width = float(rng.uniform(11, 13.0)) if not tram else float(rng.uniform(12, 16)), 2.55
    height = 3.1 if not (rng.random() < 0.2 and not tram) else 4.3
    paint = palette.bright(rng, 0.35)
    glass = palette.glowing((1.0, 0.9, 0.7), 0.7) if lit else palette.plain((0.03, 0.035, 0.04), 0.85)
    rings = [
        rounded_ring(length * k, width * w, z, 0, 0.22)
        for k, w, z in (
            (0.99, 0.98, 0.3),
            (1, 1, 0.6),
            (1, 1, height - 0.25),
            (0.985, 0.95, height - 0.06),
            (0.95, 0.85, height),
        )
    ]
    b.triangles(*placed(loft(np.stack(rings)), paint))
    count = int((length - 1.4) / 1.5)
    x = (np.arange(count) - (count - 1) / 2) * 1.5
    decks = [1.65] if height < 4 else [1.55, 3.35]
    for z in decks:
        for side in (-1, 1):
            b.boxes(
                np.column_stack([x, np.full(count, side * (width / 2)), np.full(count, z + 0.1)]),
                (1.4, 0.03, 1.0),
                glass,
            )
        b.box((0.03, 2.2, 1.25), glass, (length / 2, 0, z + 0.12))
        b.box((0.03, 2.0, 0.8), glass, (-length / 2, 0, z + 0.25))
    for k in (0.38, 0.02, -0.3):
        b.box((1.2, 0.035, 2.0), glass, (k * length, -width / 2, 1.35))
    sign = palette.glowing((1.0, 0.55, 0.1), 1.0)
    b.box((0.04, 1.5, 0.24), sign, (length / 2, 0, height - 0.2))
    wheels(
        b,
        [0.29 * length, -0.26 * length] if not tram else [0.3 * length, -0.3 * length],
        width,
        0.48 if not tram else 0.32,
        0.3,
    )
    lights(b, length, width, 0.7, lit)
    return b.build()


def tractor(rng: Rng) -> Mesh:
    """A farm tractor, 4 m long, 2.8 m high."""
    b = MeshBuilder()
    paint = palette.bright(rng, 0.3)
    wheels(b, [-1.0], 2.1, 0.85, 0.5, 18)
    wheels(b, [1.35], 1.9, 0.55, 0.35, 14)
    b.triangles(*placed(loft(np.stack([rounded_ring(2.0, 0.8, 0.7, 0.9, 0.1), rounded_ring(2.0, 0.85, 1.3, 0.9, 0.2),
                                      rounded_ring(1.8, 0.6, 1.6, 0.85, 0.2)])), paint))  # fmt: skip
    glass = palette.plain((0.05, 0.06, 0.07), 0.8)
    b.triangles(
        *placed(
            loft(np.stack([rounded_ring(1.5, 1.4, 1.2, -0.85, 0.1), rounded_ring(1.35, 1.3, 2.6, -0.85, 0.1)])), glass
        )
    )
    b.box((1.6, 1.5, 0.16), paint, (-0.85, 0, 2.68))
    for x in (-1.55, -0.15):
        for y in (-0.68, 0.68):
            tube(b, [[x, y, 1.2], [x, y * 0.95, 2.62]], 0.045, RUBBER, 5)
    for y in (-0.85, 0.85):
        arch = np.column_stack(
            [-1.0 + 0.98 * np.cos(np.linspace(0.3, 2.9, 7)), 0.85 + 0.98 * np.sin(np.linspace(0.3, 2.9, 7))]
        )
        with b.at((0, y - 0.25, 0)):
            b.triangles(*placed(sheet(arch, 0.5), paint))
    tube(b, [[1.2, 0.3, 1.5], [1.2, 0.3, 2.4]], 0.05, RUBBER, 6)
    b.box((0.8, 0.5, 0.35), RUBBER, (0.6, 0, 0.6))
    return b.build()


def excavator(rng: Rng) -> Mesh:
    """A tracked excavator with its arm out."""
    b = MeshBuilder()
    paint = palette.plain(palette.pick(rng, (0.6, 0.38, 0.03), (0.55, 0.2, 0.02), (0.3, 0.32, 0.3)), 0.2)
    for y in (-1.0, 1.0):
        b.box((3.2, 0.5, 0.75), RUBBER, (0, y, 0.4))
    b.box((2.6, 2.3, 1.0), paint, (-0.3, 0, 1.5))
    b.box((1.3, 1.0, 1.5), palette.plain((0.05, 0.06, 0.07), 0.7), (0.45, 0.6, 2.0))
    b.box((1.4, 1.1, 0.08), paint, (0.45, 0.6, 2.8))
    reach, rise = float(rng.uniform(2.5, 4.0)), float(rng.uniform(2.2, 3.8))
    elbow, wrist = [0.9 + reach, -0.2, 1.4 + rise], [0.9 + reach + 1.4, -0.2, 1.0 + 0.3 * rise]
    tube(b, [[0.8, -0.2, 1.5], [0.9 + 0.45 * reach, -0.2, 1.6 + 0.85 * rise], elbow], 0.2, paint, 4)
    tube(b, [elbow, wrist], 0.16, paint, 4)
    b.box((0.7, 1.1, 0.7), palette.metal(rng), (wrist[0], -0.2, wrist[2] - 0.35))
    return b.build()


def wagon(rng: Rng, freight: bool = True) -> Mesh:
    """A railway wagon or passenger coach, wheels on the rails at z = 0."""
    b = MeshBuilder()
    length = float(rng.uniform(12, 18)) if freight else float(rng.uniform(20, 26))
    paint = palette.cladding(rng) if freight else palette.bright(rng, 0.3)
    kind = rng.random()
    if not freight:
        rings = [
            rounded_ring(length, 2.8 * w, z, 0, 0.1)
            for w, z in ((0.96, 0.6), (1, 1.0), (1, 3.4), (0.8, 4.0), (0.3, 4.15))
        ]
        b.triangles(*placed(loft(np.stack(rings)), paint))
        count = int(length / 1.8)
        x = (np.arange(count) - (count - 1) / 2) * 1.8
        for side in (-1, 1):
            b.boxes(
                np.column_stack([x, np.full(count, side * 1.4), np.full(count, 2.4)]),
                (1.3, 0.04, 0.9),
                palette.plain((0.03, 0.04, 0.05), 0.8),
            )
    elif kind < 0.5:
        b.box((length, 2.9, 2.8), paint, (0, 0, 2.6))
    elif kind < 0.75:
        b.cylinder(1.4, length, palette.metal(rng), (-length / 2, 0, 2.5), 18, axis="x")
    else:
        b.box((length, 2.8, 1.6), paint, (0, 0, 2.0))
    b.box((length, 2.4, 0.3), RUBBER, (0, 0, 1.05))
    for x0 in (-length / 2 + 2.2, length / 2 - 2.2):
        wheels(b, [x0 - 0.9, x0 + 0.9], 1.6, 0.46, 0.13)
    return b.build()


def boat(rng: Rng, length: float | None = None) -> Mesh:
    """A small boat or fishing vessel, waterline at z = 0, 4 to 14 m."""
    b = MeshBuilder()
    size = float(rng.uniform(4, 14)) if length is None else length
    t = np.linspace(0, 1, 9)
    half = 0.17 * size * np.sin(np.pi * (0.25 + 0.75 * (1 - t))) ** 0.7
    half[-1] = 0.02
    x = (t - 0.5) * size
    deck = 0.1 * size * (0.8 + 0.5 * t**2) + 0.1
    rings = np.stack(
        [
            np.column_stack([x, -half, deck]),
            np.column_stack([x, -half * 0.75, np.full(9, -0.1)]),
            np.column_stack([x, half * 0.75, np.full(9, -0.1)]),
            np.column_stack([x, half, deck]),
        ]
    )
    hull = palette.bright(rng, 0.3)
    b.triangles(*placed(loft(rings, closed=False, cap=False), hull))
    top = np.stack([rings[0] - [0, 0, 0.12], rings[-1] - [0, 0, 0.12]])
    b.triangles(*placed(loft(top, closed=False, cap=False), palette.wood(rng)))
    b.quad([rings[0][0], rings[1][0], rings[2][0], rings[3][0]], hull)
    if size > 5.5:
        b.box(
            (0.25 * size, 0.17 * size, 0.16 * size),
            palette.plain((0.62, 0.62, 0.6), 0.2),
            (-0.05 * size, 0, 0.17 * size),
        )
        b.box(
            (0.26 * size, 0.175 * size, 0.05 * size),
            palette.plain((0.03, 0.04, 0.05), 0.8),
            (-0.05 * size, 0, 0.2 * size),
        )
    if rng.random() < 0.6:
        tube(
            b,
            [[0.1 * size, 0, 0.1 * size], [0.1 * size, 0, size * float(rng.uniform(0.6, 1.2))]],
            0.02 + 0.004 * size,
            palette.metal(rng),
            6,
        )
    return b.build()


def forklift(rng: Rng) -> Mesh:
    """A fork lift truck."""
    b = MeshBuilder()
    paint = palette.bright(rng)
    b.box((1.7, 1.1, 0.7), paint, (-0.2, 0, 0.65))
    b.box((0.5, 1.05, 0.5), palette.plain((0.03, 0.03, 0.03)), (-0.9, 0, 1.0))
    for x in (-0.6, 0.5):
        for y in (-0.5, 0.5):
            tube(b, [[x, y, 1.0], [x * 0.9, y, 2.1]], 0.04, RUBBER, 5)
            b.cylinder(0.26, 0.18, RUBBER, (x, y - 0.09, 0.26), 12, axis="y")
    b.box((1.2, 1.1, 0.06), RUBBER, (-0.05, 0, 2.1))
    b.boxes([[0.75, -0.3, 1.1], [0.75, 0.3, 1.1]], (0.12, 0.1, 2.1), RUBBER)
    b.boxes([[1.3, -0.3, 0.1], [1.3, 0.3, 0.1]], (1.1, 0.12, 0.04), palette.metal(rng))

    return b.build()
