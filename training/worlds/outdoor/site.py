"""Parking lots, building sites, industrial yards, container terminals, railways, filling stations."""

from __future__ import annotations

import numpy as np

from training.worlds.materials import Material
from training.worlds.mesh import MeshBuilder
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
from training.worlds.outdoor.clearance import Footprints
from training.worlds.outdoor.shapes import tube
from training.worlds.outdoor.stage import Spot, Stage, Thing, about
from training.worlds.outdoor.terrain import usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def _floor(rng: Rng, wet: float) -> Material:
    return (
        [palette.asphalt, palette.concrete, palette.gravel, palette.soil][int(rng.choice(4, p=[0.4, 0.3, 0.18, 0.12]))](
            rng
        )
        if wet == 0
        else palette.asphalt(rng, wet)
    )


def construction_site(rng: Rng) -> World:
    """A shell of concrete storeys or brick, scaffolding, crane, excavator, heaps, materials, hoardings."""
    stage = Stage(rng, weather(rng), usual(rng, 0.5))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.soil(rng) if rng.random() < 0.7 else palette.gravel(rng))
    b = stage.builder
    raw = palette.concrete(rng)
    w, d, n, h = (
        float(rng.uniform(12, 30)),
        float(rng.uniform(9, 18)),
        int(rng.integers(1, 6)),
        float(rng.uniform(2.9, 3.5)),
    )
    a = float(rng.uniform(-np.pi, np.pi))
    c = np.array([np.cos(a), np.sin(a)]) * (float(rng.uniform(8, 16)) + d / 2)
    yaw = a - np.pi / 2
    z = stage.low_ground(c[0], c[1], w / 2, d / 2, yaw)[1]
    with b.at((*c, z), yaw=yaw), b.at((-w / 2, -d / 2, 0)):
        for k in range(n + 1):
            b.box((w, d, 0.25), raw, (w / 2, d / 2, k * h + 0.02))
        for x in np.linspace(0.4, w - 0.4, max(3, int(w / 5))):
            for y in np.linspace(0.4, d - 0.4, 3):
                b.box((0.4, 0.4, n * h), raw, (x, y, n * h / 2))
                for q in (-0.08, 0.08):
                    b.box((0.02, 0.02, 1.0), palette.metal(rng), (x + q, y, n * h + 0.5))
        b.box((w, d, 3.0), raw, (w / 2, d / 2, -1.55))
        if rng.random() < 0.6:
            b.wall_with_openings(
                (0, d),
                (w, d),
                0,
                n * h,
                [(x, x + 1.4, k * h + 1, k * h + 2.3) for k in range(n) for x in np.arange(1.2, w - 2, 3.0)],
                palette.bricks(rng),
                0.24,
            )
        if rng.random() < 0.6:
            yard_things.scaffold(b, rng, w, n * h + 1)
    stage.occupy(c[0], c[1], w / 2 + 0.4, d / 2 + 1.6, yaw)
    if rng.random() < 0.6:
        p = rng.uniform(-35, 35, 2)
        if bool(stage.free([p], 3.0)[0]) and np.hypot(*p) > 6:
            with b.at((p[0], p[1], float(stage.ground(p[0], p[1])))):
                yard_things.crane(b, rng, float(rng.uniform(18, 45)), float(rng.uniform(18, 45)))
            stage.occupy(p[0], p[1], 1.6, 1.6)
    inside = about(rng, 11.0)
    plant = [Thing(machines.excavator(rng)), Thing(machines.truck(rng)), Thing(vehicles.van(rng))]
    makers = [
        lambda: yard_things.pile(rng, float(rng.uniform(0.8, 3.0))),
        lambda: yard_things.pallet_load(rng),
        lambda: yard_things.pallet_load(rng),
        lambda: yard_things.pipes(rng),
        lambda: yard_things.cone(rng),
        lambda: plant[int(rng.integers(3))],
        lambda: yard_things.container(rng, False),
        lambda: street_furniture.person(rng),
    ]
    scenery.clutter(stage, inside, int(rng.integers(12, 44)), makers)
    for k in range(4):
        q = k * np.pi / 2
        u, v = np.array([np.cos(q), np.sin(q)]) * 38, np.array([-np.sin(q), np.cos(q)]) * 38
        yard_things.fence(stage, u - v, u + v * 0.7, "panels" if rng.random() < 0.5 else "mesh", 2.0)
    scenery.town_ring(stage, 60, int(rng.integers(4, 16)), (6, 35))
    scenery.horizon(stage, when, 130)
    return stage.finish("construction_site", inside)


def industrial_yard(rng: Rng) -> World:
    """Halls, tanks, pipe racks, pallets, containers, lorries, fork lifts, fences."""
    stage = Stage(rng, weather(rng))
    stage.terrain.draw(stage.builder, _floor(rng, stage.weather.wet))
    b = stage.builder
    for k in range(4):
        if rng.random() < 0.75:
            w, d, h, off = (
                float(rng.uniform(18, 50)),
                float(rng.uniform(15, 30)),
                float(rng.uniform(5, 13)),
                float(rng.uniform(10, 26)),
            )
            with b.at((0, 0, 0), yaw=k * np.pi / 2), b.at((-w / 2 + float(rng.uniform(-8, 8)), off, 0)):
                buildings.hall(b, rng, w, d, h)
            q = k * np.pi / 2
            stage.occupy(-np.sin(q) * (off + d / 2), np.cos(q) * (off + d / 2), w / 2 + 8, d / 2, q)
    if rng.random() < 0.5:
        tank = vegetation.thing(lambda m: buildings.silo(m, rng, float(rng.uniform(1.5, 4)), float(rng.uniform(4, 14))))
        for p in rng.uniform(-40, 40, (6, 2)):
            stage.put(tank, p[0], p[1])
    if rng.random() < 0.6:
        steel, y = palette.metal(rng), float(rng.uniform(-9, 9))
        height = float(rng.uniform(3.0, 6.0))
        for x in np.arange(-42, 43, 6.0):
            b.boxes(
                [[x, y - 1, height / 2], [x, y + 1, height / 2], [x, y, height]],
                [[0.2, 0.2, height], [0.2, 0.2, height], [0.2, 2.4, 0.2]],
                steel,
            )
            stage.occupy(x, y, 0.1, 1.1)
        for k in range(int(rng.integers(2, 7))):
            r = float(rng.uniform(0.06, 0.3))
            tube(
                b,
                [[-45, y - 0.9 + 0.35 * k, height + 0.1 + r], [45, y - 0.9 + 0.35 * k, height + 0.1 + r]],
                r,
                palette.bright(rng) if rng.random() < 0.3 else steel,
                10,
            )
    inside = about(rng, 10.0)
    wheels = [Thing(machines.truck(rng)), Thing(vehicles.van(rng)), Thing(machines.forklift(rng))]
    boxes = [yard_things.container(rng) for _ in range(2)]
    makers = [
        lambda: yard_things.pallet_load(rng),
        lambda: yard_things.pallet_load(rng),
        lambda: yard_things.pallet_load(rng),
        lambda: wheels[int(rng.integers(3))],
        lambda: boxes[int(rng.integers(2))],
        lambda: yard_things.pipes(rng),
        lambda: street_furniture.bin_(rng),
        lambda: yard_things.cone(rng),
        lambda: _drum(rng),
        lambda: street_furniture.person(rng),
    ]
    scenery.clutter(stage, inside, int(rng.integers(12, 50)), makers)
    if rng.random() < 0.6:
        yellow = palette.plain((0.6, 0.42, 0.04))
        for y in rng.uniform(-9, 9, 3):
            stage.strip([[-30, y], [30, y]], 0.06, 0.06, yellow, lift=0.012)
    for s in (-1, 1):
        yard_things.fence(stage, (-50, s * 48), (50, s * 48), "mesh", 2.2)
    scenery.lamps(stage, rng.uniform(-25, 25, (5, 2)), 0.0, 8.0)
    scenery.town_ring(stage, 75, int(rng.integers(2, 10)), (6, 20))
    scenery.horizon(stage, "summer", 130)
    return stage.finish("industrial_yard", inside)


def _drum(rng: Rng) -> Thing:
    m = palette.bright(rng)
    places = ((0.0, 0.0), (0.62, 0.05), (0.3, 0.58))[: int(rng.integers(1, 4))]

    def draw(b: MeshBuilder) -> None:
        for x, y in places:
            b.cylinder(0.29, 0.88, m, (x, y, 0), 14)

    return vegetation.thing(draw)


def container_yard(rng: Rng) -> World:
    """Stacks of containers in lanes, gantry cranes, lorries; water beyond in some."""
    stage = Stage(rng, weather(rng))
    stage.terrain.draw(
        stage.builder, palette.asphalt(rng, stage.weather.wet) if rng.random() < 0.5 else palette.concrete(rng, 5.0)
    )
    boxes = [yard_things.container(rng, True) for _ in range(4)] + [yard_things.container(rng, False) for _ in range(3)]
    lane = float(rng.uniform(4, 12))
    stage.reserve([[-60, 0], [60, 0]], lane / 2)
    stage.reserve([[0, -60], [0, 60]], float(rng.uniform(2, 5)))
    tall = int(rng.integers(1, 5))
    pitch = 2.9
    for y0 in np.arange(-45, 46, 2 * pitch + lane):
        for x in np.arange(-52, 53, 13.0):
            for k in range(2):
                if rng.random() < 0.82:
                    item = boxes[int(rng.integers(len(boxes)))]
                    if stage.put(
                        item,
                        float(x),
                        y0 + lane / 2 + 1.4 + pitch * k,
                        0.0 if rng.random() < 0.5 else np.pi,
                        margin=0.05,
                    ):
                        for level in range(1, int(rng.integers(1, tall + 1))):
                            other = (
                                boxes[int(rng.integers(4))] if item in boxes[:4] else boxes[4 + int(rng.integers(3))]
                            )
                            stage.put(
                                other, float(x), y0 + lane / 2 + 1.4 + pitch * k, 0.0, check=False, lift=2.6 * level
                            )
    if rng.random() < 0.6:
        _gantry(stage, float(rng.uniform(-20, 20)))
    moving = [Thing(machines.truck(rng)), Thing(machines.forklift(rng)), Thing(vehicles.van(rng))]
    stage.ways = Footprints()
    for _ in range(int(rng.integers(1, 5))):
        stage.put(
            moving[int(rng.integers(3))],
            float(rng.uniform(5, 40)) * float(rng.choice([-1, 1])),
            float(rng.uniform(-1, 1)),
            0.0,
        )
    scenery.people(
        stage, lambda: (float(rng.uniform(-25, 25)), float(rng.uniform(-lane / 2, lane / 2))), int(rng.integers(0, 4))
    )
    scenery.lamps(stage, [[x, lane / 2 - 0.3] for x in (-39.0, -13.5, 13.5, 39.0)], -1.57, 9.0)
    scenery.horizon(stage, "summer", 140)

    def spot() -> Spot:
        return (
            (float(rng.uniform(-18, 18)), float(rng.uniform(-lane / 2, lane / 2) * 0.9))
            if rng.random() < 0.7
            else (float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-20, 20)))
        )

    return stage.finish("container_yard", spot, [[-16, 0.2], [0, -0.2], [16, 0.2]])


def _gantry(stage: Stage, x: float) -> None:
    rng = stage.rng
    paint = palette.bright(rng)
    h, span = float(rng.uniform(14, 24)), 30.0
    for y in (-span / 2, span / 2):
        for dx in (-4.0, 4.0):
            stage.builder.box((0.7, 0.7, h), paint, (x + dx, y, h / 2))
        stage.builder.box((9.0, 1.0, 1.0), paint, (x, y, 1.2))
        stage.builder.box((9.0, 0.8, 0.8), paint, (x, y, h))
        stage.occupy(x, y, 4.6, 0.6)
    for dx in (-2.0, 2.0):
        stage.builder.box((0.9, span + 14, 1.4), paint, (x + dx, 0, h + 0.8))
    stage.builder.box((3.4, 3.0, 2.2), palette.bright(rng), (x, float(rng.uniform(-8, 8)), h - 1.0))
