import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core import panorama
from dap_core.errors import InputError

heights = st.integers(1, 24)
angles = st.floats(-np.pi, np.pi)
rotations = st.builds(panorama.yaw_pitch_roll, angles, angles, angles)


def smooth(height: int) -> np.ndarray:
    """A panorama of a smooth function of direction, so that resampling it is nearly exact."""
    x, y, z = np.moveaxis(panorama.rays(height).astype(np.float64), -1, 0)
    return 2.0 + x + 0.5 * y * z - 0.3 * z


@pytest.mark.parametrize("shape", [(0, 0), (4, 4), (8, 15), (-2, -4)])
def test_only_two_to_one_is_a_panorama(shape):
    with pytest.raises(InputError, match="twice as wide as high"):
        panorama.check_erp_shape(*shape)
    panorama.check_erp_shape(4, 8)


def test_rays_in_closed_form():
    rays = panorama.rays(2)
    assert rays.shape == (2, 4, 3) and rays.dtype == np.float32
    # The first pixel looks back and to the left by 45 degrees each way, and 45 degrees up.
    np.testing.assert_allclose(rays[0, 0], [-0.5, 0.5, np.sqrt(0.5)], atol=1e-7)
    np.testing.assert_allclose(rays[1, 2], [0.5, -0.5, -np.sqrt(0.5)], atol=1e-7)


def test_conventions_of_axes():
    rays = panorama.rays(64)
    forward = rays[31:33, 63:65].mean((0, 1))
    np.testing.assert_allclose(forward / np.linalg.norm(forward), [1, 0, 0], atol=1e-6)
    left = rays[31:33, 31:33].mean((0, 1))
    np.testing.assert_allclose(left / np.linalg.norm(left), [0, 1, 0], atol=1e-6)
    assert rays[0, :, 2].min() > 0.999 and rays[-1, :, 2].max() < -0.999
    assert panorama.azimuths(64)[0] > 0 > panorama.azimuths(64)[-1]


@given(heights)
def test_rays_are_unit_vectors(height):
    np.testing.assert_allclose(np.linalg.norm(panorama.rays(height), axis=-1), 1.0, atol=1e-6)


@given(heights)
def test_solid_angles_cover_the_sphere(height):
    weights = panorama.solid_angles(height)
    np.testing.assert_allclose(weights.sum() * 2 * height, 4 * np.pi, rtol=1e-12)
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-9)


def test_solid_angle_of_a_row_in_closed_form():
    # Rows of a two-row panorama are hemispheres, cut into four lunes: 2 pi / 4 each.
    np.testing.assert_allclose(panorama.solid_angles(2), [np.pi / 2, np.pi / 2], rtol=1e-12)
    # A polar cap of 1 degree: 2 pi (1 - cos 1 deg) over its 360 pixels.
    np.testing.assert_allclose(panorama.solid_angles(180)[0], 2 * np.pi * (1 - np.cos(np.pi / 180)) / 360, rtol=1e-9)


@given(heights, st.floats(0.01, 100.0))
def test_project_inverts_rays(height, distance):
    uv = panorama.project(panorama.rays(height).astype(np.float64) * distance, height)
    v, u = np.meshgrid(np.arange(height), np.arange(2 * height), indexing="ij")
    difference = (uv[..., 0] - u + height) % (2 * height) - height
    assert np.abs(difference).max() < 1e-3 * height and np.abs(uv[..., 1] - v).max() < 1e-3


@given(st.tuples(*[st.floats(-10, 10)] * 3), heights)
def test_project_stays_inside(point, height):
    u, v = panorama.project(np.array(point), height)
    assert -0.5 <= u <= 2 * height - 0.5 and -0.5 <= v <= height - 0.5


@given(heights, st.integers(-50, 50))
def test_roll_is_a_yaw(height, columns):
    image = np.random.default_rng(0).random((height, 2 * height, 3))
    rolled = panorama.roll(image, columns)
    np.testing.assert_array_equal(panorama.roll(rolled, -columns), image)
    turned = panorama.rotate(image, panorama.yaw_pitch_roll(yaw=columns * np.pi / height), "nearest")
    np.testing.assert_array_equal(rolled, turned)


def test_roll_moves_content_to_the_right_when_the_camera_turns_left():
    image = np.zeros((8, 16))
    image[4, 8] = 1.0
    assert panorama.roll(image, 3)[4, 11] == 1.0


@given(heights)
def test_sample_at_pixel_centres_is_the_image(height):
    image = np.random.default_rng(1).integers(0, 256, (height, 2 * height, 3), dtype=np.uint8)
    v, u = np.meshgrid(np.arange(height), np.arange(2 * height), indexing="ij")
    uv = np.stack([u, v], -1).astype(float)
    for interpolation in ("linear", "nearest"):
        np.testing.assert_array_equal(panorama.sample(image, uv, interpolation), image)


def test_sample_wraps_and_crosses_the_pole():
    image = np.arange(32.0).reshape(4, 8)
    np.testing.assert_allclose(panorama.sample(image, np.array([-0.5, 1.0])), (image[1, 0] + image[1, 7]) / 2)
    np.testing.assert_allclose(panorama.sample(image, np.array([7.5, 1.0])), (image[1, 0] + image[1, 7]) / 2)
    # Half a pixel above the top row lies the pole, between a pixel and the one half a turn away.
    np.testing.assert_allclose(panorama.sample(image, np.array([1.0, -0.5])), (image[0, 1] + image[0, 5]) / 2)
    np.testing.assert_allclose(panorama.sample(image, np.array([1.0, 3.5])), (image[3, 1] + image[3, 5]) / 2)


def test_sample_rejects_what_is_not_a_panorama():
    with pytest.raises(InputError):
        panorama.sample(np.zeros((4, 4)), np.zeros((1, 2)))


@settings(max_examples=25, deadline=None)
@given(rotations)
def test_rotation_moves_a_smooth_function_exactly(rotation):
    height = 48
    image = smooth(height)
    rotated = panorama.rotate(image, rotation)
    x, y, z = np.moveaxis(panorama.rays(height).astype(np.float64) @ rotation.T, -1, 0)
    np.testing.assert_allclose(rotated, 2.0 + x + 0.5 * y * z - 0.3 * z, atol=6e-3)
    back = panorama.rotate(rotated, rotation.T)
    np.testing.assert_allclose(back, image, atol=1.2e-2)


def test_rotation_must_be_one():
    for matrix in (np.diag([1.0, 1.0, -1.0]), 2 * np.eye(3), np.eye(2)):
        with pytest.raises(ValueError, match="proper"):
            panorama.rotate(np.zeros((4, 8)), matrix)


@given(angles, angles, angles)
def test_yaw_pitch_roll_is_a_rotation(yaw, pitch, roll):
    r = panorama.yaw_pitch_roll(yaw, pitch, roll)
    np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(r), 1.0, atol=1e-12)


def test_signs_of_yaw_pitch_and_roll():
    quarter = np.pi / 2
    forward, left, up = np.eye(3)
    np.testing.assert_allclose(panorama.yaw_pitch_roll(yaw=quarter) @ forward, left, atol=1e-12)
    np.testing.assert_allclose(panorama.yaw_pitch_roll(pitch=quarter) @ forward, -up, atol=1e-12)
    np.testing.assert_allclose(panorama.yaw_pitch_roll(roll=quarter) @ left, up, atol=1e-12)


def test_intrinsics_in_closed_form():
    k = panorama.pinhole_intrinsics(100, np.pi / 2)
    np.testing.assert_allclose(k, [[50, 0, 49.5], [0, 50, 49.5], [0, 0, 1]], atol=1e-12)
    for size, fov in ((0, 1.0), (10, 0.0), (10, np.pi)):
        with pytest.raises(ValueError, match="positive size"):
            panorama.pinhole_intrinsics(size, fov)


def test_z_factor_in_closed_form():
    factor = panorama.pinhole_z_factor(3, np.pi / 2)
    np.testing.assert_allclose(factor[1, 1], 1.0)
    # The corner pixel's centre lies at x = y = 2/3 of the focal length.
    np.testing.assert_allclose(factor[0, 0], 1 / np.sqrt(1 + 2 * (2 / 3) ** 2))


def test_a_face_sees_a_plane_at_constant_depth():
    # Range to the plane x = 2 seen forward becomes z = 2 everywhere.
    height = 512
    with np.errstate(divide="ignore"):
        range_m = np.where(panorama.rays(height)[..., 0] > 0.2, 2.0 / panorama.rays(height)[..., 0], np.inf)
    z = panorama.to_pinhole(range_m, 64, np.pi / 2) * panorama.pinhole_z_factor(64, np.pi / 2)
    np.testing.assert_allclose(z, 2.0, rtol=2e-3)


@pytest.mark.parametrize("direction", ["forward", "left", "up"])
def test_faces_look_where_they_should(direction):
    rotation, axis = {
        "forward": (np.eye(3), 0),
        "left": (panorama.yaw_pitch_roll(yaw=np.pi / 2), 1),
        "up": (panorama.yaw_pitch_roll(pitch=-np.pi / 2), 2),
    }[direction]
    component = panorama.to_pinhole(panorama.rays(64), 9, np.pi / 2, rotation)[4, 4]
    np.testing.assert_allclose(component, np.eye(3)[axis], atol=1e-3)


def test_face_rows_and_columns_are_right_and_down():
    rays = panorama.to_pinhole(panorama.rays(128), 33, np.pi / 2)
    assert (np.diff(rays[16, :, 1]) < 0).all()  # y (left) falls to the right
    assert (np.diff(rays[:, 16, 2]) < 0).all()  # z (up) falls downwards


@settings(max_examples=15, deadline=None)
@given(rotations)
def test_pinhole_round_trip(rotation):
    height, size, fov = 32, 256, np.pi / 2
    image = smooth(height)
    face = panorama.to_pinhole(image, size, fov, rotation)
    back = panorama.from_pinhole(face, fov, height, rotation)
    seen = np.isfinite(back)
    np.testing.assert_allclose(back[seen], image[seen], atol=2e-2)
    # A quarter-turn face is one of the cube's six: a sixth of the sphere.
    share = (seen * panorama.solid_angles(height)[:, None]).sum() / (4 * np.pi)
    assert abs(share - 1 / 6) < 0.012


def test_six_faces_see_every_pixel_once():
    height = 64
    faces = [panorama.yaw_pitch_roll(yaw=k * np.pi / 2) for k in range(4)]
    faces += [panorama.yaw_pitch_roll(pitch=s * np.pi / 2) for s in (-1, 1)]
    seen = sum(np.isfinite(panorama.from_pinhole(np.ones((8, 8)), np.pi / 2, height, r)).astype(int) for r in faces)
    assert seen.min() >= 1 and (seen == 1).mean() > 0.97


@given(st.integers(1, 3000))
def test_fibonacci_directions_are_even(count):
    directions = panorama.fibonacci_directions(count)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-12)
    # Archimedes: equal steps of z are equal shares of the sphere; here exactly.
    np.testing.assert_allclose(directions[:, 2], 1 - (2 * np.arange(count) + 1) / count, atol=1e-12)


def test_fibonacci_directions_leave_no_hole_and_no_cluster():
    directions = panorama.fibonacci_directions(1000)
    spacing = np.sqrt(4 * np.pi / 1000)
    cosines = np.clip(directions @ directions.T, -1, 1)
    np.fill_diagonal(cosines, -1)
    assert np.arccos(cosines.max(1)).min() > 0.7 * spacing
    assert np.arccos(np.clip((panorama.rays(64).reshape(-1, 3) @ directions.T).max(1), -1, 1)).max() < 0.95 * spacing
