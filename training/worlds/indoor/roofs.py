"""Roofs seen from inside: gables, sheds, vaults, sawteeth and domes over a room."""

from __future__ import annotations

from itertools import pairwise
from math import pi

import numpy as np

from training.worlds.indoor.shell import LAP, Room
from training.worlds.indoor.stage import Stage

PROFILE_KINDS = {
    "gable": 3.0,
    "shed": 2.0,
    "barrel": 2.0,
    "mansard": 1.0,
    "segment": 1.5,
    "sawtooth": 0.8,
    "pointed": 0.6,
}


def profile(rng: np.random.Generator, kind: str, span: float, eaves: float) -> np.ndarray:
    """Cross-section (K, 2) of a ceiling: t in 0..1 across the room, height above the floor."""
    if kind == "shed":
        return np.array([(0.0, eaves), (1.0, eaves + span * rng.uniform(0.12, 0.5))])
    if kind == "barrel":
        a = np.linspace(pi, 0.0, 17)
        rise = 0.5 * span * rng.uniform(0.6, 1.0)
        return np.stack([0.5 + 0.5 * np.cos(a), eaves + rise * np.sin(a)], -1)
    if kind == "segment":
        t = np.linspace(0.0, 1.0, 13)
        return np.stack([t, eaves + span * rng.uniform(0.08, 0.22) * 4 * t * (1 - t)], -1)
    if kind == "mansard":
        h, inset = span * rng.uniform(0.15, 0.35), rng.uniform(0.15, 0.3)
        return np.array([(0.0, eaves), (inset, eaves + h), (1 - inset, eaves + h), (1.0, eaves)])
    if kind == "sawtooth":
        teeth, h = int(rng.integers(2, 5)), rng.uniform(0.8, 2.0)
        points = [p for k in range(teeth) for p in ((k / teeth, eaves), ((k + 0.999) / teeth, eaves + h))]
        return np.array([*points, (1.0, eaves)])
    if kind == "pointed":
        t = np.linspace(0.0, 1.0, 15)
        return np.stack([t, eaves + span * rng.uniform(0.4, 0.7) * (1 - np.abs(2 * t - 1) ** 1.6)], -1)
    return np.array([(0.0, eaves), (0.5, eaves + span * rng.uniform(0.15, 0.55)), (1.0, eaves)])


def profiled_ceiling(stage: Stage, room: Room, kind: str, across_x: bool, windows: int = 0, ribs: float = 0.0) -> float:
    """A ceiling of constant cross-section over a rectangular room whose walls end at the eaves.

    `across_x`: the section runs along x. `windows` roof windows are cut into it; `ribs` is their spacing (m), 0 none.
    Returns the height of its highest line above the floor.
    """
    rng = stage.rng
    x0, y0, x1, y1 = room.box
    span, length = (x1 - x0, y1 - y0) if across_x else (y1 - y0, x1 - x0)
    section = profile(rng, kind, span, room.height)
    surface = stage.palette.ceiling
    t, z = section[:, 0] * span, room.z + section[:, 1]
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(t), np.diff(z)))])

    def place(s: float, d: float, h: float) -> tuple[float, float, float]:
        return (x0 + d, y0 + s, h) if across_x else (x0 + s, y0 + d, h)

    long = np.flatnonzero(np.diff(arc) > 1.6)
    holes = {int(k): _roof_windows(rng, length, windows) for k in long if windows and kind != "sawtooth"}
    if kind == "sawtooth":  # the steep sides are glass
        holes = {int(k): [(0.15, length - 0.15, 0.12, 0.9)] for k in range(1, len(arc) - 1, 2)}
    frame = stage.palette.frame
    for k in range(len(arc) - 1):
        a, b = (t[k], z[k]), (t[k + 1], z[k + 1])
        run = float(arc[k + 1] - arc[k])

        def point(s: float, f: float, a=a, b=b) -> tuple[float, float, float]:
            return place(s, a[0] + f * (b[0] - a[0]), a[1] + f * (b[1] - a[1]))

        openings = holes.get(k, [])
        ss = np.unique([-0.05, length + 0.05, *(h[0] for h in openings), *(h[1] for h in openings)])
        ff = np.unique([0.0, 1.0, *(h[2] for h in openings), *(h[3] for h in openings)])
        for s0, s1 in pairwise(ss):
            for f0, f1 in pairwise(ff):
                ms, mf = 0.5 * (s0 + s1), 0.5 * (f0 + f1)
                if any(h[0] < ms < h[1] and h[2] < mf < h[3] for h in openings):
                    continue
                corners = np.array([point(s0, f0), point(s1, f0), point(s1, f1), point(s0, f1)])
                uv = [
                    (s0, arc[k] + f0 * run),
                    (s1, arc[k] + f0 * run),
                    (s1, arc[k] + f1 * run),
                    (s0, arc[k] + f1 * run),
                ]
                stage.mesh.triangles(corners, [[0, 1, 2], [0, 2, 3]], surface, uv)
        for s0, s1, f0, f1 in openings:
            n = max(1, round((s1 - s0) / 1.2))
            for s in np.linspace(s0, s1, n + 1):
                stage.mesh.tube([point(s, f0), point(s, f1)], 0.035, frame, 4)
            for f in (f0, f1):
                stage.mesh.tube([point(s0, f), point(s1, f)], 0.04, frame, 4)
            x, y, h = point(0.5 * (s0 + s1), 0.5 * (f0 + f1))
            stage.light((x, y, h + 0.5), 0.5 * stage.mood.daylight * (s1 - s0) * (f1 - f0) * run, 0.3, (0.9, 0.97, 1.0))
    if ribs:
        positions = np.linspace(0.0, length, max(2, round(length / ribs)) + 1)[1:-1]
        rib = stage.palette.wood if rng.random() < 0.5 else stage.palette.metal
        size, tie = (
            float(rng.uniform(0.06, 0.18)),
            rng.random() < 0.5 and kind in ("gable", "barrel", "segment", "pointed"),
        )
        for s in positions:
            stage.mesh.tube([place(s, d, h - 0.5 * size) for d, h in zip(t, z, strict=True)], size, rib, 4)
            if tie:
                h = max(room.z + room.height, room.z + 2.2)
                stage.mesh.tube([place(s, 0.0, h), place(s, span, h)], 0.7 * size, rib, 4)
    # what the section adds to the end walls
    for s in (-0.002, length + 0.002):
        fan = [place(s, d, h) for d, h in zip(t, z, strict=True)]
        base = [place(s, d, room.z + room.height - 0.03) for d in t]
        n = len(fan)
        i = np.arange(n - 1)
        faces = np.concatenate([np.stack([i, i + 1, i + n + 1], -1), np.stack([i, i + n + 1, i + n], -1)])
        stage.mesh.triangles(np.array(base + fan), faces, stage.palette.wall)
    if kind == "shed":
        high = z[-1]
        stage.mesh.quad(
            [
                place(0, span - 0.001, room.z + room.height - 0.01),
                place(length, span - 0.001, room.z + room.height - 0.01),
                place(length, span - 0.001, high + LAP),
                place(0, span - 0.001, high + LAP),
            ],
            stage.palette.wall,
        )
    return float(section[:, 1].max())


def _roof_windows(rng: np.random.Generator, length: float, count: int) -> list[tuple[float, float, float, float]]:
    width = float(rng.uniform(0.6, 1.2))
    count = min(count, int(length / (width + 0.6)))
    f0 = float(rng.uniform(0.15, 0.35))
    f1 = f0 + float(rng.uniform(0.25, 0.45))
    return [
        (length * (i + 0.5) / count - width / 2, length * (i + 0.5) / count + width / 2, f0, f1) for i in range(count)
    ]


def dome(stage: Stage, room: Room, rise: float) -> float:
    """A dome over a round room (or a disc-shaped hole in a flat ceiling); returns its height above the floor."""
    rng = stage.rng
    x0, y0, x1, y1 = room.box
    a = np.linspace(0.0, pi / 2, 10)
    eye = 0.12 if rng.random() < 0.4 else 0.0
    radius = np.maximum(np.cos(a), eye)
    points = np.stack([radius, rise * np.sin(a)], -1)
    with stage.mesh.at((0.5 * (x0 + x1), 0.5 * (y0 + y1), room.z + room.height)):
        half = 0.5 * max(x1 - x0, y1 - y0)
        squash = (0.5 * (x1 - x0) / half, 0.5 * (y1 - y0) / half)
        keep = points if not eye else points[radius > eye]
        profile_m = np.stack([keep[:, 0] * half * min(squash), keep[:, 1]], -1)
        stage.mesh.lathe(profile_m, stage.palette.ceiling, 28)
    return room.height + rise
