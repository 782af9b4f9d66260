"""On bridges and under them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import (
    machines,
    palette,
    scenery,
    street_furniture,
    vegetation,
    vehicles,
    yard_things,
)
from training.worlds.outdoor.shapes import placed, sheet, tube
from training.worlds.outdoor.stage import Spot, Stage, Thing
from training.worlds.outdoor.terrain import EXTENT_M, Relief, Terrain, mountains, together
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator
Array = NDArray[np.float64]


def railing(b: MeshBuilder, rng: Rng, x0: float, x1: float, y: float, z: float, kind: int | None = None) -> None:
    """A parapet or railing along x, about 1.1 m."""
    style = int(rng.integers(3)) if kind is None else kind
    h, mid, long = float(rng.uniform(1.0, 1.25)), (x0 + x1) / 2, x1 - x0
    if style == 0:
        stone = palette.concrete(rng) if rng.random() < 0.5 else palette.ashlar(rng)
        b.box((long, 0.35, h), stone, (mid, y, z + h / 2))
        return
    m = palette.metal(rng)
    b.box((long, 0.07, 0.07), m, (mid, y, z + h))
    step = 0.14 if style == 1 else 2.0
    xs = np.arange(max(x0, -18.0) if style == 1 else x0, min(x1, 18.0) if style == 1 else x1, step)
    b.boxes(
        np.column_stack([xs, np.full(len(xs), y), np.full(len(xs), z + h / 2)]),
        (0.02, 0.02, h) if style == 1 else (0.06, 0.06, h),
        m,
    )
    if style == 2:
        b.boxes([[mid, y, z + 0.35 * h], [mid, y, z + 0.7 * h]], (long, 0.03, 0.03), m)


def bridge(rng: Rng) -> World:
    """On a bridge over a river, road or valley: deck, parapets, lamps, traffic, arches or cables; banks with town or
    woods."""
    span, deck = float(rng.uniform(30, 130)), float(rng.uniform(4.5, 14))
    width = float(rng.uniform(2.5, 16))

    def relief(x: Array, y: Array) -> Array:
        return -deck * np.clip((span / 2 + 8 - np.abs(x)) / 10, 0, 1)

    parts: list[Relief] = [relief]
    if rng.random() < 0.5:
        parts.append(mountains(rng, 200, 1800, float(rng.uniform(40, 300))))
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 1.5, 44))
    when = scenery.season(rng)
    stage.terrain.draw(
        stage.builder,
        palette.grass(rng),
        lambda x, y, z: (np.abs(x) < span / 2 + 8) & (z > -deck + 0.3) & (z < -0.5),
        (palette.rock(rng),),
    )
    b, e = stage.builder, EXTENT_M
    if rng.random() < 0.75:
        z = -deck + 0.5
        b.quad(
            [[-span / 2 - 8, -e, z], [span / 2 + 8, -e, z], [span / 2 + 8, e, z], [-span / 2 - 8, e, z]],
            palette.water(rng),
        )
        for _ in range(int(rng.integers(0, 4))):
            with b.at(
                (float(rng.uniform(-span / 3, span / 3)), float(rng.choice([-1, 1])) * float(rng.uniform(12, 70)), z),
                yaw=1.57,
            ):
                b.instances(machines.boat(rng), np.eye(4)[None])
    else:
        b.quad(
            [[-6, -200, -deck + 0.05], [6, -200, -deck + 0.05], [6, 200, -deck + 0.05], [-6, 200, -deck + 0.05]],
            palette.lanes(rng, palette.asphalt(rng), 6.0),
        )
    top, body = (
        palette.asphalt(rng, stage.weather.wet),
        palette.concrete(rng) if rng.random() < 0.6 else palette.ashlar(rng),
    )
    if width < 5:
        top = palette.wood(rng) if rng.random() < 0.4 else palette.paving(rng)
    elif rng.random() < 0.6:
        top = palette.lanes(rng, top, width / 4)
    long = span + 24
    b.box((long, width + 0.8, 0.8), body, (0, 0, -0.35), {"z+": top})
    half = width / 2
    walk = 0.0
    if width > 7:
        walk = float(rng.uniform(1.5, 2.5))
        for s in (-1, 1):
            b.box((long, walk, 0.14), palette.paving(rng), (0, s * (half - walk / 2), 0.12))
    style = int(rng.integers(3))
    for s in (-1, 1):
        railing(b, rng, -long / 2, long / 2, s * (half + 0.15), 0.05, style)
        stage.occupy(0, s * (half + 0.15), long / 2, 0.2)
    u = rng.random()
    if u < 0.4:
        bays = max(1, int(span / 22))
        t = np.linspace(0, np.pi, 13)
        step = span / bays
        for k in range(bays):
            x = -span / 2 + (k + 0.5) * step
            r = step / 2 - 1.0
            arch = np.column_stack([x + r * np.cos(t), -deck + 0.3 + min(deck - 1.2, r) * np.sin(t)])
            with b.at((0, -half, 0)):
                b.triangles(*placed(sheet(arch, width), body))
        for k in range(bays + 1):
            b.box((2.2, width, deck), body, (-span / 2 + k * step, 0, -deck / 2 - 0.3))
    elif u < 0.75:
        steel = palette.metal(rng) if rng.random() < 0.5 else palette.bright(rng)
        rise = span * float(rng.uniform(0.1, 0.2)) + 3
        t = np.linspace(-span / 2, span / 2, 15)
        arch_z = rise * (1 - (2 * t / span) ** 2)
        for s in (-1, 1):
            y = s * (half + 0.5)
            tube(b, np.column_stack([t, np.full(15, y), arch_z]), 0.35, steel, 6)
            b.boxes(
                np.column_stack([t, np.full(15, y), arch_z / 2]),
                np.column_stack([np.full(15, 0.1), np.full(15, 0.1), np.maximum(arch_z, 0.1)]),
                steel,
            )
    else:
        for x in np.arange(-span / 2, span / 2 + 1, 18.0):
            b.box((1.4, min(width, 6.0), deck), body, (x, 0, -deck / 2))
    scenery.lamps(
        stage,
        [[x, s * (half - 0.3)] for x in np.arange(-40, 41, 20.0) for s in (-1, 1)],
        lambda x, y: -np.pi / 2 if y > 0 else np.pi / 2,
    )
    if width > 5:
        cars = [*scenery.garage(rng, 3, stage.weather.lamps), Thing(machines.bus(rng))]
        for _ in range(int(rng.integers(0, 6))):
            way = float(rng.choice([-1, 1]))
            x = float(rng.uniform(6, 45)) * float(rng.choice([-1, 1]))
            item, y = cars[int(rng.integers(len(cars)))], way * (half - walk) * 0.5
            if stage.taken.clear(x, y, 7, 1.2):
                with b.at((x, y, 0.06), yaw=0.0 if way < 0 else np.pi):
                    b.instances(item.mesh, np.eye(4)[None])
                stage.occupy(x, y, *item.half)
    figures = [street_furniture.person(rng) for _ in range(2)]
    for k in range(int(rng.integers(0, 6))):
        x, y = float(rng.uniform(-25, 25)), float(rng.choice([-1, 1])) * (half - 0.7)
        if stage.taken.clear(x, y, 0.4, 0.4):
            with b.at((x, y, 0.19 if walk else 0.05), yaw=float(rng.uniform(-3, 3))):
                b.instances(figures[k % 2].mesh, np.eye(4)[None])
            stage.occupy(x, y, 0.3, 0.3)
    for s in (-1, 1):
        for _ in range(int(rng.integers(0, 9))):
            x, y = s * (span / 2 + float(rng.uniform(22, 60))), float(rng.uniform(-80, 80))
            if abs(y) > half + 10:
                scenery.block(stage, x, y, 14, 12, float(rng.uniform(6, 25)))
    spots = scenery.jittered(rng, (-110, 110, -90, 90), 9.0, 0.5)
    spots = spots[(np.abs(spots[:, 0]) > span / 2 + 11) & (np.abs(spots[:, 1]) > half + 2)]
    scenery.plant(stage, vegetation.grove(rng, when, None, 1, 3), spots, 30, 3, 1.0)
    lane = max(half - 0.6, 0.4)

    def spot() -> Spot:
        return float(rng.uniform(-0.3 * span, 0.3 * span)), float(rng.uniform(-lane, lane)), 0.05

    y = half - 0.8 if walk else 0.0
    return stage.finish("bridge", spot, [[-12, y, 0.05], [0, y, 0.05], [12, y, 0.05]])


def underpass(rng: Rng) -> World:
    """Under a road or railway bridge, viaduct or canopy: pillars, beams, parked cars; daylight at the ends."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    stage.terrain.draw(
        stage.builder,
        palette.asphalt(rng)
        if rng.random() < 0.5
        else palette.concrete(rng)
        if rng.random() < 0.5
        else palette.gravel(rng),
    )
    b = stage.builder
    high, wide, long = float(rng.uniform(2.6, 9.0)), float(rng.uniform(7, 30)), float(rng.uniform(30, 120))
    raw = palette.concrete(rng)
    tube_like = rng.random() < 0.4
    if tube_like:
        t = np.linspace(np.pi, 0, 13)
        short = float(rng.uniform(10, 40))
        half = min(wide, 12.0) / 2
        vaulted = rng.random() < 0.5
        rise = min(half, high - 1.5)
        arch = (
            np.column_stack([half * np.cos(t), high - rise + rise * np.sin(t)])
            if vaulted
            else np.array([[-half, high], [half, high]])
        )
        profile = np.concatenate([[[-half, 0.0]], arch, [[half, 0.0]]])
        skin = (
            [palette.bricks, palette.concrete, palette.ashlar][int(rng.integers(3))](rng)
            if rng.random() < 0.7
            else Material((0.6, 0.6, 0.56), (0.3, 0.3, 0.3), Pattern.TILES, (0.15, 0.15))
        )
        with b.at((0, 0, 0), yaw=-np.pi / 2), b.at((0, -short / 2, 0)):
            b.triangles(*placed(sheet(profile, short), skin))
        for s in (-1, 1):
            outer = np.array(
                [
                    [s * short / 2, -30, 0],
                    [s * short / 2, 30, 0],
                    [s * short / 2, 30, high + 2],
                    [s * short / 2, -30, high + 2],
                ]
            )
            for y0, y1, z0, z1 in ((-30, -half, 0, high + 2), (half, 30, 0, high + 2), (-half, half, high, high + 2)):
                b.quad(
                    [[outer[0][0], y0, z0], [outer[0][0], y1, z0], [outer[0][0], y1, z1], [outer[0][0], y0, z1]], skin
                )
        b.box((short, 60, 0.4), raw, (0, 0, high + 2.2))
        stage.occupy(0, half + 15, short / 2, 15)
        stage.occupy(0, -half - 15, short / 2, 15)
        for x in np.arange(-short / 2 + 2, short / 2 - 1, 5.0):
            b.box((1.2, 0.15, 0.08), palette.glowing((0.95, 1.0, 0.95), 6.0), (x, 0, high - 0.1))
            stage.light((x, 0, high - 0.3), (5, 5.2, 5), 0.1)
        cam_x, cam_y = short * 0.6, half - 0.6
    else:
        b.box((long * 2, wide, 0.5), raw, (0, 0, high + 0.25))
        for y in np.arange(-wide / 2 + 1, wide / 2, float(rng.uniform(1.8, 4))):
            b.box((long * 2, 0.5, 0.9), raw, (0, y, high - 0.2))
        rows = [0.0] if wide < 12 else [-wide / 3, wide / 3]
        round_ = rng.random() < 0.5
        r, step = float(rng.uniform(0.3, 0.9)), float(rng.uniform(7, 18))
        for x in np.arange(-long, long + 1, step) + step / 2:
            for y in rows:
                if round_:
                    b.cylinder(r, high, raw, (x, y, 0), 16)
                else:
                    b.box((1.6 * r, 2 * r, high), raw, (x, y, high / 2))
                stage.occupy(float(x), y, r, r)
            b.box((1.2, wide * 0.9, 0.8), raw, (x, 0, high - 0.4))
        if rng.random() < 0.5:
            for s in (-1, 1):
                railing(b, rng, -long, long, s * wide / 2, high + 0.5, 2)
        cars = scenery.garage(rng, 3)
        if high > 3:
            scenery.park(stage, cars, (-30, wide / 2 - 2.5), (30, wide / 2 - 2.5), 2.8, 0.5, np.pi / 2)
        cam_x, cam_y = 15.0, wide * 0.7
    junk = [
        lambda: street_furniture.bin_(rng),
        lambda: yard_things.pallet_load(rng),
        lambda: yard_things.cone(rng),
        lambda: street_furniture.bollard(rng),
        lambda: Thing(vehicles.bicycle(rng)),
        lambda: street_furniture.person(rng),
    ]
    scenery.clutter(
        stage,
        lambda: (float(rng.uniform(-cam_x, cam_x)), float(rng.uniform(-cam_y, cam_y))),
        int(rng.integers(0, 12)),
        junk,
    )
    scenery.town_ring(stage, 38, int(rng.integers(4, 16)), (6, 30))
    far = scenery.jittered(rng, (-80, 80, -70, 70), 9.0, 0.35)
    scenery.plant(
        stage, vegetation.grove(rng, when, None, 1, 3), far[np.abs(far[:, 1]) > max(wide / 2 + 3, 8)], 30, 3, 1.0
    )
    scenery.horizon(stage, when, 110)
    return stage.finish(
        "underpass",
        lambda: (float(rng.uniform(-cam_x, cam_x)), float(rng.uniform(-cam_y, cam_y))),
        [[-0.7 * cam_x, 0.4], [0, 0.6], [0.7 * cam_x, 0.4]],
    )
