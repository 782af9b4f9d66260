"""Squares, courtyards, campuses and markets."""

from __future__ import annotations

import numpy as np

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import (
    buildings,
    facade,
    palette,
    scenery,
    street_furniture,
    vegetation,
    vehicles,
    yard_things,
)
from training.worlds.outdoor.shapes import rectangle
from training.worlds.outdoor.stage import Spot, Stage, Thing, within
from training.worlds.outdoor.terrain import usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def _frame_of_houses(
    stage: Stage, half_x: float, half_y: float, floors: tuple[int, int], open_share: float = 0.15
) -> None:
    """Fronts on the four sides of a rectangle, facing in."""
    rng = stage.rng
    lit = scenery.lit_share(stage)
    for k, (reach, off) in enumerate(((half_x, half_y), (half_y, half_x), (half_x, half_y), (half_y, half_x))):
        if rng.random() < open_share:
            scenery.block(stage, *_turn(k, 0.0, off + 45.0), 40.0, 12.0, float(rng.uniform(6, 18)), k * np.pi / 2)
            continue
        x = -reach
        while x < reach - 5.0:
            if rng.random() < 0.06:
                x += float(rng.uniform(3, 8))
                continue
            bays, storeys = int(rng.integers(3, 8)), int(rng.integers(floors[0], floors[1] + 1))
            deep = float(rng.uniform(8, 13))
            kind = str(rng.choice(["shop", "shop", "door", "windows"]))
            town_house = MeshBuilder()
            width, _ = buildings.town_house(town_house, rng, bays, storeys, deep, kind, lit, below=4.0)
            px, py = _turn(k, x, off)
            mx, my = _turn(k, x + width / 2, off + deep / 2)
            with stage.builder.at((px, py, float(stage.ground(px, py))), yaw=k * np.pi / 2):
                stage.builder.instances(town_house.build(), np.eye(4)[None])
            stage.occupy(mx, my, width / 2, deep / 2, k * np.pi / 2)
            x += width


def _turn(k: int, x: float, y: float) -> tuple[float, float]:
    """(x, y) turned by k quarter turns."""
    for _ in range(k % 4):
        x, y = -y, x
    return x, y


def plaza(rng: Rng) -> World:
    """A paved square of 25 to 90 m with fountain or monument, steps, trees, cafes, stalls, people."""
    stage = Stage(rng, weather(rng), usual(rng, 0.0) if rng.random() < 0.4 else None)
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.paving(rng, stage.weather.wet))
    half_x, half_y = float(rng.uniform(12, 45)), float(rng.uniform(12, 40))
    _frame_of_houses(stage, half_x, half_y, (2, 4) if rng.random() < 0.5 else (3, 6))
    centre = rng.uniform(-0.4, 0.4, 2) * [half_x, half_y]
    u = rng.random()
    if u < 0.4:
        stage.put(street_furniture.fountain(rng, float(rng.uniform(1.6, 5.0))), centre[0], centre[1])
    elif u < 0.7:
        stage.put(street_furniture.statue(rng), centre[0], centre[1])
    if rng.random() < 0.4:
        _steps(stage, float(rng.uniform(-0.5, 0.5)) * half_x, half_y * 0.55)
    if rng.random() < 0.5:
        border = palette.paving(rng)
        for y in np.arange(-half_y + 4, half_y - 3, float(rng.uniform(4, 9))):
            stage.strip([[-half_x + 1, y], [half_x - 1, y]], 0.25, 0.25, border, lift=0.012)
    if rng.random() < 0.7:
        grove = vegetation.grove(rng, when, None, 1, 2)
        step = float(rng.uniform(6, 10))
        xs = np.arange(-half_x + 4, half_x - 3, step)
        rows = [np.column_stack([xs, np.full(len(xs), s * (half_y - 4.5))]) for s in (-1, 1)]
        scenery.plant(stage, grove, np.concatenate(rows), 26, 5, 0.4, (0.6, 1.0))
    area = within(rng, (-half_x + 2, half_x - 2), (-half_y + 2, half_y - 2))
    scenery.lamps(stage, [area() for _ in range(8)], 0.0, float(rng.choice([3.5, 4.5])))
    makers = street_furniture.furniture(rng, when)
    if rng.random() < 0.35:
        makers = [lambda: street_furniture.kiosk(rng), *makers]
    scenery.clutter(stage, area, int(rng.integers(4, 30)), makers)
    if rng.random() < 0.3:
        scenery.park(
            stage, scenery.garage(rng, 3), (-half_x + 3, -half_y + 4), (half_x - 3, -half_y + 4), 2.7, 0.6, np.pi / 2
        )
    scenery.people(stage, area, int(rng.integers(0, 18)))

    def spot() -> Spot:
        return float(rng.uniform(-0.7, 0.7) * half_x), float(rng.uniform(-0.7, 0.7) * half_y)

    return stage.finish(
        "plaza", spot, [[-0.6 * half_x, -0.4 * half_y], [-0.2 * half_x, 0.3 * half_y], [0.5 * half_x, 0.35 * half_y]]
    )


def _steps(stage: Stage, x: float, y: float) -> None:
    """A flight of steps up to a low terrace or to a portal."""
    rng = stage.rng
    count, wide, tread, rise = (
        int(rng.integers(3, 12)),
        float(rng.uniform(4, 14)),
        float(rng.uniform(0.3, 0.45)),
        float(rng.uniform(0.13, 0.17)),
    )
    stone, z = palette.ashlar(rng), float(stage.ground(x, y))
    for k in range(count):
        deep = (count - k) * tread * 2
        stage.builder.box((wide - 2 * k * tread, deep, rise), stone, (x, y, z + (k + 0.5) * rise))
    stage.occupy(x, y, wide / 2, count * tread)


def market(rng: Rng) -> World:
    """Rows of stalls with goods under cloth roofs, on a square or street."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    stage.terrain.draw(
        stage.builder, palette.paving(rng, stage.weather.wet) if rng.random() < 0.8 else palette.gravel(rng)
    )
    half_x, half_y = float(rng.uniform(18, 35)), float(rng.uniform(10, 24))
    _frame_of_houses(stage, half_x, half_y, (2, 4), 0.3)
    stalls = [_stall(rng) for _ in range(5)]
    aisle = float(rng.uniform(2.2, 4.0))
    for row, y in enumerate(np.arange(-half_y + 5, half_y - 4, 2.0 + aisle / 2)):
        yaw = 0.0 if row % 2 else np.pi
        for x in np.arange(-half_x + 4, half_x - 3, 3.4):
            if rng.random() < 0.8:
                stage.put(
                    stalls[int(rng.integers(5))],
                    x + rng.normal(scale=0.1),
                    y + (0 if row % 2 else -aisle / 2 + 1.1),
                    yaw,
                    margin=0.02,
                )
    area = within(rng, (-half_x + 2, half_x - 2), (-half_y + 2, half_y - 2))
    scenery.people(stage, area, int(rng.integers(3, 25)))
    scenery.clutter(
        stage,
        area,
        8,
        [
            lambda: street_furniture.bin_(rng),
            lambda: yard_things.pallet_load(rng),
            lambda: street_furniture.cafe_set(rng),
        ],
    )
    if stage.weather.lamps:
        for _ in range(14):
            x, y = area()
            stage.builder.sphere(0.09, palette.glowing((1.0, 0.8, 0.5), 12.0), (x, y, 2.9), rings=4, segments=6)
            stage.light((x, y, 2.75), (9, 7, 4.5), 0.06)
    del when
    return stage.finish(
        "market", lambda: (float(rng.uniform(-0.7, 0.7) * half_x), float(rng.uniform(-0.7, 0.7) * half_y))
    )


def _stall(rng: Rng) -> Thing:
    """A stall 3 x 2 m with crates of goods."""
    cloth = (
        Material(palette.bright(rng).colour, (0.65, 0.63, 0.6), Pattern.STRIPES, (0.5, 1.0))
        if rng.random() < 0.6
        else palette.bright(rng)
    )
    flat = rng.random() < 0.4

    def draw(b: MeshBuilder) -> None:
        post = palette.metal(rng)
        b.boxes([[x, y, 1.15] for x in (-1.4, 1.4) for y in (-0.9, 0.9)], (0.05, 0.05, 2.3), post)
        if flat:
            b.quad([[-1.6, -1.3, 2.15], [1.6, -1.3, 2.15], [1.6, 1.1, 2.45], [-1.6, 1.1, 2.45]], cloth)
        else:
            for y in (-1.3, 1.3):
                b.quad([[-1.6, y, 2.1], [1.6, y, 2.1], [1.6, 0, 2.75], [-1.6, 0, 2.75]], cloth)
        b.box((2.8, 0.9, 0.06), palette.wood(rng), (0, -0.45, 0.82))
        b.box((2.8, 0.03, 0.75), cloth, (0, -0.9, 0.42))
        if rng.random() < 0.6:
            b.box((2.8, 0.04, 2.0), cloth, (0, 0.9, 1.1))
        goods = Material(palette.bright(rng).colour, palette.bright(rng).colour, Pattern.DOTS, (0.09, 0.09), 0.6)
        for x in np.arange(-1.15, 1.2, 0.47):
            m = (
                goods
                if rng.random() < 0.5
                else Material(palette.bright(rng).colour, (0.1, 0.08, 0.05), Pattern.PACKAGES, (0.15, 0.15))
            )
            b.box((0.42, 0.7, 0.16), palette.wood(rng) if rng.random() < 0.5 else m, (x, -0.45, 0.93), {"z+": m})

    return vegetation.thing(draw, 1.5)


def courtyard(rng: Rng) -> World:
    """An inner court of 6 to 22 m between house walls: trees, bicycles, bins, cars, steps, galleries."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    half_x, half_y = float(rng.uniform(3.5, 12)), float(rng.uniform(3.5, 11))
    floor = [palette.paving, palette.gravel, palette.concrete, palette.grass][
        int(rng.choice(4, p=[0.5, 0.2, 0.15, 0.15]))
    ](rng)
    stage.terrain.draw(stage.builder, floor)
    _frame_of_houses(stage, half_x, half_y, (2, 6), 0.06)
    if rng.random() < 0.35:
        _colonnade(stage, half_x, half_y)
    if rng.random() < 0.7:
        grove = vegetation.grove(rng, when, None, 2, 1)
        scenery.plant(
            stage,
            grove,
            rng.uniform([-half_x + 2, -half_y + 2], [half_x - 2, half_y - 2], (int(rng.integers(1, 4)), 2)),
            30,
            4,
            0.6,
            (0.5, 0.9),
        )
    if rng.random() < 0.3:
        stage.put(street_furniture.fountain(rng, float(rng.uniform(0.8, 1.6))), 0.0, 0.0)

    def edge() -> Spot:
        return _edge(rng, half_x - 0.9, half_y - 0.9)

    bikes = [Thing(vehicles.bicycle(rng)), Thing(vehicles.motorbike(rng))]
    makers = [
        *street_furniture.furniture(rng, when),
        lambda: bikes[0],
        lambda: bikes[1],
        lambda: street_furniture.bin_(rng),
        lambda: street_furniture.planter(rng, when),
    ]
    scenery.clutter(stage, edge, int(rng.integers(3, 16)), makers)
    if min(half_x, half_y) > 6 and rng.random() < 0.4:
        scenery.park(
            stage, scenery.garage(rng, 2), (-half_x + 1, half_y - 3), (half_x - 1, half_y - 3), 2.7, 0.5, np.pi / 2
        )
    if stage.weather.lamps:
        for k in range(4):
            x, y = _turn(k, 0.0, (half_y if k % 2 == 0 else half_x) - 0.15)
            stage.builder.box((0.25, 0.25, 0.3), palette.glowing((1.0, 0.78, 0.5), 9.0), (x, y, 2.7))
            stage.light((0.9 * x, 0.9 * y, 2.6), (10, 8, 5), 0.08)
    return stage.finish(
        "courtyard", lambda: (float(rng.uniform(-1, 1) * (half_x - 0.8)), float(rng.uniform(-1, 1) * (half_y - 0.8)))
    )


def _edge(rng: Rng, x: float, y: float) -> Spot:
    """A point near the rim of a rectangle."""
    if rng.random() < x / (x + y):
        return float(rng.uniform(-x, x)), float(rng.choice([-1, 1])) * y
    return float(rng.choice([-1, 1])) * x, float(rng.uniform(-y, y))


def _colonnade(stage: Stage, half_x: float, half_y: float) -> None:
    """A gallery of columns before two of the sides."""
    rng = stage.rng
    stone = palette.ashlar(rng)
    tall, off = float(rng.uniform(2.8, 4.2)), float(rng.uniform(1.8, 3.0))
    column = vegetation.thing(
        lambda b: b.lathe(
            np.array([[0.3, 0], [0.3, 0.2], [0.2, 0.3], [0.17, tall - 0.3], [0.28, tall - 0.15], [0.28, tall]]),
            stone,
            12,
        )
    )
    for s in (-1, 1):
        y = s * (half_y - off)
        for x in np.arange(-half_x + 0.5, half_x, 2.6):
            stage.put(column, float(x), y, margin=0.0)
        stage.builder.box((2 * half_x, off + 0.3, 0.35), stone, (0, s * (half_y - off / 2), tall + 0.17))


def campus(rng: Rng) -> World:
    """Lawns and paths between large buildings: trees, benches, lamps, bicycles, people, steps."""
    stage = Stage(rng, weather(rng), usual(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng, float(rng.beta(1, 4))))
    stone = palette.paving(rng, stage.weather.wet)
    width = float(rng.uniform(1.2, 3.2))
    paths = [np.array([[-90.0, 0.0], [90.0, 0.0]])]
    starts = rng.uniform(-30, 30, int(rng.integers(1, 4)))
    paths += [np.array([[x, 0.0], [x + rng.uniform(-15, 15), 45.0 * rng.choice([-1, 1])]]) for x in starts]
    for p in paths:
        stage.strip(p, width, width, stone, lift=0.03, across=4)
        stage.reserve(p, width + 0.2)
    for _ in range(int(rng.integers(3, 7))):
        a, r = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(26, 60))
        x, y, yaw = r * np.cos(a), r * np.sin(a), float(rng.integers(4)) * np.pi / 2
        if not stage.taken.clear(x, y, 24, 24):
            continue
        if rng.random() < 0.45:
            scenery.tower_block(stage, x, y, yaw)
        else:
            style = facade.look(rng, scenery.lit_share(stage))
            bays, storeys, deep = int(rng.integers(6, 14)), int(rng.integers(2, 5)), 14.0
            z = float(stage.ground(x, y))
            with stage.builder.at((x, y, z), yaw=yaw):
                h = facade.front(stage.builder, rng, style, bays, storeys, "door", stage.weather.lamps)
                w = bays * style.bay
                side = palette.facade(rng, style.wall, style.bay, style.storey)
                stage.builder.prism(rectangle(w, deep), -4.0, 0.0, palette.concrete(rng))
                stage.builder.prism(rectangle(w, deep, 0.02), 0.0, h, side, palette.concrete(rng))
                stage.builder.box((w + 0.6, deep + 0.6, 0.4), style.frame, (w / 2, deep / 2, h + 0.2))
            c, s = np.cos(yaw), np.sin(yaw)
            stage.occupy(x + c * w / 2 - s * deep / 2, y + s * w / 2 + c * deep / 2, w / 2, deep / 2, yaw)
    grove = vegetation.grove(rng, when, None, 2, 3)
    scenery.plant(
        stage, grove, scenery.jittered(rng, (-70, 70, -60, 60), 9.0, float(rng.uniform(0.1, 0.5))), 24, 5, 1.2
    )
    scenery.lamps(stage, [[x, width + 0.6] for x in np.arange(-45, 46, 15.0)], -np.pi / 2, 4.5)
    bike = Thing(vehicles.bicycle(rng))
    for x in np.arange(-4, 4, 0.7):
        if rng.random() < 0.4:
            stage.put(bike, 12.0 + x, width + 1.6, np.pi / 2 + rng.normal(scale=0.1), margin=0.02)

    def near() -> Spot:
        return (float(rng.uniform(-30, 30)), float(rng.choice([-1, 1])) * (width + 0.9))

    scenery.clutter(
        stage,
        near,
        int(rng.integers(2, 10)),
        [lambda: street_furniture.bench(rng), lambda: street_furniture.bin_(rng), lambda: street_furniture.statue(rng)],
    )
    scenery.people(stage, lambda: (float(rng.uniform(-30, 30)), float(rng.uniform(-8, 8))), int(rng.integers(0, 10)))
    scenery.horizon(stage, when, 100)

    def spot() -> Spot:
        if rng.random() < 0.6:
            return float(rng.uniform(-25, 25)), float(rng.uniform(-width, width))
        return float(rng.uniform(-25, 25)), float(rng.uniform(-20, 20))

    return stage.finish("campus", spot, [[-18, 0.3], [0, -0.3], [18, 0.2]])
