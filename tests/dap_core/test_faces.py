import analytic_panorama as analytic
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.products.cloud import organised_points
from dap_core.products.faces import ORIENTATIONS, Face, FacesConfig, face_depth, face_image, face_source, faces_of
from dap_core.settings import build

ALL = tuple(ORIENTATIONS)
#: A room 10 m long, 8 m wide and 4 m high, the camera off its centre.
ROOM = {"centre": (1.0, -0.5, 0.6), "size": (10.0, 8.0, 4.0)}
SIX = FacesConfig(names=ALL)
names = st.sampled_from(ALL)


def depth_of(range_m):
    return PanoramaDepth.from_range(np.asarray(range_m, np.float32))


def depth_image_proc(z, face):
    """Points (size, size, 3) in the camera's body frame, by the formula that pinhole consumers apply."""
    k, (v, u) = face.K, np.indices(z.shape)
    with np.errstate(invalid="ignore"):
        points = np.stack([(u - k[0, 2]) * z / k[0, 0], (v - k[1, 2]) * z / k[1, 1], z], -1)
        return points @ face.camera_from_optical.T


def nearest_pixels(face, height):
    """Row and column of the panorama's pixel nearest to every pixel of the face."""
    uv = panorama.project(panorama.pinhole_rays(face.size, np.radians(face.fov)) @ face.camera_from_optical.T, height)
    u, v = np.moveaxis(np.floor(uv + 0.5 + 1e-6).astype(int), -1, 0)
    return np.clip(v, 0, height - 1), u % (2 * height)


def test_faces_of_a_configuration():
    faces = faces_of(FacesConfig())
    assert [f.name for f in faces] == ["front", "left", "back", "right"]
    assert {(f.size, f.fov) for f in faces} == {(256, 90.0)}
    chosen = build(FacesConfig, {"faces.names": ["down", "front"], "faces.size": 64}, "faces.")
    assert faces_of(chosen) == (Face("down", 64, 90.0), Face("front", 64, 90.0))
    assert faces_of(FacesConfig(names=())) == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"names": ["front", "sideways"]}, "takes front, left, back, right, up, down, got 'sideways'"),
        ({"names": ["up", "up"]}, "named once, got up twice"),
        ({"size": 0}, "between 16 and 2048"),
        ({"fov": 180.0}, "between 10 and 150"),
    ],
)
def test_wrong_configurations(values, message):
    with pytest.raises(InputError, match=message):
        build(FacesConfig, values)


@pytest.mark.parametrize("arguments", [("sideways", 8, 90.0), ("front", 0, 90.0), ("front", 8, 180.0)])
def test_wrong_faces(arguments):
    with pytest.raises(InputError, match="a face"):
        Face(*arguments)


def test_where_faces_look():
    axes = {"front": (1, 0, 0), "left": (0, 1, 0), "back": (-1, 0, 0), "right": (0, -1, 0), "up": (0, 0, 1)}
    for name, axis in {**axes, "down": (0, 0, -1)}.items():
        rotation = Face(name, 8, 90.0).camera_from_face
        np.testing.assert_array_equal(rotation[:, 0], axis)
        np.testing.assert_array_equal(rotation @ rotation.T, np.eye(3))
        assert np.linalg.det(rotation) == 1.0
    # Pitching the front face: its image's up points backwards when it looks up, forwards when it looks down.
    np.testing.assert_array_equal(Face("up", 8, 90.0).camera_from_face[:, 2], (-1, 0, 0))
    np.testing.assert_array_equal(Face("down", 8, 90.0).camera_from_face[:, 2], (1, 0, 0))
    for name in ("front", "left", "back", "right"):
        np.testing.assert_array_equal(Face(name, 8, 90.0).camera_from_face[:, 2], (0, 0, 1))


def test_edges_of_up_and_down_face_the_front():
    # Ahead is white above and below the horizon, the rest black.
    ahead = np.abs(panorama.azimuths(256)) < np.pi / 4
    image = np.broadcast_to(np.where(ahead, 255, 0)[None, :, None], (128, 256, 3)).astype(np.uint8)
    up, down = (face_image(image, Face(name, 64, 90.0)) for name in ("up", "down"))
    assert up[-1].mean() > 240 and up[0].mean() < 15
    assert down[0].mean() > 240 and down[-1].mean() < 15


def test_intrinsics_in_closed_form():
    face = Face("front", 100, 90.0)
    np.testing.assert_allclose(face.K, [[50, 0, 49.5], [0, 50, 49.5], [0, 0, 1]], atol=1e-12)
    np.testing.assert_array_equal(face.P, np.hstack([face.K, [[0], [0], [0]]]))
    # The outer edge of the last pixel, half a pixel beyond its centre, lies at half the field of view.
    for size, fov in ((7, 60.0), (64, 120.0)):
        k = Face("up", size, fov).K
        np.testing.assert_allclose(np.degrees(np.arctan((size - 0.5 - k[0, 2]) / k[0, 0])), fov / 2)


@pytest.mark.parametrize("height", [64, 96])
@pytest.mark.parametrize("name", ALL)
def test_depth_is_the_nearest_range_times_the_z_factor(name, height):
    range_m = np.random.default_rng(height).uniform(0.3, 90, (height, 2 * height)).astype(np.float32)
    z = face_depth(depth_of(range_m), Face(name, 48, 100.0))
    assert z.shape == (48, 48) and z.dtype == np.float32 and z.flags.writeable
    rotation, fov = Face(name, 48, 100.0).camera_from_face, np.radians(100.0)
    expected = panorama.to_pinhole(range_m, 48, fov, rotation, "nearest") * panorama.pinhole_z_factor(48, fov)
    np.testing.assert_allclose(z, expected, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(names, st.integers(1, 40), st.floats(10, 150), st.integers(1, 48), st.integers(0, 2**32 - 1))
def test_points_of_a_face_are_points_of_the_panorama(name, size, fov, height, seed):
    """Whatever the depth: same range as the nearest pixel's point, and off its ray by sqrt(2) pi / W at most."""
    range_m = np.random.default_rng(seed).choice([0.5, 3.0, 70.0, np.inf, np.nan], (height, 2 * height))
    depth, face = depth_of(range_m), Face(name, size, fov)
    z = face_depth(depth, face)
    rows, columns = nearest_pixels(face, height)
    np.testing.assert_array_equal(np.isfinite(z), depth.near[rows, columns])
    np.testing.assert_array_equal(np.isposinf(z), depth.far[rows, columns])
    near = np.isfinite(z)
    points, source = depth_image_proc(z, face)[near], organised_points(depth)[rows, columns][near]
    ranges = np.linalg.norm(source, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), ranges, rtol=2e-6)
    bound = ranges * np.sqrt(2) * np.pi / (2 * height)
    assert (np.linalg.norm(points - source, axis=-1) <= bound * (1 + 1e-4) + 1e-5).all()


def test_points_lie_on_the_walls_of_a_room():
    height = 256
    depth = depth_of(analytic.box_range(height, **ROOM))
    for face in (Face(name, 128, 90.0) for name in ALL):
        points = depth_image_proc(face_depth(depth, face), face).reshape(-1, 3)
        # Signed distance to the room's walls: the panorama's points have 0, the face's at most the bound above.
        offset = np.abs(points - ROOM["centre"]) - np.array(ROOM["size"]) / 2
        outside = np.linalg.norm(np.maximum(offset, 0), axis=-1)
        distance = np.where(outside > 0, outside, -offset.max(-1))
        bound = np.linalg.norm(points, axis=-1) * np.sqrt(2) * np.pi / (2 * height)
        assert (distance <= bound).all() and np.median(distance) < 0.01
        # The wall that the face looks at square on has constant z.
        truth = analytic.box_along(face.camera_from_face[:, 0], **ROOM)
        middle = face_depth(depth, face)[56:72, 56:72]
        np.testing.assert_allclose(middle, truth, rtol=5e-3)


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, -90.0, 45.0])
@pytest.mark.parametrize("elevation", [-30.0, 0.0, 30.0])
def test_a_box_is_in_the_face_that_sees_it(azimuth, elevation):
    height, distance, side = 256, 4.0, 0.8
    rotation = panorama.yaw_pitch_roll(np.radians(azimuth), np.radians(-elevation))
    centre = rotation @ np.array([distance + side / 2, 0, 0])
    depth = depth_of(analytic.box_range(height, centre, (side, side, side), rotation))
    points = np.concatenate([depth_image_proc(face_depth(depth, f), f).reshape(-1, 3) for f in faces_of(SIX)])
    points = points[np.isfinite(points[:, 0])]
    assert np.linalg.norm(points, axis=-1).min() == pytest.approx(distance, rel=1e-3)
    # No point is further from the box than the footprint of a pixel, none further in than its depth.
    local = np.abs((points - centre) @ rotation)
    assert (local <= side / 2 + 1.1 * distance * np.sqrt(2) * np.pi / (2 * height)).all()
    # Its front covers side^2 / distance^2 steradians, and faces have f^2 pixels per steradian or more.
    assert len(points) > 0.9 * 128**2 * (side / distance) ** 2


@pytest.mark.parametrize("name", ALL)
def test_a_smooth_scene_within_the_footprint(name):
    height, face = 128, Face(name, 96, 110.0)

    def truth(rays):
        x, y, z = np.moveaxis(rays, -1, 0)
        return 4.0 + x + 0.5 * y * z - 0.3 * z

    directions = panorama.pinhole_rays(face.size, np.radians(face.fov)) @ face.camera_from_optical.T
    norm = np.linalg.norm(directions, axis=-1)
    z = face_depth(depth_of(truth(analytic.rays(height))), face)
    # The gradient of that function over the sphere is at most |(1, 0.5 z, 0.5 y - 0.3)| < 1.3.
    error = np.abs(z * norm - truth(directions / norm[..., None]))
    assert error.max() <= 1.3 * np.sqrt(2) * np.pi / (2 * height)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=50), st.integers(1, 64))
def test_six_faces_cover_the_sphere(directions, size):
    rays = np.array([d for d in directions if np.linalg.norm(d) > 1e-3] or [(1.0, 0.0, 0.0)])
    seen = np.zeros(len(rays), int)
    for face in faces_of(FacesConfig(names=ALL, size=size)):
        x, y, z = (rays @ face.camera_from_optical).T
        ahead = z > 1e-6
        u, v = face.K[0, 0] * x[ahead] / z[ahead] + face.K[0, 2], face.K[1, 1] * y[ahead] / z[ahead] + face.K[1, 2]
        seen[ahead] += (np.abs(u - face.K[0, 2]) <= size / 2 + 1e-6) & (np.abs(v - face.K[1, 2]) <= size / 2 + 1e-6)
    assert seen.min() >= 1


def test_six_faces_use_every_pixel():
    # With faces finer than the panorama, and but for the slivers within 30 degrees of the poles.
    number = np.arange(1, 64 * 128 + 1).reshape(64, 128)
    depth, factor = PanoramaDepth.from_range(number, 1e6), panorama.pinhole_z_factor(256, np.pi / 2)
    used = {*np.rint(np.concatenate([face_depth(depth, f) / factor for f in faces_of(SIX)]).ravel()).astype(int)}
    assert used >= set(number[11:53].ravel())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 24), st.integers(1, 33), st.floats(10, 150), st.integers(0, 2**32 - 1))
def test_a_quarter_turn_makes_left_front_exactly(half, size, fov, seed):
    height = 2 * half
    rng = np.random.default_rng(seed)
    range_m = rng.uniform(0.5, 90, (height, 2 * height)).astype(np.float32)
    image = rng.integers(0, 256, (height, 2 * height, 3), dtype=np.uint8)
    turned, turned_image = depth_of(panorama.roll(range_m, height // 2)), panorama.roll(image, height // 2)
    depth = depth_of(range_m)
    for before, after in (("left", "front"), ("back", "left"), ("right", "back"), ("front", "right")):
        old, new = Face(before, size, fov), Face(after, size, fov)
        np.testing.assert_array_equal(face_depth(turned, new), face_depth(depth, old))
        np.testing.assert_array_equal(face_image(turned_image, new), face_image(image, old))
    # Up keeps looking up, and what was at its left edge is then at its bottom, where the front is.
    up = Face("up", size, fov)
    if size % 2 == 0:
        np.testing.assert_array_equal(face_depth(turned, up), np.rot90(face_depth(depth, up)))


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.sampled_from([(1, 2), (4, 8), (16, 32)]),
        elements=st.one_of(
            st.floats(width=32, allow_subnormal=False),
            st.sampled_from([0.0, -0.0, -1.0, np.inf, -np.inf, np.nan, 2.0**-120, 2.0**127]),
        ),
    ),
    names,
    st.booleans(),
)
def test_nonsense_gives_valid_depth(range_m, name, checked):
    far = np.isposinf(range_m)
    depth = depth_of(range_m) if checked else PanoramaDepth(range_m, far, far.astype(np.float32), 100.0)
    before = depth.range_m.copy()
    z = face_depth(depth, Face(name, 24, 140.0))
    assert z.dtype == np.float32 and not (z <= 0).any()
    np.testing.assert_array_equal(depth.range_m, before)


def test_image_is_bilinear():
    # Up to the 1/32 pixel in which OpenCV interpolates and the rounding to whole levels.
    x, y, z = np.moveaxis(panorama.rays(128).astype(float), -1, 0)
    image = np.rint(127 + 60 * np.stack([x, y * z, z], -1)).astype(np.uint8)
    for name in ALL:
        face = Face(name, 128, 90.0)
        expected = panorama.to_pinhole(image.astype(float), 128, np.pi / 2, face.camera_from_face)
        seen = face_image(image, face)
        assert seen.shape == (128, 128, 3) and seen.dtype == np.uint8
        assert np.abs(seen - expected).max() < 0.8
        directions = panorama.pinhole_rays(128, np.pi / 2) @ face.camera_from_optical.T
        x1, y1, z1 = np.moveaxis(directions / np.linalg.norm(directions, axis=-1, keepdims=True), -1, 0)
        assert np.abs(seen - (127 + 60 * np.stack([x1, y1 * z1, z1], -1))).max() < 1.5


@pytest.mark.parametrize("name", ["back", "up", "down"])
def test_image_has_no_seam_and_no_hole_at_the_pole(name):
    # Random pixels, so that a wrong neighbour anywhere would be far off.
    image = np.random.default_rng(5).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    face = Face(name, 65, 60.0)
    expected = panorama.to_pinhole(image.astype(float), 65, np.radians(60.0), face.camera_from_face)
    assert np.abs(face_image(image, face) - expected).max() < 2 * 255 / 64 + 1


def test_image_of_a_finer_panorama_does_not_alias():
    # One-pixel checks are grey from afar; sampled as they are they would be noise or moire.
    checks = (np.indices((1024, 2048)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(checks[..., None], 3, -1)
    for name in ("front", "down"):
        assert np.abs(face_image(image, Face(name, 64, 90.0)).astype(int) - 128).max() <= 2


def test_source_is_halved_towards_the_faces_density():
    image = np.zeros((1024, 2048, 3), np.uint8)
    # f = 32 pixels per radian, twice that is 201 rows: 256 is the nearest power of two.
    source = face_source(image, Face("front", 64, 90.0))
    assert source.shape == (256, 512, 3)
    assert face_source(source, Face("left", 64, 90.0)) is source
    assert face_source(image, Face("front", 512, 90.0)) is image
    odd = np.zeros((1022, 2044, 3), np.uint8)
    assert face_source(odd, Face("front", 64, 90.0)) is odd


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((64, 64, 3), np.uint8), "twice as wide as high"),
        (np.zeros((64, 128), np.uint8), r"\(H, W, 3\)"),
        (np.zeros((64, 128, 3), np.float32), "8-bit"),
    ],
)
def test_wrong_images(image, message):
    with pytest.raises(InputError, match=message):
        face_image(image, Face("front", 32, 90.0))
    with pytest.raises(InputError, match="twice as wide"):
        face_depth(PanoramaDepth.from_range(np.ones((8, 8))), Face("front", 32, 90.0))
