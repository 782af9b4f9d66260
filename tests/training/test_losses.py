"""Losses: zero at the truth, the magnitudes that the docstrings give, invariance, gradients."""

import math

import numpy as np
import pytest
import torch

from dap_core.panorama import solid_angles
from training.losses import (
    PAPER,
    LossWeights,
    Target,
    edge_mask,
    gradient_loss,
    log_l1_loss,
    range_mask_loss,
    silog_loss,
    solid_angle_weight,
    total_loss,
)


@pytest.fixture
def scene():
    """log truth (2, 16, 32) with a near box in front of a far wall, and full weight."""
    generator = torch.Generator().manual_seed(0)
    depth = 0.05 + 0.01 * torch.rand(2, 16, 32, generator=generator)
    depth[:, 5:11, 8:20] = 0.01
    return depth.log(), solid_angle_weight(16).expand(2, 16, 32)


def test_weight_is_the_solid_angle():
    weight = solid_angle_weight(64)[:, 0].numpy()
    exact = solid_angles(64)
    np.testing.assert_allclose(weight, exact / exact.mean(), rtol=1e-6)


def test_silog_of_a_uniform_overestimate(scene):
    log_truth, weight = scene
    assert silog_loss(log_truth, log_truth, weight).item() == pytest.approx(0.0, abs=1e-7)
    loss = silog_loss(log_truth + math.log(1.1), log_truth, weight).item()
    assert loss == pytest.approx(math.log(1.1) * math.sqrt(0.5), rel=2e-3)
    assert silog_loss(log_truth + 0.3, log_truth, weight, variance_focus=1.0).item() == pytest.approx(0, abs=2e-3)


def test_log_l1(scene):
    log_truth, weight = scene
    assert log_l1_loss(log_truth, log_truth, weight).item() == 0.0
    assert log_l1_loss(log_truth + math.log(1.1), log_truth, weight).item() == pytest.approx(math.log(1.1), rel=1e-5)
    assert log_l1_loss(log_truth + 1.0, log_truth, 0 * weight).item() == 0.0


def test_gradient_loss_sees_only_edges(scene):
    log_truth, weight = scene
    edges = edge_mask(log_truth.exp(), 0.3)
    assert edges[:, 5:11, 7].all() and not edges[:, 7:9, 12:16].any()
    off_edge = log_truth + 0.5 * (~edges)
    assert gradient_loss(off_edge, log_truth, weight, 0.3).item() == pytest.approx(0.0, abs=1e-7)
    on_edge = log_truth + math.log(1.1) * edges
    assert gradient_loss(on_edge, log_truth, weight, 0.3).item() == pytest.approx(0.067, abs=1e-3)


def test_edges_cross_the_seam():
    depth = torch.full((1, 8, 16), 0.1)
    depth[..., 0] = 0.01
    edges = edge_mask(depth)
    assert edges[0, :, 15].all() and edges[0, :, 1].all() and not edges[0, :, 8].any()
    assert not edge_mask(torch.full((1, 8, 16), 0.1)).any()
    zero = gradient_loss(torch.zeros(1, 8, 16), torch.full((1, 8, 16), math.log(0.1)), torch.ones(1, 8, 16))
    assert zero.item() == pytest.approx(0.0, abs=1e-9)


def test_mask_loss_magnitudes():
    far = torch.zeros(1, 8, 16)
    far[:, :4] = 1
    weight = torch.ones(1, 8, 16)
    assert range_mask_loss(40 * (2 * far - 1), far, weight).item() == pytest.approx(0.0, abs=1e-5)
    off = torch.where(far > 0, torch.tensor(0.9), torch.tensor(0.1)).logit()
    assert range_mask_loss(off, far, weight).item() == pytest.approx(0.01 + 0.5 * 0.1, abs=1e-3)
    assert range_mask_loss(off, far, weight, cross_entropy=True).item() == pytest.approx(
        -math.log(0.9) + 0.05, abs=1e-3
    )
    none = torch.zeros(1, 8, 16)
    assert range_mask_loss(torch.full_like(none, -40.0), none, weight).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("loss", [silog_loss, gradient_loss])
def test_invariant_under_yaw_and_flip(scene, loss):
    log_truth, weight = scene
    generator = torch.Generator().manual_seed(1)
    prediction = log_truth + 0.2 * torch.randn(log_truth.shape, generator=generator)
    value = loss(prediction, log_truth, weight)
    for move in (lambda x: x.roll(7, -1), lambda x: x.flip(-1)):
        torch.testing.assert_close(loss(move(prediction), move(log_truth), move(weight)), value)


def test_gradcheck():
    generator = torch.Generator().manual_seed(2)
    truth = torch.rand(1, 6, 12, generator=generator, dtype=torch.float64) - 3
    prediction = (truth + 0.3 * torch.randn(truth.shape, generator=generator, dtype=torch.float64)).requires_grad_()
    weight = solid_angle_weight(6).double().expand_as(truth)
    far = (truth > -2.5).double()
    assert torch.autograd.gradcheck(lambda p: silog_loss(p, truth, weight), prediction)
    assert torch.autograd.gradcheck(lambda p: range_mask_loss(p, far, weight).double(), prediction, atol=1e-3, eps=1e-3)


def test_total_honours_masks():
    truth = torch.full((1, 8, 16), 0.05)
    far = torch.zeros(1, 8, 16, dtype=torch.bool)
    far[:, :2] = True
    truth[far] = 1.0
    valid = torch.ones_like(far)
    valid[:, 6:] = False
    logit = truth.clamp(max=0.999).logit()
    broken = logit.clone()
    broken[:, 6:] = 3.0
    mask_logit = 20.0 * (2 * far.float() - 1)
    target = Target(truth, far, valid)
    good, _ = total_loss(logit, mask_logit, target, LossWeights())
    same, terms = total_loss(broken, mask_logit, target, LossWeights())
    torch.testing.assert_close(good, same)
    assert good.item() < 0.01
    assert set(terms) == {"silog", "log_l1", "gradient", "mask"}
    wrong_far = logit.clone()
    wrong_far[:, :2] = 0.0  # half the limit where it is far
    full = total_loss(wrong_far, mask_logit, target, LossWeights(gradient=0.0))[0]
    none = total_loss(wrong_far, mask_logit, target, LossWeights(gradient=0.0, far_depth=0.0))[0]
    assert full.item() > 0.1 and none.item() < 0.01


def test_a_missed_obstacle_costs_more_than_a_missed_sky():
    far = torch.zeros(1, 8, 16, dtype=torch.bool)
    far[..., 8:] = True
    depth = torch.where(far, 1.0, 0.05)
    truth = Target(depth, far, torch.ones_like(far))
    obstacle, sky = 40.0 * (2 * far.float() - 1), 40.0 * (2 * far.float() - 1)
    obstacle[..., 0], sky[..., 8] = 40.0, -40.0
    # Squared error + 0.5 Dice by hand: 8 of 64 near pixels called far, then 8 of 64 far ones called near.
    for near_mask, missed_obstacle, missed_sky in ((1.0, 0.0938, 0.0938), (3.0, 0.1500, 0.0530)):
        weights = LossWeights(silog=0.0, gradient=0.0, mask=1.0, near_mask=near_mask)
        for logit, expected in ((obstacle, missed_obstacle), (sky, missed_sky)):
            loss, _ = total_loss(depth.clamp(max=0.999).logit(), logit, truth, weights)
            assert loss.item() == pytest.approx(expected, abs=1e-3)


def test_the_papers_total():
    generator = torch.Generator().manual_seed(4)
    depth = 0.02 + 0.05 * torch.rand(2, 16, 32, generator=generator)
    far = torch.zeros(2, 16, 32, dtype=torch.bool)
    far[:, :4] = True
    depth[far] = 1.0
    valid = torch.rand(2, 16, 32, generator=generator) > 0.1
    depth_logit = (0.8 * depth).logit() + 0.1 * torch.randn(2, 16, 32, generator=generator)
    mask_logit = torch.randn(2, 16, 32, generator=generator)
    loss, terms = total_loss(depth_logit, mask_logit, Target(depth, far, valid), PAPER)
    factors = {"silog": 1, "dense_fidelity": 0.4, "gradient": 5, "normal": 2, "points": 2, "mask": 2}
    assert loss.item() == pytest.approx(sum(f * terms[name].item() for name, f in factors.items()), rel=1e-6)
    assert all(terms[name] > 0 for name in factors)
    # Of the sky, dense fidelity sees nothing; what is invalid counts nowhere, nor under bf16 autocast.
    bright = torch.where(far, depth_logit - 3.0, depth_logit)
    _, other = total_loss(bright, mask_logit, Target(depth, far, valid), PAPER)
    assert other["dense_fidelity"] == terms["dense_fidelity"] and other["silog"] > terms["silog"]
    poisoned = Target(depth.masked_fill(~valid, float("nan")), far, valid)
    with torch.autocast("cpu", torch.bfloat16):
        same, _ = total_loss(depth_logit.masked_fill(~valid, float("nan")), mask_logit, poisoned, PAPER)
    assert torch.equal(same, loss)
