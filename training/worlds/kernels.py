"""The renderer's kernels: range and shading of every pixel, and the filter of what bounces about.

One source for CPU and CUDA. The range of a pixel comes from the exact ray through its centre; colour from that ray and
from jittered ones.
"""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds.lighting import FAR, Scene, around, incoming, lamplight, sky, sunlight
from training.worlds.noise import mix
from training.worlds.patterns import surface

wp.set_module_options({"enable_backward": False})

PI = wp.constant(3.14159265358979)


@wp.func
def bumped(scene: Scene, face: int, n: wp.vec3, d: wp.vec3, slope: wp.vec2) -> wp.vec3:
    """The normal after the pattern's relief, kept towards the viewer."""
    if slope[0] == 0.0 and slope[1] == 0.0:
        return n
    p0 = wp.mesh_get_point(scene.mesh, face * 3)
    e1 = wp.mesh_get_point(scene.mesh, face * 3 + 1) - p0
    e2 = wp.mesh_get_point(scene.mesh, face * 3 + 2) - p0
    t1 = scene.uv[face * 3 + 1] - scene.uv[face * 3]
    t2 = scene.uv[face * 3 + 2] - scene.uv[face * 3]
    det = t1[0] * t2[1] - t2[0] * t1[1]
    if wp.abs(det) < 1.0e-10:
        return n
    tangent = (e1 * t2[1] - e2 * t1[1]) / det
    bitangent = (e2 * t1[0] - e1 * t2[0]) / det
    out = wp.normalize(n - tangent * slope[0] - bitangent * slope[1])
    facing = wp.dot(out, d)
    if facing > -0.05:
        out = wp.normalize(out - d * (facing + 0.05))
    return out


@wp.func
def meet(scene_mesh: wp.uint64, origin: wp.vec3, d: wp.vec3) -> wp.MeshQueryRay:
    """Where a ray meets the mesh. A miss is tried again 4e-5 rad beside: a ray exactly through a vertex may slip past
    the flat boxes of the triangles round it, and one such pixel would call a wall far.
    """
    q = wp.mesh_query_ray(scene_mesh, origin, d, FAR)
    if q.result:
        return q
    return wp.mesh_query_ray(scene_mesh, origin, wp.normalize(d + wp.vec3(1.1e-5, -2.3e-5, 3.1e-5)), FAR)


@wp.func
def distance(scene_mesh: wp.uint64, face: int, origin: wp.vec3, d: wp.vec3, roughly: float) -> float:
    """The range along d to a triangle's plane; on triangles of kilometres it is closer than the query's own."""
    p0 = wp.mesh_get_point(scene_mesh, face * 3)
    e1 = wp.mesh_get_point(scene_mesh, face * 3 + 1) - p0
    e2 = wp.mesh_get_point(scene_mesh, face * 3 + 2) - p0
    n = wp.normalize(wp.cross(e1, e2))
    along = wp.dot(n, d)
    if wp.abs(along) < 1.0e-5:
        return roughly
    t = wp.dot(n, p0 - origin) / along
    if wp.abs(t - roughly) > 5.0e-3 * roughly:
        return roughly
    return t


@wp.func
def on_triangle(scene_mesh: wp.uint64, face: int, origin: wp.vec3, d: wp.vec3) -> wp.vec3:
    """(range, u, v) where a ray meets one triangle, range -1 where it does not; u, v as in mesh queries."""
    p0 = wp.mesh_get_point(scene_mesh, face * 3)
    e1 = wp.mesh_get_point(scene_mesh, face * 3 + 1) - p0
    e2 = wp.mesh_get_point(scene_mesh, face * 3 + 2) - p0
    p = wp.cross(d, e2)
    det = wp.dot(e1, p)
    if wp.abs(det) < 1.0e-12:
        return wp.vec3(-1.0, 0.0, 0.0)
    to = origin - p0
    v = wp.dot(to, p) / det
    q = wp.cross(to, e1)
    w = wp.dot(d, q) / det
    t = wp.dot(e2, q) / det
    if v < 0.0 or w < 0.0 or v + w > 1.0 or t <= 0.0:
        return wp.vec3(-1.0, 0.0, 0.0)
    return wp.vec3(t, 1.0 - v - w, v)


@wp.func
def reflected(scene: Scene, p: wp.vec3, d: wp.vec3, n: wp.vec3, shading: wp.vec3, gloss: float, u1: float, u2: float):
    """What a glossy surface mirrors in its surroundings, with the sun's highlight."""
    rough = 0.35 * (1.0 - gloss) * (1.0 - gloss)
    r = around(d - shading * (2.0 * wp.dot(shading, d)), 1.0 - rough * u1, 2.0 * PI * u2)
    below = wp.dot(r, n)
    if below < 0.01:
        r = wp.normalize(r + n * (0.02 - below))
    seen = incoming(scene, p, r, 20.0)
    lobe = wp.pow(wp.max(wp.dot(r, scene.sun_direction), 0.0), 20.0 + 3000.0 * wp.pow(gloss, 6.0))
    if lobe > 1.0e-2 and wp.dot(n, scene.sun_direction) > 0.0:
        sun = sunlight(scene, p, scene.sun_direction, 0.5, 0.5)
        seen += sun * (lobe * (2.0 + 30.0 * gloss * gloss))
    return seen


@wp.kernel(enable_backward=False)
def trace(
    scene: Scene,
    origin: wp.vec3,
    rotation: wp.mat33,
    height: int,
    samples: int,
    seed: int,
    range_m: wp.array(dtype=float),
    place: wp.array(dtype=wp.vec3),
    normal: wp.array(dtype=wp.vec3),
    direct: wp.array(dtype=wp.vec3),
    albedo: wp.array(dtype=wp.vec3),
    lamp: wp.array(dtype=wp.vec4),
    indirect: wp.array(dtype=wp.vec4),
):
    """One pixel. Up to two samples, the light of lamps and what bounces about are each found in every other pixel
    (their fourth component is 1 there) and filled in by `smooth`.
    """
    pixel = wp.tid()
    width = 2 * height
    row = pixel / width
    column = pixel - row * width
    step = PI / float(height)
    state = wp.rand_init(seed, pixel)
    # Neighbouring pixels look in different directions, so that the filter after them has a full set.
    tile = float(((column & 1) * 4) + (((column >> 1) & 1) * 2) + ((row >> 1) & 1))
    even = (row + column) & 1
    sum_direct = wp.vec3(0.0, 0.0, 0.0)
    sum_albedo = wp.vec3(0.0, 0.0, 0.0)
    sum_lamp = wp.vec3(0.0, 0.0, 0.0)
    sum_indirect = wp.vec3(0.0, 0.0, 0.0)
    sun = wp.vec3(0.0, 0.0, 0.0)
    lamp_rays = int(0)  # noqa: RUF046, UP018 (Warp variables that a loop changes)
    bounce_rays = int(0)  # noqa: RUF046, UP018
    before = int(-1)  # noqa: RUF046, UP018
    for s in range(samples):
        u = float(column) + 0.5
        v = float(row) + 0.5
        if s > 0:
            u += wp.randf(state) - 0.5
            v += wp.randf(state) - 0.5
        azimuth = PI - u * step
        elevation = 0.5 * PI - v * step
        body = wp.vec3(wp.cos(elevation) * wp.cos(azimuth), wp.cos(elevation) * wp.sin(azimuth), wp.sin(elevation))
        d = rotation * body
        # Most often a pixel's second ray meets the triangle of its first, which needs no search.
        same = wp.vec3(-1.0, 0.0, 0.0)
        if before >= 0:
            same = on_triangle(scene.mesh, before, origin, d)
        f = before
        t = same[0]
        b0 = same[1]
        b1 = same[2]
        if t < 0.0:
            q = meet(scene.mesh, origin, d)
            f = -1
            if q.result:
                f = q.face
                t = q.t
                b0 = q.u
                b1 = q.v
        if f < 0:
            if s == 0:
                range_m[pixel] = wp.inf
                place[pixel] = d * 1.0e4
                normal[pixel] = wp.vec3(0.0, 0.0, 0.0)
            sum_direct += sky(scene, d, step)
            continue
        n = wp.mesh_eval_face_normal(scene.mesh, f)
        if wp.dot(n, d) > 0.0:
            n = -n
        if s == 0:
            t = distance(scene.mesh, f, origin, d, t)
            range_m[pixel] = t
            place[pixel] = d * t
            normal[pixel] = n
        again = f == before
        uv = scene.uv[3 * f] * b0 + scene.uv[3 * f + 1] * b1 + scene.uv[3 * f + 2] * (1.0 - b0 - b1)
        blur = t * step / wp.sqrt(wp.max(-wp.dot(n, d), 0.03))
        look = surface(scene.table, scene.material[f], scene.salt[f], uv[0], uv[1], blur)
        p = origin + d * t + n * (2.0e-4 + 4.0e-5 * t)
        shading = bumped(scene, f, n, d, look.slope)
        c = look.albedo
        out = c * look.emission
        if look.glass > 0.0:
            out = wp.vec3(1.0, 0.8, 0.5) * look.emission
        clear = wp.exp(-t / scene.haze)
        if look.gloss > 0.03:
            gloss = wp.min(look.gloss, 1.0)
            miss = 1.0 + wp.min(wp.dot(shading, d), 0.0)
            mirror = gloss * (0.05 + 0.9 * miss * miss * miss * miss * miss) + 0.3 * wp.pow(gloss, 6.0)
            mirror = wp.min(mirror, 0.9)
            if mirror > 0.025:
                out += reflected(scene, p, d, n, shading, gloss, wp.randf(state), wp.randf(state)) * mirror
                c = c * (1.0 - mirror)
        # Under open sky the edges of shadows deserve every sample; elsewhere one ray a surface will do.
        if not again or scene.openness > 0.25:
            sun = sunlight(scene, p, shading, wp.randf(state), wp.randf(state))
        out += wp.cw_mul(c, sun)
        first = lamp_rays + bounce_rays == 0
        alone = first and s > 0
        dense = samples > 2 and s % 2 == 0
        if dense or alone or (first and even == 0):
            bounce_rays += 1
            v1 = (tile + wp.randf(state)) / 8.0
            v2 = tile * 0.618034 + 0.25 * wp.randf(state) + 0.37 * float(s)
            away = around(shading, wp.sqrt(v1), 2.0 * PI * v2)
            below = wp.dot(away, n)
            if below < 0.01:
                away = wp.normalize(away + n * (0.02 - below))
            sum_indirect += incoming(scene, p, away, scene.glow)
        if scene.lamps > 0 and (dense or alone or (first and even == 1)):
            lamp_rays += 1
            v3 = (tile + wp.randf(state)) / 8.0
            v4 = tile * 0.618034 + 0.25 * wp.randf(state) + 0.37 * float(s)
            sum_lamp += lamplight(scene, p, shading, v3, v4)
        if scene.lamps == 0:
            lamp_rays = 1
        sum_direct += mix(scene.horizon, out, clear)
        sum_albedo += c * clear
        before = f
    share = 1.0 / float(samples)
    direct[pixel] = sum_direct * share
    albedo[pixel] = sum_albedo * share
    sum_lamp = sum_lamp / float(wp.max(lamp_rays, 1))
    sum_indirect = sum_indirect / float(wp.max(bounce_rays, 1))
    lamp[pixel] = wp.vec4(sum_lamp[0], sum_lamp[1], sum_lamp[2], wp.min(float(lamp_rays), 1.0))
    indirect[pixel] = wp.vec4(sum_indirect[0], sum_indirect[1], sum_indirect[2], wp.min(float(bounce_rays), 1.0))


@wp.kernel(enable_backward=False)
def smooth(
    height: int,
    reach: int,
    place: wp.array(dtype=wp.vec3),
    normal: wp.array(dtype=wp.vec3),
    source: wp.array(dtype=wp.vec4),
    target: wp.array(dtype=wp.vec4),
):
    """One pass of a 3 x 3 filter with holes of `reach`, over pixels of the same plane; circular in azimuth. The fourth
    component says whether there is a value; where there is none the neighbours' is taken.
    """
    pixel = wp.tid()
    width = 2 * height
    row = pixel / width
    column = pixel - row * width
    n = normal[pixel]
    here = place[pixel]
    centre = source[pixel]
    if wp.dot(n, n) == 0.0:
        target[pixel] = centre
        return
    near = 1.0 / (0.01 * wp.length(here) + 0.005)
    total = centre * (4.0 * centre[3])
    weights = float(4.0 * centre[3])
    for k in range(9):
        y = k / 3 - 1
        x = k - 3 * (k / 3) - 1
        r = row + y * reach
        if k != 4 and r >= 0 and r < height:
            other = r * width + ((column + x * reach + width) % width)
            value = source[other]
            if value[3] > 0.0:
                level = wp.dot(n, place[other] - here) * near
                alike = wp.max(wp.dot(n, normal[other]), 0.0)
                alike = alike * alike + 1.0e-6
                weight = alike * alike / (1.0 + level * level)
                if x == 0 or y == 0:
                    weight = 2.0 * weight
                total += value * weight
                weights += weight
    if weights > 0.0:
        total = total / weights
    target[pixel] = total


@wp.kernel(enable_backward=False)
def compose(
    direct: wp.array(dtype=wp.vec3),
    albedo: wp.array(dtype=wp.vec3),
    lamp: wp.array(dtype=wp.vec4),
    indirect: wp.array(dtype=wp.vec4),
    radiance: wp.array(dtype=wp.vec3),
):
    """Direct light, and albedo times what falls on it."""
    pixel = wp.tid()
    light = lamp[pixel] + indirect[pixel]
    radiance[pixel] = direct[pixel] + wp.cw_mul(albedo[pixel], wp.vec3(light[0], light[1], light[2]))


@wp.kernel(enable_backward=False)
def compose_plain(
    direct: wp.array(dtype=wp.vec3),
    albedo: wp.array(dtype=wp.vec3),
    normal: wp.array(dtype=wp.vec3),
    ambient: wp.vec3,
    key: wp.vec3,
    direction: wp.vec3,
    radiance: wp.array(dtype=wp.vec3),
):
    """What shines by itself, and albedo under one light without shadows."""
    pixel = wp.tid()
    light = ambient + key * wp.max(wp.dot(normal[pixel], direction), 0.0)
    radiance[pixel] = direct[pixel] + wp.cw_mul(albedo[pixel], light)


@wp.kernel(enable_backward=False)
def count_open(mesh: wp.uint64, origin: wp.vec3, rays: wp.array(dtype=wp.vec3), open_rays: wp.array(dtype=int)):
    """How many of the rays meet nothing."""
    if not wp.mesh_query_ray_anyhit(mesh, origin, rays[wp.tid()], FAR):
        wp.atomic_add(open_rays, 0, 1)


@wp.kernel(enable_backward=False)
def cast(
    mesh: wp.uint64,
    origins: wp.array(dtype=wp.vec3),
    directions: wp.array(dtype=wp.vec3),
    range_m: wp.array(dtype=float),
):
    """Distance along given rays."""
    i = wp.tid()
    q = meet(mesh, origins[i], directions[i])
    range_m[i] = wp.inf
    if q.result:
        range_m[i] = distance(mesh, q.face, origins[i], directions[i], q.t)
