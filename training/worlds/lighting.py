"""Light in a world, as Warp functions: the sky, one ray's incoming light, sun, lamps and what bounces about."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds.look import Table
from training.worlds.noise import fractal, mix, step_up

FAR = wp.constant(1.0e6)


@wp.struct
class Scene:
    """A world on the device. `openness` is the share of the upper half of the sky that the camera sees, `glow` the
    most that a diffuse ray takes from a luminous surface (lamps light by themselves, and a ray that happens to meet
    one would be a speck).
    """

    mesh: wp.uint64
    uv: wp.array(dtype=wp.vec2)
    material: wp.array(dtype=int)
    salt: wp.array(dtype=int)
    table: Table
    lamp_position: wp.array(dtype=wp.vec3)
    lamp_colour: wp.array(dtype=wp.vec3)
    lamp_radius: wp.array(dtype=float)
    lamps: int
    sun_direction: wp.vec3
    sun_colour: wp.vec3
    sun_radius: float
    zenith: wp.vec3
    horizon: wp.vec3
    ground: wp.vec3
    cloudiness: float
    haze: float
    ambient: wp.vec3
    openness: float
    glow: float
    sky_salt: int


@wp.func
def clear_sky(scene: Scene, d: wp.vec3) -> wp.vec3:
    """The sky's gradient without clouds and sun, the ground's colour below the horizon."""
    if d[2] < 0.0:
        return mix(scene.horizon, scene.ground, wp.min(1.0, -d[2] * 6.0))
    up = wp.sqrt(wp.sqrt(d[2])) * wp.sqrt(d[2])
    overcast = (scene.horizon + scene.zenith) * 0.5
    return mix(mix(scene.horizon, scene.zenith, up), overcast, scene.cloudiness * up)


@wp.func
def sky(scene: Scene, d: wp.vec3, pixel: float) -> wp.vec3:
    """What a camera sees in direction d: gradient, clouds, the sun and its glow."""
    c = clear_sky(scene, d)
    if d[2] <= 0.0:
        return c
    strength = wp.max(wp.max(scene.sun_colour[0], scene.sun_colour[1]), scene.sun_colour[2])
    along = wp.max(wp.dot(d, scene.sun_direction), 0.0)
    cover = 0.0
    if scene.cloudiness > 0.01:
        height = d[2] + 0.12
        x = d[0] / height * 1.3
        y = d[1] / height * 1.3
        blur = 2.0 * pixel / (height * height)
        f = 0.65 * fractal(x, y, scene.sky_salt, blur) + 0.35 * fractal(
            x * 3.7, y * 3.7, scene.sky_salt + 9, blur * 3.7
        )
        edge = 0.78 - 0.55 * scene.cloudiness
        cover = step_up(f, edge, 0.22) * wp.smoothstep(0.0, 0.08, d[2])
        light = scene.horizon * 0.75 + scene.zenith * 0.25 + scene.sun_colour * (0.05 + 0.12 * wp.pow(along, 8.0))
        light = light * (1.15 - 0.6 * wp.max(f - edge, 0.0))
        c = mix(c, light, 0.92 * cover)
    if strength > 0.0:
        glow = 0.25 * wp.pow(along, 12.0) * 0.2 + 0.5 * wp.pow(along, 250.0)
        c = c + scene.sun_colour * (glow * (1.0 - 0.8 * cover))
        disc = wp.max(scene.sun_radius, pixel)
        if along > wp.cos(disc):
            c = c + scene.sun_colour * (30.0 * (1.0 - cover))
    return c


@wp.func
def around(axis: wp.vec3, cosine: float, angle: float) -> wp.vec3:
    """The direction at this cosine from an axis, turned by `angle` about it."""
    helper = wp.vec3(0.0, 0.0, 1.0)
    if wp.abs(axis[2]) > 0.9:
        helper = wp.vec3(1.0, 0.0, 0.0)
    side = wp.normalize(wp.cross(helper, axis))
    sine = wp.sqrt(wp.max(0.0, 1.0 - cosine * cosine))
    return axis * cosine + (side * wp.cos(angle) + wp.cross(axis, side) * wp.sin(angle)) * sine


@wp.func
def lamp_light(scene: Scene, k: int, p: wp.vec3, n: wp.vec3) -> float:
    """Cosine over squared distance of lamp k at p."""
    to = scene.lamp_position[k] - p
    d2 = wp.max(wp.dot(to, to), 0.01)
    return wp.max(wp.dot(n, to), 0.0) / (d2 * wp.sqrt(d2))


@wp.func
def incoming(scene: Scene, p: wp.vec3, d: wp.vec3, brightest: float) -> wp.vec3:
    """Radiance that reaches p from direction d: one ray, and a plain estimate of the light where it lands."""
    q = wp.mesh_query_ray(scene.mesh, p, d, FAR)
    if not q.result:
        return clear_sky(scene, d)
    m = scene.material[q.face]
    n = q.normal
    if wp.dot(n, d) > 0.0:
        n = -n
    sunny = wp.max(wp.dot(n, scene.sun_direction), 0.0) * 0.6 * scene.openness
    light = scene.sun_colour * (sunny / 3.14159)
    light = light + (scene.zenith + scene.horizon) * (0.25 * scene.openness * (0.6 + 0.4 * n[2]))
    light = light + scene.ambient
    there = p + d * q.t
    for k in range(scene.lamps):
        light = light + scene.lamp_colour[k] * (0.5 / 3.14159 * wp.min(lamp_light(scene, k, there, n), 4.0))
    albedo = scene.table.colour[m]
    out = wp.cw_mul(light, albedo * 0.75 + wp.vec3(0.12, 0.12, 0.12)) * (q.t / (q.t + 0.3))
    glow = albedo * scene.table.emission[m]
    return out + wp.min(glow, wp.vec3(brightest, brightest, brightest))


@wp.func
def sunlight(scene: Scene, p: wp.vec3, n: wp.vec3, u1: float, u2: float) -> wp.vec3:
    """Irradiance over pi from the sun at p, with one ray to a point of its disc."""
    cosine = wp.dot(n, scene.sun_direction)
    if cosine <= 0.0:
        return wp.vec3(0.0, 0.0, 0.0)
    strength = scene.sun_colour[0] + scene.sun_colour[1] + scene.sun_colour[2]
    if strength <= 0.0:
        return wp.vec3(0.0, 0.0, 0.0)
    d = around(scene.sun_direction, 1.0 - u1 * (1.0 - wp.cos(scene.sun_radius)), 6.2831853 * u2)
    if wp.mesh_query_ray_anyhit(scene.mesh, p, d, FAR):
        return wp.vec3(0.0, 0.0, 0.0)
    return scene.sun_colour * (cosine / 3.14159)


@wp.func
def lamplight(scene: Scene, p: wp.vec3, n: wp.vec3, pick: float, turn: float) -> wp.vec3:
    """Irradiance over pi from all lamps, by one ray to one of them picked by what it would give unshadowed.

    `pick` in [0, 1) chooses the lamp and then how far from its middle the ray ends, `turn` in which direction.
    """
    zero = wp.vec3(0.0, 0.0, 0.0)
    total = float(0.0)  # noqa: UP018 (Warp variables that a loop changes)
    for k in range(scene.lamps):
        c = scene.lamp_colour[k]
        total += lamp_light(scene, k, p, n) * (c[0] + c[1] + c[2])
    if total < 1.0e-6:
        return zero
    rest = float(pick * total)
    chosen = int(-1)  # noqa: RUF046, UP018
    within = float(0.0)  # noqa: UP018
    for k in range(scene.lamps):
        c = scene.lamp_colour[k]
        w = lamp_light(scene, k, p, n) * (c[0] + c[1] + c[2])
        if rest >= 0.0 and w > 0.0:
            chosen = k
            within = rest / w
        rest -= w
    if chosen < 0:
        return zero
    radius = scene.lamp_radius[chosen]
    to = scene.lamp_position[chosen] - p
    far = wp.length(to)
    out = wp.sqrt(wp.clamp(within, 0.0, 1.0)) * radius
    to = to + around(to / far, 0.0, 6.2831853 * turn) * out
    reach = wp.length(to)
    # What is within the lamp's radius is the lamp itself and casts no shadow.
    limit = far - 1.25 * radius - 0.01
    if limit > 0.0 and wp.mesh_query_ray_anyhit(scene.mesh, p, to / reach, limit):
        return zero
    c = scene.lamp_colour[chosen]
    return c * (total / ((c[0] + c[1] + c[2]) * 3.14159))
