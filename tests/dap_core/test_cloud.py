import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.products.cloud import DEFAULT_MAX_POINTS, organised_points, sampled_cloud


def sphere(height, radius=2.0):
    return PanoramaDepth.from_range(np.full((height, 2 * height), radius, np.float32))


def half_far(height):
    range_m = np.full((height, 2 * height), 3.0, np.float32)
    range_m[: height // 2], range_m[-2:] = np.inf, np.nan
    return PanoramaDepth.from_range(range_m)


def test_default_fits_a_message():
    cloud = sampled_cloud(sphere(256))
    assert DEFAULT_MAX_POINTS * 0.98 < len(cloud) <= DEFAULT_MAX_POINTS
    assert cloud.xyzh.dtype == np.float32 and cloud.xyzh.flags.c_contiguous and cloud.xyzh.nbytes <= 384_000
    np.testing.assert_allclose(np.linalg.norm(cloud.xyz, axis=1), 2.0, rtol=1e-6)


def test_points_are_uniform_over_the_sphere():
    # Archimedes: z of uniform directions is uniform, so every slice of equal height holds equally many.
    cloud = sampled_cloud(sphere(256, 1.0), max_points=20_000)
    slices = np.histogram(cloud.xyz[:, 2], 8, (-1, 1))[0]
    assert np.abs(slices / len(cloud) * 8 - 1).max() < 0.04
    sectors = np.histogram(np.arctan2(cloud.xyz[:, 1], cloud.xyz[:, 0]), 24, (-np.pi, np.pi))[0]
    assert np.abs(sectors / len(cloud) * 24 - 1).max() < 0.05
    np.testing.assert_allclose(cloud.xyz.mean(0), 0.0, atol=2e-3)


def test_no_direction_is_left_out():
    # The largest hole, in pixels of a 128-row panorama: with a point for every 1.6 pixels none is beyond 3.
    cloud = sampled_cloud(sphere(128, 1.0), max_points=12_000)
    probes = panorama.rays(32).reshape(-1, 3)
    nearest = np.arccos(np.clip((probes @ cloud.xyz.T).max(1), -1, 1))
    assert nearest.max() < 3 * np.pi / 128


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([8, 32, 64]), st.integers(1, 20_000))
def test_points_are_pixels_and_never_too_many(height, max_points):
    range_m = np.random.default_rng(height).uniform(0.5, 150, (height, 2 * height)).astype(np.float32)
    depth = PanoramaDepth.from_range(range_m)
    cloud = sampled_cloud(depth, max_points=max_points)
    assert len(cloud) <= min(max_points, depth.near.sum())
    u, v = np.rint(panorama.project(cloud.xyz, height)).astype(int).T
    np.testing.assert_allclose(np.linalg.norm(cloud.xyz, axis=1), depth.range_m[v, u % (2 * height)], rtol=1e-5)
    assert len(np.unique(v * 2 * height + u)) == len(cloud)


def test_all_near_pixels_when_asked():
    depth = half_far(16)
    cloud = sampled_cloud(depth, max_points=16 * 32)
    assert len(cloud) == depth.near.sum()
    np.testing.assert_allclose(cloud.xyz, organised_points(depth)[depth.near], rtol=1e-6)


def test_a_still_scene_gives_a_still_cloud():
    first, second = (sampled_cloud(half_far(64), max_points=2000) for _ in range(2))
    np.testing.assert_array_equal(first.xyzh, second.xyzh)
    assert first.xyz[:, 2].max() < 0


def test_height_is_above_the_ground():
    # A floor 1.4 m below the camera is at height 0.
    rays = panorama.rays(64)
    with np.errstate(divide="ignore"):
        range_m = np.where(rays[..., 2] < -0.05, -1.4 / rays[..., 2], np.inf)
    cloud = sampled_cloud(PanoramaDepth.from_range(range_m), camera_height=1.4)
    np.testing.assert_allclose(cloud.height, 0.0, atol=1e-5)
    np.testing.assert_allclose(cloud.xyz[:, 2], -1.4, rtol=1e-5)


def test_height_follows_gravity():
    up = (0.6, 0.0, 0.8)
    cloud = sampled_cloud(sphere(64), max_points=500, camera_height=0.5, up=up)
    np.testing.assert_allclose(cloud.height, cloud.xyz @ np.array(up) + 0.5, atol=1e-5)


def test_colours_belong_to_their_points():
    depth = half_far(32)
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    cloud = sampled_cloud(depth, max_points=700, image=image)
    u, v = np.rint(panorama.project(cloud.xyz, 32)).astype(int).T
    np.testing.assert_array_equal(cloud.rgb, image[v, u % 64])
    assert sampled_cloud(depth).rgb is None


def test_organised_points():
    depth = half_far(16)
    points = organised_points(depth)
    assert points.shape == (16, 32, 3) and points.dtype == np.float32
    assert np.isnan(points[:8]).all() and np.isnan(points[-2:]).all()
    np.testing.assert_allclose(points[8:14], 3.0 * panorama.rays(16)[8:14], rtol=1e-6)


def test_nothing_near():
    depth = PanoramaDepth.from_range(np.full((8, 16), np.inf, np.float32))
    cloud = sampled_cloud(depth, image=np.zeros((8, 16, 3), np.uint8))
    assert len(cloud) == 0 and cloud.xyzh.shape == (0, 4) and cloud.rgb.shape == (0, 3)


def test_wrong_arguments():
    with pytest.raises(InputError, match="at least 1"):
        sampled_cloud(sphere(8), max_points=0)
    with pytest.raises(InputError, match="unit vector"):
        sampled_cloud(sphere(8), up=(0.0, 0.0, 2.0))
    with pytest.raises(InputError, match="colours"):
        sampled_cloud(sphere(8), image=np.zeros((4, 8, 3), np.uint8))
