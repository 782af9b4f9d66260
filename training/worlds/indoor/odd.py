"""Rooms of any shape with bodies of any shape: what the named kinds do not think of."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.colours import pick
from training.worlds.indoor.groups import dining, lounge, workplace
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.objects import body, machine, partition, plant, sculpture
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.placing import against_wall, in_room, pillars
from training.worlds.indoor.rooms import ceiling_height, finish_room, size
from training.worlds.indoor.shell import Room, outline, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cabinet, cartons, clothes_rail, pallet, rack, shelf, wardrobe
from training.worlds.indoor.structures import divider, gallery
from training.worlds.indoor.tables import counter, display_table
from training.worlds.world import World

STYLES = {"home": 2, "office": 1, "shop": 2, "industrial": 1, "grand": 1, "raw": 1, "wet": 0.5}
EVERYTHING = (
    dining,
    lounge,
    workplace,
    plant,
    sculpture,
    cabinet,
    cartons,
    clothes_rail,
    pallet,
    shelf,
    wardrobe,
    display_table,
    machine,
    body,
    body,
    body,
)


def odd_room(rng: np.random.Generator) -> World:
    """A room of an unusual outline or roof with a random choice of everything in it, sparse or crammed."""
    style = pick(rng, STYLES)
    stage = Stage(rng, style)
    width, depth = size(rng, 2.5, 20.0, 2.2)
    height = ceiling_height(rng, style)
    kind = pick(rng, {"L": 1, "T": 1, "U": 1, "chamfer": 1, "oblique": 1.5, "polygon": 1.5, "round": 1, "roofed": 2})
    if kind in ("round", "polygon"):
        width, depth = max(width, 4.5), max(depth, 4.5)
    shape = rectangle(width, depth) if kind == "roofed" else outline(rng, width, depth, kind)
    ceiling = (
        pick(rng, {"gable": 1, "shed": 1, "barrel": 1, "mansard": 1, "segment": 1, "sawtooth": 1, "pointed": 1})
        if kind == "roofed"
        else None
    )
    if kind == "round" and rng.random() < 0.5:
        shape, ceiling = outline(rng, width, width, "round"), "dome"
    room = finish_room(stage, shape, height, windows=int(rng.integers(0, 4)), doors=2, ceiling=ceiling, curtains=0.2)
    outdoors(stage, room.box)
    if room.area > 50 and rng.random() < 0.4:
        pillars(
            stage,
            room,
            (float(rng.uniform(3, 6)), float(rng.uniform(3, 6))),
            float(rng.uniform(0.2, 0.8)),
            bool(rng.random() < 0.5),
        )
    if rng.random() < 0.4:
        gallery(stage, room)
    if rng.random() < 0.3:
        in_room(stage, room, divider(stage, room), 0.4)
    fill(stage, room, float(np.exp(rng.uniform(np.log(0.03), np.log(0.5)))))
    dress_up(stage, room, float(rng.uniform(0.2, 1.2)))
    return stage.finish("odd_room", walk=rng.random() < 0.4)


def fill(stage: Stage, room: Room, density: float) -> None:
    """Put `density` random things a square metre (at most 70) against walls or on the floor at any angle."""
    rng = stage.rng
    for _ in range(min(int(room.area * density) + 1, 70)):
        piece = EVERYTHING[int(rng.integers(len(EVERYTHING)))](stage)
        if rng.random() < 0.4:
            against_wall(stage, room, piece)
        else:
            in_room(stage, room, piece, float(rng.uniform(0.02, 0.3)), 5, rng.random() < 0.5)


def storeroom(rng: np.random.Generator) -> World:
    """Rooms crammed with shelves, racks, cartons and furniture: near things on all sides."""
    stage = Stage(rng, pick(rng, {"raw": 1, "industrial": 1, "office": 1, "home": 1}), rng.random() < 0.5)
    width, depth = size(rng, 2.5, 9.0, 2.0)
    room = finish_room(
        stage, outline(rng, width, depth), float(rng.uniform(2.2, 4.0)), windows=int(rng.integers(0, 2)), curtains=0.1
    )
    outdoors(stage, room.box)
    for _ in range(int(room.area / 2) + 3):
        kind = pick(
            rng, {"shelf": 4, "rack": 1, "carton": 4, "wardrobe": 1, "body": 2, "any": 2, "counter": 0.5, "screen": 0.5}
        )
        piece = {
            "shelf": lambda: shelf(stage, float(rng.uniform(0.8, 2.5)), float(rng.uniform(1.4, 2.1)), None),
            "rack": lambda: rack(stage, 2.7, min(2.1, room.height - 0.1), 2, 0.8),
            "carton": lambda: cartons(stage),
            "wardrobe": lambda: wardrobe(stage),
            "body": lambda: body(stage, 1.2),
            "any": lambda: EVERYTHING[int(rng.integers(len(EVERYTHING)))](stage),
            "counter": lambda: counter(stage, 1.6),
            "screen": lambda: partition(stage, 1.6, 1.8),
        }[kind]()
        if piece.height < room.height - 0.03:
            against_wall(stage, room, piece) if rng.random() < 0.6 else in_room(
                stage, room, piece, 0.02, 6, rng.random() < 0.7
            )
    dress_up(stage, room, 0.6)
    return stage.finish("storeroom")


def bodies(rng: np.random.Generator) -> World:
    """Abstract: a room and nothing but random bodies of random surfaces, also on walls and under the ceiling."""
    stage = Stage(rng, pick(rng, STYLES))
    width, depth = size(rng, 3.0, 16.0, 2.0)
    room = finish_room(
        stage,
        outline(rng, width, depth),
        float(np.exp(rng.uniform(np.log(2.2), np.log(8.0)))),
        windows=int(rng.integers(0, 3)),
    )
    outdoors(stage, room.box)
    for _ in range(min(int(room.area * rng.uniform(0.1, 0.8)) + 2, 50)):
        in_room(stage, room, body(stage, float(rng.uniform(0.6, 2.5))), 0.03, 4, rng.random() < 0.4)
    x0, y0, x1, y1 = room.box
    for _ in range(int(rng.integers(0, 14))):
        piece = body(stage, 0.8)
        x, y = rng.uniform((x0, y0), (x1, y1))
        low = room.height - piece.height - 0.02
        if low > 2.0:
            stage.try_put(piece, float(x), float(y), float(rng.uniform(0, pi)), 0.0, low)
    return stage.finish("bodies")
