"""What a pattern gets and gives, as Warp structs."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp


@wp.struct
class Table:
    """The materials of a world, one entry each."""

    colour: wp.array(dtype=wp.vec3)
    second: wp.array(dtype=wp.vec3)
    pattern: wp.array(dtype=int)
    size: wp.array(dtype=wp.vec2)
    contrast: wp.array(dtype=float)
    gloss: wp.array(dtype=float)
    emission: wp.array(dtype=float)


@wp.struct
class Spot:
    """A point of a surface and its material.

    u, v: metres on the surface; nu, nv: the same with an offset of the object's own, for stochastic patterns; x, y:
    nu, nv in periods of the pattern; blur: width of a pixel in metres; px, py: the same in periods.
    """

    u: float
    v: float
    nu: float
    nv: float
    x: float
    y: float
    blur: float
    px: float
    py: float
    salt: int
    colour: wp.vec3
    second: wp.vec3
    size: wp.vec2
    small: float
    contrast: float


@wp.struct
class Look:
    """Albedo, slope of the relief along u and v, and factors on the material's gloss and emission.

    `glass` 0..1 is the share that is window glass, whatever the material's gloss.
    """

    albedo: wp.vec3
    slope: wp.vec2
    gloss: float
    emission: float
    glass: float


@wp.func
def plainly(albedo: wp.vec3) -> Look:
    """A look without relief."""
    look = Look()
    look.albedo = albedo
    look.gloss = 1.0
    look.emission = 1.0
    return look


@wp.func
def relief(albedo: wp.vec3, along_u: float, along_v: float) -> Look:
    """A look with relief."""
    look = plainly(albedo)
    look.slope = wp.vec2(along_u, along_v)
    return look
