"""Parks, woods, gardens, playgrounds, orchards, avenues."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.worlds.outdoor import palette, scenery, street_furniture, vegetation, yard_things
from training.worlds.outdoor.buildings import shed
from training.worlds.outdoor.shapes import curve
from training.worlds.outdoor.stage import Spot, Stage, within
from training.worlds.outdoor.terrain import Terrain, mountains, rolling, slope, together, usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator
Array = NDArray[np.float64]


def uneven(rng: Rng, rough: float = 1.0, far: float = 0.4) -> Terrain:
    """Natural ground: undulating, often sloping, hills beyond in some."""
    parts = [rolling(rng, float(rng.uniform(0.1, 1.5)) * rough, float(rng.uniform(12, 50)), 3)]
    if rng.random() < 0.5:
        parts.append(slope(float(rng.uniform(2, 12)), float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(25, 120))))
    if rng.random() < far:
        near = float(rng.uniform(100, 400))
        parts.append(mountains(rng, near, near * 4, float(rng.uniform(20, 250))))
    return Terrain(together(*parts), float(rng.uniform(0.5, 1.0)), 48)


def _path(rng: Rng, length: float = 60.0, wander: float = 5.0) -> Array:
    """A winding line through the origin along x."""
    x = np.linspace(-length, length, 9)
    y = np.cumsum(rng.normal(scale=wander, size=9))
    return curve(np.column_stack([x, y - y[4]]), 1.5)


def _off(line: Array, k: int, distance: float) -> Array:
    t = line[min(k + 1, len(line) - 1)] - line[max(k - 1, 0)]
    return line[k] + distance * np.array([-t[1], t[0]]) / (np.linalg.norm(t) + 1e-9)


def park(rng: Rng) -> World:
    """Lawns, winding paths, many trees, shrubs, benches, a pond, people."""
    ground = uneven(rng, 0.5, 0.15) if rng.random() < 0.6 else usual(rng)
    stage = Stage(rng, weather(rng), ground)
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng, float(rng.beta(1, 3.5))))
    width = float(rng.uniform(0.7, 2.2))
    cover = [palette.gravel, palette.paving, palette.asphalt, palette.soil][int(rng.integers(4))](rng)
    main = _path(rng)
    lines = [main, *([_path(rng)[:, ::-1] * [1.0, 1.0]] if rng.random() < 0.6 else [])]
    for line in lines:
        stage.strip(line, width, width, cover, lift=0.04, step=1.0, across=5)
        stage.reserve(line[::2], width + 0.25)
    if rng.random() < 0.35:
        _pond(stage, float(rng.uniform(5, 16)))
    mid = len(main) // 2
    for k in range(mid - 24, mid + 24, 8):
        p = _off(main, k, (width + 0.6) * float(rng.choice([-1, 1])))
        if rng.random() < 0.4:
            stage.put(
                [street_furniture.bench, street_furniture.bin_][int(rng.random() < 0.3)](rng),
                p[0],
                p[1],
                float(rng.uniform(-3, 3)),
            )
    scenery.lamps(
        stage, [_off(main, k, width + 0.5) for k in range(mid - 27, mid + 27, 9)], -1.5, float(rng.choice([3.5, 4.5]))
    )
    grove = vegetation.grove(rng, when, None, 2, 4)
    spots = scenery.jittered(rng, (-75, 75, -70, 70), float(rng.uniform(6, 11)), float(rng.uniform(0.25, 0.8)), 0.48)
    scenery.plant(stage, grove, spots, 22, 6, 0.9)
    shrubs = [vegetation.bush(rng, when, flowers=rng.random() < 0.3) for _ in range(3)]
    stage.scatter(shrubs, scenery.jittered(rng, (-30, 30, -30, 30), 5.0, 0.25), radius=0.8)
    scenery.meadow(stage, (-7, 7, -7, 7), int(rng.integers(0, 260)), (0.05, 0.2))
    if rng.random() < 0.3:
        stage.put(street_furniture.statue(rng), float(rng.uniform(-18, 18)), float(rng.uniform(-18, 18)))
    scenery.people(
        stage,
        lambda: tuple(_off(main, int(rng.integers(mid - 20, mid + 20)), float(rng.uniform(-4, 4)))),
        int(rng.integers(0, 8)),
    )
    scenery.horizon(stage, when, 90)

    def spot() -> Spot:
        if rng.random() < 0.6:
            return tuple(
                float(v)
                for v in _off(main, int(rng.integers(mid - 7, mid + 8)), float(rng.uniform(-width, width)) * 0.8)
            )
        return tuple(float(v) for v in rng.uniform(-14, 14, 2))

    return stage.finish("park", spot, main[mid - 12 : mid + 13 : 6])


def _pond(stage: Stage, radius: float) -> None:
    """A pond beside the camera's haunts, in a shallow rim of stones and reeds."""
    rng = stage.rng
    a = float(rng.uniform(-np.pi, np.pi))
    c = np.array([np.cos(a), np.sin(a)]) * (radius + float(rng.uniform(3.5, 9)))
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    r = radius * (1 + 0.14 * np.sin(2 * t + rng.uniform(0, 6)) + 0.08 * np.sin(3 * t + rng.uniform(0, 6)))
    rim = c + np.column_stack([r * np.cos(t), r * np.sin(t)])
    z = float(np.max(stage.ground(rim[:, 0], rim[:, 1]))) + 0.03
    stage.builder.prism(rim, float(stage.ground(*c)) - 2.0, z, palette.soil(rng), palette.water(rng))
    stage.occupy(float(c[0]), float(c[1]), radius, radius)
    stones = [vegetation.stone(rng, float(rng.uniform(0.3, 0.9)), 1) for _ in range(2)]
    edge = c + (rim - c) * rng.uniform(1.0, 1.08, (40, 1))
    z_edge = stage.ground(edge[:, 0], edge[:, 1])
    for k in np.flatnonzero(rng.random(40) < 0.6):
        stage.put(
            stones[k % 2],
            edge[k, 0],
            edge[k, 1],
            float(rng.uniform(-3, 3)),
            check=False,
            lift=max(0.0, z - 0.15 - float(z_edge[k])) * 0.6,
        )
    reed = vegetation.tuft(rng, 1.1, 12, palette.plain(palette.pick(rng, (0.1, 0.16, 0.05), (0.3, 0.27, 0.12))))
    for k in np.flatnonzero(rng.random(40) < 0.3):
        q = c + (rim[k] - c) * 0.95
        stage.put(reed, q[0], q[1], 0.0, check=False, lift=max(0.0, z - float(z_edge[k])))


def woods(rng: Rng) -> World:
    """Inside a forest, broadleaf, conifer or mixed, on uneven ground: trunks, undergrowth, logs, rocks, a path."""
    stage = Stage(rng, weather(rng), uneven(rng))
    when = scenery.season(rng)
    floor = palette.soil(rng) if rng.random() < 0.55 else palette.grass(rng)
    stage.terrain.draw(stage.builder, floor)
    kinds: tuple[tuple[str, ...], ...] = (
        ("spruce", "spruce", "fir"),
        ("pine", "birch"),
        ("oak", "round"),
        ("birch", "poplar", "round"),
        ("bare", "oak"),
        ("spruce", "oak", "bare"),
    )
    names = kinds[int(rng.integers(len(kinds)))]
    line = _path(rng, 50, 3.0)
    width = float(rng.uniform(0.4, 1.6))
    if rng.random() < 0.7:
        cover = palette.soil(rng) if rng.random() < 0.7 else palette.gravel(rng)
        stage.strip(line, width, width, cover, lift=0.04, step=1.0, across=5)
    stage.reserve(line[::2], width + 0.3)
    grove = vegetation.grove(rng, when, names, 3, 4)
    spacing = float(rng.uniform(3.2, 6.0))
    spots = scenery.jittered(rng, (-33, 33, -33, 33), spacing, 0.85, 0.45)
    scenery.plant(stage, grove, spots, 13, 7, 0.35, (0.55, 1.2))
    ring = scenery.jittered(rng, (-85, 85, -85, 85), 7.0, 0.9)
    ring = ring[np.abs(ring).max(1) > 34]
    stage.scatter([vegetation.tree(rng, n, when, 0.15) for n in names], ring, radius=0.3, occupy=False)
    under = [vegetation.bush(rng, when, float(rng.uniform(0.3, 1.2))) for _ in range(2)]
    stage.scatter(under, scenery.jittered(rng, (-18, 18, -18, 18), 4.5, float(rng.uniform(0, 0.5))), radius=0.6)
    stage.scatter(
        [vegetation.stone(rng, float(rng.uniform(0.3, 1.6)))],
        scenery.jittered(rng, (-20, 20, -20, 20), 6.0, float(rng.uniform(0, 0.4))),
        radius=0.5,
    )
    stage.scatter(
        [vegetation.log(rng, float(rng.uniform(2, 7)), float(rng.uniform(0.1, 0.35)))],
        rng.uniform(-14, 14, (int(rng.integers(0, 6)), 2)),
        radius=1.0,
    )
    fern = [vegetation.tuft(rng, float(rng.uniform(0.25, 0.7)), 8, palette.foliage(rng, "summer")) for _ in range(2)]
    stage.scatter(fern, rng.uniform(-9, 9, (int(rng.integers(0, 300)), 2)), radius=0.0, occupy=False)
    mid = len(line) // 2

    def spot() -> Spot:
        return tuple(float(v) for v in _off(line, int(rng.integers(mid - 4, mid + 5)), float(rng.uniform(-2.5, 2.5))))

    return stage.finish("woods", spot, line[mid - 10 : mid + 11 : 5])


def garden(rng: Rng) -> World:
    """A back garden of 6 to 25 m: house, terrace, lawn, beds, shed, fences, furniture."""
    stage = Stage(rng, weather(rng), usual(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng, float(rng.beta(1, 4))))
    half_x, back = float(rng.uniform(3.5, 11)), float(rng.uniform(6, 18))
    front = float(rng.uniform(2.5, 6))
    scenery.detached(stage, 0.0, front, 0.0)
    stage.strip(
        [[-half_x * 0.7, front - 1.6], [half_x * 0.7, front - 1.6]],
        1.5,
        1.5,
        palette.paving(rng) if rng.random() < 0.6 else palette.wood(rng),
        lift=0.03,
    )
    sort = str(rng.choice(["panels", "picket", "wall", "hedge", "mesh", "rails"]))
    corners = [(-half_x, front), (-half_x, -back), (half_x, -back), (half_x, front)]
    stuff = yard_things.fence_materials(rng, "panels" if sort == "hedge" else sort)
    for a, c in pairwise(corners):
        length = float(np.hypot(c[0] - a[0], c[1] - a[1]))
        if sort == "hedge":
            stage.put(
                vegetation.hedge(rng, length, float(rng.uniform(1.0, 2.2)), 0.7, when),
                *a,
                float(np.arctan2(c[1] - a[1], c[0] - a[0])),
                margin=-0.5,
                tilt=True,
            )
        else:
            yard_things.fence(stage, a, c, sort, materials=stuff)
    hut = vegetation.thing(lambda b: shed(b, rng))
    if rng.random() < 0.5:
        stage.put(hut, -half_x + 0.6, -back + 3.2, 0.0)
    for s in (-1, 1):
        beds = rng.uniform(
            [s * half_x - 0.9 * (s > 0) - 0.2, -back + 1], [s * half_x + 0.9 * (s < 0) + 0.2, front - 3.5], (14, 2)
        )
        stage.scatter(
            [vegetation.bush(rng, when, float(rng.uniform(0.3, 1.4)), rng.random() < 0.5) for _ in range(2)],
            beds,
            radius=0.3,
        )
    scenery.plant(
        stage,
        vegetation.grove(rng, when, ("young", "round", "fir"), 2, 2),
        rng.uniform([-half_x + 1, -back + 1], [half_x - 1, front - 4], (int(rng.integers(1, 6)), 2)),
        30,
        5,
        0.6,
        (0.6, 0.9),
    )
    makers = [
        lambda: street_furniture.cafe_set(rng),
        lambda: street_furniture.planter(rng, when),
        lambda: street_furniture.bench(rng),
        lambda: street_furniture.play(rng),
        lambda: street_furniture.person(rng),
        lambda: street_furniture.bin_(rng),
    ]
    inside = within(rng, (-half_x + 1, half_x - 1), (-back + 1, front - 1))
    scenery.clutter(stage, inside, int(rng.integers(1, 9)), makers)
    for k in range(6):
        turn = k * 1.05 + 0.4
        yaw = turn + np.pi / 2 if rng.random() < 0.5 else turn
        scenery.detached(stage, float(32 * np.cos(turn)), float(34 * np.sin(turn)), yaw)
    far = scenery.jittered(rng, (-60, 60, -60, 60), 9.0, 0.4)
    far = far[(np.abs(far[:, 0]) > half_x + 2) | (far[:, 1] < -back - 2)]
    scenery.plant(stage, vegetation.grove(rng, when, None, 1, 3), far, 20, 2, 1.5)
    scenery.meadow(stage, (-half_x, half_x, -back, front - 3), int(rng.integers(0, 200)), (0.04, 0.12))
    return stage.finish("garden", inside)


def playground(rng: Rng) -> World:
    """Play equipment on sand or lawn, fenced, with benches and trees; children."""
    stage = Stage(rng, weather(rng), usual(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng))
    size = float(rng.uniform(8, 18))
    for k in range(3):
        c = rng.uniform(-size * 0.6, size * 0.6, 2)
        stage.strip(
            [[c[0] - 4, c[1]], [c[0] + 4, c[1]]],
            3.2,
            3.2,
            [palette.sand, palette.gravel, lambda r: palette.bright(r, 0.0)][k](rng),
            lift=0.02 + 0.005 * k,
            across=4,
        )
    inside = within(rng, (-size, size), (-size, size))
    for _ in range(int(rng.integers(4, 10))):
        x, y = inside()[:2]
        stage.put(street_furniture.play(rng), x, y, float(rng.uniform(-3, 3)), margin=0.8)
    around = [
        (-size - 2, -size - 2),
        (size + 2, -size - 2),
        (size + 2, size + 2),
        (-size - 2, size + 2),
        (-size - 2, -size - 2),
    ]
    kind = str(rng.choice(["mesh", "picket", "iron"]))
    for p, q in pairwise(around):
        if rng.random() < 0.8:
            yard_things.fence(stage, p, q, kind)
    scenery.clutter(stage, inside, 6, [lambda: street_furniture.bench(rng), lambda: street_furniture.bin_(rng)])
    scenery.people(stage, inside, int(rng.integers(0, 8)))
    spots = scenery.jittered(rng, (-60, 60, -60, 60), 8.0, 0.6)
    scenery.plant(stage, vegetation.grove(rng, when, None, 2, 3), spots[np.abs(spots).max(1) > size + 3], 26, 5, 1.0)
    scenery.town_ring(stage, size + 28, int(rng.integers(4, 14)), (6, 30))
    return stage.finish("playground", inside)


def orchard(rng: Rng) -> World:
    """Rows of fruit trees or olives on grass or soil; crates, ladders, a track."""
    stage = Stage(rng, weather(rng), uneven(rng, 0.5) if rng.random() < 0.6 else usual(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng) if rng.random() < 0.7 else palette.soil(rng))
    step, row = float(rng.uniform(2.5, 5.5)), float(rng.uniform(3.5, 7.0))
    species = "olive" if rng.random() < 0.3 else "young" if rng.random() < 0.5 else "round"
    size = (0.9, 1.15) if species != "round" else (0.45, 0.65)
    height = 3.5 if species == "young" else None
    near, far, away = ([vegetation.tree(rng, species, when, d, height) for _ in range(3)] for d in (0.9, 0.3, 0.12))
    x, y = np.meshgrid(np.arange(-40, 40, step), np.arange(-32, 32, row) + row / 2)
    spots = np.column_stack([x.ravel(), y.ravel()]) + rng.normal(scale=0.12, size=(x.size, 2))
    scenery.plant(stage, (near, far, away), spots[rng.random(len(spots)) < 0.95], 13, 8, 0.3, size)
    if rng.random() < 0.4:
        stripe = palette.soil(rng)
        for yy in np.arange(-60, 60, row):
            stage.strip([[-70, yy + row / 2], [70, yy + row / 2]], 0.6, 0.6, stripe, lift=0.03, across=3)
    scenery.clutter(
        stage,
        lambda: (float(rng.uniform(-14, 14)), float(rng.uniform(-14, 14))),
        int(rng.integers(0, 7)),
        [lambda: yard_things.pallet_load(rng), lambda: yard_things.bale(rng), lambda: street_furniture.person(rng)],
    )
    scenery.meadow(stage, (-6, 6, -6, 6), int(rng.integers(0, 260)))
    scenery.horizon(stage, when, 120)

    def spot() -> Spot:
        return (float(rng.uniform(-6, 6)), float(rng.integers(-1, 2)) * row + float(rng.uniform(-0.3, 0.3)) * row)

    return stage.finish("orchard", spot, [[-14, 0.0], [0, 0.1], [14, 0.0]])


def avenue(rng: Rng) -> World:
    """A country road or promenade between two rows of trees, fields beyond."""
    stage = Stage(rng, weather(rng), usual(rng, 0.5))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng))
    half = float(rng.uniform(1.8, 4.2))
    cover = [palette.asphalt, palette.gravel, palette.soil][int(rng.integers(3))](rng)
    if cover.pattern.name == "ASPHALT" and rng.random() < 0.6:
        cover = palette.lanes(rng, cover, half)
    stage.strip([[-150, 0], [150, 0]], half, half, cover, lift=0.03, across=6)
    step = float(rng.uniform(5, 12))
    names = ("poplar",) if rng.random() < 0.3 else tuple(rng.choice(vegetation.SPECIES, 1))
    grove = vegetation.grove(rng, when, names, 1, 2)
    x = np.arange(-120, 120, step)
    off = half + float(rng.uniform(0.8, 2.5))
    both = np.concatenate([np.column_stack([x, np.full(len(x), s * off)]) for s in (-1, 1)])
    scenery.plant(stage, grove, both, 20, 6, 0.3, (0.8, 1.1))
    cars = scenery.garage(rng, 2, stage.weather.lamps)
    for _ in range(int(rng.integers(0, 3))):
        stage.put(
            cars[int(rng.integers(3))], float(rng.uniform(8, 50)), float(rng.choice([-0.5, 0.5])) * half, 0.0, tilt=True
        )
    for s in (-1, 1):
        if rng.random() < 0.5:
            yard_things.fence(
                stage, (-50, s * (off + 2)), (50, s * (off + 2)), str(rng.choice(["rails", "wire", "wall"]))
            )
    if rng.random() < 0.4:
        yard_things.pole_line(stage, [[k, off + 4] for k in np.arange(-150, 151, 37.0)])
    scenery.meadow(stage, (-6, 6, -off - 4, -half), int(rng.integers(0, 200)))
    scenery.people(
        stage, lambda: (float(rng.uniform(-25, 25)), float(rng.uniform(-half, half))), int(rng.integers(0, 4))
    )
    scenery.horizon(stage, when, 150)
    return stage.finish(
        "avenue",
        lambda: (float(rng.uniform(-15, 15)), float(rng.uniform(-off - 1, off + 1))),
        [[-14, 0.4], [0, -0.4], [14, 0.4]],
    )
