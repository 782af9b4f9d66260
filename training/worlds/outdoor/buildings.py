"""Buildings: town houses, towers, detached houses, barns, sheds, halls, silos.

Local frame: the front lies on y = 0 and faces -y.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import facade, palette
from training.worlds.outdoor.shapes import fan, loft, placed, rectangle, sheet, tube

Rng = np.random.Generator
Array = NDArray[np.float64]


def gable_roof(
    b: MeshBuilder,
    rng: Rng,
    width: float,
    depth: float,
    z: float,
    pitch: float,
    wall: Material,
    along: str = "x",
    overhang: float = 0.4,
    tiles: Material | None = None,
) -> float:
    """A gabled roof over [0, width] x [0, depth] with its ridge along x or y; returns the ridge's height."""
    tiles = tiles or palette.roof(rng)
    if along == "y":
        with b.at((width, 0, 0), yaw=np.pi / 2):
            return gable_roof(b, rng, depth, width, z, pitch, wall, "x", overhang, tiles)
    t = np.tan(np.radians(pitch))
    ridge, o = z + t * depth / 2, overhang
    for y0, y1 in ((-o, depth / 2), (depth + o, depth / 2)):
        low = z - t * o
        for drop in (0.0, 0.16):
            b.quad(
                [
                    [-o, y0, low - drop],
                    [width + o, y0, low - drop],
                    [width + o, y1, ridge - drop],
                    [-o, y1, ridge - drop],
                ],
                tiles,
            )
    edge = palette.frame(rng)
    for x in (-o, width + o):
        tube(
            b,
            [[x, -o, z - t * o - 0.08], [x, depth / 2, ridge - 0.08], [x, depth + o, z - t * o - 0.08]],
            0.09,
            edge,
            4,
        )
    for x in (0.0, width):
        gable = np.array([[x, 0, z], [x, depth, z], [x, depth / 2, ridge - 0.05]])
        b.triangles(gable, [[0, 1, 2]], wall, gable[:, 1:])
    for y in (-o - 0.06, depth + o + 0.06):
        tube(b, [[-o, y, z - t * o], [width + o, y, z - t * o]], 0.06, edge, 5)
    return float(ridge)


def hip_roof(
    b: MeshBuilder, rng: Rng, width: float, depth: float, z: float, pitch: float, overhang: float = 0.45
) -> float:
    """A hipped roof; returns its height."""
    tiles, o = palette.roof(rng), overhang
    inset = min(width, depth) / 2
    top = z + np.tan(np.radians(pitch)) * inset
    outer = np.array([[-o, -o, z], [width + o, -o, z], [width + o, depth + o, z], [-o, depth + o, z]])
    i = inset * 0.999
    inner = np.array([[i, i, top], [width - i, i, top], [width - i, depth - i, top], [i, depth - i, top]])
    for k in range(4):
        n = (k + 1) % 4
        b.quad([outer[k], outer[n], inner[n], inner[k]], tiles)
    b.quad(outer - [0, 0, 0.02], palette.frame(rng))
    return float(top)


def _chimney(b: MeshBuilder, rng: Rng, x: float, y: float, z0: float, z1: float) -> None:
    b.box((0.6, 0.5, z1 - z0), palette.bricks(rng), (x, y, (z0 + z1) / 2))
    b.box((0.7, 0.6, 0.08), palette.concrete(rng), (x, y, z1))


def _flat_top(b: MeshBuilder, rng: Rng, width: float, depth: float, z: float, wall: Material) -> None:
    b.box((width + 0.3, depth + 0.3, 0.3), wall, (width / 2, depth / 2, z + 0.15))
    b.box((width + 0.5, depth + 0.5, 0.1), palette.concrete(rng), (width / 2, depth / 2, z + 0.34))
    for _ in range(int(rng.integers(0, 4))):
        s = rng.uniform(0.8, 2.5, 3)
        x, y = rng.uniform(0.2, 0.8, 2) * [width, depth]
        b.box(s, palette.metal(rng), (x, y, z + 0.35 + s[2] / 2))
    if rng.random() < 0.4:
        x = float(rng.uniform(0.2, 0.8)) * width
        tube(b, [[x, depth / 2, z], [x, depth / 2, z + 4.0]], 0.03, palette.metal(rng), 4)


def town_house(
    b: MeshBuilder,
    rng: Rng,
    bays: int,
    storeys: int,
    depth: float,
    ground: str,
    lit: float = 0.0,
    sides: bool = False,
    below: float = 2.0,
) -> tuple[float, float]:
    """A row house with a detailed front; (width, height). `below` reaches under z = 0 where the ground falls away."""
    style = facade.look(rng, lit, ground == "shop")
    width = bays * style.bay
    height = facade.front(b, rng, style, bays, storeys, ground, lit > 0.2)
    side = palette.facade(rng, style.wall, style.bay, style.storey) if rng.random() < 0.35 else style.wall
    for x in (0.0, width):
        b.quad([[x, 0, 0], [x, depth, 0], [x, depth, height], [x, 0, height]], side)
    if sides:
        with b.at((width, depth, 0), yaw=np.pi):
            facade.front(b, rng, style, bays, storeys, "windows", lit > 0.2)
    else:
        b.quad([[width, depth, 0], [0, depth, 0], [0, depth, height], [width, depth, height]],
               palette.facade(rng, style.wall, style.bay, style.storey))  # fmt: skip
    b.box((width, depth, below), style.base, (width / 2, depth / 2, -below / 2))
    trim = style.frame if rng.random() < 0.6 else style.base
    if rng.random() < 0.6:
        b.box((width, 0.3, 0.22), trim, (width / 2, -0.08, style.ground_storey))
    if rng.random() < 0.25:
        for k in range(1, storeys - 1):
            b.box((width, 0.16, 0.14), trim, (width / 2, -0.04, style.ground_storey + k * style.storey))
    tube(b, [[0.12, -0.08, 0.1], [0.12, -0.08, height]], 0.05, palette.metal(rng), 5)
    if rng.random() < 0.55:
        b.box((width + 0.1, 0.7, 0.25), trim, (width / 2, -0.1, height))
        pitch = float(rng.uniform(28, 50))
        top = gable_roof(b, rng, width, depth, height + 0.1, pitch, side, "x", 0.25)
        if rng.random() < 0.7:
            _chimney(b, rng, width * float(rng.uniform(0.1, 0.9)), depth / 2, height, top + 0.9)
        if rng.random() < 0.4:
            for k in range(bays // 2):
                x = (2 * k + 1) * style.bay
                b.box((1.3, 1.8, 1.4), side, (x, 1.5, height + 0.9), {"y-": style.panes[0]})
                b.box((1.6, 2.2, 0.12), trim, (x, 1.4, height + 1.66))
    else:
        _flat_top(b, rng, width, depth, height, style.base)
    for _ in range(int(rng.integers(0, 3))):
        k, s = int(rng.integers(bays)), int(rng.integers(0, max(storeys - 1, 1)))
        z = style.ground_storey + s * style.storey + 0.3
        if z < height - 0.5:
            b.box((0.8, 0.3, 0.55), palette.plain((0.55, 0.55, 0.53)), ((k + 0.85) * style.bay, -0.16, z))
    return width, height


def tower(b: MeshBuilder, rng: Rng, width: float, depth: float, storeys: int, lit: bool = False) -> float:
    """An office or housing block of many storeys with textured sides and a glazed ground floor; returns its height."""
    storey, bay = float(rng.uniform(2.8, 3.6)), float(rng.uniform(1.5, 3.5))
    if rng.random() < 0.45:
        skin = palette.curtain_wall(rng, bay * 0.5, storey)
    else:
        skin = palette.facade(rng, palette.wall(rng), bay, storey)
    if lit:
        skin = Material(skin.colour, skin.second, skin.pattern, skin.size_m, skin.contrast, skin.gloss, 0.04)
    ground = float(rng.uniform(3.6, 5.5))
    height = ground + storeys * storey
    inset = 0.8
    lobby = palette.curtain_wall(rng, 1.5, ground)
    b.box((width - 2 * inset, depth - 2 * inset, ground + 2), lobby, (width / 2, depth / 2, ground / 2 - 1))
    count = max(2, int(width / 6))
    x = np.linspace(0.4, width - 0.4, count)
    column = palette.concrete(rng)
    b.boxes(np.column_stack([x, np.full(count, 0.4), np.full(count, ground / 2)]), (0.6, 0.6, ground), column)
    with b.at((0, 0, ground)):
        b.prism(rectangle(width, depth), 0.0, storeys * storey, skin, column, column)
    if rng.random() < 0.35:
        edges = np.arange(storeys) * storey + ground + 0.1
        b.boxes(
            np.column_stack([np.full(storeys, width / 2), np.full(storeys, depth / 2), edges]),
            (width + 0.5, depth + 0.5, 0.25),
            column,
        )
    _flat_top(b, rng, width, depth, height, column)
    return height


def house(b: MeshBuilder, rng: Rng, lit: float = 0.0) -> tuple[float, float]:
    """A detached house of one or two storeys with windows on all sides; (width, depth)."""
    style = facade.look(rng, lit)
    storeys = int(rng.choice([1, 2, 2]))
    bays, deep = int(rng.integers(3, 6)), int(rng.integers(2, 5))
    width, depth = bays * style.bay, deep * style.bay
    ground = "gate" if rng.random() < 0.3 else "door"
    height = facade.front(b, rng, style, bays, storeys, ground, lit > 0.2, 0.15)
    for origin, yaw, count in (
        ((width, 0, 0), np.pi / 2, deep),
        ((width, depth, 0), np.pi, bays),
        ((0, depth, 0), -np.pi / 2, deep),
    ):
        with b.at(origin, yaw=yaw):
            facade.front(b, rng, style, count, storeys, "windows", lit > 0.2, 0.3)
    b.box((width, depth, 2.0), palette.concrete(rng), (width / 2, depth / 2, -1.0))
    if rng.random() < 0.65:
        along = "x" if rng.random() < 0.6 else "y"
        top = gable_roof(
            b, rng, width, depth, height, float(rng.uniform(22, 48)), style.wall, along, float(rng.uniform(0.3, 0.7))
        )
    elif rng.random() < 0.75:
        top = hip_roof(b, rng, width, depth, height, float(rng.uniform(20, 38)))
    else:
        top = height
        _flat_top(b, rng, width, depth, height, style.wall)
    if rng.random() < 0.6:
        _chimney(b, rng, width * 0.3, depth / 2, height, top + 0.7)
    if rng.random() < 0.35:
        wood = palette.wood(rng)
        b.box((width * 0.5, 2.0, 0.15), wood, (width * 0.5, -1.0, 0.08))
        b.box((width * 0.55, 2.3, 0.12), style.frame, (width * 0.5, -1.0, 2.5))
        for x in np.linspace(width * 0.27, width * 0.73, 3):
            b.box((0.12, 0.12, 2.35), style.frame, (x, -1.85, 1.27))
    return width, depth


def _profile(rng: Rng, style: str, width: float, eave: float) -> Array:
    """Roof profile (x, z) from eave to eave."""
    if style == "arch":
        t = np.linspace(np.pi, 0, 13)
        rise = width * float(rng.uniform(0.32, 0.5))
        return np.column_stack([width / 2 + (width / 2 + 0.15) * np.cos(t), eave + rise * np.sin(t)])
    if style == "gambrel":
        k, rise = 0.24, width * float(rng.uniform(0.38, 0.5))
        return np.array([[-0.2, eave - 0.1], [k * width, eave + 0.66 * rise], [0.5 * width, eave + rise],
                         [(1 - k) * width, eave + 0.66 * rise], [width + 0.2, eave - 0.1]])  # fmt: skip
    rise = width * float(rng.uniform(0.12, 0.4))
    return np.array([[-0.25, eave - 0.1], [0.5 * width, eave + rise], [width + 0.25, eave - 0.1]])


def barn(
    b: MeshBuilder,
    rng: Rng,
    width: float,
    length: float,
    eave: float,
    style: str | None = None,
    skin: Material | None = None,
    doors: bool = True,
    ribs: bool = True,
) -> float:
    """A hollow barn or hall over [0, width] x [0, length], doors in both ends, framing inside; returns its height."""
    style = style or str(rng.choice(["arch", "gambrel", "gable"]))
    skin = skin or (palette.timber(rng) if rng.random() < 0.6 else palette.cladding(rng))
    cover = palette.cladding(rng) if rng.random() < 0.6 else palette.roof(rng)
    trim = palette.frame(rng)
    profile = _profile(rng, style, width, eave)
    with b.at((0, -0.3, 0)):
        b.triangles(*placed(sheet(profile, length + 0.6), cover))
    wide, tall = float(rng.uniform(2.6, min(5.0, width * 0.5))), min(float(rng.uniform(2.6, 4.2)), eave - 0.2)
    middle = width / 2
    for y, open_ in ((0.0, doors), (length, doors and rng.random() < 0.6)):
        holes = [(middle - wide / 2, middle + wide / 2, 0.0, tall)] if open_ else []
        for k in (-1, 1):
            if rng.random() < 0.5 and width > 9:
                x = middle + k * width * 0.36
                holes.append((x - 0.5, x + 0.5, 1.2, 2.2))
        b.wall_with_openings((0, y), (width, y), -0.5, eave, holes, skin, 0.15)
        upper = profile[(profile[:, 0] >= 0) & (profile[:, 0] <= width)]
        ring = np.concatenate([[[0, eave]], upper, [[width, eave]]])
        for yy in (y - 0.07, y + 0.07):
            b.triangles(*placed(fan(np.column_stack([ring[:, 0], np.full(len(ring), yy), ring[:, 1]])), skin))
        out = -0.1 if y == 0 else 0.1
        b.boxes(
            [[middle - wide / 2, y + out, tall / 2], [middle + wide / 2, y + out, tall / 2], [middle, y + out, tall]],
            [[0.18, 0.08, tall], [0.18, 0.08, tall], [wide + 0.2, 0.08, 0.18]],
            trim,
        )
        if open_ and rng.random() < 0.6:
            b.box((wide * 0.52, 0.08, tall), skin, (middle - wide * 0.78, y + 1.6 * out, tall / 2))
    windows = (
        [(s - 0.6, s + 0.6, 1.3, 2.3) for s in np.arange(3.0, length - 2.0, float(rng.uniform(3.5, 7)))]
        if rng.random() < 0.6
        else []
    )
    for x in (0.0, width):
        b.wall_with_openings((x, 0), (x, length), -0.5, eave, windows, skin, 0.15)
        corner = [[x, y, eave / 2] for y in (-0.02, length + 0.02)]
        b.boxes(corner, (0.24, 0.24, eave), trim)
    if ribs:
        post = palette.wood(rng) if style != "arch" else palette.metal(rng)
        for y in np.arange(1.5, length - 1.0, float(rng.uniform(2.5, 5.0))):
            inner = profile - np.array([0.0, 0.12])
            tube(b, np.column_stack([inner[:, 0], np.full(len(inner), y), inner[:, 1]]), 0.09, post, 4)
            b.boxes([[0.2, y, eave / 2], [width - 0.2, y, eave / 2]], (0.2, 0.2, eave), post)
            if style != "arch":
                b.box((width - 0.3, 0.18, 0.22), post, (width / 2, y, eave))
    return float(profile[:, 1].max())


def shed(b: MeshBuilder, rng: Rng) -> tuple[float, float]:
    """A garden or bus shelter sized shed, (width, depth)."""
    w, d, h = float(rng.uniform(2.0, 4.0)), float(rng.uniform(1.8, 3.0)), float(rng.uniform(2.0, 2.4))
    skin = palette.timber(rng)
    b.box((w, d, h + 0.5), skin, (w / 2, d / 2, h / 2 - 0.25))
    gable_roof(b, rng, w, d, h, float(rng.uniform(15, 35)), skin, "x", 0.2)
    b.box((0.85, 0.05, 1.9), palette.wood(rng), (w * 0.35, -0.03, 0.95))
    b.box((0.6, 0.05, 0.5), palette.glass(rng), (w * 0.78, -0.03, 1.4))
    return w, d


def silo(b: MeshBuilder, rng: Rng, radius: float, height: float) -> None:
    """A grain silo or tank on the origin, with ladder and pipe."""
    skin = palette.cladding(rng) if rng.random() < 0.6 else palette.metal(rng)
    b.cylinder(radius, height, skin, (0, 0, 0), 24, caps=False)
    b.cylinder(
        radius * 1.03, radius * float(rng.uniform(0.3, 0.8)), palette.metal(rng), (0, 0, height), 24, top_radius=0.15
    )
    for z in np.arange(1.5, height, 2.0):
        b.cylinder(radius * 1.012, 0.08, skin, (0, 0, z), 24, caps=False)
    rail = palette.metal(rng)
    for y in (-0.22, 0.22):
        tube(b, [[radius + 0.15, y, 0.3], [radius + 0.15, y, height]], 0.025, rail, 4)
    z = np.arange(0.5, height, 0.4)
    b.boxes(np.column_stack([np.full(len(z), radius + 0.15), np.zeros(len(z)), z]), (0.03, 0.44, 0.03), rail)
    tube(
        b,
        [[-radius - 0.3, 0, 0.2], [-radius - 0.3, 0, height + 1.0], [0, 0, height + 0.4 * radius + 0.5]],
        0.1,
        rail,
        6,
    )


def hall(b: MeshBuilder, rng: Rng, width: float, depth: float, height: float) -> None:
    """A closed industrial hall: cladding, gates, a band of windows."""
    skin = palette.cladding(rng)
    b.box((width, depth, height + 2), skin, (width / 2, depth / 2, height / 2 - 1))
    b.box((width + 0.3, depth + 0.3, 0.5), palette.bright(rng), (width / 2, depth / 2, height))
    gate = Material((0.4, 0.41, 0.42), (0.2, 0.2, 0.2), Pattern.SHUTTER, (1.0, 0.25))
    count = max(1, int(width / 9))
    for k in range(count):
        x = (k + 0.5) * width / count
        tall = min(float(rng.uniform(3.2, 4.5)), height - 0.6)
        b.box((3.6, 0.1, tall), gate, (x, -0.03, tall / 2))
        b.box((4.0, 0.6, 0.2), palette.bright(rng), (x, -0.25, tall + 0.2))
        b.box((0.95, 0.08, 2.05), palette.plain((0.3, 0.31, 0.33)), (x + 2.9, -0.03, 1.02))
    band = Material((0.05, 0.07, 0.08), (0.4, 0.4, 0.4), Pattern.GLASS_GRID, (1.5, 1.2), 0.3, 0.6)
    b.box((width * 0.94, 0.08, 1.2), band, (width / 2, -0.02, height - 1.2))


def greenhouse(b: MeshBuilder, rng: Rng, width: float, length: float) -> None:
    """A tunnel or glass house as frame and film."""
    rise = float(rng.uniform(2.2, 3.5))
    t = np.linspace(np.pi, 0, 11)
    profile = np.column_stack([width / 2 + width / 2 * np.cos(t), 0.3 + rise * np.sin(t)])
    b.triangles(*placed(sheet(profile, length), palette.plain((0.62, 0.66, 0.64), 0.3)))
    frame = palette.metal(rng)
    for y in np.arange(0, length + 0.1, 2.0):
        out = profile * [1.0, 1.01] + [0.0, 0.02]
        tube(b, np.column_stack([out[:, 0], np.full(len(out), y), out[:, 1]]), 0.03, frame, 4)


def ruin(b: MeshBuilder, rng: Rng, width: float, height: float) -> None:
    """A broken stone wall along x."""
    stone = palette.ashlar(rng)
    n = max(3, int(width / 0.8))
    x = np.linspace(0, width, n)
    top = height * np.clip(rng.uniform(0.3, 1.0, n), 0.25, 1.0)
    rings = np.stack(
        [
            np.column_stack([x, np.full(n, y), z])
            for y, z in ((-0.3, np.full(n, -0.3)), (-0.3, top), (0.3, top), (0.3, np.full(n, -0.3)))
        ]
    )
    b.triangles(*placed(loft(rings, closed=False, cap=False), stone))
