"""Patterns of the ground, of plants, rock and water."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds.look import Look, Spot, plainly, relief
from training.worlds.noise import edge_distance, fade, fractal, hash3, inside, line, mix, noise, step_up

TAU = wp.constant(6.2831853)


@wp.func
def grass(s: Spot) -> Look:
    patch = fractal(s.nu / 3.1, s.nv / 3.1, s.salt, s.blur / 3.1) - 0.5
    field = noise(s.nu / 17.0, s.nv / 17.0, s.salt + 6, s.blur / 17.0) - 0.5
    blade = noise(s.nu / 0.05, s.nv / 0.035, s.salt + 2, s.blur / 0.04) - 0.5
    tuft = noise(s.nu / 0.35, s.nv / 0.35, s.salt + 4, s.blur / 0.35) - 0.5
    c = mix(s.colour, s.second, wp.clamp(s.contrast * (0.6 + 2.4 * patch + 1.5 * field), 0.0, 1.0))
    c = c * wp.max(0.1, 1.0 + s.contrast * (1.3 * blade + 0.9 * tuft))
    return relief(c, 0.8 * blade, 0.8 * (noise(s.nu / 0.05, s.nv / 0.05, s.salt + 9, s.blur / 0.05) - 0.5))


@wp.func
def soil(s: Spot) -> Look:
    clod = fractal(s.nu / 0.21, s.nv / 0.21, s.salt, s.blur / 0.21) - 0.5
    wet = fractal(s.nu / 4.0, s.nv / 4.0, s.salt + 3, s.blur / 4.0)
    c = mix(s.colour, s.second, wp.clamp((wet - 0.4) * 2.0, 0.0, 1.0)) * wp.max(0.1, 1.0 + 1.1 * s.contrast * clod)
    return relief(c, clod, noise(s.nu / 0.12, s.nv / 0.12, s.salt + 8, s.blur / 0.12) - 0.5)


@wp.func
def gravel(s: Spot) -> Look:
    i = int(wp.floor(s.x + 0.5 * noise(s.x, s.y, s.salt + 1, 0.1)))
    j = int(wp.floor(s.y + 0.5 * noise(s.x, s.y, s.salt + 2, 0.1)))
    visible = fade(s.small, s.blur)
    c = mix(s.colour, s.second, wp.lerp(0.5, hash3(i, j, s.salt), visible))
    c = c * (1.0 + s.contrast * (hash3(j, i, s.salt) - 0.5) * visible)
    c = c * (1.0 + s.contrast * (fractal(s.nu / 2.3, s.nv / 2.3, s.salt + 4, s.blur / 2.3) - 0.5))
    return relief(c, (hash3(i, j, 5) - 0.5) * visible, (hash3(i, j, 6) - 0.5) * visible)


@wp.func
def tarmac(s: Spot) -> float:
    """Brightness of worn asphalt: grain, stains and cracks."""
    grain = noise(s.nu / 0.02, s.nv / 0.02, s.salt, s.blur / 0.02) - 0.5
    stain = fractal(s.nu / 2.7, s.nv / 2.7, s.salt + 3, s.blur / 2.7) - 0.5
    crack = 1.0 - wp.abs(2.0 * fractal(s.nu / 1.9, s.nv / 1.9, s.salt + 6, s.blur / 1.9) - 1.0)
    return 1.0 + s.contrast * (0.9 * grain + 1.0 * stain) - 0.7 * s.contrast * step_up(crack, 0.985, 0.02)


@wp.func
def asphalt(s: Spot) -> Look:
    repair = step_up(noise(s.nu / 5.0, s.nv / 2.2, s.salt + 8, s.blur / 5.0), 0.78, 0.01)
    return plainly(mix(s.colour, s.second, wp.min(1.0, 1.5 * s.contrast) * repair) * tarmac(s))


@wp.func
def lane_marks(s: Spot) -> Look:
    fu = s.u / s.size[0] - wp.floor(s.u / s.size[0])
    fv = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    dash = inside(fu, 0.0, 0.4, s.px) * line(edge_distance(fv, s.size[1]), 0.13, s.blur, s.size[1])
    shade = tarmac(s)
    c = s.colour * shade
    return plainly(mix(c, s.second * (0.4 + 0.5 * shade), dash * fade(s.size[0], 0.5 * s.blur)))


@wp.func
def foliage(s: Spot) -> Look:
    leaf = noise(s.x, s.y, s.salt, s.px) - 0.5
    other = noise(s.x + 7.3, s.y + 2.1, s.salt + 6, s.px) - 0.5
    clump = fractal(s.x * 0.22, s.y * 0.22, s.salt + 3, s.px * 0.22) - 0.5
    light = wp.clamp(0.6 + s.contrast * (2.6 * leaf + 2.4 * clump), 0.0, 1.0)
    c = wp.cw_mul(mix(s.second, s.colour, light), wp.vec3(1.0 + 0.5 * clump, 1.0, 1.0)) * 1.3
    return relief(c, 2.2 * leaf, 2.2 * other)


@wp.func
def bark(s: Spot) -> Look:
    ridge = noise(s.x, s.y * 0.35, s.salt, s.px) - 0.5
    knot = fractal(s.x * 0.4, s.y * 0.4, s.salt + 3, s.px * 0.4) - 0.5
    c = mix(s.colour, s.second, wp.clamp(0.4 - 1.8 * s.contrast * (ridge + knot), 0.0, 1.0))
    return relief(c, 1.5 * ridge, 0.5 * knot)


@wp.func
def rock(s: Spot) -> Look:
    strata = fractal(s.x * 0.5, s.y * 2.0, s.salt, s.py) - 0.5
    lump = fractal(s.x, s.y, s.salt + 3, s.px) - 0.5
    crack = 1.0 - wp.abs(2.0 * fractal(s.x * 0.7, s.y * 0.7, s.salt + 6, s.px) - 1.0)
    c = mix(s.colour, s.second, wp.clamp(0.4 + 1.8 * s.contrast * strata, 0.0, 1.0))
    c = c * (1.0 + 1.4 * s.contrast * lump) * (1.0 - 0.6 * s.contrast * step_up(crack, 0.95, 0.05))
    return relief(c, 1.6 * lump, 1.6 * strata)


@wp.func
def sand(s: Spot) -> Look:
    ripple = wp.sin(TAU * (s.y + 1.5 * noise(s.x * 0.3, s.y * 0.2, s.salt, s.py))) * fade(s.size[1], s.blur)
    grain = noise(s.nu / 0.015, s.nv / 0.015, s.salt + 2, s.blur / 0.015) - 0.5
    dune = fractal(s.nu / 5.0, s.nv / 5.0, s.salt + 4, s.blur / 5.0) - 0.5
    c = mix(s.colour, s.second, wp.clamp(s.contrast * (0.4 + 1.5 * dune), 0.0, 1.0))
    return relief(c * (1.0 + 0.5 * s.contrast * grain), 0.0, 0.25 * ripple)


@wp.func
def snow(s: Spot) -> Look:
    drift = fractal(s.nu / 2.5, s.nv / 2.5, s.salt, s.blur / 2.5) - 0.5
    fine = noise(s.nu / 0.4, s.nv / 0.4, s.salt + 4, s.blur / 0.4) - 0.5
    return relief(s.colour * (1.0 + 0.25 * s.contrast * drift), 0.5 * drift, 0.4 * fine)


@wp.func
def water(s: Spot) -> Look:
    ripple = noise(s.x, s.y * 2.3, s.salt, s.px) - 0.5
    cross = noise(s.x * 1.7 + 3.1, s.y * 3.9, s.salt + 4, s.px * 1.7) - 0.5
    t = wp.clamp(0.5 + s.contrast * ripple, 0.0, 1.0)
    return relief(mix(s.colour, s.second, t), 0.12 * cross, 0.22 * ripple)


@wp.func
def crops(s: Spot) -> Look:
    f = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    tuft = noise(s.nu / (0.5 * s.size[1]), s.nv / 0.2, s.salt, s.blur / 0.2)
    plant = inside(f + 0.25 * (tuft - 0.5), 0.25, 0.75, s.py + 0.15)
    leaf = noise(s.nu / 0.06, s.nv / 0.06, s.salt + 4, s.blur / 0.06) - 0.5
    c = mix(s.second, s.colour, wp.lerp(0.5, plant, fade(s.size[1], s.blur)))
    c = c * wp.max(0.1, 1.0 + 1.6 * s.contrast * leaf)
    return relief(
        c * (1.0 + s.contrast * (fractal(s.nu / 6.0, s.nv / 6.0, s.salt + 6, s.blur / 6.0) - 0.5)), leaf, leaf
    )
