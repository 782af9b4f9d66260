import numpy as np
import pytest
from analytic_panorama import box_range, floor_range
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.products.scan import Scan, ScanConfig, scan

HEIGHT = 128
AHEAD = [0.0, 0.3, np.pi / 2, -np.pi / 2, 2.5, np.pi, -3.1]

nonsense = st.sampled_from([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e-45, 1e-3, 0.25, 3.0, 19.9, 1e3, 3e38])


def of(range_m):
    return PanoramaDepth.from_range(range_m)


def beam_azimuths(s: Scan):
    return s.angle_min + np.arange(len(s.ranges)) * s.angle_increment


def facing(azimuth, distance, elevation, size):
    """A box whose front face stands `distance` away (horizontally) at `azimuth`, its middle at `elevation`."""
    z, turn = distance * np.tan(elevation), panorama.yaw_pitch_roll(yaw=azimuth)
    return box_range(HEIGHT, turn @ [distance + size[0] / 2, 0.0, z], size, turn), z


def face_in_beams(azimuth, distance, width, s):
    """Closed form: distance / cos within the face's edges, +inf outside them; and how far a beam is from an edge."""
    off = np.angle(np.exp(1j * (beam_azimuths(s) - azimuth)))
    edge = np.arctan2(width / 2, distance)
    return np.where(np.abs(off) < edge, distance / np.cos(off), np.inf), np.abs(np.abs(off) - edge)


@pytest.mark.parametrize("elevation", np.deg2rad([-30.0, 0.0, 30.0]))
@pytest.mark.parametrize("azimuth", AHEAD)
def test_a_box_in_any_direction_is_where_it_is(azimuth, elevation):
    range_m, z = facing(azimuth, 3.0, elevation, (0.8, 1.0, 0.6))
    s = scan(of(range_m), ScanConfig(min_height=z - 0.2, max_height=z + 0.2))
    expected, from_edge = face_in_beams(azimuth, 3.0, 1.0, s)
    clear = from_edge > 1e-6
    np.testing.assert_allclose(s.ranges[clear], expected[clear], rtol=1e-6)
    assert np.isfinite(s.ranges).sum() in (13, 14)  # 18.9 degrees of 1.41 degrees each


@settings(max_examples=60, deadline=None)
@given(st.floats(-np.pi, np.pi), st.floats(0.5, 15.0), st.floats(-0.5, 0.5), st.floats(1.01, 3.0))
def test_a_pole_wider_than_a_column_is_never_missed(azimuth, distance, elevation, columns):
    width = 2 * distance * np.tan(columns * np.pi / HEIGHT / 2)
    range_m, z = facing(azimuth, distance, elevation, (width, width, 1.2))
    s = scan(of(range_m), ScanConfig(z - 0.5, z + 0.5))
    expected, from_edge = face_in_beams(azimuth, distance, width, s)
    clear = from_edge > 1e-6
    np.testing.assert_allclose(s.ranges[clear], expected[clear], rtol=1e-6)
    assert np.isfinite(s.ranges).sum() >= 1


@settings(max_examples=60, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(1e-4, 1.0), st.sampled_from([2, 15, 64]))
def test_no_band_falls_between_two_rows(middle, thickness, height):
    # Walls without floor or ceiling: whatever the band, every beam meets them, 10 to 16 m away.
    config = ScanConfig(middle - thickness / 2, middle + thickness / 2)
    s = scan(of(box_range(height, (0, 0, 0), (26, 20, 1e4))), config)
    a = beam_azimuths(s)
    with np.errstate(divide="ignore"):
        expected = np.minimum(13 / np.abs(np.cos(a)), 10 / np.abs(np.sin(a)))
    np.testing.assert_allclose(s.ranges, expected, rtol=1e-6)


def test_only_the_band_counts():
    # A low box before a wall: each band sees its own.
    low, wall = box_range(HEIGHT, (3, 0, -1.0), (1, 20, 1.0)), box_range(HEIGHT, (8, 0, 0), (1, 60, 6))
    depth = of(np.minimum(low, wall))
    for (bottom, top), expected in (((-1.4, -0.6), 2.5), ((-0.4, 0.4), 7.5)):
        s = scan(depth, ScanConfig(bottom, top))
        ahead = s.ranges[HEIGHT - 1 : HEIGHT + 1]
        np.testing.assert_allclose(ahead, expected / np.cos(np.pi / HEIGHT / 2), rtol=1e-6)
        assert np.isposinf(s.ranges[:8]).all() and np.isposinf(s.ranges[-8:]).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.35, 3.0), st.sampled_from([64, 65, 256]))
def test_a_floor_below_the_band_is_no_obstacle(camera_height, height):
    depth = of(np.minimum(floor_range(height, camera_height), floor_range(height, -1.0)))
    assert np.isposinf(scan(depth, ScanConfig(range_max=9.0)).ranges).all()
    s = scan(depth, ScanConfig(min_height=-camera_height - 0.01, range_max=9.0))
    assert (s.ranges < 0.5).all() and len(np.unique(s.ranges)) == 1


def reference(range_m, config):
    """The same by points: nearest point inside the band, rows that leave it before range_min left out."""
    e = panorama.elevations(len(range_m))[:, None]
    points = range_m * np.sin(e)
    with np.errstate(divide="ignore"):
        reach = np.where(e > 0, config.max_height, config.min_height) / np.tan(e)
    inside = (range_m > 0) & (points >= config.min_height) & (points <= config.max_height) & (reach > config.range_min)
    horizontal = np.where(inside, range_m * np.cos(e), np.inf).min(0)
    return np.where(horizontal <= config.range_max, horizontal, np.inf)[::-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1.0, -0.2), st.floats(0.2, 1.0))
def test_equals_the_points_one_by_one(seed, low, high):
    config = ScanConfig(low, high, range_min=0.5, range_max=4.0)
    range_m = np.exp(np.random.default_rng(seed).uniform(np.log(0.1), np.log(100), (64, 128)))
    expected, got = reference(range_m, config), scan(of(range_m), config).ranges
    near = expected < config.range_min
    np.testing.assert_array_equal(np.isneginf(got), near)
    np.testing.assert_allclose(got[~near], expected[~near], rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(-64, 64), st.data())
def test_rolling_the_panorama_rolls_the_scan(columns, data):
    range_m = data.draw(arrays.arrays(np.float32, (16, 32), elements=nonsense, fill=nonsense))
    before = scan(of(range_m), ScanConfig()).ranges
    after = scan(of(panorama.roll(range_m, columns)), ScanConfig()).ranges
    np.testing.assert_array_equal(after, np.roll(before, -columns))


def check(s: Scan, width):
    assert s.ranges.shape == (width,) and s.ranges.dtype == np.float32 and s.ranges.flags.c_contiguous
    finite = s.ranges[np.isfinite(s.ranges)]
    assert (finite >= np.float32(s.range_min)).all() and (finite <= np.float32(s.range_max)).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 24), st.sampled_from([0.5, 20.0, 100.0, 1e30]), st.booleans(), st.data())
def test_any_depth_gives_a_valid_scan(height, limit, direct, data):
    range_m = data.draw(arrays.arrays(np.float32, (height, 2 * height), elements=nonsense, fill=nonsense))
    wrong = np.full_like(range_m, np.nan)
    depth = PanoramaDepth(range_m, wrong > 0, wrong, limit) if direct else PanoramaDepth.from_range(range_m, limit)
    low = data.draw(st.floats(-2.0, 1.9))
    config = ScanConfig(low, data.draw(st.floats(low + 1e-3, 2.0)))
    check(scan(depth, config), 2 * height)


def test_rep_117():
    range_m = np.full((HEIGHT, 2 * HEIGHT), np.inf, np.float32)
    range_m[:, 0], range_m[:, 10], range_m[:, 20], range_m[:, 30], range_m[:, 40] = np.nan, 0.1, 21.0, 5.0, 0.0
    # Column c is beam W - 1 - c. Below the horizon the band's own rows at 5 m are 5 cos e away; the nearest counts.
    s = scan(of(range_m), ScanConfig())
    assert np.isnan(s.ranges[-1]) and np.isnan(s.ranges[-41]) and np.isneginf(s.ranges[-11])
    assert np.isposinf(s.ranges[-21])
    e = panorama.elevations(HEIGHT)
    np.testing.assert_allclose(s.ranges[-31], (5 * np.cos(e))[np.abs(5 * np.sin(e)) <= 0.3].min(), rtol=1e-6)
    assert np.isposinf(np.delete(s.ranges, [-1, -11, -31, -41])).all()


@pytest.mark.parametrize("value", [0.0, -0.0, -3.0, -np.inf, np.nan])
def test_what_is_no_range_is_unknown_and_not_near(value):
    wrong = np.full((HEIGHT, 2 * HEIGHT), value, np.float32)
    assert np.isnan(scan(PanoramaDepth(wrong, wrong > 0, wrong, 100.0), ScanConfig()).ranges).all()


def without_rows(where):
    range_m = np.full((512, 1024), np.inf, np.float32)
    range_m[where(np.rad2deg(panorama.elevations(512)))] = np.nan
    return scan(of(range_m), ScanConfig()).ranges


def test_a_beam_is_unknown_where_most_of_the_bands_cross_section_is():
    # All rows that look at the band's second half, and then some: +-0.3 m at 20 m are +-0.859 degrees, whose triangle
    # is half of the cross-section. Rows are 0.352 degrees high.
    assert np.isposinf(without_rows(lambda e: np.abs(e) < 0.8)).all()
    assert np.isnan(without_rows(lambda e: np.abs(e) < 1.0)).all()
    # The robot below and the mast above hide little of it, though most of the rows.
    assert np.isposinf(without_rows(lambda e: np.abs(e) > 4.0)).all()
    # One of two halves is not most; and a hair more is.
    assert np.isposinf(without_rows(lambda e: e < 0.0)).all()
    assert np.isnan(without_rows(lambda e: e < 0.3)).all()


def test_a_beam_is_unknown_where_something_hides_the_band():
    # A camera above a table scans for what lies on the floor, 0.9 to 1.3 m below it.
    config = ScanConfig(-1.3, -0.9, range_max=10.0)
    floor, table = floor_range(HEIGHT, 1.4), box_range(HEIGHT, (4.0, 0.0, -0.7), (6.0, 3.0, 0.1))
    assert np.isposinf(scan(of(floor), config).ranges).all()
    s = scan(of(np.minimum(floor, table)), config)
    assert np.isnan(s.ranges[HEIGHT - 4 : HEIGHT + 4]).all() and np.isposinf(s.ranges[: HEIGHT // 2]).all()


def test_reaches_no_further_than_the_model():
    range_m = np.full((HEIGHT, 2 * HEIGHT), 7.0, np.float32)
    s = scan(PanoramaDepth.from_range(range_m, max_range_m=5.0), ScanConfig())
    assert s.range_max == 5.0 and np.isposinf(s.ranges).all()
    with pytest.raises(InputError, match="sees beyond"):
        scan(PanoramaDepth.from_range(range_m, max_range_m=0.1), ScanConfig())


@pytest.mark.parametrize("height", [2, 64, 128, 240, 256, 480, 512, 518, 960, 1024])
def test_the_number_of_beams_follows_from_the_angles(height):
    s = scan(of(np.full((height, 2 * height), 3.0)), ScanConfig())
    low, high, step = np.float32([s.angle_min, s.angle_max, s.angle_increment])
    span = high - low
    # As slam_toolbox decides in single precision that a laser is one of 360 degrees without a double beam.
    whole = abs(span - 2 * np.pi) < step - np.finfo(np.float32).eps * np.float32(2 * np.pi)
    assert not whole or np.rint(span / step) + 1 == 2 * height
    assert np.rint(span / step) + 1 == 2 * height
    np.testing.assert_allclose(beam_azimuths(s), panorama.azimuths(2 * height)[::-1], atol=1e-12)


def test_beams_run_counter_clockwise():
    s = scan(of(box_range(HEIGHT, (0, 3, 0), (1, 1, 1))), ScanConfig())
    assert np.abs(beam_azimuths(s)[np.isfinite(s.ranges)] - np.pi / 2).max() < 0.25


def test_wrong_settings():
    for low, high in ((0.3, 0.3), (0.4, -0.4), (np.nan, 1.0), (-np.inf, 0.0)):
        with pytest.raises(InputError, match="min_height lies below"):
            ScanConfig(min_height=low, max_height=high)
    for low, high in ((5.0, 5.0), (-1.0, 5.0), (0.2, np.nan), (0.2, np.inf)):
        with pytest.raises(InputError, match="range_min lies below"):
            ScanConfig(range_min=low, range_max=high)
    with pytest.raises(InputError, match="twice as wide"):
        scan(of(np.ones((8, 8))), ScanConfig())
