"""Metrics against closed forms, baselines against what they are."""

import numpy as np
import pytest

from dap_core.evaluation.baselines import apply_row_prior, oracle_constant, oracle_row_median, row_prior
from dap_core.evaluation.metrics import depth_metrics, horizon_band, mean_metrics, sphere_weight, weighted_median


@pytest.fixture
def truth():
    return np.random.default_rng(0).uniform(0.5, 20.0, (16, 32))


def test_perfect(truth):
    assert depth_metrics(truth, truth).as_dict() == {"absrel": 0.0, "rmse": 0.0, "mae": 0.0, "delta1": 1.0}


@pytest.mark.parametrize(("factor", "delta1"), [(1.2, 1.0), (1.26, 0.0), (0.79, 0.0)])
def test_uniform_scale(truth, factor, delta1):
    m = depth_metrics(factor * truth, truth)
    assert m.absrel == pytest.approx(abs(factor - 1))
    assert m.mae == pytest.approx(abs(factor - 1) * truth.mean())
    assert m.rmse == pytest.approx(abs(factor - 1) * np.sqrt((truth**2).mean()))
    assert m.delta1 == delta1
    assert depth_metrics(factor * truth, truth, align=True).absrel == pytest.approx(0.0, abs=1e-12)


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
