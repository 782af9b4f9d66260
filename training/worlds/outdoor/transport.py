"""Parking lots, railways, filling stations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.materials import Material, Pattern
from training.worlds.outdoor import (
    buildings,
    facade,
    machines,
    palette,
    scenery,
    street_furniture,
    vegetation,
    yard_things,
)
from training.worlds.outdoor.shapes import rectangle, tube
from training.worlds.outdoor.stage import Spot, Stage, Thing, within
from training.worlds.outdoor.terrain import usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def parking_lot(rng: Rng) -> World:
    """Rows of bays with cars, marks, islands with trees, lamps; a store or towers beside it."""
    stage = Stage(rng, weather(rng), usual(rng, 0.0))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.asphalt(rng, stage.weather.wet))
    cars = scenery.garage(rng, 7, False)
    white = palette.plain(palette.shade(rng, (0.66, 0.66, 0.63)))
    aisle, bay, fill = float(rng.uniform(5.5, 7.5)), float(rng.uniform(2.4, 2.7)), float(rng.uniform(0.15, 0.95))
    pitch, long = 10.4 + aisle, float(rng.uniform(28, 60))
    trees = rng.random() < 0.5
    grove = vegetation.grove(rng, when, ("young", "round"), 1, 2)
    for k in range(-2, 3):
        y = k * pitch + aisle / 2 + 5.2
        for s in (-1, 1):
            scenery.park(stage, cars, (-long, y + s * 2.6), (long, y + s * 2.6), bay, fill, np.pi / 2)
            _bay_marks(stage, np.arange(-min(long, 42.0), min(long, 42.0) + 0.1, bay), y, y + s * 5.0, white)
        if trees and k % 2:
            scenery.plant(stage, grove, [[x, y] for x in np.arange(-long, long, 9.0)], 20, 3, 0.2, (0.7, 1.0))
    scenery.lamps(
        stage, [[x, pitch * k + aisle / 2 + 5.2] for k in (-1, 0) for x in np.arange(-long, long + 1, 24.0)], 1.57, 8.0
    )
    u = rng.random()
    edge = 2.6 * pitch
    if u < 0.5:
        h = float(rng.uniform(6, 12))
        stage.builder.box((0.1, 0.1, 0.1), white, (0, edge, -2.0))
        with stage.builder.at((-35, edge, float(stage.ground(0, edge)))):
            buildings.hall(stage.builder, rng, 70, 40, h)
            sign = Material(
                palette.bright(rng).colour,
                (0.7, 0.7, 0.68),
                Pattern.POSTER_TEXT,
                (16, 2.5),
                0.3,
                0.0,
                1.0 if stage.weather.lamps else 0.0,
            )
            stage.builder.box((16, 0.3, 2.5), sign, (35, -0.2, h - 1.2))
        stage.occupy(0, edge + 20, 35, 20)
    else:
        scenery.town_ring(stage, edge, int(rng.integers(5, 16)), (8, 45))
    cart = vegetation.thing(lambda b: b.box((0.9, 0.5, 0.55), palette.metal(rng), (0, 0, 0.7)))

    def inside() -> Spot:
        return (
            float(rng.uniform(-20, 20)),
            float(rng.integers(-1, 2)) * pitch + float(rng.uniform(-aisle / 2, aisle / 2)),
        )

    scenery.clutter(
        stage,
        inside,
        int(rng.integers(0, 6)),
        [lambda: cart, lambda: yard_things.cone(rng), lambda: street_furniture.sign(rng)],
    )
    scenery.people(stage, inside, int(rng.integers(0, 6)))
    scenery.horizon(stage, when, 120)
    return stage.finish("parking_lot", inside, [[-16, 0.2], [0, -0.3], [16, 0.2]])


def _bay_marks(stage: Stage, x: NDArray[np.float64], y0: float, y1: float, paint: Material) -> None:
    """Lines across a row of bays at x (K,), all in one call."""
    y = np.linspace(y0, y1, 4)
    gx, gy = x[:, None, None] + np.array([-0.06, 0.06]), y[None, :, None]
    gx, gy = np.broadcast_arrays(gx, gy)
    vertices = np.column_stack([gx.ravel(), gy.ravel(), stage.ground(gx, gy).ravel() + 0.012])
    cell = np.array([[0, 1, 3], [0, 3, 2]])[None] + 2 * np.arange(3)[:, None, None]
    faces = cell.reshape(1, -1, 3) + 8 * np.arange(len(x))[:, None, None]
    stage.builder.triangles(vertices, faces.reshape(-1, 3), paint, vertices[:, :2])


def railway(rng: Rng) -> World:
    """A station platform or a line-side path: tracks on ballast, trains, masts with wires, shelters, fences."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng) if rng.random() < 0.6 else palette.gravel(rng))
    b = stage.builder
    tracks = int(rng.integers(1, 5))
    length, gauge, spacing = 160.0, 1.435, 4.5
    ballast, sleeper, steel = palette.gravel(rng, 0.06), palette.concrete(rng), palette.plain((0.16, 0.12, 0.1), 0.35)
    y_tracks = [2.2 + spacing * k for k in range(tracks)]
    wide = spacing * tracks
    b.box((2 * length, wide, 0.3), ballast, (0, 2.2 + wide / 2 - spacing / 2, 0.1))
    xs = np.arange(-75, 75, 0.62)
    for y in y_tracks:
        b.boxes(np.column_stack([xs, np.full(len(xs), y), np.full(len(xs), 0.27)]), (0.24, 2.5, 0.08), sleeper)
        for s in (-1, 1):
            b.box((2 * length, 0.07, 0.16), steel, (0, y + s * gauge / 2, 0.38))
    platform = rng.random() < 0.65
    top = 0.25 + float(rng.uniform(0.3, 0.75)) if platform else 0.0
    deep = float(rng.uniform(3, 9)) if platform else 3.0
    if platform:
        b.box((110, deep, top), palette.concrete(rng), (0, 0.35 - deep / 2, top / 2), {"z+": palette.paving(rng)})
        line = palette.plain((0.65, 0.64, 0.58))
        b.quad(
            [[-55, -0.55, top + 0.01], [55, -0.55, top + 0.01], [55, -0.45, top + 0.01], [-55, -0.45, top + 0.01]], line
        )
        if rng.random() < 0.6:
            roof_z = top + float(rng.uniform(3.0, 4.5))
            span = float(rng.uniform(14, 40))
            b.box((2 * span, deep - 0.5, 0.25), palette.metal(rng), (0, -deep / 2, roof_z))
            for x in np.arange(-span + 2, span, 6.0):
                b.box((0.25, 0.25, roof_z), palette.metal(rng), (x, -deep / 2 - 0.4, roof_z / 2))
                stage.occupy(float(x), -deep / 2 - 0.4, 0.13, 0.13)
        if rng.random() < 0.6:
            scenery.row_of_houses(stage, -22, 18, -deep - 0.2, -1, (1, 2), ["door", "windows"], (8, 10), 40.0, 0.1)
    else:
        stage.strip([[-80, -1.5], [80, -1.5]], 1.0, 1.0, palette.gravel(rng), lift=0.02)
        yard_things.fence(stage, (-60, -3.4), (60, -3.4), "mesh")
    stage.occupy(0.0, 2.2 + wide / 2 - spacing / 2, length, wide / 2 + 0.1)
    if rng.random() < 0.65:
        cars = [machines.wagon(rng, rng.random() < 0.6) for _ in range(2)]
        y, x = y_tracks[int(rng.integers(tracks))], float(rng.uniform(-90, -10))
        for _ in range(int(rng.integers(1, 7))):
            m = cars[int(rng.integers(2))]
            half = float(np.ptp(m.vertices[:, 0])) / 2
            with b.at((x + half, y, 0.46)):
                b.instances(m, np.eye(4)[None])
            x += 2 * half + 1.0
    if rng.random() < 0.6:
        mast = palette.metal(rng)
        for x in np.arange(-120, 121, 40.0):
            y = 2.2 + wide - 1.4
            tube(b, [[x, y, 0], [x, y, 7.5]], 0.14, mast, 6)
            tube(b, [[x, y, 6.8], [x, y_tracks[0], 6.3]], 0.05, mast, 4)
            tube(b, [[x, y, 5.6], [x, y_tracks[0], 6.2]], 0.03, mast, 4)
        for y in y_tracks:
            tube(b, [[-150, y, 5.5], [150, y, 5.5]], 0.012, palette.plain((0.02, 0.02, 0.02)), 3)
    floor = top
    waiting = within(rng, (-25, 25), (-deep + 0.8, -1.0))
    if platform:
        makers = [
            lambda: street_furniture.bench(rng),
            lambda: street_furniture.bin_(rng),
            lambda: street_furniture.kiosk(rng),
            lambda: street_furniture.sign(rng),
        ]
        scenery.clutter(stage, waiting, int(rng.integers(2, 12)), makers, top)
        figures = [street_furniture.person(rng) for _ in range(3)]
        for k in range(int(rng.integers(0, 9))):
            x, y = waiting()[:2]
            stage.put(figures[k % 3], x, y, float(rng.uniform(-3, 3)), lift=top)
    spots = scenery.jittered(rng, (-90, 90, -70, 80), 9.0, 0.35)
    spots = spots[(spots[:, 1] < -deep - 4) | (spots[:, 1] > wide + 6)]
    scenery.plant(stage, vegetation.grove(rng, when, None, 1, 3), spots, 25, 3, 1.0)
    scenery.town_ring(stage, 55, int(rng.integers(0, 12)), (5, 25), None)
    scenery.horizon(stage, when, 120)

    def spot() -> Spot:
        x, y = waiting()
        return x, y, floor

    walk = [[-14, -0.5 * deep, floor], [0, -0.5 * deep, floor], [14, -0.5 * deep, floor]]
    return stage.finish("railway", spot, walk)


def filling_station(rng: Rng) -> World:
    """Pumps under a canopy, a shop, a car wash, signs; road and surroundings."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng))
    b = stage.builder
    ground = palette.concrete(rng, 4.0) if rng.random() < 0.5 else palette.asphalt(rng, stage.weather.wet)
    stage.strip([[-26, 0], [26, 0]], 18, 16, ground, lift=0.02)
    stage.strip([[-140, -20], [140, -20]], 4, 4, palette.lanes(rng, palette.asphalt(rng), 4.0), lift=0.025)
    brand, white = palette.bright(rng), palette.plain((0.66, 0.66, 0.65))
    high, wide, deep = float(rng.uniform(4.4, 6.0)), float(rng.uniform(12, 26)), float(rng.uniform(8, 13))
    under = palette.glowing((0.95, 0.97, 1.0), 2.0) if stage.weather.lamps else white
    b.box((wide, deep, 0.9), brand, (0, 0, high + 0.45), {"z-": white})
    for x in np.arange(-wide / 2 + 3, wide / 2 - 1, 5.0):
        for y in (-deep / 4, deep / 4):
            b.box((1.2, 1.2, 0.04), under, (x, y, high - 0.03))
            if stage.weather.lamps:
                stage.light((x, y, high - 0.25), (28, 28, 29), 0.2)
            b.box((3.6, 1.2, 0.16), palette.concrete(rng), (x, y, 0.08))
            b.box((0.4, 0.4, high), white, (x - 1.2, y, high / 2))
            b.box(
                (0.9, 0.5, 1.9),
                brand,
                (x + 0.4, y, 1.1),
                {"y-": Material((0.6, 0.6, 0.6), (0.05, 0.05, 0.05), Pattern.SCREEN, (0.9, 0.9))},
            )
            stage.occupy(x, y, 1.8, 0.6)
    style = facade.look(rng, 0.0, True)
    with b.at((-9, deep / 2 + 6, 0)):
        bays = int(rng.integers(4, 8))
        h = facade.front(b, rng, style, bays, 1, "shop", stage.weather.lamps)
        b.prism(
            rectangle(bays * style.bay, 8.0, 0.02),
            0,
            h,
            style.wall,
            palette.concrete(rng),
        )
        b.box((bays * style.bay + 0.4, 8.6, 0.5), brand, (bays * style.bay / 2, 4, h))
    stage.occupy(-9 + bays * style.bay / 2, deep / 2 + 10, bays * style.bay / 2, 4.0)
    tube(b, [[wide / 2 + 5, -12, 0], [wide / 2 + 5, -12, 7]], 0.2, white, 8)
    b.box(
        (2.4, 0.3, 3.2),
        Material(
            brand.colour,
            (0.7, 0.7, 0.68),
            Pattern.POSTER_TEXT,
            (2.4, 0.8),
            0.3,
            0.0,
            1.0 if stage.weather.lamps else 0.0,
        ),
        (wide / 2 + 5, -12, 5.6),
    )
    cars = [*scenery.garage(rng, 4, False), Thing(machines.truck(rng))]
    for _ in range(int(rng.integers(2, 9))):
        stage.put(
            cars[int(rng.integers(len(cars)))],
            float(rng.uniform(-wide / 2, wide / 2)),
            float(rng.choice([-1, 1])) * float(rng.uniform(1.9, deep / 2 + 3)),
            float(rng.choice([0, np.pi])),
            margin=0.4,
        )
    area = within(rng, (-18, 18), (-14, 12))
    scenery.clutter(
        stage,
        area,
        int(rng.integers(1, 8)),
        [
            lambda: street_furniture.bin_(rng),
            lambda: street_furniture.sign(rng),
            lambda: yard_things.cone(rng),
            lambda: street_furniture.person(rng),
        ],
    )
    scenery.plant(
        stage, vegetation.grove(rng, when, None, 1, 3), scenery.jittered(rng, (-80, 80, 26, 90), 9.0, 0.5), 30, 3, 1.0
    )
    scenery.town_ring(stage, 60, int(rng.integers(0, 10)), (5, 18))
    scenery.horizon(stage, when, 120)
    return stage.finish("filling_station", area)
