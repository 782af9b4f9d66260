"""Places that sell: shops, bookshops, supermarkets, boutiques, cafes, restaurants, bars."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.clutter import clutter
from training.worlds.indoor.colours import linear, pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.groups import bar, dining, lounge, rug
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.lamps import floor_lamp
from training.worlds.indoor.objects import body, partition, plant, sculpture
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall, in_room, pillars, rows
from training.worlds.indoor.rooms import ceiling_height, finish_room, size
from training.worlds.indoor.seating import bench, stool
from training.worlds.indoor.shell import Room, outline, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cabinet, cartons, clothes_rail, shelf
from training.worlds.indoor.structures import divider, gallery
from training.worlds.indoor.tables import counter, display_table, table
from training.worlds.indoor.wallware import hang
from training.worlds.materials import Material
from training.worlds.world import World


def line_walls(stage: Stage, room: Room, goods: str, share: float, height: float | None = None) -> None:
    """Shelves side by side along the walls, over about `share` of their length."""
    rng = stage.rng
    height = float(rng.uniform(1.6, 2.4)) if height is None else height
    height = min(height, room.height - 0.1)
    for edge in room.edges:
        if edge.length < 1.2:
            continue
        unit = float(rng.uniform(0.8, 1.25))
        run = max(1, int(rng.integers(1, 6)))
        piece = shelf(stage, unit * run, height, goods)
        s = 0.1 + 0.5 * piece.width
        while s < edge.length - 0.5 * piece.width - 0.05:
            if rng.random() < share:
                x, y = edge.at(s, 0.5 * piece.depth + 0.01)
                if not stage.try_put(piece, x, y, edge.yaw, 0.0, room.z):
                    s += 0.4
                    continue
            s += piece.width + 0.01


def _shell(stage: Stage, low: float, high: float, windows: int, height: float | None = None, doors: int = 2) -> Room:
    rng = stage.rng
    width, depth = size(rng, low, high, 2.0)
    height = ceiling_height(rng, "shop") if height is None else height
    room = finish_room(stage, outline(rng, width, depth), height, windows=windows, doors=doors, curtains=0.08)
    if windows:
        outdoors(stage, room.box, 0.15 if rng.random() < 0.85 else None)
    if min(room.box[2] - room.box[0], room.box[3] - room.box[1]) > 7 and rng.random() < 0.35:
        pillars(
            stage,
            room,
            (float(rng.uniform(4, 7)), float(rng.uniform(4, 7))),
            float(rng.uniform(0.25, 0.6)),
            bool(rng.random() < 0.5),
        )
    if room.height > 4.1 and rng.random() < 0.4:
        gallery(stage, room)
    if rng.random() < 0.2:
        in_room(stage, room, divider(stage, room), 0.6)
    return room


def _front_desk(stage: Stage, room: Room) -> None:
    rng = stage.rng
    bend = float(rng.choice([0.0, 0.0, 0.9, 1.8, 2.8]))
    piece = counter(stage, float(rng.uniform(1.5, 4.5)), "shop", bend)
    against_wall(stage, room, piece, float(rng.uniform(0.7, 1.2)), 10) or in_room(stage, room, piece, 0.1, 8)


def low_shelf(stage: Stage, length: float, goods: str, curved: bool = False) -> Piece:
    """A low island of shelves with a board on top, stocked from both sides, straight or curved."""
    rng = stage.rng
    height = float(rng.uniform(0.8, 1.35))
    if curved:
        return counter(stage, length, "shop", float(rng.uniform(0.8, 2.6)))
    piece = shelf(stage, length, height, goods, 1.0, True)

    def draw() -> None:
        piece.draw()
        stage.mesh.box((length + 0.06, piece.depth + 0.06, 0.04), stage.palette.worktop, (0, 0, height + 0.02))
        clutter(stage, length, piece.depth, height + 0.04, "shop", 3.0)

    return Piece(length + 0.06, piece.depth + 0.06, height + 0.2, draw)


def bookshop(rng: np.random.Generator) -> World:
    """A bookshop: walls of books, low curved and straight islands, tables with piles, stools, a counter."""
    stage = Stage(rng, pick(rng, {"shop": 3, "home": 1, "grand": 0.3}))
    room = _shell(stage, 4.5, 16.0, int(rng.integers(0, 3)))
    line_walls(stage, room, "books", float(rng.uniform(0.6, 1.0)))
    _front_desk(stage, room)
    for _ in range(min(int(room.area / rng.uniform(3.5, 10)) + 1, 40)):
        kind = pick(rng, {"island": 3, "curved": 1.5, "table": 3, "long": 1, "stool": 1.5, "lounge": 0.4})
        piece = {
            "island": lambda: low_shelf(stage, float(rng.uniform(1.2, 3.2)), "books"),
            "curved": lambda: low_shelf(stage, float(rng.uniform(2.0, 4.0)), "books", True),
            "table": lambda: display_table(stage),
            "long": lambda: table(stage, float(rng.uniform(1.8, 3.5)), 0.9, float(rng.uniform(0.75, 1.05)), "shop"),
            "stool": lambda: stool(stage),
            "lounge": lambda: lounge(stage),
        }[kind]()
        in_room(stage, room, piece, 0.25 if kind != "stool" else 0.05, 8, rng.random() < 0.8)
    dress_up(stage, room, 0.6)
    return stage.finish("bookshop", walk=True)


def shop(rng: np.random.Generator) -> World:
    """A shop for goods of any kind: wall shelves, gondolas, display tables, racks, posters."""
    stage = Stage(rng, "shop")
    room = _shell(stage, 4.0, 15.0, int(rng.integers(0, 3)))
    line_walls(stage, room, pick(rng, {"packages": 3, "odds": 1}), float(rng.uniform(0.3, 0.95)))
    _front_desk(stage, room)
    for _ in range(min(int(room.area / rng.uniform(3, 9)) + 1, 45)):
        kind = pick(
            rng,
            {
                "gondola": 3,
                "table": 3,
                "carton": 1,
                "plant": 0.5,
                "person": 0.6,
                "body": 0.6,
                "rail": 0.5,
                "stool": 0.6,
                "bench": 0.4,
            },
        )
        piece = {
            "gondola": lambda: low_shelf(stage, float(rng.uniform(1.0, 3.0)), "packages"),
            "table": lambda: display_table(stage),
            "carton": lambda: cartons(stage),
            "plant": lambda: plant(stage),
            "person": lambda: person(stage),
            "body": lambda: body(stage),
            "rail": lambda: clothes_rail(stage),
            "stool": lambda: stool(stage),
            "bench": lambda: bench(stage),
        }[kind]()
        in_room(stage, room, piece, 0.2, 8, rng.random() < 0.8)
    hang(stage, room, 4, "poster")
    dress_up(stage, room, 0.6)
    return stage.finish("shop", walk=True)


def boutique(rng: np.random.Generator) -> World:
    """A clothes shop: rails, mirrors, tables, a rug, mannequins."""
    stage = Stage(rng, pick(rng, {"shop": 3, "grand": 1}))
    room = _shell(stage, 4.0, 13.0, int(rng.integers(0, 3)))
    for _ in range(min(int(room.area / 4) + 2, 30)):
        piece = clothes_rail(stage)
        against_wall(stage, room, piece, 0.05) if rng.random() < 0.6 else in_room(stage, room, piece, 0.2)
    line_walls(stage, room, "odds", 0.25)
    _front_desk(stage, room)
    for _ in range(min(int(room.area / 7) + 1, 25)):
        in_room(stage, room, stage.one_of(display_table, bench, sculpture, person, plant, cabinet), 0.15)
    hang(stage, room, 3, "mirror")
    dress_up(stage, room, 0.5)
    return stage.finish("boutique", walk=True)


def supermarket(rng: np.random.Generator) -> World:
    """A supermarket or store: long aisles of shelves 1.4 to 2.4 m high, freezers, checkouts, signs."""
    stage = Stage(rng, pick(rng, {"shop": 3, "industrial": 1}), rng.random() < 0.6)
    width, depth = size(rng, 9.0, 38.0, 1.8)
    height = float(rng.uniform(2.7, 6.5))
    room = finish_room(
        stage,
        rectangle(width, depth),
        height,
        windows=int(rng.integers(0, 2)),
        window_kind="glass",
        doors=2,
        lamps=pick(rng, {"strip": 4, "panel": 2, "spots": 1}),
    )
    outdoors(stage, room.box, 0.15)
    line_walls(stage, room, "packages", 0.85, float(rng.uniform(1.8, 2.4)))
    along = rng.random() < 0.5
    length = float(np.clip(rng.uniform(0.35, 0.7) * (depth if along else width), 2.5, 16.0))
    aisle = shelf(stage, length, float(rng.uniform(1.3, 2.3)), "packages" if rng.random() < 0.85 else "odds", 1.0, True)
    gap = float(rng.uniform(1.3, 2.4))
    spacing = (gap, float(rng.uniform(1.4, 2.5))) if along else (float(rng.uniform(1.4, 2.5)), gap)
    rows(stage, room, aisle, spacing, 1.8, pi / 2 if along else 0.0)
    white = Material(linear((0.9,) * 3), gloss=0.2)

    def freezer() -> None:
        stage.mesh.box((2.2, 0.9, 0.75), white, (0, 0, 0.375))
        stage.mesh.box((2.1, 0.8, 0.02), stage.palette.packages[0], (0, 0, 0.76))

    for _ in range(int(rng.integers(0, 8))):
        in_room(stage, room, Piece(2.2, 0.9, 0.85, freezer), 0.5)
    for _ in range(int(rng.integers(1, 10))):
        in_room(stage, room, stage.one_of(display_table, cartons, person, lambda s: counter(s, 2.2)), 0.3)
    for _ in range(int(rng.integers(0, 7))):  # signs over the aisles
        x, y = rng.uniform((1.0, 1.0), (width - 1.0, depth - 1.0))
        z = float(rng.uniform(2.1, max(height - 0.5, 2.2)))
        with stage.at(float(x), float(y), z):
            stage.mesh.box((1.2, 0.04, 0.4), stage.palette.lacquer)
            stage.mesh.boxes(
                [(s * 0.5, 0, 0.5 * (height - z)) for s in (-1, 1)], (0.01, 0.01, height - z), stage.palette.metal
            )
    dress_up(stage, room, 0.3)
    return stage.finish("supermarket", walk=True)


def cafe(rng: np.random.Generator) -> World:
    """A cafe or restaurant: tables with chairs, a bar with stools, benches, lamps over the tables."""
    stage = Stage(rng, pick(rng, {"shop": 3, "home": 1, "grand": 1, "raw": 0.5}))
    room = _shell(stage, 4.5, 15.0, int(rng.integers(1, 3)))
    against_wall(stage, room, bar(stage, float(rng.uniform(1.8, 5.0))), 0.9, 10)
    line_walls(stage, room, "odds", 0.12, 2.1)
    groups = [dining(stage, int(rng.choice([2, 4, 4, 6]))) for _ in range(3)]
    if rng.random() < 0.5:
        rows(
            stage,
            room,
            groups[0],
            (float(rng.uniform(0.4, 1.2)), float(rng.uniform(0.3, 1.0))),
            0.7,
            float(rng.integers(2)) * pi / 2,
            float(rng.uniform(0.6, 1.0)),
        )
    for _ in range(min(int(room.area / rng.uniform(3, 7)) + 2, 40)):
        in_room(stage, room, groups[int(rng.integers(3))], 0.12, 6, rng.random() < 0.7)
    for _ in range(int(rng.poisson(2.0))):
        in_room(stage, room, person(stage, "sit" if rng.random() < 0.2 else None), 0.05)
    for make in (plant, lounge, floor_lamp, plant, cabinet):
        if rng.random() < 0.4:
            against_wall(stage, room, make(stage))
    dress_up(stage, room, 0.8)
    return stage.finish("cafe", walk=True)


def showroom(rng: np.random.Generator) -> World:
    """A furniture or exhibition showroom: partitions, seating groups, plinths, rugs, much light."""
    stage = Stage(rng, "shop")
    room = _shell(stage, 7.0, 22.0, int(rng.integers(1, 4)))
    for _ in range(min(int(room.area / rng.uniform(5, 14)) + 2, 40)):
        piece = stage.one_of(
            lounge,
            dining,
            sculpture,
            display_table,
            plant,
            lambda s: partition(s, float(rng.uniform(1.5, 4)), float(rng.uniform(1.2, 2.4))),
        )
        in_room(stage, room, piece, 0.3, 6, rng.random() < 0.7)
    with stage.at(0.5 * (room.box[0] + room.box[2]), 0.5 * (room.box[1] + room.box[3])):
        if rng.random() < 0.3:
            rug(stage, 3.0, 2.0)
    dress_up(stage, room, 0.8)
    return stage.finish("showroom", walk=True)
