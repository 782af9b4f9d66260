"""The discriminator: what it sees, how far a patch sees, the sphere it lives on, its file and its loss."""

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
from training.pseudo.acceptance import label_error
from training.pseudo.discriminator import (
    DiscriminatorConfig,
    Judgement,
    PatchDiscriminator,
    band_statistics,
    load_discriminator,
    plausibility_input,
    save_discriminator,
)
from training.pseudo.discriminator_loss import discriminator_loss, patch_errors
from training.pseudo.rank_correlation import spearman

SMALL = DiscriminatorConfig(layers=2, channels=4, reduction=2, bands=8, width=16)


def maps(count=2, height=32, seed=0):
    """Smooth ranges from 1 to 30 m with a far and an unknown part."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, height // 8, height // 4, generator=generator)
    ranges = F.interpolate(coarse, scale_factor=8.0, mode="bilinear")[:, 0].mul(3.4).exp()
    ranges[:, :4, 10:20], ranges[:, -2:, :5] = math.inf, math.nan
    return ranges


def judge(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return PatchDiscriminator(config).eval()


def test_what_a_patch_sees():
    ranges = torch.full((1, 8, 16), 5.0)
    ranges[0, 0, :4] = torch.tensor([0.02, 2.0, math.inf, math.nan])
    seen = plausibility_input(ranges)
    assert seen.shape == (1, 4, 8, 16)
    far = math.log(100.0) / 2
    # 0.02 m counts as 0.05 m; the unknown, like the far, stands at 100 m.
    assert seen[0, 0, 0, :5].tolist() == pytest.approx(
        [math.log(0.05) / 2, math.log(2.0) / 2, far, far, math.log(5) / 2]
    )
    assert seen[0, 1, 0, :5].tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]
    elevation = (0.5 - (np.arange(8) + 0.5) / 8) * np.pi
    assert np.allclose(seen[0, 2].numpy(), np.sin(elevation)[:, None])
    # In height a floor is one value, however far away.
    floor = torch.from_numpy(1.4 / np.sin(np.abs(elevation[4:7]))).float()
    ranges[0, 4:7] = floor[:, None]
    assert np.allclose(plausibility_input(ranges)[0, 3, 4:7].numpy(), math.log(1.4) / 2, atol=1e-6)
    assert plausibility_input(ranges)[0, 3, 0, 2] == pytest.approx(far)
    halved = plausibility_input(ranges, 2)
    assert halved.shape == (1, 4, 4, 8) and halved[0, 1, 0, :3].tolist() == [1.0, 0.5, 1.0]


def test_what_the_whole_sphere_is_like():
    ranges = torch.full((1, 8, 16), 5.0)
    ranges[0, :4, ::2], ranges[0, 4:] = 10.0, math.inf
    found = band_statistics(ranges, 2).reshape(4, 2)
    step = math.log(2.0)
    assert found[0].tolist() == pytest.approx([math.log(50.0) / 2 - 1.5, math.log(100.0) - 1.5], abs=1e-4)
    assert found[1].tolist() == pytest.approx([step - 1.0, -1.0], abs=2e-2)
    assert found[2].tolist() == pytest.approx([10.0 * step - 1.0, -1.0], abs=1e-4)
    # The last row before the far is the only one with a step to the next: from 5 and from 10 m.
    down = (math.log(20.0) + math.log(10.0)) / 2 / 4
    assert found[3].tolist() == pytest.approx([10.0 * down - 1.0, -1.0], abs=1e-4)
    for turned in (ranges.roll(3, -1), ranges.flip(-1)):
        assert torch.allclose(band_statistics(turned, 2), band_statistics(ranges, 2), atol=1e-4)


def test_it_sees_metres():
    """A map that is wrong by a factor has another floor, and that is how its error is found."""
    ranges = maps()
    network = judge()
    with torch.no_grad():
        assert not torch.allclose(network.score(ranges), network.score(ranges * 1.2), atol=1e-4)


@pytest.mark.parametrize(("layers", "sees"), [(1, 16), (2, 34), (3, 70)])
@pytest.mark.parametrize("reduction", [1, 2])
def test_how_far_a_patch_sees(layers, sees, reduction):
    config = DiscriminatorConfig(layers=layers, channels=2, reduction=reduction)
    height = 160 * reduction
    ranges = maps(1, height).nan_to_num(3.0, posinf=3.0).requires_grad_()
    error, near, _ = judge(config)(ranges)
    assert error.shape == near.shape == (1, height // config.stride, 2 * height // config.stride)
    near[0, near.shape[1] // 2, near.shape[2] // 2].backward()  # the error has what the whole sphere is like in it
    touched = (ranges.grad[0] != 0).numpy()
    rows, columns = np.flatnonzero(touched.any(1)), np.flatnonzero(touched.any(0))
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == sees * reduction


def test_turning_the_sphere_turns_the_answer():
    network, ranges = judge(), maps()
    assert SMALL.stride == 8
    with torch.no_grad():
        turned, answer = network(ranges.roll(24, -1)), network(ranges)
        assert torch.allclose(turned.log_error, answer.log_error.roll(3, -1), atol=1e-5)
        assert torch.allclose(turned.near, answer.near.roll(3, -1), atol=1e-5)
        assert torch.allclose(network.score(ranges.roll(24, -1)), network.score(ranges), atol=1e-5)


def test_the_score_is_minus_the_expected_error(monkeypatch):
    network = judge()
    error, share = torch.tensor([[[0.1, 0.4], [2.0, 0.2]]]), torch.tensor([[[1.0, 0.5], [0.0, 0.25]]])
    monkeypatch.setattr(network, "forward", lambda ranges: Judgement(error.log(), share.logit(1e-9), None))
    # Patches with 1, 1/2, 0 and 1/4 of them in range: what is expected of the sky does not count.
    assert network.score(maps(1)).item() == pytest.approx(-(0.1 + 0.5 * 0.4 + 0.25 * 0.2) / 1.75, rel=1e-5)


def test_maps_that_do_not_fit():
    with pytest.raises(InputError, match=r"2 layers and reduction 2 .* sides that are multiples of 8, got 24x12"):
        judge()(torch.ones(1, 12, 24))
    for wrong in ("layers", "channels", "reduction", "bands", "width", "steps", "log_every"):
        with pytest.raises(InputError, match=f"{wrong} must be at least 1, got 0"):
            DiscriminatorConfig(**{wrong: 0})
    with pytest.raises(InputError, match="batch must be at least 2"):
        DiscriminatorConfig(batch=1)


def test_its_file(tmp_path):
    network, ranges = judge(), maps()
    save_discriminator(network, tmp_path / "d.safetensors")
    again = load_discriminator(tmp_path / "d.safetensors")
    assert not again.training and again.config == SMALL
    with torch.no_grad():
        assert torch.equal(again.score(ranges), network.score(ranges))
    incidental = PatchDiscriminator(replace(SMALL, workers=7, checkpoint_every=3, log_every=2))
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
    fewer = {k: v for k, v in values.items() if k != "bands"}
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


def test_the_errors_of_patches():
    real = torch.full((1, 8, 16), 4.0)
    real[0, :4, 4:8], real[0, :4, 8:12] = math.inf, math.nan
    fake = real.clone()
    fake[0, :4, :4] = 6.0
    fake[0, :4, 4:8] = 50.0  # where the truth is far: no error
    fake[0, 4:, :2] = 2.0
    fake[0, 4:, 4:8] = math.inf  # 100 m instead of 4
    error, share = patch_errors(fake, real, 4)
    assert error[0].tolist() == [pytest.approx([0.5, 0, 0, 0]), pytest.approx([0.25, 24.0, 0, 0], rel=1e-5)]
    assert share[0].tolist() == [[1, 0, 0, 1], [1, 1, 1, 1]]
    real[0, :2, :4] = math.nan  # half of a patch unknown: the other half counts
    error, share = patch_errors(fake, real, 4)
    assert error[0, 0, 0].item() == pytest.approx(0.5) and share[0, 0, 0].item() == 0.5


def test_the_loss():
    network = judge()
    real, fake = maps(2), maps(2, seed=1)
    with torch.no_grad():
        network.answer.weight.zero_()
        network.answer.bias.zero_()
        network.whole[-1].weight.zero_()
        network.whole[-1].bias.fill_(math.log(0.3))
        loss, expected, true = discriminator_loss(network, real, fake)
        error, share = patch_errors(fake, real, SMALL.stride)
        patches = (math.log(0.3) - (error + 0.02).log())[share > 0.02].abs().mean()
        whole = (math.log(0.3) - (true + 0.02).log()).abs().mean()
        # A share of one half is expected of every patch: ln 2 whatever it is.
        assert loss.item() == pytest.approx((patches + whole).item() + math.log(2.0), rel=1e-5)
        assert expected.tolist() == pytest.approx([0.3, 0.3])
        assert true.tolist() == pytest.approx(
            [label_error(*pair) for pair in zip(fake.numpy(), real.numpy(), strict=True)], rel=1e-4
        )
        network.whole[-1].bias.fill_(math.log(0.02))
        right = discriminator_loss(network, real, real)
        assert right[0].item() == pytest.approx(math.log(2.0), rel=1e-5) and right[2].tolist() == [0.0, 0.0]


def test_it_learns_which_of_two_is_wrong():
    """Boxes of a room with a floor at 1.5 m against the same scaled: by the floor alone the scaled ones are found."""
    elevation = torch.from_numpy((0.5 - (np.arange(32) + 0.5) / 32) * np.pi).float()
    generator = torch.Generator().manual_seed(0)

    def rooms(count):
        wall = 2.0 + 4.0 * torch.rand(count, 1, 64, generator=generator)
        floor = 1.5 / (-elevation.sin()).clamp(min=1e-3)
        return torch.minimum(wall / elevation.cos()[:, None], floor[:, None].expand(count, 32, 64))

    network = judge().train()
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(60):
        real = rooms(8)
        factor = torch.exp(0.8 * torch.rand(8, 1, 1, generator=generator))
        loss, _, _ = discriminator_loss(network, real, real * factor)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    real, factors = rooms(12), torch.linspace(1.0, 2.0, 12)
    with torch.no_grad():
        scores = network.eval().score(real * factors[:, None, None]).numpy()
    assert spearman(scores, -factors.numpy()) > 0.9
