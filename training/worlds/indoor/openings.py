"""Windows, glass fronts and doors: cut into a room's walls first, fitted with frames and leaves afterwards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from training.worlds.indoor.colours import hue, linear, pick
from training.worlds.indoor.shell import Edge, Opening, Room
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern

WINDOW_KINDS = {"single": 5.0, "wide": 3.0, "ribbon": 1.5, "glass": 1.5, "french": 1.2, "high": 0.6, "pair": 1.5}


def cut_windows(stage: Stage, room: Room, edge: Edge, kind: str | None = None, share: float = 1.0) -> int:
    """Cut windows of one kind along a wall; returns how many found room."""
    rng = stage.rng
    kind = kind or pick(rng, WINDOW_KINDS)
    top = room.height - rng.uniform(0.08, 0.5)
    head = (
        min(max(top, 1.9), room.height - 0.08) if rng.random() < 0.5 else min(rng.uniform(2.0, 2.4), room.height - 0.08)
    )
    sill = rng.uniform(0.75, 1.05)
    width, gap = rng.uniform(0.7, 1.5), rng.uniform(0.4, 1.6)
    if kind == "wide":
        width, gap = rng.uniform(1.6, 3.2), rng.uniform(0.5, 1.5)
    elif kind == "ribbon":
        width, gap = max(edge.length - rng.uniform(0.3, 1.0), 0.6), 0.2
    elif kind == "glass":
        width, gap, sill, head = (
            max(edge.length - rng.uniform(0.1, 0.8), 0.6),
            0.2,
            rng.choice([0.0, 0.1]),
            room.height - rng.uniform(0.06, 0.4),
        )
        if room.height > 4.5 and rng.random() < 0.5:
            head = rng.uniform(2.6, 4.0)
    elif kind == "french":
        width, sill, head = rng.uniform(0.9, 1.9), 0.02, min(rng.uniform(2.1, 2.5), room.height - 0.08)
    elif kind == "high":
        sill, head = room.height - rng.uniform(0.6, 1.2), room.height - 0.1
        width = rng.uniform(1.0, 3.0)
    elif kind == "pair":
        width, gap = rng.uniform(0.6, 1.0), rng.uniform(0.15, 0.5)
    if kind in ("single", "wide", "french", "pair") and room.height > 3.6 and rng.random() < 0.7:
        head = room.height * rng.uniform(0.7, 0.9)
    if head - sill < 0.3:
        return 0
    usable = share * edge.length - 0.3
    most = max(int((usable + gap) / (width + gap)), 0)
    count = (
        min(most, int(rng.integers(1, 4)))
        if kind in ("single", "wide", "french", "pair") and rng.random() < 0.6
        else most
    )
    if count == 0 and edge.length > 1.0:
        count, width = 1, edge.length - 0.6
    done = 0
    pitch = usable / max(count, 1) if rng.random() < 0.5 else width + gap
    start = 0.5 * edge.length - 0.5 * pitch * count + 0.5 * (pitch - width)
    for i in range(count):
        s0 = start + i * pitch
        done += room.cut(edge, Opening(s0, s0 + width, float(sill), float(head), "window"), 0.05)
    return done


def cut_door(
    stage: Stage, room: Room, edge: Edge, kind: str = "door", width: float | None = None, s: float | None = None
) -> Opening | None:
    """Cut a door (2.0 to 2.1 m high, 0.75 to 1 m wide; wider where asked) somewhere along a wall."""
    rng = stage.rng
    width = float(rng.uniform(0.76, 1.0)) if width is None else width
    height = float(min(rng.uniform(1.98, 2.12), room.height - 0.05))
    for _ in range(6):
        s0 = float(rng.uniform(0.12, max(edge.length - width - 0.12, 0.13))) if s is None else s
        opening = Opening(s0, s0 + width, 0.0, height, kind)
        if room.cut(edge, opening):
            return opening
    return None


def fit_windows(stage: Stage, room: Room, curtains: float = 0.5) -> None:
    """Frames, mullions, sills, reveals' light and curtains or blinds for every window of a room."""
    rng = stage.rng
    bars = pick(rng, {"plain": 4, "cross": 2, "grid": 1.5, "none": 0.7})
    bar = float(rng.uniform(0.035, 0.08))
    arched = bars != "grid" and rng.random() < 0.1
    frosted = rng.random() < 0.06
    dressing = pick(rng, {"curtain": 4, "blind": 2, "sheer": 1.5}) if rng.random() < curtains else ""
    for edge in room.edges:
        for o in room.openings.get(edge.index, []):
            if o.kind != "window":
                continue
            with stage.at(*edge.at(0.5 * (o.s0 + o.s1)), room.z, edge.yaw):
                _frame(stage, o, room.thickness, bars, bar)
                if arched and o.s1 - o.s0 < 3.0:
                    _arch(stage, o, room.thickness)
                if frosted:
                    _frost(stage, o, room.thickness)
                _daylight(stage, o, room.thickness)
                if dressing and o.z1 - o.z0 > 0.7:
                    _dress(stage, o, dressing, room.height)


def _frame(stage: Stage, o: Opening, thickness: float, bars: str, bar: float) -> None:
    width, height = o.s1 - o.s0, o.z1 - o.z0
    middle, y = 0.5 * (o.z0 + o.z1), -0.6 * thickness
    columns = max(1, round(width / (1.2 if bars != "grid" else 0.45)))
    rows = {"plain": 1, "none": 1, "cross": 2, "grid": max(2, round(height / 0.45))}[bars]
    if bars == "plain" and height > 2.2:
        rows = 2
    if bars == "none":
        columns = max(1, round(width / 2.5))
    x = np.linspace(-0.5 * width, 0.5 * width, columns + 1)
    z = np.linspace(o.z0, o.z1, rows + 1)
    if bars == "cross":
        z[1] = o.z0 + 0.68 * height
    inner = bar if bars != "grid" else 0.5 * bar
    thick_x = np.where((x == x[0]) | (x == x[-1]), 1.4 * bar, inner)
    thick_z = np.where((z == z[0]) | (z == z[-1]), 1.4 * bar, inner)
    centres = [(float(v), y, middle) for v in x] + [(0.0, y, float(v)) for v in z]
    sizes = [(float(t), 0.06, height) for t in thick_x] + [(width, 0.055, float(t)) for t in thick_z]
    stage.mesh.boxes(centres, sizes, stage.palette.frame)
    if o.z0 > 0.3:
        stage.mesh.box(
            (width + 0.1, thickness * 0.6 + 0.08, 0.03),
            stage.palette.trim,
            (0.0, -0.3 * thickness + 0.04, o.z0 - 0.005),
        )


def _arch(stage: Stage, o: Opening, thickness: float) -> None:
    """Fill the upper corners of a rectangular hole, so that it ends in an arch."""
    half, rise = 0.5 * (o.s1 - o.s0), min(0.5 * (o.s1 - o.s0), 0.4 * (o.z1 - o.z0))
    a = np.linspace(0.0, np.pi / 2, 9)
    for side in (-1.0, 1.0):
        curve = np.stack([side * half * np.cos(a), o.z1 - rise + rise * np.sin(a)], -1)
        outline = np.concatenate([[(side * half, o.z1 + 0.001)], curve])
        with stage.mesh.at((0.0, 0.0, 0.0), roll=np.pi / 2):  # (x, y) becomes (x, z), extruded to the outside
            wall = stage.palette.wall
            stage.mesh.prism(outline, 0.0, thickness, wall, wall, wall)


def _frost(stage: Stage, o: Opening, thickness: float) -> None:
    """Frosted or coloured panes, which let light through and no view."""
    tint = (0.75, 0.85, 0.9) if stage.rng.random() < 0.6 else hue(stage.rng, (0.1, 0.6), (0.6, 0.95))
    level = max(0.6 * stage.mood.daylight, 0.02)
    glass = Material(tint, tint, Pattern.NOISE, (1.0, 1.0), 0.05, 0.2, emission=level)
    width, height = o.s1 - o.s0, o.z1 - o.z0
    stage.mesh.box((width, 0.01, height), glass, (0.0, -0.62 * thickness, 0.5 * (o.z0 + o.z1)))


def _daylight(stage: Stage, o: Opening, thickness: float) -> None:
    """The sky's light through a window, as a wide lamp just outside it (two for a long one)."""
    width, height = o.s1 - o.s0, o.z1 - o.z0
    strength = stage.mood.daylight
    if strength <= 0.0 or height < 0.3:
        return
    parts = int(min(max(round(width / 3.0), 1), 4))
    radius = 0.35 * min(width / parts, height)
    for i in range(parts):
        x = width * ((i + 0.5) / parts - 0.5)
        power = 0.35 * strength * height * width / parts
        stage.light((x, -thickness - radius - 0.05, 0.5 * (o.z0 + o.z1) + 0.1), power, radius, (0.9, 0.97, 1.0))


def _dress(stage: Stage, o: Opening, kind: str, ceiling: float) -> None:
    rng = stage.rng
    width = o.s1 - o.s0
    if kind == "blind":
        drop = (o.z1 - o.z0) * float(rng.uniform(0.1, 0.7))
        slats = Material(linear((0.85, 0.84, 0.8)), linear((0.5,) * 3), Pattern.SHUTTER, (1.0, 0.05), 0.3)
        stage.mesh.box((width + 0.05, 0.03, drop), slats, (0.0, 0.035, o.z1 + 0.05 - drop / 2))
        stage.mesh.box((width + 0.08, 0.06, 0.07), stage.palette.trim, (0.0, 0.04, o.z1 + 0.06))
        return
    low = 0.03 if o.z0 < 0.3 or rng.random() < 0.6 else o.z0 - 0.15
    high = min(o.z1 + float(rng.uniform(0.08, 0.25)), ceiling - 0.03)
    colour = (
        stage.palette.fabric
        if kind == "curtain"
        else Material((0.7, 0.7, 0.68), (0.6, 0.6, 0.58), Pattern.CURTAIN, (0.12, 1.0), 0.2)
    )
    stage.mesh.tube([(-0.5 * width - 0.3, 0.09, high), (0.5 * width + 0.3, 0.09, high)], 0.014, stage.palette.metal)
    share = float(rng.uniform(0.12, 0.3)) if kind == "curtain" else float(rng.uniform(0.2, 0.4))
    for side in (-1, 1):
        span = share * width + 0.15
        outer = side * (0.5 * width + 0.2)
        _folds(stage, outer, outer - side * span, low, high, colour)


def _folds(stage: Stage, x0: float, x1: float, low: float, high: float, material: Material) -> None:
    """A hanging cloth between x0 and x1 in folds of about 12 cm."""
    n = max(9, int(abs(x1 - x0) / 0.025))
    x = np.linspace(x0, x1, n)
    y = 0.09 + 0.03 * np.sin((x - x0) * 2 * np.pi / 0.12)
    lower = np.stack([x, y, np.full(n, low)], -1)
    upper = np.stack([x, y, np.full(n, high)], -1)
    s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    i = np.arange(n - 1)
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], -1), np.stack([i, i + n + 1, i + n], -1)])
    uv = np.concatenate([np.stack([s, np.zeros(n)], -1), np.stack([s, np.full(n, high - low)], -1)])
    stage.mesh.triangles(np.concatenate([lower, upper]), faces, material, uv)


def fit_doors(stage: Stage, room: Room) -> None:
    """Leaves, frames and handles for every door of a room, frames alone for passages."""
    rng = stage.rng
    trim = float(rng.uniform(0.04, 0.1))
    for edge in room.edges:
        for o in room.openings.get(edge.index, []):
            if o.kind not in ("door", "passage"):
                continue
            width, t = o.s1 - o.s0, room.thickness
            with stage.at(*edge.at(0.5 * (o.s0 + o.s1)), room.z, edge.yaw):
                frame = [(-0.5 * width - trim / 2, o.z1 / 2), (0.5 * width + trim / 2, o.z1 / 2)]
                stage.mesh.boxes(
                    [(x, 0.01, z) for x, z in frame] + [(0.0, 0.01, o.z1 + trim / 2)],
                    [(trim, 0.03, o.z1)] * 2 + [(width + 2 * trim, 0.03, trim)],
                    stage.palette.trim,
                )
                if o.kind == "passage":
                    continue
                leaves = 2 if width > 1.25 else 1
                for k in range(leaves):
                    span = width / leaves
                    x = span * (k + 0.5) - width / 2
                    _leaf(stage, x, span, o.z1, -0.4 * t, -1.0 if k else 1.0)


def _leaf(stage: Stage, x: float, width: float, height: float, y: float, hinge: float) -> None:
    """One closed door leaf with panels (or a pane) and a handle at 1.05 m."""
    rng = stage.rng
    stage.mesh.box((width - 0.01, 0.045, height - 0.01), stage.palette.door, (x, y, height / 2))
    kind = pick(rng, {"flush": 3, "panels": 3, "pane": 1})
    if kind == "panels":
        rows = int(rng.integers(1, 4))
        edges = np.linspace(0.15, height - 0.12, rows + 1)
        for low, high in pairwise(edges):
            stage.mesh.box(
                (0.65 * width, 0.02, high - low - 0.1), stage.palette.door, (x, y + 0.025, 0.5 * (low + high))
            )
    elif kind == "pane":
        glass = Material((0.55, 0.65, 0.68), (0.3, 0.3, 0.3), Pattern.PLAIN, gloss=0.4)
        stage.mesh.box((0.5 * width, 0.02, 0.35 * height), glass, (x, y + 0.02, 0.68 * height))
    stage.mesh.boxes(
        [(x + hinge * 0.4 * width, y + 0.04, 1.05), (x + hinge * 0.34 * width, y + 0.07, 1.05)],
        [(0.03, 0.05, 0.03), (0.13, 0.018, 0.018)],
        stage.palette.metal,
    )
