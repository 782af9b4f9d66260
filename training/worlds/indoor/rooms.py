"""A finished room in one call: openings, walls, floor, ceiling, lamps and fittings, ready to be furnished."""

from __future__ import annotations

import numpy as np

from training.worlds.indoor import surfaces
from training.worlds.indoor.ceilings import flat_ceiling
from training.worlds.indoor.colours import Style, pick
from training.worlds.indoor.lamps import light_room
from training.worlds.indoor.openings import cut_door, cut_windows, fit_doors, fit_windows
from training.worlds.indoor.roofs import PROFILE_KINDS, dome, profiled_ceiling
from training.worlds.indoor.shell import Outline, Room, add_walls, flat, wainscot
from training.worlds.indoor.stage import Stage
from training.worlds.materials import Material


def ceiling_height(rng: np.random.Generator, style: Style) -> float:
    """Ceiling heights as built: dwellings 2.2 to 3.6 m, offices 2.4 to 3.5, shops 2.5 to 5.5, halls 4 to 12."""
    if style == "home" or style == "wet":
        return float(np.clip(rng.normal(2.62, 0.25) if rng.random() < 0.8 else rng.uniform(2.8, 4.0), 2.2, 4.2))
    if style == "office":
        return float(np.clip(rng.normal(2.85, 0.3), 2.35, 4.0))
    if style == "shop":
        return float(np.clip(np.exp(rng.normal(np.log(3.2), 0.22)), 2.4, 6.0))
    if style == "raw":
        return float(np.clip(np.exp(rng.normal(np.log(2.8), 0.25)), 2.1, 6.0))
    return float(np.clip(np.exp(rng.normal(np.log(5.5), 0.38)), 3.0, 12.0))


def finish_room(
    stage: Stage,
    shape: Outline,
    height: float,
    *,
    windows: int = 1,
    window_kind: str | None = None,
    doors: int = 1,
    ceiling: str | None = None,
    lamps: str | None = "auto",
    spacing: float | None = None,
    floor: Material | None = None,
    wall: Material | None = None,
    curtains: float = 0.4,
    z: float = 0.0,
    room: Room | None = None,
    window_edges: list[int] | None = None,
) -> Room:
    """Build a room on `shape` and return it.

    `windows` walls get windows (of `window_edges` where given), `doors` doors are cut. `ceiling` is a flat kind, a
    cross-section of `PROFILE_KINDS` (rectangular rooms; `height` is then that of the eaves), "dome", or chosen.
    `lamps` is a kind of lamp, "auto", or None. `room` may bring its own openings.
    """
    rng = stage.rng
    room = room or Room(shape, height, z, thickness=float(rng.choice([0.12, 0.2, 0.3, 0.4])))
    edges = [e for e in room.edges if e.length > 0.9]
    walls = [edges[int(i)] for i in rng.permutation(len(edges))]
    if window_edges is not None:
        walls = [e for e in walls if e.index in window_edges]
    kind = window_kind or (None if rng.random() < 0.4 else _usual(stage))
    for edge in walls[:windows]:
        cut_windows(stage, room, edge, kind, 1.0 if rng.random() < 0.8 else 0.6)
    for edge in sorted(edges, key=lambda e: len(room.openings.get(e.index, []))):
        if doors <= 0:
            break
        wide = (
            float(rng.uniform(1.3, 1.9))
            if stage.palette.style in ("grand", "industrial", "shop") and rng.random() < 0.5
            else None
        )
        doors -= cut_door(stage, room, edge, width=wide) is not None
    flat(stage, room.outline, room.z, floor or stage.palette.floor, bool(rng.random() < 0.5))
    hang_from = room.z + room.height
    if ceiling in PROFILE_KINDS:
        x0, y0, x1, y1 = room.box
        across_x = (x1 - x0 < y1 - y0) if rng.random() < 0.8 else rng.random() < 0.5
        ribs = float(rng.uniform(1.5, 6.0)) if rng.random() < 0.6 else 0.0
        top = profiled_ceiling(
            stage, room, ceiling, bool(across_x), int(rng.integers(0, 5)) if stage.mood.daylight else 0, ribs
        )
        hang_from = room.z + (room.height if rng.random() < 0.7 else 0.5 * (room.height + top))
    elif ceiling == "dome":
        hang_from = room.z + dome(stage, room, 0.5 * float(np.ptp(room.outline[:, 0])) * float(rng.uniform(0.5, 1.0)))
    else:
        kind_made = flat_ceiling(stage, room, ceiling)
        if kind_made in ("ducts", "trusses", "grid", "baffles"):
            hang_from -= float(rng.uniform(0.0, 0.3)) * max(room.height - 2.4, 0.0)
    add_walls(stage, room, wall)
    fit_windows(stage, room, curtains)
    fit_doors(stage, room)
    if lamps == "auto":
        light_room(stage, room, None, spacing, hang_from)
    elif lamps:
        light_room(stage, room, lamps, spacing, hang_from)
    if rng.random() < 0.1 and len(room.outline) < 10:
        panel = surfaces.wood(rng) if rng.random() < 0.5 else surfaces.wall(rng, stage.palette.style)
        wainscot(stage, room, float(rng.uniform(0.85, 1.4)), panel)
    x0, y0, x1, y1 = room.box
    for _ in range(20):  # a camera's spot, kept free of furniture
        x, y = rng.uniform((x0 + 0.5, y0 + 0.5), (max(x1 - 0.5, x0 + 0.51), max(y1 - 0.5, y0 + 0.51)))
        if stage.plan.clearance(np.array([[x, y]]), room.z + 0.1, room.z + 2.0)[0] > 0.45:
            stage.plan.keep_free(float(x), float(y), 0.5)
            break
    return room


def _usual(stage: Stage) -> str:
    """The kind of window that goes with the style."""
    tables: dict[str, dict[str, float]] = {
        "home": {"single": 5, "wide": 3, "french": 2, "pair": 2, "glass": 0.7},
        "wet": {"single": 4, "high": 3},
        "office": {"ribbon": 4, "single": 2, "wide": 2, "glass": 2},
        "shop": {"glass": 6, "wide": 2, "single": 1},
        "industrial": {"high": 5, "ribbon": 1, "wide": 1},
        "grand": {"wide": 3, "french": 2, "glass": 2, "single": 2},
        "raw": {"high": 2, "single": 2},
    }
    return pick(stage.rng, tables[stage.palette.style])


def size(rng: np.random.Generator, low: float, high: float, ratio: float = 2.0) -> tuple[float, float]:
    """Width and depth (m) of a floor: the first log-uniform in low..high, the second up to `ratio` times off it."""
    first = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    second = first * float(np.exp(rng.uniform(-np.log(ratio), np.log(ratio))))
    return first, float(np.clip(second, 0.7 * low, 1.3 * high))
