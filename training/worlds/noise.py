"""Hash, value noise and filtered steps: the building blocks of patterns, as Warp functions for CPU and CUDA.

Every function that draws structure takes `blur`, the width of a pixel on the surface in the same unit as its
coordinates, and fades what a pixel cannot show to its mean, so that two samples a pixel do not alias.
"""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp


@wp.func
def hash3(x: int, y: int, salt: int) -> float:
    """A number in [0, 1) for a cell."""
    h = wp.uint32(x) * wp.uint32(374761393) + wp.uint32(y) * wp.uint32(668265263)
    h = h + wp.uint32(salt) * wp.uint32(1103515245)
    h = (h ^ (h >> wp.uint32(13))) * wp.uint32(1274126177)
    h = (h ^ (h >> wp.uint32(16))) * wp.uint32(1103515245)
    h = h ^ (h >> wp.uint32(15))
    return float(h & wp.uint32(0xFFFFFF)) / 16777216.0


@wp.func
def fade(period: float, blur: float) -> float:
    """How much of a structure of this period a pixel of width `blur` can show: 0 to 1."""
    return wp.smoothstep(1.0, 3.0, period / blur)


@wp.func
def value_noise(x: float, y: float, salt: int) -> float:
    """Smooth noise of period 1, in [0, 1]."""
    ix = int(wp.floor(x))
    iy = int(wp.floor(y))
    fx = x - wp.floor(x)
    fy = y - wp.floor(y)
    fx = fx * fx * (3.0 - 2.0 * fx)
    fy = fy * fy * (3.0 - 2.0 * fy)
    low = wp.lerp(hash3(ix, iy, salt), hash3(ix + 1, iy, salt), fx)
    high = wp.lerp(hash3(ix, iy + 1, salt), hash3(ix + 1, iy + 1, salt), fx)
    return wp.lerp(low, high, fy)


@wp.func
def noise(x: float, y: float, salt: int, blur: float) -> float:
    """Value noise of period 1 that fades to 0.5 where a pixel cannot show it."""
    visible = fade(1.0, blur)
    if visible <= 0.0:
        return 0.5
    return 0.5 + (value_noise(x, y, salt) - 0.5) * visible


@wp.func
def fractal(x: float, y: float, salt: int, blur: float) -> float:
    """Four octaves from period 1 down, in about [0, 1], mean 0.5."""
    total = float(0.0)  # noqa: UP018 (Warp variables that a loop changes)
    weight = float(0.5)  # noqa: UP018
    scale = float(1.0)  # noqa: UP018
    for octave in range(4):
        if blur * scale < 1.0:
            total += weight * (noise(x * scale, y * scale, salt + octave * 31, blur * scale) - 0.5)
        weight *= 0.55
        scale *= 2.13
    return wp.clamp(0.5 + total * 1.25, 0.0, 1.0)


@wp.func
def line(distance: float, width: float, blur: float, period: float) -> float:
    """How much of a pixel at `distance` from a line's middle the line covers; its mean where lines crowd."""
    overlap = wp.min(distance + 0.5 * blur, 0.5 * width) - wp.max(distance - 0.5 * blur, -0.5 * width)
    return wp.lerp(width / period, wp.clamp(overlap / blur, 0.0, 1.0), fade(period, blur))


@wp.func
def step_up(x: float, edge: float, blur: float) -> float:
    """A step at `edge`, as wide as a pixel."""
    return wp.clamp((x - edge) / wp.max(blur, 1.0e-6) + 0.5, 0.0, 1.0)


@wp.func
def inside(x: float, low: float, high: float, blur: float) -> float:
    """A band between two edges, filtered."""
    return step_up(x, low, blur) * (1.0 - step_up(x, high, blur))


@wp.func
def edge_distance(fraction: float, period: float) -> float:
    """Distance to the nearer border of a cell of this period."""
    return wp.min(fraction, 1.0 - fraction) * period


@wp.func
def paint(salt: int, index: int) -> wp.vec3:
    """A colour as printed things have them: strong, pale, dark or brownish."""
    kind = hash3(index, 11, salt)
    base = wp.vec3(hash3(index, 1, salt), hash3(index, 2, salt), hash3(index, 3, salt))
    mean = (base[0] + base[1] + base[2]) / 3.0
    colour = wp.vec3(mean, mean, mean) * 0.35 + base * 0.45
    if kind < 0.3:
        colour = wp.vec3(0.62, 0.6, 0.54) + base * 0.13
    elif kind < 0.45:
        colour = wp.vec3(0.03, 0.03, 0.03) + base * 0.08
    elif kind < 0.6:
        colour = wp.vec3(0.3, 0.2, 0.12) * (0.4 + base[0])
    elif kind < 0.8:
        colour = wp.cw_mul(colour, colour) + wp.vec3(0.02, 0.02, 0.02)
    return colour


@wp.func
def mix(a: wp.vec3, b: wp.vec3, t: float) -> wp.vec3:
    """Linear blend of two colours."""
    return a + (b - a) * t
