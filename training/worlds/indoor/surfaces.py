"""Surfaces of interiors, drawn at random: woods, paints, metals, fabrics, floors, walls, ceilings, books, goods."""

from __future__ import annotations

import colorsys

import numpy as np

from training.worlds.indoor.colours import Style, dim, hue, linear, pick, vary, warm
from training.worlds.materials import Material, Pattern


def wood(rng: np.random.Generator, dark: float | None = None) -> Material:
    """Furniture wood from birch (`dark` 0) to wenge (1)."""
    depth = rng.beta(1.2, 1.6) if dark is None else dark
    rgb = colorsys.hsv_to_rgb(
        rng.uniform(0.05, 0.11), 0.28 + 0.35 * depth + rng.uniform(-0.1, 0.1), 0.88 - 0.62 * depth
    )
    colour = linear(rgb)
    return Material(
        colour,
        vary(rng, dim(colour, 0.6), 0.2),
        Pattern.WOOD,
        (float(rng.uniform(0.3, 1.2)), float(rng.uniform(0.01, 0.05))),
        contrast=float(rng.uniform(0.1, 0.4)),
        gloss=float(rng.choice([0.0, 0.05, 0.15])),
    )


def lacquer(rng: np.random.Generator, value: tuple[float, float] = (0.15, 0.95)) -> Material:
    """Painted furniture: mostly white, grey or black, now and then a colour."""
    if rng.random() < 0.75:
        level = rng.choice([rng.uniform(0.8, 0.95), rng.uniform(0.1, 0.25), rng.uniform(*value)])
        colour = linear((float(level),) * 3)
    else:
        colour = hue(rng, (0.15, 0.65), value)
    return Material(colour, colour, Pattern.PLAIN, gloss=float(rng.choice([0.0, 0.05, 0.15, 0.3])))


def metal(rng: np.random.Generator) -> Material:
    """Black, grey, steel, brass or painted metal for legs, frames and pipes."""
    kind = pick(rng, {"black": 3, "steel": 3, "white": 1.5, "brass": 0.7, "paint": 1})
    if kind == "paint":
        colour = hue(rng, (0.5, 0.95), (0.4, 0.85))
    else:
        grey = {"black": 0.12, "steel": 0.62, "white": 0.9, "brass": 0.6}[kind] * rng.uniform(0.85, 1.05)
        colour = linear((grey, grey * 0.82, grey * 0.45) if kind == "brass" else (grey, grey, grey))
    return Material(colour, colour, Pattern.PLAIN, gloss=float(rng.uniform(0.05, 0.4)))


def fabric(rng: np.random.Generator) -> Material:
    """Upholstery, bedding, curtains: plain weave, stripes or checks."""
    colour = hue(rng, (0.0, 0.7), (0.2, 0.9)) if rng.random() < 0.6 else warm(rng, (0.25, 0.92))
    kind = pick(rng, {"weave": 6, "stripes": 1.5, "checks": 1, "ornaments": 1, "dots": 0.5})
    second = vary(rng, colour, 0.3) if kind == "weave" else hue(rng, (0.0, 0.6), (0.2, 0.9))
    pattern = {
        "weave": Pattern.FABRIC,
        "stripes": Pattern.STRIPES,
        "checks": Pattern.CHECKER,
        "ornaments": Pattern.WALLPAPER,
        "dots": Pattern.DOTS,
    }[kind]
    period = float(rng.uniform(0.004, 0.02) if kind == "weave" else rng.uniform(0.04, 0.2))
    return Material(colour, second, pattern, (period, period), contrast=float(rng.uniform(0.1, 0.35)))


def floor(rng: np.random.Generator, style: Style) -> Material:
    """Floor covering of a room of that style."""
    tables: dict[str, dict[str, float]] = {
        "home": {"planks": 6, "parquet": 2, "carpet": 3, "tiles": 2, "plain": 0.7, "checker": 0.3},
        "office": {"carpet": 5, "carpet_tiles": 2, "planks": 2, "tiles": 1, "plain": 1.5},
        "shop": {
            "planks": 4,
            "tiles": 4,
            "concrete": 2,
            "plain": 1.5,
            "marble": 1,
            "carpet": 0.5,
            "checker": 0.5,
            "terrazzo": 1,
        },
        "industrial": {"concrete": 7, "plain": 2, "tiles": 0.6},
        "grand": {"marble": 3, "parquet": 3, "tiles": 2, "terrazzo": 1.5, "checker": 1.5, "carpet": 0.7},
        "raw": {"concrete": 4, "stone": 2, "bricks": 0.5, "planks": 1, "soil": 0.4},
        "wet": {"tiles": 6, "checker": 1.5, "marble": 1, "plain": 1},
    }
    kind = pick(rng, tables[style])
    if kind in ("planks", "parquet"):
        base = wood(rng)
        size = (rng.uniform(0.8, 2.4), rng.uniform(0.08, 0.24)) if kind == "planks" else (rng.uniform(0.25, 0.6), 0.07)
        joint = vary(rng, dim(base.colour, 0.45), 0.3)
        pattern = Pattern.PLANKS if kind == "planks" else Pattern.PARQUET
        return Material(base.colour, joint, pattern, size, float(rng.uniform(0.1, 0.45)), float(rng.uniform(0, 0.25)))
    if kind == "tiles":
        side = float(rng.choice([0.1, 0.15, 0.2, 0.3, 0.33, 0.45, 0.6, 0.8]))
        colour = warm(rng, (0.3, 0.93)) if rng.random() < 0.75 else hue(rng, (0.1, 0.5), (0.3, 0.9))
        joint = vary(rng, linear((0.55, 0.54, 0.52)), 0.6)
        tall = side * float(rng.choice([1.0, 1.0, 2.0]))
        return Material(
            colour, joint, Pattern.TILES, (side, tall), float(rng.uniform(0.02, 0.25)), float(rng.uniform(0, 0.35))
        )
    if kind == "checker":
        side = float(rng.choice([0.15, 0.2, 0.3, 0.4]))
        dark = linear((0.15, 0.15, 0.16)) if rng.random() < 0.6 else hue(rng, (0.3, 0.7), (0.2, 0.5))
        return Material(warm(rng, (0.8, 0.93)), dark, Pattern.CHECKER, (side, side), 0.1, float(rng.uniform(0, 0.4)))
    if kind in ("carpet", "carpet_tiles"):
        colour = warm(rng, (0.25, 0.8)) if rng.random() < 0.5 else hue(rng, (0.03, 0.45), (0.2, 0.65))
        if kind == "carpet_tiles":
            return Material(colour, vary(rng, colour, 0.4), Pattern.TILES, (0.5, 0.5), float(rng.uniform(0.1, 0.35)))
        return Material(colour, vary(rng, colour, 0.3), Pattern.CARPET, (0.05, 0.05), float(rng.uniform(0.1, 0.4)))
    if kind == "marble":
        side = float(rng.choice([0.4, 0.6, 1.0]))
        colour = warm(rng, (0.6, 0.95), (0.0, 0.15))
        return Material(colour, vary(rng, dim(colour, 0.5), 0.3), Pattern.MARBLE, (side, side), 0.4, 0.35)
    if kind == "terrazzo":
        colour = warm(rng, (0.5, 0.9))
        return Material(
            colour, hue(rng, (0.1, 0.5), (0.2, 0.8)), Pattern.TERRAZZO, (0.03, 0.03), 0.4, float(rng.uniform(0, 0.35))
        )
    if kind == "stone":
        return Material(warm(rng, (0.35, 0.7)), warm(rng, (0.2, 0.4)), Pattern.PAVING, (0.4, 0.6), 0.35)
    if kind == "bricks":
        return Material(linear((0.5, 0.3, 0.22)), linear((0.5, 0.47, 0.43)), Pattern.BRICKS, (0.21, 0.1), 0.3)
    if kind == "soil":
        return Material(warm(rng, (0.3, 0.5), (0.2, 0.4)), warm(rng, (0.2, 0.4)), Pattern.SOIL, (1.0, 1.0), 0.4)
    grey = rng.uniform(0.3, 0.85)
    colour = linear((grey, grey * rng.uniform(0.93, 1.0), grey * rng.uniform(0.86, 1.02)))
    if kind == "plain" and rng.random() < 0.3:
        colour = hue(rng, (0.1, 0.6), (0.3, 0.8))
    pattern = Pattern.CONCRETE if kind == "concrete" else Pattern.NOISE
    stain = float(rng.uniform(1.0, 4.0))
    return Material(
        colour,
        vary(rng, colour, 0.5),
        pattern,
        (stain, stain),
        float(rng.uniform(0.02, 0.25)),
        float(rng.uniform(0, 0.3)),
    )


def wall(rng: np.random.Generator, style: Style) -> Material:
    """Wall covering of a room of that style."""
    tables: dict[str, dict[str, float]] = {
        "home": {"paint": 8, "stripes": 1.2, "paper": 1, "panels": 0.8, "bricks": 0.5},
        "office": {"paint": 9, "concrete": 0.8, "bricks": 0.4, "panels": 0.8},
        "shop": {"paint": 6, "stripes": 1, "bricks": 1, "panels": 1.2, "concrete": 0.7, "tiles": 0.6},
        "industrial": {"paint": 3, "corrugated": 3, "concrete": 3, "bricks": 2, "blocks": 2},
        "grand": {"paint": 5, "panels": 1.5, "marble": 1.5, "blocks": 1.5, "paper": 1},
        "raw": {"bricks": 2, "blocks": 2, "concrete": 3, "paint": 1},
        "wet": {"tiles": 6, "paint": 2, "small_tiles": 2, "marble": 0.7},
    }
    kind = pick(rng, tables[style])
    if kind == "paint":
        roll = rng.random()
        if roll < 0.62:
            colour = warm(rng, (0.82, 0.97), (0.0, 0.14))
        elif roll < 0.89:
            colour = hue(rng, (0.04, 0.3), (0.6, 0.95))
        else:
            colour = hue(rng, (0.2, 0.75), (0.15, 0.75))
        return Material(colour, vary(rng, colour, 0.1), Pattern.NOISE, (0.8, 0.8), float(rng.uniform(0.0, 0.04)))
    if kind in ("stripes", "paper"):
        colour = warm(rng, (0.7, 0.95)) if rng.random() < 0.6 else hue(rng, (0.1, 0.4), (0.4, 0.9))
        second = vary(rng, colour, 0.35) if rng.random() < 0.6 else hue(rng, (0.05, 0.4), (0.6, 0.95))
        if kind == "stripes":
            return Material(
                colour, second, Pattern.STRIPES, (float(rng.uniform(0.06, 0.4)), 1.0), float(rng.uniform(0.1, 0.5))
            )
        side = float(rng.uniform(0.1, 0.6))
        return Material(colour, second, Pattern.WALLPAPER, (side, side), float(rng.uniform(0.1, 0.4)))
    if kind == "panels":
        base = wood(rng)
        joint = dim(base.colour, 0.4)
        size = (float(rng.uniform(2.0, 4.0)), float(rng.uniform(0.08, 0.3)))
        return Material(base.colour, joint, Pattern.PLANKS, size, float(rng.uniform(0.1, 0.3)), 0.05)
    if kind in ("tiles", "small_tiles"):
        side = float(rng.uniform(0.05, 0.1)) if kind == "small_tiles" else float(rng.choice([0.15, 0.2, 0.3]))
        ratio = float(rng.choice([1.0, 0.5, 2.0]))
        colour = warm(rng, (0.75, 0.95), (0, 0.1)) if rng.random() < 0.6 else hue(rng, (0.1, 0.6), (0.3, 0.9))
        joint = vary(rng, linear((0.7, 0.69, 0.67)), 0.5)
        return Material(colour, joint, Pattern.TILES, (side, side * ratio), float(rng.uniform(0.02, 0.2)), 0.2)
    if kind == "bricks":
        colour = linear((rng.uniform(0.4, 0.75), rng.uniform(0.25, 0.45), rng.uniform(0.15, 0.35)))
        if rng.random() < 0.25:
            colour = warm(rng, (0.8, 0.93), (0, 0.08))
        return Material(
            colour,
            vary(rng, linear((0.6, 0.58, 0.55)), 0.4),
            Pattern.BRICKS,
            (0.25, 0.075),
            float(rng.uniform(0.1, 0.4)),
        )
    if kind == "blocks":
        colour = warm(rng, (0.5, 0.9), (0, 0.15))
        joint = vary(rng, dim(colour, 0.7), 0.2)
        return Material(colour, joint, Pattern.BRICKS, (0.4, 0.2), float(rng.uniform(0.05, 0.2)))
    if kind == "corrugated":
        colour = hue(rng, (0.0, 0.35), (0.45, 0.92))
        dark = dim(colour, 0.75)
        return Material(colour, dark, Pattern.CORRUGATED, (float(rng.uniform(0.15, 0.3)), 3.0), 0.3, 0.05)
    if kind == "marble":
        colour = warm(rng, (0.7, 0.95), (0.0, 0.15))
        return Material(colour, vary(rng, dim(colour, 0.5), 0.3), Pattern.MARBLE, (1.0, 1.0), 0.3, 0.2)
    grey = rng.uniform(0.45, 0.8)
    return Material(linear((grey, grey, grey * 0.97)), linear((grey * 0.8,) * 3), Pattern.CONCRETE, (1.2, 2.4), 0.25)


def ceiling(rng: np.random.Generator, style: Style) -> Material:
    """Ceiling surface: plaster, planks, suspended panels, concrete or metal sheet."""
    tables: dict[str, dict[str, float]] = {
        "home": {"plaster": 7, "planks": 2},
        "office": {"plaster": 3, "panels": 6, "concrete": 1},
        "shop": {"plaster": 4, "panels": 3, "planks": 3, "dark": 1, "concrete": 1},
        "industrial": {"corrugated": 4, "concrete": 3, "plaster": 1.5, "dark": 0.7},
        "grand": {"plaster": 7, "planks": 1},
        "raw": {"concrete": 4, "plaster": 1, "bricks": 1, "planks": 1},
        "wet": {"plaster": 6, "panels": 1, "planks": 1},
    }
    kind = pick(rng, tables[style])
    if kind == "planks":
        base = wood(rng)
        size = (float(rng.uniform(1.5, 4.0)), float(rng.uniform(0.08, 0.22)))
        joint = dim(base.colour, 0.35)
        return Material(base.colour, joint, Pattern.PLANKS, size, float(rng.uniform(0.1, 0.4)))
    if kind == "panels":
        side = float(rng.choice([0.6, 0.6, 0.625, 0.3]))
        long = side * float(rng.choice([1.0, 1.0, 2.0]))
        return Material(linear((0.92, 0.92, 0.91)), linear((0.72,) * 3), Pattern.PANELS, (side, long), 0.08)
    if kind == "concrete":
        return Material(linear((0.66, 0.65, 0.63)), linear((0.5,) * 3), Pattern.CONCRETE, (1.2, 2.4), 0.25)
    if kind == "bricks":
        return Material(linear((0.55, 0.36, 0.28)), linear((0.55, 0.52, 0.48)), Pattern.BRICKS, (0.25, 0.075), 0.25)
    if kind == "corrugated":
        grey = rng.uniform(0.5, 0.92)
        return Material(
            linear((grey,) * 3),
            linear((0.75 * grey,) * 3),
            Pattern.CORRUGATED,
            (float(rng.uniform(0.15, 0.35)), 3.0),
            0.3,
        )
    colour = linear((0.12, 0.12, 0.13)) if kind == "dark" else warm(rng, (0.86, 0.97), (0.0, 0.08))
    return Material(colour, vary(rng, colour, 0.08), Pattern.NOISE, (1.0, 1.0), 0.02)


def book_spines(rng: np.random.Generator) -> tuple[Material, ...]:
    """Eight rows of book spines: thickness 15 to 50 mm, height 0.2 to 0.32 m."""
    spines = []
    for _ in range(8):
        colour = hue(rng, (0.1, 0.85), (0.25, 0.9))
        size = (float(rng.uniform(0.015, 0.05)), float(rng.uniform(0.2, 0.32)))
        spines.append(
            Material(colour, hue(rng, (0.0, 0.8), (0.2, 0.95)), Pattern.BOOKS, size, float(rng.uniform(0.3, 0.9)))
        )
    return tuple(spines)


def package_fronts(rng: np.random.Generator) -> tuple[Material, ...]:
    """Eight kinds of goods: boxes, tins and bags with labels, 6 to 30 cm wide."""
    fronts = []
    for _ in range(8):
        size = (float(rng.uniform(0.06, 0.3)), float(rng.uniform(0.1, 0.32)))
        fronts.append(
            Material(
                hue(rng, (0.1, 0.9), (0.3, 0.95)),
                hue(rng, (0.0, 0.9), (0.3, 0.95)),
                Pattern.PACKAGES,
                size,
                float(rng.uniform(0.3, 0.9)),
                0.1,
            )
        )
    return tuple(fronts)
