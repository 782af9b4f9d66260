"""Quays and canal sides; roofs over a town."""

from __future__ import annotations

import numpy as np

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
from training.worlds.outdoor.bridges import railing
from training.worlds.outdoor.shapes import tube
from training.worlds.outdoor.stage import Stage, Thing, within
from training.worlds.outdoor.terrain import EXTENT_M
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def waterfront(rng: Rng) -> World:
    """A quay or canal side: mooring posts, boats, railings, warehouses or town houses, cranes, water."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    b, e = stage.builder, EXTENT_M
    drop, across = float(rng.uniform(0.6, 3.0)), float(rng.choice([12.0, 25.0, 60.0, 250.0]))
    quay = palette.paving(rng, stage.weather.wet) if rng.random() < 0.7 else palette.concrete(rng)
    stone = palette.ashlar(rng)
    b.quad([[-e, -e, 0], [e, -e, 0], [e, 0, 0], [-e, 0, 0]], quay)
    b.quad([[-e, 0, -drop - 1], [e, 0, -drop - 1], [e, 0, 0], [-e, 0, 0]], stone)
    b.quad([[-e, 0, -drop], [e, 0, -drop], [e, across, -drop], [-e, across, -drop]], palette.water(rng))
    b.quad([[-e, across, 0], [e, across, 0], [e, e, 0], [-e, e, 0]], palette.grass(rng) if rng.random() < 0.5 else quay)
    b.quad([[-e, across, -drop - 1], [e, across, -drop - 1], [e, across, 0], [-e, across, 0]], stone)
    b.box((160, 0.5, 0.12), stone, (0, -0.25, 0.06))
    stage.occupy(0, across / 2, e, across / 2)
    deep = float(rng.uniform(5, 16))
    scenery.row_of_houses(stage, -75, 75, -deep, -1, (2, 5), ["shop", "door", "gate"], (9, 13), 42.0, 0.08)
    if across < 100:
        scenery.row_of_houses(
            stage, -75, 75, across + float(rng.uniform(3, 10)), 1, (2, 5), ["shop", "door"], (9, 13), 30.0, 0.1
        )
    else:
        for x in rng.uniform(-250, 250, 12):
            scenery.block(
                stage,
                float(x),
                across + float(rng.uniform(20, 90)),
                float(rng.uniform(12, 40)),
                14,
                float(rng.uniform(6, 40)),
            )
    if rng.random() < 0.55:
        railing(b, rng, -60, 60, -0.35, 0.0)
        stage.occupy(0, -0.35, 60, 0.2)
    else:
        post = street_furniture.bollard(rng)
        for x in np.arange(-40, 41, float(rng.uniform(4, 10))):
            stage.put(post, float(x), -0.6)
    for _ in range(int(rng.integers(1, 9))):
        size = float(rng.uniform(3.5, 13))
        y = float(rng.uniform(1.5, min(across - 2, 30))) if rng.random() < 0.5 else 0.25 * size
        with b.at(
            (float(rng.uniform(-35, 35)), y, -drop - 0.05),
            yaw=float(rng.choice([0, np.pi])) + float(rng.normal(scale=0.1)),
        ):
            b.instances(machines.boat(rng, size), np.eye(4)[None])
    if deep > 8 and rng.random() < 0.6:
        scenery.park(stage, scenery.garage(rng, 4), (-40, -deep + 2.5), (40, -deep + 2.5), 6.2, 0.5)
    if deep > 6 and rng.random() < 0.6:
        x = np.arange(-50, 50, 9.0)
        scenery.plant(
            stage,
            vegetation.grove(rng, when, None, 1, 2),
            np.column_stack([x, np.full(len(x), -2.6)]),
            22,
            4,
            0.4,
            (0.6, 0.95),
        )
    scenery.lamps(stage, [[x, -1.4] for x in np.arange(-48, 49, 16.0)], -np.pi / 2)
    area = within(rng, (-28, 28), (-deep + 0.8, -0.9))
    scenery.clutter(
        stage,
        area,
        int(rng.integers(3, 18)),
        [
            *street_furniture.furniture(rng, when),
            lambda: yard_things.pallet_load(rng),
            lambda: Thing(vehicles.bicycle(rng)),
        ],
    )
    scenery.people(stage, area, int(rng.integers(0, 8)))
    y = -0.5 * deep
    return stage.finish("waterfront", area, [[-15, y], [0, y + 0.4], [15, y]])


def rooftop(rng: Rng) -> World:
    """A flat roof over a town: parapets, plant, ducts, aerials, terrace furniture; streets far below, towers around."""
    stage = Stage(rng, weather(rng))
    b = stage.builder
    top = float(rng.uniform(8, 40))
    stage.terrain.draw(b, palette.asphalt(rng))
    half_x, half_y = float(rng.uniform(6, 18)), float(rng.uniform(5, 14))
    floor = [palette.gravel, palette.concrete, palette.paving, palette.wood][int(rng.integers(4))](rng)
    wall = palette.wall(rng)
    b.box((2 * half_x, 2 * half_y, top), palette.facade(rng, wall, 3.0, 3.1), (0, 0, top / 2), {"z+": floor})
    tall = float(rng.uniform(0.3, 1.2))
    for s in (-1, 1):
        b.box((2 * half_x, 0.25, tall), wall, (0, s * (half_y - 0.12), top + tall / 2))
        b.box((0.25, 2 * half_y, tall), wall, (s * (half_x - 0.12), 0, top + tall / 2))
        stage.occupy(0, s * half_y, half_x, 0.3)
        stage.occupy(s * half_x, 0, 0.3, half_y)
        if tall < 0.9:
            with b.at((0, s * (half_y - 0.3), top)):
                railing(b, rng, -half_x + 0.3, half_x - 0.3, 0.0, 0.0, 2)
    upright = [
        lambda: street_furniture.cafe_set(rng),
        lambda: street_furniture.planter(rng, "summer"),
        lambda: street_furniture.bench(rng),
        lambda: street_furniture.person(rng),
    ]
    technical = [
        lambda: vegetation.thing(lambda m: m.box((1.2, 0.9, 1.1), palette.metal(rng), (0, 0, 0.6))),
        lambda: vegetation.thing(
            lambda m: m.lathe([[0.35, 0], [0.35, 0.9], [0.5, 0.9], [0.5, 1.1], [0, 1.1]], palette.metal(rng), 12)
        ),
        lambda: vegetation.thing(lambda m: m.box((0.7, 0.6, 1.7), palette.bricks(rng), (0, 0, 0.85))),
        lambda: vegetation.thing(lambda m: m.box((3.0, 2.6, 2.6), wall, (0, 0, 1.3), {"y-": palette.metal(rng)})),
        lambda: yard_things.solar_table(rng, 4.0),
        lambda: vegetation.thing(lambda m: tube(m, [[0.0, 0.0, 0.0], [0.0, 0.0, 4.5]], 0.04, palette.metal(rng), 5)),
    ]
    makers = [*technical, *(upright if rng.random() < 0.5 else [])]
    scenery.clutter(
        stage,
        lambda: (float(rng.uniform(-half_x + 1, half_x - 1)), float(rng.uniform(-half_y + 1, half_y - 1))),
        int(rng.integers(4, 18)),
        makers,
        top,
    )
    if rng.random() < 0.4:
        y = float(rng.uniform(-half_y + 1.5, half_y - 1.5))
        if bool(stage.free([[x, y] for x in np.arange(-half_x + 1, half_x - 1, 1.0)], 0.5).all()):
            b.box((2 * half_x - 2, 0.6, 0.5), palette.metal(rng), (0, y, top + 0.55))
            stage.occupy(0, y, half_x - 1, 0.3)
    for _ in range(int(rng.integers(12, 36))):
        a, r = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(26, 220))
        h = top * float(np.exp(rng.normal(-0.2, 0.45)))
        x, y = r * np.cos(a), r * np.sin(a)
        w, d = float(rng.uniform(10, 30)), float(rng.uniform(9, 22))
        if stage.taken.clear(x, y, w / 2 + 4, d / 2 + 4, a):
            if h > 30 and r > 50:
                with b.at((x, y, 0.0), yaw=a), b.at((-w / 2, -d / 2, 0)):
                    buildings.tower(b, rng, w, d, int(h / 3.2), stage.weather.lamps)
                stage.occupy(x, y, w / 2, d / 2, a)
            else:
                scenery.block(stage, x, y, w, d, max(h, 4.0), a)
    if stage.weather.lamps:
        for _ in range(3):
            x, y = float(rng.uniform(-half_x + 1, half_x - 1)), float(rng.uniform(-half_y + 1, half_y - 1))
            b.sphere(0.1, palette.glowing((1.0, 0.8, 0.5), 10.0), (x, y, top + 2.4), rings=4, segments=6)
            stage.light((x, y, top + 2.2), (9, 7, 4.5), 0.1)
    return stage.finish(
        "rooftop",
        lambda: (float(rng.uniform(-half_x + 0.8, half_x - 0.8)), float(rng.uniform(-half_y + 0.8, half_y - 0.8)), top),
    )
