import numpy as np
import pytest
from analytic_panorama import box_along, box_range, floor_along, floor_range
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.products.clearing import ClearingConfig, clearing_points

HEIGHT = 128
FEW = ClearingConfig(rays=1000, range_max=10.0)

nonsense = st.sampled_from([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e-45, 1e-3, 0.25, 3.0, 19.9, 1e3, 3e38])
angles = st.floats(-np.pi, np.pi)


def of(range_m):
    return PanoramaDepth.from_range(range_m)


def free(height):
    return np.full((height, 2 * height), np.inf, np.float32)


def lengths_and_directions(points):
    length = np.linalg.norm(points.astype(float), axis=1)
    return length, points / length[:, None]


def test_a_free_view_is_cleared_to_the_limit():
    for limit, expected in ((100.0, 10.0), (7.0, 7.0)):
        points = clearing_points(PanoramaDepth.from_range(free(HEIGHT), limit), FEW)
        assert points.shape == (1000, 3) and points.dtype == np.float32 and points.flags.c_contiguous
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), expected, rtol=1e-6)


def test_rays_are_uniform_over_the_sphere():
    # Archimedes: z of uniform directions is uniform, so every slice of equal height holds equally many.
    directions = lengths_and_directions(clearing_points(of(free(256)), ClearingConfig(range_max=10.0)))[1]
    assert len(directions) == 8000
    assert np.abs(np.histogram(directions[:, 2], 5, (-1, 1))[0] / 1600 - 1).max() < 0.1
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    assert np.abs(np.histogram(azimuth, 24, (-np.pi, np.pi))[0] / len(azimuth) * 24 - 1).max() < 0.08
    # The largest hole is about a cell: 2.3 degrees.
    probes = panorama.rays(48).reshape(-1, 3)
    assert np.rad2deg(np.arccos((probes @ directions.T).max(1).min())) < 1.3 * 203 / np.sqrt(8000)
    # In a plan view, rays near the horizon leave no gap wider than two pixels, for layers that clear in 2-D.
    flat = np.sort(azimuth[np.abs(directions[:, 2]) < 0.3])
    assert np.diff(flat, append=flat[0] + 2 * np.pi).max() <= 2 * (2 * np.pi / 512) + 1e-6


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([8, 33, 64]), st.integers(1, 5000), st.data())
def test_every_pixel_stops_one_ray(height, rays, data):
    # One near pixel anywhere shortens exactly one ray, the one of its share of the sphere.
    v, u = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, 2 * height - 1))
    range_m = free(height)
    range_m[v, u] = 2.0
    length, directions = lengths_and_directions(clearing_points(of(range_m), ClearingConfig(rays=rays, margin=0.25)))
    assert len(length) <= max(rays, 2)
    stopped = length < 9.0
    assert stopped.sum() == 1
    np.testing.assert_allclose(length[stopped], 1.75, rtol=1e-6)
    # Cells are about square: their diagonal bounds how far the pixel can be from its ray.
    side = max(np.sqrt(4 * np.pi / rays), np.pi / height)
    assert np.arccos(np.clip(directions[stopped] @ panorama.rays(height)[v, u], -1, 1)) < 2.0 * side + 1e-3


@settings(max_examples=60, deadline=None)
@example([(1.0625, -0.0802527806206399, 1.0, 1.984375)], 1.0, 8000)
@given(
    st.lists(st.tuples(angles, st.floats(-1.4, 1.4), st.floats(0.8, 9.0), st.floats(0.02, 2.0)), max_size=4),
    st.floats(0.2, 2.0),
    st.sampled_from([50, 1000, 8000]),
)
def test_no_ray_passes_through_a_surface(boxes, camera_height, rays):
    # Boxes and poles anywhere above a floor, turned at will; the exact range along each ray is known.
    things = []
    for azimuth, elevation, distance, size in boxes:
        turn = panorama.yaw_pitch_roll(azimuth, -elevation, azimuth)
        things.append((distance * turn[:, 0], (size, size, 10 * size), turn))
    range_m = floor_range(64, camera_height)
    for thing in things:
        range_m = np.minimum(range_m, box_range(64, *thing))
    length, directions = lengths_and_directions(clearing_points(of(range_m), ClearingConfig(rays=rays, range_max=10.0)))
    exact = floor_along(directions, camera_height)
    for thing in things:
        # A hair to each side: a ray along the very edge of a box may go either way in single precision.
        exact = np.minimum(exact, box_along(directions, *thing))
    grazing = np.zeros(len(length), bool)
    for centre, size, turn in things:
        inner, outer = (box_along(directions, centre, np.array(size) * s, turn) for s in (1 - 1e-4, 1 + 1e-4))
        grazing |= np.isfinite(inner) != np.isfinite(outer)
    # Single precision of a direction along a face that is millimetres away is a few 1e-5 of the range.
    assert (length <= np.minimum(exact - 0.1, 10.0) + 1e-4 * np.minimum(exact, 10.0) + 1e-5)[~grazing].all()


def test_no_ray_passes_through_a_surface_of_a_rendered_world():
    from training.worlds.kinds import make_world
    from training.worlds.sample import renderer

    engine = renderer("cpu")
    for seed in (3, 4):
        world = make_world(seed)
        camera = world.cameras[0]
        range_m = engine.render(world, camera, 128, samples=1).range_m
        length, directions = lengths_and_directions(clearing_points(of(range_m), ClearingConfig(range_max=10.0)))
        assert len(length) > 4000
        origins = np.tile(np.array(camera.position), (len(length), 1))
        exact = engine.cast(world, origins, directions @ camera.world_from_body.T)
        # Rays are single precision: a ray in thousands that grazes an edge meets it in one of the two and not in the
        # other. None of the rest comes nearer than the margin.
        assert (length > np.minimum(exact - 0.1, 10.0) * (1 + 1e-4) + 1e-4).sum() <= 2


@pytest.mark.parametrize("elevation", np.deg2rad([-30.0, 0.0, 30.0]))
@pytest.mark.parametrize("azimuth", [0.0, 0.3, np.pi / 2, np.pi, -3.1])
def test_a_box_in_any_direction_stops_the_rays(azimuth, elevation):
    turn = panorama.yaw_pitch_roll(azimuth, -elevation)
    box = (turn @ [3.5, 0, 0], (1.0, 1.2, 1.2), turn)
    points = clearing_points(of(box_range(HEIGHT, *box)), ClearingConfig(range_max=10.0, margin=0.2))
    length, directions = lengths_and_directions(points)
    exact = box_along(directions, *box)
    met = np.isfinite(exact)
    # The face is 22.6 degrees wide and high: 10 by 10 rays, each short of a face that is 3 m away at its nearest.
    assert 80 < met.sum() < 125
    assert (length[met] >= 3.0 - 0.2 - 1e-5).all() and (length[met] <= exact[met] - 0.2 + 1e-5).all()
    # Across a cell of 2.3 degrees near the face's edge range changes by 3 (1 / cos 11.3 - 1 / cos 9 deg) = 2.2 cm, and
    # twice that at a corner.
    assert (exact[met] - 0.2 - length[met]).max() < 0.05
    away = directions @ turn[:, 0] < np.cos(np.deg2rad(25.0))
    np.testing.assert_allclose(length[away], 10.0, rtol=1e-6)


def test_no_ray_where_nothing_is_known():
    range_m = free(HEIGHT)
    range_m[:, : HEIGHT // 2] = np.nan  # azimuths from 90 to 180 degrees
    points = clearing_points(of(range_m), FEW)
    assert not ((points[:, 0] < 0) & (points[:, 1] > 0)).any() and 735 < len(points) < 765
    assert len(clearing_points(of(np.full_like(range_m, np.nan)), FEW)) == 0


def test_no_ray_within_the_margin():
    assert len(clearing_points(of(np.full((64, 128), 0.1)), ClearingConfig(margin=0.1))) == 0
    points = clearing_points(of(np.full((64, 128), 0.4)), ClearingConfig(margin=0.1))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 0.3, rtol=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 24), st.integers(1, 3000), st.sampled_from([np.nan, -1.0, 0.5, 100.0]), st.booleans(), st.data())
def test_any_depth_gives_valid_points(height, rays, limit, direct, data):
    range_m = data.draw(arrays.arrays(np.float32, (height, 2 * height), elements=nonsense, fill=nonsense))
    wrong = np.full_like(range_m, np.nan)
    depth = PanoramaDepth(range_m, wrong > 0, wrong, limit) if direct else PanoramaDepth.from_range(range_m, limit)
    points = clearing_points(depth, ClearingConfig(rays=rays, range_max=10.0))
    assert points.dtype == np.float32 and points.ndim == 2 and points.shape[1] == 3
    assert np.isfinite(points).all() and len(points) <= max(rays, 2)
    length = np.linalg.norm(points, axis=1)
    assert (length > 0).all() and (length <= 10.0001).all()


def test_wrong_settings():
    with pytest.raises(InputError, match="at least 1 ray"):
        ClearingConfig(rays=0)
    for wrong in ({"range_max": np.nan}, {"range_max": 0.0}, {"margin": -0.1}, {"margin": np.nan}):
        with pytest.raises(InputError, match="range_max above 0"):
            ClearingConfig(**wrong)
    with pytest.raises(InputError, match="twice as wide"):
        clearing_points(of(np.ones((8, 8))), FEW)
