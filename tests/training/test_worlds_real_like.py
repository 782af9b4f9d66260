"""The real-like domain: reproducible, its range exact, its camera's faults where they belong."""

import numpy as np
import pytest

from dap_core.panorama import rays
from training.worlds.disguise import relit, repainted, stretched
from training.worlds.kinds import make_world
from training.worlds.mounts import MOUNTS, mounted
from training.worlds.real_like import make_real_like
from training.worlds.sample import make_sample, renderer
from training.worlds.twin_lens import Processor, TwinLens, consumer, processed_jpeg, stitch

HEIGHT = 48


def test_a_seed_gives_the_same_bytes():
    first, again = make_real_like(4, HEIGHT), make_real_like(4, HEIGHT)
    assert first.jpeg == again.jpeg and first.range_m.tobytes() == again.range_m.tobytes()
    assert first.image.shape == (HEIGHT, 2 * HEIGHT, 3) and first.range_m.dtype == np.float32
    assert not np.isnan(first.range_m).any() and first.range_m.min() > 0.02
    assert make_real_like(5, HEIGHT).jpeg != first.jpeg
    assert make_sample(4, HEIGHT, kind=first.kind).jpeg != first.jpeg


def test_stretching_moves_everything_alike():
    world = make_world(2, "office")
    engine, factors = renderer("cpu"), np.array([1.2, 0.9, 1.1])
    other = stretched(world, factors)
    camera, moved = world.cameras[0], other.cameras[0]
    np.testing.assert_allclose(moved.position, np.array(camera.position) * factors)
    ray = rays(16).reshape(-1, 3).astype(np.float64)
    met = engine.cast(world, np.repeat([camera.position], len(ray), 0), ray)
    towards = ray * factors
    length = np.linalg.norm(towards, axis=1)
    met_other = engine.cast(other, np.repeat([moved.position], len(ray), 0), towards / length[:, None])
    both = np.isfinite(met)
    np.testing.assert_allclose(met_other[both], (met * length)[both], rtol=1e-3)


def test_looks_change_and_shapes_do_not():
    world = make_world(2, "office")
    rng = np.random.default_rng(0)
    mesh = repainted(world.mesh, rng)
    assert mesh.vertices is world.mesh.vertices and len(mesh.materials) == len(world.mesh.materials)
    changed = [a != b for a, b in zip(mesh.materials, world.mesh.materials, strict=True)]
    assert np.mean(changed) > 0.9
    lit = relit(world, rng)
    assert lit.sky != world.sky and len(lit.lights) == len(world.lights) and lit.ambient != world.ambient


def test_mounts_stand_under_the_camera():
    world, rng, engine = make_world(3, "parking_lot"), np.random.default_rng(1), renderer("cpu")
    found = set()
    for _ in range(6):
        camera = world.cameras[int(rng.integers(len(world.cameras)))]
        other, name = mounted(world, camera, engine, rng)
        found.add(name)
        before, after = (engine.render(w, camera, 32, 1).range_m for w in (world, other))
        closer = after < before - 1e-4
        assert (after <= before + 1e-4).all() and closer.any() == (name != "none")
        assert not closer[:16].any(), name  # below the horizon, and never in the camera
        assert after.min() > 0.08
    assert found <= set(MOUNTS) and len(found) >= 3


@pytest.fixture(scope="module")
def wall():
    """A finely striped sphere of 3 m, with a near post across one of the seams."""
    height = 128
    ray = rays(height)
    azimuth = np.arctan2(ray[..., 1], ray[..., 0])
    radiance = np.repeat((0.5 + 0.4 * np.sin(40 * azimuth))[..., None], 3, -1).astype(np.float32)
    range_m = np.full((height, 2 * height), 3.0, np.float32)
    post = (np.abs(azimuth - np.pi / 2) < 0.06) & (np.abs(ray[..., 2]) < 0.5)
    radiance[post], range_m[post] = 0.0, 0.6
    return radiance, range_m


PERFECT = TwinLens(0.0, 3.0, blend=0.02, vignette=0.0, rim_px=0.0, overall_px=0.0)


def test_a_perfect_camera_changes_nothing(wall):
    np.testing.assert_allclose(stitch(*wall, PERFECT), wall[0], atol=2e-3)
    # Everything at the distance that the halves are stitched for: lenses apart do not show.
    radiance, range_m = wall[0], np.full_like(wall[1], 3.0)
    apart = stitch(radiance, range_m, TwinLens(0.03, 3.0, blend=0.02, vignette=0.0, rim_px=0.0, overall_px=0.0))
    assert np.abs(apart - radiance).max() < 0.02


def test_near_things_double_at_the_seam(wall):
    radiance, range_m = wall
    seen = stitch(radiance, range_m, TwinLens(0.03, 3.0, blend=0.02, vignette=0.0, rim_px=0.0, overall_px=0.0))
    change = np.abs(seen - radiance).mean(-1)
    width = change.shape[1]
    assert change[40:88, width // 4 - 5 : width // 4 + 5].max() > 0.15  # the post, at the left seam
    assert change[:, width // 2 - 20 : width // 2 + 20].max() < 0.02  # ahead, on a lens's axis
    # A point at azimuth 90 degrees and 0.6 m is displaced by half the baseline's parallax: (1 / 0.6 - 1 / 3) * 0.015.
    assert 0.015 * (1 / 0.6 - 1 / 3) * width / (2 * np.pi) == pytest.approx(0.8, abs=0.05)


def test_lenses_differ_in_light_and_sharpness(wall):
    radiance, range_m = np.full_like(wall[0], 0.5), wall[1]
    lens = TwinLens(0.0, 3.0, blend=0.05, exposure_ev=0.2, colour=(1.1, 1.0, 0.9), vignette=0.3, rim_px=0, overall_px=0)
    seen = stitch(radiance, range_m, lens)
    width = seen.shape[1]
    middle = seen[64]
    np.testing.assert_allclose(middle[width // 2], 0.5, rtol=1e-3)
    np.testing.assert_allclose(middle[0], 0.5 * 2**0.2 * np.array([1.1, 1.0, 0.9]), rtol=1e-2)
    assert middle[width // 4, 1] == pytest.approx(0.5 * 0.7 * (1 + 2**0.2) / 2, rel=0.03)
    soft = stitch(wall[0], np.full_like(range_m, 3.0), TwinLens(0.0, 3.0, vignette=0.0, rim_px=3.0, overall_px=0.0))
    assert soft[64, 57:71].std() < 0.75 * soft[64, 121:135].std()


def test_processors_draw_and_process():
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (64, 128, 3), np.uint8)
    sizes = [len(processed_jpeg(image, Processor(0.0, 0.3, quality), rng)) for quality in (40, 70, 90)]
    assert sizes == sorted(sizes)
    assert len(processed_jpeg(image, Processor(0.8, 2.0, 70), rng)) < sizes[1]
    for patch in ("blur", "logo"):
        assert len(processed_jpeg(image, Processor(0.0, 0.3, 70, patch, 0.4), rng)) < sizes[1]
    drawn = [(TwinLens.draw(rng), Processor.draw(rng), consumer(rng)) for _ in range(300)]
    assert {p.patch for _, p, _ in drawn} == {"none", "blur", "logo"}
    assert all(0.01 < t.baseline_m < 0.04 and 0 < t.blend < 0.13 for t, _, _ in drawn)
    assert np.median([abs(c.exposure_ev) for *_, c in drawn]) < 0.8
