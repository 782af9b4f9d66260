import math
from dataclasses import replace

import numpy as np
import pytest
from analytic_panorama import box_along, floor_along, rays
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core import DepthEstimator, panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.evaluation.metrics import depth_metrics, sphere_weight
from dap_core.products.scale import GroundScale, ScaleConfig, scaled
from dap_core.settings import build

HEIGHT = 128
RAYS = rays(HEIGHT)
ON = ScaleConfig(enabled=True)


def seen(range_m):
    return PanoramaDepth.from_range(range_m)


def floor(camera_height, tilt=None):
    return floor_along(RAYS if tilt is None else RAYS @ tilt, camera_height)


def standing(size, at, camera_height):
    """Range to a box of this size that stands on the floor, its centre at (x, y)."""
    return box_along(RAYS, (*at, 0.5 * size[2] - camera_height), size)


def once(range_m, camera_height, config=ON):
    return GroundScale(config).update(seen(range_m), camera_height, 0.0)


# ---------------------------------------------------------------------------------------------------- one frame


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 3.0), st.floats(0.22, 2.4), st.floats(-np.pi, np.pi), st.floats(0.0, 3.0))
def test_a_floor_in_closed_form(camera_height, factor, towards, degrees):
    # What the network saw is the truth over `factor`; the levelled frame may still be tilted a little.
    tilt = panorama.yaw_pitch_roll(towards) @ panorama.yaw_pitch_roll(pitch=np.radians(degrees))
    state = once(floor(camera_height, tilt) / factor, camera_height)
    assert state.measured == pytest.approx(factor, rel=1e-3) and state.factor == pytest.approx(factor, rel=1e-3)
    assert state.share > 0.99 and state.reason == "from the ground"


def test_tables_shelves_and_walls_are_not_the_ground():
    room = box_along(RAYS, (0.5, 0.2, 0.0), (5.0, 4.0, 2.6))  # floor 1.3 m below
    table = box_along(RAYS, (1.0, 0.0, -0.58), (1.2, 1.6, 0.04))
    shelf = standing((0.4, 2.0, 1.2), (-1.2, 0.5), 1.3)
    state = once(np.minimum.reduce([room, table, shelf]) / 1.2, 1.3)
    assert state.factor == pytest.approx(1.2, rel=5e-3)
    # Even where more of the table is seen than of the floor, the lower of the two is the ground.
    desk = box_along(RAYS, (0.75, 0.0, -0.72), (1.3, 3.4, 0.04))
    state = once(np.minimum(room, desk), 1.3)
    assert 0.3 < state.share < 0.5 and state.factor == pytest.approx(1.0, rel=0.01)


def test_stairs_beside_the_robot():
    steps = [standing((0.3, 3.0, 0.17 * (k + 1)), (1.0 + 0.3 * k, 0.0), 1.0) for k in range(8)]
    state = once(np.minimum.reduce([floor(1.0), *steps]) / 0.8, 1.0)
    assert state.factor == pytest.approx(0.8, rel=5e-3)


def test_the_robots_own_body_is_left_out():
    range_m = floor(1.1)
    range_m[-HEIGHT // 5 :] = np.nan
    assert once(range_m / 0.9, 1.1).factor == pytest.approx(0.9, rel=1e-3)
    assert once(range_m / 0.9, 1.1).share > 0.99
    # Not masked, a deck right below is much nearer than any ground that is believed.
    deck = np.minimum(floor(1.1), box_along(RAYS, (0, 0, -0.35), (0.8, 0.6, 0.1)))
    assert once(deck / 0.9, 1.1).factor == pytest.approx(0.9, rel=1e-3)


@pytest.mark.parametrize(
    ("range_m", "reason"),
    [
        (np.full((HEIGHT, 2 * HEIGHT), np.nan), "nothing is known of the view downwards"),
        (np.full((HEIGHT, 2 * HEIGHT), np.inf), "no ground seen"),
        (np.full((HEIGHT, 2 * HEIGHT), 2.0), "no ground seen"),  # a sphere
        (box_along(RAYS, (0.0, 0.0, 0.0), (0.6, 0.6, 60.0)), "no ground seen"),  # a shaft
        (floor(0.3), "the ground asks for a factor of 4.00, outside of what is allowed"),  # over a table top
        (floor(12.0), "the ground asks for a factor of 0.10, outside of what is allowed"),
        (floor(1.2, panorama.yaw_pitch_roll(pitch=np.radians(15))), "the plane below slopes by 15 degrees"),
    ],
)
def test_silent_where_no_ground_is_seen(range_m, reason):
    state = once(range_m, 1.2)
    assert state.factor == 1.0 and math.isnan(state.measured) and state.reason == reason


def test_silent_without_a_height_and_when_off():
    for height in (0.0, -1.0, math.nan, math.inf):
        assert once(floor(1.0), height).reason == "camera_height is not set"
        assert once(floor(1.0), height).factor == 1.0
    state = once(floor(1.0), 2.0, ScaleConfig())
    assert state.factor == 1.0 and state.reason == "scale.enabled is false"


# ------------------------------------------------------------------------------------------------- many frames


def test_smooth_in_closed_form():
    ground, config = GroundScale(replace(ON, time_constant=2.0)), replace(ON, time_constant=2.0)
    assert ground.update(seen(floor(1.0)), 1.2, 0.0).factor == pytest.approx(1.2, rel=1e-3)  # at once
    for k in range(1, 41):
        state = ground.update(seen(floor(1.0)), 1.2, 0.1 * k)
    # A step in the logarithm of what is asked for: the rest of it falls by 1 / (1 + step / time_constant).
    for k in range(1, 21):
        state = ground.update(seen(floor(1.0)), 1.0, 4.0 + 0.1 * k)
    rest = (1.0 + 0.1 / config.time_constant) ** -20
    assert math.log(state.factor) == pytest.approx(math.log(1.2) * rest, rel=0.01)
    assert state.measured == pytest.approx(1.0, rel=1e-3)


def test_the_first_seconds_are_averaged():
    ground = GroundScale(replace(ON, time_constant=100.0))
    heights = 1.0 + 0.1 * np.random.default_rng(0).uniform(-1, 1, 50)
    states = [ground.update(seen(floor(1.0)), h, 0.1 * k) for k, h in enumerate(heights)]
    assert math.log(states[-1].factor) == pytest.approx(np.log(heights[1:]).mean(), abs=1e-3)


def test_held_then_let_go():
    ground = GroundScale(replace(ON, time_constant=2.0, hold=3.0))
    ground.update(seen(floor(1.0)), 1.5, 0.0)
    blind = seen(np.full((HEIGHT, 2 * HEIGHT), np.inf))
    for k in range(1, 31):
        state = ground.update(blind, 1.5, 0.1 * k)
        assert (
            state.factor == pytest.approx(1.5, rel=1e-3) and state.reason == "no ground seen, the last factor is held"
        )
    for k in range(31, 51):
        state = ground.update(blind, 1.5, 0.1 * k)
    assert state.reason == "no ground seen, the factor goes back to 1"
    assert math.log(state.factor) == pytest.approx(math.log(1.5) * math.exp(-2.0 / 2.0), rel=0.06)
    assert ground.update(blind, 1.5, 100.0).factor == pytest.approx(1.0, abs=1e-6)
    # Back on the ground the scale follows it, and does not jump.
    back = [ground.update(seen(floor(1.0)), 1.5, 100.0 + 0.1 * k).factor for k in range(1, 100)]
    assert back[-1] == pytest.approx(1.5, rel=0.01) and np.diff(back).max() < 0.03


def test_another_level_is_not_believed_at_once():
    # The robot comes close to a table that hides the floor; later it really stands elsewhere.
    ground = GroundScale(replace(ON, hold=5.0, time_constant=1.0))
    ground.update(seen(floor(1.3)), 1.3, 0.0)
    for k in range(1, 50):
        state = ground.update(seen(floor(0.6)), 1.3, 0.1 * k)
        assert state.factor == pytest.approx(1.0, abs=1e-3) and state.measured == pytest.approx(1.3 / 0.6, rel=1e-3)
    assert state.reason == "what lies below is not where the ground was, the last factor is held"
    factors = [ground.update(seen(floor(0.6)), 1.3, 5.0 + 0.1 * k).factor for k in range(100)]
    assert factors[-1] == pytest.approx(1.3 / 0.6, rel=0.01) and np.diff(factors).max() < 0.12


def test_the_ground_that_was_followed_goes_on():
    # A lower level beside a platform is as large; the platform was the ground before, and still is.
    lower = np.where(np.abs(np.arctan2(RAYS[..., 1], RAYS[..., 0])) < np.pi / 2, floor(2.1), floor(1.3))
    ground = GroundScale(ON)
    ground.update(seen(floor(1.3)), 1.3, 0.0)
    assert ground.update(seen(lower), 1.3, 0.1).measured == pytest.approx(1.0, rel=5e-3)


def test_a_clock_that_jumps_back_starts_anew():
    ground = GroundScale(ON)
    ground.update(seen(floor(1.0)), 1.2, 50.0)
    assert ground.update(seen(floor(1.0)), 0.9, 10.0).factor == pytest.approx(0.9, rel=1e-3)


def test_the_same_frames_give_the_same_factors():
    random = np.random.default_rng(0)
    frames = [floor(1.0) * random.uniform(0.9, 1.1, (HEIGHT, 2 * HEIGHT)) for _ in range(4)]
    runs = []
    for _ in range(2):
        ground = GroundScale(ON)
        runs.append([ground.update(seen(f), 1.1, 0.1 * k) for k, f in enumerate(frames)])
    assert runs[0] == runs[1]


# ---------------------------------------------------------------------------------------------------- applied


def test_scaled():
    depth = seen(np.array([[1.0, 60.0, np.inf, np.nan], [0.02, 49.9, 50.1, 100.0]], np.float32))
    double = scaled(depth, 2.0)
    inf, nan = np.inf, np.nan
    np.testing.assert_allclose(double.range_m, [[2, inf, inf, nan], [0.04, 99.8, inf, inf]], rtol=1e-6)
    np.testing.assert_array_equal(double.far, [[0, 1, 1, 0], [0, 0, 1, 1]])
    np.testing.assert_array_equal(double.far_probability, [[0, 1, 1, nan], [0, 0, 1, 1]])
    half = scaled(depth, 0.25)
    np.testing.assert_allclose(half.range_m, [[0.25, 15, inf, nan], [0.01, 12.475, 12.525, 25]], rtol=1e-6)
    np.testing.assert_array_equal(half.far, depth.far)
    assert scaled(depth, 1.0) is depth and double.max_range_m == 100.0
    np.testing.assert_allclose(depth.range_m[0], [1.0, 60.0, inf, nan])


NONSENSE = st.one_of(
    st.floats(width=32),
    st.sampled_from([np.inf, -np.inf, np.nan, 0.0, -0.0, -1.0, 1e-45, 3e38, 1.0, 1.2, 100.0]),
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_depth_gives_a_bounded_factor_and_valid_depth(data):
    height = data.draw(st.sampled_from([1, 2, 8, 16]))
    few = np.array(data.draw(st.lists(NONSENSE, min_size=1, max_size=12)), np.float32)
    range_m = few[np.random.default_rng(data.draw(st.integers(0, 99))).integers(len(few), size=(height, 2 * height))]
    raw = PanoramaDepth(range_m, np.isposinf(range_m), np.zeros_like(range_m), 100.0)
    ground = GroundScale(ON)
    for k, depth in enumerate((PanoramaDepth.from_range(range_m), raw)):
        camera_height = data.draw(st.one_of(st.floats(), st.just(1.2)))
        state = ground.update(depth, camera_height, float(k))
        assert ON.min_factor * 0.999 <= state.factor <= ON.max_factor * 1.001
        assert 0.0 <= state.share <= 1.0 and state.reason
        assert math.isnan(state.measured) or ON.min_factor <= state.measured <= ON.max_factor
        result = scaled(depth, state.factor)
        assert result.range_m.dtype == np.float32 and result.far.dtype == np.bool_
        np.testing.assert_array_equal(np.isnan(result.range_m), np.isnan(depth.range_m))
        np.testing.assert_array_equal(result.far, np.isposinf(result.range_m))
        assert (result.range_m[result.near] <= 100.0 * 1.0001).all() or state.factor == 1.0


def test_what_the_bundled_model_gains_on_a_camera_that_is_low():
    # A tiled square under the sky, seen from 0.4 m; the model takes it for being seen from a man's height.
    directions, truth = rays(256), floor_along(rays(256), 0.4)
    with np.errstate(invalid="ignore"):
        tile = np.floor(2.0 * (directions * np.where(np.isfinite(truth), truth, 0.0)[..., None])[..., :2]).sum(-1) % 2
    stone = np.where(tile[..., None] > 0, [120, 115, 105], [150, 145, 135])
    image = np.where(directions[..., 2:] > 0, [170, 200, 235], stone).astype(np.uint8)
    with DepthEstimator.open(threads=1) as estimator:
        depth = estimator(image)
    state = GroundScale(ON).update(depth, 0.4, 0.0)
    assert 0.2 < state.factor < 0.4 and state.share > 0.8
    known = np.where(truth < 20.0, truth, np.nan)
    before, after = (
        depth_metrics(d.range_m, known, sphere_weight(256)).absrel for d in (depth, scaled(depth, state.factor))
    )
    assert before > 1.5 and after < 0.2


def test_settings():
    config = build(ScaleConfig, {"scale.enabled": True, "scale.max_factor": 1.5}, "scale.")
    assert config.enabled and config.max_factor == 1.5 and not ScaleConfig().enabled
    assert once(floor(0.75), 1.2, config).reason.startswith("the ground asks for a factor of 1.60")
    for wrong in ({"max_factor": 0.9}, {"min_factor": 1.1}, {"min_share": 0.0}, {"time_constant": -1.0}):
        with pytest.raises(InputError):
            build(ScaleConfig, wrong)
