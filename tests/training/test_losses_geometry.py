"""Normal, point and dense fidelity losses: closed forms, magnitudes, masks, invariance, gradients, precision."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dap_core.panorama import rays, rotate, yaw_pitch_roll
from training.losses import (
    dense_fidelity_loss,
    gradient_loss,
    log_l1_loss,
    normal_loss,
    point_loss,
    range_mask_loss,
    silog_loss,
    solid_angle_weight,
)
from training.losses.dense_fidelity import COLUMNS, patches, view_directions
from training.losses.normals import normals

LOG_LOSSES = [silog_loss, log_l1_loss, gradient_loss, normal_loss, point_loss, dense_fidelity_loss]
HEIGHT = 20


def room(height: int = HEIGHT, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """log depth (2, H, 2 H) of two box-shaped rooms, seen from off their centres."""
    ray = torch.from_numpy(rays(height).astype(np.float64))
    scenes = []
    for walls in ((0.03, 0.02, 0.014), (0.05, 0.09, 0.02)):
        sides = torch.tensor(walls) * torch.tensor([[1.0, 0.7, 1.2], [0.6, 1.3, 0.8]])
        to_side = torch.where(ray > 0, sides[0], sides[1]) / ray.abs().clamp(min=1e-9)
        scenes.append(to_side.amin(-1))
    return torch.stack(scenes).log().to(dtype)


def noisy(truth: torch.Tensor, scale: float = 0.2) -> torch.Tensor:
    return truth + scale * torch.randn(truth.shape, generator=torch.Generator().manual_seed(1)).to(truth.dtype)


@pytest.fixture
def scene() -> tuple[torch.Tensor, torch.Tensor]:
    truth = room()
    return truth, solid_angle_weight(HEIGHT).expand_as(truth)


def test_normals_of_planes_are_exact():
    height = 32
    ray = rays(height).astype(np.float64)
    a, e = np.arctan2(ray[..., 1], ray[..., 0]), np.arcsin(ray[..., 2])
    frame = np.stack(
        [
            np.stack([-np.sin(a), np.cos(a), 0 * a], -1),
            np.stack([-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)], -1),
            ray,
        ],
        -2,
    )
    for plane in ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.6, -0.48, 0.64)):
        facing = ray @ plane
        range_m = np.where(facing > 0.1, 2.0 / np.maximum(facing, 1e-3), np.nan)
        found = normals(torch.from_numpy(range_m)[None].log())[0].permute(1, 2, 0).numpy()
        seen = ~np.isnan(found).any(-1)
        assert seen.mean() > 0.35
        expected = (frame @ plane)[seen]
        np.testing.assert_allclose(found[seen], expected, atol=1e-6)
    # The floor reaches the nadir: the row at the pole, whose neighbours lie across it, is among those.
    assert np.abs(normals(torch.from_numpy(-1.0 / ray[None, 16:, :, 2]).log())[0, 2, -1].numpy()).min() > 0.99


def test_normal_loss_of_a_tilted_wall():
    height = 64
    e = (0.5 - (torch.arange(height) + 0.5) / height) * math.pi
    sphere = torch.zeros(1, height, 2 * height)
    weight = solid_angle_weight(height).expand_as(sphere)
    tilted = sphere + 0.1 * e[:, None]
    expected = 0.1 / math.sqrt(1.01) + 1 - 1 / math.sqrt(1.01)
    assert normal_loss(tilted, sphere, weight).item() == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(0.10, abs=0.005)
    assert normal_loss(room() + math.log(1.1), room(), torch.ones_like(room())).item() == pytest.approx(0, abs=1e-5)


def test_point_loss_is_the_distance_of_the_points(scene):
    truth, weight = scene
    prediction = noisy(truth)
    ray = torch.from_numpy(rays(HEIGHT))
    apart = (prediction.exp()[..., None] * ray - truth.exp()[..., None] * ray).norm(dim=-1)
    expected = (apart * weight).sum((1, 2)) / weight.sum((1, 2))
    assert point_loss(prediction, truth, weight).item() == pytest.approx(expected.mean().item(), rel=1e-5)
    three = torch.full((1, 8, 16), math.log(0.03))
    assert point_loss(three + math.log(1.1), three, torch.ones_like(three)).item() == pytest.approx(0.003, rel=1e-4)


@pytest.mark.parametrize(("depth", "expected"), [(0.138, 0.26), (0.03, 6e-4), (1.0, 720.0)])
@pytest.mark.parametrize("height", [32, 64])
def test_dense_fidelity_of_a_uniform_overestimate(depth, expected, height):
    truth = torch.full((2, height, 2 * height), math.log(depth))
    loss = dense_fidelity_loss(truth + math.log(1.1), truth, torch.ones_like(truth, dtype=torch.bool)).item()
    assert loss == pytest.approx((0.21 * COLUMNS * depth**2) ** 2, rel=1e-3)
    assert loss == pytest.approx(expected, rel=0.05)


def test_icosahedron_views():
    directions = view_directions()
    angles = np.rad2deg(np.arccos(np.clip(directions @ directions.T, -1, 1)))
    assert np.allclose(np.sort(angles, 1)[:, 1:6], 63.4349, atol=1e-3) and len(directions) == 12
    # Each view shows what a camera turned that way sees at its centre, upright: content above is in the first row.
    height = 64
    ray = rays(height)
    views = [patches(torch.from_numpy(np.ascontiguousarray(ray[..., k]))[None])[0] for k in range(3)]
    size = height // 4
    middle = torch.stack(
        [v[:, size // 2 - 1 : size // 2 + 1, size // 2 - 1 : size // 2 + 1].mean((1, 2)) for v in views]
    )
    assert np.allclose(F.normalize(middle.T, dim=1).numpy(), directions, atol=2e-3)
    assert (views[2][:, 0].mean(-1) > views[2][:, -1].mean(-1)).all()
    # Where the seam or a pole lies in a view, nothing tears.
    assert max((v.diff(dim=d).abs().max() for v in views for d in (-1, -2)), default=1) < 0.2


@pytest.mark.parametrize("loss", LOG_LOSSES)
def test_zero_at_the_truth(scene, loss):
    truth, weight = scene
    prediction = truth.clone().requires_grad_()
    value = loss(prediction, truth, weight)
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-7)
    assert prediction.grad.abs().max() < 1e-6
    assert loss(noisy(truth), truth, weight).item() > 1e-4


@pytest.mark.parametrize("loss", LOG_LOSSES)
def test_invariant_under_yaw_and_flip(scene, loss):
    truth, weight = scene
    prediction = noisy(truth)
    value = loss(prediction, truth, weight)
    columns = HEIGHT if loss is dense_fidelity_loss else 7
    for move in (lambda x: x.roll(columns, -1), lambda x: x.flip(-1)):
        torch.testing.assert_close(loss(move(prediction), move(truth), move(weight)), value, rtol=2e-5, atol=1e-7)


def test_dense_fidelity_depends_little_on_other_yaws():
    truth = room(64)
    valid = torch.ones_like(truth, dtype=torch.bool)
    rolled = [truth.roll(columns, -1) for columns in range(0, 64, 9)]
    values = [dense_fidelity_loss(t + math.log(1.1), t, valid).item() for t in rolled]
    assert np.std(values) < 0.15 * np.mean(values)


def all_losses(prediction, truth, weight):
    far = room() > room().mean()
    yield from (loss(prediction, truth, weight) for loss in LOG_LOSSES)
    yield gradient_loss(prediction, truth, weight, 0.02)
    yield from (range_mask_loss(prediction, far, weight, switch) for switch in (False, True))


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf"), 50.0])
@pytest.mark.parametrize("where", ["truth", "prediction"])
def test_a_masked_pixel_changes_nothing(scene, poison, where):
    truth, weight = scene
    masked = torch.rand(truth.shape, generator=torch.Generator().manual_seed(3)) < 0.15
    masked[0, 4:9, 10:30] = True
    weight = weight * ~masked
    results = []
    for value in (0.0, poison):
        t, p = truth.clone(), noisy(truth)
        (t if where == "truth" else p)[masked] = value
        p.requires_grad_()
        losses = list(all_losses(p, t, weight))
        gradients = [torch.autograd.grad(loss, p, retain_graph=True)[0] for loss in losses]
        assert all(torch.isfinite(g).all() for g in gradients)
        assert all((g[masked] == 0).all() for g in gradients)
        results.append(torch.stack([*losses, *(g.norm() for g in gradients)]))
    assert torch.equal(results[0], results[1])


def test_nothing_valid_costs_nothing(scene):
    truth, weight = scene
    prediction = noisy(truth).requires_grad_()
    for loss in all_losses(prediction, torch.full_like(truth, math.nan), 0 * weight):
        assert loss.item() == pytest.approx(0.0, abs=1e-6)
        assert torch.isfinite(torch.autograd.grad(loss, prediction)[0]).all()


@pytest.mark.parametrize("loss", LOG_LOSSES)
def test_gradcheck(loss):
    truth = room(8, torch.float64)
    prediction = noisy(truth).requires_grad_()
    weight = solid_angle_weight(8).double().expand_as(truth).clone()
    weight[0, 2:4, 5:9] = 0
    assert torch.autograd.gradcheck(lambda p: loss(p, truth, weight), prediction, fast_mode=True)


def test_range_mask_gradcheck():
    truth = room(8, torch.float64)
    weight = solid_angle_weight(8).double().expand_as(truth)
    for switch in (False, True):
        logit = noisy(0 * truth, 2.0).requires_grad_()
        far = truth > truth.mean()
        assert torch.autograd.gradcheck(
            lambda x, f=far, s=switch: range_mask_loss(x, f, weight, s), logit, fast_mode=True
        )


@pytest.mark.parametrize("loss", LOG_LOSSES)
def test_float32_inside(scene, loss):
    truth, weight = scene
    prediction = noisy(truth).bfloat16()
    exact = loss(prediction.float(), truth, weight)
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(prediction, truth, weight)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, exact, rtol=1e-6, atol=0)


def test_normal_loss_sees_the_same_under_any_yaw():
    height = 64
    truth = room(height).exp().numpy()[0]
    prediction = noisy(torch.from_numpy(truth).log()[None], 0.02)[0].exp().numpy()
    weight = solid_angle_weight(height).expand(1, height, 2 * height)
    values = []
    for yaw in (0.0, np.pi / 4):
        turned = [torch.from_numpy(rotate(x, yaw_pitch_roll(yaw), "nearest")).log()[None] for x in (prediction, truth)]
        values.append(normal_loss(turned[0], turned[1], weight).item())
    assert values[1] == pytest.approx(values[0], rel=1e-5)
