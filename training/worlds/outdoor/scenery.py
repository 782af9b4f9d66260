"""Pieces that many outdoor worlds share: planting, parked cars, lamps, passers-by, and what closes the horizon."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.worlds.materials import Material
from training.worlds.mesh import MeshBuilder, poses
from training.worlds.outdoor import buildings, palette, street_furniture, vegetation, vehicles, yard_things
from training.worlds.outdoor.shapes import blobs, rectangle
from training.worlds.outdoor.stage import Spot, Stage, Thing, about

Rng = np.random.Generator
Array = NDArray[np.float64]


def season(rng: Rng) -> str:
    """Summer mostly."""
    return str(rng.choice(["summer", "spring", "autumn"], p=[0.66, 0.16, 0.18]))


def jittered(rng: Rng, area: Sequence[float], spacing: float, keep: float = 1.0, jitter: float = 0.4) -> Array:
    """Points about `spacing` apart over (x0, x1, y0, y1), each moved by `jitter` spacings, a share `keep` of them."""
    x0, x1, y0, y1 = area
    gx, gy = np.meshgrid(np.arange(x0, x1, spacing), np.arange(y0, y1, spacing))
    p = np.column_stack([gx.ravel(), gy.ravel()])
    p = p + rng.uniform(-jitter, jitter, p.shape) * spacing
    return p[rng.random(len(p)) < keep]


def plant(
    stage: Stage,
    grove: vegetation.Grove,
    xy: ArrayLike,
    near: float = 20.0,
    most: int = 8,
    radius: float = 0.5,
    scale: tuple[float, float] = (0.75, 1.25),
) -> int:
    """Stand trees at free points: detailed ones for the `most` nearest within `near` metres, light ones beyond, and the
    lightest beyond 32 m."""
    xy = np.asarray(xy, float).reshape(-1, 2)
    if len(xy) == 0:
        return 0
    r = np.hypot(xy[:, 0], xy[:, 1])
    order = np.argsort(r, kind="stable")
    close = np.zeros(len(xy), bool)
    close[order[:most]] = True
    close &= r < near
    away = r > 32.0
    sets = zip(grove, (close, ~close & ~away, ~close & away), strict=True)
    return sum(stage.scatter(trees, xy[m], radius=radius, scale=scale, sink=0.08) for trees, m in sets)


def garage(rng: Rng, count: int = 4, lit: bool = False, vans: bool = True) -> list[Thing]:
    """Vehicles to park about."""
    out = [Thing(vehicles.car(rng, lit=lit)[0]) for _ in range(count)]
    if vans:
        out.append(Thing(vehicles.van(rng, lit)))
    return out


def _distant_cars(rng: Rng) -> list[Thing]:
    """Cars of a few dozen triangles for places more than 28 m off."""
    return [Thing(vehicles.distant_car(rng)) for _ in range(5)]


def park(
    stage: Stage,
    cars: Sequence[Thing],
    start: ArrayLike,
    end: ArrayLike,
    spacing: float = 6.0,
    fill: float = 0.7,
    yaw: float | None = None,
) -> None:
    """Cars along a line, parallel to it or at `yaw`, in a share `fill` of the places."""
    rng = stage.rng
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(b - a))
    along = float(np.arctan2(*(b - a)[::-1])) if yaw is None else yaw
    far = _distant_cars(rng) if max(np.hypot(*a), np.hypot(*b)) > 28.0 else cars
    for s in np.arange(spacing / 2, length, spacing):
        if rng.random() < fill:
            x, y = a + (b - a) * (s + rng.normal(scale=0.25 if yaw is None else 0.08)) / length
            turn = along + rng.normal(scale=0.025) + (np.pi if rng.random() < (0.1 if yaw is None else 0.4) else 0.0)
            pool = cars if np.hypot(x, y) < 28.0 else far
            stage.put(pool[int(rng.integers(len(pool)))], x, y, turn, tilt=True, margin=0.25)


def lamps(
    stage: Stage, points: ArrayLike, yaw: float | Callable[[float, float], float] = 0.0, height: float | None = None
) -> None:
    """A lamp at each point (N, 2), its arm towards `yaw`; they give light when the weather says so."""
    lit = stage.weather.lamps
    item, bulb = street_furniture.lamp(stage.rng, lit, height)
    warm = np.array([1.0, 0.72, 0.42]) if stage.rng.random() < 0.6 else np.array([0.85, 0.93, 1.0])
    power = 0.9 * bulb[2] ** 2 * float(np.exp(stage.rng.uniform(-0.5, 0.5)))
    p = np.asarray(points, float).reshape(-1, 2)
    for x, y in p[np.argsort(np.hypot(p[:, 0], p[:, 1]))]:
        turn = yaw(x, y) if callable(yaw) else yaw
        if stage.put(item, x, y, turn) and lit:
            c, s = np.cos(turn), np.sin(turn)
            z = float(stage.ground(x, y)) + bulb[2]
            drop = 0.12 if bulb[0] > 0 else -0.7
            stage.light((x + bulb[0] * c, y + bulb[0] * s, z - drop), power * warm, 0.1)


def people(stage: Stage, spot: Callable[[], Spot], count: int) -> None:
    """Passers-by where there is room."""
    if count == 0:
        return
    figures = [street_furniture.person(stage.rng) for _ in range(min(count, 4))]
    for k in range(count):
        x, y = spot()[:2]
        stage.put(figures[k % len(figures)], x, y, float(stage.rng.uniform(-np.pi, np.pi)), margin=0.3, lift=0.0)


def clutter(
    stage: Stage,
    spot: Callable[[], Spot],
    count: int,
    makers: Sequence[Callable[[], Thing]] | None = None,
    lift: float = 0.0,
) -> None:
    """Street furniture where there is room."""
    rng = stage.rng
    makers = makers or street_furniture.furniture(rng, "summer")
    for _ in range(count):
        x, y = spot()[:2]
        yaw = float(rng.integers(4)) * np.pi / 2 + rng.normal(scale=0.06)
        stage.put(makers[int(rng.integers(len(makers)))](), x, y, yaw, margin=0.3, lift=lift)


def block(
    stage: Stage,
    x: float,
    y: float,
    width: float,
    depth: float,
    height: float,
    yaw: float = 0.0,
    wall: Material | None = None,
) -> None:
    """A far building: textured sides, a roof or none, down into the ground. (x, y) is its centre."""
    rng = stage.rng
    bay, storey = float(rng.uniform(2.0, 3.6)), float(rng.uniform(2.7, 3.5))
    skin = (
        palette.facade(rng, wall or palette.wall(rng), bay, storey)
        if rng.random() < 0.8
        else palette.curtain_wall(rng, bay / 2, storey)
    )
    storeys = max(1, round(height / storey))
    z, _ = stage.low_ground(x, y, width / 2, depth / 2, yaw)
    with stage.builder.at((x, y, z), yaw=yaw), stage.builder.at((-width / 2, -depth / 2, 0)):
        b = stage.builder
        h = storeys * storey
        b.box((width, depth, 6.0), palette.concrete(rng), (width / 2, depth / 2, -3.0))
        b.prism(rectangle(width, depth), 0.0, h, skin, palette.concrete(rng))
        if rng.random() < 0.5 and h < 25:
            buildings.gable_roof(
                b, rng, width, depth, h, float(rng.uniform(20, 45)), skin, "x" if width > depth else "y", 0.3
            )
    stage.occupy(x, y, width / 2, depth / 2, yaw)


def town_ring(
    stage: Stage, radius: float, count: int, heights: tuple[float, float], gap: tuple[float, float] | None = None
) -> None:
    """Buildings scattered about a circle; `gap` (azimuth, half width) stays open."""
    rng = stage.rng
    for _ in range(count):
        a = float(rng.uniform(-np.pi, np.pi))
        if gap is not None and abs((a - gap[0] + np.pi) % (2 * np.pi) - np.pi) < gap[1]:
            continue
        r = radius * float(rng.uniform(1.0, 2.4))
        w, d = rng.uniform(9, 40), rng.uniform(9, 20)
        x, y = r * np.cos(a), r * np.sin(a)
        if stage.taken.clear(x, y, max(w, d) / 2, max(w, d) / 2):
            block(stage, x, y, float(w), float(d), float(rng.uniform(*heights)), a + np.pi / 2 + rng.normal(scale=0.3))


def tree_line(
    stage: Stage,
    radius: float,
    width: float = 60.0,
    density: float = 1.0,
    names: tuple[str, ...] | None = None,
    when: str = "summer",
    gap: tuple[float, float] | None = None,
) -> None:
    """A belt of woods around the origin beyond `radius`: light trees in front of leafy masses."""
    rng = stage.rng
    chosen = names or tuple(rng.choice(vegetation.SPECIES[:8], 2))
    far = [vegetation.tree(rng, chosen[k % len(chosen)], when, 0.15) for k in range(3)]
    count = int(2 * np.pi * radius / 5.5 * density)
    a = np.sort(rng.uniform(-np.pi, np.pi, count))
    wave = 1.0 + 0.2 * np.sin(a * 3 + rng.uniform(0, 6)) + 0.1 * np.sin(a * 7 + rng.uniform(0, 6))
    r = radius * wave + rng.uniform(0, width, count) ** 1.0
    if gap is not None:
        keep = np.abs((a - gap[0] + np.pi) % (2 * np.pi) - np.pi) > gap[1]
        a, r, wave = a[keep], r[keep], wave[keep]
    xy = np.column_stack([r * np.cos(a), r * np.sin(a)])
    stage.scatter(far, xy, radius=0.4, occupy=False)
    back = np.column_stack([(radius * wave + width) * np.cos(a), (radius * wave + width) * np.sin(a)])[::2]
    if len(back):
        back = back[stage.free(back, 6.0)]
    if len(back):
        size = np.column_stack(
            [rng.uniform(5, 11, len(back)), rng.uniform(5, 11, len(back)), rng.uniform(5, 12, len(back))]
        )
        centres = np.column_stack([back, stage.ground(back[:, 0], back[:, 1]) + 0.4 * size[:, 2]])
        vertices, faces, uv = blobs(rng, centres, size, 0.3, 0)
        leaf = palette.foliage(rng, when, 0.4)
        stage.builder.triangles(vertices, faces, leaf, uv)


def horizon(stage: Stage, when: str, near: float = 120.0) -> None:
    """Something far: woods, a village, both or nothing."""
    rng = stage.rng
    u = rng.random()
    gap = (float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.3, 1.6))) if rng.random() < 0.6 else None
    if u < 0.4:
        tree_line(stage, near * float(rng.uniform(0.8, 2.0)), density=float(rng.uniform(0.5, 1.2)), when=when, gap=gap)
    elif u < 0.6:
        town_ring(stage, near * float(rng.uniform(0.8, 1.6)), int(rng.integers(6, 22)), (4, 25), gap)
    elif u < 0.75:
        tree_line(stage, near * 1.2, density=0.6, when=when, gap=gap)
        town_ring(stage, near * 0.9, int(rng.integers(3, 9)), (4, 12), gap)


def meadow(
    stage: Stage,
    area: tuple[float, float, float, float],
    count: int,
    height: tuple[float, float] = (0.12, 0.5),
    flowers: float = 0.15,
) -> None:
    """Tufts of grass near the camera's haunts, some flowers; nothing that blocks the way."""
    rng = stage.rng
    x0, x1, y0, y1 = area
    xy = rng.uniform([x0, y0], [x1, y1], (count, 2))
    xy = xy[stage.free(xy, 0.05)]
    lush = [vegetation.tuft(rng, float(rng.uniform(*height)), 7) for _ in range(3)]
    stage.scatter(lush, xy, radius=0.0, occupy=False, scale=(0.6, 1.5))
    blooms = int(count * flowers)
    if blooms:
        p = xy[:blooms] + 0.2
        z = stage.ground(p[:, 0], p[:, 1])
        head = vegetation.thing(lambda b: b.sphere(0.03, palette.bright(rng), (0, 0, 0.25), rings=2, segments=5))
        stage.builder.instances(head.mesh, poses(np.column_stack([p, z]), 0.0, rng.uniform(0.6, 1.6, len(p))))


def row_of_houses(
    stage: Stage,
    x0: float,
    x1: float,
    y: float,
    side: int,
    storeys: tuple[int, int],
    ground: Sequence[str],
    depth: tuple[float, float],
    near: float = 42.0,
    gaps: float = 0.06,
) -> None:
    """Town houses wall to wall along x from x0 to x1, fronts on y, facing the street (side +1: street on the -y side).

    Those further than `near` from the origin are textured boxes.
    """
    rng = stage.rng
    lit = 0.45 if stage.weather.lamps else 0.03
    base = int(rng.integers(storeys[0], storeys[1] + 1))
    x = x0
    while x < x1:
        deep = float(rng.uniform(*depth))
        if rng.random() < gaps:
            x += float(rng.uniform(3, 9))
            continue
        floors = int(np.clip(base + rng.integers(-1, 2), storeys[0], storeys[1] + 1))
        if abs(x + 6) > near:
            width = float(rng.uniform(9, 22))
            block(stage, x + width / 2, y + side * deep / 2, width, deep, floors * 3.1)
        else:
            bays = int(rng.integers(3, 8))
            guess = bays * 2.7
            z = float(stage.ground(x + guess / 2, y))
            kind = str(ground[int(rng.integers(len(ground)))])
            house = MeshBuilder()
            width, _ = buildings.town_house(house, rng, bays, floors, deep, kind, lit, below=5.0)
            with stage.builder.at((x if side > 0 else x + width, y, z), yaw=0.0 if side > 0 else np.pi):
                stage.builder.instances(house.build(), np.eye(4)[None])
            stage.occupy(x + width / 2, y + side * deep / 2, width / 2, deep / 2)
        x += width


def lit_share(stage: Stage) -> float:
    """Share of windows lit in this weather."""
    return 0.45 if stage.weather.lamps else 0.03


def tower_block(stage: Stage, x: float, y: float, yaw: float = 0.0) -> None:
    """A tall building whose front's left corner stands at (x, y)."""
    rng = stage.rng
    w, d, n = float(rng.uniform(14, 34)), float(rng.uniform(12, 24)), int(rng.integers(5, 22))
    c, s = np.cos(yaw), np.sin(yaw)
    cx, cy = x + c * w / 2 - s * d / 2, y + s * w / 2 + c * d / 2
    z = float(stage.ground(cx, cy))
    with stage.builder.at((x, y, z), yaw=yaw):
        buildings.tower(stage.builder, rng, w, d, n, stage.weather.lamps)
    stage.occupy(cx, cy, w / 2, d / 2, yaw)


def detached(stage: Stage, x: float, y: float, yaw: float) -> tuple[float, float] | None:
    """A house with its front's middle near (x, y), facing back along its own -y; None if there is no room."""
    rng = stage.rng
    c, s = np.cos(yaw), np.sin(yaw)
    if not all(f.clear(x - s * 4.0, y + c * 4.0, 4.5, 4.0, yaw) for f in (stage.taken, stage.ways)):
        return None
    size: list[tuple[float, float]] = []
    proto = vegetation.thing(lambda b: size.append(buildings.house(b, rng, lit_share(stage))))
    w, d = size[0]
    cx, cy = x - s * d / 2, y + c * d / 2
    if not all(f.clear(cx, cy, w / 2 + 0.5, d / 2 + 0.5, yaw) for f in (stage.taken, stage.ways)):
        return None
    z = float(stage.ground(x, y)) + 0.05
    with stage.builder.at((x, y, z), yaw=yaw), stage.builder.at((-w / 2, 0, 0)):
        stage.builder.instances(proto.mesh, np.eye(4)[None])
    stage.occupy(cx, cy, w / 2, d / 2, yaw)
    stage.occupy(x + s * 0.8, y - c * 0.8, 1.0, 0.8, yaw)
    return w, d


def oddments(stage: Stage, count: int) -> None:
    """A few things that people leave in the open."""
    rng = stage.rng
    makers = [
        lambda: street_furniture.person(rng),
        lambda: street_furniture.person(rng),
        lambda: street_furniture.bench(rng),
        lambda: vegetation.log(rng, 3.0, 0.2),
        lambda: street_furniture.sign(rng),
        lambda: yard_things.bale(rng),
        lambda: Thing(vehicles.car(rng)[0]),
        lambda: Thing(vehicles.bicycle(rng)),
    ]
    clutter(stage, about(rng, 14.0), count, makers)
