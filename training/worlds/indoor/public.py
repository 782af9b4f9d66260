"""Public interiors: libraries, museums, lobbies, churches, gyms, auditoria, station halls."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.colours import pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.groups import dining, lounge
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.objects import body, machine, partition, plant, rope_posts, sculpture
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall, in_room, pillars, rows
from training.worlds.indoor.plan import Footprint
from training.worlds.indoor.rooms import ceiling_height, finish_room, size
from training.worlds.indoor.seating import bench, chair
from training.worlds.indoor.shell import Room, outline, rectangle
from training.worlds.indoor.shop import line_walls, low_shelf
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.stairs import railing, stairs
from training.worlds.indoor.storage import shelf
from training.worlds.indoor.structures import divider, gallery
from training.worlds.indoor.tables import counter, table
from training.worlds.indoor.wallware import hang
from training.worlds.world import World


def library(rng: np.random.Generator) -> World:
    """A library: book stacks in rows, reading tables, a counter."""
    stage = Stage(rng, pick(rng, {"office": 2, "grand": 1.5, "shop": 1}))
    width, depth = size(rng, 6.0, 24.0, 1.8)
    room = finish_room(
        stage,
        outline(rng, width, depth),
        float(rng.uniform(2.6, 6.0)),
        windows=int(rng.integers(1, 3)),
        doors=2,
        curtains=0.2,
    )
    outdoors(stage, room.box)
    if rng.random() < 0.6:
        gallery(stage, room)
    line_walls(stage, room, "books", float(rng.uniform(0.4, 0.95)), float(rng.uniform(1.8, 3.0)))
    length = float(np.clip(rng.uniform(0.25, 0.6) * min(width, depth), 1.8, 9.0))
    stack = shelf(stage, length, float(rng.uniform(1.3, 2.3)), "books", 1.0, True)
    rows(
        stage,
        room,
        stack,
        (float(rng.uniform(0.9, 1.8)),) * 2,
        1.2,
        float(rng.integers(2)) * pi / 2,
        float(rng.uniform(0.5, 1.0)),
    )
    for _ in range(int(rng.integers(2, 9))):
        piece = stage.one_of(dining, low_table, lounge, plant, person, lambda s: counter(s, 2.5, "desk", 1.2))
        in_room(stage, room, piece, 0.2, 8)
    dress_up(stage, room, 0.5)
    return stage.finish("library", walk=True)


def low_table(stage: Stage) -> Piece:
    """A reading island."""
    return low_shelf(stage, float(stage.rng.uniform(1.2, 2.5)), "books")


def museum(rng: np.random.Generator) -> World:
    """A gallery or museum: pictures in rows, partitions, sculptures, benches, ropes; skylights."""
    stage = Stage(rng, pick(rng, {"grand": 3, "shop": 1, "raw": 0.4}))
    width, depth = size(rng, 5.0, 24.0, 2.0)
    height = float(rng.uniform(3.0, 8.0))
    ceiling = pick(rng, {"": 4, "skylight": 2, "barrel": 1, "segment": 0.7}) or None
    shape = rectangle(width, depth) if ceiling in ("barrel", "segment") else outline(rng, width, depth)
    room = finish_room(stage, shape, height, windows=int(rng.integers(0, 2)), doors=2, ceiling=ceiling, curtains=0.05)
    outdoors(stage, room.box)
    for _ in range(int(rng.integers(0, 4))):
        in_room(stage, room, divider(stage, room), 0.8)
    hang(stage, room, int(room.area / 5) + 6, "picture")
    for _ in range(int(room.area / rng.uniform(10, 25)) + 1):
        piece = stage.one_of(
            sculpture,
            sculpture,
            lambda s: partition(s, float(rng.uniform(2, 5)), float(rng.uniform(2.2, 3.2))),
            bench,
            rope_posts,
            person,
            body,
        )
        in_room(stage, room, piece, 0.4, 6)
    return stage.finish("museum", walk=True)


def lobby(rng: np.random.Generator) -> World:
    """A lobby or foyer: columns, a reception counter, stairs with railings, lounges, glass fronts."""
    stage = Stage(rng, pick(rng, {"grand": 4, "office": 1}))
    width, depth = size(rng, 7.0, 26.0, 1.8)
    height = ceiling_height(rng, "grand")
    domed = rng.random() < 0.12
    shape = outline(rng, width, width, "round") if domed else outline(rng, width, depth)
    room = finish_room(
        stage, shape, height, windows=int(rng.integers(1, 4)), doors=2, ceiling="dome" if domed else None, curtains=0.1
    )
    outdoors(stage, room.box, 0.15)
    if rng.random() < 0.7:
        pillars(
            stage,
            room,
            (float(rng.uniform(3.5, 7)), float(rng.uniform(3.5, 7))),
            float(rng.uniform(0.3, 0.9)),
            bool(rng.random() < 0.6),
        )
    in_room(stage, room, counter(stage, float(rng.uniform(2, 5)), "desk", float(rng.choice([0.0, 1.0, 2.0]))), 0.5, 10)
    if height > 4.1 and rng.random() < 0.4:
        gallery(stage, room)
    elif height > 3.4 and rng.random() < 0.5:
        _flight(stage, room)
    for _ in range(int(rng.integers(2, 10))):
        in_room(stage, room, stage.one_of(lounge, plant, bench, sculpture, person, rope_posts), 0.3, 8)
    dress_up(stage, room, 0.5)
    return stage.finish("lobby", walk=True)


def _flight(stage: Stage, room: Room) -> None:
    """A straight stair that goes up along a wall to a landing."""
    rng = stage.rng
    rise, tread, width = float(rng.uniform(0.16, 0.19)), float(rng.uniform(0.26, 0.31)), float(rng.uniform(1.0, 2.2))
    steps = int(min((room.height - 1.0) / rise, 18))
    solid = rng.random() < 0.6
    long = steps * tread
    surface = stage.palette.floor if rng.random() < 0.5 else stage.palette.wood

    def draw() -> None:
        with stage.mesh.at((0.0, -long / 2, 0.0)):
            stairs(stage, width, steps, tread, rise, solid, surface)
            for s in (-1, 1):
                railing(stage, (s * (width / 2 - 0.05), 0.0, 0.0), (s * (width / 2 - 0.05), long, steps * rise))

    piece = Piece(width, long, steps * rise, draw)
    in_room(stage, room, piece, 0.2, 12)


def church(rng: np.random.Generator) -> World:
    """A nave under a vault: pews, columns, high windows, an altar."""
    stage = Stage(rng, pick(rng, {"grand": 3, "raw": 1}))
    width, depth = float(rng.uniform(6, 16)), float(rng.uniform(12, 40))
    eaves = float(rng.uniform(3.5, 8.0))
    room = finish_room(
        stage,
        rectangle(width, depth),
        eaves,
        windows=4,
        window_kind=pick(rng, {"single": 2, "pair": 1, "high": 1}),
        ceiling=pick(rng, {"barrel": 3, "pointed": 3, "gable": 2, "segment": 1}),
        curtains=0.0,
        doors=1,
        lamps=pick(rng, {"chandelier": 2, "globe": 2, "bell": 1}),
        window_edges=[1, 3],
    )
    outdoors(stage, room.box)
    if width > 9:
        columns = stage.repeated(
            Piece(0.9, 0.9, eaves, lambda: stage.mesh.cylinder(0.4, eaves, stage.palette.trim, segments=12))
        )
        for y in np.arange(3.0, depth - 2.0, float(rng.uniform(3.5, 5))):
            for x in (0.22 * width, 0.78 * width):
                stage.try_put(columns, x, float(y))
    pew = float(rng.uniform(2.0, min(5.0, 0.4 * width)))
    back = stage.palette.wood

    def draw() -> None:
        stage.mesh.boxes([(0, 0, 0.43), (0, -0.2, 0.65)], [(pew, 0.4, 0.04), (pew, 0.04, 0.5)], back)
        stage.mesh.boxes([(s * pew / 2, 0, 0.45) for s in (-1, 1)], (0.05, 0.5, 0.9), back)

    bench_row = stage.repeated(Piece(pew, 0.5, 0.9, draw))
    for y in np.arange(2.5, depth - 4.5, float(rng.uniform(0.85, 1.2))):
        for x in (0.5 * width - 0.6 - pew / 2, 0.5 * width + 0.6 + pew / 2):
            stage.try_put(bench_row, x, float(y))
    stage.put(table(stage, 2.0, 0.8, 0.95), 0.5 * width, depth - 2.0)
    hang(stage, room, 8, "picture")
    return stage.finish("church", walk=True)


def gym(rng: np.random.Generator) -> World:
    """A sports hall or fitness room: markings, machines, benches, wall bars, balls."""
    big = rng.random() < 0.5
    stage = Stage(rng, "industrial" if big else "office")
    width, depth = size(rng, 12.0 if big else 6.0, 40.0 if big else 16.0, 1.8)
    height = float(rng.uniform(5.0, 11.0)) if big else float(rng.uniform(2.6, 4.0))
    ceiling = pick(rng, {"trusses": 2, "beams": 2, "segment": 1, "gable": 1, "plain": 1}) if big else None
    room = finish_room(
        stage, rectangle(width, depth), height, windows=int(rng.integers(0, 3)), ceiling=ceiling, doors=2, curtains=0.0
    )
    outdoors(stage, room.box)
    if big:
        paint = stage.palette.lacquer
        for inset in (1.5, 2.5):
            w, d = width - 2 * inset, depth - 2 * inset
            for x, y, sx, sy in (
                (0, d / 2, w, 0.05),
                (0, -d / 2, w, 0.05),
                (w / 2, 0, 0.05, d),
                (-w / 2, 0, 0.05, d),
                (0, 0, w, 0.05),
            ):
                stage.mesh.box((sx, sy, 0.004), paint, (width / 2 + x, depth / 2 + y, 0.002))
    for _ in range(int(room.area / (30 if big else 7)) + 2):
        piece = stage.one_of(bench, body, lambda s: machine(s, 0.7), body, person)
        against_wall(stage, room, piece) if big and rng.random() < 0.7 else in_room(stage, room, piece, 0.3)
    hang(stage, room, 5, "mirror" if not big else "sign")
    dress_up(stage, room, 0.3)
    return stage.finish("gym")


def auditorium(rng: np.random.Generator) -> World:
    """Rows of seats on steps (or a flat floor) before a stage and a screen."""
    stage = Stage(rng, pick(rng, {"grand": 2, "office": 1}), rng.random() < 0.4)
    width, depth = float(rng.uniform(8, 24)), float(rng.uniform(9, 26))
    height = float(rng.uniform(4.5, 10.0))
    room = finish_room(
        stage,
        rectangle(width, depth),
        height,
        windows=int(rng.integers(0, 2)),
        doors=2,
        curtains=0.2,
        ceiling=pick(rng, {"plain": 2, "coffers": 1, "baffles": 1, "beams": 1}),
    )
    outdoors(stage, room.box)
    front = float(rng.uniform(3.0, 4.5))
    stage.plan.add(Footprint(width / 2, depth - 1.2, width / 2, 1.2, 0.0, 0.0, 0.8))
    stage.mesh.box((width, 2.4, 0.8), stage.palette.wood, (width / 2, depth - 1.2, 0.4))
    pitch = float(rng.uniform(0.85, 1.1))
    n = int((depth - front - 2.5) / pitch)
    rise = float(rng.choice([0.0, 0.12, 0.2, 0.3]))
    rise = min(rise, (height - 3.0) / max(n, 1))
    one = chair(stage, "padded")
    seats = max(1, int(0.42 * (width - 2.4) / 0.58))

    def row() -> None:
        for k in range(seats):
            with stage.at((k + 0.5 - seats / 2) * 0.58, 0.0):
                one.draw()

    for k in range(n):
        y, z = depth - front - 1.0 - k * pitch, rise * k
        if rise and k:
            stage.mesh.box((width - 2.4, pitch, z), stage.palette.floor, (width / 2, y, z / 2))
            stage.plan.add(Footprint(width / 2, y, width / 2 - 1.2, pitch / 2, 0.0, 0.0, z + 1.0))
        for side in (-1, 1):
            x = width / 2 + side * (0.6 + seats * 0.29)
            stage.copy("row", row, x, y, z)
            stage.plan.add(Footprint(x, y, seats * 0.29, 0.3, 0.0, 0.0, z + 1.0))
    stage.mesh.box(
        (min(0.6 * width, 9.0), 0.05, min(0.5 * height, 4.0)),
        stage.palette.trim,
        (width / 2, depth - 0.1, 0.55 * height),
    )
    hang(stage, room, 5)
    return stage.finish("auditorium")


def station(rng: np.random.Generator) -> World:
    """A large hall for travellers: long vault or trusses, pillars, benches, kiosks, people, signs."""
    stage = Stage(rng, pick(rng, {"grand": 2, "industrial": 1}))
    width, depth = size(rng, 14.0, 50.0, 2.2)
    height = float(rng.uniform(4.0, 10.0))
    ceiling = pick(
        rng, {"barrel": 1.5, "segment": 1.5, "gable": 1, "sawtooth": 1, "trusses": 1, "skylight": 1, "coffers": 1}
    )
    room = finish_room(
        stage,
        rectangle(width, depth),
        height,
        windows=int(rng.integers(1, 5)),
        window_kind=pick(rng, {"glass": 3, "high": 1, "wide": 1}),
        doors=4,
        ceiling=ceiling,
        curtains=0.0,
    )
    outdoors(stage, room.box, 0.15)
    pillars(
        stage,
        room,
        (float(rng.uniform(6, 12)), float(rng.uniform(6, 12))),
        float(rng.uniform(0.3, 0.9)),
        bool(rng.random() < 0.6),
    )
    for _ in range(int(rng.integers(8, 40))):
        piece = stage.one_of(
            bench,
            person,
            person,
            rope_posts,
            plant,
            lambda s: counter(s, 3.0),
            lambda s: partition(s, 2.0, 2.2),
            body,
        )
        in_room(stage, room, piece, 0.3, 4)
    hang(stage, room, 8, "poster")
    return stage.finish("station", walk=True)
