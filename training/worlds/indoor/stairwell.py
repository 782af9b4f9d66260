"""Stairwells: flights and landings within one shaft."""

from __future__ import annotations

from math import pi

import numpy as np

from training.worlds.indoor.colours import linear, pick
from training.worlds.indoor.lamps import ceiling_lamp
from training.worlds.indoor.objects import bicycle, plant
from training.worlds.indoor.openings import cut_windows, fit_windows
from training.worlds.indoor.outdoors import outdoors
from training.worlds.indoor.plan import Footprint
from training.worlds.indoor.seating import chair
from training.worlds.indoor.shell import Opening, Room, add_walls, flat, rectangle
from training.worlds.indoor.stage import Stage
from training.worlds.indoor.stairs import railing, stairs
from training.worlds.indoor.storage import cartons
from training.worlds.materials import Material, Pattern
from training.worlds.world import World


def stairwell(rng: np.random.Generator) -> World:
    """A stairwell with landings: flights up and down with railings; the camera stands on a landing."""
    style = pick(rng, {"office": 2, "raw": 1, "home": 1.5, "grand": 1})
    stage = Stage(rng, style)
    flight, gap = float(rng.uniform(1.0, 2.0)), float(rng.uniform(0.1, 1.2))
    rise, tread = float(rng.uniform(0.165, 0.185)), float(rng.uniform(0.26, 0.3))
    storey = float(rng.uniform(2.7, 3.8))
    steps = max(5, round(storey / 2 / rise))
    half = steps * rise
    run, landing = steps * tread, float(rng.uniform(1.3, 2.6))
    width, depth = 2 * flight + gap, run + 2 * landing
    levels = int(rng.integers(1, 4))
    below = int(rng.integers(0, 2))
    bottom, height = -below * 2 * half, (levels + 0.0) * 2 * half + float(rng.uniform(2.4, 3.0))
    room = Room(rectangle(width, depth), height - bottom, bottom, thickness=0.25)
    sill = -bottom
    for edge in (room.edges[2], room.edges[1]):
        if rng.random() < 0.6:
            cut_windows(stage, room, edge, pick(rng, {"single": 2, "glass": 2, "high": 1, "ribbon": 1}))
    for level in range(-below, levels):
        z = level * 2 * half + sill
        room.cut(room.edges[0], Opening(0.2, 1.1, z, z + 2.05, "door"))
    flat(stage, room.outline, bottom, stage.palette.floor)
    flat(stage, room.outline, height, stage.palette.ceiling)
    add_walls(stage, room)
    stage.plan.regions.clear()
    fit_windows(stage, room, 0.0)
    slab = (
        stage.palette.trim
        if rng.random() < 0.4
        else Material(linear((0.55,) * 3), linear((0.4,) * 3), Pattern.CONCRETE, (1.2, 2.4), 0.2)
    )
    surface = stage.palette.floor
    closed = rng.random() < 0.5
    for level in range(-below, levels + 1):
        z = level * 2 * half
        if z > bottom + 0.1 or level == 0:
            stage.mesh.box((width, landing, 0.18), slab, (width / 2, landing / 2, z - 0.09), {"z+": surface})
        if level < levels:
            middle = z + half
            stage.mesh.box(
                (width, landing, 0.18), slab, (width / 2, depth - landing / 2, middle - 0.09), {"z+": surface}
            )
            with stage.mesh.at((flight / 2, landing, z)):
                stairs(stage, flight, steps, tread, rise, False, slab)
                if closed:
                    soffit(stage, flight, run, half, slab)
                railing(stage, (flight / 2, 0, 0), (flight / 2, run, half))
            with stage.mesh.at((width - flight / 2, depth - landing, middle), yaw=pi):
                stairs(stage, flight, steps, tread, rise, False, slab)
                if closed:
                    soffit(stage, flight, run, half, slab)
                railing(stage, (flight / 2, 0, 0), (flight / 2, run, half))
        with stage.at(width / 2, landing / 2, z + min(2 * half, height - z) - 0.19):
            ceiling_lamp(stage, pick(rng, {"disc": 2, "globe": 1, "strip": 1}), 2.0, 0.25)
        if gap > 0.3:
            railing(stage, (flight, landing, z), (width - flight, landing, z))
    outdoors(stage, room.box, 0.15 - bottom if below == 0 else 3.0)
    upper = rng.random() < 0.5
    floor_z = half if upper else 0.0
    y0 = depth - landing if upper else 0.0
    stage.plan.add_region(rectangle(width, landing, 0.0, y0))
    stage.plan.add(Footprint(width / 2, landing + run / 2, width / 2, run / 2, 0.0, -9.0, 90.0))
    hang_on_landing(stage, width, y0, landing, floor_z)
    return stage.finish("stairwell", heights=(0.2, 1.9), floor_z=floor_z)


def soffit(stage: Stage, width: float, run: float, rise: float, surface: Material) -> None:
    """The closed underside of a flight that starts at the origin and climbs along +y."""
    x = width / 2
    corners = [(-x, 0.0, -0.15), (x, 0.0, -0.15), (x, run, rise - 0.15), (-x, run, rise - 0.15)]
    stage.mesh.quad(corners, surface)


def hang_on_landing(stage: Stage, width: float, y0: float, depth: float, z: float) -> None:
    """A plant, a bench or a bicycle on a landing."""
    rng = stage.rng
    if rng.random() < 0.5 and width > 2.6 and depth > 1.6:
        piece = stage.one_of(plant, chair, bicycle, cartons)
        stage.try_put(piece, width - 0.5 * piece.width - 0.1, y0 + 0.5 * depth, 0.0, 0.0, z)
