import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core import DepthEstimator, panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.export.parity import room as picture_of_a_room
from dap_core.products.temporal import Motion, TemporalConfig, TemporalFilter

RATE_HZ = 10.0
ALPHA = 1 - math.exp(-1 / RATE_HZ / TemporalConfig().time_constant)
HALF_GATE = 0.5 * TemporalConfig().gate


def steadied(frames, motions=None, **config):
    """The filter's results for frames (ranges or depths) at 10 Hz."""
    steady = TemporalFilter(TemporalConfig(enabled=True, **config))
    depths = [f if isinstance(f, PanoramaDepth) else PanoramaDepth.from_range(f) for f in frames]
    motions = motions or [None] * len(depths)
    return [steady.update(d, k / RATE_HZ, m) for k, (d, m) in enumerate(zip(depths, motions, strict=True))]


def noisy(range_m, sigma, rng):
    return range_m * np.exp(sigma * rng.standard_normal(range_m.shape))


def with_probability(probability, range_m=5.0):
    """Depth of (h, w) far probabilities, near pixels at one range."""
    p = np.asarray(probability, np.float32)
    return PanoramaDepth(np.where(p > 0.5, np.float32(np.inf), np.float32(range_m)), p > 0.5, p, 100.0)


def corridor(position, yaw=0.0, height=128):
    """Exact range in a corridor 3 m wide with two end walls, seen from a place in it."""
    rays = panorama.rays(height).astype(np.float64) @ panorama.yaw_pitch_roll(yaw).T
    low, high = np.array([-8.0, -1.5, 0.0]) - position, np.array([8.0, 1.5, 3.0]) - position
    with np.errstate(divide="ignore"):
        return np.where(rays > 0, high / rays, low / rays).min(-1).astype(np.float32)


def walk(steps, speed=1.0, turn=0.4, height=128):
    """Exact ranges along a curved walk at 10 Hz, and the motion before each."""
    yaws = turn / RATE_HZ * np.arange(steps)
    places = np.array([-2.0, -0.5, 1.2]) + speed / RATE_HZ * np.outer(np.arange(steps), [1.0, 0.2, 0.0])
    turns = [panorama.yaw_pitch_roll(yaw) for yaw in yaws]
    motions = [
        Motion(turns[k].T @ turns[k - 1], turns[k].T @ (places[k - 1] - places[k])) if k else None for k in range(steps)
    ]
    return [corridor(p, y, height) for p, y in zip(places, yaws, strict=True)], motions


@pytest.mark.parametrize("time_constant", [0.15, 0.3, 1.0])
def test_white_noise_keeps_its_share(time_constant):
    # alpha / (2 - alpha) of the variance, once the first frame (1 - alpha)^k is forgotten.
    rng = np.random.default_rng(0)
    alpha = 1 - math.exp(-0.1 / time_constant)
    frames = round(4 / alpha) + 10
    last = steadied([noisy(np.full((64, 128), 4.0), 0.01, rng) for _ in range(frames)], time_constant=time_constant)[-1]
    np.testing.assert_allclose(np.log(last.range_m / 4.0).std(), 0.01 * np.sqrt(alpha / (2 - alpha)), rtol=0.03)
    np.testing.assert_allclose(np.median(last.range_m), 4.0, rtol=1e-3)


def test_the_time_between_frames_counts():
    # A change of 4 %, followed for the same time in one step and in four.
    frames = [PanoramaDepth.from_range(np.full((8, 16), r)) for r in (4.0, 4.16)]
    results = []
    for steps in (1, 4):
        steady = TemporalFilter(TemporalConfig(enabled=True, gate=0.2))
        for k in range(40):
            steady.update(frames[0], 0.1 * k)
        for k in range(steps):
            result = steady.update(frames[1], 3.9 + 0.2 * (k + 1) / steps)
        results.append(math.log(result.range_m[0, 0] / 4.0))
    np.testing.assert_allclose(results, math.log(1.04) * (1 - math.exp(-0.2 / 0.3)), rtol=1e-4)


def test_the_first_frames_are_averaged():
    ranges = [4.0, 4.1]
    last = steadied([np.full((8, 16), r) for r in ranges])[-1]
    np.testing.assert_allclose(last.range_m, np.sqrt(4.0 * 4.1), rtol=1e-6)


def test_a_passing_box_is_not_smeared():
    # A box at 2 m before walls at 2.3 m and 6 m: every pixel it covers or uncovers is right in the same frame.
    rng = np.random.default_rng(1)
    for wall in (2.3, 6.0):
        truths, frames = [], []
        for k in range(25):
            truth = np.full((64, 128), wall)
            truth[20:50, 3 * k : 3 * k + 24] = 2.0
            truths.append(truth)
            frames.append(noisy(truth, 0.01, rng))
        errors = np.array([np.log(d.range_m / t) for d, t in zip(steadied(frames), truths, strict=True)][5:])
        changed = np.array([a != b for a, b in zip(truths[5:], truths[4:-1], strict=True)])
        assert changed.sum() > 3000
        assert (np.abs(errors[changed]) < 0.05).mean() > 0.995
        assert np.abs(errors[changed]).mean() < 1.15 * 0.01 * np.sqrt(2 / np.pi)
        still = ~np.any([t != truths[0] for t in truths], axis=0) & (truths[0] == wall)
        assert errors[:, still].std() < 0.5 * 0.01


def test_a_small_step_is_followed_within_frames():
    frames = [np.full((8, 16), 4.0)] * 20 + [np.full((8, 16), 4.0 * 1.05)] * 8
    errors = [math.log(4.2 / d.range_m[0, 0]) for d in steadied(frames)[20:]]
    np.testing.assert_allclose(errors, math.log(1.05) * (1 - ALPHA) ** np.arange(1, 9), rtol=1e-3)


ranges = hnp.arrays(np.float32, (8, 16), elements=st.floats(0.125, 64, width=32))


@settings(max_examples=40, deadline=None)
@given(st.lists(ranges, min_size=2, max_size=4))
def test_never_farther_from_the_frame_than_half_the_gate(frames):
    for frame, result in zip(frames, steadied(frames), strict=True):
        assert np.abs(np.log(result.range_m / frame)).max() <= HALF_GATE + 1e-5
        assert result.near.all()


def test_near_and_far_do_not_flicker():
    rng = np.random.default_rng(0)
    frames = [with_probability(0.5 + 0.1 * rng.standard_normal((32, 64))) for _ in range(40)]
    results = steadied(frames)
    flips = [np.mean([a.far != b.far for a, b in zip(s[10:], s[9:-1], strict=True)]) for s in (frames, results)]
    assert flips[0] > 0.45 and flips[1] < 0.1 * flips[0]
    for result in results:
        np.testing.assert_array_equal(result.far, np.isposinf(result.range_m))
        assert result.near[~result.far].all()


def test_an_obstacle_before_the_sky_comes_and_goes_at_once():
    sky, obstacle = np.full((8, 16), 0.95), np.full((8, 16), 0.95)
    obstacle[2:5, 3:9] = 0.1
    results = steadied([with_probability(p, 3.0) for p in (sky, sky, obstacle, sky)])
    assert not results[1].near.any() and not results[3].near.any()
    np.testing.assert_array_equal(results[2].near, obstacle < 0.5)
    np.testing.assert_allclose(results[2].range_m[results[2].near], 3.0, rtol=1e-6)


def test_a_hesitant_obstacle_is_near_as_soon_as_its_average_is():
    # Far at 0.8, then near at 0.4: no hysteresis may hide it for good.
    results = steadied([with_probability(np.full((8, 16), p)) for p in [0.8] * 10 + [0.4] * 10])
    near = [bool(r.near[0, 0]) for r in results]
    average = 0.4 + 0.4 * (1 - ALPHA) ** np.arange(1, 11)
    np.testing.assert_array_equal(near[10:], average <= 0.5)
    # Back to 0.55: held near, at its last range. At 0.65: far.
    held = steadied([with_probability(np.full((8, 16), p)) for p in [0.4] * 9 + [0.55] * 9])[-1]
    np.testing.assert_allclose(held.range_m, 5.0, rtol=1e-6)
    assert steadied([with_probability(np.full((8, 16), p)) for p in [0.4] * 9 + [0.65] * 9])[-1].far.all()


def test_what_is_unknown_stays_unknown_and_is_forgotten():
    known, hidden = np.full((8, 16), 4.0), np.full((8, 16), 4.0)
    hidden[2, 3] = np.nan
    results = steadied([known, known, hidden, known * 1.04])
    assert np.isnan(results[2].range_m[2, 3]) and np.isnan(results[2].far_probability[2, 3])
    assert not results[2].far.any() and np.isfinite(results[2].range_m).sum() == 127
    np.testing.assert_allclose(results[3].range_m[2, 3], 4.16, rtol=1e-6)
    assert results[3].range_m[0, 0] < 4.13


@pytest.mark.parametrize("stamp", [0.2, 0.1, -5.0, 1.5, math.nan], ids=["same", "older", "past", "gap", "nan"])
def test_a_broken_clock_starts_anew(stamp):
    steady = TemporalFilter(TemporalConfig(enabled=True))
    old, new = (PanoramaDepth.from_range(np.full((8, 16), r)) for r in (4.0, 4.1))
    for k in range(3):
        steady.update(old, 0.1 * k)
    assert steady.update(new, stamp) is new
    again = steady.update(new, stamp + 0.1)
    np.testing.assert_allclose(again.range_m, 4.1, rtol=1e-6)


def test_another_size_and_reset_start_anew():
    steady = TemporalFilter(TemporalConfig(enabled=True))
    small, large = (PanoramaDepth.from_range(np.full((h, 2 * h), 4.0)) for h in (8, 16))
    steady.update(small, 0.0)
    assert steady.update(large, 0.1) is large
    assert steady.update(large, 0.2) is not large
    steady.reset()
    assert steady.update(large, 0.3) is large


def test_switched_off():
    steady = TemporalFilter()
    depth = PanoramaDepth.from_range(np.full((8, 16), 4.0))
    assert all(steady.update(depth, 0.1 * k) is depth for k in range(3))


def test_motion_takes_the_lag_away():
    truths, motions = walk(25)
    errors = {}
    for name, given_motions in (("still", None), ("motion", motions)):
        results = steadied(truths, given_motions)
        errors[name] = np.mean([np.abs(np.log(d.range_m / t)) for d, t in zip(results, truths, strict=True)][5:])
    assert errors["still"] > 0.01
    assert errors["motion"] < 0.001


def test_noise_averages_out_while_walking():
    rng = np.random.default_rng(0)
    truths, motions = walk(25)
    results = steadied([noisy(t, 0.01, rng) for t in truths], motions)
    errors = np.array([np.log(d.range_m / t) for d, t in zip(results, truths, strict=True)][10:])
    # Looking the average up between pixels takes a little more of the noise.
    assert errors.std() < 1.1 * 0.01 * np.sqrt(ALPHA / (2 - ALPHA))


def test_a_turn_by_whole_pixels_turns_the_average():
    rng = np.random.default_rng(2)
    frames = [rng.uniform(3.9, 4.1, (16, 32)) for _ in range(6)]
    still = steadied(frames)[-1]
    turn = Motion(panorama.yaw_pitch_roll(-3 * 2 * np.pi / 32), np.zeros(3))
    turned = steadied([panorama.roll(f, 3 * k) for k, f in enumerate(frames)], [None] + [turn] * 5)[-1]
    np.testing.assert_allclose(turned.range_m, panorama.roll(still.range_m, 15), rtol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(-0.1, 0.1), st.tuples(*[st.floats(-0.2, 0.2)] * 3))
def test_any_motion_of_a_still_world_changes_nothing(yaw, pitch, step):
    # From one place to another in a room without edges: a sphere seen from inside, in closed form.
    def seen_from(position, rotation):
        rays = panorama.rays(64).astype(np.float64) @ rotation.T
        along = rays @ position
        return -along + np.sqrt(along**2 + 9.0 - position @ position)

    start, end = np.array([0.3, -0.2, 0.1]), np.array([0.3, -0.2, 0.1]) + step
    turned = panorama.yaw_pitch_roll(yaw, pitch)
    motion = Motion(turned.T, turned.T @ (start - end))
    first, second = seen_from(start, np.eye(3)), seen_from(end, turned)
    result = steadied([first, first, second], [None, None, motion])[-1]
    error = np.abs(result.range_m / second - 1)
    assert error.max() < 5e-3 and error.mean() < 2e-4  # the most half a pixel from the poles


nonsense = hnp.arrays(
    np.float32, (8, 16), elements=st.sampled_from([0.0, -1.0, 1e-45, 1e-3, 2.0, 2.1, 50.0, 3e38, np.inf, np.nan])
)
far_step = Motion(panorama.yaw_pitch_roll(0.3), np.array([2.0, 1e5, 0.0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(nonsense, min_size=2, max_size=3), nonsense, hnp.arrays(bool, (8, 16)), st.booleans())
@pytest.mark.filterwarnings("error")
def test_any_depth_gives_valid_depth(frames, probability, far, moving):
    sound = [PanoramaDepth.from_range(f) for f in frames]
    broken = PanoramaDepth(frames[0], far, probability, 100.0)
    motions = [far_step if moving else None] * (len(sound) + 1)
    for sequence in ([*sound, broken], [broken, *sound]):
        for result, depth in list(zip(steadied(sequence, motions), sequence, strict=True))[1:]:
            assert result.range_m.dtype == np.float32 and result.far.dtype == bool
            assert (result.range_m[result.near] > 0).all() and (result.range_m[result.near] <= 100).all()
            assert not (result.near & result.far).any()
            known = depth.far | (depth.near & (depth.range_m > 0))
            np.testing.assert_array_equal(result.near | result.far, known)


def test_the_bundled_network_flickers_less():
    rng = np.random.default_rng(0)
    image = picture_of_a_room(256).astype(np.float32)
    with DepthEstimator.open() as estimator:
        frames = []
        for _ in range(10):
            exposed = image * np.exp(0.05 * rng.standard_normal()) + 4.0 * rng.standard_normal(image.shape)
            frames.append(estimator(np.clip(np.rint(exposed), 0, 255).astype(np.uint8)))
    spread = [
        np.log(np.array([d.range_m for d in s[3:]])[:, np.all([d.near for d in s[3:]], axis=0)]).std(0).mean()
        for s in (frames, steadied(frames))
    ]
    assert spread[0] > 0.002 and spread[1] < 0.65 * spread[0]


def test_wrong_motions():
    for rotation, translation, message in [
        (np.eye(4), np.zeros(3), "rotation matrix"),
        (2 * np.eye(3), np.zeros(3), "rotation matrix"),
        (np.diag([1.0, 1.0, -1.0]), np.zeros(3), "rotation matrix"),
        (np.full((3, 3), np.nan), np.zeros(3), "rotation matrix"),
        (np.eye(3), np.zeros(2), "three finite metres"),
        (np.eye(3), np.array([0.0, np.nan, 0.0]), "three finite metres"),
    ]:
        with pytest.raises(InputError, match=message):
            Motion(rotation, translation)


@pytest.mark.parametrize(("motion", "limit_s"), [(None, 0.015), (Motion(np.eye(3), np.array([0.1, 0.0, 0.0])), 0.05)])
def test_fast_enough_for_every_frame(motion, limit_s):
    # 0.8 ms and 2.4 ms on a quiet core; the bounds are loose for a busy one.
    rng = np.random.default_rng(0)
    frames = [PanoramaDepth.from_range(noisy(corridor(np.array([0, 0, 1.2]), height=256), 0.02, rng)) for _ in range(4)]
    steady, times = TemporalFilter(TemporalConfig(enabled=True)), []
    for k in range(20):
        start = time.perf_counter()
        steady.update(frames[k % 4], 0.1 * k, motion)
        times.append(time.perf_counter() - start)
    assert min(times[1:]) < limit_s
