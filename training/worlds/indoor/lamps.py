"""Lamps: what hangs from ceilings and stands on floors and tables, emissive where it shines, with a light to match."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor.colours import pick
from training.worlds.indoor.piece import Piece
from training.worlds.indoor.plan import Footprint, inside
from training.worlds.indoor.shell import Room
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern

CEILING_KINDS: dict[str, dict[str, float]] = {
    "home": {"disc": 3, "pendant": 3, "globe": 2, "spots": 2, "chandelier": 1, "fan": 0.5},
    "office": {"panel": 5, "strip": 4, "spots": 1.5, "pendant": 0.6},
    "shop": {"disc": 2.5, "spots": 3, "strip": 3, "panel": 2, "pendant": 2, "track": 2},
    "industrial": {"strip": 5, "bell": 4, "panel": 1},
    "grand": {"chandelier": 2, "globe": 2, "spots": 2, "pendant": 1.5, "disc": 1},
    "raw": {"bulb": 3, "strip": 3, "bulkhead": 2},
    "wet": {"disc": 4, "spots": 3, "globe": 1, "panel": 1},
}


def glowing(stage: Stage, radiance: float) -> Material:
    """A lamp's shining surface; white and dull while lamps are off."""
    lit = stage.mood.lamps
    if lit <= 0.0:
        return Material((0.8, 0.8, 0.78), (0.8,) * 3, Pattern.PLAIN, gloss=0.1)
    return Material(stage.mood.lamp, stage.mood.lamp, Pattern.PLAIN, emission=radiance * lit)


def ceiling_lamp(stage: Stage, kind: str, power: float, drop: float = 0.4) -> None:
    """One lamp under the ceiling; the origin of the current frame is the point it hangs from."""
    rng = stage.rng
    metal = stage.palette.metal
    power *= stage.mood.lamps
    if kind == "disc":
        radius = float(rng.uniform(0.1, 0.28))
        stage.mesh.cylinder(radius * 1.08, 0.03, metal, (0, 0, -0.03), 18)
        stage.mesh.lathe(
            [(radius, -0.03), (0.92 * radius, -0.07), (0.5 * radius, -0.09), (0.0, -0.095)], glowing(stage, 9.0), 18
        )
        stage.light((0, 0, -0.22), power, 0.08)
    elif kind in ("spots", "track"):
        n = 1 if kind == "spots" else int(rng.integers(3, 6))
        if kind == "track":
            stage.mesh.box((0.45 * n, 0.04, 0.03), metal, (0, 0, -0.02))
        for i in range(n):
            x = 0.4 * (i - 0.5 * (n - 1))
            if kind == "track":
                stage.mesh.cylinder(0.04, 0.14, metal, (x, 0, -0.2), 8)
            stage.mesh.cylinder(0.038, 0.012, glowing(stage, 25.0), (x, 0, -0.212 if kind == "track" else -0.012), 10)
        stage.light((0, 0, -0.32), power, 0.05)
    elif kind in ("panel", "strip"):
        length = float(rng.choice([0.6, 1.2])) if kind == "panel" else float(rng.choice([1.2, 1.5, 2.4]))
        width = 0.6 if kind == "panel" else float(rng.uniform(0.05, 0.2))
        hang = 0.0 if kind == "panel" or rng.random() < 0.5 else min(drop, 0.6)
        if kind == "panel":
            stage.mesh.box((width - 0.02, length - 0.02, 0.012), glowing(stage, 5.0), (0, 0, -0.006))
        else:
            stage.mesh.box((width, length, 0.06), metal, (0, 0, -hang - 0.03))
            stage.mesh.box((0.8 * width, length * 0.97, 0.03), glowing(stage, 7.0), (0, 0, -hang - 0.07))
            if hang:
                stage.mesh.boxes(
                    [(0, y, -hang / 2) for y in (-0.4 * length, 0.4 * length)], (0.012, 0.012, hang), metal
                )
        stage.light((0, 0, -hang - 0.25), power, 0.12)
    elif kind in ("pendant", "bell", "globe", "bulb", "bulkhead"):
        _hanging(stage, kind, power, drop)
    elif kind == "fan":
        stage.mesh.cylinder(0.02, drop, metal, (0, 0, -drop), 6)
        stage.mesh.cylinder(0.12, 0.16, metal, (0, 0, -drop - 0.08), 12)
        with stage.mesh.at((0, 0, -drop), yaw=float(rng.uniform(0, 3))):
            for k in range(4):
                with stage.mesh.at((0, 0, 0), yaw=k * np.pi / 2):
                    stage.mesh.box((0.5, 0.13, 0.012), stage.palette.wood, (0.38, 0, 0))
        stage.mesh.sphere(0.11, glowing(stage, 5.0), (0, 0, -drop - 0.12), (1, 1, 0.6), 5, 10)
        stage.light((0, 0, -drop - 0.32), power, 0.08)
    else:
        arms, radius = int(rng.integers(4, 9)), float(rng.uniform(0.25, 0.5))
        stage.mesh.cylinder(0.015, drop, metal, (0, 0, -drop), 6)
        stage.mesh.sphere(0.06, metal, (0, 0, -drop), rings=5, segments=8)
        glow = glowing(stage, 8.0)
        for k in range(arms):
            a = 2 * np.pi * k / arms
            x, y = radius * np.cos(a), radius * np.sin(a)
            stage.mesh.tube([(0, 0, -drop), (0.5 * x, 0.5 * y, -drop - 0.1), (x, y, -drop)], 0.01, metal, 5)
            stage.mesh.sphere(0.05, glow, (x, y, -drop + 0.05), rings=4, segments=8)
        stage.light((0, 0, -drop - 0.25), power, 0.15)


def _hanging(stage: Stage, kind: str, power: float, drop: float) -> None:
    """A shade, a bell, a globe or a bare bulb on its cable."""
    rng = stage.rng
    metal = stage.palette.metal
    if kind == "bulkhead":
        stage.mesh.box((0.25, 0.12, 0.09), glowing(stage, 6.0), (0, 0, -0.05))
        stage.light((0, 0, -0.25), power, 0.06)
        return
    stage.mesh.cylinder(0.006, drop, metal, (0, 0, -drop), 4, caps=False)
    if kind == "globe":
        radius = float(rng.uniform(0.08, 0.22))
        stage.mesh.sphere(radius, glowing(stage, 5.0), (0, 0, -drop), rings=8, segments=14)
        stage.light((0, 0, -drop - radius - 0.12), power, 0.08)
    elif kind == "bulb":
        stage.mesh.sphere(0.035, glowing(stage, 25.0), (0, 0, -drop), (1, 1, 1.3), 6, 10)
        stage.light((0, 0, -drop - 0.12), power, 0.04)
    else:
        radius = float(rng.uniform(0.12, 0.3)) if kind == "pendant" else float(rng.uniform(0.2, 0.35))
        height = radius * float(rng.uniform(0.6, 1.3))
        shade = stage.palette.fabric if kind == "pendant" and rng.random() < 0.5 else metal
        stage.mesh.lathe(
            [(0.03, 0.0 - drop + height), (0.6 * radius, -drop + 0.6 * height), (radius, -drop)], shade, 16
        )
        stage.mesh.sphere(0.3 * radius, glowing(stage, 12.0), (0, 0, -drop + 0.3 * radius), rings=5, segments=10)
        stage.light((0, 0, -drop - 0.12), power, 0.07)


def light_room(
    stage: Stage,
    room: Room,
    kind: str | None = None,
    spacing: float | None = None,
    ceiling: float | None = None,
    margin: float = 0.3,
) -> None:
    """Lamps on a grid under the ceiling (one in a small room), together as strong as the mood asks.

    `ceiling` is the height the lamps hang from, where it is not the room's.
    """
    rng = stage.rng
    top = room.z + room.height if ceiling is None else ceiling
    height = top - room.z
    kind = kind or pick(rng, CEILING_KINDS[stage.palette.style])
    if spacing is None:
        spacing = {"spots": rng.uniform(1.0, 2.0), "chandelier": rng.uniform(4, 7), "bell": rng.uniform(4, 7)}.get(
            kind, rng.uniform(2.0, 4.5)
        )
        spacing = max(spacing, 0.7 * height)
    x0, y0, x1, y1 = room.box
    nx, ny = max(1, round((x1 - x0) / spacing)), max(1, round((y1 - y0) / spacing))
    while nx * ny > 220:
        nx, ny = max(1, nx * 2 // 3), max(1, ny * 2 // 3)
    jitter = rng.uniform(-0.1, 0.1, 2) if nx * ny < 4 else (0.0, 0.0)
    along_y = (y1 - y0) > (x1 - x0) if rng.random() < 0.7 else rng.random() < 0.5
    drop = float(np.clip(rng.uniform(0.2, 0.9), 0.1, max(height - 2.05, 0.1)))
    if height > 4.5 and kind in ("bell", "pendant", "globe", "strip", "chandelier"):
        drop = float(rng.uniform(0.3, 0.5 * (height - 2.5)))
    area = (x1 - x0) * (y1 - y0) / (nx * ny)
    power = area / 3.2 * max(1.0, height / 3.0) ** 0.7
    for i in range(nx):
        for j in range(ny):
            x = x0 + (x1 - x0) * (i + 0.5) / nx + jitter[0]
            y = y0 + (y1 - y0) * (j + 0.5) / ny + jitter[1]
            rim = np.array([[x + a * margin, y + b * margin] for a in (-1, 1) for b in (-1, 1)])
            if not inside(room.outline, rim).all():
                continue
            model = ("ceiling lamp", kind, power, drop)
            stage.copy(model, lambda: ceiling_lamp(stage, kind, power, drop), x, y, top, 0.0 if along_y else np.pi / 2)
            if kind not in ("disc", "spots", "panel", "bulkhead") and height - drop < 2.2:
                stage.plan.add(Footprint(x, y, 0.3, 0.3, 0.0, top - drop - 0.3, top))


def floor_lamp(stage: Stage) -> Piece:
    """A standing lamp 1.4 to 1.8 m high."""
    rng = stage.rng
    height, radius = float(rng.uniform(1.4, 1.8)), float(rng.uniform(0.15, 0.25))

    def draw() -> None:
        stage.mesh.cylinder(0.14, 0.02, stage.palette.metal, segments=12)
        stage.mesh.cylinder(0.012, height - 0.1, stage.palette.metal, segments=6)
        shade(stage, radius, 0.26, height - 0.26, 2.0)

    return Piece(2 * radius, 2 * radius, height, draw)


def shade(stage: Stage, radius: float, height: float, z: float, power: float) -> None:
    """An open lampshade with the light inside it, shining up and down."""
    stage.mesh.lathe([(radius, z), (0.7 * radius, z + height)], glowing(stage, 2.5), 14)
    stage.light((0.0, 0.0, z + 0.5 * height), power * stage.mood.lamps * 0.5, 0.04)


def table_lamp(stage: Stage, x: float, y: float, z: float) -> None:
    """A small lamp on a surface at height z of the current frame."""
    rng = stage.rng
    height = float(rng.uniform(0.18, 0.32))
    with stage.at(x, y, z):
        stage.mesh.cylinder(0.07, height, stage.palette.lacquer, segments=10, top_radius=0.025)
        shade(stage, float(rng.uniform(0.1, 0.17)), 0.17, height, 0.8)
