"""The renderer: ranges in closed form and against brute force, light, determinism, both kinds of device."""

import numpy as np
import pytest

from dap_core.errors import InputError
from dap_core.panorama import rays, yaw_pitch_roll
from training.worlds.kinds import make_world
from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder
from training.worlds.render import Renderer
from training.worlds.sample import PLAIN, make_sample, plainly_lit
from training.worlds.world import Camera, Light, PlainLight, Sky, World

GREY = Material((0.5, 0.5, 0.5), contrast=0.0)
DARK = Sky(sun_colour=(0, 0, 0), zenith=(0, 0, 0), horizon=(0, 0, 0), ground=(0, 0, 0), cloudiness=0.0)


def world(add, sky=DARK, ambient=(0.5, 0.5, 0.5), lights=(), camera=None):
    builder = MeshBuilder()
    add(builder)
    return World("test", builder.build(), lights, sky, ambient, (camera or Camera((0, 0, 0)),))


@pytest.fixture(scope="module")
def renderer():
    return Renderer("cpu")


def test_box_room_at_any_pose(renderer):
    size, place = np.array([5.0, 7.0, 2.7]), np.array([0.4, -1.1, 0.2])
    camera = Camera(tuple(place), yaw=0.7, pitch=0.2, roll=-0.1)
    out = renderer.render(world(lambda b: b.box(size, GREY)), camera, 128, 1)
    d = rays(128).astype(np.float64) @ yaw_pitch_roll(0.7, 0.2, -0.1).T
    with np.errstate(divide="ignore"):
        expected = np.where(d > 0, (0.5 * size - place) / d, (-0.5 * size - place) / d).min(-1)
    assert out.range_m.shape == (128, 256) and out.range_m.dtype == np.float32
    assert np.abs(out.range_m / expected - 1).max() < 1e-5


def test_ground_plane_is_height_over_sine_out_to_the_horizon(renderer):
    height = 1.4
    ground = world(lambda b: b.polygon([[-3e4, -3e4], [3e4, -3e4], [3e4, 3e4], [-3e4, 3e4]], -height, GREY))
    out = renderer.render(ground, Camera((0, 0, 0)), 256, 1)
    d = rays(256).astype(np.float64)
    assert np.all(np.isinf(out.range_m[:128])) and np.all(np.isfinite(out.range_m[128:]))
    assert np.abs(out.range_m[128:] * -d[128:, :, 2] / height - 1).max() < 1e-4


def test_inside_a_sphere_the_range_is_its_radius(renderer):
    ball = world(lambda b: b.sphere(4.0, GREY, rings=256, segments=512))
    out = renderer.render(ball, Camera((0, 0, 0)), 64, 1)
    assert np.abs(out.range_m / 4.0 - 1).max() < 1e-4
    moved = renderer.render(ball, Camera((1.0, 0, 0)), 64, 1)
    cosine = rays(64).astype(np.float64)[..., 0]
    assert np.abs(moved.range_m / (-cosine + np.sqrt(cosine**2 + 15.0)) - 1).max() < 1e-4


def test_plain_light_is_ambient_and_one_lamp_without_shadows(renderer):
    def lid_over_ground(b):
        b.polygon([[-30, -30], [30, -30], [30, 30], [-30, 30]], -1.0, GREY)
        b.box((20.0, 20.0, 0.1), GREY, (0.0, 0.0, 4.0))

    lit = world(lid_over_ground, lights=(Light((0, 0, 1), (9, 9, 9)),))
    plain = PlainLight(ambient=(0.2, 0.3, 0.4), key=(0.5, 0.5, 0.5), direction=(3.0, 0.0, 4.0))
    object.__setattr__(lit, "plain", plain)
    out = renderer.render(lit, Camera((0, 0, 0)), 64, 1)
    # Half the ambient light and, facing up, half the key's 0.8; the lid casts no shadow, the lamp does nothing.
    np.testing.assert_allclose(out.radiance[60, 10], np.array([0.3, 0.35, 0.4]), rtol=1e-4)
    np.testing.assert_allclose(out.radiance[3, 10], np.array([0.1, 0.15, 0.2]), rtol=1e-4)
    np.testing.assert_array_equal(out.radiance[30, 0], 0.0)


def test_some_scenes_are_plainly_lit_and_show_the_same_ranges():
    built = make_world(5)
    plain = plainly_lit(built, np.random.default_rng(0))
    assert plain.plain is not None and plain.mesh is built.mesh and plain.sky.cloudiness == 0.0
    share = [np.random.default_rng(np.random.SeedSequence([k, 2])).random() < PLAIN for k in range(400)]
    assert 0.1 < np.mean(share) < 0.2
    lit = make_sample(share.index(True), 32)
    assert np.isfinite(lit.range_m).any() and lit.image.std() > 1.0


def brute_force(mesh, origin, d):
    """Nearest hits (N,) by Moeller and Trumbore in float64, all triangles for all rays."""
    t = mesh.vertices[mesh.faces].astype(np.float64)
    e1, e2, s = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0], origin - t[:, 0]
    q = np.cross(s, e1)
    nearest = np.full(len(d), np.inf)
    for i, ray in enumerate(d):
        p = np.cross(ray, e2)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / np.einsum("ij,ij->i", p, e1)
            u, v = np.einsum("ij,ij->i", s, p) * inverse, q @ ray * inverse
            far = np.einsum("ij,ij->i", q, e2) * inverse
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 0)
        nearest[i] = far[hit].min() if hit.any() else np.inf
    return nearest


@pytest.mark.parametrize("seed", [3, 8])
def test_whole_worlds_agree_with_brute_force(renderer, seed):
    place = make_world(seed)
    camera = place.cameras[0]
    out = renderer.render(place, camera, 64, 1).range_m.ravel()
    picked = np.random.default_rng(0).choice(out.size, 300, replace=False)
    d = (rays(64).reshape(-1, 3).astype(np.float64) @ camera.world_from_body.T)[picked]
    expected = brute_force(place.mesh, np.array(camera.position), d)
    far = np.isinf(expected)
    close = np.isclose(out[picked][~far], expected[~far], rtol=1e-4, atol=1e-4)
    # A ray along the very edge of a triangle may fall to either side of it.
    assert close.mean() > 0.99 and (np.isinf(out[picked]) == far).mean() > 0.99


def test_same_arguments_same_bytes(renderer):
    place = make_world(5)
    first = renderer.render(place, place.cameras[0], 64, 2, seed=4)
    again = Renderer("cpu").render(make_world(5), place.cameras[0], 64, 2, seed=4)
    other = renderer.render(place, place.cameras[0], 64, 2, seed=5)
    assert first.radiance.tobytes() == again.radiance.tobytes()
    assert first.range_m.tobytes() == again.range_m.tobytes() == other.range_m.tobytes()
    assert first.radiance.tobytes() != other.radiance.tobytes()
    assert np.isfinite(first.radiance).all() and first.radiance.min() >= 0.0


def test_a_lamp_lights_a_wall_by_the_inverse_square(renderer):
    def wall(builder):
        builder.quad([[2, -9, -9], [2, 9, -9], [2, 9, 9], [2, -9, 9]], GREY)

    lamp = Light((0, 0, 0), (8.0, 4.0, 2.0), 0.01)
    out = renderer.render(world(wall, ambient=(0, 0, 0), lights=(lamp,)), Camera((0, 0, 0)), 128, 1).radiance
    d = rays(128)
    distance = 2.0 / d[..., 0]
    middle = (np.abs(d[..., 1]) < 0.5) & (np.abs(d[..., 2]) < 0.5) & (d[..., 0] > 0)
    expected = 0.5 / np.pi * d[..., 0] / distance**2
    # What bounces off the wall cannot come back to it, so that the lamp is all the light there is.
    for channel, intensity in enumerate((8.0, 4.0, 2.0)):
        assert np.allclose(out[..., channel][middle], (intensity * expected)[middle], rtol=2e-2)


def test_the_sun_casts_a_shadow_where_the_geometry_says(renderer):
    def scene(builder):
        builder.polygon([[-50, -50], [50, -50], [50, 50], [-50, 50]], -1.0, GREY)
        builder.box((1, 1, 0.1), GREY, centre=(4, 0, 3))

    sky = Sky((0, 0, 1), (3, 3, 3), 0.001, (0, 0, 0), (0, 0, 0), (0, 0, 0), 0.0)
    out = renderer.render(world(scene, sky, (0, 0, 0)), Camera((0, 0, 0)), 256, 1)
    at = rays(256)[out.range_m < np.inf] * out.range_m[out.range_m < np.inf][:, None]
    light = out.radiance[out.range_m < np.inf].mean(-1)
    ground = (at[:, 2] < -0.999) & (np.hypot(at[:, 0], at[:, 1]) < 8)
    inside = ground & (np.abs(at[:, 0] - 4) < 0.45) & (np.abs(at[:, 1]) < 0.45)
    outside = ground & ((np.abs(at[:, 0] - 4) > 0.6) | (np.abs(at[:, 1]) > 0.6))
    assert inside.sum() > 30 and light[inside].max() < 0.05
    assert np.allclose(light[outside].mean(), 0.5 * 3 / np.pi, rtol=0.1)


def test_no_surface_shadows_itself_out_to_300_metres(renderer):
    ground = [[-900, -900], [900, -900], [900, 900], [-900, 900]]
    sky = Sky((0.3, 0.2, 0.9), (3, 3, 3), 0.002, (0, 0, 0), (0, 0, 0), (0, 0, 0), 0.0)
    out = renderer.render(world(lambda b: b.polygon(ground, -1.5, GREY), sky, (0, 0, 0)), Camera((0, 0, 0)), 512, 1)
    near = (out.range_m < 300) & (out.range_m > 0)
    assert out.radiance[near].mean(-1).min() > 0.4 * 3 / np.pi * 0.9


@pytest.mark.parametrize("pattern", list(Pattern))
def test_every_pattern_gives_albedo_and_fades_with_distance(renderer, pattern):
    material = Material((0.6, 0.4, 0.3), (0.1, 0.1, 0.12), pattern, (0.3, 0.3), contrast=0.4)
    wide = [[-4000, -4000], [4000, -4000], [4000, 4000], [-4000, 4000]]
    sky = Sky((0, 0, 1), (np.pi,) * 3, 0.001, (0, 0, 0), (0, 0, 0), (0, 0, 0), 0.0)
    out = renderer.render(world(lambda b: b.polygon(wide, -1.5, material), sky, (0, 0, 0)), Camera((0, 0, 0)), 64, 4)
    ground = out.radiance[33:]
    assert np.isfinite(out.radiance).all() and ground.min() >= 0.0
    assert 0.01 < ground.mean() < 1.2
    if pattern not in (Pattern.WATER, Pattern.GLASS_GRID, Pattern.FACADE, Pattern.PLAIN, Pattern.SNOW, Pattern.GRASS):
        far, close = out.radiance[33].mean(-1), out.radiance[40:].mean(-1)
        assert far.std() / far.mean() < 0.12 + close.std() / close.mean()


def test_unknown_device_and_sizes_are_refused(renderer):
    with pytest.raises(InputError, match="no device 'cuda:99'"):
        Renderer("cuda:99")
    with pytest.raises(InputError, match="height must be at least 2"):
        renderer.render(world(lambda b: b.box((1, 1, 1), GREY)), Camera((0, 0, 0)), 0)


def test_kernels_compile_for_cuda_even_without_a_gpu(tmp_path):
    import warp as wp

    from training.worlds import kernels

    if not wp.get_cuda_supported_archs():
        pytest.skip("this build of Warp has no CUDA compiler, so the CUDA build of the kernels cannot be made")
    built = wp.compile_aot_module(kernels, arch=90, module_dir=tmp_path, use_ptx=True)
    ptx = next(path for path in (*built, *tmp_path.iterdir()) if str(path).endswith(".ptx")).read_text()
    assert ".target sm_90" in ptx and ptx.count(".visible .entry") >= 5


def test_cuda_gives_the_same_ranges_as_the_cpu(renderer):
    try:
        cuda = Renderer("cuda:0")
    except InputError:
        pytest.skip("no CUDA device here, so the CUDA build of the kernels cannot be run")
    for seed in (1, 2):
        place = make_world(seed)
        here = renderer.render(place, place.cameras[0], 128, 2)
        there = cuda.render(place, place.cameras[0], 128, 2)
        both = np.isfinite(here.range_m) & np.isfinite(there.range_m)
        assert (np.isfinite(here.range_m) == np.isfinite(there.range_m)).mean() > 0.999
        assert np.mean(np.abs(there.range_m[both] / here.range_m[both] - 1) < 1e-4) > 0.999
        assert abs(np.log(there.radiance.mean() / here.radiance.mean())) < 0.02
