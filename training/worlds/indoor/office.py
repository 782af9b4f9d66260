"""Workrooms: offices of one and of many, meeting rooms, classrooms, laboratories."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.apartment import connect, split
from training.worlds.indoor.colours import pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.fittings import kitchen_run, workbench
from training.worlds.indoor.groups import cubicles, dining, lounge, workplace
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.objects import body, machine, partition, plant
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall, fill_walls, in_room, pillars, rows
from training.worlds.indoor.rooms import ceiling_height, finish_room, size
from training.worlds.indoor.seating import chair, office_chair
from training.worlds.indoor.shell import Room, outline, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cabinet, cartons, shelf, wardrobe
from training.worlds.indoor.tables import counter, table
from training.worlds.indoor.wallware import hang
from training.worlds.world import World


def office(rng: np.random.Generator) -> World:
    """An office of one to four desks."""
    stage = Stage(rng, "office", rng.random() < 0.9)
    width, depth = size(rng, 2.8, 6.5, 1.6)
    room = finish_room(
        stage, outline(rng, width, depth), ceiling_height(rng, "office"), windows=int(rng.integers(1, 3)), curtains=0.35
    )
    outdoors(stage, room.box)
    for _ in range(int(rng.integers(1, 5))):
        if rng.random() < 0.7:
            against_wall(stage, room, workplace(stage), tries=10)
        else:
            in_room(stage, room, workplace(stage), 0.15, 10)
    for make, chance in (
        (shelf, 0.8),
        (cabinet, 0.6),
        (wardrobe, 0.4),
        (shelf, 0.5),
        (chair, 0.4),
        (cartons, 0.3),
        (lounge, 0.15),
    ):
        if rng.random() < chance:
            against_wall(stage, room, make(stage))
    if room.area > 16:
        in_room(stage, room, dining(stage, top="desk"), 0.1, 8)
    fill_walls(stage, room, (shelf, cabinet, wardrobe, plant, chair, workplace), float(rng.uniform(0.0, 0.6)))
    dress_up(stage, room, float(rng.choice([0.5, 1.2])))
    return stage.finish("office", walk=True)


def open_office(rng: np.random.Generator) -> World:
    """A floor with rows of desks, partitions, pillars, glass fronts, a lounge."""
    stage = Stage(rng, "office", rng.random() < 0.9)
    width, depth = size(rng, 8.0, 28.0, 2.0)
    room = finish_room(
        stage,
        outline(rng, width, depth),
        ceiling_height(rng, "office"),
        windows=int(rng.integers(1, 4)),
        doors=3,
        curtains=0.2,
    )
    outdoors(stage, room.box, None)
    if rng.random() < 0.5:
        pillars(
            stage,
            room,
            (float(rng.uniform(5, 8)), float(rng.uniform(5, 8))),
            float(rng.uniform(0.3, 0.6)),
            bool(rng.random() < 0.4),
        )
    group = cubicles(stage, int(rng.integers(2, 5)))
    turn = 0.0 if rng.random() < 0.5 else pi / 2
    rows(
        stage,
        room,
        group,
        (float(rng.uniform(0.8, 1.8)), float(rng.uniform(0.9, 2.2))),
        0.8,
        turn,
        float(rng.uniform(0.6, 1.0)),
    )
    for _ in range(int(rng.integers(5, 22))):
        piece = stage.one_of(shelf, cabinet, plant, workplace, wardrobe, lounge, cartons)
        against_wall(stage, room, piece)
    for _ in range(int(rng.integers(0, 5))):
        screen = partition(stage, float(rng.uniform(1.2, 3)), float(rng.uniform(1.2, 2.0)))
        in_room(stage, room, screen if rng.random() < 0.3 else stage.one_of(plant, person, office_chair), 0.1)
    if rng.random() < 0.5:
        against_wall(stage, room, kitchen_run(stage, float(rng.uniform(1.8, 3.6))))
    dress_up(stage, room, 0.6)
    return stage.finish("open_office", walk=True)


def office_suite(rng: np.random.Generator) -> World:
    """Several offices off each other with wide doorways between them."""
    stage = Stage(rng, "office")
    width, depth = size(rng, 9.0, 18.0, 1.8)
    height = ceiling_height(rng, "office")
    thick = float(rng.uniform(0.05, 0.1))
    cells = split(rng, (0.0, 0.0, width, depth), float(rng.uniform(2.4, 4.0)))[:7]
    rooms = [
        Room(
            rectangle(c[2] - c[0] - 2 * thick, c[3] - c[1] - 2 * thick, c[0] + thick, c[1] + thick),
            height,
            thickness=thick,
        )
        for c in cells
    ]
    connect(rng, rooms, cells, 0.5)
    for cell, room in zip(cells, rooms, strict=True):
        sides = [cell[1] <= 1e-6, cell[2] >= width - 1e-6, cell[3] >= depth - 1e-6, cell[0] <= 1e-6]
        free = [i for i in range(4) if sides[i]]
        finish_room(
            stage,
            room.outline,
            height,
            windows=int(rng.integers(0, 3)) if free else 0,
            doors=0,
            ceiling="plain",
            lamps=pick(rng, {"panel": 3, "strip": 2, "disc": 1}),
            spacing=2.8,
            room=room,
            window_edges=free,
            curtains=0.2,
        )
        for _ in range(int(rng.integers(1, 4))):
            against_wall(stage, room, workplace(stage))
        if room.area > 14:
            in_room(stage, room, dining(stage, top="desk") if rng.random() < 0.5 else cubicles(stage, 2), 0.2, 10)
        fill_walls(stage, room, (shelf, cabinet, wardrobe, plant), float(rng.uniform(0.1, 0.5)))
        dress_up(stage, room, 0.6)
    outdoors(stage, (0.0, 0.0, width, depth))
    return stage.finish("office_suite", walk=True)


def meeting_room(rng: np.random.Generator) -> World:
    """A meeting room: one long table, chairs, boards and a screen."""
    stage = Stage(rng, "office", rng.random() < 0.8)
    width, depth = size(rng, 3.5, 9.0, 1.8)
    room = finish_room(
        stage, outline(rng, width, depth), ceiling_height(rng, "office"), windows=int(rng.integers(0, 3)), curtains=0.3
    )
    outdoors(stage, room.box)
    long = max(room.box[2] - room.box[0], room.box[3] - room.box[1])
    group = dining(stage, 2 * max(1, int((long - 2.2) / 0.75)), "desk")
    x0, y0, x1, y1 = room.box
    stage.plan.zones.clear()
    stage.try_put(group, 0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.0 if x1 - x0 > y1 - y0 else pi / 2) or in_room(
        stage, room, dining(stage, 4, "desk"), 0.1, 12
    )
    hang(stage, room, 2, "board")
    hang(stage, room, 1, "tv")
    for make in (cabinet, shelf, plant, chair):
        if rng.random() < 0.5:
            against_wall(stage, room, make(stage))
    dress_up(stage, room, 0.5)
    return stage.finish("meeting_room")


def classroom(rng: np.random.Generator) -> World:
    """A classroom or lecture room: rows of tables with chairs, a board, a lectern."""
    stage = Stage(rng, "office")
    width, depth = size(rng, 6.0, 13.0, 1.6)
    room = finish_room(
        stage,
        rectangle(width, depth) if rng.random() < 0.8 else outline(rng, width, depth),
        float(rng.uniform(2.6, 4.2)),
        windows=int(rng.integers(1, 3)),
        doors=2,
        curtains=0.3,
    )
    outdoors(stage, room.box)
    board = table(stage, float(rng.choice([0.7, 1.3, 1.4, 1.8])), 0.5, 0.74, "desk", False, 1.5)
    one = chair(stage, "wood" if rng.random() < 0.5 else "shell")
    seats = max(1, round(board.width / 0.65))

    def draw() -> None:
        with stage.at(0.0, 0.25):
            board.draw()
        for k in range(seats):
            with stage.at(
                (k + 0.5 - seats / 2) * board.width / seats,
                -0.25 + float(rng.normal(0, 0.04)),
                0.0,
                float(rng.normal(0, 0.1)),
            ):
                one.draw()

    hang(stage, room, 3, "board")
    rows(
        stage,
        room,
        Piece(board.width, 1.0, 0.85, draw),
        (float(rng.choice([0.05, 0.6, 0.8])), float(rng.uniform(0.2, 0.6))),
        1.2,
        float(rng.integers(4)) * pi / 2,
        float(rng.uniform(0.8, 1.0)),
    )
    for _ in range(int(rng.integers(2, 8))):
        against_wall(stage, room, stage.one_of(shelf, cabinet, wardrobe, plant, workplace))
    dress_up(stage, room, 0.8)
    return stage.finish("classroom", walk=True)


def laboratory(rng: np.random.Generator) -> World:
    """A laboratory or workshop: benches, instruments, cupboards, machines."""
    stage = Stage(rng, pick(rng, {"office": 2, "wet": 1, "industrial": 1}))
    width, depth = size(rng, 4.0, 12.0, 1.8)
    room = finish_room(
        stage,
        outline(rng, width, depth),
        float(rng.uniform(2.6, 4.5)),
        windows=int(rng.integers(0, 3)),
        doors=2,
        curtains=0.2,
    )
    outdoors(stage, room.box)
    for _ in range(int(rng.integers(2, 6))):
        against_wall(stage, room, workbench(stage, float(rng.uniform(1.2, 3.5))))
    rows(
        stage,
        room,
        workbench(stage, float(rng.uniform(1.5, 3.0))),
        (float(rng.uniform(0.9, 1.6)), float(rng.uniform(1.0, 1.6))),
        1.3,
    )
    for _ in range(int(rng.integers(2, 9))):
        piece = stage.one_of(shelf, wardrobe, cabinet, cartons, machine, body, office_chair)
        against_wall(stage, room, piece) if rng.random() < 0.7 else in_room(stage, room, piece)
    dress_up(stage, room, 1.0)
    return stage.finish("laboratory")


def reception(rng: np.random.Generator) -> World:
    """A waiting room or reception: a counter, rows of chairs, plants, posters."""
    stage = Stage(rng, "office")
    width, depth = size(rng, 4.0, 11.0, 1.8)
    room = finish_room(
        stage,
        outline(rng, width, depth),
        ceiling_height(rng, "shop"),
        windows=int(rng.integers(1, 3)),
        doors=2,
        curtains=0.2,
    )
    outdoors(stage, room.box, 0.15)
    bend = float(rng.choice([0.0, 0.8, 1.6, 2.4]))
    in_room(stage, room, counter(stage, float(rng.uniform(1.6, 3.5)), "desk", bend), 0.3, 10)
    for _ in range(int(rng.integers(1, 4))):
        one, n = stage.repeated(chair(stage)), int(rng.integers(2, 6))

        def draw(one: Piece = one, n: int = n) -> None:
            for k in range(n):
                with stage.at((k + 0.5 - n / 2) * 0.58, 0.0):
                    one.draw()

        against_wall(stage, room, Piece(0.58 * n, one.depth, one.height, draw), 0.05)
    for make in (lounge, plant, shelf, cabinet, plant):
        if rng.random() < 0.5:
            against_wall(stage, room, make(stage))
    dress_up(stage, room, 1.0)
    return stage.finish("reception")
