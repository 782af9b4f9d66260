"""Patterns of things: books, goods, pictures, screens, textiles."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds.look import Look, Spot, plainly, relief
from training.worlds.noise import fade, fractal, hash3, inside, line, mix, noise, paint, step_up

TAU = wp.constant(6.2831853)


@wp.func
def books(s: Spot) -> Look:
    """Spines of uneven width and height, with bands for titles, series of equal ones, and gaps."""
    row = int(wp.floor(s.v / s.size[1]))
    fy = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    f = s.u / s.size[0]
    i = int(wp.floor(f))
    low = float(i) + 0.7 * (hash3(i, row, s.salt) - 0.5)
    high = float(i + 1) + 0.7 * (hash3(i + 1, row, s.salt) - 0.5)
    if f < low:
        i = i - 1
        high = low
        low = float(i) + 0.7 * (hash3(i, row, s.salt) - 0.5)
    elif f >= high:
        i = i + 1
        low = high
        high = float(i + 1) + 0.7 * (hash3(i + 1, row, s.salt) - 0.5)
    series = i
    if hash3(i / 7, row, s.salt + 5) < 0.35:
        series = i / 7
    one = paint(s.salt + row * 131, series)
    c = mix(one, s.colour, 0.3)
    tall = 0.66 + 0.3 * hash3(series, row, s.salt + 9)
    band = 0.25 + 0.5 * hash3(series, row, s.salt + 13)
    title = inside(fy, band - 0.07, band + 0.07, s.py) * step_up(hash3(series, row, s.salt + 17), 0.35, 0.01)
    c = mix(c, wp.vec3(0.85, 0.8, 0.65) - one * 0.5, 0.75 * title)
    edge = wp.min(f - low, high - f) * s.size[0]
    c = c * (1.0 - 0.6 * line(edge, 0.004, s.blur, s.size[0]))
    c = mix(c, s.second * 0.6, step_up(fy, tall, s.py))
    if hash3(i / 5, row, s.salt + 23) < 0.06:
        c = s.second * 0.5
    mean = mix(wp.vec3(0.3, 0.27, 0.24), s.colour, 0.3) * 0.8
    return plainly(mix(mean, c, (0.25 + 0.75 * wp.min(1.0, s.contrast * 3.0)) * fade(s.size[0], s.blur * 0.7)))


@wp.func
def packages(s: Spot) -> Look:
    """Boxes of goods side by side; a few of a kind stand together."""
    row = int(wp.floor(s.v / s.size[1]))
    fy = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    shifted = s.u / s.size[0] + hash3(row, 3, s.salt)
    i = int(wp.floor(shifted))
    fx = shifted - wp.floor(shifted)
    kind = int(wp.floor((float(i) + 3.0 * hash3(row, 4, s.salt)) / (2.0 + wp.floor(3.0 * hash3(row, 6, s.salt)))))
    one = paint(s.salt + row * 57, kind)
    tall = 0.6 + 0.35 * hash3(kind, row, s.salt + 1)
    wide = 0.8 + 0.18 * hash3(kind, row, s.salt + 2)
    body = inside(fx, 0.5 - 0.5 * wide, 0.5 + 0.5 * wide, s.px) * (1.0 - step_up(fy, tall, s.py))
    top = (0.5 + 0.3 * hash3(kind, row, s.salt + 7)) * tall
    label = inside(fx, 0.26, 0.74, s.px) * inside(fy, 0.2 * tall, top, s.py)
    c = mix(mix(one, s.colour, 0.2), paint(s.salt + 401 + row, kind), label)
    text = step_up(wp.sin(fy * 90.0), 0.2, s.py * 90.0) * inside(fx, 0.32, 0.68, s.px) * label
    c = mix(c, one * 0.5, 0.6 * text * fade(0.07 * s.size[1], s.blur))
    c = mix(s.second * 0.5, c, body)
    mean = mix(wp.vec3(0.32, 0.29, 0.26), s.second, 0.25)
    return plainly(mix(mean, c, (0.25 + 0.75 * wp.min(1.0, s.contrast * 3.0)) * fade(s.size[0], s.blur)))


@wp.struct
class Sheet:
    """A place on a thing that fills its `size`: x, y in 0..1, the pixel's width there, the thing's own salt."""

    x: float
    y: float
    pixel: float
    salt: int


@wp.func
def sheet(s: Spot) -> Sheet:
    i = wp.floor(s.u / s.size[0] + 1.0e-4)
    j = wp.floor(s.v / s.size[1] + 1.0e-4)
    out = Sheet()
    out.x = wp.clamp(s.u / s.size[0] - i, 0.0, 1.0)
    out.y = wp.clamp(s.v / s.size[1] - j, 0.0, 1.0)
    out.pixel = wp.max(s.px, s.py)
    out.salt = s.salt + 101 * int(i) + 57 * int(j)
    return out


@wp.func
def border(t: Sheet) -> float:
    return wp.min(wp.min(t.x, 1.0 - t.x), wp.min(t.y, 1.0 - t.y))


@wp.func
def picture(s: Spot) -> Look:
    """A framed painting: hills under a sky with a few shapes in it."""
    t = sheet(s)
    sky = mix(paint(t.salt, 1), s.colour, 0.3)
    land = paint(t.salt, 2) * (0.6 + 0.8 * fractal(t.x * 9.0, t.y * 9.0, t.salt + 1, t.pixel * 9.0))
    hills = 0.3 + 0.3 * hash3(1, 1, t.salt) + 0.25 * (fractal(t.x * 3.0, 0.5, t.salt, t.pixel * 3.0) - 0.5)
    c = mix(land, sky, step_up(t.y, hills, t.pixel)) * (0.7 + 0.5 * t.y)
    for k in range(3):
        if hash3(k, 7, t.salt) < 0.7:
            dx = wp.abs(t.x - hash3(k, 8, t.salt))
            dy = wp.abs(t.y - hash3(k, 9, t.salt))
            d = wp.length(wp.vec2(dx, dy))
            if hash3(k, 12, t.salt) < 0.5:
                d = wp.max(dx, 0.5 * dy)
            shape = 1.0 - step_up(d, 0.06 + 0.2 * hash3(k, 10, t.salt), t.pixel)
            c = mix(c, paint(t.salt, 4 + k), shape)
    edge = border(t)
    if hash3(3, 3, t.salt) < 0.5:
        c = mix(wp.vec3(0.75, 0.74, 0.7), c, step_up(edge, 0.05 + 0.09 * hash3(2, 2, t.salt), t.pixel))
    return plainly(mix(s.second, c, step_up(edge, 0.045, t.pixel)))


@wp.func
def poster(s: Spot) -> Look:
    """A printed page: heading, a block of picture, lines of text."""
    t = sheet(s)
    head = 0.78 + 0.08 * hash3(1, 1, t.salt)
    accent = paint(t.salt, 5)
    ink = s.second
    c = s.colour
    if hash3(2, 5, t.salt) < 0.35:
        c = mix(c, accent, 0.8)
        ink = mix(s.second, wp.vec3(0.9, 0.9, 0.9), 1.0 - step_up(accent[1], 0.3, 0.1))
    wide = inside(t.x, 0.08, 0.92, t.pixel)
    letters = step_up(noise(t.x * 26.0, 3.5, t.salt, t.pixel * 26.0), 0.42, 0.1)
    c = mix(c, ink, letters * inside(t.y, head, head + 0.1, t.pixel) * wide)
    top = 0.3 + 0.35 * hash3(3, 1, t.salt)
    art = mix(accent, paint(t.salt, 6), fractal(t.x * 4.0, t.y * 4.0, t.salt + 2, t.pixel * 4.0))
    c = mix(c, art, wide * inside(t.y, top, head - 0.06, t.pixel))
    row = wp.floor(t.y / 0.045)
    words = step_up(noise(t.x * 40.0, row + 0.5, t.salt + 3, t.pixel * 40.0), 0.35, 0.1)
    end = 0.65 + 0.27 * hash3(int(row), 9, t.salt)
    band = inside(t.y - row * 0.045, 0.01, 0.03, t.pixel) * inside(t.x, 0.08, end, t.pixel)
    text = wp.lerp(0.25 * wide, words * band, fade(0.045, t.pixel)) * inside(t.y, 0.06, top - 0.03, t.pixel)
    return plainly(mix(c, ink, 0.85 * text))


@wp.func
def screen(s: Spot) -> Look:
    """A display: bezel, panes, lines of text."""
    t = sheet(s)
    c = mix(s.colour, paint(t.salt, 1), 0.5) * (0.5 + 0.5 * t.y)
    row = wp.floor(t.y / 0.04)
    for k in range(2):
        x0 = 0.05 + 0.35 * hash3(k, 1, t.salt)
        y0 = 0.08 + 0.25 * hash3(k, 2, t.salt)
        pane = inside(t.x, x0, x0 + 0.3 + 0.25 * hash3(k, 3, t.salt), t.pixel)
        pane = pane * inside(t.y, y0, y0 + 0.35 + 0.25 * hash3(k, 4, t.salt), t.pixel)
        paper = wp.vec3(0.85, 0.87, 0.9)
        if hash3(k, 5, t.salt) < 0.4:
            paper = wp.vec3(0.05, 0.05, 0.07)
        text = inside(t.y - row * 0.04, 0.012, 0.028, t.pixel)
        text = text * step_up(noise(t.x * 30.0, row, t.salt + k, t.pixel * 30.0), 0.45, 0.1) * fade(0.04, t.pixel)
        text = text * inside(t.x, x0 + 0.02, x0 + 0.1 + 0.4 * hash3(int(row), k, t.salt), t.pixel)
        c = mix(c, mix(paper, s.second, 0.8 * text), pane)
    return plainly(mix(wp.vec3(0.015, 0.015, 0.015), c, step_up(border(t), 0.025, t.pixel)))


@wp.func
def rug(s: Spot) -> Look:
    t = sheet(s)
    edge = wp.min(wp.min(t.x, 1.0 - t.x) * s.size[0], wp.min(t.y, 1.0 - t.y) * s.size[1])
    wide = 0.12 * s.small
    d = wp.abs(t.x - 0.5) * 2.0 + wp.abs(t.y - 0.5) * 2.0
    figure = 0.5 + 0.5 * wp.sin(d * 28.0) * fade(0.1 * s.small, s.blur)
    c = mix(s.colour, paint(t.salt, 1), 0.6 * s.contrast * figure)
    c = mix(c, s.second, inside(edge, 0.4 * wide, wide, s.blur))
    fibre = noise(s.nu / 0.01, s.nv / 0.01, s.salt, s.blur / 0.01) - 0.5
    look = plainly(c * (1.0 + 0.6 * s.contrast * fibre))
    look.gloss = 0.0
    return look


@wp.func
def fabric(s: Spot) -> Look:
    weave = wp.sin(s.u / s.size[0] * TAU) * wp.sin(s.v / s.size[1] * TAU) * fade(s.small, s.blur)
    crease = fractal(s.nu / 0.5, s.nv / 0.5, s.salt, s.blur / 0.5) - 0.5
    fold = noise(s.nu / 0.2, s.nv / 0.2, s.salt + 5, s.blur / 0.2) - 0.5
    c = mix(s.colour, s.second, wp.clamp(0.35 * s.contrast * (1.0 + weave), 0.0, 1.0))
    look = relief(c * (1.0 + 0.6 * s.contrast * crease), 0.5 * crease, 0.3 * fold)
    look.gloss = 0.3
    return look


@wp.func
def curtain(s: Spot) -> Look:
    bend = 0.35 * noise(s.nu / (3.0 * s.size[0]), s.nv / 4.0, s.salt, s.px)
    phase = TAU * (s.u / s.size[0] + bend)
    visible = fade(s.size[0], s.blur)
    c = s.colour * (1.0 + 0.35 * wp.sin(phase) * visible)
    c = mix(c, s.second, 0.25 * s.contrast * (1.0 - wp.sin(phase)) * visible)
    return relief(c, 1.4 * wp.cos(phase) * visible, 0.0)


@wp.func
def keys(s: Spot) -> Look:
    fu = s.u / s.size[0] - wp.floor(s.u / s.size[0])
    fv = s.v / s.size[1] - wp.floor(s.v / s.size[1])
    key = inside(fu, 0.1, 0.9, s.px) * inside(fv, 0.1, 0.9, s.py)
    visible = fade(s.small, s.blur)
    tone = hash3(int(wp.floor(s.u / s.size[0])), int(wp.floor(s.v / s.size[1])), s.salt) - 0.5
    return plainly(mix(s.second, s.colour * (1.0 + s.contrast * tone * visible), wp.lerp(0.64, key, visible)))


@wp.func
def camouflage(s: Spot) -> Look:
    c = mix(s.colour, s.second, step_up(fractal(s.x * 0.5, s.y * 0.5, s.salt + 3, s.px * 0.5), 0.5, 0.02))
    return plainly(mix(c, (s.colour + s.second) * 0.3, step_up(noise(s.x, s.y, s.salt, s.px), 0.62, 0.02)))
