"""Patterns of building fronts: walls with windows, curtain walls."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds.look import Look, Spot, plainly
from training.worlds.noise import edge_distance, fade, fractal, hash3, inside, line, mix, step_up


@wp.func
def pane(column: int, row: int, salt: int) -> wp.vec4:
    """Colour of a window pane, and how brightly it is lit at night (many are dark)."""
    h = hash3(column, row, salt + 71)
    c = wp.vec3(0.03, 0.04, 0.05) + wp.vec3(0.05, 0.06, 0.07) * h
    if h > 0.72:
        c = wp.vec3(0.35, 0.33, 0.3) * (0.4 + h)
    lit = wp.max(0.0, hash3(column, row, salt + 72) - 0.55) * 2.5
    return wp.vec4(c[0], c[1], c[2], lit)


@wp.func
def facade(s: Spot) -> Look:
    column = int(wp.floor(s.u / s.size[0]))
    storey = int(wp.floor(s.v / s.size[1]))
    fx = (s.u / s.size[0] - wp.floor(s.u / s.size[0]) - 0.5) * s.size[0]
    fy = (s.v / s.size[1] - wp.floor(s.v / s.size[1])) * s.size[1]
    half = 0.5 * s.size[0] * (0.32 + 0.36 * hash3(1, 1, s.salt))
    low = s.size[1] * (0.22 + 0.14 * hash3(2, 1, s.salt))
    high = s.size[1] * (0.74 + 0.14 * hash3(3, 1, s.salt))
    if storey == 0 and hash3(4, 1, s.salt) < 0.4:
        half = 0.42 * s.size[0]
        low = 0.12
    stain = fractal(s.u / 1.7, s.v / 2.9, s.salt + 2, s.blur / 1.7) - 0.5
    wall = s.colour * (1.0 + s.contrast * stain)
    ledge = line(wp.abs(fy - 0.06 * s.size[1]), 0.1, s.blur, s.size[1]) * step_up(hash3(5, 1, s.salt), 0.5, 0.01)
    wall = mix(wall, s.second, 0.6 * ledge)
    frame = inside(fx, -half - 0.07, half + 0.07, s.blur) * inside(fy, low - 0.09, high + 0.07, s.blur)
    glass = inside(fx, -half, half, s.blur) * inside(fy, low, high, s.blur)
    bars = line(wp.abs(fx), 0.06, s.blur, 2.0 * half)
    if hash3(6, 1, s.salt) < 0.4:
        bars = wp.max(bars, line(wp.abs(fy - low - 0.7 * (high - low)), 0.06, s.blur, high - low))
    glass = glass * (1.0 - bars)
    one = pane(column, storey, s.salt)
    c = mix(mix(wall, s.second, frame), wp.vec3(one[0], one[1], one[2]), glass)
    visible = fade(s.small, s.blur)
    mean = mix(mix(wall, s.second, 0.1), wp.vec3(0.08, 0.09, 0.1), 0.3)
    look = plainly(mix(mean, c, visible))
    look.glass = glass * visible
    look.emission = one[3] * glass
    return look


@wp.func
def glass_grid(s: Spot) -> Look:
    column = int(wp.floor(s.u / s.size[0]))
    row = int(wp.floor(s.v / s.size[1]))
    fu = s.u / s.size[0] - wp.floor(s.u / s.size[0])
    fv = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    bars = line(edge_distance(fu, s.size[0]), 0.07, s.blur, s.size[0])
    bars = wp.max(bars, line(edge_distance(fv, s.size[1]), 0.09, s.blur, s.size[1]))
    one = pane(column, row, s.salt)
    inner = wp.vec3(one[0], one[1], one[2])
    solid = 0.0
    if row % 2 == 0 and hash3(7, 7, s.salt) < 0.4:
        solid = 1.0
    tone = 0.6 + 0.8 * hash3(column, row, s.salt)
    c = mix(mix(s.colour * tone * 0.5, inner, 0.5), s.colour * (0.8 + 0.2 * tone), solid)
    look = plainly(mix(c, s.second, bars))
    look.glass = (1.0 - bars) * (1.0 - solid)
    look.emission = one[3] * (1.0 - bars) * (1.0 - solid)
    look.slope = wp.vec2(0.01 * (hash3(column, row, 3) - 0.5), 0.01 * (hash3(column, row, 4) - 0.5))
    return look
