"""Ways: corridors, tunnels, cellars, stairwells."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor import surfaces
from training.worlds.indoor.ceilings import ducts
from training.worlds.indoor.colours import pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.fittings import workbench
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.industrial import tank
from training.worlds.indoor.lamps import ceiling_lamp
from training.worlds.indoor.objects import bicycle, body, machine, plant
from training.worlds.indoor.openings import cut_door, cut_windows, fit_doors
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.placing import against_wall, in_room
from training.worlds.indoor.rooms import ceiling_height, finish_room
from training.worlds.indoor.seating import bench, chair
from training.worlds.indoor.shell import Room, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cabinet, cartons, shelf
from training.worlds.indoor.wallware import hang
from training.worlds.world import World


def corridor_outline(rng: np.random.Generator, width: float, length: float) -> np.ndarray:
    """Straight, L, T or Z corridor of one width."""
    kind = pick(rng, {"straight": 4, "L": 2, "T": 1.2, "Z": 0.8, "cross": 0.6})
    w, n = width, length
    arm = float(rng.uniform(2.0, max(0.7 * length, 2.5)))
    if kind == "L":
        points = [(0, 0), (n, 0), (n, w), (w, w), (w, w + arm), (0, w + arm)]
    elif kind == "T":
        m = float(rng.uniform(0.2, 0.7)) * n
        points = [(0, 0), (n, 0), (n, w), (m + w, w), (m + w, w + arm), (m, w + arm), (m, w), (0, w)]
    elif kind == "Z":
        points = [
            (0, 0),
            (n, 0),
            (n, w + arm),
            (n + arm, w + arm),
            (n + arm, 2 * w + arm),
            (n - w, 2 * w + arm),
            (n - w, w),
            (0, w),
        ]
    elif kind == "cross":
        m = 0.5 * n - 0.5 * w
        points = [
            (0, 0),
            (m, 0),
            (m, -arm),
            (m + w, -arm),
            (m + w, 0),
            (n, 0),
            (n, w),
            (m + w, w),
            (m + w, w + arm),
            (m, w + arm),
            (m, w),
            (0, w),
        ]
    else:
        points = [(0, 0), (n, 0), (n, w), (0, w)]
    return np.array(points, np.float64)


def corridor(rng: np.random.Generator) -> World:
    """A corridor 2 to 50 m long with many doors, lamps in a row, some with windows or a glass wall."""
    style = pick(rng, {"office": 4, "home": 2, "grand": 1.5, "raw": 1, "wet": 0.6, "shop": 0.6})
    windowed = rng.random() < 0.5
    stage = Stage(rng, style, windowed)
    width = float(np.exp(rng.uniform(np.log(0.95), np.log(4.0))))
    length = float(np.exp(rng.uniform(np.log(max(2.0, 1.3 * width)), np.log(50.0))))
    height = min(ceiling_height(rng, style), 6.0)
    room = Room(corridor_outline(rng, width, length), height, thickness=float(rng.choice([0.12, 0.2, 0.3])))
    edges = [e for e in room.edges if e.length > 1.2]
    if windowed:
        long = max(edges, key=lambda e: e.length)
        cut_windows(stage, room, long, pick(rng, {"glass": 2, "single": 2, "wide": 2, "french": 1, "ribbon": 1}))
        if rng.random() < 0.4:
            cut_windows(stage, room, edges[int(rng.integers(len(edges)))])
    pitch = float(rng.uniform(1.6, 6.0))
    for edge in edges:
        for s in np.arange(0.4, edge.length - 1.1, pitch):
            if rng.random() < 0.75:
                cut_door(stage, room, edge, s=float(s), width=0.9)
    finish_room(
        stage, room.outline, height, windows=0, doors=0, room=room, spacing=float(rng.uniform(1.8, 5.0)), curtains=0.15
    )
    if windowed:
        outdoors(stage, room.box)
    for _ in range(int(rng.poisson(0.25 * length))):
        against_wall(stage, room, stage.one_of(bench, chair, cabinet, plant, shelf, cartons, bicycle))
    hang(stage, room, int(rng.poisson(0.5 * length)))
    if rng.random() < 0.25:
        in_room(stage, room, person(stage), 0.1)
    dress_up(stage, room, 0.3)
    return stage.finish("corridor", walk=rng.random() < 0.5)


def tunnel(rng: np.random.Generator) -> World:
    """A tunnel, vault or culvert: round or pointed section, pipes, lamps on the walls, sometimes an end in light."""
    stage = Stage(rng, "raw", rng.random() < 0.4)
    width = float(np.exp(rng.uniform(np.log(1.6), np.log(9.0))))
    length = float(np.exp(rng.uniform(np.log(6.0), np.log(50.0))))
    springing = float(rng.uniform(0.7, 2.2))
    kind = pick(rng, {"barrel": 4, "segment": 2, "pointed": 1.5, "gable": 0.5})
    if kind == "segment":
        springing = max(springing, 1.7)
    room = Room(rectangle(width, length), springing, thickness=0.4)
    wall = surfaces.wall(rng, "raw")
    ends = [room.edges[0], room.edges[2]]
    open_end = stage.mood.daylight > 0.0 and springing > 1.9
    if open_end:
        opening = min(width - 0.4, 2.5)
        cut_door(stage, room, ends[0], "window", opening, 0.5 * (width - opening))
    finish_room(
        stage, room.outline, springing, windows=0, doors=0, ceiling=kind, lamps=None, wall=wall, room=room, curtains=0.0
    )
    if open_end:
        outdoors(stage, room.box, 0.1)
    light_room_along(stage, width, length, springing)
    if rng.random() < 0.6:
        for side in (0.12, width - 0.12):
            for _ in range(int(rng.integers(0, 4))):
                z = float(rng.uniform(0.15, max(springing - 0.1, 0.3)))
                stage.mesh.tube(
                    [(side, 0.0, z), (side, length, z)], float(rng.uniform(0.015, 0.09)), stage.palette.metal, 7
                )
    if rng.random() < 0.3:  # rails, or a channel's kerbs
        for x in (0.5 * width - 0.4, 0.5 * width + 0.4):
            stage.mesh.box((0.07, length, 0.12), stage.palette.metal, (x, 0.5 * length, 0.06))
        n = int(length / 0.7)
        stage.mesh.boxes([(0.5 * width, (k + 0.5) * 0.7, 0.03) for k in range(n)], (1.3, 0.2, 0.06), stage.palette.wood)
    for _ in range(int(rng.poisson(length / 8))):
        against_wall(stage, room, stage.one_of(cartons, body, bench))
    hang(stage, room, 3, "extinguisher" if rng.random() < 0.5 else "box")
    return stage.finish("tunnel", heights=(0.2, 1.9))


def light_room_along(stage: Stage, width: float, length: float, springing: float) -> None:
    """Bulkhead lamps or bulbs along both sides or the crown of a vault."""
    rng = stage.rng
    pitch = float(rng.uniform(2.5, 8.0))
    n = max(1, round(length / pitch))
    z = max(springing - 0.15, 1.2)
    kind = pick(rng, {"bulkhead": 3, "bulb": 1.5, "strip": 1.5})
    for k in range(n):
        x = 0.25 if k % 2 else width - 0.25
        with stage.at(x, (k + 0.5) * length / n, z):
            ceiling_lamp(stage, kind, 0.5 * width * pitch / 2.0, 0.05)


def cellar(rng: np.random.Generator) -> World:
    """A cellar, boiler room or plant room: low, pipes everywhere, shelves, machines."""
    stage = Stage(rng, "raw", rng.random() < 0.4)
    width, depth = (float(rng.uniform(2.5, 10.0)) for _ in range(2))
    height = float(rng.uniform(1.95, 3.2))
    room = finish_room(
        stage,
        rectangle(width, depth),
        height,
        windows=int(rng.integers(0, 2)),
        window_kind="high",
        doors=1,
        ceiling=pick(rng, {"ducts": 3, "beams": 2, "plain": 1, "segment": 1}),
        curtains=0.0,
        lamps=pick(rng, {"bulb": 2, "strip": 2, "bulkhead": 1}),
    )
    outdoors(stage, room.box, 0.15)
    if rng.random() < 0.6:
        ducts(stage, room, room.height)
    for _ in range(int(room.area / 3) + 2):
        kind = pick(rng, {"shelf": 3, "carton": 3, "tank": 1, "machine": 1.5, "bench": 1, "bicycle": 0.6, "body": 1.5})
        piece = {
            "shelf": lambda: shelf(stage, None, float(rng.uniform(1.2, 1.9)), pick(rng, {"odds": 2, "packages": 1})),
            "carton": lambda: cartons(stage),
            "tank": lambda: tank(stage),
            "machine": lambda: machine(stage, 0.6),
            "bench": lambda: workbench(stage, 1.5),
            "bicycle": lambda: bicycle(stage),
            "body": lambda: body(stage),
        }[kind]()
        if piece.height < height - 0.05:
            against_wall(stage, room, piece) if rng.random() < 0.75 else in_room(stage, room, piece, 0.05)
    hang(stage, room, 5, "pipe")
    return stage.finish("cellar", heights=(0.2, height - 0.35))


def closet(rng: np.random.Generator) -> World:
    """The smallest places: store rooms, lifts, cabins, pantries of 1.2 to 3 m."""
    style = pick(rng, {"home": 2, "office": 1, "raw": 1, "wet": 1, "industrial": 0.7})
    stage = Stage(rng, style, rng.random() < 0.3)
    width, depth = float(rng.uniform(1.15, 3.0)), float(rng.uniform(1.15, 3.2))
    height = float(rng.uniform(2.0, 3.0))
    room = Room(rectangle(width, depth), height, thickness=0.15)
    if stage.mood.daylight:
        cut_windows(stage, room, room.edges[2], "single")
    cut_door(stage, room, room.edges[0])
    stage.plan.keep_free(width / 2, depth / 2, 0.42)
    finish_room(
        stage,
        room.outline,
        height,
        windows=0,
        doors=0,
        room=room,
        lamps=pick(rng, {"disc": 2, "bulb": 1, "panel": 1, "spots": 1}),
    )
    fit_doors(stage, room)
    outdoors(stage, room.box)
    for _ in range(int(rng.integers(0, 6))):
        piece = stage.one_of(shelf, cartons, cabinet, chair, body)
        against_wall(stage, room, piece)
    hang(stage, room, int(rng.integers(0, 6)))
    return stage.finish("closet", heights=(0.2, height - 0.4))
