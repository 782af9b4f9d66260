"""Metrics against closed forms and against a second implementation, baselines against what they are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core.errors import InputError
from dap_core.evaluation.alignment import ALIGNMENTS, apply, fit
from dap_core.evaluation.baselines import apply_row_prior, oracle_constant, oracle_row_median, row_prior
from dap_core.evaluation.metrics import (
    METRICS,
    depth_metrics,
    horizon_band,
    mean_metrics,
    metrics_of,
    sphere_weight,
    weighted_median,
)
from dap_core.evaluation.regions import (
    LATITUDE_BANDS,
    LATITUDE_EDGES_DEG,
    RANGE_BINS,
    RANGE_EDGES_M,
    REGIONS,
    WEIGHTINGS,
    region_metrics,
    region_sums,
)

PERFECT = {name: float(name.startswith("delta")) for name in METRICS}


@pytest.fixture
def truth():
    return np.random.default_rng(0).uniform(0.5, 20.0, (16, 32))


def by_hand(prediction, truth, weight=None, inside=lambda t, degrees: True):
    """All metrics, pixel by pixel in plain Python, from their definitions: nothing shared with the module."""
    height, width = len(truth), len(truth[0])
    total, sums = 0.0, dict.fromkeys(METRICS, 0.0)
    logs = []
    for row in range(height):
        top, bottom = math.pi * (0.5 - row / height), math.pi * (0.5 - (row + 1) / height)
        w = {"plain": 1.0, "sphere": (math.sin(top) - math.sin(bottom)) * 2 * math.pi / width}[weight or "plain"]
        for column in range(width):
            p, t = float(prediction[row][column]), float(truth[row][column])
            if not (math.isfinite(p) and math.isfinite(t) and p > 0 and t > 0):
                continue
            if not inside(t, math.degrees((top + bottom) / 2)):
                continue
            total += w
            sums["absrel"] += w * abs(p - t) / t
            sums["sqrel"] += w * (p - t) ** 2 / t
            sums["rmse"] += w * (p - t) ** 2
            sums["mae"] += w * abs(p - t)
            sums["rmse_log"] += w * (math.log(p) - math.log(t)) ** 2
            sums["log10"] += w * abs(math.log10(p) - math.log10(t))
            for power in (1, 2, 3):
                sums[f"delta{power}"] += w * (max(p / t, t / p) < 1.25**power)
            logs.append((w, math.log(p) - math.log(t)))
    if not total:
        return dict.fromkeys(METRICS, math.nan)
    found = {name: value / total for name, value in sums.items()}
    found["rmse"], found["rmse_log"] = math.sqrt(found["rmse"]), math.sqrt(found["rmse_log"])
    middle = sum(w * d for w, d in logs) / total
    found["silog"] = 100 * math.sqrt(sum(w * (d - middle) ** 2 for w, d in logs) / total)
    return found


def test_perfect(truth):
    assert depth_metrics(truth, truth).as_dict() == PERFECT


@pytest.mark.parametrize(
    ("factor", "deltas"), [(1.2, (1, 1, 1)), (1.26, (0, 1, 1)), (0.79, (0, 1, 1)), (2.0, (0, 0, 0))]
)
def test_uniform_scale(truth, factor, deltas):
    m = depth_metrics(factor * truth, truth)
    off = abs(factor - 1)
    assert m.absrel == pytest.approx(off)
    assert m.mae == pytest.approx(off * truth.mean())
    assert m.sqrel == pytest.approx(off**2 * truth.mean())
    assert m.rmse == pytest.approx(off * np.sqrt((truth**2).mean()))
    assert m.rmse_log == pytest.approx(abs(np.log(factor)))
    assert m.log10 == pytest.approx(abs(np.log10(factor)))
    assert m.silog == pytest.approx(0.0, abs=1e-5)
    assert (m.delta1, m.delta2, m.delta3) == deltas
    assert depth_metrics(factor * truth, truth, align=True).absrel == pytest.approx(0.0, abs=1e-12)


def test_constant_offset(truth):
    m = depth_metrics(truth + 0.3, truth)
    assert m.mae == pytest.approx(0.3) and m.rmse == pytest.approx(0.3)
    assert m.absrel == pytest.approx(0.3 * (1 / truth).mean())
    assert m.sqrel == pytest.approx(0.09 * (1 / truth).mean())
    logs = np.log1p(0.3 / truth)
    assert m.silog == pytest.approx(100 * logs.std()) and m.rmse_log == pytest.approx(np.sqrt((logs**2).mean()))


maps = hnp.arrays(np.float64, (6, 12), elements=st.floats(0.05, 99.0) | st.sampled_from([0.0, -1.0, np.nan, np.inf]))


@settings(max_examples=25, deadline=None)
@given(maps, maps)
def test_every_region_agrees_with_the_second_implementation(prediction, truth):
    regions = {"all": lambda t, degrees: True, "band": lambda t, degrees: abs(degrees) <= 30}
    for i, name in enumerate(RANGE_BINS):
        regions[name] = lambda t, _, i=i: RANGE_EDGES_M[i] < t <= RANGE_EDGES_M[i + 1]
    for i, name in enumerate(LATITUDE_BANDS):
        regions[name] = lambda _, degrees, i=i: LATITUDE_EDGES_DEG[i] < degrees <= LATITUDE_EDGES_DEG[i + 1]
    sums = region_sums(prediction, truth)
    for region, weighting, found in region_metrics(sums):
        expected = by_hand(prediction, truth, weighting, regions[region])
        assert found.as_dict() == pytest.approx(expected, rel=1e-9, abs=1e-4, nan_ok=True), (region, weighting)


def test_regions_are_complete(truth):
    sums = region_sums(1.1 * truth, truth)
    assert sums.shape[:2] == (len(REGIONS), len(WEIGHTINGS))
    for names in (RANGE_BINS, LATITUDE_BANDS):
        parts = sum(sums[REGIONS.index(name)] for name in names)
        np.testing.assert_allclose(parts, sums[0], rtol=1e-12)
    assert sums[0, 0, 0] == truth.size and sums[0, 1, 0] == pytest.approx(4 * np.pi)
    np.testing.assert_allclose(
        region_sums(1.1 * truth, truth, truth < 5) + region_sums(1.1 * truth, truth, truth >= 5), sums
    )
    assert metrics_of(sums[0, 0]).as_dict() == pytest.approx(depth_metrics(1.1 * truth, truth).as_dict(), abs=1e-5)


def test_what_is_left_out(truth):
    predicted = truth.copy()
    truth[0], truth[1], truth[2, 0] = np.inf, np.nan, 0.0
    predicted[3, :16] = 2 * truth[3, :16]
    m = depth_metrics(predicted, truth)
    assert m.absrel == pytest.approx(16 / (13 * 32 + 31))
    assert np.isnan(depth_metrics(predicted, np.full_like(truth, np.inf)).absrel)


def test_weights(truth):
    predicted = truth.copy()
    predicted[0] *= 2
    solid = sphere_weight(16)
    assert depth_metrics(predicted, truth, solid).absrel == pytest.approx(float((solid[0] / solid.sum()).item()))
    assert depth_metrics(predicted, truth, horizon_band(16)).absrel == 0.0
    assert horizon_band(18).sum() == 6


def test_weighted_median():
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])) == 2.0
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([5.0, 1.0, 1.0])) == 3.0


def test_mean_is_per_image(truth):
    mean = mean_metrics([depth_metrics(1.1 * truth, truth), depth_metrics(1.3 * truth, truth)])
    assert mean.absrel == pytest.approx(0.2) and mean.delta1 == 0.5
    assert np.isnan(mean_metrics([]).rmse)


@pytest.mark.parametrize("alignment", ALIGNMENTS[1:])
@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.1, 10.0), shift=st.floats(0.0, 0.5))
def test_alignment_undoes_its_own_distortion(alignment, scale, shift):
    truth = np.random.default_rng(0).uniform(0.5, 20.0, (16, 32))
    if alignment == "scale-and-shift":
        distorted = (truth + shift) * scale
    elif alignment == "disparity":
        distorted = 1.0 / ((1.0 / truth + shift) * scale)
    else:
        distorted = truth * scale
    mask = truth > 1.0
    a, b = fit(distorted, truth, mask, alignment)
    np.testing.assert_allclose(apply(distorted, a, b, alignment), truth, rtol=1e-4)


def test_alignment_by_hand():
    p, t, all_ = np.array([[1.0, 2.0, 4.0]]), np.array([[2.0, 3.0, 5.0]]), np.ones((1, 3), bool)
    assert fit(p, t, all_, "none") == (1.0, 0.0)
    assert fit(p, t, all_, "median") == (1.5, 0.0)
    assert fit(p, t, all_, "scale")[0] == pytest.approx((2 + 6 + 20) / (1 + 4 + 16))
    assert fit(p, t, all_, "scale-and-shift") == pytest.approx((1.0, 1.0))
    with pytest.raises(InputError, match="the prediction is constant"):
        fit(np.ones((1, 3)), t, all_, "scale-and-shift")
    with pytest.raises(InputError, match="at least 2 valid pixels, got 1"):
        fit(p, t, t > 4, "median")
    assert apply(np.array([1.0]), 1.0, -2.0, "disparity")[0] > 1e30  # behind infinity is far, not negative


def test_baselines():
    rows = np.array([1.0, 2.0, 3.0, 4.0])
    truth = np.repeat(rows[:, None], 8, 1)
    truth[0, :] = np.inf
    assert (oracle_constant(truth) == 3.0).all()
    np.testing.assert_array_equal(oracle_row_median(truth)[1:, 0], rows[1:])
    assert np.isnan(oracle_row_median(truth)[0]).all()
    prior = row_prior([truth, truth, np.full_like(truth, 2.0)], 100.0)
    np.testing.assert_array_equal(prior, [100.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(apply_row_prior(prior, 4)[:, 0], prior, rtol=1e-6)
    assert apply_row_prior(prior, 8)[4, 0] == pytest.approx(2**0.25 * 3**0.75, rel=1e-6)
