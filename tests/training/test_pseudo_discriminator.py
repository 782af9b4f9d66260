"""The discriminator: what it sees, how far a logit sees, the sphere it lives on, its file and its loss."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file

from dap_core.errors import InputError
from training.pseudo.adversarial_loss import adversarial_loss, likeness
from training.pseudo.discriminator import (
    DiscriminatorConfig,
    PatchGan,
    load_discriminator,
    plausibility_input,
    save_discriminator,
    sphere_mean,
)

SMALL = DiscriminatorConfig(layers=2, channels=4)


def maps(count=2, height=32, seed=0):
    """Smooth ranges from 1 to 30 m with a far and an unknown part."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, height // 8, height // 4, generator=generator)
    ranges = F.interpolate(coarse, scale_factor=8.0, mode="bilinear")[:, 0].mul(3.4).exp()
    ranges[:, :4, 10:20], ranges[:, -2:, :5] = math.inf, math.nan
    return ranges


def judge(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return PatchGan(config).eval()


def test_what_it_sees():
    ranges = torch.full((1, 8, 16), 5.0)
    ranges[0, 0, :4] = torch.tensor([0.05, 2.0, math.inf, math.nan])
    seen = plausibility_input(ranges)
    # The scale is 5 m; 0.05 m is nearer than e^-4 of it.
    assert seen[0, 0, 0, :5].tolist() == pytest.approx([-4.0, math.log(0.4), 0.0, 0.0, 0.0])
    assert seen[0, 1, 0, :5].tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]
    halved = plausibility_input(ranges, 2)
    assert halved.shape == (1, 2, 4, 8)
    assert halved[0, :, 0, 0].tolist() == pytest.approx([(-4.0 + math.log(0.4)) / 4, 1.0])
    assert halved[0, :, 0, 1].tolist() == pytest.approx([0.0, 0.5])
    nothing = plausibility_input(torch.full((1, 8, 16), math.inf))
    assert not nothing.any()
    spread = plausibility_input(torch.arange(1.0, 129.0).reshape(1, 8, 16))
    scale = np.exp(np.quantile(np.log(np.arange(1, 129)), 0.98))
    assert spread[0, 0, 6, 3].item() == pytest.approx(math.log(100.0 / scale), abs=1e-5) and spread[:, 0].max() == 0.0


def test_it_sees_no_metres():
    ranges = maps()
    network = judge()
    with torch.no_grad():
        assert torch.allclose(network(ranges), network(ranges * 2.5), atol=1e-6)
        assert not torch.allclose(network(ranges), network(ranges**1.1), atol=1e-4)


@pytest.mark.parametrize(("layers", "sees"), [(1, 16), (2, 34), (3, 70)])
@pytest.mark.parametrize("reduction", [1, 2])
def test_how_far_a_logit_sees(layers, sees, reduction):
    config = DiscriminatorConfig(layers=layers, channels=2, reduction=reduction)
    height = 160 * reduction
    ranges = maps(1, height).nan_to_num(3.0, posinf=3.0).requires_grad_()
    logits = judge(config)(ranges)
    assert logits.shape == (1, height // config.stride, 2 * height // config.stride)
    logits[0, logits.shape[1] // 2, logits.shape[2] // 2].backward()
    # The scale of the image is the only thing that all pixels share; its gradient lies in two pixels at most.
    touched = (ranges.grad[0] != 0).numpy()
    rows, columns = np.flatnonzero(touched.sum(1) > 2), np.flatnonzero(touched.sum(0) > 2)
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == sees * reduction


def test_turning_the_sphere_turns_the_logits():
    network, ranges = judge(), maps()
    assert SMALL.stride == 8
    with torch.no_grad():
        logits = network(ranges)
        assert torch.allclose(network(ranges.roll(24, -1)), logits.roll(3, -1), atol=1e-6)
        assert torch.allclose(network.score(ranges.roll(24, -1)), network.score(ranges), atol=1e-6)


def test_scores_are_means_by_solid_angle():
    logits = torch.zeros(1, 4, 8)
    logits[0, 0] = 1.0
    area = math.cos(3 * math.pi / 8) / (2 * (math.cos(3 * math.pi / 8) + math.cos(math.pi / 8)))
    assert sphere_mean(logits).item() == pytest.approx(area)
    assert sphere_mean(torch.full((2, 6, 12), -3.5)).tolist() == pytest.approx([-3.5, -3.5])


def test_maps_that_do_not_fit():
    with pytest.raises(InputError, match=r"2 layers and reduction 2 .* sides that are multiples of 8, got 24x12"):
        judge()(torch.ones(1, 12, 24))
    for wrong in ("layers", "channels", "reduction", "steps", "batch", "log_every"):
        with pytest.raises(InputError, match=f"{wrong} must be at least 1, got 0"):
            DiscriminatorConfig(**{wrong: 0})
    with pytest.raises(InputError, match="tolerance must be at least 0"):
        DiscriminatorConfig(tolerance=-0.1)


def test_its_file(tmp_path):
    network, ranges = judge(), maps()
    save_discriminator(network, tmp_path / "d.safetensors")
    again = load_discriminator(tmp_path / "d.safetensors")
    assert not again.training and again.config == SMALL
    with torch.no_grad():
        assert torch.equal(again.score(ranges), network.score(ranges))
    incidental = PatchGan(replace(SMALL, workers=7, checkpoint_every=3, log_every=2))
    incidental.load_state_dict(network.state_dict())
    save_discriminator(incidental, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "d.safetensors").read_bytes()

    with pytest.raises(InputError, match=r"no discriminator .*none; dap pseudo discriminator makes one"):
        load_discriminator(tmp_path / "none")
    (tmp_path / "half").write_bytes((tmp_path / "d.safetensors").read_bytes()[:900])
    with pytest.raises(InputError, match="half is damaged, or not safetensors"):
        load_discriminator(tmp_path / "half")
    with safe_open(tmp_path / "d.safetensors", "pt") as file:
        key, text = next(iter(file.metadata().items()))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    values = json.loads(text)
    fewer = {k: v for k, v in values.items() if k != "tolerance"}
    for metadata, said in (
        ({}, "is not a discriminator: its metadata have no dap-discriminator"),
        ({key: json.dumps(fewer)}, "not a discriminator of this version"),
        ({key: json.dumps({**values, "channels": 8})}, "not a discriminator of this version"),
        ({key: "[]"}, "not a discriminator of this version"),
    ):
        save_file(tensors, tmp_path / "wrong", metadata=metadata)
        with pytest.raises(InputError, match=said) as error:
            load_discriminator(tmp_path / "wrong")
        assert "\n" not in str(error.value)


def test_a_fake_is_as_real_as_it_is_right():
    real = torch.full((1, 8, 16), 4.0)
    real[0, :4, 4:8], real[0, :4, 8:12] = math.inf, math.nan
    fake = real.clone()
    fake[0, :4, :4] = 4.0 * math.exp(0.3)
    fake[0, :4, 4:8] = 100.0 * math.exp(-0.6)  # where it is far
    fake[0, 4:, :2] = 4.0 * math.exp(-0.3)
    found = likeness(fake, real, 4, 0.3)
    assert found[0].tolist() == [
        pytest.approx([math.exp(-1), math.exp(-2), 1, 1]),
        pytest.approx([math.exp(-0.5), 1, 1, 1]),
    ]
    real[0, :2, :4] = math.nan  # half of a patch unknown: the other half counts
    assert likeness(fake, real, 4, 0.3)[0, 0, 0].item() == pytest.approx(math.exp(-1))
    assert likeness(fake, real, 4, 0.0).tolist() == [[[0.0] * 4] * 2]
    unknown = torch.full_like(real, math.nan)
    assert likeness(unknown, unknown, 4, 0.3).tolist() == [[[1.0] * 4] * 2]


def test_the_loss():
    network = judge(replace(SMALL, tolerance=0.0))
    real, fake = maps(2), maps(2, seed=1)
    with torch.no_grad():
        loss, apart = adversarial_loss(network, real, fake)
        truth, faked = network(real), network(fake)
        each = sphere_mean(F.softplus(-truth)) + sphere_mean(F.softplus(faked))
        assert loss.item() == pytest.approx(each.mean().item())
        assert apart == pytest.approx((truth > faked).float().mean().item())
        network.logit.weight.zero_()
        network.logit.bias.fill_(0.0)
        assert adversarial_loss(network, real, fake)[0].item() == pytest.approx(2 * math.log(2))
    # Of a fake that is right everywhere nothing is asked but to be taken for real.
    graded = judge(replace(SMALL, tolerance=0.3))
    with torch.no_grad():
        same = adversarial_loss(graded, real, real)[0].item()
        assert same == pytest.approx(2 * sphere_mean(F.softplus(-graded(real))).mean().item())
