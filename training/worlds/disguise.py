"""A world made over: other proportions, other materials, other light. What it is stays, what it looks like does not."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.worlds.materials import Colour, Material, Pattern
from training.worlds.mesh import Mesh
from training.worlds.world import Light, Sky, Vector, World

#: Patterns that stand in for each other: of walls and panels, of floors, of fabric, of ground, of bodies.
FAMILIES = (
    (Pattern.PLAIN, Pattern.NOISE, Pattern.CONCRETE, Pattern.WALLPAPER, Pattern.FABRIC, Pattern.MARBLE),
    (Pattern.PLANKS, Pattern.TILES, Pattern.PARQUET, Pattern.CARPET, Pattern.TERRAZZO, Pattern.PAVING),
    (Pattern.BRICKS, Pattern.TILES, Pattern.CORRUGATED, Pattern.ROCK),
    (Pattern.GRASS, Pattern.SOIL, Pattern.SAND),
    (Pattern.GRAVEL, Pattern.ASPHALT, Pattern.PAVING),
    (Pattern.WOOD, Pattern.METAL, Pattern.PLAIN),
    (Pattern.STRIPES, Pattern.DOTS, Pattern.CHECKER, Pattern.CAMOUFLAGE),
)
SWAPPED = 0.4
#: What nature or timber made keeps its hue; what is painted or dyed may have another, and now and then any.
NATURAL = frozenset(
    (
        *(Pattern.GRASS, Pattern.SOIL, Pattern.GRAVEL, Pattern.SAND, Pattern.SNOW, Pattern.ROCK, Pattern.CROPS),
        *(Pattern.FOLIAGE, Pattern.BARK, Pattern.WATER, Pattern.WOOD, Pattern.PLANKS, Pattern.PARQUET),
        *(Pattern.ASPHALT, Pattern.BRICKS, Pattern.PAVING, Pattern.LANE_MARKS),
    )
)
REDYED = 0.15


def stretched(world: World, factors: NDArray[np.floating]) -> World:
    """The world with its axes scaled by `factors` (3,): rooms, streets and furniture of other proportions."""
    mesh = replace(world.mesh, vertices=(world.mesh.vertices * factors).astype(np.float32))
    size = float(np.cbrt(np.prod(factors)))

    def moved(position: Vector) -> Vector:
        x, y, z = (float(p * f) for p, f in zip(position, factors, strict=True))
        return (x, y, z)

    cameras = tuple(
        replace(camera, position=moved(camera.position), height=camera.height * float(factors[2]))
        for camera in world.cameras
    )
    lights = tuple(replace(lamp, position=moved(lamp.position), radius=lamp.radius * size) for lamp in world.lights)
    return replace(world, mesh=mesh, cameras=cameras, lights=lights, walk=())


def repainted(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """The mesh in other materials: patterns swapped within their families, colours moved, surfaces worn or polished."""
    turn, fade = rng.normal(scale=0.02), rng.uniform(0.55, 1.05)
    wear = rng.uniform(0.8, 2.0)
    return replace(mesh, materials=tuple(_repainted(m, rng, turn, fade, wear) for m in mesh.materials))


def _repainted(material: Material, rng: np.random.Generator, turn: float, fade: float, wear: float) -> Material:
    pattern = material.pattern
    families = [family for family in FAMILIES if pattern in family]
    if families and rng.random() < SWAPPED:
        pattern = Pattern(int(rng.choice(families[int(rng.integers(len(families)))])))
    natural = material.pattern in NATURAL or pattern in NATURAL or _green(material.colour)
    dyed = not natural and rng.random() < REDYED
    own = float(rng.uniform(-0.5, 0.5)) if dyed else turn + float(rng.normal(scale=0.012 if natural else 0.04))
    gain = float(np.exp(rng.normal(scale=0.35)))
    colours = [_moved(c, own, fade * float(rng.uniform(0.8, 1.3)), gain) for c in (material.colour, material.second)]
    size = (material.size_m[0] * float(np.exp(rng.normal(scale=0.3))), material.size_m[1])
    if material.emission > 0.0:
        return replace(material, emission=material.emission * float(np.exp(rng.normal(scale=0.3))))
    return replace(
        material,
        pattern=pattern,
        colour=colours[0],
        second=colours[1],
        size_m=(size[0], size[1] * size[0] / material.size_m[0]),
        contrast=min(1.0, material.contrast * wear * float(rng.uniform(0.7, 1.4))),
        gloss=min(1.0, material.gloss + (float(rng.uniform(0.1, 0.5)) if rng.random() < 0.25 else 0.0)),
    )


def _green(colour: Colour) -> bool:
    hue, saturation, _ = colorsys.rgb_to_hsv(*colour)
    return saturation > 0.15 and 0.15 < hue < 0.45


def _moved(colour: Colour, turn: float, fade: float, gain: float) -> Colour:
    """Hue turned (of a full circle), saturation and value scaled, kept a plausible albedo."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    r, g, b = colorsys.hsv_to_rgb((hue + turn) % 1.0, min(1.0, saturation * fade), min(0.92, max(0.015, value * gain)))
    return (r, g, b)


def relit(world: World, rng: np.random.Generator) -> World:
    """The world in other light: lamps dimmed, failed and tinted, another sun and sky, more or less fill."""
    warmth = rng.normal(scale=0.22)
    tint = np.exp([warmth, 0.0, -warmth])

    def lamp(light: Light) -> Light:
        gain = 0.02 if rng.random() < 0.12 else float(np.exp(rng.normal(scale=0.45)))
        r, g, b = (float(c * gain * t) for c, t in zip(light.colour, tint, strict=True))
        return replace(light, colour=(r, g, b))

    ambient = np.asarray(world.ambient) * np.exp(rng.normal(scale=0.4)) * tint
    lit = replace(world, lights=tuple(map(lamp, world.lights)), sky=_other_sky(world.sky, rng), plain=None)
    return replace(lit, ambient=(float(ambient[0]), float(ambient[1]), float(ambient[2])))


def _other_sky(sky: Sky, rng: np.random.Generator) -> Sky:
    """Another hour and weather: the sun elsewhere, the sky's colours moved, more haze."""
    azimuth = rng.uniform(-np.pi, np.pi)
    x, y, z = sky.sun_direction
    level = float(np.hypot(x, y))
    cloudy = rng.random() < 0.35
    sun = np.asarray(sky.sun_colour) * (0.05 if cloudy else float(np.exp(rng.normal(scale=0.3))))
    zenith, horizon = np.asarray(sky.zenith), np.asarray(sky.horizon)
    if cloudy:
        zenith = np.full(3, zenith.mean()) * (0.96, 1.0, 1.05)
        horizon = np.full(3, horizon.mean()) * (0.98, 1.0, 1.03)
    else:
        cast = np.exp(rng.normal(scale=0.12, size=3))
        zenith, horizon = zenith * cast, horizon * cast[::-1]
    return replace(
        sky,
        sun_direction=(level * float(np.cos(azimuth)), level * float(np.sin(azimuth)), z),
        sun_colour=tuple(sun),
        zenith=tuple(zenith),
        horizon=tuple(horizon),
        cloudiness=float(rng.uniform(0.7, 1.0)) if cloudy else float(rng.uniform(0.0, 0.8)),
        haze_m=min(sky.haze_m, float(np.exp(rng.uniform(np.log(250.0), np.log(6000.0))))),
    )
