"""Vehicles at true size, standing on z = 0, forward along +x, centred on the origin."""

from __future__ import annotations

import numpy as np

from training.worlds.materials import Material
from training.worlds.mesh import Mesh, MeshBuilder
from training.worlds.outdoor import palette
from training.worlds.outdoor.shapes import loft, placed, rounded_ring, sheet, tube

Rng = np.random.Generator
RUBBER = Material((0.018, 0.018, 0.019), contrast=0.2)
RIM = Material((0.35, 0.35, 0.36), gloss=0.4)

#: length, width, height; bonnet share and boot share of the length; belt height.
CARS = {
    "hatchback": ((3.8, 4.3), (1.68, 1.8), (1.44, 1.55), 0.24, 0.03, 0.92),
    "saloon": ((4.4, 5.0), (1.75, 1.9), (1.40, 1.50), 0.26, 0.18, 0.92),
    "estate": ((4.4, 4.9), (1.75, 1.9), (1.45, 1.55), 0.26, 0.02, 0.94),
    "suv": ((4.2, 4.9), (1.8, 1.98), (1.6, 1.85), 0.25, 0.02, 1.05),
    "small": ((2.7, 3.6), (1.5, 1.66), (1.45, 1.58), 0.17, 0.02, 0.92),
}


def wheels(
    b: MeshBuilder, axles: list[float], width: float, radius: float, thick: float = 0.2, segments: int = 12
) -> None:
    """Tyres and rims of axles at x = `axles` on both sides of a body `width` wide."""
    for x in axles:
        for y in (-width / 2, width / 2 - thick):
            b.cylinder(radius, thick, RUBBER, (x, y, radius), segments, axis="y")
            out = y - 0.006 if y < 0 else y + thick - 0.004
            b.cylinder(radius * 0.62, 0.01, RIM, (x, out, radius), 8, axis="y")


def lights(b: MeshBuilder, length: float, width: float, z: float, lit: bool) -> None:
    """Head and tail lamps and plates at height z."""
    front = palette.glowing((1.0, 0.95, 0.85), 4.0) if lit else palette.plain((0.6, 0.6, 0.6), 0.5)
    rear = palette.glowing((0.8, 0.02, 0.02), 1.5) if lit else palette.plain((0.28, 0.02, 0.02), 0.4)
    for side in (-1, 1):
        b.box((0.06, 0.3, 0.13), front, (length / 2 - 0.02, side * (width / 2 - 0.24), z))
        b.box((0.06, 0.26, 0.14), rear, (-length / 2 + 0.02, side * (width / 2 - 0.22), z + 0.1))
    plate = palette.plain((0.65, 0.65, 0.6))
    b.box((0.02, 0.5, 0.11), plate, (-length / 2 - 0.005, 0, z - 0.05))
    b.box((0.02, 0.5, 0.11), plate, (length / 2 + 0.005, 0, z - 0.22))


def car(rng: Rng, kind: str | None = None, lit: bool = False) -> tuple[Mesh, float]:
    """A passenger car and the height of its roof."""
    name = kind or str(rng.choice(list(CARS), p=[0.3, 0.22, 0.14, 0.24, 0.1]))
    lengths, widths, heights, bonnet, boot, belt = CARS[name]
    length, width, height = (float(rng.uniform(*r)) for r in (lengths, widths, heights))
    paint = palette.paint(rng)
    glass = palette.plain((0.02, 0.025, 0.03), 0.85)
    b = MeshBuilder()
    rings = [
        rounded_ring(length * k, width * w, z, 0.0, 0.3)
        for k, w, z in (
            (0.93, 0.9, 0.2),
            (0.99, 0.99, 0.34),
            (1.0, 1.0, 0.58),
            (0.985, 0.975, belt - 0.12),
            (0.95, 0.93, belt),
        )
    ]
    b.triangles(*placed(loft(np.stack(rings)), paint))
    b.box((length * 0.98, width * 0.9, 0.12), RUBBER, (0, 0, 0.24))
    front, back = length / 2 * 0.95 - bonnet * length, -length / 2 * 0.95 + boot * length
    rake_front, rake_back = (
        float(rng.uniform(0.45, 0.75)),
        float(rng.uniform(0.1, 0.4)) + (0.35 if name == "saloon" else 0.0),
    )
    top = rounded_ring(
        front - rake_front - back - rake_back, width * 0.74, height, 0.5 * (front - rake_front + back + rake_back), 0.18
    )
    base = rounded_ring(front - back, width * 0.9, belt - 0.01, 0.5 * (front + back), 0.18)
    middle = base + (top - base) * 0.93
    b.triangles(*placed(loft(np.stack([base, middle]), cap=False), glass))
    b.triangles(*placed(loft(np.stack([middle, top - np.array([0.0, 0.0, 0.012]), top * [0.97, 0.94, 1.0]])), paint))
    for side in (-1, 1):
        for share in (0.02, 0.5, 0.97):
            x0, x1 = back + share * (front - back), back + rake_back + share * (front - rake_front - back - rake_back)
            tube(b, [[x0, side * width * 0.452, belt], [x1, side * width * 0.374, height - 0.02]], 0.035, paint, 5)
        b.box((0.12, 0.18, 0.13), paint, (front - 0.45, side * (width / 2 + 0.06), belt + 0.06))
        for x in (0.12 * length, -0.16 * length):
            b.box((0.16, 0.02, 0.03), RIM, (x, side * (width / 2 - 0.012), belt - 0.2))
    radius = float(rng.uniform(0.29, 0.33)) * (1.14 if name == "suv" else 1.0)
    wheels(b, [0.31 * length, -0.29 * length], width * 1.005, radius)
    for x in (0.31 * length, -0.29 * length):
        b.cylinder(radius + 0.055, width * 0.996, RUBBER, (x, -width * 0.498, radius + 0.01), 12, axis="y")
    lights(b, length * 0.985, width, 0.62 if name != "suv" else 0.75, lit)
    return b.build(), height


def distant_car(rng: Rng) -> Mesh:
    """A car of a few dozen triangles."""
    b = MeshBuilder()
    length, width, height = float(rng.uniform(3.8, 4.9)), float(rng.uniform(1.7, 1.9)), float(rng.uniform(1.42, 1.75))
    paint = palette.paint(rng)
    b.box((length, width, 0.68), paint, (0, 0, 0.6), {"z-": RUBBER})
    cabin = np.array([[-0.46, 0.2], [-0.38, 1.0], [0.12, 1.0], [0.26, 0.2]])
    outline = np.column_stack([cabin[:, 0] * length, 0.75 + cabin[:, 1] * (height - 0.75)])
    with b.at((0, -0.43 * width, 0)):
        b.triangles(*placed(sheet(outline, 0.86 * width), palette.plain((0.03, 0.035, 0.04), 0.8)))
    for y in (-0.43 * width, 0.43 * width):
        side = np.column_stack([outline[:, 0], np.full(4, y), outline[:, 1]])
        b.triangles(side, [[0, 1, 2], [0, 2, 3]], palette.plain((0.03, 0.035, 0.04), 0.8))
    b.box((0.44 * length, 0.8 * width, 0.06), paint, (-0.13 * length, 0, height - 0.02))
    for x in (-0.3 * length, 0.31 * length):
        b.box((0.58, width + 0.02, 0.58), RUBBER, (x, 0, 0.3))
    return b.build()


def van(rng: Rng, lit: bool = False) -> Mesh:
    """A delivery van: 4.5 to 6.8 m long, 1.9 to 2.8 m high."""
    b = MeshBuilder()
    length, width = float(rng.uniform(4.5, 6.8)), float(rng.uniform(1.85, 2.05))
    height = float(rng.uniform(1.9, 2.8))
    paint = palette.paint(rng) if rng.random() < 0.5 else palette.plain((0.66, 0.66, 0.65), 0.3)
    glass = palette.plain((0.02, 0.025, 0.03), 0.85)
    nose, belt = float(rng.uniform(0.7, 1.1)), 1.15
    lower = [
        rounded_ring(length * k, width * w, z, 0, 0.2)
        for k, w, z in ((0.96, 0.94, 0.25), (1, 1, 0.45), (0.99, 0.99, belt))
    ]
    b.triangles(*placed(loft(np.stack(lower)), paint))
    box = length - nose
    upper = [rounded_ring(box, width * 0.98, belt, -nose / 2, 0.12),
             rounded_ring(box - 0.6, width * 0.88, height - 0.06, -nose / 2 - 0.3, 0.12),
             rounded_ring(box - 0.75, width * 0.84, height, -nose / 2 - 0.3, 0.12)]  # fmt: skip
    b.triangles(*placed(loft(np.stack(upper)), paint))
    x = length / 2 - nose
    b.quad(
        [
            [x + 0.01, -0.42 * width, belt + 0.06],
            [x + 0.01, 0.42 * width, belt + 0.06],
            [x - 0.38, 0.4 * width, height - 0.3],
            [x - 0.38, -0.4 * width, height - 0.3],
        ],
        glass,
    )
    for side in (-1, 1):
        y0, y1 = side * (width * 0.49 + 0.012), side * (width * 0.455 + 0.012)
        z1 = belt + 0.06 + min(0.55, height - belt - 0.3)
        b.quad(
            [[x - 0.15, y0, belt + 0.06], [x - 1.15, y0, belt + 0.06], [x - 1.15, y1, z1], [x - 0.42, y1, z1]], glass
        )
        b.box((0.12, 0.2, 0.3), RUBBER, (x - 0.15, side * (width / 2 + 0.12), belt + 0.2))
    if rng.random() < 0.5:
        sign = Material(palette.bright(rng).colour, palette.bright(rng).colour, palette.Pattern.POSTER_TEXT, (2.0, 0.8))
        for side in (-1, 1):
            b.box((2.0, 0.02, 0.8), sign, (-length * 0.18, side * width * 0.498, 0.95))
    wheels(b, [0.33 * length, -0.3 * length], width, 0.34, 0.22)
    lights(b, length, width, 0.8, lit)
    return b.build()


def bicycle(rng: Rng) -> Mesh:
    """A parked bicycle, 1.75 m long."""
    b = MeshBuilder()
    paint = palette.bright(rng, 0.3)
    ring = np.linspace(0, 2 * np.pi, 15)
    for x in (-0.52, 0.52):
        tube(b, np.column_stack([x + 0.34 * np.cos(ring), np.zeros(15), 0.35 + 0.34 * np.sin(ring)]), 0.018, RUBBER, 4)
        for a in np.linspace(0, np.pi, 4, endpoint=False):
            c, s = 0.33 * np.cos(a), 0.33 * np.sin(a)
            tube(b, [[x - c, 0, 0.35 - s], [x + c, 0, 0.35 + s]], 0.004, RIM, 3)
    for line in ([[-0.52, 0, 0.35], [0.0, 0, 0.3], [0.4, 0, 0.78], [-0.14, 0, 0.82], [-0.52, 0, 0.35]],
                 [[0.0, 0, 0.3], [-0.17, 0, 0.92]], [[0.52, 0, 0.35], [0.38, 0, 0.98]]):  # fmt: skip
        tube(b, line, 0.018, paint, 5)
    tube(b, [[0.34, -0.28, 1.02], [0.38, 0, 0.98], [0.34, 0.28, 1.02]], 0.014, RUBBER, 5)
    b.box((0.26, 0.13, 0.06), RUBBER, (-0.18, 0, 0.95))
    return b.build()


def motorbike(rng: Rng) -> Mesh:
    """A scooter or motorcycle, about 2 m long."""
    b = MeshBuilder()
    paint = palette.bright(rng, 0.4)
    for x in (-0.65, 0.68):
        b.cylinder(0.3, 0.13, RUBBER, (x, -0.065, 0.3), 14, axis="y")
    b.triangles(
        *placed(
            loft(
                np.stack(
                    [
                        rounded_ring(1.1, 0.3, 0.3, -0.05, 0.1),
                        rounded_ring(1.15, 0.36, 0.6, -0.05, 0.12),
                        rounded_ring(0.9, 0.26, 0.82, -0.15, 0.1),
                    ]
                )
            ),
            paint,
        )
    )
    b.box((0.7, 0.28, 0.09), RUBBER, (-0.32, 0, 0.84))
    tube(b, [[0.68, 0, 0.3], [0.48, 0, 1.02]], 0.05, paint, 6)
    tube(b, [[0.42, -0.36, 1.06], [0.48, 0, 1.02], [0.42, 0.36, 1.06]], 0.018, RUBBER, 5)
    b.sphere(0.09, palette.plain((0.6, 0.6, 0.58), 0.6), (0.6, 0, 0.88), rings=4, segments=8)
    return b.build()
