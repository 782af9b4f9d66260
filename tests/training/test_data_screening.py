"""Which pictures are left out: near-duplicates, pictures that are no panorama, and tilted ones."""

import cv2
import numpy as np
import pytest

from dap_core.panorama import rotate, yaw_pitch_roll
from training.data.duplicates import NEAR, Seen, perceptual_hash
from training.data.plausible import Plausible, horizon
from training.worlds.sample import make_sample

HEIGHT = 128


@pytest.fixture(scope="module")
def places():
    """Indoor and outdoor scenes with verticals, upright to 2 degrees."""
    return [make_sample(seed, HEIGHT, kind=kind, samples=1).image for seed, kind in ((1, "apartment"), (3, "alley"))]


def test_hashes_tell_places_apart_and_forgive_the_camera(places):
    rng = np.random.default_rng(0)
    for image in places:
        noisy = np.clip(image + rng.normal(scale=6, size=image.shape), 0, 255).astype(np.uint8)
        smaller = cv2.resize(image, (HEIGHT, HEIGHT // 2), interpolation=cv2.INTER_AREA)
        darker = (0.8 * image).astype(np.uint8)
        for other in (noisy, smaller, darker):
            assert (perceptual_hash(image) ^ perceptual_hash(other)).bit_count() <= NEAR
    apart = [make_sample(seed, 32, samples=1).image for seed in range(20, 28)]
    marks = [perceptual_hash(image) for image in (*places, *apart)]
    distances = [(a ^ b).bit_count() for i, a in enumerate(marks) for b in marks[:i]]
    assert min(distances) > NEAR
    seen = Seen()
    assert [seen.near(image) for image in (places[0], places[1], places[0], apart[0], places[1])] == [0, 0, 1, 0, 1]


@pytest.mark.parametrize("tilt", [0, 10, 20, 35])
def test_the_horizon_is_found(places, tilt):
    for image in places:
        found = horizon(rotate(image, yaw_pitch_roll(0.7, np.deg2rad(tilt)) if tilt else np.eye(3)))
        assert found.tilt == pytest.approx(tilt, abs=4.0) and found.support > 4.0
        fault = Plausible().fault(rotate(image, yaw_pitch_roll(0.7, np.deg2rad(tilt)))) if tilt else None
        assert (fault is not None) == (tilt > 12), fault
        if fault:
            assert fault.startswith("implausible horizon: tilted by")


def test_what_is_no_panorama(places):
    # A photograph of the same shape: its borders do not meet, its first row is no point.
    photograph = cv2.resize(places[0][30:90, 40:160], (2 * HEIGHT, HEIGHT), interpolation=cv2.INTER_LINEAR)
    assert "no panorama" in Plausible().fault(photograph)
    stretched = np.repeat(places[1][48:80], 4, 0)
    assert "its first and last rows are no points" in Plausible(seam=0, tilt=0).fault(stretched)
    broken = places[0].copy()
    broken[:, :128] = 255 - broken[:, :128]
    assert "its borders do not meet" in Plausible(poles=0, tilt=0).fault(np.roll(broken, 0, 1))
    assert Plausible().fault(np.full((HEIGHT, 2 * HEIGHT, 3), 90, np.uint8)) == "empty: one colour"
    for image in places:
        assert Plausible().fault(image) is None and Plausible().fault(np.roll(image, 77, 1)) is None


def test_no_verticals_no_verdict():
    meadow = make_sample(5, HEIGHT, kind="meadow", samples=1).image
    assert horizon(meadow).support < 4.0 and Plausible().fault(meadow) is None
    assert horizon(np.zeros((HEIGHT, 2 * HEIGHT, 3), np.uint8)).support == 0.0
