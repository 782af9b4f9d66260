import numpy as np
import pytest
from analytic_panorama import box_along, rays
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core import DepthEstimator, panorama
from dap_core.errors import InputError
from dap_core.evaluation.metrics import sphere_weight
from dap_core.products.gravity import up_from_mounting
from dap_core.products.levelling import Leveller, LevellingConfig, _Table, camera_from_level
from dap_core.settings import build

angles = st.floats(-np.pi, np.pi)
rotations = st.builds(panorama.yaw_pitch_roll, angles, angles, angles)
ROOM = {"centre": (1.0, 0.5, 0.1), "size": (7.0, 5.0, 3.0)}
CUPBOARD = {"centre": (2.0, -1.0, -0.9), "size": (1.0, 1.0, 1.0)}
TILTED = [
    camera_from_level(panorama.yaw_pitch_roll(yaw, np.radians(15))[:, 2]) for yaw in np.radians([0, 70, 160, 250])
]


def room_along(directions):
    return np.minimum(box_along(directions, **ROOM), box_along(directions, **CUPBOARD))


# ---------------------------------------------------------------------------------------------------------------- up


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.01))
def test_the_levelled_frame(up):
    r = camera_from_level(up)
    np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(r) > 0
    np.testing.assert_allclose(r[:, 2], up / np.linalg.norm(up), atol=1e-9)
    if np.hypot(up[1], up[2]) > 0.01 * np.linalg.norm(up):
        # The camera's forward axis is in the vertical plane of x, and ahead.
        assert abs(r[0, 1]) < 1e-9 and r[0, 0] > 0


def test_an_upright_camera_is_not_turned():
    np.testing.assert_array_equal(camera_from_level((0.0, 0.0, 2.0)), np.eye(3))


@pytest.mark.parametrize("pitch", [-90.0, 90.0])
def test_straight_up_and_down_continue_the_pitch(pitch):
    np.testing.assert_allclose(
        camera_from_level(up_from_mounting(0.0, pitch)),
        camera_from_level(up_from_mounting(0.0, 0.99 * pitch)),
        atol=0.02,
    )


@pytest.mark.parametrize("wrong", [(0, 0, 0), (0, np.nan, 1), (0, np.inf, 1), (0, 1)])
def test_no_direction_of_gravity(wrong):
    with pytest.raises(InputError, match="three finite numbers"):
        camera_from_level(wrong)


# ------------------------------------------------------------------------------------------------------- resampling


@settings(max_examples=40, deadline=None)
@given(rotations, st.sampled_from([1, 7, 32, 96]))
def test_tables_point_where_the_rotation_does(rotation, height):
    table = _Table(height)
    table.make(rotation)
    azimuth, polar = np.pi * (1.0 - (table.u - 0.5) / height), np.pi * (table.v - 0.5) / height
    found = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], -1)
    true = panorama.rays(height).astype(float) @ rotation.T
    assert np.linalg.norm(found - true, axis=-1).max() < 1e-3 * np.pi / height  # a thousandth of a pixel


@pytest.mark.parametrize("height", [64, 256, 512])
def test_agrees_with_the_exact_rotation(height):
    random = np.random.default_rng(height)
    values, leveller = random.random((height, 2 * height), np.float32), Leveller(height)
    for angles in random.uniform(-np.pi, np.pi, (3, 3)):
        rotation = panorama.yaw_pitch_roll(*angles)
        assert (leveller.upright(values, rotation) == panorama.rotate(values, rotation, "nearest")).mean() > 0.9995
        assert (leveller.back(values, rotation) == panorama.rotate(values, rotation.T, "nearest")).mean() > 0.9995


def test_a_picture_is_interpolated_over_seam_and_poles():
    height = 64
    x, y, z = np.moveaxis(panorama.rays(height), -1, 0)
    image = np.stack([128 + 100 * x, 128 + 100 * y, 128 + 100 * z], -1).round().astype(np.uint8)
    for rotation in (*TILTED, panorama.yaw_pitch_roll(0.0, np.pi / 2), panorama.yaw_pitch_roll(np.pi)):
        expected = 128 + 100 * panorama.rays(height) @ rotation.T
        np.testing.assert_allclose(Leveller(height).upright(image, rotation), expected, atol=1.6)
        level = Leveller(height).upright(image, rotation).astype(int)
        assert np.abs(level - panorama.rotate(image, rotation)).max() <= 1


@pytest.mark.parametrize("rotation", TILTED)
def test_there_and_back(rotation):
    height, leveller = 128, Leveller(128)
    smooth = (2.0 + panorama.rays(height) @ [1.0, 0.5, -0.3]).astype(np.float32)
    there_and_back = leveller.back(leveller.upright(smooth, rotation), rotation)
    # Twice half a pixel along each axis at most, times the gradient's length.
    assert np.abs(there_and_back - smooth).max() < 1.16 * np.sqrt(2) * np.pi / height


def test_values_are_taken_as_they_are():
    leveller, values = Leveller(32), np.random.default_rng(0).random((32, 64), np.float32)
    values[:8], values[8:10], values[-3:] = np.inf, np.nan, -0.0
    out = leveller.back(values, TILTED[1])
    assert out.dtype == np.float32 and set(np.unique(out[np.isfinite(out)])) <= set(values[np.isfinite(values)])
    np.testing.assert_array_equal(leveller.back(np.isnan(values), TILTED[1]), np.isnan(out))
    np.testing.assert_array_equal(leveller.back(np.isinf(values).astype(np.uint8), TILTED[1]), np.isinf(out))
    assert leveller.back(np.isnan(values), TILTED[1]).dtype == np.bool_


def test_an_upright_camera_is_not_resampled():
    leveller, image = Leveller(16), np.zeros((16, 32, 3), np.uint8)
    assert leveller.upright(image, np.eye(3)) is image and leveller.back(image, np.eye(3)) is image


def test_tables_are_kept_while_the_camera_is_still():
    leveller, values = Leveller(64), np.random.default_rng(0).random((64, 128), np.float32)
    first = leveller.upright(values, camera_from_level(up_from_mounting(10.0, 5.0)))
    pixel = 180.0 / 64
    np.testing.assert_array_equal(
        leveller.upright(values, camera_from_level(up_from_mounting(10.0 + 0.04 * pixel, 5.0))), first
    )
    moved = camera_from_level(up_from_mounting(10.0 + 0.06 * pixel, 5.0))
    np.testing.assert_array_equal(leveller.upright(values, moved), Leveller(64).upright(values, moved))
    assert (leveller.upright(values, moved) != first).any()
    # A result is the caller's: the next frame does not change it.
    np.testing.assert_array_equal(first, Leveller(64).upright(values, camera_from_level(up_from_mounting(10.0, 5.0))))


def test_wrong_arguments():
    leveller = Leveller(16)
    for values in (np.zeros((8, 16), np.float32), np.zeros((16, 32)), np.zeros((16, 32, 4), np.uint8)):
        with pytest.raises(InputError, match="levelling takes"):
            leveller.upright(values, np.eye(3))
    for matrix in (np.eye(2), 2 * np.eye(3), np.diag([1.0, 1.0, -1.0]), np.full((3, 3), np.nan)):
        with pytest.raises(InputError, match="proper"):
            leveller.back(np.zeros((16, 32), np.float32), matrix)
    with pytest.raises(InputError, match="twice as wide"):
        Leveller(0)


# -------------------------------------------------------------------------------------------------- what it is for


def picture_of(range_m):
    """Range as a colour, for a camera whose picture can be read: 255 steps from 0.5 to 8 m."""
    return np.rint(255 * np.log(range_m / 0.5) / np.log(16.0)).astype(np.uint8)[..., None].repeat(3, -1)


def range_in(picture):
    return (0.5 * 16.0 ** (picture[..., 0] / 255.0)).astype(np.float32)


@pytest.mark.parametrize("rotation", TILTED)
def test_a_camera_tilted_by_fifteen_degrees_gives_the_cloud_of_an_upright_one(rotation):
    # The truth in the network's place, at every pixel of the levelled panorama: a point is where the upright camera
    # has it, moved across its ray by the resampling to the nearest pixel, half a pixel each way at most.
    height, leveller = 128, Leveller(128)
    level = room_along(rays(height))
    back = leveller.back(level.astype(np.float32), rotation)
    points = rays(height) * back[..., None]
    upright = (rays(height) * level[..., None]).astype(np.float32)
    moved = points @ rotation - np.stack([leveller.back(p, rotation) for p in np.moveaxis(upright, -1, 0)], -1)
    assert (np.linalg.norm(moved, axis=-1) / back).max() < 1.01 * np.sqrt(0.5) * np.pi / height
    # What the tilted camera sees in that direction; edges may be a pixel off.
    error = np.abs(back / room_along(rays(height) @ rotation) - 1.0)
    assert np.median(error) < 0.006 and np.percentile(error, 95) < 0.04


@pytest.mark.parametrize("rotation", TILTED)
def test_the_network_sees_the_upright_room(rotation):
    # A network that reads range out of the picture: the whole way of a frame, in the directions it must be gone.
    height, leveller = 128, Leveller(128)
    picture = picture_of(room_along(rays(height) @ rotation))
    level = range_in(leveller.upright(picture, rotation))
    error = np.abs(level / room_along(rays(height)) - 1.0)
    assert np.median(error) < 0.01 and np.percentile(error, 95) < 0.03
    error = np.abs(leveller.back(level, rotation) / room_along(rays(height) @ rotation) - 1.0)
    assert np.median(error) < 0.012 and np.percentile(error, 95) < 0.05


def painted(directions):
    """The room with a tiled floor, walls and ceiling of other colours, and a cupboard."""
    range_m = room_along(directions)
    points = directions * range_m[..., None]
    tile = (np.floor(2.0 * points + 0.25).astype(int).sum(-1) % 2)[..., None]
    colour = np.where(points[..., 2:] < -1.35, [150, 110, 70], [180, 190, 200])
    colour = np.where(points[..., 2:] > 1.5, [230, 230, 225], colour)
    colour = np.where((range_m < box_along(directions, **ROOM))[..., None], [60, 90, 140], colour)
    return (colour * (1.0 - 0.25 * tile)).astype(np.uint8)


def test_levelled_depth_of_the_bundled_model_is_nearer_to_the_upright_cameras():
    rotation, weight = TILTED[1], sphere_weight(256)
    with DepthEstimator.open(threads=1) as estimator:
        leveller = Leveller(256)
        upright = estimator(painted(rays(256))).range_m
        picture = painted(rays(256) @ rotation)
        unlevelled = estimator(picture).range_m
        levelled = leveller.back(estimator(leveller.upright(picture, rotation)).range_m, rotation)
    expected = leveller.back(upright, rotation)

    def away(range_m):
        both = np.isfinite(range_m) & np.isfinite(expected)
        assert both.mean() > 0.95
        return np.average(np.abs(np.log(range_m[both] / expected[both])), weights=(weight * both)[both])

    assert away(levelled) < 0.15 and away(levelled) < 0.5 * away(unlevelled)


def test_settings():
    config = build(LevellingConfig, {"levelling.source": "parameters", "levelling.pitch": -12.5}, "levelling.")
    assert (config.source, config.pitch, config.tolerance) == ("parameters", -12.5, 0.25)
    assert LevellingConfig().source == "none"
    for wrong in ({"source": "gps"}, {"pitch": 91.0}, {"time_constant": 0.0}, {"tolerance": float("nan")}):
        with pytest.raises(InputError):
            build(LevellingConfig, wrong)
