"""Outdoor materials with true scale: grounds, walls, roofs, paints, leaves. Colours are linear albedo."""

from __future__ import annotations

import numpy as np

from training.worlds.materials import Colour, Material, Pattern

#: Share of surfaces drawn at an odd scale or without a pattern, so that texture is a cue and not the only one.
ODD_SCALE = 0.08


def shade(rng: np.random.Generator, colour: Colour, amount: float = 0.2, tint: float = 0.08) -> Colour:
    """A colour brightened or darkened by up to `amount` and tinted a little."""
    gain = np.exp(rng.uniform(-amount, amount)) * np.exp(rng.normal(scale=tint, size=3))
    r, g, b = np.clip(np.asarray(colour) * gain, 0.004, 0.92)
    return (float(r), float(g), float(b))


def pick(rng: np.random.Generator, *colours: Colour, amount: float = 0.2, tint: float = 0.08) -> Colour:
    """One of the colours, shaded."""
    return shade(rng, colours[int(rng.integers(len(colours)))], amount, tint)


def _made(
    rng: np.random.Generator,
    colour: Colour,
    second: Colour,
    pattern: Pattern,
    size: tuple[float, float],
    contrast: float = 0.3,
    gloss: float = 0.0,
) -> Material:
    if rng.random() < ODD_SCALE:
        if rng.random() < 0.5:
            pattern = Pattern.PLAIN if rng.random() < 0.5 else Pattern.NOISE
        factor = float(np.exp(rng.uniform(-1.0, 1.0)))
        size = (size[0] * factor, size[1] * factor)
    jitter = rng.uniform(0.85, 1.18)
    return Material(
        colour, second, pattern, (size[0] * jitter, size[1] * jitter), contrast * float(rng.uniform(0.6, 1.5)), gloss
    )


def plain(colour: Colour, gloss: float = 0.0, contrast: float = 0.15) -> Material:
    """One colour."""
    return Material(colour, gloss=gloss, contrast=contrast)


def glowing(colour: Colour, emission: float) -> Material:
    """A lamp or a lit window."""
    return Material(colour, emission=emission, contrast=0.1)


# Grounds --------------------------------------------------------------------------------------------------------------


def asphalt(rng: np.random.Generator, wet: float = 0.0) -> Material:
    """Road surface, from fresh black to worn grey."""
    tone = float(rng.uniform(0.035, 0.17))
    colour = shade(rng, (tone, tone, tone * 1.03), 0.0, 0.04)
    return _made(rng, colour, shade(rng, (tone * 0.6,) * 3, 0.1, 0.03), Pattern.ASPHALT, (0.5, 0.5), 0.35, wet)


def lanes(rng: np.random.Generator, road: Material, width: float, yellow: bool = False) -> Material:
    """The road's asphalt with dashed lane marks `width` metres apart."""
    paint = (0.62, 0.42, 0.06) if yellow else (0.66, 0.66, 0.63)
    period = float(rng.choice([3.0, 4.5, 6.0, 9.0, 12.0]))
    return Material(road.colour, shade(rng, paint, 0.3), Pattern.LANE_MARKS, (period, width), road.contrast, road.gloss)


def paving(rng: np.random.Generator, wet: float = 0.0) -> Material:
    """Slabs, setts, clinker or tiles, as pavements and squares have them."""
    tone = float(rng.uniform(0.12, 0.48))
    stone = pick(rng, (tone, tone, tone), (tone * 1.15, tone, tone * 0.82), (tone * 0.95, tone, tone * 1.08))
    joint = shade(rng, (tone * 0.45,) * 3)
    kind = int(rng.integers(6))
    if kind == 0:
        size = float(rng.choice([0.3, 0.4, 0.5, 0.6]))
        return _made(rng, stone, joint, Pattern.PAVING, (size, size), 0.3, wet)
    if kind == 1:
        return _made(rng, stone, joint, Pattern.PAVING, (0.6, 0.4), 0.3, wet)
    if kind == 2:
        return _made(rng, stone, joint, Pattern.TILES, (0.3, 0.3), 0.35, wet)
    if kind == 3:
        return _made(rng, stone, joint, Pattern.PAVING, (0.14, 0.1), 0.5, wet)
    if kind == 4:
        return _made(rng, pick(rng, (0.3, 0.13, 0.09), (0.36, 0.2, 0.12)), joint, Pattern.BRICKS, (0.2, 0.1), 0.5, wet)
    return concrete(rng)


def concrete(rng: np.random.Generator, joints: float = 2.5) -> Material:
    """Cast concrete with stains and joints."""
    tone = float(rng.uniform(0.18, 0.5))
    colour = shade(rng, (tone, tone * 0.98, tone * 0.93), 0.0, 0.04)
    return _made(rng, colour, shade(rng, (tone * 0.6,) * 3), Pattern.CONCRETE, (joints, joints), 0.35)


def grass(rng: np.random.Generator, dry: float | None = None) -> Material:
    """Lawn or meadow; `dry` 0..1 from lush to straw."""
    d = float(rng.beta(1.0, 2.8)) if dry is None else dry
    lush = np.array([[0.045, 0.12, 0.02], [0.09, 0.17, 0.035], [0.06, 0.1, 0.03]][int(rng.integers(3))])
    straw = np.array([0.33, 0.26, 0.12])
    mixed = lush * (1 - d) + straw * d
    colour = shade(rng, (float(mixed[0]), float(mixed[1]), float(mixed[2])))
    size = float(rng.choice([0.6, 1.5, 4.0, 9.0]))
    return _made(rng, colour, pick(rng, (0.24, 0.19, 0.09), (0.3, 0.26, 0.13)), Pattern.GRASS, (size, size), 0.4)


def soil(rng: np.random.Generator) -> Material:
    """Bare earth."""
    colour = pick(
        rng, (0.14, 0.09, 0.055), (0.22, 0.15, 0.1), (0.3, 0.16, 0.09), (0.09, 0.065, 0.045), (0.3, 0.24, 0.16)
    )
    return _made(rng, colour, shade(rng, (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6)), Pattern.SOIL, (0.8, 0.8))


def gravel(rng: np.random.Generator, stone: float = 0.04) -> Material:
    """Pebbles of `stone` metres."""
    tone = float(rng.uniform(0.16, 0.46))
    colour = pick(rng, (tone, tone, tone), (tone * 1.1, tone, tone * 0.82))
    return _made(rng, colour, shade(rng, (tone * 0.6,) * 3), Pattern.GRAVEL, (stone, stone), 0.45)


def sand(rng: np.random.Generator) -> Material:
    """Beach or dune sand with ripples."""
    colour = pick(rng, (0.5, 0.41, 0.28), (0.6, 0.54, 0.43), (0.48, 0.3, 0.16), (0.4, 0.35, 0.28))
    return _made(rng, colour, shade(rng, colour), Pattern.SAND, (0.15, 0.15), 0.35)


def snow(rng: np.random.Generator) -> Material:
    """Fresh to trodden snow."""
    tone = float(rng.uniform(0.68, 0.88))
    return _made(rng, (tone, tone, tone * 1.02), (0.6, 0.66, 0.75), Pattern.SNOW, (2.0, 2.0), 0.3)


def rock(rng: np.random.Generator) -> Material:
    """Granite, limestone, sandstone, slate or basalt."""
    colour = pick(rng, (0.3, 0.29, 0.28), (0.42, 0.39, 0.33), (0.4, 0.26, 0.16), (0.14, 0.14, 0.15), (0.33, 0.26, 0.24))
    size = float(rng.choice([0.5, 1.2, 2.5]))
    return _made(
        rng, colour, shade(rng, (colour[0] * 0.5, colour[1] * 0.5, colour[2] * 0.5)), Pattern.ROCK, (size,) * 2, 0.5
    )


def water(rng: np.random.Generator) -> Material:
    """Pond, river or sea."""
    colour = pick(rng, (0.02, 0.05, 0.06), (0.03, 0.07, 0.09), (0.05, 0.06, 0.04), (0.02, 0.09, 0.1))
    ripple = float(rng.choice([0.25, 0.6, 1.5, 4.0]))
    return Material(colour, (0.1, 0.15, 0.16), Pattern.WATER, (ripple, ripple), 0.3, float(rng.uniform(0.5, 0.9)))


def crops(rng: np.random.Generator, row: float) -> Material:
    """Rows of plants `row` metres apart on soil, as a texture for far ground."""
    plant = pick(rng, (0.07, 0.15, 0.03), (0.3, 0.25, 0.1), (0.12, 0.17, 0.05))
    return Material(plant, pick(rng, (0.2, 0.13, 0.08), (0.3, 0.22, 0.14)), Pattern.CROPS, (row, row), 0.4)


# Buildings ------------------------------------------------------------------------------------------------------------


def bricks(rng: np.random.Generator) -> Material:
    """Brickwork of standard courses (0.25 x 0.075 m with mortar)."""
    clay = pick(rng, (0.33, 0.11, 0.07), (0.4, 0.2, 0.11), (0.24, 0.1, 0.08), (0.5, 0.38, 0.24), (0.45, 0.42, 0.38))
    mortar = shade(rng, (0.42, 0.4, 0.36))
    return Material(clay, mortar, Pattern.BRICKS, (0.25, 0.075), float(rng.uniform(0.3, 0.7)))


def plaster(rng: np.random.Generator) -> Material:
    """Rendered wall in the colours of a street."""
    colour = pick(
        rng, (0.7, 0.67, 0.6), (0.62, 0.5, 0.3), (0.58, 0.38, 0.25), (0.72, 0.62, 0.42), (0.35, 0.42, 0.46),
        (0.5, 0.25, 0.18), (0.45, 0.5, 0.38), (0.66, 0.56, 0.52), (0.38, 0.38, 0.37), (0.78, 0.77, 0.74),
    )  # fmt: skip
    pattern = Pattern.NOISE if rng.random() < 0.5 else Pattern.CONCRETE
    size = 0.45 if pattern == Pattern.CONCRETE else 1.5
    return Material(colour, shade(rng, colour, 0.25), pattern, (size, size), float(rng.uniform(0.1, 0.35)))


def ashlar(rng: np.random.Generator) -> Material:
    """Dressed or rough stone blocks."""
    colour = pick(rng, (0.46, 0.42, 0.34), (0.38, 0.37, 0.35), (0.5, 0.36, 0.24), (0.26, 0.26, 0.27))
    size = (0.6, 0.3) if rng.random() < 0.6 else (0.35, 0.2)
    return _made(rng, colour, shade(rng, (0.24, 0.22, 0.2)), Pattern.BRICKS, size, 0.4)


def timber(rng: np.random.Generator) -> Material:
    """Painted or weathered boards, upright on walls by their uv."""
    colour = pick(
        rng, (0.32, 0.06, 0.045), (0.6, 0.6, 0.57), (0.27, 0.2, 0.14), (0.18, 0.2, 0.22), (0.33, 0.24, 0.13),
        (0.22, 0.3, 0.33), (0.5, 0.42, 0.24),
    )  # fmt: skip
    width = float(rng.choice([0.12, 0.15, 0.2]))
    return Material(
        colour, shade(rng, (colour[0] * 0.4, colour[1] * 0.4, colour[2] * 0.4)), Pattern.PLANKS, (4.0, width), 0.4
    )


def cladding(rng: np.random.Generator) -> Material:
    """Profiled sheet metal."""
    colour = pick(rng, (0.5, 0.52, 0.54), (0.62, 0.62, 0.6), (0.2, 0.28, 0.4), (0.2, 0.32, 0.24), (0.42, 0.3, 0.2))
    return _made(
        rng, colour, shade(rng, colour), Pattern.CORRUGATED, (float(rng.choice([0.08, 0.2, 0.3])), 1.0), 0.4, 0.15
    )


def wall(rng: np.random.Generator) -> Material:
    """Any wall of a house."""
    kind = rng.random()
    if kind < 0.36:
        return bricks(rng)
    if kind < 0.76:
        return plaster(rng)
    if kind < 0.88:
        return ashlar(rng)
    return timber(rng) if kind < 0.94 else concrete(rng)


def facade(rng: np.random.Generator, wall_material: Material, bay: float, storey: float) -> Material:
    """A wall with one window in each bay and storey, for sides that no one stands next to."""
    frame = pick(rng, (0.7, 0.7, 0.68), (0.15, 0.12, 0.1), (0.3, 0.3, 0.32))
    return Material(wall_material.colour, frame, Pattern.FACADE, (bay, storey), 0.3)


def curtain_wall(rng: np.random.Generator, bay: float, storey: float) -> Material:
    """Glass front of an office tower."""
    colour = pick(rng, (0.08, 0.12, 0.16), (0.05, 0.08, 0.08), (0.12, 0.16, 0.18))
    return Material(colour, pick(rng, (0.4, 0.41, 0.42), (0.1, 0.1, 0.11)), Pattern.GLASS_GRID, (bay, storey), 0.3, 0.6)


def glass(rng: np.random.Generator, lit: float = 0.0) -> Material:
    """A window pane: dark and mirroring, with a curtain, or lit with probability `lit` (over 0.2: by night)."""
    if rng.random() < lit:
        warm = pick(rng, (1.0, 0.72, 0.4), (1.0, 0.85, 0.62), (0.8, 0.9, 1.0), amount=0.1)
        return glowing(warm, float(rng.uniform(0.3, 1.6)) * (1.0 if lit > 0.2 else 0.2))
    if rng.random() < 0.2:
        return plain(pick(rng, (0.5, 0.49, 0.45), (0.4, 0.36, 0.3)), 0.35)
    return plain(
        pick(rng, (0.03, 0.04, 0.05), (0.07, 0.09, 0.1), (0.12, 0.14, 0.16), amount=0.4), float(rng.uniform(0.4, 0.9))
    )


def roof(rng: np.random.Generator) -> Material:
    """Tiles, slate, or sheet."""
    if rng.random() < 0.15:
        return cladding(rng)
    colour = pick(rng, (0.34, 0.12, 0.07), (0.27, 0.14, 0.1), (0.09, 0.09, 0.1), (0.2, 0.18, 0.17), (0.42, 0.22, 0.13))
    return _made(rng, colour, shade(rng, (0.07, 0.05, 0.045)), Pattern.ROOF_TILES, (0.25, 0.34), 0.45)


def frame(rng: np.random.Generator) -> Material:
    """Window and door frames, trims, sills."""
    return plain(
        pick(rng, (0.72, 0.72, 0.7), (0.72, 0.72, 0.7), (0.12, 0.09, 0.07), (0.2, 0.2, 0.21), (0.1, 0.16, 0.12))
    )


# Things ---------------------------------------------------------------------------------------------------------------


def paint(rng: np.random.Generator) -> Material:
    """Car paint in the proportions of a car park."""
    colour = pick(
        rng, (0.66, 0.66, 0.66), (0.66, 0.66, 0.66), (0.02, 0.02, 0.022), (0.02, 0.02, 0.022), (0.12, 0.12, 0.13),
        (0.3, 0.31, 0.32), (0.3, 0.31, 0.32), (0.3, 0.02, 0.02), (0.03, 0.07, 0.25), (0.05, 0.14, 0.22),
        (0.1, 0.14, 0.08), (0.45, 0.33, 0.14), (0.55, 0.36, 0.04),
    )  # fmt: skip
    return plain(colour, float(rng.uniform(0.3, 0.65)))


def bright(rng: np.random.Generator, gloss: float = 0.1) -> Material:
    """A saturated colour: clothes, containers, signs, play equipment."""
    colour = pick(
        rng, (0.5, 0.04, 0.03), (0.03, 0.12, 0.4), (0.6, 0.42, 0.03), (0.04, 0.25, 0.08), (0.55, 0.2, 0.03),
        (0.6, 0.6, 0.58), (0.06, 0.06, 0.07), (0.2, 0.06, 0.2), (0.05, 0.3, 0.32), amount=0.35,
    )  # fmt: skip
    return plain(colour, gloss)


def metal(rng: np.random.Generator) -> Material:
    """Galvanised or painted steel."""
    colour = pick(rng, (0.35, 0.36, 0.37), (0.05, 0.06, 0.06), (0.03, 0.09, 0.06), (0.2, 0.2, 0.21), (0.5, 0.5, 0.5))
    return Material(colour, shade(rng, colour), Pattern.METAL, (0.3, 0.3), 0.2, 0.3)


def wood(rng: np.random.Generator) -> Material:
    """Planed or weathered wood of benches, fences and posts."""
    colour = pick(rng, (0.3, 0.18, 0.09), (0.38, 0.28, 0.17), (0.22, 0.2, 0.17), (0.16, 0.09, 0.05), (0.5, 0.48, 0.44))
    return Material(
        colour, shade(rng, (colour[0] * 0.5, colour[1] * 0.5, colour[2] * 0.5)), Pattern.WOOD, (0.6, 0.03), 0.35
    )


def bark(rng: np.random.Generator) -> Material:
    """Bark of trunks."""
    colour = pick(rng, (0.14, 0.1, 0.07), (0.2, 0.17, 0.14), (0.1, 0.08, 0.07), (0.26, 0.16, 0.1))
    return Material(colour, shade(rng, (0.05, 0.04, 0.03)), Pattern.BARK, (0.06, 0.3), 0.5)


SEASONS: dict[str, tuple[Colour, ...]] = {
    "summer": ((0.05, 0.11, 0.025), (0.07, 0.14, 0.03), (0.035, 0.08, 0.025), (0.1, 0.15, 0.04)),
    "spring": ((0.11, 0.2, 0.04), (0.09, 0.17, 0.05), (0.4, 0.28, 0.3), (0.5, 0.48, 0.42)),
    "autumn": ((0.36, 0.17, 0.03), (0.32, 0.09, 0.03), (0.38, 0.27, 0.05), (0.12, 0.13, 0.03)),
}


def foliage(rng: np.random.Generator, season: str = "summer", leaf: float = 0.12) -> Material:
    """Leaves in the colours of a season, mottled at `leaf` metres."""
    colour = pick(rng, *SEASONS[season], amount=0.3, tint=0.1)
    dark = (colour[0] * 0.4, colour[1] * 0.45, colour[2] * 0.45)
    return Material(colour, shade(rng, dark), Pattern.FOLIAGE, (leaf, leaf), float(rng.uniform(0.3, 0.6)))


def needles(rng: np.random.Generator) -> Material:
    """Conifer foliage."""
    colour = pick(rng, (0.025, 0.06, 0.025), (0.03, 0.075, 0.04), (0.05, 0.08, 0.03), (0.06, 0.1, 0.08))
    return Material(colour, shade(rng, (0.012, 0.03, 0.014)), Pattern.FOLIAGE, (0.1, 0.1), 0.5)
