"""Trees of several kinds, bushes, hedges, crops, grass, rocks: prototypes at true size, standing on z = 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import palette
from training.worlds.outdoor.shapes import blobs, cards, loft, placed, tube
from training.worlds.outdoor.stage import Thing, thing

Rng = np.random.Generator
Array = NDArray[np.float64]
#: Trees in three degrees of detail.
Grove = tuple[list[Thing], list[Thing], list[Thing]]
BROADLEAF = ("round", "oak", "poplar", "birch", "young")
CONIFER = ("spruce", "fir", "pine")
SPECIES = (*BROADLEAF, *CONIFER, "palm", "bare", "cypress")
HEIGHTS = {
    "round": (5.0, 12.0), "oak": (9.0, 18.0), "poplar": (12.0, 24.0), "birch": (8.0, 16.0), "young": (2.5, 5.0),
    "spruce": (8.0, 25.0), "fir": (3.0, 12.0), "pine": (10.0, 22.0), "palm": (5.0, 14.0), "bare": (6.0, 14.0),
    "cypress": (5.0, 12.0), "olive": (3.0, 5.5), "dead": (4.0, 9.0),
}  # fmt: skip


def tree(
    rng: Rng, species: str = "round", season: str = "summer", detail: float = 1.0, height: float | None = None
) -> Thing:
    """A tree; `detail` 1 for one that stands near (1 to 3 thousand triangles), 0.2 for a far one (100 to 400)."""
    h = float(rng.uniform(*HEIGHTS[species])) if height is None else height
    draw = {"spruce": _spruce, "fir": _spruce, "cypress": _spruce, "palm": _palm, "bare": _bare, "dead": _bare}
    if species in draw:
        return thing(lambda b: draw[species](b, rng, species, h, detail), 2.0)
    return thing(lambda b: _leafy(b, rng, species, h, season, detail), 2.0)


def _trunk(b: MeshBuilder, rng: Rng, height: float, radius: float, detail: float, lean: float = 0.03) -> Array:
    n = 5 if detail > 0.5 else 3
    z = np.linspace(-0.15, height, n)
    sway = np.cumsum(rng.normal(scale=lean * height / n, size=(n, 2)), axis=0)
    sway -= sway[0]
    line = np.column_stack([sway, z])
    thick = radius * np.linspace(1.0, 0.45, n)
    thick[0] *= 1.35
    tube(b, line, thick, palette.bark(rng), 8 if detail > 0.5 else 5)
    return line


def _leafy(b: MeshBuilder, rng: Rng, species: str, h: float, season: str, detail: float) -> None:
    clear, wide, slim = {
        "round": (0.28, 0.36, 0.5), "oak": (0.22, 0.48, 0.42), "poplar": (0.1, 0.13, 0.6), "birch": (0.25, 0.22, 0.55),
        "young": (0.4, 0.26, 0.5), "pine": (0.6, 0.24, 0.35), "olive": (0.3, 0.5, 0.4),
    }[species]  # fmt: skip
    radius = max(0.03, h * float(rng.uniform(0.014, 0.024)))
    line = _trunk(b, rng, h * (0.55 if species != "pine" else 0.85), radius, detail)
    if species == "birch":
        white = palette.Material((0.6, 0.58, 0.54), (0.05, 0.05, 0.05), palette.Pattern.BARK, (0.3, 0.1), 0.5)
        tube(b, line, radius * 1.03, white, 6)
    # Clumps cover an egg about a dense core, except in airy crowns, which have none.
    near = detail > 0.5
    crown, middle, tall = wide * h, h * (clear + 1.0) / 2, h * (1.0 - clear) / 2
    count = int((34 if species != "oak" else 42) * detail) if near else max(6, int(40 * detail))
    d = rng.normal(size=(count, 3))
    d *= rng.uniform(0.55, 0.95, (count, 1)) / np.linalg.norm(d, axis=1, keepdims=True)
    centres = np.column_stack([d[:, :2] * crown, middle + d[:, 2] * tall * 0.9])
    taper = float(rng.uniform(0.1, 0.5)) * np.clip((centres[:, 2:] - middle) / tall, -0.3, 1.0)
    centres[:, :2] = centres[:, :2] * (1.0 - taper) + line[-1, :2] * np.clip(centres[:, 2:] / h, 0, 1)
    radii = (
        crown
        * float(rng.uniform(0.26, 0.4))
        * (1.0 if near else 1.35)
        * rng.uniform(0.6, 1.3, (count, 1))
        * np.array([1.0, 1.0, slim + 0.3])
    )
    cores = 0 if near and rng.random() < 0.15 else 2 if detail > 0.2 else 1
    if cores:
        lift = np.linspace(-0.25, 0.3, cores) if cores > 1 else np.zeros(1)
        middles = np.column_stack([np.tile(line[-1, :2] * 0.6, (cores, 1)), middle + lift * tall])
        core = np.tile([0.7 * crown, 0.7 * crown, 0.55 * tall], (cores, 1)) * rng.uniform(0.85, 1.05, (cores, 1))
        centres, radii = np.concatenate([middles, centres]), np.concatenate([core, radii])
        count += cores
    leaf = palette.foliage(rng, season) if species != "pine" else palette.needles(rng)
    tones = [
        palette.Material(palette.shade(rng, leaf.colour, 0.3), leaf.second, leaf.pattern, leaf.size_m, leaf.contrast)
        for _ in range(2)
    ]
    for k, m in enumerate((leaf, *tones)):
        b.triangles(*placed(blobs(rng, centres[k::3], radii[k::3], 0.38, 1 if near else 0), m))
    if near:
        tips = rng.integers(cores, count, int(420 * detail))
        out = rng.normal(size=(len(tips), 3))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        b.triangles(*placed(cards(rng, centres[tips] + out * radii[tips] * 1.1, 0.045 * crown + 0.1), tones[0]))
        bark = palette.bark(rng)
        for k in rng.choice(count, min(7, count), replace=False):
            start = line[-2] if species == "pine" else line[rng.integers(2, len(line))]
            if centres[k, 2] > start[2]:
                tube(
                    b,
                    [start, 0.5 * (start + centres[k]) - [0, 0, 0.04 * h], centres[k]],
                    (radius * 0.4, radius * 0.25, 0.02),
                    bark,
                    5,
                )


def _spruce(b: MeshBuilder, rng: Rng, species: str, h: float, detail: float) -> None:
    leaf = palette.needles(rng)
    slim = {"spruce": 0.17, "fir": 0.26, "cypress": 0.09}[species] * float(rng.uniform(0.85, 1.2))
    clear = {"spruce": float(rng.uniform(0.03, 0.3)), "fir": 0.06, "cypress": 0.06}[species]
    _trunk(b, rng, h * 0.9, max(0.04, 0.014 * h), detail, 0.004)
    tiers = max(4, int((9 + h * 0.3) * min(1.0, detail + 0.3)))
    segments = 14 if detail > 0.5 else 8
    angle = np.arange(segments) / segments * 2 * np.pi
    for k in range(tiers):
        t = k / tiers
        low = h * (clear + (1 - clear) * t)
        top = min(h, low + h * (1 - clear) / tiers * 2.1)
        width = h * slim * (1 - t) ** (0.85 if species != "cypress" else 0.45) + 0.12
        if species == "cypress":
            width *= min(1.0, 0.5 + 2.5 * t)
        r = width * np.where(np.arange(segments) % 2, 1.0, 0.68) * rng.uniform(0.8, 1.15, segments)
        droop = np.where(np.arange(segments) % 2, -0.22, 0.0) * width * rng.uniform(0.5, 1.2, segments)
        a = angle + rng.uniform(0, 6.28)
        rings = np.stack(
            [
                np.column_stack([r * np.cos(a), r * np.sin(a), low + droop]),
                np.column_stack([0.08 * r * np.cos(a), 0.08 * r * np.sin(a), np.full(segments, top)]),
            ]
        )
        b.triangles(*placed(loft(rings, cap=False), leaf))


def _palm(b: MeshBuilder, rng: Rng, species: str, h: float, detail: float) -> None:
    line = _trunk(b, rng, h * 0.86, 0.16, 1.0, 0.08)
    leaf = palette.Material(
        palette.pick(rng, (0.08, 0.14, 0.03), (0.16, 0.17, 0.05)),
        (0.03, 0.06, 0.01),
        palette.Pattern.FOLIAGE,
        (0.05, 0.3),
    )
    fronds = int(12 + 10 * detail)
    for k in range(fronds):
        a, rise, long = k * 2.4 + rng.uniform(-0.3, 0.3), rng.uniform(-0.4, 1.1), rng.uniform(1.8, 3.2)
        t = np.linspace(0, 1, 6)
        out, up = long * (t * 0.95), long * (rise * t - (0.55 + 0.4 * rise) * t**2)
        spine = line[-1] + np.column_stack([out * np.cos(a), out * np.sin(a), up])
        side = np.array([-np.sin(a), np.cos(a), 0.0]) * 0.34 * np.sin(np.pi * (0.08 + 0.88 * t))[:, None]
        drop = np.array([0.0, 0.0, -0.16]) * np.sin(np.pi * t)[:, None]
        b.triangles(
            *placed(loft(np.stack([spine + side + drop, spine, spine - side + drop], 1), closed=False, cap=False), leaf)
        )


def _bare(b: MeshBuilder, rng: Rng, species: str, h: float, detail: float) -> None:
    """Leafless: branches split three times."""
    bark = palette.bark(rng)
    radius = h * 0.018
    line = _trunk(b, rng, h * (0.5 if species == "bare" else 0.8), radius, detail)
    tips: list[tuple[Array, Array, float, float]] = [(line[-1], np.array([0.0, 0.0, 1.0]), h * 0.24, radius * 0.5)]
    tips += [(line[i], np.array([0.0, 0.0, 1.0]), h * 0.22, radius * 0.5) for i in range(2, len(line) - 1)]
    for level in range(3 if detail > 0.5 else 2):
        following = []
        for start, direction, length, thick in tips:
            for _ in range(3 if species == "bare" else 2):
                d = direction + rng.normal(scale=0.55, size=3) + [0, 0, 0.15]
                d /= np.linalg.norm(d)
                end = start + d * length * rng.uniform(0.7, 1.2)
                tube(b, [start, end], (thick, thick * 0.55), bark, 4 if level else 5)
                following.append((end, d, length * 0.68, thick * 0.55))
        tips = following if len(following) < 40 else following[:40]


def bush(rng: Rng, season: str = "summer", height: float | None = None, flowers: bool = False) -> Thing:
    """A shrub of 0.4 to 2 m."""
    h = float(rng.uniform(0.4, 2.0)) if height is None else height

    def draw(b: MeshBuilder) -> None:
        count = int(rng.integers(5, 11))
        centres = rng.normal(scale=0.3 * h, size=(count, 3))
        centres[:, 2] = rng.uniform(0.25, 0.62, count) * h
        leaf = palette.foliage(rng, season, 0.06)
        b.triangles(*placed(blobs(rng, centres, h * rng.uniform(0.22, 0.38, (count, 3)), 0.3), leaf))
        k = rng.integers(0, count, 60)
        out = rng.normal(size=(60, 3))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        points = centres[k] + out * 0.36 * h
        points[:, 2] = np.maximum(points[:, 2], 0.05)
        b.triangles(*placed(cards(rng, points, 0.07 + 0.05 * h), palette.bright(rng) if flowers else leaf))

    return thing(draw)


def hedge(rng: Rng, length: float, height: float, depth: float = 0.6, season: str = "summer") -> Thing:
    """A clipped hedge along x, from x = 0 to length."""

    def draw(b: MeshBuilder) -> None:
        n = max(3, int(length / 0.5))
        x = np.linspace(0, length, n)
        y = np.array([-0.5, -0.52, -0.4, 0.0, 0.4, 0.52, 0.5]) * depth
        z = np.array([0.0, 0.55, 0.95, 1.0, 0.95, 0.55, 0.0]) * height
        rings = np.stack([np.stack(np.broadcast_arrays(x[:, None], y[None], z[None]), -1)])[0]
        rings = rings + rng.normal(scale=0.05, size=rings.shape) * np.array([0.3, 1.0, 1.0])
        leaf = palette.foliage(rng, season, 0.06)
        b.triangles(*placed(loft(rings, closed=False, cap=False), leaf))
        for k in (0, -1):
            b.triangles(rings[k], [[0, 1, 6], [1, 5, 6], [1, 2, 5], [2, 4, 5], [2, 3, 4]], leaf)
        count = int(length * 12)
        p = np.column_stack(
            [rng.uniform(0, length, count), rng.choice([-0.52, 0.52], count) * depth, rng.uniform(0, height, count)]
        )
        top = rng.random(count) < 0.4
        p[top, 1], p[top, 2] = rng.uniform(-0.5, 0.5, top.sum()) * depth, height
        b.triangles(*placed(cards(rng, p, 0.12), leaf))

    return thing(draw)


def tuft(rng: Rng, height: float = 0.35, blades: int = 9, colour: palette.Material | None = None) -> Thing:
    """A tuft of grass, reeds or stalks."""
    leaf = colour or palette.grass(rng)

    def draw(b: MeshBuilder) -> None:
        a = rng.uniform(-np.pi, np.pi, blades)
        root = np.column_stack([np.cos(a), np.sin(a), np.zeros(blades)]) * rng.uniform(0.0, 0.25, (blades, 1)) * height
        lean = np.column_stack([np.cos(a), np.sin(a), np.zeros(blades)]) * rng.uniform(0.1, 0.6, (blades, 1)) * height
        tip = root + lean + [0, 0, 1] * (height * rng.uniform(0.6, 1.1, (blades, 1)))
        side = np.column_stack([-np.sin(a), np.cos(a), np.zeros(blades)]) * 0.04 * height
        v = np.stack([root - side, root + side, tip], 1).reshape(-1, 3)
        b.triangles(v, np.arange(3 * blades).reshape(-1, 3), leaf, v[:, [0, 2]])

    return thing(draw)


def stone(rng: Rng, size: float = 1.0, level: int = 1) -> Thing:
    """A boulder about `size` metres across, half sunk."""
    material = palette.rock(rng)

    def draw(b: MeshBuilder) -> None:
        radii = 0.5 * size * rng.uniform(0.6, 1.25, (1, 3)) * np.array([1.0, 1.0, 0.75])
        vertices, faces, _ = blobs(rng, np.array([[0.0, 0.0, 0.12 * size]]), radii, 0.22, level)
        b.triangles(vertices, faces, material)

    return thing(draw)


def cactus(rng: Rng) -> Thing:
    """A columnar cactus with arms, 2 to 6 m."""
    green = palette.Material(
        palette.pick(rng, (0.1, 0.15, 0.07)), (0.04, 0.07, 0.03), palette.Pattern.STRIPES, (0.07, 1.0)
    )
    h, r = float(rng.uniform(2.0, 6.0)), float(rng.uniform(0.15, 0.28))

    def draw(b: MeshBuilder) -> None:
        b.lathe(np.array([[r, -0.1], [r * 1.1, h * 0.5], [r, h - r], [r * 0.6, h - 0.2 * r], [0.0, h]]), green, 12)
        for _ in range(int(rng.integers(0, 4))):
            a, z, out = rng.uniform(0, 6.28), h * rng.uniform(0.3, 0.6), rng.uniform(0.5, 0.9)
            p = np.array(
                [[0, 0, z], [out * 0.8, 0, z + 0.05], [out, 0, z + 0.3], [out, 0, z + h * rng.uniform(0.15, 0.35)]]
            )
            with b.at((0, 0, 0), yaw=float(a)):
                tube(b, p, (r * 0.7, r * 0.7, r * 0.7, r * 0.45), green, 8)

    return thing(draw)


def crop(rng: Rng, kind: str) -> Thing:
    """One plant, or one metre of a row (along x), of: corn, wheat, vine, cabbage, sunflower, young."""
    green = palette.foliage(rng, "summer", 0.05)

    def draw(b: MeshBuilder) -> None:
        if kind == "wheat":
            gold = palette.Material(
                palette.pick(rng, (0.42, 0.3, 0.1), (0.16, 0.2, 0.05)),
                (0.12, 0.1, 0.03),
                palette.Pattern.FOLIAGE,
                (0.03, 0.3),
            )
            p = rng.uniform([-0.5, -0.1, 0.3], [0.5, 0.1, 0.55], (18, 3))
            b.triangles(*placed(cards(rng, p, 0.6, 4.0), gold))
        elif kind in ("corn", "sunflower"):
            h = float(rng.uniform(1.5, 2.4))
            tube(b, [[0.0, 0.0, 0.0], [0.0, 0.0, h]], 0.018, green, 4)
            for k in range(6):
                a, z, long = k * 2.5, h * (0.15 + 0.12 * k), rng.uniform(0.45, 0.8)
                c = np.array([np.cos(a), np.sin(a), 0.0])
                s = np.array([-np.sin(a), np.cos(a), 0.0]) * 0.045
                spine = np.array([[0, 0, z], c * long * 0.5 + [0, 0, z + 0.25], c * long + [0, 0, z + 0.05]])
                b.triangles(*placed(loft(np.stack([spine + s, spine - s], 1), closed=False, cap=False), green))
            if kind == "sunflower":
                b.cylinder(0.14, 0.03, palette.plain((0.6, 0.4, 0.02)), (0.0, 0, h), 10, axis="x")
        elif kind == "vine":
            tube(b, [[0.0, 0.0, 0.0], [0.0, 0.0, 0.8]], 0.025, palette.bark(rng), 5)
            centres = np.column_stack(
                [rng.uniform(-0.55, 0.55, 9), rng.normal(scale=0.08, size=9), rng.uniform(0.7, 1.7, 9)]
            )
            b.triangles(*placed(blobs(rng, centres, rng.uniform(0.12, 0.26, (9, 3)), 0.4, 0), green))
        else:
            size = 0.22 if kind == "cabbage" else 0.1
            centres = np.array([[0.0, 0.0, size * 0.7]])
            b.triangles(*placed(blobs(rng, centres, np.full((1, 3), size), 0.3, 0), green))
            b.triangles(
                *placed(
                    cards(rng, centres + rng.normal(scale=size * 0.6, size=(8, 3)) * [1, 1, 0.3], size * 1.5), green
                )
            )

    return thing(draw)


def log(rng: Rng, length: float = 3.0, radius: float = 0.2) -> Thing:
    """A felled trunk along x."""
    return thing(lambda b: b.cylinder(radius, length, palette.bark(rng), (-length / 2, 0, radius), 10, axis="x"))


def grove(rng: Rng, season: str, species: tuple[str, ...] | None = None, near: int = 2, far: int = 3) -> Grove:
    """Tree prototypes of one place: detailed ones for nearby, light ones, and the lightest for a distance."""
    names = species or tuple(rng.choice(SPECIES[:8], 3))
    counts = ((near, 1.0), (far, 0.3), (far, 0.1))
    detailed, light, distant = ([tree(rng, names[k % len(names)], season, d) for k in range(n)] for n, d in counts)
    return detailed, light, distant
