"""Open country: meadows, hills, mountains, coasts, deserts, snow, dunes, moors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.outdoor import palette, scenery, vegetation, yard_things
from training.worlds.outdoor.buildings import ruin
from training.worlds.outdoor.shapes import curve
from training.worlds.outdoor.stage import Stage, within
from training.worlds.outdoor.terrain import EXTENT_M, Noise, Relief, Terrain, mountains, rolling, slope, together, usual
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator
Array = NDArray[np.float64]


def _sprinkle(
    stage: Stage,
    when: str,
    trees: float = 0.2,
    rocks: float = 0.3,
    shrubs: float = 0.3,
    names: tuple[str, ...] | None = None,
) -> None:
    """Single trees, boulders and shrubs at random densities."""
    rng = stage.rng
    if rng.random() < 0.75:
        spots = scenery.jittered(
            rng, (-110, 110, -110, 110), float(rng.uniform(10, 25)), float(rng.uniform(0, trees)), 0.5
        )
        scenery.plant(stage, vegetation.grove(rng, when, names, 2, 3), spots, 25, 4, 1.2)
    if rng.random() < 0.7:
        stones = [vegetation.stone(rng, float(np.exp(rng.uniform(-1.5, 1.1))), 1) for _ in range(3)]
        stage.scatter(
            stones,
            scenery.jittered(rng, (-45, 45, -45, 45), 6.0, float(rng.uniform(0, rocks)), 0.5),
            scale=(0.4, 1.6),
            radius=0.4,
        )
    if rng.random() < 0.7:
        low = [vegetation.bush(rng, when, float(rng.uniform(0.3, 1.5))) for _ in range(2)]
        stage.scatter(
            low, scenery.jittered(rng, (-40, 40, -40, 40), 6.0, float(rng.uniform(0, shrubs)), 0.5), radius=0.6
        )


def meadow(rng: Rng) -> World:
    """Grassland, flat or rolling, with a path, fences, trees, a far edge of woods."""
    parts: list[Relief] = [rolling(rng, float(rng.uniform(0.05, 2.5)), float(rng.uniform(20, 80)), 3)]
    if rng.random() < 0.45:
        parts.append(slope(float(rng.uniform(2, 12)), float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(40, 150))))
    ground = Terrain(together(*parts), 0.8, 48) if rng.random() < 0.75 else usual(rng, 0.0)
    stage = Stage(rng, weather(rng), ground)
    when = scenery.season(rng)
    base, other = palette.grass(rng), palette.soil(rng) if rng.random() < 0.6 else palette.grass(rng)
    noise, patch, share = Noise(rng), float(rng.uniform(5, 30)), float(rng.uniform(-0.2, 0.9))
    if ground.flat:
        stage.terrain.draw(stage.builder, base)
    else:
        stage.terrain.draw(stage.builder, base, lambda x, y, z: noise.layered(x, y, patch, 3) > share, (other,))
    if rng.random() < 0.6:
        x = np.linspace(-80, 80, 9)
        y = np.cumsum(rng.normal(scale=4, size=9))
        line = curve(np.column_stack([x, y - y[4]]), 1.5)
        half = float(rng.uniform(0.3, 1.8))
        stage.strip(
            line,
            half,
            half,
            palette.soil(rng) if rng.random() < 0.6 else palette.gravel(rng),
            lift=0.05,
            step=1.0,
            across=5,
        )
        stage.reserve(line[::2], half)
    _sprinkle(stage, when)
    scenery.meadow(stage, (-10, 10, -10, 10), int(rng.integers(0, 900)), (0.1, 0.6), 0.3)
    if rng.random() < 0.35:
        yard_things.fence(stage, (-50, 8), (50, 11), str(rng.choice(["rails", "wire"])))
    if rng.random() < 0.25:
        yard_things.pole_line(stage, [[k, 30 + 0.3 * k] for k in np.arange(-160, 161, 45.0)], 10.0)
    scenery.oddments(stage, int(rng.integers(0, 4)))
    scenery.horizon(stage, when, 130)
    return stage.finish("meadow", within(rng, (-12.0, 12.0), (-12.0, 12.0)), [[-8, -2], [0, 1], [8, 0]])


def hills(rng: Rng) -> World:
    """A hillside, ridge, summit or valley floor among mountains: grass, scree, rock, conifers; slopes to 25 degrees."""
    kind = int(rng.integers(4))
    side = float(rng.uniform(-np.pi, np.pi))
    parts: list[Relief] = [rolling(rng, float(rng.uniform(0.3, 2.5)), float(rng.uniform(10, 40)), 4)]
    if kind == 0:
        parts += [
            slope(float(rng.uniform(8, 25)), side, float(rng.uniform(60, 250))),
            mountains(rng, 250, 1500, float(rng.uniform(150, 700)), side),
        ]
    elif kind == 1:
        drop, width = float(rng.uniform(25, 160)), float(rng.uniform(40, 160))
        parts += [
            lambda x, y: drop * (np.exp(-((np.hypot(x, y) / width) ** 2)) - 1.0),
            mountains(rng, 500, 2500, float(rng.uniform(150, 600))),
        ]
    elif kind == 2:
        c, s, wide = np.cos(side), np.sin(side), float(rng.uniform(60, 250))
        rise = float(rng.uniform(40, 300))
        parts += [lambda x, y: rise * (1 - np.exp(-(((s * x - c * y) / wide) ** 4))), mountains(rng, 400, 2000, 300.0)]
    else:
        parts += [mountains(rng, float(rng.uniform(30, 120)), 900, float(rng.uniform(100, 500)))]
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 0.5, 58))
    when = scenery.season(rng)
    white = palette.snow(rng)
    grass, stone, scree = palette.grass(rng), palette.rock(rng), palette.gravel(rng, 0.12)
    noise, snow_line, rocky = Noise(rng), float(rng.uniform(80, 900)), float(rng.uniform(-0.3, 0.9))

    def zones(x: Array, y: Array, z: Array) -> Array:
        n = noise.layered(x, y, 18.0, 4)
        out = np.where(n > rocky, 1, np.where(n > rocky - 0.12, 2, 0))
        return np.where(z + 60 * n > snow_line, 3, out)

    stage.terrain.draw(stage.builder, grass, zones, (stone, scree, white))
    _sprinkle(stage, when, 0.5, 0.8, 0.3, ("spruce", "pine", "fir") if rng.random() < 0.6 else None)
    if rng.random() < 0.5:
        light = [vegetation.tree(rng, str(rng.choice(["spruce", "fir", "pine"])), when, 0.15) for _ in range(3)]
        p = rng.uniform(-260, 260, (int(rng.integers(100, 350)), 2))
        stage.scatter(light, p[np.hypot(*p.T) > 35], radius=0.5, occupy=False)
    scenery.meadow(stage, (-9, 9, -9, 9), int(rng.integers(0, 500)), (0.1, 0.4))
    scenery.oddments(stage, int(rng.integers(0, 3)))
    return stage.finish("hills", within(rng, (-9.0, 9.0), (-9.0, 9.0)))


def rocky_ground(rng: Rng) -> World:
    """Bare rock of ledges and cracks, on a summit, coast or lake shore; shrubs and conifers in the clefts; water and
    hills beyond."""
    noise = Noise(rng)
    azimuth, wave = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(3, 9))
    c, s = np.cos(azimuth), np.sin(azimuth)
    ledge = float(rng.uniform(0.15, 0.7))
    fall, shore = float(rng.uniform(3, 40)), float(rng.uniform(25, 90))

    def relief(x: Array, y: Array) -> Array:
        u, v = c * x + s * y, c * y - s * x
        z = 1.3 * noise.layered(u, 2.2 * v, 4 * wave, 3) + 0.45 * noise.layered(u + 90, 1.8 * v, wave, 4, ridged=True)
        steps = ledge * np.round(z / ledge)
        fade = np.exp(-((np.hypot(x, y) / 120.0) ** 2))
        z = (0.45 * z + 0.55 * (steps + 0.25 * (z - steps))) * fade
        return z - fall * np.clip((u - 6.0) / shore, 0, 1) ** 1.2 - 3.0 * np.clip((u - shore) / 40, 0, 1)

    parts: list[Relief] = [relief]
    behind = azimuth + np.pi
    if rng.random() < 0.6:
        parts.append(mountains(rng, 150, 1400, float(rng.uniform(40, 260)), behind))
    wet = rng.random() < 0.7
    if wet and rng.random() < 0.6:
        parts.append(mountains(rng, 900, 2600, float(rng.uniform(60, 250)), azimuth))
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 0.32, 62))
    stone, other, green = palette.rock(rng), palette.rock(rng), palette.grass(rng)
    clefts = float(rng.uniform(0.25, 0.9))

    def zones(x: Array, y: Array, z: Array) -> Array:
        n = noise.layered(x + 31, y, 9.0, 3)
        land = np.where(n > clefts, 2, np.where(noise.layered(x, y + 77, 5.0, 2) > 0.35, 1, 0))
        return np.where((np.hypot(x, y) > 70) & (z > -fall * 0.7), 2, land)

    stage.terrain.draw(stage.builder, stone, zones, (other, green))
    if wet:
        level = -fall * float(rng.uniform(0.75, 0.95)) - 0.3
        corner = EXTENT_M
        stage.builder.quad(
            [[-corner, -corner, level], [corner, -corner, level], [corner, corner, level], [-corner, corner, level]],
            palette.water(rng),
        )
    trees = [
        vegetation.tree(rng, str(rng.choice(["spruce", "pine", "fir"])), "summer", 0.5, float(rng.uniform(3, 12)))
        for _ in range(3)
    ]
    p = rng.uniform(-90, 90, (int(rng.integers(30, 260)), 2))
    p = p[(p @ [c, s] < 5) & (np.hypot(*p.T) > float(rng.uniform(8, 22)))]
    stage.scatter(trees, p, radius=0.4, occupy=True)
    low = [vegetation.bush(rng, "summer", float(rng.uniform(0.3, 1.1))) for _ in range(2)]
    q = scenery.jittered(rng, (-25, 25, -25, 25), 4.0, float(rng.uniform(0.02, 0.3)))
    stage.scatter(low, q, radius=0.4)
    stage.scatter(
        [vegetation.stone(rng, float(rng.uniform(0.4, 1.5)))],
        scenery.jittered(rng, (-20, 20, -20, 20), 5.0, float(rng.uniform(0, 0.3))),
        radius=0.3,
    )
    scenery.oddments(stage, int(rng.integers(0, 3)))
    return stage.finish("rocky_ground", within(rng, (-8.0, 8.0), (-8.0, 8.0)))


def desert(rng: Rng) -> World:
    """Sand dunes, stony plain or red rock with mesas; cacti or scrub, a track, pylons, a ruin."""
    noise, kind = Noise(rng), int(rng.integers(3))
    parts: list[Relief] = []
    if kind == 0:
        high, wave = float(rng.uniform(1.5, 14)), float(rng.uniform(25, 120))
        parts.append(
            lambda x, y: (
                high * (noise.layered(x, 0.5 * y, wave, 2, ridged=True) + 0.2 * noise.layered(x, y, wave / 4, 2))
            )
        )
    else:
        parts.append(rolling(rng, float(rng.uniform(0.1, 1.0)), 25.0, 3))
    if kind == 2:
        mesa, steep = float(rng.uniform(30, 140)), float(rng.uniform(0.05, 0.2))
        parts.append(
            lambda x, y: (
                mesa
                * np.clip((noise.layered(x + 500, y, 420.0, 3) - 0.12) / steep, 0, 1)
                * np.clip((np.hypot(x, y) - 60) / 60, 0, 1)
            )
        )
    elif rng.random() < 0.5:
        parts.append(mountains(rng, 400, 2400, float(rng.uniform(60, 400))))
    if rng.random() < 0.35:
        parts.append(slope(float(rng.uniform(3, 14)), float(rng.uniform(-3.1, 3.1)), 60))
    stage = Stage(
        rng,
        weather(rng, None if rng.random() < 0.4 else str(rng.choice(["clear", "hazy", "golden"]))),
        Terrain(together(*parts), 0.7, 58),
    )
    ground = palette.sand(rng) if kind == 0 or rng.random() < 0.5 else palette.gravel(rng, 0.08)
    stage.terrain.draw(
        stage.builder,
        ground,
        lambda x, y, z: (z > 12) if kind == 2 else noise.layered(x, y, 14.0, 3) > 0.75,
        (palette.rock(rng),),
    )
    if kind and rng.random() < 0.6:
        plants = [
            vegetation.cactus(rng)
            if rng.random() < 0.5
            else vegetation.bush(rng, "autumn", float(rng.uniform(0.3, 1.2)))
            for _ in range(4)
        ]
        stage.scatter(
            plants, scenery.jittered(rng, (-80, 80, -80, 80), 9.0, float(rng.uniform(0.1, 0.6)), 0.5), radius=0.5
        )
    stones = [vegetation.stone(rng, float(np.exp(rng.uniform(-1.5, 1.3)))) for _ in range(3)]
    stage.scatter(
        stones,
        scenery.jittered(rng, (-50, 50, -50, 50), 6.0, float(rng.uniform(0, 0.6 if kind else 0.1)), 0.5),
        scale=(0.4, 1.5),
        radius=0.3,
    )
    if rng.random() < 0.35:
        stage.strip(
            [[-120, 5], [120, -5]],
            2.4,
            2.4,
            palette.soil(rng) if rng.random() < 0.6 else palette.asphalt(rng),
            lift=0.05,
            step=1.5,
            across=6,
        )
    if rng.random() < 0.35:
        yard_things.pole_line(stage, [[k, -9 + 0.1 * k] for k in np.arange(-200, 201, 40.0)], 9.0)
    if rng.random() < 0.3:
        for _ in range(4):
            wall = vegetation.thing(lambda b: ruin(b, rng, float(rng.uniform(3, 9)), float(rng.uniform(1.2, 4))))
            stage.put(wall, float(rng.uniform(-22, 22)), float(rng.uniform(-22, 22)), float(rng.uniform(-3, 3)))
    scenery.oddments(stage, int(rng.integers(0, 3)))
    return stage.finish("desert", within(rng, (-12.0, 12.0), (-12.0, 12.0)))


def snow_field(rng: Rng) -> World:
    """Snow over meadow, slope or piste: conifers, fences, tracks, huts, lift pylons, mountains."""
    parts: list[Relief] = [rolling(rng, float(rng.uniform(0.1, 1.5)), float(rng.uniform(15, 50)), 3)]
    if rng.random() < 0.6:
        parts.append(slope(float(rng.uniform(3, 20)), float(rng.uniform(-3.1, 3.1)), float(rng.uniform(50, 200))))
    if rng.random() < 0.6:
        parts.append(mountains(rng, float(rng.uniform(150, 500)), 2400, float(rng.uniform(80, 700))))
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 0.7, 52))
    noise, bare = Noise(rng), float(rng.uniform(0.5, 1.4))
    stage.terrain.draw(
        stage.builder,
        palette.snow(rng),
        lambda x, y, z: noise.layered(x, y, 12.0, 3) > bare,
        (palette.grass(rng, 0.8),),
    )
    names = ("spruce", "fir", "spruce") if rng.random() < 0.7 else ("bare", "birch", "spruce")
    spots = scenery.jittered(rng, (-100, 100, -100, 100), float(rng.uniform(6, 14)), float(rng.uniform(0.05, 0.6)), 0.5)
    keep = np.hypot(*spots.T) > float(rng.uniform(2, 15))
    scenery.plant(stage, vegetation.grove(rng, "autumn", names, 2, 3), spots[keep], 24, 5, 0.8)
    if rng.random() < 0.4:
        line = curve(np.column_stack([np.linspace(-60, 60, 7), rng.normal(scale=3, size=7)]), 1.5)
        stage.strip(line, 1.4, 1.4, palette.plain((0.55, 0.57, 0.6)), lift=0.04, step=1.0, across=5)
    if rng.random() < 0.4:
        yard_things.fence(stage, (-40, 7), (40, 9), str(rng.choice(["rails", "wire", "picket"])))
    if rng.random() < 0.4:
        a = float(rng.uniform(-3.1, 3.1))
        scenery.detached(stage, 20 * np.cos(a), 20 * np.sin(a), a)
    if rng.random() < 0.3:
        yard_things.pole_line(stage, [[12 + 0.1 * k, k] for k in np.arange(-200, 201, 40.0)], 9.0, 2)
    scenery.oddments(stage, int(rng.integers(0, 4)))
    scenery.horizon(stage, "autumn", 130)
    return stage.finish("snow_field", within(rng, (-12.0, 12.0), (-12.0, 12.0)))
