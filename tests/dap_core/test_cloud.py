import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.products.cloud import Cloud, CloudConfig, organised_points, sampled_cloud
from dap_core.settings import build


def sphere(height, radius=2.0):
    return PanoramaDepth.from_range(np.full((height, 2 * height), radius, np.float32))


def half_far(height):
    range_m = np.full((height, 2 * height), 3.0, np.float32)
    range_m[: height // 2], range_m[-2:] = np.inf, np.nan
    return PanoramaDepth.from_range(range_m)


def noise(height, seed=0, high=150.0):
    range_m = np.random.default_rng(seed).uniform(0.5, high, (height, 2 * height)).astype(np.float32)
    return PanoramaDepth.from_range(range_m)


def cloud_of(depth, camera_height=0.0, image=None, **config):
    return sampled_cloud(depth, CloudConfig(**config), camera_height, image)


def pixels_of(cloud, height):
    u, v = np.rint(panorama.project(cloud.xyz, height)).astype(int).T
    return v, u % (2 * height)


def test_default_fits_a_message():
    cloud = sampled_cloud(sphere(256))
    assert CloudConfig().max_points * 0.98 < len(cloud) <= CloudConfig().max_points
    assert cloud.xyzh.dtype == np.float32 and cloud.xyzh.flags.c_contiguous and cloud.xyzh.nbytes <= 384_000
    np.testing.assert_allclose(np.linalg.norm(cloud.xyz, axis=1), 2.0, rtol=1e-6)


def test_points_are_uniform_over_the_sphere():
    # Archimedes: z of uniform directions is uniform, so every slice of equal height holds equally many, up to a ring.
    cloud = cloud_of(noise(256, high=99.0), max_points=20_000)
    z = cloud.xyz[:, 2] / np.linalg.norm(cloud.xyz, axis=1)
    slices = np.histogram(z, 8, (-1, 1))[0]
    assert np.abs(slices / len(cloud) * 8 - 1).max() < 0.04
    sectors = np.histogram(np.arctan2(cloud.xyz[:, 1], cloud.xyz[:, 0]), 24, (-np.pi, np.pi))[0]
    assert np.abs(sectors / len(cloud) * 24 - 1).max() < 0.05
    assert abs(z.mean()) < 5e-3


def test_no_direction_is_left_out():
    # The largest hole, in pixels of a 128-row panorama: with a point for every 1.6 pixels none is beyond 3.
    cloud = cloud_of(sphere(128, 1.0), max_points=12_000)
    probes = panorama.rays(32).reshape(-1, 3)
    nearest = np.arccos(np.clip((probes @ cloud.xyz.T).max(1), -1, 1))
    assert nearest.max() < 3 * np.pi / 128


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([8, 32, 64]), st.integers(1, 20_000))
def test_points_are_pixels_and_never_too_many(height, max_points):
    depth = noise(height, seed=height)
    cloud = cloud_of(depth, max_points=max_points)
    assert len(cloud) <= min(max_points, depth.near.sum())
    v, u = pixels_of(cloud, height)
    np.testing.assert_allclose(np.linalg.norm(cloud.xyz, axis=1), depth.range_m[v, u], rtol=1e-5)
    assert len(np.unique(v * 2 * height + u)) == len(cloud)


@pytest.mark.parametrize(("height", "elevation"), [(256, 0.0), (512, 0.0), (512, 30.0), (512, -60.0)])
def test_nothing_thin_slips_through(height, elevation):
    # A pole one pixel wide stands in every row of shares that it crosses; a dot of one pixel is there wherever it is.
    share = np.sqrt(4 * np.pi / CloudConfig().max_points)
    top = round((90 - elevation) / 180 * height) - 20
    for column in (0, 1, height + 3, 2 * height - 1):
        range_m = np.full((height, 2 * height), 8.0, np.float32)
        range_m[top : top + 40, column] = 2.0
        cloud = sampled_cloud(PanoramaDepth.from_range(range_m))
        on_it = np.linalg.norm(cloud.xyz, axis=1) < 3
        assert np.isin(pixels_of(cloud, height)[1][on_it], column).all()
        assert on_it.sum() >= 40 * np.pi / height / share - 1
        range_m = np.full((height, 2 * height), np.inf, np.float32)
        range_m[top, column] = 4.0
        assert len(sampled_cloud(PanoramaDepth.from_range(range_m))) == 1


@pytest.mark.parametrize("elevation", [-80, -30, 0, 30, 80])
@pytest.mark.parametrize("azimuth", [0, 90, 179.9, -60])
def test_a_ball_is_where_it_is(azimuth, elevation):
    a, e = np.radians([azimuth, elevation])
    centre = 4 * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    along = panorama.rays(128).astype(np.float64) @ centre
    inside = along**2 - (16 - 0.3**2)
    range_m = np.where((along > 0) & (inside > 0), along - np.sqrt(np.maximum(inside, 0)), np.inf)
    cloud = cloud_of(PanoramaDepth.from_range(range_m), max_points=8000)
    assert len(cloud) > 5
    np.testing.assert_allclose(np.linalg.norm(cloud.xyz - centre, axis=1), 0.3, atol=1e-5)


def test_all_near_pixels_when_asked():
    depth = half_far(16)
    cloud = cloud_of(depth, max_points=16 * 32)
    assert len(cloud) == depth.near.sum()
    np.testing.assert_allclose(cloud.xyz, organised_points(depth)[depth.near], rtol=1e-6)


def test_a_still_scene_gives_a_still_cloud():
    first, second = (cloud_of(half_far(64), max_points=2000, voxel=0.1) for _ in range(2))
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


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(0.05, 3), st.floats(0, 4), st.floats(0.1, 6), st.floats(-1, 2))
def test_limits_hold_and_cut_nothing_else(bottom, thickness, nearest, depth_of, camera_height):
    depth = noise(32, high=8.0)
    limits = dict(min_height=bottom, max_height=bottom + thickness, range_min=nearest, range_max=nearest + depth_of)
    cloud = cloud_of(depth, camera_height, max_points=32 * 64, **limits)
    everything = cloud_of(depth, camera_height, max_points=32 * 64)
    range_m, height = np.linalg.norm(everything.xyz.astype(np.float64), axis=1), everything.height
    margins = np.stack([range_m - nearest, nearest + depth_of - range_m, height - bottom, bottom + thickness - height])
    clear = np.abs(margins).min(0) > 1e-4
    inside = (margins > 0).all(0)
    kept = (everything.xyzh[:, None] == cloud.xyzh).all(2).any(1) if len(cloud) else np.zeros(len(everything), bool)
    np.testing.assert_array_equal(kept[clear], inside[clear])


def test_a_limit_shows_what_lies_behind():
    # What the limit cuts does not hide the rest of its share.
    range_m = np.full((256, 512), 5.0, np.float32)
    range_m[:, ::2] = 0.5
    cloud = cloud_of(PanoramaDepth.from_range(range_m), range_min=1.0)
    assert len(cloud) > 0.9 * CloudConfig().max_points
    np.testing.assert_allclose(np.linalg.norm(cloud.xyz, axis=1), 5.0, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 3.0), st.integers(0, 5))
def test_voxels_hold_the_mean_of_their_points(edge, seed):
    depth, image = noise(16, seed, high=6.0), np.random.default_rng(seed).integers(0, 256, (16, 32, 3), dtype=np.uint8)
    every = cloud_of(depth, 1.0, image, max_points=512, color=True)
    thin = cloud_of(depth, 1.0, image, max_points=512, color=True, voxel=edge)
    cells, number = np.unique(np.floor(every.xyz * np.float32(1 / edge)), axis=0, return_inverse=True)
    number = number.reshape(-1)
    assert len(thin) == len(cells)
    means = np.stack([np.bincount(number, column) for column in every.xyzh.T]) / np.bincount(number)
    order = np.lexsort(np.round(thin.xyz, 3).T), np.lexsort(np.round(means[:3].T.astype(np.float32), 3).T)
    np.testing.assert_allclose(thin.xyzh[order[0]], means.T[order[1]], atol=2e-3)
    colours = np.stack([np.bincount(number, column) for column in every.rgb.T]) / np.bincount(number)
    assert np.abs(np.sort(thin.rgb.astype(float), axis=0) - np.sort(colours.T, axis=0)).max() <= 0.5
    np.testing.assert_allclose(thin.height, thin.xyz[:, 2] + 1.0, atol=1e-5)


def test_colours_belong_to_their_points():
    depth = half_far(32)
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    cloud = cloud_of(depth, image=image, max_points=700, color=True)
    np.testing.assert_array_equal(cloud.rgb, image[pixels_of(cloud, 32)])
    assert cloud_of(depth, image=image).rgb is None


def test_rotated():
    turn = panorama.yaw_pitch_roll(0.3, -0.2, 0.1)
    depth = noise(32, high=9.0)
    cloud = cloud_of(depth, 1.2, np.zeros((32, 64, 3), np.uint8), color=True)
    turned = cloud.rotated(turn)
    np.testing.assert_allclose(turned.xyz, cloud.xyz @ turn.T, atol=1e-5)
    np.testing.assert_array_equal(turned.height, cloud.height)
    assert turned.rgb is cloud.rgb and turned.xyzh.flags.c_contiguous and turned.xyzh.dtype == np.float32
    np.testing.assert_allclose(turned.rotated(turn.T).xyzh, cloud.xyzh, atol=1e-5)
    assert len(Cloud(np.zeros((0, 4), np.float32)).rotated(turn)) == 0


def test_organised_points():
    depth = half_far(16)
    points = organised_points(depth)
    assert points.shape == (16, 32, 3) and points.dtype == np.float32
    assert np.isnan(points[:8]).all() and np.isnan(points[-2:]).all()
    np.testing.assert_allclose(points[8:14], 3.0 * panorama.rays(16)[8:14], rtol=1e-6)


def test_nothing_near():
    depth = PanoramaDepth.from_range(np.full((8, 16), np.inf, np.float32))
    cloud = cloud_of(depth, image=np.zeros((8, 16, 3), np.uint8), color=True, voxel=0.1)
    assert len(cloud) == 0 and cloud.xyzh.shape == (0, 4) and cloud.rgb.shape == (0, 3)


nonsense = hnp.arrays(
    np.float32, (8, 16), elements=st.sampled_from([0.0, -0.0, -1.0, 1e-45, 1e-3, 2.0, 50.0, 3e38, np.inf, np.nan])
)


@settings(max_examples=50, deadline=None)
@given(nonsense, nonsense, hnp.arrays(bool, (8, 16)), st.sampled_from([0.0, 0.01, 0.5]), st.integers(1, 200))
@pytest.mark.filterwarnings("error")
def test_any_depth_gives_finite_points(range_m, probability, far, voxel, max_points):
    for depth in (PanoramaDepth.from_range(range_m), PanoramaDepth(range_m, far, probability, 100.0)):
        cloud = cloud_of(depth, 0.7, max_points=max_points, voxel=voxel)
        assert len(cloud) <= max_points and np.isfinite(cloud.xyzh).all()
        reach = np.linalg.norm(cloud.xyz, axis=1)
        assert (reach <= 1000).all()
        # A share for every pixel, so none that is a range is missing.
        if max_points >= 128 and voxel == 0.0:
            tiny = np.finfo(np.float32).tiny
            assert len(cloud) == ((range_m >= tiny) & (depth.range_m <= 1000)).sum()


def test_wrong_arguments():
    image = np.zeros((4, 8, 3), np.uint8)
    for config, message in [
        (dict(max_points=0), "max_points is at least 1"),
        (dict(range_min=2.0, range_max=1.0), "range_min lies below range_max, got 2 and 1"),
        (dict(min_height=0.5, max_height=0.5), "min_height lies below max_height"),
        (dict(voxel=0.001), "voxel is 0 .off. or at least 0.01 m"),
    ]:
        with pytest.raises(InputError, match=message):
            CloudConfig(**config)
    with pytest.raises(InputError, match="colours"):
        cloud_of(sphere(8), image=image, color=True)
    with pytest.raises(InputError, match="needs the image"):
        cloud_of(sphere(8), color=True)


def test_settings_are_readable():
    assert build(CloudConfig, {"cloud.voxel": 0.1}, "cloud.").voxel == 0.1
    with pytest.raises(InputError, match=r"cloud.range_max lies between 0 and 1000"):
        build(CloudConfig, {"cloud.range_max": 1e6}, "cloud.")
    assert all(f.metadata["description"].endswith(".") for f in dataclasses.fields(CloudConfig))


def test_fast_enough_for_every_frame():
    # Half a millisecond on a quiet core; the bound is loose for a busy one, and catches a loop over points.
    depth = noise(256, high=50.0)
    sampled_cloud(depth)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        sampled_cloud(depth)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.008
