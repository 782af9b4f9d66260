"""Farms: yards with barns and silos, the inside of a barn, solar fields, crops, vineyards, pastures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.worlds.materials import Material
from training.worlds.mesh import poses
from training.worlds.outdoor import (
    buildings,
    machines,
    palette,
    scenery,
    street_furniture,
    vegetation,
    vehicles,
    yard_things,
)
from training.worlds.outdoor.park import uneven
from training.worlds.outdoor.shapes import tube
from training.worlds.outdoor.stage import Spot, Stage, Thing, about, within
from training.worlds.outdoor.terrain import Terrain, usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def _field(rng: Rng) -> Terrain:
    return uneven(rng, 0.5) if rng.random() < 0.6 else usual(rng, 0.3)


def _barn(
    stage: Stage,
    x: float,
    y: float,
    yaw: float,
    size: tuple[float, float, float] | None = None,
    style: str | None = None,
    doors: bool = True,
) -> tuple[float, float, float]:
    """A barn whose floor's middle is (x, y), on level ground; (width, length, floor height)."""
    rng = stage.rng
    w, d, h = size or (float(rng.uniform(8, 18)), float(rng.uniform(10, 34)), float(rng.uniform(3.0, 5.5)))
    low, high = stage.low_ground(x, y, w / 2, d / 2, yaw)
    floor = high + 0.02 if high - low < 0.6 else 0.5 * (low + high)
    with stage.builder.at((x, y, floor), yaw=yaw), stage.builder.at((-w / 2, -d / 2, 0)):
        buildings.barn(stage.builder, rng, w, d, h, style, doors=doors)
        if high - low > 0.05:
            stage.builder.box((w, d, 3.0), palette.concrete(rng), (w / 2, d / 2, -1.5))
    return w, d, floor


def _stuff(rng: Rng) -> list[Callable[[], Thing]]:
    wheels = [Thing(machines.tractor(rng)), Thing(vehicles.car(rng)[0]), Thing(machines.truck(rng))]
    return [
        lambda: yard_things.bale(rng),
        lambda: yard_things.bale(rng),
        lambda: yard_things.pallet_load(rng),
        lambda: wheels[0],
        lambda: wheels[1],
        lambda: wheels[2],
        lambda: yard_things.pile(rng, float(rng.uniform(1, 2.5))),
        lambda: yard_things.pipes(rng),
        lambda: street_furniture.person(rng),
        lambda: vegetation.log(rng, 3.0, 0.25),
    ]


def farm_yard(rng: Rng) -> World:
    """Barns, silos, sheds, tractors, bales and fences about a yard; fields and woods beyond."""
    stage = Stage(rng, weather(rng), _field(rng) if rng.random() < 0.5 else None)
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng) if rng.random() < 0.7 else palette.soil(rng))
    yard = [palette.gravel, palette.soil, palette.concrete, palette.asphalt][int(rng.integers(4))](rng)
    if rng.random() < 0.6:
        wide = float(rng.uniform(5, 14))
        stage.strip([[-26, 0], [26, 0]], wide, wide, yard, lift=0.03, across=8)
    for _ in range(int(rng.integers(1, 5))):
        a, r = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(15, 45))
        x, y = r * np.cos(a), r * np.sin(a)
        if stage.taken.clear(x, y, 16, 16):
            w, d, _ = _barn(stage, x, y, float(rng.uniform(-np.pi, np.pi)))
            stage.occupy(x, y, max(w, d) / 2, max(w, d) / 2)
    if rng.random() < 0.6:
        radius, tall = float(rng.uniform(1.6, 4.0)), float(rng.uniform(5, 18))
        tower = vegetation.thing(lambda b: buildings.silo(b, rng, radius, tall))
        a, r = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(12, 30))
        for k in range(int(rng.integers(1, 4))):
            stage.put(tower, r * np.cos(a) + k * (2 * radius + 1), r * np.sin(a), 0.0)
    if rng.random() < 0.6:
        a = float(rng.uniform(-np.pi, np.pi))
        scenery.detached(stage, 24 * np.cos(a), 24 * np.sin(a), a - np.pi / 2)
    if rng.random() < 0.25:
        glass = vegetation.thing(lambda b: buildings.greenhouse(b, rng, 7.0, 24.0))
        for k in range(3):
            stage.put(glass, 18.0 + 8.5 * k, 14.0, 0.0)
    near = about(rng, 11.0)
    scenery.clutter(stage, near, int(rng.integers(6, 26)), _stuff(rng))
    for _ in range(int(rng.integers(0, 4))):
        a, r = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(8, 30))
        n = np.array([-np.sin(a), np.cos(a)]) * 25
        c = np.array([np.cos(a), np.sin(a)]) * r
        for s0, s1 in ((-1.0, -0.15), (0.15, 1.0)):
            p, q = c + s0 * n, c + s1 * n
            if bool(stage.free(np.linspace(p, q, 12), 0.4).all()):
                yard_things.fence(stage, p, q, str(rng.choice(["rails", "wire", "picket"])))
    scenery.plant(
        stage,
        vegetation.grove(rng, when, None, 2, 3),
        scenery.jittered(rng, (-80, 80, -80, 80), 13.0, 0.25),
        26,
        4,
        1.5,
    )
    if rng.random() < 0.4:
        yard_things.pole_line(stage, [[k, 20 + 0.1 * k] for k in np.arange(-120, 121, 40.0)])
    if rng.random() < 0.3:
        _panels(stage, rng, (20, 60), (-40, 40))
    scenery.meadow(stage, (-8, 8, -8, 8), int(rng.integers(0, 250)))
    scenery.horizon(stage, when, 140)
    return stage.finish("farm_yard", near)


def barn_interior(rng: Rng) -> World:
    """Inside a barn, shed or tent-like hall with open gates: frames, bales, machines, stalls; the yard outside."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    ground = [palette.soil, palette.grass, palette.concrete, palette.gravel, palette.sand][int(rng.integers(5))](rng)
    stage.terrain.draw(stage.builder, ground)
    size = (float(rng.uniform(7, 26)), float(rng.uniform(10, 45)), float(rng.uniform(2.8, 6.5)))
    w, d, _ = _barn(stage, 0.0, 0.0, 0.0, size, doors=True)
    inside = within(rng, (-w / 2 + 1, w / 2 - 1), (-d / 2 + 1, d / 2 - 1))
    for x in (-w / 2, w / 2):
        stage.occupy(x, 0.0, 0.2, d / 2)

    def edge() -> Spot:
        return (
            float(rng.choice([-1, 1])) * (w / 2 - float(rng.uniform(1.0, 2.0))),
            float(rng.uniform(-d / 2 + 1.5, d / 2 - 1.5)),
        )

    scenery.clutter(stage, edge, int(rng.integers(2, 22)), _stuff(rng))
    if rng.random() < 0.35:
        rail = yard_things.fence_materials(rng, "rails")
        for s in (-1, 1):
            yard_things.fence(stage, (s * w * 0.25, -d / 2 + 2), (s * w * 0.25, d / 2 - 2), "rails", 1.2, rail)
    if rng.random() < 0.3:
        deck = palette.wood(rng)
        stage.builder.box((w * 0.45, d * 0.4, 0.12), deck, (w * 0.27, d * 0.28, 2.6))
        for y in (0.1, 0.28, 0.46):
            stage.builder.box((0.16, 0.16, 2.6), deck, (w * 0.06, d * y, 1.3))
            stage.occupy(w * 0.06, d * y, 0.1, 0.1)
    if stage.weather.lamps or rng.random() < 0.3:
        for y in np.arange(-d / 2 + 3, d / 2 - 2, 6.0):
            stage.builder.sphere(
                0.14, palette.glowing((1.0, 0.85, 0.6), 10.0), (0, y, size[2] - 0.4), rings=4, segments=8
            )
            stage.light((0, y, size[2] - 0.7), (22, 18, 12), 0.12)
    stage.occupy(0.0, 0.0, 0.0, 0.0)
    far = scenery.jittered(rng, (-90, 90, -90, 90), 12.0, 0.3)
    scenery.plant(
        stage,
        vegetation.grove(rng, when, None, 1, 3),
        far[(np.abs(far[:, 0]) > w / 2 + 5) | (np.abs(far[:, 1]) > d / 2 + 5)],
        5,
        0,
        1.5,
    )
    if rng.random() < 0.5:
        _panels(stage, rng, (-30, 30), (d / 2 + 10, d / 2 + 40))
    scenery.horizon(stage, when, 120)
    return stage.finish("barn_interior", inside, [[0, -d * 0.3], [0.3, 0], [0, d * 0.3]])


def _panels(
    stage: Stage, rng: Rng, xs: tuple[float, float], ys: tuple[float, float], pitch: float | None = None
) -> float:
    """Rows of solar panels over a rectangle; returns the pitch of the rows."""
    row = pitch or float(rng.uniform(5.5, 10))
    piece = float(rng.uniform(4, 12))
    item = yard_things.solar_table(rng, piece)
    x, y = np.meshgrid(
        np.arange(xs[0], xs[1] - piece, piece + float(rng.choice([0.05, 0.4, 2.5]))), np.arange(ys[0], ys[1], row)
    )
    p = np.column_stack([x.ravel(), y.ravel()])
    c = p + np.array([piece / 2, 1.3])
    p = p[stage.free(c, 3.0) & (stage.ways.distance(c) > 2.5)]
    if len(p) == 0:
        return row
    z = np.maximum(stage.ground(p[:, 0], p[:, 1]), stage.ground(p[:, 0] + piece, p[:, 1]))
    stage.builder.instances(item.mesh, poses(np.column_stack([p, z]), 0.0))
    mid = p + item.centre
    stage.taken.add(mid[:, 0], mid[:, 1], item.half[0], item.half[1], 0.0)
    return row


def solar_field(rng: Rng) -> World:
    """A photovoltaic field: rows on posts, fences, cabins, tracks, a barn beyond."""
    stage = Stage(rng, weather(rng), _field(rng))
    when = scenery.season(rng)
    stage.terrain.draw(
        stage.builder,
        palette.grass(rng) if rng.random() < 0.7 else palette.gravel(rng) if rng.random() < 0.5 else palette.soil(rng),
    )
    lane = float(rng.uniform(2.0, 4.0))
    stage.reserve([[-70, 0], [70, 0]], lane)
    if rng.random() < 0.5:
        stage.strip([[-70, 0], [70, 0]], lane * 0.7, lane * 0.7, palette.gravel(rng), lift=0.03, across=5)
    row = _panels(stage, rng, (-48, 48), (-46, 46))
    for s in (-1, 1):
        if rng.random() < 0.6:
            yard_things.fence(stage, (-55, s * 52), (55, s * 52), "mesh", 2.0)
    cabin = yard_things.container(rng, False)
    stage.put(cabin, float(rng.uniform(-30, 30)), float(rng.uniform(-30, 30)))
    if rng.random() < 0.6:
        a = float(rng.uniform(-np.pi, np.pi))
        _barn(stage, 75 * np.cos(a), 75 * np.sin(a), a, (14.0, 24.0, 4.0))
    scenery.meadow(stage, (-7, 7, -7, 7), int(rng.integers(0, 300)))
    scenery.horizon(stage, when, 110)

    def spot() -> Spot:
        if rng.random() < 0.4:
            return float(rng.uniform(-30, 30)), float(rng.uniform(-lane, lane))
        return float(rng.uniform(-30, 30)), float(rng.integers(-3, 4)) * row + float(rng.uniform(-2, 2))

    return stage.finish("solar_field", spot, [[-18, 0.3], [0, -0.3], [18, 0.3]])


def crop_field(rng: Rng) -> World:
    """Crops in rows: corn, wheat, cabbage, sunflowers, vines or seedlings, with a track; fields beyond."""
    stage = Stage(rng, weather(rng), _field(rng))
    when = scenery.season(rng)
    kind = str(rng.choice(["corn", "wheat", "vine", "cabbage", "sunflower", "young"]))
    row, step = {
        "corn": (0.75, 0.22),
        "wheat": (0.35, 0.95),
        "vine": (2.2, 1.1),
        "cabbage": (0.6, 0.5),
        "sunflower": (0.75, 0.4),
        "young": (0.5, 0.25),
    }[kind]
    soil = palette.soil(rng)
    far = palette.crops(rng, row)
    reach = {"corn": 7.0, "wheat": 8.0, "vine": 24.0, "cabbage": 9.0, "sunflower": 8.0, "young": 7.0}[kind]
    other = palette.grass(rng)
    stage.terrain.draw(
        stage.builder,
        other,
        lambda x, y, z: np.where(np.hypot(x, y) < reach + 3, 1, np.where(y > 0, 2, np.where(x > 30, 0, 2))),
        (soil, far),
    )
    lane = float(rng.uniform(0.8, 2.5)) if kind != "vine" else 1.0
    stage.strip(
        [[-120, 0], [120, 0]],
        lane,
        lane,
        palette.soil(rng) if rng.random() < 0.6 else palette.grass(rng),
        lift=0.03,
        across=4,
    )
    plants = [vegetation.crop(rng, kind) for _ in range(3)]
    x, y = np.meshgrid(np.arange(-reach, reach, step), np.arange(-reach, reach, row))
    p = np.column_stack([x.ravel(), y.ravel()]) + rng.normal(scale=0.03, size=(x.size, 2))
    p = p[(np.hypot(p[:, 0], p[:, 1]) < reach) & (np.abs(p[:, 1]) > lane + 0.2)]
    p = p[rng.random(len(p)) < 0.95]
    if kind == "vine" or kind == "wheat":
        z = stage.ground(p[:, 0], p[:, 1])
        which = rng.integers(0, 3, len(p))
        for k in range(3):
            m = which == k
            stage.builder.instances(
                plants[k].mesh,
                poses(np.column_stack([p, z])[m], rng.choice([0.0, np.pi], m.sum()), rng.uniform(0.85, 1.15, m.sum())),
            )
        if kind == "vine":
            post = palette.wood(rng)
            q = p[::5]
            stage.builder.boxes(np.column_stack([q, stage.ground(q[:, 0], q[:, 1]) + 0.85]), (0.07, 0.07, 1.9), post)
            stage.taken.add(p[:, 0], p[:, 1], 0.6, 0.25)
    else:
        stage.scatter(plants, p, radius=0.0, scale=(0.8, 1.15), occupy=kind in ("corn", "sunflower"))
    if rng.random() < 0.4:
        stage.put(
            Thing(machines.tractor(rng)),
            float(rng.uniform(7, 22)) * float(rng.choice([-1, 1])),
            0.0,
            0.0,
            tilt=True,
            check=False,
        )
    bale = yard_things.bale(rng)
    if kind == "wheat" or rng.random() < 0.3:
        for b in rng.uniform(-80, 80, (14, 2)):
            if np.hypot(*b) > reach + 4:
                stage.put(bale, b[0], b[1], float(rng.uniform(-3, 3)))
    if rng.random() < 0.4:
        yard_things.pole_line(stage, [[k, 16 + 0.2 * k] for k in np.arange(-140, 141, 40.0)], 9.0)
    if rng.random() < 0.4:
        a = float(rng.uniform(-np.pi, np.pi))
        _barn(stage, 60 * np.cos(a), 60 * np.sin(a), a)
    scenery.horizon(stage, when, 130)

    def spot() -> Spot:
        return (
            float(rng.uniform(-6, 6)),
            float(rng.uniform(-lane, lane)) if rng.random() < 0.7 else float(rng.integers(-4, 5) + 0.5) * row,
        )

    return stage.finish("crop_field", spot, [[-7, 0.2], [0, -0.1], [7, 0.2]])


def pasture(rng: Rng) -> World:
    """Fenced grassland with animals, troughs, bales, scattered trees and a hut."""
    stage = Stage(rng, weather(rng), uneven(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng, float(rng.beta(1, 3))))
    y = float(rng.uniform(2, 9))
    sort = str(rng.choice(["rails", "wire", "picket", "wall"]))
    stuff = yard_things.fence_materials(rng, sort)
    yard_things.fence(stage, (-45, y), (-4, y), sort, materials=stuff)
    yard_things.fence(stage, (1, y), (45, y), sort, materials=stuff)
    if rng.random() < 0.6:
        yard_things.fence(stage, (18, -30), (18, y), sort, materials=stuff)
    animal = [_animal(rng) for _ in range(3)]
    for p in rng.normal(scale=16, size=(int(rng.integers(0, 16)), 2)):
        stage.put(animal[int(rng.integers(3))], p[0], p[1], float(rng.uniform(-3, 3)), margin=0.5)
    scenery.clutter(stage, about(rng, 14.0), int(rng.integers(0, 8)), _stuff(rng))
    scenery.plant(
        stage, vegetation.grove(rng, when, None, 2, 3), scenery.jittered(rng, (-90, 90, -90, 90), 16.0, 0.3), 24, 4, 1.2
    )
    stage.scatter(
        [vegetation.stone(rng, float(rng.uniform(0.3, 1.4)))], rng.uniform(-30, 30, (int(rng.integers(0, 18)), 2))
    )
    if rng.random() < 0.5:
        hut = vegetation.thing(lambda b: buildings.shed(b, rng))
        stage.put(hut, float(rng.uniform(-20, 20)), float(rng.uniform(-20, 20)), float(rng.uniform(-3, 3)))
    scenery.meadow(stage, (-9, 9, -9, 9), int(rng.integers(80, 500)))
    scenery.horizon(stage, when, 130)
    return stage.finish("pasture", lambda: (float(rng.uniform(-10, 10)), float(rng.uniform(-10, 10))))


def _animal(rng: Rng) -> Thing:
    """A cow, horse or sheep, by size."""
    h = float(rng.choice([0.75, 1.35, 1.55]))
    coat: Material = palette.plain(
        palette.pick(rng, (0.12, 0.07, 0.04), (0.5, 0.47, 0.42), (0.03, 0.03, 0.03), (0.3, 0.18, 0.1))
    )

    def draw(b) -> None:
        b.sphere(0.3 * h, coat, (0, 0, 0.72 * h), (1.9, 0.85, 0.85), 6, 10)
        for x in (-0.42, 0.42):
            for y in (-0.13, 0.13):
                b.cylinder(0.045 * h, 0.6 * h, coat, (x * h, y * h, 0), 6)
        graze = rng.random() < 0.6
        head = (0.85 * h, 0, 0.2 * h if graze else 1.05 * h)
        tube(
            b,
            [[0.45 * h, 0, 0.8 * h], [0.75 * h, 0, 0.5 * h if graze else 1.0 * h], head],
            (0.14 * h, 0.1 * h, 0.08 * h),
            coat,
            7,
        )
        b.sphere(0.1 * h, coat, head, (1.7, 0.9, 1.0), 4, 8)

    return vegetation.thing(draw)
