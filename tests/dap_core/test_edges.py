import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.products.edges import EdgesConfig, flying_pixels, without

HEIGHT = 128
directions = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).filter(lambda v: np.linalg.norm(v) > 0.1)


def unit(vector):
    return np.asarray(vector) / np.linalg.norm(vector)


def flying(range_m, **config):
    return flying_pixels(PanoramaDepth.from_range(range_m), EdgesConfig(**config))


def planes(*planes_, height=HEIGHT):
    """Exact range of what lies behind planes (normal, distance), the nearest along each ray."""
    with np.errstate(divide="ignore"):
        hits = [distance / (panorama.rays(height).astype(np.float64) @ unit(normal)) for normal, distance in planes_]
    return np.min([np.where(hit > 0, hit, np.inf) for hit in hits], axis=0)


def room(height=HEIGHT):
    """A floor, a ceiling and four walls."""
    axes = [((0, 0, -1), 1.2), ((0, 0, 1), 1.8), ((1, 0, 0), 3), ((-1, 0, 0), 12), ((0, 1, 0), 1.5), ((0, -1, 0), 5)]
    return planes(*axes, height=height)


def disc(direction, near=2.0, far=6.0, smear=0.0, radius=0.4, height=HEIGHT):
    """A disc about a direction before a sphere, its edge a ramp `smear` pixels wide; the ramp, and its inner part."""
    angle = np.arccos(np.clip(panorama.rays(height).astype(np.float64) @ unit(direction), -1, 1))
    share = np.clip((angle - radius) * height / np.pi / max(smear, 1e-9) + 0.5, 0, 1)
    range_m = near + (far - near) * share
    return range_m, (range_m > near) & (range_m < far), (range_m > near * 1.15) & (range_m < far / 1.15)


@settings(max_examples=25, deadline=None)
@given(directions, st.floats(0.2, 20.0))
def test_no_plane_flies_at_any_angle(normal, distance):
    # Up to a range of 20 distances: an angle of 3 degrees between ray and plane.
    range_m = planes((normal, distance), height=256)
    depth = PanoramaDepth.from_range(range_m, max_range_m=20 * distance)
    assert depth.near.any() and not flying_pixels(depth).any()


def test_the_floor_reaches_the_horizon():
    # Exact floor from a robot's height: neighbouring rows near the horizon differ by a factor of up to 3.
    range_m = planes(((0, 0, -1), 0.25), height=256)
    assert range_m[128, 0] > 2.9 * range_m[129, 0] and not flying(range_m).any()


def test_walls_seen_along_stay_whole():
    range_m = room(256)
    assert range_m.max() / range_m.min() > 10 and not flying(range_m).any()


@pytest.mark.parametrize("direction", [(1, 0, 0), (-1, 0, 0), (0.5, 0.5, 0.7), (0, 0, 1), (0.1, 0.05, -1)])
def test_curtains_go_in_every_direction(direction):
    # The seam behind, and both poles.
    for smear in (2.0, 4.0):
        range_m, ramp, curtain = disc(direction, smear=smear)
        gone = flying(range_m)
        assert curtain.sum() > 50 and gone[curtain].mean() > 0.9
        assert not gone[~ramp].any()


@pytest.mark.parametrize("direction", [(1, 0, 0), (-1, 0, 0), (0.5, 0.5, 0.7), (0, 0, 1)])
def test_sharp_edges_stay_whole(direction):
    range_m, ramp, _ = disc(direction)
    assert not ramp.any() and not flying(range_m).any()


def test_a_smeared_box_loses_its_curtain_and_nothing_else():
    # The answer is known: what bilinear resampling puts between the box and the room.
    exact = room(256).astype(np.float32)
    v, u = np.indices(exact.shape)
    exact[(np.abs(v - 140) < 25) & (np.abs(u - 256) < 20)] = 1.0
    exact[(np.abs(v - 120) < 40) & (np.abs(u - 60) < 3)] = 1.0
    half = cv2.resize(exact, (256, 128), interpolation=cv2.INTER_AREA)
    smeared = cv2.resize(half, (512, 256), interpolation=cv2.INTER_LINEAR)
    around = np.stack([np.roll(exact, (dv, du), (0, 1)) for dv in range(-2, 3) for du in range(-2, 3)])
    tolerance = np.maximum(0.1 * smeared, 0.15)
    wrong = np.abs(around - smeared).min(0) > tolerance
    gone = flying(smeared)
    assert wrong.sum() > 400
    assert gone[wrong].mean() > 0.9
    assert gone[~wrong].mean() < 0.005


def test_an_edge_against_the_sky():
    range_m, ramp, curtain = disc((1, 0, 0), near=4.0, far=80.0, smear=3.0)
    range_m[range_m > 75] = np.inf
    gone = flying(range_m)
    assert gone[curtain & (range_m < 60)].mean() > 0.9 and not gone[~ramp].any()


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float32, (16, 32), elements=st.floats(0.125, 64, width=32)), st.integers(1, 3))
def test_what_flies_has_something_nearer_beside_it(range_m, reach):
    gone = flying(range_m, reach=reach)
    for v, u in np.argwhere(gone & (np.abs(np.arange(16) - 7.5) < 4)[:, None]):  # there a pixel is a pixel
        around = [range_m[v - reach, u], range_m[v + reach, u], range_m[v, u - reach], range_m[v, (u + reach) % 32]]
        assert min(around) * 1.09 < range_m[v, u]
    assert not gone[range_m == range_m.min()].any()


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.float32, (16, 32), elements=st.floats(0.125, 64, width=32)),
    st.integers(0, 31),
    st.sampled_from([0.25, 8.0]),
)
def test_the_same_in_every_heading_upside_down_and_at_every_scale(range_m, columns, scale):
    gone = flying(range_m)
    np.testing.assert_array_equal(flying(panorama.roll(range_m, columns)), panorama.roll(gone, columns))
    np.testing.assert_array_equal(flying(range_m[::-1, ::-1]), gone[::-1, ::-1])
    depth = PanoramaDepth.from_range(range_m * np.float32(scale), max_range_m=1e4)
    np.testing.assert_array_equal(flying_pixels(depth), gone)


nonsense = hnp.arrays(
    np.float32, (8, 16), elements=st.sampled_from([0.0, -1.0, 1e-45, 1e-3, 2.0, 3.0, 50.0, 3e38, np.inf, np.nan])
)


@settings(max_examples=50, deadline=None)
@given(nonsense, nonsense, hnp.arrays(bool, (8, 16)))
@pytest.mark.filterwarnings("error")
def test_any_depth_gives_a_mask_of_near_pixels(range_m, probability, far):
    for depth in (PanoramaDepth.from_range(range_m), PanoramaDepth(range_m, far, probability, 100.0)):
        gone = flying_pixels(depth)
        assert gone.shape == (8, 16) and gone.dtype == bool and not (gone & ~depth.near).any()


def test_what_is_unknown_is_no_edge():
    range_m = room(64)
    range_m[20:40, 10:40] = np.nan
    assert not flying(range_m).any()


def test_switched_off():
    assert not flying(disc((1, 0, 0), smear=4.0)[0], enabled=False).any()


def test_without_takes_points_out_of_everything():
    range_m = np.array([[1, 2, np.inf, 4], [np.inf, np.nan, 3, 2]], np.float32)
    depth = PanoramaDepth.from_range(range_m)
    mask = np.array([[1, 0, 1, 0], [0, 1, 0, 0]], bool)
    rest = without(depth, mask)
    np.testing.assert_array_equal(rest.range_m, [[np.nan, 2, np.nan, 4], [np.inf, np.nan, 3, 2]])
    np.testing.assert_array_equal(rest.far, [[0, 0, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(rest.far_probability, [[np.nan, 0, np.nan, 0], [1, np.nan, 0, 0]])
    assert not (rest.near & mask).any() and rest.max_range_m == depth.max_range_m
    assert depth.range_m[0, 0] == 1 and depth.far[0, 2]


def test_wrong_arguments():
    depth = PanoramaDepth.from_range(np.ones((4, 8), np.float32))
    for mask in (np.zeros((4, 4), bool), np.zeros((4, 8), np.uint8)):
        with pytest.raises(InputError, match=r"a mask of this depth is \(4, 8\) bool"):
            without(depth, mask)
    with pytest.raises(InputError, match="twice as wide"):
        flying_pixels(PanoramaDepth.from_range(np.ones((4, 4), np.float32)))


def test_fast_enough_for_every_frame():
    # A millisecond on a quiet core; the bound is loose for a busy one, and catches a loop over pixels.
    depth = PanoramaDepth.from_range(disc((1, 0, 0), smear=4.0, height=256)[0])
    flying_pixels(depth)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        flying_pixels(depth)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.01
