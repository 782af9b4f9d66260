"""Sports grounds and camps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder
from training.worlds.outdoor import palette, scenery, street_furniture, vegetation, vehicles, yard_things
from training.worlds.outdoor.shapes import placed, sheet, tube
from training.worlds.outdoor.stage import Stage, Thing, about
from training.worlds.outdoor.terrain import Terrain, rolling
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def sports_court(rng: Rng) -> World:
    """A football, tennis or basketball ground with marks, goals, nets, fences, floodlights and stands."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    b = stage.builder
    kind = int(rng.integers(3))
    half_x, half_y = (
        ((26.0, 17.0) if rng.random() < 0.5 else (50.0, 33.0))
        if kind == 0
        else ((11.9, 5.5) if kind == 1 else (14.0, 7.5))
    )
    stage.terrain.draw(b, palette.grass(rng, float(rng.beta(1, 5))) if kind == 0 else palette.grass(rng))
    white = palette.plain((0.7, 0.7, 0.68))
    if kind:
        ground = palette.plain(
            palette.pick(rng, (0.32, 0.11, 0.06), (0.06, 0.16, 0.1), (0.06, 0.12, 0.26), (0.12, 0.12, 0.12)), 0.0, 0.3
        )
        b.box((2 * half_x + 8, 2 * half_y + 6, 0.1), ground, (0, 0, -0.03))
    elif rng.random() < 0.6:
        turf = Material(
            palette.shade(rng, (0.05, 0.14, 0.03)),
            palette.shade(rng, (0.07, 0.18, 0.04)),
            Pattern.STRIPES,
            (5.5, 5.5),
            0.3,
        )
        b.box((2 * half_x + 6, 2 * half_y + 6, 0.04), turf, (0, 0, 0.0))
    z = 0.03
    for s in (-1, 1):
        b.box((2 * half_x, 0.08, 0.004), white, (0, s * half_y, z))
        b.box((0.08, 2 * half_y, 0.004), white, (s * half_x, 0, z))
    b.box((0.08, 2 * half_y, 0.004), white, (0, 0, z))
    ring = np.linspace(0, 2 * np.pi, 33)
    radius = 9.15 if half_x > 40 else 1.8 if kind == 2 else 3.0
    if kind != 1:
        stage.strip(np.column_stack([radius * np.cos(ring), radius * np.sin(ring)]), 0.05, 0.05, white, lift=z)
    if kind == 0:
        for s in (-1, 1):
            x, w, h = s * half_x, 3.66 if half_x > 40 else 1.5, 2.44 if half_x > 40 else 2.0
            tube(b, [[x, -w, 0], [x, -w, h], [x, w, h], [x, w, 0]], 0.06, white, 8)
            for y in np.linspace(-w, w, 13):
                tube(b, [[x, y, h], [x + s * 1.5, y, 0.0]], 0.006, white, 3)
            stage.occupy(x + s * 0.7, 0, 0.9, w)
    elif kind == 1:
        net = palette.plain((0.05, 0.05, 0.05))
        b.boxes([[0, 0, k * 0.1 + 0.05] for k in range(9)], (0.01, 2 * half_y + 1.2, 0.008), net)
        b.boxes([[0, y, 0.46] for y in np.arange(-half_y - 0.5, half_y + 0.6, 0.25)], (0.01, 0.008, 0.92), net)
        b.box((0.02, 2 * half_y + 1.2, 0.06), white, (0, 0, 0.92))
        stage.occupy(0, 0, 0.1, half_y + 0.6)
    else:
        for s in (-1, 1):
            tube(
                b,
                [[s * (half_x + 1), 0, 0], [s * (half_x + 1), 0, 2.8], [s * (half_x - 0.9), 0, 3.2]],
                0.09,
                palette.metal(rng),
                8,
            )
            b.box((0.05, 1.8, 1.05), white, (s * (half_x - 0.9), 0, 3.35))
            hoop = np.column_stack([s * (half_x - 1.25) + 0.23 * np.cos(ring), 0.23 * np.sin(ring), np.full(33, 3.05)])
            tube(b, hoop, 0.012, palette.plain((0.6, 0.15, 0.02)), 4)
            stage.occupy(s * (half_x + 0.6), 0, 0.5, 0.2)
    if rng.random() < 0.7:
        m = 3.2
        pts = [
            (-half_x - m, -half_y - m),
            (half_x + m, -half_y - m),
            (half_x + m, half_y + m),
            (-half_x - m, half_y + m),
            (-half_x - m, -half_y - m),
        ]
        h = float(rng.uniform(1.1, 4.0))
        for a, c in pairwise(pts):
            yard_things.fence(stage, a, c, "mesh" if h > 1.4 else "rails", h)
    for s in (-1, 1):
        if rng.random() < 0.55:
            rows, tread = int(rng.integers(3, 16)), 0.8
            seat, raw = palette.bright(rng), palette.concrete(rng)
            y0 = s * (half_y + 5.0)
            for k in range(rows):
                b.box((2 * half_x * 0.8, tread, 0.45 * (k + 1)), raw, (0, y0 + s * tread * k, 0.225 * (k + 1)))
                b.box((2 * half_x * 0.8, 0.4, 0.35), seat, (0, y0 + s * tread * k, 0.45 * (k + 1) + 0.17))
            if rows > 8:
                b.box(
                    (2 * half_x * 0.85, rows * tread + 3, 0.3),
                    palette.metal(rng),
                    (0, y0 + s * rows * tread * 0.45, 0.45 * rows + 4.5),
                )
                for x in np.linspace(-half_x * 0.8, half_x * 0.8, 6):
                    b.box(
                        (0.3, 0.3, 0.45 * rows + 4.5),
                        palette.metal(rng),
                        (x, y0 + s * rows * tread, (0.45 * rows + 4.5) / 2),
                    )
            stage.occupy(0, y0 + s * tread * rows / 2 - s * 0.4, half_x * 0.8, tread * rows / 2 + 0.2)
    for sx in (-1, 1):
        for sy in (-1, 1):
            if rng.random() < 0.7:
                x, y, h = sx * (half_x + 5), sy * (half_y + 3.8), float(rng.uniform(8, 18))
                tube(b, [[x, y, 0], [x, y, h]], (0.16, 0.09), palette.metal(rng), 6)
                lit = stage.weather.lamps
                b.box(
                    (0.4, 1.8, 0.9), palette.glowing((0.95, 0.98, 1.0), 14.0) if lit else palette.metal(rng), (x, y, h)
                )
                if lit:
                    stage.light((x - sx * 0.8, y - sy * 0.6, h - 0.3), (260, 265, 270), 0.3)
                stage.occupy(x, y, 0.2, 0.2)
    scenery.people(
        stage,
        lambda: (float(rng.uniform(-half_x, half_x)), float(rng.uniform(-half_y, half_y))),
        int(rng.integers(0, 12)),
    )
    spots = scenery.jittered(rng, (-110, 110, -95, 95), 9.0, 0.4)
    outside = (np.abs(spots[:, 0]) > half_x + 9) | (np.abs(spots[:, 1]) > half_y + 20)
    scenery.plant(stage, vegetation.grove(rng, when, None, 1, 3), spots[outside], 35, 3, 1.0)
    scenery.town_ring(stage, half_x + 45, int(rng.integers(2, 14)), (6, 35))
    return stage.finish(
        "sports_court",
        lambda: (float(rng.uniform(-0.9, 0.9) * min(half_x, 20)), float(rng.uniform(-1.2, 1.2) * min(half_y, 16))),
        [[-8, 2.0], [-2, 2.6], [-1, 2.0]] if kind == 1 else [[-8, 2], [0, -2], [8, 2]],
    )


def camp(rng: Rng) -> World:
    """Tents, caravans, fires and tables on a clearing among trees."""
    stage = Stage(rng, weather(rng), Terrain(rolling(rng, float(rng.uniform(0.05, 0.4)), 20.0, 2), 0.8, 44))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng))

    def tent(b: MeshBuilder) -> None:
        cloth = palette.bright(rng)
        w, d, h = float(rng.uniform(1.4, 3.2)), float(rng.uniform(2.0, 4.5)), float(rng.uniform(1.0, 2.1))
        if rng.random() < 0.5:
            with b.at((-w / 2, -d / 2, 0)):
                b.triangles(*placed(sheet(np.array([[0, 0], [w / 2, h], [w, 0]]), d), cloth))
                b.triangles([[0, d, 0], [w, d, 0], [w / 2, d, h]], [[0, 1, 2]], cloth)
        else:
            b.sphere(1.0, cloth, (0, 0, 0), (w / 2, d / 2, h), 8, 12)

    def fire(b: MeshBuilder) -> None:
        for a in np.arange(8) * np.pi / 4:
            b.sphere(0.13, palette.rock(rng), (0.5 * np.cos(a), 0.5 * np.sin(a), 0.05), rings=3, segments=6)
        for a in np.arange(4) * np.pi / 2:
            tube(b, [[0.4 * np.cos(a), 0.4 * np.sin(a), 0.05], [0, 0, 0.35]], 0.04, palette.bark(rng), 5)

    cars = [Thing(vehicles.van(rng)), Thing(vehicles.car(rng)[0])]
    makers = [
        lambda: vegetation.thing(tent),
        lambda: vegetation.thing(tent),
        lambda: vegetation.thing(tent),
        lambda: vegetation.thing(fire),
        lambda: street_furniture.cafe_set(rng),
        lambda: cars[0],
        lambda: cars[1],
        lambda: street_furniture.person(rng),
        lambda: vegetation.log(rng, 1.5, 0.2),
        lambda: Thing(vehicles.bicycle(rng)),
    ]
    near = about(rng, 9.0)
    scenery.clutter(stage, near, int(rng.integers(6, 24)), makers)
    spots = scenery.jittered(rng, (-60, 60, -60, 60), 6.5, 0.7)
    scenery.plant(
        stage,
        vegetation.grove(rng, when, None, 2, 3),
        spots[np.hypot(*spots.T) > float(rng.uniform(7, 20))],
        24,
        5,
        0.6,
    )
    scenery.meadow(stage, (-7, 7, -7, 7), int(rng.integers(0, 300)))
    scenery.horizon(stage, when, 110)
    return stage.finish("camp", near)
