import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.products.still import connected, still_part

HEIGHT = 64


def robot():
    """A body below -50 degrees, deeper at one side, and a mast four pixels wide up to the horizon, on the seam."""
    mask = np.zeros((HEIGHT, 2 * HEIGHT), bool)
    mask[50:] = True
    mask[46:, 20:60] = True
    mask[HEIGHT // 2 :, [-2, -1, 0, 1]] = True
    return mask


def drive(count, noise=2.0, light=0.2, seed=0):
    """Pictures of that robot in a world of blobs that is another one in each."""
    rng = np.random.default_rng(seed)
    body = np.where(robot()[..., None], 60 + 80 * rng.random((HEIGHT, 2 * HEIGHT, 1)), 0)
    frames = []
    for _ in range(count):
        world = cv2.resize(rng.uniform(20, 235, (16, 32, 3)), (2 * HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
        scene = np.where(robot()[..., None], body * rng.uniform(1 - light, 1 + light), world)
        frames.append(np.clip(scene + rng.normal(0, noise, scene.shape), 0, 255).astype(np.uint8))
    return np.stack(frames)


def below(rows=3):
    seeds = np.zeros((HEIGHT, 2 * HEIGHT), bool)
    seeds[-rows:] = True
    return seeds


@pytest.mark.parametrize(("count", "noise", "light"), [(12, 0.0, 0.0), (12, 2.0, 0.2), (30, 4.0, 0.3)])
def test_the_robot_is_found_in_its_drive(count, noise, light):
    found, truth = still_part(drive(count, noise, light), below()), robot()
    # All of it, in changing light, and nothing further away than the margin of a few pixels.
    assert found[truth].mean() > 0.995
    around = cv2.dilate(np.pad(truth, 5, mode="wrap").astype(np.uint8), np.ones((7, 7), np.uint8))[5:-5, 5:-5]
    assert not found[around == 0].any()


def test_what_is_still_elsewhere_is_not_the_robot():
    frames = drive(12, light=0.0)
    frames[:, 5:15, 30:50] = 128
    assert not still_part(frames, below())[:20].any()
    above = below()
    above[8:12, 35:40] = True
    assert still_part(frames, above)[6:14, 31:49].all()


def test_holes_are_filled():
    frames = drive(12, noise=0.0)
    frames[:, 58:60, 80:82] = np.random.default_rng(3).integers(0, 256, (12, 2, 2, 3))
    assert still_part(frames, below())[55:, 75:90].all()


def test_what_cannot_be_found_is_one_line():
    with pytest.raises(InputError, match="five pictures or more, got 4"):
        still_part(drive(4), below())
    with pytest.raises(InputError, match="no part was given"):
        still_part(drive(5), np.zeros((HEIGHT, 2 * HEIGHT), bool))
    moving = np.zeros((HEIGHT, 2 * HEIGHT), bool)
    moving[:10] = True
    with pytest.raises(InputError, match="changes between pictures"):
        still_part(drive(10), moving)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 30))
def test_parts_continue_across_the_seam(seed, columns):
    rng = np.random.default_rng(seed)
    mask, seeds = rng.random((12, 24)) < 0.55, rng.random((12, 24)) < 0.03
    found = connected(mask, seeds)
    # Turned, so that the seam lies elsewhere, the same; and what touches it belongs to it or is not of the mask.
    np.testing.assert_array_equal(
        np.roll(connected(np.roll(mask, columns, 1), np.roll(seeds, columns, 1)), -columns, 1), found
    )
    assert (found >= (seeds & mask)).all() and (found <= mask).all()
    grown = found | np.roll(found, 1, 1) | np.roll(found, -1, 1)
    grown[1:] |= found[:-1]
    grown[:-1] |= found[1:]
    np.testing.assert_array_equal(grown & mask, found)


def test_a_spiral_around_the_camera_is_one_part():
    # Two and a half turns, from the top left down to a seed at the bottom.
    mask = np.zeros((12, 20), bool)
    for turn in range(5):
        mask[2 * turn + 1, :] = True
        mask[2 * turn + 1, 10] = False
        mask[2 * turn + 2, 9] = True
    mask[1::2, 10] = False
    seeds = np.zeros_like(mask)
    seeds[10, 9] = True
    found = connected(mask, seeds)
    assert found.sum() == mask.sum()
