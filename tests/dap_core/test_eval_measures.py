"""Far mask, seams, edges and flicker: each on inputs whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core.estimate import PanoramaDepth
from dap_core.evaluation.edges_accuracy import edge_accuracy, edges
from dap_core.evaluation.flicker import FlickerMeter
from dap_core.evaluation.range_mask import MaskSums, mask_sums
from dap_core.evaluation.seam import cube_seams, seam_error
from dap_core.panorama import elevations, rays


def test_mask_by_hand():
    truth = np.full((4, 8), 5.0)
    truth[:2] = np.inf  # the upper half is sky
    truth[0, 0] = np.nan
    probability = np.full((4, 8), 0.1)
    probability[:2, :4], probability[2, :2] = 0.9, 0.7
    sums = mask_sums(probability > 0.5, probability, truth, 100.0)
    s = sums.scores()
    assert (s.precision, s.recall, s.iou) == pytest.approx((7 / 9, 7 / 15, 7 / 17))
    sphere = sums.scores("sphere")
    low, high = 1 - np.sin(np.pi / 4), np.sin(np.pi / 4)  # a pixel in rows 0 and 3, and in rows 1 and 2
    hit, false, missed = 3 * low + 4 * high, 2 * high, 4 * low + 4 * high
    assert (sphere.precision, sphere.recall) == pytest.approx((hit / (hit + false), hit / (hit + missed)))
    predicted, observed, share = sums.calibration()
    assert predicted[9] == pytest.approx(0.9) and observed[9] == 1.0 and observed[7] == 0.0
    assert share[np.isfinite(predicted)].sum() == pytest.approx(1.0)
    assert sums.has_far and not MaskSums().has_far
    both = (sums + sums).scores()
    assert both == s
    assert np.isnan(MaskSums().scores().iou) and np.isnan(MaskSums().expected_calibration_error())


def test_a_sure_and_right_mask_is_perfect():
    truth = np.random.default_rng(0).uniform(1, 200, (32, 64))
    far = truth > 100
    sums = mask_sums(far, far.astype(float), truth, 100.0)
    assert sums.scores().as_dict() == {"precision": 1.0, "recall": 1.0, "iou": 1.0}
    assert sums.expected_calibration_error() == 0.0


def test_a_calibrated_mask_is_found_calibrated():
    rng = np.random.default_rng(1)
    probability = rng.uniform(0, 1, (128, 256))
    truth = np.where(rng.uniform(0, 1, probability.shape) < probability, np.inf, 3.0)
    sums = mask_sums(probability > 0.5, probability, truth, 100.0)
    assert sums.expected_calibration_error() < 0.02
    overconfident = mask_sums(probability > 0.5, (probability > 0.5).astype(float), truth, 100.0)
    assert overconfident.expected_calibration_error() == pytest.approx(0.25, abs=0.02)


def predictor(range_of_rays):
    return lambda image: PanoramaDepth.from_range(range_of_rays(image))


def test_a_model_that_turns_with_the_image_has_no_seam():
    image = np.random.default_rng(0).integers(0, 255, (32, 64, 3), np.uint8)
    predict = predictor(lambda i: 1.0 + i[..., 0].astype(np.float32))
    assert seam_error(predict, image, predict(image)).as_dict() == {"mean": 0.0, "at_seam": 0.0, "far_flip": 0.0}


def test_a_model_with_a_seam_is_found_out():
    image = np.zeros((32, 64, 3), np.uint8)

    def ragged(_):
        range_m = np.full((32, 64), 2.0, np.float32)
        range_m[:, 0] = 3.0
        range_m[:8, 20] = 500.0
        return range_m

    seam = seam_error(predictor(ragged), image, predictor(ragged)(image))
    # Column 0 says 3 where the turned image says 2, and column 32 says 2 where the turned one says 3.
    assert seam.at_seam == pytest.approx((1 / 3) / 4)
    assert seam.mean == pytest.approx((1 / 3 + 1 / 2) / 64, rel=0.05)
    assert seam.far_flip == pytest.approx(2 / 64 * (1 - np.sin(np.pi / 4)) / 2)


def test_cube_seams_see_cubes_and_not_rooms():
    directions = rays(1024)
    axis = np.abs(directions).argmax(-1)
    face = 2 * axis + (np.take_along_axis(directions, axis[..., None], -1)[..., 0] < 0)
    box = 2.0 / np.abs(directions).max(-1)  # a cubic room of half-width 2: its range is continuous everywhere
    assert cube_seams(box).as_dict() == {"density": 0.0, "prevalence": 0.0, "severity": 0.0}
    found = cube_seams(box * np.array([1.0, 1.3, 0.8, 1.1, 0.9, 1.2])[face])
    assert found.density > 0.9 and found.prevalence == 1.0 and found.severity == 1.0
    ceiling = cube_seams(box * np.where(face == 4, 1.3, 1.0))  # its four edges of the twelve
    assert (ceiling.prevalence, ceiling.severity) == pytest.approx((4 / 12, 4 / 12))
    assert np.isnan(cube_seams(np.full((8, 16), np.inf)).density)


def step(column, height=64):
    range_m = np.full((height, 2 * height), 8.0)
    range_m[:, column : column + 20] = 2.0
    return range_m


def test_edges_are_found_where_they_are():
    truth = step(40)
    assert edge_accuracy(truth, truth).as_dict() == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert edge_accuracy(step(41), truth).f1 == 1.0  # one pixel of 2.8 degrees is the least tolerance there is
    assert edge_accuracy(step(45), truth).f1 == 0.0
    half = step(40)
    half[32:] = 8.0
    found = edge_accuracy(half, truth)
    assert found.recall == pytest.approx(0.5, abs=0.05)
    flat = edge_accuracy(np.full_like(truth, 8.0), truth)
    assert np.isnan(flat.precision) and flat.recall == 0.0


def test_edges_go_around_the_seam_and_leave_the_poles_out():
    truth = step(118)  # 20 columns from 118 on reach the border at 127
    truth[:, :10] = 2.0
    assert edges(truth)[30].sum() == 2 and edges(truth)[30, [117, 9]].all()
    polar = np.full((64, 128), 8.0)
    polar[np.degrees(elevations(64)) > 75] = 2.0
    assert np.isnan(edge_accuracy(polar, polar).recall)
    unknown = np.where(truth == 2.0, np.nan, truth)
    assert not edges(unknown).any()


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(np.float32, (8, 16), elements=st.sampled_from([0.0, -1.0, 1.0, 3.0, 1e30, np.nan, np.inf])))
def test_measures_survive_anything(range_m):
    for found in (edge_accuracy(range_m, range_m), cube_seams(range_m)):
        assert all(np.isnan(v) or 0.0 <= v <= 1.0 for v in found.as_dict().values())
    sums = mask_sums(range_m > 2, np.where(np.isnan(range_m), np.nan, 0.5), range_m, 100.0)
    assert sums.confusion[0].sum() == (~np.isnan(range_m)).sum()


def test_flicker():
    meter = FlickerMeter()
    assert np.isnan(meter.mean)
    truth = np.random.default_rng(0).uniform(1, 9, (3, 16, 32))
    # Right up to one scale a frame: only the breathing of the scale is flicker, not the motion of the scene.
    scales = (1.0, 1.1, 1.1)
    assert [meter.add(s * t, t) for s, t in zip(scales, truth, strict=True)] == [
        None,
        pytest.approx(np.log(1.1)),
        pytest.approx(0.0, abs=1e-12),
    ]
    assert meter.mean == pytest.approx(np.log(1.1) / 2)
    still = FlickerMeter()
    still.add(truth[0])
    moved = truth[0].copy()
    moved[:8] *= 1.2
    assert still.add(moved) == pytest.approx(np.log(1.2) / 2)  # the upper half is half of the sphere
