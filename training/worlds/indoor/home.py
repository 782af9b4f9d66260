"""Dwellings: living rooms, bedrooms, kitchens, bathrooms, attics, lofts and apartments of several rooms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.worlds.indoor.colours import pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.fittings import bathtub, fridge, island, kitchen_run, shower, toilet, washbasin
from training.worlds.indoor.groups import dining, lounge, media, rug, sleeping, workplace
from training.worlds.indoor.lamps import ceiling_lamp, floor_lamp
from training.worlds.indoor.objects import bicycle, bin_, body, plant
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall, fill_walls, in_room
from training.worlds.indoor.rooms import ceiling_height, finish_room, size
from training.worlds.indoor.seating import chair, sofa
from training.worlds.indoor.shell import Room, outline, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cabinet, cartons, shelf, wardrobe
from training.worlds.indoor.structures import divider, fireplace, gallery
from training.worlds.indoor.wallware import hang
from training.worlds.world import World


def dress_up(stage: Stage, room: Room, things: float = 1.0) -> None:
    """Pictures, switches, plants, lamps, bins, cartons, now and then a figure."""
    rng = stage.rng
    hang(stage, room, int(rng.poisson(things * (3 + room.area / 6))))
    for make, chance in ((plant, 0.5), (floor_lamp, 0.35), (bin_, 0.2), (cartons, 0.12), (plant, 0.2)):
        if rng.random() < chance * things:
            against_wall(stage, room, make(stage))
    if rng.random() < 0.12:
        in_room(stage, room, person(stage), 0.1, 6, False)
    for _ in range(int(rng.poisson(0.5 * things)) if rng.random() < 0.4 else 0):
        in_room(stage, room, body(stage, 0.8), 0.05, 4, False)


def furnish_living(stage: Stage, room: Room) -> None:
    """Sofas, tables, shelves and a television, as many as the floor carries."""
    rng = stage.rng
    if rng.random() < 0.65:
        against_wall(stage, room, lounge(stage), tries=10) or against_wall(stage, room, sofa(stage))
    else:
        in_room(stage, room, lounge(stage), tries=10) or against_wall(stage, room, sofa(stage))
    for make, chance in ((media, 0.7), (shelf, 0.6), (cabinet, 0.6), (sofa, 0.4), (shelf, 0.4)):
        if rng.random() < chance:
            against_wall(stage, room, make(stage))
    if room.area > 14 and rng.random() < 0.6:
        in_room(stage, room, dining(stage), 0.1, 12)
    if rng.random() < 0.25:
        against_wall(stage, room, workplace(stage))
    if rng.random() < 0.22:
        against_wall(stage, room, fireplace(stage, room), 0.0, 8)
    if rng.random() < 0.25:  # a large carpet under everything
        x0, y0, x1, y1 = room.box
        with stage.at(0.5 * (x0 + x1), 0.5 * (y0 + y1), room.z):
            rug(stage, float(rng.uniform(0.4, 0.75)) * (x1 - x0), float(rng.uniform(0.4, 0.75)) * (y1 - y0))
    if room.area > 30:
        for make in (dining, lounge):
            in_room(stage, room, make(stage), 0.2, 8)


def furnish_bedroom(stage: Stage, room: Room) -> None:
    """A bed or two, wardrobe, chest, desk."""
    rng = stage.rng
    against_wall(stage, room, sleeping(stage), tries=14)
    if rng.random() < 0.2:
        against_wall(stage, room, sleeping(stage))
    for make, chance in (
        (wardrobe, 0.85),
        (cabinet, 0.6),
        (workplace, 0.4),
        (chair, 0.35),
        (shelf, 0.4),
        (wardrobe, 0.2),
    ):
        if rng.random() < chance:
            against_wall(stage, room, make(stage))


def furnish_kitchen(stage: Stage, room: Room) -> None:
    """Runs of cupboards on one to three walls, a fridge, a table or an island."""
    rng = stage.rng
    for edge in sorted(room.edges, key=lambda e: -e.length)[: int(rng.integers(1, 4))]:
        spans = [o for o in room.openings.get(edge.index, []) if o.z0 < 0.9]
        limit = edge.length - 0.1 if not spans else max(spans[0].s0, edge.length - spans[-1].s1) - 0.2
        wide = float(rng.uniform(0.6, 1.0)) * min(limit, 4.8)
        clear = not room.openings.get(edge.index)
        if wide > 1.2:
            against_wall(stage, room, kitchen_run(stage, wide, clear and rng.random() < 0.85), 0.0, 10, edge)
    against_wall(stage, room, fridge(stage))
    if room.area > 9:
        middle = dining(stage) if rng.random() < 0.65 else island(stage, float(rng.uniform(1.2, 2.6)))
        in_room(stage, room, middle, 0.25, 10)
    if rng.random() < 0.4:
        against_wall(stage, room, cabinet(stage, top="kitchen"))


def furnish_bathroom(stage: Stage, room: Room) -> None:
    """Basin, toilet, bath or shower, a cabinet."""
    rng = stage.rng
    against_wall(stage, room, bathtub(stage) if rng.random() < 0.5 else shower(stage), tries=10)
    against_wall(stage, room, washbasin(stage, room.area > 7 and rng.random() < 0.4), tries=10)
    against_wall(stage, room, toilet(stage), tries=10)
    if rng.random() < 0.4:
        against_wall(stage, room, cabinet(stage, 0.6, 1.0, "bath"))
    if rng.random() < 0.3:
        against_wall(stage, room, shower(stage))


FILLERS: dict[str, tuple[Callable[[Stage], Piece], ...]] = {
    "living": (shelf, cabinet, sofa, shelf, plant, chair, workplace, cabinet, media),
    "bedroom": (wardrobe, cabinet, shelf, chair, plant, cabinet, cartons),
    "kitchen": (cabinet, shelf, fridge, chair, cabinet, plant, bin_),
    "bathroom": (cabinet, washbasin, bin_, plant, shelf),
}
FURNISH: dict[str, Callable[[Stage, Room], None]] = {
    "living": furnish_living,
    "bedroom": furnish_bedroom,
    "kitchen": furnish_kitchen,
    "bathroom": furnish_bathroom,
}


def _home(rng: np.random.Generator, kind: str, use: str, low: float, high: float) -> World:
    stage = Stage(rng, "wet" if use == "bathroom" else "home", rng.random() < (0.5 if use == "bathroom" else 0.93))
    width, depth = size(rng, low, high, 1.6)
    height = ceiling_height(rng, "home")
    shape = outline(rng, width, depth)
    ceiling = None
    if len(shape) == 4 and rng.random() < 0.08:
        shape, ceiling = rectangle(width, depth), pick(rng, {"gable": 2, "shed": 2, "segment": 1, "barrel": 0.7})
    windows = int(rng.integers(1, 3)) if stage.mood.daylight else int(rng.integers(0, 3))
    room = finish_room(
        stage, shape, height, windows=windows, doors=int(rng.integers(1, 3)), curtains=0.55, ceiling=ceiling
    )
    if windows:
        outdoors(stage, room.box)
    if rng.random() > 0.06:
        FURNISH[use](stage, room)
        fill_walls(stage, room, FILLERS[use], float(rng.uniform(0.0, 0.6)))
        dress_up(stage, room, float(rng.choice([0.4, 1.0, 1.6])))
    return stage.finish(kind, walk=use == "living")


def living_room(rng: np.random.Generator) -> World:
    """A living room of 9 to 70 square metres."""
    return _home(rng, "living_room", "living", 3.0, 7.5)


def bedroom(rng: np.random.Generator) -> World:
    """A bedroom."""
    return _home(rng, "bedroom", "bedroom", 2.8, 6.0)


def kitchen(rng: np.random.Generator) -> World:
    """A kitchen, from a galley to a big one with a dining table."""
    return _home(rng, "kitchen", "kitchen", 2.4, 6.5)


def bathroom(rng: np.random.Generator) -> World:
    """A bathroom."""
    return _home(rng, "bathroom", "bathroom", 1.9, 4.2)


def attic(rng: np.random.Generator) -> World:
    """A room under a slanted roof, with roof windows and rafters; used, or stuffed with things."""
    stage = Stage(rng, "home" if rng.random() < 0.7 else "raw")
    width, depth = size(rng, 3.5, 9.0, 1.7)
    kind = pick(rng, {"gable": 4, "shed": 2, "mansard": 2, "pointed": 0.5})
    eaves = float(rng.uniform(0.7, 1.5)) if kind in ("gable", "mansard", "pointed") else float(rng.uniform(1.3, 2.3))
    room = finish_room(stage, rectangle(width, depth), eaves, windows=0, doors=0, ceiling=kind, lamps=None)
    outdoors(stage, room.box, float(rng.choice([3.0, 6.0, 9.0])))
    stage.plan.keep_free(0.5 * width, 0.5 * depth, 0.6)
    # no headroom along the eaves: walkable is the middle
    use = pick(rng, {"living": 3, "bedroom": 3, "store": 2})
    if use == "store":
        for _ in range(int(rng.integers(4, 22))):
            piece = stage.one_of(cartons, cabinet, chair, body, sofa, bicycle)
            in_room(stage, room, piece, 0.02, 5, False)
    else:
        FURNISH[use](stage, room)
        for _ in range(int(rng.integers(0, 4))):
            in_room(stage, room, plant(stage) if rng.random() < 0.5 else cartons(stage))
    with stage.at(0.5 * width, 0.5 * depth, eaves + 0.6):
        ceiling_lamp(stage, "bulb", 0.3 * room.area, 0.1)
    return stage.finish("attic", heights=(0.2, max(eaves, 1.6)))


def loft(rng: np.random.Generator) -> World:
    """One large room for everything: kitchen, table, sofas and bed, under a high, beamed or vaulted ceiling."""
    stage = Stage(rng, pick(rng, {"home": 2, "shop": 1, "industrial": 1}))
    width, depth = size(rng, 6.0, 13.0, 1.6)
    height = float(rng.uniform(2.7, 5.8))
    ceiling = pick(rng, {"": 3, "segment": 1, "barrel": 1, "gable": 1, "sawtooth": 0.4}) or None
    shape = rectangle(width, depth) if ceiling else outline(rng, width, depth)
    room = finish_room(stage, shape, height, windows=int(rng.integers(1, 4)), doors=2, ceiling=ceiling, curtains=0.3)
    outdoors(stage, room.box)
    if rng.random() < 0.6:
        gallery(stage, room)
    if rng.random() < 0.4:
        in_room(stage, room, divider(stage, room), 0.5)
    furnish_kitchen(stage, room)
    furnish_living(stage, room)
    if rng.random() < 0.6:
        furnish_bedroom(stage, room)
    fill_walls(stage, room, FILLERS["living"], float(rng.uniform(0.1, 0.6)))
    dress_up(stage, room, 1.4)
    return stage.finish("loft", walk=True)
