"""Patterns of floors, walls, ceilings and roofs."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds.look import Look, Spot, plainly, relief
from training.worlds.noise import edge_distance, fade, fractal, hash3, inside, line, mix, noise, paint, step_up

TAU = wp.constant(6.2831853)


@wp.func
def blotches(s: Spot) -> Look:
    t = 0.5 + (fractal(s.x, s.y, s.salt, s.px) - 0.5) * (1.0 + 3.0 * s.contrast)
    return plainly(mix(s.colour, s.second, wp.clamp(t, 0.0, 1.0)))


@wp.func
def unevenness(s: Spot) -> Look:
    t = fractal(s.nu / 1.9, s.nv / 1.9, s.salt, s.blur / 1.9) - 0.5
    return plainly(s.colour * (1.0 + 0.35 * s.contrast * t))


@wp.func
def wood(s: Spot) -> Look:
    ring = s.y * TAU + 5.0 * noise(s.x * 0.7, s.y * 0.4, s.salt, s.py)
    grain = 0.5 + 0.5 * wp.sin(ring) * fade(s.size[1], s.blur)
    fibre = noise(s.x * 3.0, s.y * 11.0, s.salt + 3, s.py * 11.0)
    t = 1.6 * s.contrast * (0.75 * grain + 0.7 * (fibre - 0.3))
    return plainly(mix(s.colour, s.second, wp.clamp(t, 0.0, 1.0)))


@wp.func
def boards(s: Spot, u: float, v: float, salt: int) -> wp.vec3:
    """Boards along u with staggered ends and grain."""
    row = int(wp.floor(v / s.size[1]))
    along = u / s.size[0] + hash3(row, 5, salt)
    column = int(wp.floor(along))
    fu = along - wp.floor(along)
    fv = v / s.size[1] - wp.floor(v / s.size[1])
    tone = hash3(column, row, salt)
    grain = noise(u / 0.35 + 17.0 * tone, v / 0.012, salt + row, s.blur / 0.012) - 0.5
    streak = noise(u / 0.9, v / 0.06 + 31.0 * tone, salt + column, s.blur / 0.06) - 0.5
    visible = fade(s.size[1], s.blur)
    shade = 1.0 + s.contrast * ((tone - 0.5) * 1.2 * visible + 0.7 * grain + 0.7 * streak)
    gap = wp.clamp(0.03 * s.size[1], 0.002, 0.008)
    joint = line(edge_distance(fv, s.size[1]), gap, s.blur, s.size[1])
    joint = wp.max(joint, line(edge_distance(fu, s.size[0]), gap, s.blur, s.size[0]))
    return mix(s.colour * shade, s.second, 0.85 * joint)


@wp.func
def planks(s: Spot) -> Look:
    return plainly(boards(s, s.u, s.v, s.salt))


@wp.func
def parquet(s: Spot) -> Look:
    """Basket weave: square blocks of boards, every other one turned."""
    block_u = int(wp.floor(s.u / s.size[0]))
    block_v = int(wp.floor(s.v / s.size[0]))
    salt = s.salt + 7 * block_u + 13 * block_v
    if (block_u + block_v) & 1 == 1:
        return plainly(boards(s, s.v, s.u, salt))
    return plainly(boards(s, s.u, s.v, salt))


@wp.func
def tiling(s: Spot, shift: float, gap: float, vary: float) -> wp.vec4:
    """Tiles, bricks or slabs, every other row shifted, their tones varying by `vary`; the fourth value is how much of
    the pixel is joint.
    """
    y = s.v / s.size[1]
    row = int(wp.floor(y))
    x = s.u / s.size[0] + float(row & 1) * shift
    column = int(wp.floor(x))
    tone = (hash3(column, row, s.salt) - 0.5) * fade(s.small, s.blur)
    joint = line(edge_distance(y - wp.floor(y), s.size[1]), gap, s.blur, s.size[1])
    joint = wp.max(joint, line(edge_distance(x - wp.floor(x), s.size[0]), gap, s.blur, s.size[0]))
    stain = noise(s.u / 0.11, s.v / 0.11, s.salt + 3, s.blur / 0.11) - 0.5
    shade = 1.0 + s.contrast * (vary * tone + 0.35 * stain)
    warm = 0.25 * vary * s.contrast * tone
    c = wp.cw_mul(s.colour, wp.vec3(1.0 + warm, 1.0, 1.0 - warm)) * shade
    c = mix(c, s.second, joint)
    return wp.vec4(c[0], c[1], c[2], joint)


@wp.func
def tiles(s: Spot) -> Look:
    t = tiling(s, 0.0, wp.clamp(0.02 * s.small, 0.003, 0.012), 1.0)
    look = plainly(wp.vec3(t[0], t[1], t[2]))
    look.gloss = 1.0 - 0.8 * t[3]
    return look


@wp.func
def bricks(s: Spot) -> Look:
    t = tiling(s, 0.5, wp.clamp(0.14 * s.small, 0.006, 0.05), 1.2)
    rough = noise(s.nu / 0.05, s.nv / 0.03, s.salt, s.blur / 0.03) - 0.5
    look = relief(wp.vec3(t[0], t[1], t[2]) * (1.0 + s.contrast * rough), 0.3 * rough, 0.3 * t[3])
    look.gloss = 0.5
    return look


@wp.func
def paving(s: Spot) -> Look:
    t = tiling(s, 0.5, wp.clamp(0.025 * s.small, 0.006, 0.02), 1.0)
    stain = fractal(s.nu / 0.7, s.nv / 0.7, s.salt + 5, s.blur / 0.7) - 0.5
    return plainly(wp.vec3(t[0], t[1], t[2]) * (1.0 + 0.8 * s.contrast * stain))


@wp.func
def panels(s: Spot) -> Look:
    t = tiling(s, 0.0, wp.clamp(0.035 * s.small, 0.012, 0.03), 0.25)
    pits = step_up(noise(s.u / 0.02, s.v / 0.02, s.salt, s.blur / 0.02), 0.72, 0.2)
    return plainly(wp.vec3(t[0], t[1], t[2]) * (1.0 - 0.3 * s.contrast * pits))


@wp.func
def stripes(s: Spot) -> Look:
    f = s.u / s.size[0] - wp.floor(s.u / s.size[0])
    t = wp.lerp(0.5, inside(f, 0.25, 0.75, s.px), fade(s.size[0], s.blur))
    return plainly(mix(s.colour, s.second, t))


@wp.func
def checker(s: Spot) -> Look:
    i = int(wp.floor(s.u / s.size[0]))
    j = int(wp.floor(s.v / s.size[1]))
    visible = fade(s.small, s.blur)
    tone = 1.0 + s.contrast * (hash3(i, j, s.salt) - 0.5) * visible
    return plainly(mix(s.colour, s.second, wp.lerp(0.5, float((i + j) & 1), visible)) * tone)


@wp.func
def concrete(s: Spot) -> Look:
    stain = fractal(s.nu / 1.3, s.nv / 1.3, s.salt, s.blur / 1.3) - 0.5
    fine = noise(s.nu / 0.03, s.nv / 0.03, s.salt + 2, s.blur / 0.03) - 0.5
    c = s.colour * (1.0 + s.contrast * (1.1 * stain + 0.5 * fine))
    if s.small > 0.5:
        fu = s.u / s.size[0] - wp.floor(s.u / s.size[0])
        fv = s.v / s.size[1] - wp.floor(s.v / s.size[1])
        joint = line(edge_distance(fu, s.size[0]), 0.012, s.blur, s.size[0])
        joint = wp.max(joint, line(edge_distance(fv, s.size[1]), 0.012, s.blur, s.size[1]))
        c = mix(c, s.second, 0.6 * joint)
    return plainly(c)


@wp.func
def marble(s: Spot) -> Look:
    bent = s.x + 1.5 * (fractal(s.x * 0.6, s.y * 0.6, s.salt, s.px) - 0.5)
    vein = 1.0 - wp.abs(2.0 * fractal(bent, s.y + bent, s.salt + 5, s.px) - 1.0)
    vein = vein * vein * vein
    c = mix(s.colour, s.second, wp.min(1.0, 1.5 * s.contrast * vein * vein))
    return plainly(c * (1.0 + 0.3 * s.contrast * (noise(s.x * 0.5, s.y * 0.5, s.salt + 9, s.px) - 0.5)))


@wp.func
def terrazzo(s: Spot) -> Look:
    i = int(wp.floor(s.x + 0.5 * noise(s.x, s.y, s.salt + 1, 0.1)))
    j = int(wp.floor(s.y + 0.5 * noise(s.x, s.y, s.salt + 2, 0.1)))
    h = hash3(i, j, s.salt)
    if h < 0.45:
        chip = mix(s.second, paint(s.salt, i * 17 + j), 0.3)
        return plainly(mix(s.colour, chip, wp.min(1.0, 4.0 * s.contrast * h) * fade(s.small, s.blur)))
    return plainly(s.colour)


@wp.func
def carpet(s: Spot) -> Look:
    fibre = noise(s.nu / 0.012, s.nv / 0.012, s.salt, s.blur / 0.012) - 0.5
    figure = fractal(s.x, s.y, s.salt + 3, s.px) - 0.5
    c = mix(s.colour, s.second, wp.clamp(s.contrast * (0.5 + 1.6 * figure), 0.0, 1.0))
    look = plainly(c * (1.0 + 1.2 * s.contrast * fibre))
    look.gloss = 0.0
    return look


@wp.func
def wallpaper(s: Spot) -> Look:
    fx = (s.u / s.size[0] - wp.floor(s.u / s.size[0]) - 0.5) * 2.0
    fy = (s.v / s.size[1] - wp.floor(s.v / s.size[1]) - 0.5) * 2.0
    petals = 3.0 + wp.floor(4.0 * hash3(1, 1, s.salt))
    rim = 0.4 + 0.35 * hash3(2, 1, s.salt) * wp.cos(petals * wp.atan2(fy, fx))
    flower = 1.0 - step_up(wp.length(wp.vec2(fx, fy)), rim, 2.0 * wp.max(s.px, s.py))
    stem = line(wp.abs(fx) * 0.5 * s.size[0], 0.08 * s.size[0], s.blur, s.size[0])
    figure = wp.max(flower, stem * step_up(hash3(3, 1, s.salt), 0.5, 0.01))
    t = wp.min(1.0, 1.5 * s.contrast) * wp.lerp(0.3, figure, fade(s.small, s.blur))
    return plainly(mix(s.colour, s.second, t))


@wp.func
def dots(s: Spot) -> Look:
    fx = s.u / s.size[0] - wp.floor(s.u / s.size[0]) - 0.5
    fy = s.v / s.size[1] - wp.floor(s.v / s.size[1]) - 0.5
    dot = 1.0 - step_up(wp.length(wp.vec2(fx, fy)), 0.28, wp.max(s.px, s.py))
    return plainly(mix(s.colour, s.second, wp.lerp(0.25, dot, fade(s.small, s.blur))))


@wp.func
def roof_tiles(s: Spot) -> Look:
    row = wp.floor(s.v / s.size[1])
    fy = s.v / s.size[1] - row
    across = s.u / s.size[0] + 0.5 * (row - 2.0 * wp.floor(row / 2.0))
    fx = across - wp.floor(across)
    visible = fade(s.small, s.blur)
    tone = hash3(int(wp.floor(across)), int(row), s.salt) - 0.5
    c = s.colour * (1.0 + s.contrast * (tone * visible + fractal(s.nu, s.nv, s.salt, s.blur) - 0.5))
    c = mix(c, s.second, visible * 0.8 * (1.0 - step_up(fy, 0.15, s.py + 0.05)))
    return relief(c, 0.9 * (fx - 0.5) * visible, 0.35 * visible)


@wp.func
def corrugated(s: Spot) -> Look:
    visible = fade(s.size[0], s.blur)
    phase = s.u / s.size[0] * TAU
    stain = fractal(s.nu / 0.9, s.nv / 2.5, s.salt, s.blur) - 0.5
    c = s.colour * (1.0 + 0.25 * wp.sin(phase) * visible + s.contrast * stain)
    rust = step_up(fractal(s.nu / 1.7, s.nv / 1.1, s.salt + 5, s.blur / 1.7), 0.78 - 0.25 * s.contrast, 0.15)
    return relief(mix(c, s.second, wp.min(1.0, 1.2 * s.contrast) * rust), 0.9 * wp.cos(phase) * visible, 0.0)


@wp.func
def shutter(s: Spot) -> Look:
    f = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    visible = fade(s.size[1], s.blur)
    c = mix(s.colour, s.second, 0.7 * visible * (1.0 - step_up(f, 0.18, s.py + 0.05)))
    return relief(c, 0.0, 0.9 * (f - 0.5) * visible)


@wp.func
def metal(s: Spot) -> Look:
    brush = noise(s.nu / 0.4, s.nv / 0.004, s.salt, s.blur / 0.004) - 0.5
    smear = fractal(s.nu / 0.8, s.nv / 0.8, s.salt + 2, s.blur / 0.8) - 0.5
    return relief(s.colour * (1.0 + s.contrast * (0.5 * brush + 0.6 * smear)), 0.0, 0.08 * brush)
