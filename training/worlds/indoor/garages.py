"""Places for cars: repair shops, garages, parking decks."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.colours import hue, linear, pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.hall import gates, plain_hall
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.industrial import parked, workbench_any
from training.worlds.indoor.objects import bicycle, ladder
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall, in_room
from training.worlds.indoor.rooms import finish_room, size
from training.worlds.indoor.shell import rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cartons, shelf, wardrobe
from training.worlds.indoor.wallware import hang
from training.worlds.materials import Material, Pattern
from training.worlds.world import World


def garage(rng: np.random.Generator) -> World:
    """A repair shop or private garage: cars, lifts, benches, shelves, tyres, tools."""
    stage = Stage(rng, pick(rng, {"industrial": 2, "raw": 1}))
    if rng.random() < 0.4:
        width, depth = float(rng.uniform(3.2, 7.0)), float(rng.uniform(5.5, 8.0))
        room = finish_room(
            stage,
            rectangle(width, depth),
            float(rng.uniform(2.2, 3.2)),
            windows=int(rng.integers(0, 2)),
            doors=1,
            curtains=0.0,
        )
        outdoors(stage, room.box, 0.15)
        gates(stage, room)
    else:
        room = plain_hall(stage, 9.0, 30.0)
    for _ in range(int(room.area / rng.uniform(30, 90)) + 1):
        in_room(stage, room, parked(stage), 0.25, 6)
    red = Material(hue(rng, (0.6, 0.95), (0.4, 0.85)), gloss=0.1)

    def lift() -> None:
        stage.mesh.boxes([(s * 1.45, 0, 1.4) for s in (-1, 1)], (0.25, 0.35, 2.8), red)
        stage.mesh.box((2.9, 0.2, 0.2), red, (0, 0, min(room.height - 0.2, 2.85)))
        stage.mesh.boxes([(s * 0.8, y, 0.15) for s in (-1, 1) for y in (-0.5, 0.5)], (1.2, 0.12, 0.08), red)

    def tyres() -> None:
        a = np.linspace(0, 2 * pi, 15)
        ring = np.stack([0.24 * np.cos(a), 0.24 * np.sin(a), 0 * a], -1)
        for k in range(int(rng.integers(1, 6))):
            stage.mesh.tube(np.add(ring, (0, 0, 0.1 + 0.19 * k)), 0.095, Material(linear((0.1,) * 3)), 7)

    if room.height > 3.2:
        for _ in range(int(rng.integers(0, 4))):
            in_room(stage, room, Piece(3.2, 1.5, 2.9, lift), 0.3)
    for _ in range(int(rng.integers(3, 12))):
        piece = stage.one_of(
            workbench_any, shelf, wardrobe, cartons, ladder, bicycle, lambda s: Piece(0.7, 0.7, 1.0, tyres)
        )
        against_wall(stage, room, piece)
    dress_up(stage, room, 0.5)
    return stage.finish("garage")


def parking(rng: np.random.Generator) -> World:
    """A parking garage: low concrete ceiling with beams, rows of pillars, bays with cars, pipes."""
    stage = Stage(rng, "industrial", rng.random() < 0.4)
    width, depth = size(rng, 16.0, 55.0, 2.0)
    height = float(rng.uniform(2.2, 3.2))
    grey = rng.uniform(0.4, 0.7)
    concrete = Material(linear((grey,) * 3), linear((0.7 * grey,) * 3), Pattern.CONCRETE, (1.2, 2.4), 0.3)
    room = finish_room(
        stage,
        rectangle(width, depth),
        height,
        windows=int(rng.integers(0, 3)),
        window_kind="ribbon",
        ceiling=pick(rng, {"beams": 2, "ducts": 3, "plain": 1}),
        doors=2,
        lamps="strip",
        spacing=float(rng.uniform(4, 7)),
        wall=concrete if rng.random() < 0.7 else None,
        floor=concrete if rng.random() < 0.6 else None,
        curtains=0.0,
    )
    outdoors(stage, room.box)
    bay = 2.5
    pillar = Piece(0.5, 0.5, height, lambda: stage.mesh.box((0.45, 0.45, height), concrete, (0, 0, height / 2)))
    white = Material(linear((0.9,) * 3))
    fill = float(rng.uniform(0.1, 0.9))
    y = 0.3
    while y + 5.0 < depth:
        for k in range(int((width - 1.0) / bay)):
            x = 0.5 + (k + 0.5) * bay
            stage.mesh.box((0.1, 4.8, 0.004), white, (x - bay / 2, y + 2.5, 0.002))
            if k % 3 == 0:
                stage.try_put(pillar, x - bay / 2, y + 4.8)
            if rng.random() < fill:
                stage.try_put(
                    parked(stage), x, y + 2.5 + float(rng.uniform(-0.2, 0.2)), pi / 2 if rng.random() < 0.5 else -pi / 2
                )
        y += 5.0 if int(y / 5.0) % 2 else 11.0
    hang(stage, room, 6, "pipe")
    hang(stage, room, 3, "sign")
    if rng.random() < 0.4:
        in_room(stage, room, person(stage))
    return stage.finish("parking", walk=True, heights=(0.2, height - 0.45))
