"""The range-mask head on our decoders and on a foreign one, its thresholds, and its answer in the depth."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.model.presets import build
from dap_core.model.range_mask import THRESHOLDS_M, RangeMaskHead, WithRangeMask
from dap_core.model.released import DapConfig
from training.data.batches import to_network
from training.losses import range_mask_loss

HEIGHT = 32


class Foreign(nn.Module):
    """Somebody else's depth network: a strided encoder, a decoder, one channel out, no notion of far."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU(), nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU())
        self.decoder = nn.ModuleDict({"up": nn.ConvTranspose2d(24, 16, 2, 2), "last": nn.Conv2d(16, 1, 1)})

    def forward(self, image):
        features = self.decoder["up"](self.encoder(image)).relu()
        return nn.functional.interpolate(self.decoder["last"](features), size=image.shape[2:]).sigmoid()


@pytest.fixture
def image():
    return torch.randn(2, 3, HEIGHT, 2 * HEIGHT, generator=torch.Generator().manual_seed(0))


def test_a_foreign_decoder_is_not_touched(image):
    torch.manual_seed(1)
    base = Foreign()
    before, weights = base(image), copy.deepcopy(base.state_dict())
    masked = WithRangeMask(base, "decoder.up", 16, threshold_m=50.0)
    depth, far = masked(image)
    assert depth.shape == far.shape == (2, HEIGHT, 2 * HEIGHT)
    assert torch.equal(depth, before[:, 0]) and torch.equal(base(image), before)
    assert base.state_dict().keys() == weights.keys()
    assert all(torch.equal(base.state_dict()[name], value) for name, value in weights.items())
    assert not any(module._forward_hooks for module in base.modules())
    assert {name.split(".")[0] for name in masked.state_dict()} == {"base", "range_mask"}
    depth_logit, far_logit = masked.logits(image)
    torch.testing.assert_close(depth_logit.sigmoid(), depth)
    torch.testing.assert_close(far_logit.sigmoid(), far)


def test_the_mask_learns_beside_a_frozen_network(image):
    torch.manual_seed(2)
    base = Foreign()
    masked = WithRangeMask(base, "decoder.up", 16, frozen=True)
    weights = copy.deepcopy(base.state_dict())
    image = image + 2.0 * torch.linspace(1, -1, HEIGHT)[:, None]
    truth = (torch.linspace(1, -1, HEIGHT)[:, None] > 0.2).float().expand(2, HEIGHT, 2 * HEIGHT)
    optimizer = torch.optim.Adam(masked.parameters(), 2e-2)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = range_mask_loss(masked.logits(image)[1], truth, torch.ones_like(truth))
        loss.backward()
        assert all(p.grad is None for p in base.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert all(torch.equal(base.state_dict()[name], value) for name, value in weights.items())
    thawed = WithRangeMask(base, "decoder.up", 16)
    thawed.logits(image)[1].mean().backward()
    assert base.encoder[0].weight.grad is not None


@pytest.mark.parametrize("threshold", [*THRESHOLDS_M, None])
def test_thresholds_on_our_decoders(image, threshold):
    torch.manual_seed(3)
    tiny = build("dap-tiny").eval()
    masked = WithRangeMask(tiny, "fuse2", tiny.fuse2.skip.out_channels, threshold).eval()
    with torch.no_grad():
        depth, far = masked(image)
        own, _ = tiny(image)
    assert torch.equal(depth, own) and depth.shape == far.shape
    if threshold is None:
        assert masked.range_mask is None and far.max() < 1e-6
        assert torch.isfinite(masked.range_m(image)).all()
    else:
        assert isinstance(masked.range_mask, RangeMaskHead) and masked.range_mask.threshold_m == threshold


def test_on_the_depth_decoder_of_dap(image):
    dap = build(DapConfig("dap-test", 32, 4, 2, (0, 1, 2, 3), 8, (8, 8, 8, 8))).eval()
    masked = WithRangeMask(dap, "depth_decoder", 8, 20.0).eval()
    with torch.no_grad():
        assert torch.equal(masked(image)[0], dap(image)[0])
        assert torch.equal(masked.logits(image)[0], dap.logits(image)[0])


def test_its_answer_goes_into_the_depth(image):
    torch.manual_seed(4)
    masked = WithRangeMask(Foreign(), "decoder.up", 16, threshold_m=10.0)
    with torch.no_grad():
        masked.range_mask.out.bias.sub_(masked.logits(image)[1].median())
        depth, far = masked(image)
        range_m = masked.range_m(image)
    is_far = far > 0.5
    assert 0.02 < is_far.float().mean() < 0.98
    assert torch.equal(torch.isinf(range_m), is_far)
    assert torch.equal(range_m[~is_far], 100.0 * depth[~is_far])
    # The same contract as everywhere: +inf is far, and nothing else.
    panorama = PanoramaDepth.from_range(range_m[0].numpy(), 100.0)
    assert np.array_equal(panorama.far, is_far[0].numpy()) and np.array_equal(panorama.near, ~is_far[0].numpy())


def test_the_truth_of_a_threshold():
    ranges = torch.tensor([[[5.0, 15.0, 60.0, 120.0, float("inf"), float("nan")]]])
    images = torch.zeros(1, 1, 6, 3, dtype=torch.uint8)
    for threshold, far in ((None, 2), (10.0, 4), (50.0, 3)):
        target = to_network(images, ranges, 100.0, threshold)[1]
        assert target.far.sum() == far and not target.far[..., 5].any()
        np.testing.assert_allclose(target.depth[0, 0, :5], [0.05, 0.15, 0.6, 1.0, 1.0])
        assert target.valid[0, 0].tolist() == [True] * 5 + [False]


def test_copies_are_independent(image):
    """An average of the weights is a deep copy: it must listen to its own network."""
    masked = WithRangeMask(Foreign(), "decoder.up", 16)
    twin = copy.deepcopy(masked)
    with torch.no_grad():
        twin.base.decoder["up"].weight.zero_()
        twin.base.decoder["up"].bias.zero_()
        assert not torch.equal(twin(image)[1], masked(image)[1])
        # Without features only the head's biases and its padding are left: the middle is even.
        assert twin(image)[1][..., 8:-8, 8:-8].std() < 1e-6


def test_what_cannot_be_attached_says_so(image):
    with pytest.raises(InputError, match=r"no module 'decoder\.nowhere' in Foreign"):
        WithRangeMask(Foreign(), "decoder.nowhere", 16)
    with pytest.raises(InputError, match=r"threshold lies in \(0, 100\] metres, got 200"):
        WithRangeMask(Foreign(), "decoder.up", 16, 200.0)
    with pytest.raises(InputError, match=r"must give features \(B, 8, h, w\), got \(2, 16, 16, 32\)"):
        WithRangeMask(Foreign(), "decoder.up", 8)(image)
