"""Beaches and lake shores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.worlds.outdoor import machines, palette, scenery, street_furniture, vegetation
from training.worlds.outdoor.stage import Spot, Stage, Thing, within
from training.worlds.outdoor.terrain import EXTENT_M, Noise, Relief, Terrain, mountains, together
from training.worlds.outdoor.weather import weather
from training.worlds.world import World

Rng = np.random.Generator
Array = NDArray[np.float64]


def beach(rng: Rng) -> World:
    """A sandy or pebbly shore: waves, dunes, wrack, umbrellas, boats, palms or pines, a promenade in some."""
    tilt, dune = float(rng.uniform(1.5, 6.0)), float(rng.uniform(0.3, 4.0))
    noise = Noise(rng)
    gain = np.tan(np.radians(tilt))
    line = float(rng.uniform(6, 40))

    def relief(x: Array, y: Array) -> Array:
        shore = 40 * gain * np.tanh(-(y - line) / 40)
        hill = dune * np.clip((-y - 10) / 20, 0, 1) * (1 + 0.8 * noise.layered(x, y, 16.0, 3))
        return np.maximum(shore, -8.0) + hill + 0.06 * noise.layered(x, y, 3.0, 3) * (np.abs(y) < 60)

    parts: list[Relief] = [relief]
    if rng.random() < 0.4:
        parts.append(
            mountains(rng, 300, 2000, float(rng.uniform(50, 300)), float(rng.choice([-np.pi / 2, 0.0, np.pi])))
        )
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 0.6, 52))
    when = "summer"
    ground = palette.sand(rng) if rng.random() < 0.7 else palette.gravel(rng, float(rng.uniform(0.04, 0.15)))
    red, green, blue = ground.colour
    damp = palette.Material(
        (0.55 * red, 0.55 * green, 0.55 * blue), ground.second, ground.pattern, ground.size_m, ground.contrast, 0.2
    )
    level = -0.15
    stage.terrain.draw(
        stage.builder,
        ground,
        lambda x, y, z: np.where((z < level + 0.12) & (y > 0), 1, np.where(y < -26, 2, 0)),
        (damp, palette.grass(rng)),
    )
    e = EXTENT_M
    sea = palette.water(rng)
    stage.builder.quad([[-e, line - 12, level], [e, line - 12, level], [e, e, level], [-e, e, level]], sea)
    foam = palette.plain((0.75, 0.77, 0.78))
    for k in range(int(rng.integers(0, 5))):
        y = line + 1.5 + 6.0 * k * float(rng.uniform(0.7, 1.3))
        x = np.arange(-90, 91, 3.0)
        yy = y + 1.2 * noise.layered(x, x * 0 + 7.0 * k, 20.0, 2)
        z = np.full(len(x), level + 0.03 + 0.12 * (k > 0))
        half = float(rng.uniform(0.1, 0.5))
        v = np.concatenate([np.column_stack([x, yy - half, z]), np.column_stack([x, yy + half, z - 0.02])])
        i = np.arange(len(x) - 1)
        n = len(x)
        stage.builder.triangles(
            v, np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)]), foam
        )
    dry = within(rng, (-18, 18), (-14, line - 2))
    boats = [Thing(machines.boat(rng, float(rng.uniform(3, 6)))) for _ in range(2)]
    makers = [
        lambda: _umbrella(rng),
        lambda: street_furniture.person(rng),
        lambda: vegetation.log(rng, float(rng.uniform(1, 4)), 0.12),
        lambda: vegetation.stone(rng, float(rng.uniform(0.3, 1.5))),
        lambda: boats[0],
    ]
    scenery.clutter(stage, dry, int(rng.integers(0, 26)), makers)
    afloat = Thing(machines.boat(rng, float(rng.uniform(5, 14))))
    for _ in range(int(rng.integers(0, 5))):
        afar = (float(rng.uniform(-80, 80)), line + float(rng.uniform(15, 120)), level - 0.1)
        with stage.builder.at(afar, yaw=float(rng.uniform(-3, 3))):
            stage.builder.instances(afloat.mesh, np.eye(4)[None])
    names = ("palm",) if rng.random() < 0.4 else ("pine", "round")
    spots = scenery.jittered(rng, (-90, 90, -75, -14), 8.0, float(rng.uniform(0.0, 0.6)))
    scenery.plant(stage, vegetation.grove(rng, when, names, 2, 3), spots, 26, 4, 0.6)
    tufts = [vegetation.tuft(rng, 0.5, 9) for _ in range(2)]
    stage.scatter(tufts, rng.uniform([-25, -28], [25, -8], (int(rng.integers(0, 250)), 2)), radius=0.0, occupy=False)
    if rng.random() < 0.35:
        for at in np.arange(-80, 81, 24.0):
            if rng.random() < 0.8:
                scenery.block(stage, float(at), -62.0, 18, 12, float(rng.uniform(5, 22)))
    return stage.finish(
        "beach",
        lambda: (float(rng.uniform(-14, 14)), float(rng.uniform(-12, line - 0.5))),
        [[-12, line * 0.4], [0, line * 0.5], [12, line * 0.4]],
    )


def _umbrella(rng: Rng) -> Thing:
    cloth, towel = palette.bright(rng), palette.bright(rng)

    def draw(b) -> None:
        b.cylinder(0.02, 2.1, palette.metal(rng), (0, 0, 0), 6)
        b.cylinder(1.05, 0.4, cloth, (0, 0, 1.75), 8, top_radius=0.02, caps=False)
        b.box((0.9, 1.9, 0.02), towel, (0.9, 0, 0.03))
        b.box((0.6, 1.3, 0.05), palette.wood(rng), (-0.9, 0.2, 0.3))
        b.boxes(
            [[-1.15, 0.8, 0.15], [-0.65, 0.8, 0.15], [-1.15, -0.4, 0.15], [-0.65, -0.4, 0.15]],
            (0.05, 0.05, 0.3),
            palette.wood(rng),
        )

    return vegetation.thing(draw, 1.2)


def lake_shore(rng: Rng) -> World:
    """A lake or wide river with reeds, a jetty, boats, woods and hills on the far side."""
    c = float(rng.uniform(4, 14))
    noise = Noise(rng)
    far = float(rng.uniform(60, 400))

    def relief(x: Array, y: Array) -> Array:
        bank = np.clip((c - y) / 9.0, -1, 1)
        other = np.clip((y - far) / 25.0, -0.4, 1)
        return 1.1 * np.maximum(bank, other) + 0.5 * noise.layered(x, y, 22.0, 3) * (bank > -0.5)

    parts: list[Relief] = [
        relief,
        mountains(rng, far + 60, far * 4 + 600, float(rng.uniform(30, 350)), None if rng.random() < 0.4 else np.pi / 2),
    ]
    stage = Stage(rng, weather(rng), Terrain(together(*parts), 0.6, 54))
    when = scenery.season(rng)
    stage.terrain.draw(
        stage.builder, palette.grass(rng), lambda x, y, z: (z < 0.12) & (np.abs(y - c) < 6), (palette.gravel(rng),)
    )
    level, e = -0.2, EXTENT_M
    stage.builder.quad(
        [[-e, c - 4, level], [e, c - 4, level], [e, far + 30, level], [-e, far + 30, level]], palette.water(rng)
    )
    if rng.random() < 0.6:
        x, long = float(rng.uniform(-6, 6)), float(rng.uniform(6, 18))
        plank, post = palette.wood(rng), palette.bark(rng)
        top = float(stage.ground(x, c - 2)) + 0.15
        stage.builder.box((1.8, long + 4, 0.08), plank, (x, c + long / 2 - 2, top))
        for y in np.arange(c, c + long, 2.5):
            for s in (-0.8, 0.8):
                stage.builder.cylinder(0.1, 3.0, post, (x + s, float(y), -2.0), 7)
        boat = Thing(machines.boat(rng, float(rng.uniform(3.5, 6))))
        with stage.builder.at((x + 2.2, c + long * 0.6, level), yaw=1.5):
            stage.builder.instances(boat.mesh, np.eye(4)[None])
    reed = [
        vegetation.tuft(
            rng,
            float(rng.uniform(1.0, 1.9)),
            12,
            palette.plain(palette.pick(rng, (0.12, 0.17, 0.05), (0.32, 0.28, 0.12))),
        )
        for _ in range(2)
    ]
    p = np.column_stack([rng.uniform(-40, 40, 260), rng.normal(c + 0.8, 0.9, 260)])
    stage.scatter(reed, p[noise(p[:, 0] / 9, p[:, 0] * 0) > rng.uniform(-0.6, 0.6)], radius=0.0, occupy=False)
    spots = scenery.jittered(rng, (-80, 80, -60, c - 2), 8.0, float(rng.uniform(0.1, 0.6)))
    scenery.plant(stage, vegetation.grove(rng, when, None, 2, 3), spots, 22, 5, 0.8)
    side = np.column_stack([rng.uniform(-300, 300, 220), rng.uniform(far + 15, far + 90, 220)])
    stage.scatter(
        [vegetation.tree(rng, n, when, 0.15) for n in ("round", "spruce", "oak")], side, radius=0.5, occupy=False
    )
    scenery.oddments(stage, int(rng.integers(0, 4)))
    scenery.meadow(stage, (-8, 8, -8, c - 1), int(rng.integers(0, 300)))

    def spot() -> Spot:
        return float(rng.uniform(-10, 10)), float(rng.uniform(-9, c - 0.5))

    return stage.finish("lake_shore", spot, [[-9, c - 4], [0, c - 5], [9, c - 4]])
