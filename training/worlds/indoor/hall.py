"""Large working halls: warehouses, factories, garages, barns, hangars; up to 60 m long and 12 m high."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.colours import hue, linear, pick
from training.worlds.indoor.figures import person
from training.worlds.indoor.fittings import workbench
from training.worlds.indoor.home import dress_up
from training.worlds.indoor.industrial import (
    bales,
    barrier,
    conveyor,
    forklift,
    large_body,
    parked,
    tank,
    workbench_any,
)
from training.worlds.indoor.objects import bicycle, body, ladder, machine
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.placing import against_wall, in_room, pillars, rows
from training.worlds.indoor.rooms import finish_room, size
from training.worlds.indoor.shell import Room, outline, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.storage import cartons, pallet, rack, shelf, wardrobe
from training.worlds.indoor.structures import gallery
from training.worlds.indoor.wallware import hang
from training.worlds.materials import Material, Pattern
from training.worlds.world import World


def plain_hall(stage: Stage, low: float, high: float, ratio: float = 2.2) -> Room:
    rng = stage.rng
    width, depth = size(rng, low, high, ratio)
    height = float(np.clip(np.exp(rng.normal(np.log(5.5), 0.35)), 3.5, 12.0))
    ceiling = pick(
        rng,
        {
            "trusses": 3,
            "beams": 2,
            "ducts": 1,
            "skylight": 1.5,
            "gable": 2,
            "segment": 1.5,
            "barrel": 0.7,
            "sawtooth": 1.5,
            "shed": 1,
        },
    )
    room = finish_room(
        stage,
        rectangle(width, depth),
        height,
        windows=int(rng.integers(0, 4)),
        ceiling=ceiling,
        doors=2,
        curtains=0.0,
        spacing=float(rng.uniform(3.5, 6.5)),
    )
    outdoors(stage, room.box, 0.15)
    gates(stage, room)
    if rng.random() < 0.3:
        gallery(stage, room)
    return room


def gates(stage: Stage, room: Room) -> None:
    """Roller doors 3 to 4.5 m wide, painted lanes on the floor, a crane beam."""
    rng = stage.rng
    for _ in range(int(rng.integers(0, 4))):
        width, height = float(rng.uniform(2.8, 4.5)), float(min(rng.uniform(2.8, 4.5), room.height - 0.4))
        slats = Material(
            hue(rng, (0.0, 0.5), (0.45, 0.9)),
            linear((0.4,) * 3),
            Pattern.SHUTTER,
            (1.0, float(rng.uniform(0.08, 0.5))),
            0.3,
        )

        def draw(width: float = width, height: float = height, slats: Material = slats) -> None:
            stage.mesh.box((width, 0.06, height), slats, (0, 0, height / 2))
            stage.mesh.boxes(
                [(s * (width / 2 + 0.08), 0, height / 2) for s in (-1, 1)], (0.16, 0.14, height), stage.palette.metal
            )
            stage.mesh.box((width + 0.4, 0.45, 0.45), stage.palette.metal, (0, 0.15, height + 0.2))

        against_wall(stage, room, Piece(width + 0.4, 0.14, height, draw), 0.0, 4)
    if rng.random() < 0.5:
        x0, y0, x1, y1 = room.box
        yellow = Material(linear((0.9, 0.75, 0.1)))
        for s in (0.3, 0.7):
            x = x0 + s * (x1 - x0)
            stage.mesh.box((0.1, y1 - y0 - 1.0, 0.004), yellow, (x, 0.5 * (y0 + y1), 0.002))
    if room.height > 5.0 and rng.random() < 0.4:
        x0, y0, x1, y1 = room.box
        beam = Material(linear((0.9, 0.7, 0.1)) if rng.random() < 0.6 else hue(rng, (0.5, 0.9), (0.3, 0.8)))
        y, z = float(rng.uniform(y0 + 2, y1 - 2)), room.height - 0.9
        stage.mesh.box((x1 - x0, 0.35, 0.6), beam, (0.5 * (x0 + x1), y, z))
        stage.mesh.boxes(
            [(x, 0.5 * (y0 + y1), z - 0.4) for x in (x0 + 0.25, x1 - 0.25)], (0.25, y1 - y0, 0.35), stage.palette.metal
        )
        x = float(rng.uniform(x0 + 2, x1 - 2))
        stage.mesh.tube([(x, y, z), (x, y, z - 1.5)], 0.02, stage.palette.metal, 4)
        stage.mesh.box((0.3, 0.25, 0.35), beam, (x, y, z - 1.6))


def warehouse(rng: np.random.Generator) -> World:
    """A warehouse: pallet racks in rows with aisles, pallets, cartons, trucks."""
    stage = Stage(rng, "industrial", rng.random() < 0.7)
    room = plain_hall(stage, 10.0, 45.0)
    x0, y0, x1, y1 = room.box
    along = (y1 - y0) > (x1 - x0) if rng.random() < 0.7 else rng.random() < 0.5
    span = (y1 - y0) if along else (x1 - x0)
    length = float(np.clip(span * rng.uniform(0.35, 0.85) - 2.0, 2.7, 40.0))
    height = min(float(rng.uniform(2.0, 8.0)), room.height - 0.6)
    one = rack(stage, length, height, max(1, int(height / rng.uniform(1.2, 1.9))), float(rng.choice([1.0, 1.1, 2.1])))
    gap = float(rng.uniform(1.8, 4.0))
    rows(
        stage,
        room,
        one,
        (gap, gap + 1.0) if along else (gap + 1.0, gap),
        1.0,
        pi / 2 if along else 0.0,
        float(rng.uniform(0.7, 1.0)),
    )
    for _ in range(int(rng.integers(4, 26))):
        piece = stage.one_of(pallet, pallet, cartons, forklift, person, ladder, body)
        in_room(stage, room, piece, 0.1, 5, rng.random() < 0.7)
    for _ in range(int(rng.integers(0, 6))):
        against_wall(stage, room, shelf(stage, float(rng.uniform(1, 3)), None, "packages"))
    dress_up(stage, room, 0.3)
    return stage.finish("warehouse", walk=True)


def factory(rng: np.random.Generator) -> World:
    """A factory hall: machines in lines, conveyors, pipes, tanks, benches, gantries."""
    stage = Stage(rng, "industrial", rng.random() < 0.8)
    room = plain_hall(stage, 10.0, 50.0)
    if rng.random() < 0.6:
        pillars(
            stage,
            room,
            (float(rng.uniform(5, 10)), float(rng.uniform(5, 10))),
            float(rng.uniform(0.25, 0.6)),
            bool(rng.random() < 0.2),
        )
    line = machine(stage, float(rng.uniform(0.8, 1.6)))
    rows(
        stage,
        room,
        line,
        (float(rng.uniform(1.0, 3.0)), float(rng.uniform(1.2, 4.0))),
        1.5,
        float(rng.integers(2)) * pi / 2,
        float(rng.uniform(0.3, 0.9)),
    )
    for _ in range(int(rng.integers(6, 30))):
        kind = pick(
            rng,
            {
                "machine": 3,
                "tank": 1.5,
                "belt": 1.5,
                "pallet": 2,
                "bench": 1,
                "person": 1,
                "rail": 1,
                "cupboard": 1,
                "body": 1,
            },
        )
        piece = {
            "machine": lambda: machine(stage, float(rng.uniform(0.6, 1.8))),
            "tank": lambda: tank(stage),
            "belt": lambda: conveyor(stage),
            "pallet": lambda: pallet(stage),
            "bench": lambda: workbench(stage, float(rng.uniform(1.2, 3.0))),
            "person": lambda: person(stage),
            "rail": lambda: barrier(stage),
            "cupboard": lambda: wardrobe(stage),
            "body": lambda: body(stage, 2.0),
        }[kind]()
        in_room(stage, room, piece, 0.25, 5)
    dress_up(stage, room, 0.5)
    hang(stage, room, 6, "pipe")
    return stage.finish("factory", walk=True)


def barn(rng: np.random.Generator) -> World:
    """A barn or shed: timber, bales, tools, low light; or nearly empty."""
    stage = Stage(rng, "raw")
    width, depth = size(rng, 6.0, 26.0, 2.0)
    eaves = float(rng.uniform(2.4, 5.5))
    room = finish_room(
        stage,
        rectangle(width, depth),
        eaves,
        windows=int(rng.integers(0, 3)),
        doors=1,
        ceiling=pick(rng, {"gable": 4, "shed": 1, "mansard": 1, "barrel": 0.5}),
        curtains=0.0,
        lamps=pick(rng, {"bulb": 2, "strip": 1, "bell": 1}),
    )
    outdoors(stage, room.box, 0.15)
    gates(stage, room)
    for _ in range(int(rng.integers(4, 45))):
        piece = stage.one_of(bales, bales, bales, cartons, pallet, large_body, ladder, workbench_any, bicycle, machine)
        in_room(stage, room, piece, 0.03, 5, rng.random() < 0.6)
    dress_up(stage, room, 0.4)
    return stage.finish("barn")


def hangar(rng: np.random.Generator) -> World:
    """A bare large hall, with next to nothing in it: pure scale."""
    stage = Stage(rng, pick(rng, {"industrial": 2, "grand": 1, "raw": 1}))
    width, depth = size(rng, 8.0, 60.0, 2.5)
    height = float(np.exp(rng.uniform(np.log(3.0), np.log(12.0))))
    shaped = rng.random() < 0.3
    room = finish_room(
        stage,
        outline(rng, width, depth) if shaped else rectangle(width, depth),
        height,
        windows=int(rng.integers(0, 4)),
        doors=3,
        ceiling=None
        if shaped or rng.random() < 0.5
        else pick(rng, {"gable": 1, "barrel": 1, "segment": 1, "sawtooth": 1, "shed": 1}),
        curtains=0.0,
    )
    outdoors(stage, room.box)
    if rng.random() < 0.5:
        pillars(
            stage,
            room,
            (float(rng.uniform(5, 12)), float(rng.uniform(5, 12))),
            float(rng.uniform(0.25, 0.9)),
            bool(rng.random() < 0.4),
        )
    for _ in range(int(rng.integers(0, 8))):
        in_room(stage, room, stage.one_of(pallet, person, parked, cartons, body), 0.3)
    return stage.finish("hangar", walk=True)
