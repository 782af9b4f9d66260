"""Level ceilings: plain, with beams, coffers, coves, mouldings, ducts or skylights."""

from __future__ import annotations

from itertools import pairwise
from math import pi

import numpy as np

from training.worlds.indoor.colours import linear, pick
from training.worlds.indoor.shell import Room, chords, flat
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material, Pattern

FLAT_KINDS: dict[str, dict[str, float]] = {
    "home": {"plain": 7, "beams": 1.5, "moulding": 3, "cove": 1.5, "tray": 0.7, "coffers": 0.4},
    "office": {"plain": 6, "ducts": 1.5, "beams": 0.5, "grid": 0.5},
    "shop": {"plain": 5, "ducts": 2, "beams": 1, "grid": 1, "skylight": 0.5, "baffles": 1},
    "industrial": {"trusses": 4, "ducts": 2, "beams": 3, "skylight": 2, "plain": 0.5},
    "grand": {"coffers": 3, "cove": 2, "beams": 1.5, "moulding": 3, "plain": 2, "skylight": 1.2, "tray": 1},
    "raw": {"plain": 4, "beams": 2, "ducts": 2},
    "wet": {"plain": 8, "moulding": 1},
}


def flat_ceiling(stage: Stage, room: Room, kind: str | None = None, material: Material | None = None) -> str:
    """A level ceiling with whatever hangs under it; returns its kind."""
    rng = stage.rng
    kind = kind or pick(rng, FLAT_KINDS[stage.palette.style])
    surface = stage.palette.ceiling if material is None else material
    top = room.z + room.height
    rectangular = len(room.outline) == 4 and room.area > 0.99 * np.prod(np.ptp(room.outline, axis=0))
    if kind in ("skylight", "tray") and rectangular and room.area > 8.0:
        _hole(stage, room, surface, top, kind)
        return kind
    flat(stage, room.outline, top, surface, bool(rng.random() < 0.5))
    if kind in ("beams", "trusses", "baffles", "grid", "coffers"):
        _beams(stage, room, top, kind)
    elif kind == "ducts":
        ducts(stage, room, top)
    elif kind == "cove":
        _cove(stage, room, top, float(rng.uniform(0.15, 0.55)) * min(1.0, room.height / 3.0))
    elif kind == "moulding":
        size = float(rng.uniform(0.04, 0.14))
        for edge in room.edges:
            if edge.length > 0.1:
                with stage.mesh.at((*edge.at(0.5 * edge.length, size / 2), top - size / 2), yaw=edge.yaw):
                    stage.mesh.box((edge.length, size, size), stage.palette.trim)
        if rng.random() < 0.3:
            x0, y0, x1, y1 = room.box
            with stage.mesh.at((0.5 * (x0 + x1), 0.5 * (y0 + y1), top - 0.05)):
                stage.mesh.lathe([(0.35, 0.05), (0.3, 0.01), (0.2, 0.02), (0.0, 0.02)], stage.palette.trim, 20)
    return kind


def _cove(stage: Stage, room: Room, top: float, radius: float) -> None:
    """Walls that round into the ceiling with a quarter circle."""
    a = np.linspace(0.0, pi / 2, 7)
    section = np.stack([radius * (1.0 - np.cos(a)), -radius * (1.0 - np.sin(a))], -1)
    for edge in room.edges:
        if edge.length < 0.05:
            continue
        with stage.mesh.at((*edge.at(0.0), top), yaw=edge.yaw):
            first = np.c_[np.zeros(7), section]
            last = np.c_[np.full(7, edge.length), section]
            i = np.arange(6)
            faces = np.concatenate([np.stack([i, i + 1, i + 8], -1), np.stack([i, i + 8, i + 7], -1)])
            arc = np.stack([np.zeros(7), radius * a], -1)
            uv = np.concatenate([arc, np.add(arc, (edge.length, 0.0))])
            stage.mesh.triangles(np.concatenate([first, last]), faces, stage.palette.ceiling, uv)


def _hole(stage: Stage, room: Room, surface: Material, top: float, kind: str) -> None:
    """A ceiling with skylights (holes with frames) or a raised middle."""
    rng = stage.rng
    x0, y0, x1, y1 = room.box
    w, d = x1 - x0, y1 - y0
    if kind == "tray":
        m = float(min(w, d) * rng.uniform(0.12, 0.25))
        rise = float(rng.uniform(0.12, 0.4))
        nx = ny = 1
        bays = [(x0 + m, y0 + m, x1 - m, y1 - m)]
    else:
        rise = float(rng.uniform(0.2, 0.6))
        nx, ny = max(1, round(w / rng.uniform(3, 6))), max(1, round(d / rng.uniform(3, 6)))
        share = rng.uniform(0.25, 0.5)
        bays = []
        for i in range(nx):
            for j in range(ny):
                cx, cy = x0 + w * (i + 0.5) / nx, y0 + d * (j + 0.5) / ny
                hx, hy = 0.5 * share * w / nx, 0.5 * share * d / ny
                bays.append((cx - hx, cy - hy, cx + hx, cy + hy))
    xs = np.unique([x0, x1, *(b[0] for b in bays), *(b[2] for b in bays)])
    ys = np.unique([y0, y1, *(b[1] for b in bays), *(b[3] for b in bays)])
    for xa, xb in pairwise(xs):
        for ya, yb in pairwise(ys):
            cx, cy = 0.5 * (xa + xb), 0.5 * (ya + yb)
            if not any(b[0] < cx < b[2] and b[1] < cy < b[3] for b in bays):
                stage.mesh.polygon([(xa, ya), (xb, ya), (xb, yb), (xa, yb)], top, surface)
    for bx0, by0, bx1, by1 in bays:
        corners = [(bx0, by0), (bx1, by0), (bx1, by1), (bx0, by1)]
        stage.mesh.prism(corners, top, top + rise, stage.palette.trim, top=surface if kind == "tray" else None)
        if kind == "tray":
            continue
        bars = max(1, round((bx1 - bx0) / 0.9))
        x = np.linspace(bx0, bx1, bars + 1)
        y = np.linspace(by0, by1, max(1, round((by1 - by0) / 1.5)) + 1)
        z = top + rise
        stage.mesh.boxes([(v, 0.5 * (by0 + by1), z) for v in x], (0.05, by1 - by0, 0.06), stage.palette.frame)
        stage.mesh.boxes([(0.5 * (bx0 + bx1), v, z) for v in y], (bx1 - bx0, 0.05, 0.06), stage.palette.frame)
        area = (bx1 - bx0) * (by1 - by0)
        stage.light(
            (0.5 * (bx0 + bx1), 0.5 * (by0 + by1), z + 0.6), 0.6 * stage.mood.daylight * area, 0.4, (0.9, 0.97, 1.0)
        )


def _beams(stage: Stage, room: Room, top: float, kind: str) -> None:
    """Parallel beams across the shorter way (both ways for coffers and grids)."""
    rng = stage.rng
    x0, y0, x1, y1 = room.box
    headroom = max(room.height - 2.1, 0.05)
    spacing, width, depth, hang = {
        "beams": (rng.uniform(0.6, 1.8), rng.uniform(0.08, 0.25), rng.uniform(0.1, 0.35), 0.0),
        "coffers": (rng.uniform(0.9, 2.2), rng.uniform(0.12, 0.35), rng.uniform(0.12, 0.4), 0.0),
        "grid": (rng.uniform(0.6, 1.5), 0.04, rng.uniform(0.05, 0.12), rng.uniform(0.1, 0.4)),
        "baffles": (rng.uniform(0.15, 0.5), rng.uniform(0.02, 0.06), rng.uniform(0.1, 0.25), 0.02),
        "trusses": (rng.uniform(3.0, 6.0), 0.12, rng.uniform(0.5, 1.2), 0.0),
    }[kind]
    depth, hang = min(depth, 0.6 * headroom), min(hang, 0.3 * headroom)
    material = pick(rng, {"wood": 3, "trim": 2, "ceiling": 2, "metal": 1})
    surface = {
        "wood": stage.palette.wood,
        "trim": stage.palette.trim,
        "ceiling": stage.palette.ceiling,
        "metal": stage.palette.metal,
    }[material if kind != "trusses" else "metal"]
    across = 0 if (x1 - x0) > (y1 - y0) else 1
    axes = (0, 1) if kind in ("coffers", "grid") else (across,)
    z = top - hang - depth / 2
    for axis in axes:
        low, high = (x0, x1) if axis == 0 else (y0, y1)
        n = min(max(1, round((high - low) / spacing)), 60)
        centres, sizes = [], []
        for k in range(n):
            position = low + (high - low) * (k + 0.5) / n
            for s0, s1 in chords(room.outline, axis, position):
                if kind == "trusses":
                    _truss(stage, axis, position, s0, s1, top, depth)
                    continue
                middle, length = 0.5 * (s0 + s1), s1 - s0
                centres.append((position, middle, z) if axis == 0 else (middle, position, z))
                sizes.append((width, length, depth) if axis == 0 else (length, width, depth))
        if centres:
            stage.mesh.boxes(centres, sizes, surface)


def _truss(stage: Stage, axis: int, position: float, s0: float, s1: float, top: float, depth: float) -> None:
    n = max(2, round((s1 - s0) / max(depth, 0.6)))
    s = np.linspace(s0, s1, n + 1)

    def place(t: np.ndarray, z: np.ndarray) -> np.ndarray:
        other = np.full(len(t), position)
        return np.stack([other, t, z] if axis == 0 else [t, other, z], -1)

    zig = np.repeat(s, 2)[1:-1]
    height = np.tile([top - 0.06, top - depth, top - depth, top - 0.06], n)[: len(zig)]
    stage.mesh.tube(place(zig, height), 0.03, stage.palette.metal, 4)
    for z in (top - 0.06, top - depth):
        stage.mesh.tube(place(s[[0, -1]], np.full(2, z)), 0.06, stage.palette.metal, 4)


def ducts(stage: Stage, room: Room, top: float) -> None:
    """Air ducts, pipes, cable trays and sprinklers under an open ceiling."""
    rng = stage.rng
    headroom = max(room.height - 2.2, 0.15)
    x0, y0, x1, y1 = room.box
    tin = Material(linear((0.65, 0.66, 0.67)), (0.3,) * 3, Pattern.METAL, (1.0, 0.1), 0.2, 0.3)
    red = Material(linear((0.7, 0.12, 0.1)), (0.3,) * 3, Pattern.PLAIN)
    for _ in range(int(rng.integers(2, 7))):
        axis = int(rng.random() < 0.5)
        low, high = (y0, y1) if axis else (x0, x1)
        position = rng.uniform(low + 0.3, high - 0.3) if high - low > 1.0 else 0.5 * (low + high)
        kind = pick(rng, {"round": 3, "square": 2, "pipe": 3, "tray": 2})
        for s0, s1 in chords(room.outline, axis, float(position)):
            if kind == "square":
                a, b = rng.uniform(0.25, 0.6), min(rng.uniform(0.2, 0.45), 0.7 * headroom)
                centre = (
                    (0.5 * (s0 + s1), position, top - b / 2 - 0.05)
                    if axis
                    else (position, 0.5 * (s0 + s1), top - b / 2 - 0.05)
                )
                stage.mesh.box((s1 - s0, a, b) if axis else (a, s1 - s0, b), tin, centre)
                continue
            radius = {
                "round": min(rng.uniform(0.1, 0.3), 0.35 * headroom),
                "pipe": rng.uniform(0.015, 0.06),
                "tray": 0.08,
            }[kind]
            z = top - radius - rng.uniform(0.05, 0.15)
            ends = [(s0, position, z), (s1, position, z)] if axis else [(position, s0, z), (position, s1, z)]
            surface = tin if kind != "pipe" else [stage.palette.metal, red, stage.palette.trim][int(rng.integers(3))]
            if kind == "tray":
                centre = (0.5 * (s0 + s1), position, z) if axis else (position, 0.5 * (s0 + s1), z)
                stage.mesh.box((s1 - s0, 0.3, 0.05) if axis else (0.3, s1 - s0, 0.05), stage.palette.metal, centre)
            else:
                stage.mesh.tube(ends, float(radius), surface, 12 if kind == "round" else 6)
