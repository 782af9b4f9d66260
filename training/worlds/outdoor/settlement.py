"""Suburban streets and villages."""

from __future__ import annotations

import numpy as np

from training.worlds.outdoor import palette, scenery, street_furniture, vegetation, yard_things
from training.worlds.outdoor.shapes import curve
from training.worlds.outdoor.stage import Spot, Stage
from training.worlds.outdoor.street import road
from training.worlds.outdoor.terrain import Terrain, rolling, slope, together, usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator


def suburb(rng: Rng) -> World:
    """Detached houses with gardens, fences, hedges, drives and trees along a quiet road."""
    stage = Stage(rng, weather(rng), usual(rng))
    when = scenery.season(rng)
    lawn = palette.grass(rng)
    stage.terrain.draw(stage.builder, lawn)
    half, walk = float(rng.uniform(2.2, 4.2)), float(rng.choice([0.0, 1.4, 1.8, 2.4]))
    road(stage, half, 150.0, 2 if rng.random() < 0.4 else 1, walk, rng.random() < 0.4)
    border = half + walk + (float(rng.uniform(0.2, 2.0)) if walk == 0 else 0.15)
    plot, setback = float(rng.uniform(15, 26)), float(rng.uniform(4.0, 10.0))
    kind = [str(rng.choice([*yard_things.FENCES, "hedge", "none", "hedge"])) for _ in range(2)]
    cars = scenery.garage(rng, 3)
    drive = palette.paving(rng) if rng.random() < 0.6 else palette.gravel(rng)
    trees = vegetation.grove(rng, when, None, 2, 3)
    for side in (-1, 1):
        stuff = yard_things.fence_materials(rng, kind[0] if kind[0] in yard_things.FENCES else "picket")
        for k, x in enumerate(np.arange(-2.5 * plot, 2.6 * plot, plot)):
            yaw = 0.0 if side > 0 else np.pi
            if abs(x) > 2.2 * plot:
                scenery.block(stage, x, side * (border + setback + 5), 10, 9, 6.0)
            else:
                scenery.detached(stage, float(x), side * (border + setback + rng.uniform(-1, 1)), yaw)
            at = float(x + rng.choice([-1, 1]) * plot * 0.33)
            stage.strip([[at, side * half], [at, side * (border + setback + 2)]], 1.5, 1.5, drive, lift=0.025)
            if rng.random() < 0.6:
                stage.put(cars[int(rng.integers(len(cars)))], at, side * (border + 3.2), np.pi / 2 * side, tilt=True)
            left, right = x - plot / 2, x + plot / 2
            style = kind[k % 2]
            for a, c in ((left, at - 1.7), (at + 1.7, right)):
                if c - a < 1.0 or abs(x) > 1.8 * plot:
                    continue
                if style == "hedge":
                    h = vegetation.hedge(rng, c - a, float(rng.uniform(0.8, 2.0)), 0.6, when)
                    stage.put(h, a, side * (border + 0.4), tilt=True, margin=0.0)
                elif style != "none":
                    yard_things.fence(
                        stage,
                        (a, side * border),
                        (c, side * border),
                        style,
                        materials=stuff if style == kind[0] else None,
                    )
            if abs(x) < 1.6 * plot:
                yard_things.fence(
                    stage,
                    (left, side * (border + 0.8)),
                    (left, side * (border + setback + 18)),
                    "panels" if rng.random() < 0.5 else "picket",
                )
            if rng.random() < 0.7:
                stage.scatter(
                    [vegetation.bush(rng, when, flowers=rng.random() < 0.3)],
                    scenery.jittered(
                        rng,
                        (left + 1, right - 1, *sorted((side * (border + 1.2), side * (border + setback - 1.5)))),
                        2.6,
                        0.35,
                    ),
                )
    spots = np.concatenate(
        [
            scenery.jittered(rng, (-60, 60, *sorted((s * (border + 1.5), s * (border + setback + 30)))), 7.5, 0.45)
            for s in (-1, 1)
        ]
    )
    scenery.plant(stage, trees, spots, 24.0, 5, 1.0)
    if rng.random() < 0.5:
        scenery.park(stage, cars, (-45, half - 1.1), (45, half - 1.1), 7.0, 0.35)
    if rng.random() < 0.45:
        yard_things.pole_line(
            stage, [[x, -(half + 0.6)] for x in np.arange(-120, 121, 30.0)], 8.0, 3, rng.random() < 0.5
        )
    else:
        scenery.lamps(stage, [[x, half + 0.5] for x in np.arange(-60, 61, 24.0)], -np.pi / 2)
    makers = [
        lambda: street_furniture.bin_(rng),
        lambda: street_furniture.sign(rng),
        lambda: street_furniture.person(rng),
    ]
    scenery.clutter(
        stage,
        lambda: (float(rng.uniform(-25, 25)), float(rng.choice([-1, 1])) * (half + max(walk, 0.9) * 0.5)),
        int(rng.integers(0, 7)),
        makers,
    )
    scenery.horizon(stage, when, 110)

    def spot() -> Spot:
        x = float(rng.uniform(-18, 18))
        u = rng.random()
        s = float(rng.choice([-1, 1]))
        if u < 0.4:
            return x, float(rng.uniform(-half, half))
        return (
            (x, s * (half + 0.5 * max(walk, 0.8)))
            if u < 0.7
            else (x, s * float(rng.uniform(border + 1, border + setback)))
        )

    y = half + 0.5 * walk if walk > 0 else half - 0.8
    return stage.finish("suburb", spot, [[-15, y], [0, y], [15, y]])


def village(rng: Rng) -> World:
    """A winding lane among houses, stone walls and barns on rolling ground."""
    parts = [rolling(rng, float(rng.uniform(0.3, 1.6)), float(rng.uniform(30, 60)), 2)]
    if rng.random() < 0.5:
        parts.append(slope(float(rng.uniform(3, 10)), float(rng.uniform(-3.14, 3.14)), 70))
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 1.2, 44))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.grass(rng))
    x = np.linspace(-110, 110, 7)
    line = curve(np.column_stack([x, rng.normal(scale=7.0, size=7) * (np.abs(x) > 1)]), 1.5)
    half = float(rng.uniform(1.6, 3.0))
    tar = [palette.asphalt, palette.gravel, palette.soil, palette.paving][int(rng.integers(4))](rng)
    stage.strip(line, half, half, tar, lift=0.05, step=1.5, across=6)
    tangent = np.gradient(line, axis=0)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) / np.linalg.norm(tangent, axis=1, keepdims=True)
    scenery.park(
        stage,
        scenery.garage(rng, 2),
        line[len(line) // 2 - 8] + normal[0] * half,
        line[len(line) // 2 + 14] + normal[0] * half,
        8,
        0.3,
    )
    stage.reserve(line, half + 0.3)
    for side in (-1, 1):
        for k in range(int(rng.integers(4, 12)), len(line) - 5, int(rng.integers(9, 15))):
            p = line[k] + side * normal[k] * (half + float(rng.uniform(1.2, 7)))
            yaw = float(np.arctan2(-side * normal[k][0], side * normal[k][1]))
            if abs(p[0]) < 55:
                scenery.detached(stage, float(p[0]), float(p[1]), yaw)
            else:
                scenery.block(
                    stage, float(p[0] + 6 * side * normal[k][0]), float(p[1] + 6 * side * normal[k][1]), 11, 8, 6.0, yaw
                )
        off = line + side * normal * (half + 0.7)
        sort = str(rng.choice(["wall", "rails", "picket", "none"]))
        stuff = yard_things.fence_materials(rng, "wall" if sort == "none" else sort)
        for a, c in zip(off[20:-20:3], off[23:-20:3], strict=False):
            if sort != "none" and rng.random() < 0.75 and stage.free([0.5 * (a + c)], 0.1)[0] and abs(a[0]) < 45:
                yard_things.fence(stage, a, c, sort, 0.9 if sort == "wall" else None, stuff)
    trees = vegetation.grove(rng, when, None, 2, 3)
    spots = scenery.jittered(rng, (-70, 70, -45, 45), 9.0, 0.4)
    gap = np.min(np.linalg.norm(spots[:, None] - line[None, ::3], axis=2), axis=1)
    scenery.plant(stage, trees, spots[gap > half + 1.5], 25, 5, 1.0)
    stage.scatter([vegetation.bush(rng, when) for _ in range(2)], spots[(gap > half + 1.2)] + 3.0, radius=0.8)
    yard_things.pole_line(stage, off[::20], 7.5, 2)
    scenery.horizon(stage, when, 110)
    mid = len(line) // 2

    def spot() -> Spot:
        k = int(rng.integers(mid - 12, mid + 12))
        p = line[k] + normal[k] * float(rng.uniform(-half - 3, half + 3))
        return float(p[0]), float(p[1])

    return stage.finish("village", spot, line[mid - 10 : mid + 11 : 5])
