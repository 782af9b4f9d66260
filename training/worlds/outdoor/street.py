"""City streets, crossings, alleys and suburban streets."""

from __future__ import annotations

import numpy as np

from training.worlds.materials import Pattern
from training.worlds.outdoor import machines, palette, scenery, street_furniture, vegetation, vehicles, yard_things
from training.worlds.outdoor.shapes import sheet, tube
from training.worlds.outdoor.stage import Spot, Stage, Thing
from training.worlds.outdoor.terrain import usual
from training.worlds.outdoor.weather import weather
from training.worlds.polygon import triangulate
from training.worlds.world import World

Rng = np.random.Generator


def road(stage: Stage, half: float, length: float, lanes: int, pavement: float, marks: bool = True) -> float:
    """Carriageway along x with kerbs and pavements; returns the kerb's height."""
    rng, wet = stage.rng, stage.weather.wet
    tar = palette.asphalt(rng, wet) if rng.random() < 0.85 else palette.paving(rng, wet)
    line = [[-length, 0.0], [length, 0.0]]
    width = 2 * half / lanes
    painted = (
        palette.lanes(rng, tar, width, rng.random() < 0.2)
        if marks and tar.pattern == Pattern.ASPHALT and lanes > 1
        else tar
    )
    stage.strip(line, half, half, painted, lift=0.02)
    kerb = float(rng.choice([0.03, 0.1, 0.12, 0.15]))
    if pavement > 0:
        stone, edge = palette.paving(rng, wet), palette.concrete(rng)
        for side in (-1, 1):
            y = side * (half + pavement / 2)
            stage.slab([[-length, y], [length, y]], pavement / 2, pavement / 2, stone, edge, kerb)
    if marks and rng.random() < 0.5:
        white = palette.plain(palette.shade(rng, (0.66, 0.66, 0.63)))
        for side in (-1, 1):
            stage.strip([[-length, side * (half - 0.3)], [length, side * (half - 0.3)]], 0.06, 0.06, white, lift=0.03)
    return kerb


def _zebra(stage: Stage, x: float, half: float) -> None:
    white = palette.plain(palette.shade(stage.rng, (0.66, 0.66, 0.64)))
    for y in np.arange(-half + 0.4, half - 0.3, 1.0):
        stage.strip([[x - 1.6, y], [x + 1.6, y]], 0.25, 0.25, white, lift=0.03, step=1.0)


def _overhead(stage: Stage, half: float, length: float) -> None:
    """Cables across or along the street."""
    rng = stage.rng
    black = palette.plain((0.02, 0.02, 0.02))
    t = np.linspace(0, 1, 7)
    for x in np.arange(-length, length, float(rng.uniform(8, 25))):
        z = float(stage.ground(x, 0.0)) + float(rng.uniform(5.5, 9))
        y = -half + 2 * half * t
        tube(stage.builder, np.column_stack([np.full(7, x), y, z - 1.6 * t * (1 - t)]), 0.012, black, 3)


def city_street(rng: Rng) -> World:
    """A street between town houses: lanes, parked and moving cars, pavements, trees, lamps, shops, people."""
    sky = weather(rng)
    stage = Stage(rng, sky, usual(rng, 0.0))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.paving(rng) if rng.random() < 0.5 else palette.grass(rng))
    lanes = int(rng.choice([1, 2, 2, 2, 3, 4]))
    parking = rng.random() < 0.75
    half = lanes * float(rng.uniform(2.8, 3.5)) / 2 + (2.2 if parking else 0.3)
    walk = float(rng.uniform(1.6, 5.5))
    length = float(rng.uniform(70, 130))
    road(stage, half, length + 60, lanes, walk)
    front = half + walk
    shops = rng.random() < 0.55
    ground = ["shop", "shop", "door"] if shops else ["door", "windows", "gate", "door"]
    floors = [(2, 3), (3, 5), (4, 7)][int(rng.integers(3))]
    for side in (-1, 1):
        setback = float(rng.choice([0.0, 0.0, 1.5, 4.0]))
        style = rng.random()
        if style < 0.84:
            scenery.row_of_houses(stage, -length, length, side * (front + setback), side, floors, ground, (9, 14))
        else:
            x = -length
            while x < length:
                scenery.tower_block(stage, x + (0 if side > 0 else 25), side * (front + 3), 0.0 if side > 0 else np.pi)
                x += float(rng.uniform(38, 60))
        if setback > 2 and rng.random() < 0.6:
            for x in np.arange(-40, 40, 12.0):
                yard_things.fence(stage, (x, side * (front + 0.1)), (x + 9.5, side * (front + 0.1)), "iron")
    if rng.random() < 0.5:
        for end in (-1, 1):
            if rng.random() < 0.7:
                scenery.block(stage, end * (length + 25), 0.0, 30, 40, float(rng.uniform(10, 30)))
    _clothe_street(stage, half, walk, lanes, parking, when)
    pave = half + walk

    def on_pavement() -> Spot:
        x = float(rng.uniform(-22, 22))
        if rng.random() < 0.62:
            return x, float(rng.choice([-1, 1])) * float(rng.uniform(half + 0.35, pave - 0.35))
        return x, float(rng.uniform(-half, half))

    y = float(rng.choice([-1, 1])) * (half + 0.55 * walk)
    return stage.finish("city_street", on_pavement, [[-16, y], [-5, y + 0.2], [6, y - 0.2], [17, y]])


def _clothe_street(stage: Stage, half: float, walk: float, lanes: int, parking: bool, when: str) -> None:
    """Cars, trees, lamps, furniture and people of a street along x."""
    rng, lit = stage.rng, stage.weather.lamps
    cars = scenery.garage(rng, 5, False)
    if parking:
        for side in (-1, 1):
            scenery.park(
                stage,
                cars,
                (-62, side * (half - 1.05)),
                (62, side * (half - 1.05)),
                float(rng.uniform(5.2, 7.5)),
                float(rng.uniform(0.4, 0.95)),
            )
    big: list[Thing] = []
    if rng.random() < 0.4:
        big.append(Thing(machines.bus(rng, lit, rng.random() < 0.25)))
    if rng.random() < 0.35:
        big.append(Thing(machines.truck(rng, lit)))
    moving = [*big, *(Thing(vehicles.car(rng, lit=lit)[0]) for _ in range(2))]
    inner = half - (2.2 if parking else 0.3)
    for _ in range(int(rng.integers(0, 9))):
        lane = int(rng.integers(lanes))
        y = -inner + (lane + 0.5) * 2 * inner / lanes
        x = float(rng.uniform(6, 60)) * float(rng.choice([-1, 1]))
        stage.put(moving[int(rng.integers(len(moving)))], x, y, 0.0 if y < 0 else np.pi, tilt=True, margin=0.8)
    kerb = half + 0.45
    if rng.random() < 0.6 and walk > 2.0:
        grove = vegetation.grove(
            rng, when, tuple(rng.choice(["round", "young", "birch", "poplar", "palm", "bare"], 1)), 1, 1
        )
        step = float(rng.uniform(7, 14))
        at = np.arange(-60, 60, step) + 1.5
        both = np.concatenate([np.column_stack([at, np.full(len(at), s * (kerb + 0.25))]) for s in (-1, 1)])
        scenery.plant(stage, grove, both, 22.0, 5, 0.3, (0.75, 1.0))
    lamp_row = float(rng.choice([-1, 1]))
    xs = np.arange(-48, 49, float(rng.uniform(16, 28))) + rng.uniform(-4, 4)
    for lamp_side in [lamp_row] if rng.random() < 0.5 else [-1.0, 1.0]:
        scenery.lamps(stage, np.column_stack([xs, np.full(len(xs), lamp_side * kerb)]), -lamp_side * np.pi / 2)
    if rng.random() < 0.35:
        post = street_furniture.bollard(rng)
        for s in (-1, 1):
            for at_x in np.arange(-20, 20, float(rng.uniform(1.5, 3))):
                stage.put(post, float(at_x), s * (half + 0.3), check=True, margin=0.1)
    if rng.random() < 0.5:
        _zebra(stage, float(rng.uniform(-12, 12)), half)
    if rng.random() < 0.3:
        _overhead(stage, half + walk, 45)
    bike = [Thing(vehicles.bicycle(rng)), Thing(vehicles.motorbike(rng))]
    makers = [*street_furniture.furniture(rng, when), lambda: bike[0], lambda: bike[1]]

    def spot() -> Spot:
        s = float(rng.choice([-1, 1]))
        at_kerb = rng.random() < 0.6
        y = half + 0.5 if at_kerb else half + walk - 0.5
        return float(rng.uniform(-35, 35)), s * y

    scenery.clutter(stage, spot, int(rng.integers(4, 22)), makers, 0.1)
    scenery.people(
        stage,
        lambda: (
            float(rng.uniform(-30, 30)),
            float(rng.choice([-1, 1])) * float(rng.uniform(half + 0.6, half + walk - 0.3)),
        ),
        int(rng.integers(0, 12)),
    )


def crossing(rng: Rng) -> World:
    """Two streets meet: corner buildings on four blocks, signals, zebra crossings."""
    stage = Stage(rng, weather(rng))
    when = scenery.season(rng)
    stage.terrain.draw(stage.builder, palette.paving(rng, stage.weather.wet))
    half, walk = float(rng.uniform(3.2, 9.0)), float(rng.uniform(2.0, 5.0))
    cross, length = float(rng.uniform(3.0, 8.0)), 120.0
    tar = palette.asphalt(rng, stage.weather.wet)
    marks = palette.lanes(rng, tar, half)
    for ends in ([[-length, 0], [-cross, 0]], [[cross, 0], [length, 0]]):
        stage.strip(ends, half, half, marks, lift=0.02)
    for ends in ([[0, -length], [0, -half]], [[0, half], [0, length]]):
        stage.strip(ends, cross, cross, marks, lift=0.02)
    stage.strip([[-cross, 0], [cross, 0]], half, half, tar, lift=0.02)
    stone, edge = palette.paving(rng, stage.weather.wet), palette.concrete(rng)
    floors = (2, 4) if rng.random() < 0.5 else (4, 7)
    for sx in (-1, 1):
        for sy in (-1, 1):
            x0, y0 = sx * cross, sy * half
            corner = [[x0, y0], [sx * length, y0], [sx * length, sy * length], [x0, sy * length]]
            stage.builder.prism(corner if sx * sy > 0 else corner[::-1], 0.0, 0.13, edge, stone)
            style = rng.random()
            fx, fy = x0 + sx * walk, y0 + sy * walk
            if style < 0.7:
                low, high = sorted((fx, sx * 75.0))
                scenery.row_of_houses(stage, low, high, fy, sy, floors, ["shop", "door"], (10, 14))
                for k in range(3):
                    scenery.block(stage, fx + sx * 6.0, fy + sy * (24 + 21 * k), 12, 20, float(rng.uniform(7, 22)))
            elif style < 0.85:
                scenery.tower_block(stage, fx if sx > 0 else fx - 34, fy + (3 if sy > 0 else -30))
                scenery.block(stage, fx + sx * 50, fy + sy * 10, 20, 20, 15)
            else:
                trees = vegetation.grove(rng, when, None, 1, 2)
                area = (*sorted((fx + sx * 3, sx * 60)), *sorted((fy + sy * 3, sy * 60)))
                scenery.plant(stage, trees, scenery.jittered(rng, area, 7.0, 0.8), 25, 3)
    for s in (-1, 1):
        if rng.random() < 0.7:
            _zebra(stage, s * (cross + 2.4), half)
    signal = street_furniture.traffic_light(rng)
    for sx in (-1, 1):
        for sy in (-1, 1):
            stage.put(signal, sx * (cross + 0.6), sy * (half + 0.6), 0.0 if sx * sy > 0 else np.pi / 2, lift=0.13)
    scenery.lamps(
        stage,
        [[sx * (cross + 14.0 * k + 3), sy * (half + 0.5)] for k in (0, 2) for sx in (-1, 1) for sy in (-1, 1)],
        lambda x, y: -np.pi / 2 if y > 0 else np.pi / 2,
    )
    cars = [*scenery.garage(rng, 4, stage.weather.lamps), Thing(machines.bus(rng, stage.weather.lamps))]
    for _ in range(int(rng.integers(3, 14))):
        item = cars[int(rng.integers(len(cars)))]
        d = float(rng.uniform(cross + 6, 60)) * float(rng.choice([-1, 1]))
        if rng.random() < 0.5:
            y = float(rng.choice([-0.5, 0.5])) * half
            stage.put(item, d, y, 0.0 if y < 0 else np.pi, margin=0.6)
        else:
            x = float(rng.choice([-0.5, 0.5])) * cross
            stage.put(item, x, d + np.sign(d) * half, np.pi / 2 if x > 0 else -np.pi / 2, margin=0.6)

    def corner_spot() -> Spot:
        sx, sy = rng.choice([-1, 1], 2)
        if rng.random() < 0.2:
            return float(rng.uniform(-cross, cross)), float(rng.uniform(-half, half))
        along = float(rng.uniform(0.5, 14))
        off = float(rng.uniform(0.6, walk - 0.4))
        return (
            (float(sx * (cross + along)), float(sy * (half + off)))
            if rng.random() < 0.5
            else (float(sx * (cross + off)), float(sy * (half + along)))
        )

    scenery.people(stage, corner_spot, int(rng.integers(0, 12)))
    scenery.clutter(stage, corner_spot, int(rng.integers(2, 10)), street_furniture.furniture(rng, when), 0.13)
    y = half + walk * 0.5
    return stage.finish("crossing", corner_spot, [[cross + 1.0, y], [cross + 12, y], [cross + 24, y]])


def alley(rng: Rng) -> World:
    """A narrow lane, 1.6 to 5 m between walls, with bins, pipes, laundry, steps, an arch."""
    stage = Stage(rng, weather(rng), usual(rng, 0.0))
    width = float(rng.uniform(1.6, 5.0))
    length = float(rng.uniform(14, 45))
    floor = palette.paving(rng, stage.weather.wet) if rng.random() < 0.7 else palette.asphalt(rng, stage.weather.wet)
    stage.terrain.draw(stage.builder, floor)
    floors = (1, 3) if rng.random() < 0.4 else (2, 5)
    for side in (-1, 1):
        scenery.row_of_houses(
            stage,
            -length,
            length,
            side * width / 2,
            side,
            floors,
            ["door", "windows", "windows", "gate"],
            (6, 10),
            30.0,
            0.03,
        )
    for end in (-1, 1):
        u = rng.random()
        if u < 0.4:
            scenery.block(stage, end * (length + 12), 0.0, 12, 30, float(rng.uniform(6, 18)))
        elif u < 0.6:
            yard_things.fence(stage, (end * length, -width / 2), (end * length, width / 2), "wall", 2.2)
    b = stage.builder
    if rng.random() < 0.4:
        x = float(rng.uniform(5, length - 4)) * float(rng.choice([-1, 1]))
        z = float(stage.ground(x, 0.0))
        t = np.linspace(0, np.pi, 9)
        arch = np.column_stack([width / 2 * np.cos(t), 2.6 + 0.5 * width * np.sin(t)])
        outline = np.concatenate([arch, [[-width / 2, 5.5], [width / 2, 5.5]]])
        stone = palette.ashlar(rng)
        for dx in (0.0, 1.2):
            v = np.column_stack([np.full(len(outline), x + dx), outline[:, 0], z + outline[:, 1]])
            b.triangles(v, triangulate(outline), stone, outline)
        with b.at((x, 0, z), yaw=-np.pi / 2):
            v, f, uv = sheet(arch, 1.2)
            b.triangles(v, f, stone, uv)
    if rng.random() < 0.5:
        black = palette.plain((0.1, 0.1, 0.1))
        for _ in range(int(rng.integers(1, 6))):
            x, z = float(rng.uniform(-length, length)), float(rng.uniform(3.2, 6.5))
            z += float(stage.ground(x, 0.0))
            tube(b, [[x, -width / 2, z], [x, 0, z - 0.15], [x, width / 2, z]], 0.008, black, 3)
            for y in np.arange(-width / 2 + 0.4, width / 2 - 0.5, 0.7):
                if rng.random() < 0.7:
                    b.box((0.01, 0.5, float(rng.uniform(0.5, 0.9))), palette.bright(rng), (x, y + 0.2, z - 0.5))
    makers = [
        lambda: street_furniture.bin_(rng),
        lambda: street_furniture.planter(rng, "summer"),
        lambda: Thing(vehicles.bicycle(rng)),
        lambda: Thing(vehicles.motorbike(rng)),
        lambda: yard_things.pallet_load(rng),
        lambda: street_furniture.person(rng),
    ]
    scenery.clutter(
        stage,
        lambda: (
            float(rng.uniform(-length, length)),
            float(rng.choice([-1, 1])) * (width / 2 - float(rng.uniform(0.4, 0.7))),
        ),
        int(rng.integers(2, 12)),
        makers,
    )
    if stage.weather.lamps:
        for x in np.arange(-length, length, 9.0):
            z = float(stage.ground(x, 0)) + 3.4
            b.box((0.2, 0.3, 0.2), palette.glowing((1.0, 0.75, 0.45), 9.0), (x, width / 2 - 0.2, z))
            stage.light((x, width / 2 - 0.5, z - 0.2), (8.0, 6.0, 3.5), 0.08)
    room = max(0.05, width / 2 - 0.45)
    return stage.finish(
        "alley",
        lambda: (float(rng.uniform(-9, 9)), float(rng.uniform(-room, room))),
        [[-10, 0.0], [0, 0.15 * room], [10, -0.1 * room]],
    )
