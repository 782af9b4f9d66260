"""dap-tiny: its size, its answer's shape, and the sphere in its architecture."""

import pytest
import torch

from dap_core.model.tiny import DapTiny, TinyConfig


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = DapTiny()
    with torch.no_grad():  # the head starts close to constant; wake it so that differences show
        model.head.weight.mul_(30.0)
    return model.eval()


def image(height, seed=0):
    return torch.randn(2, 3, height, 2 * height, generator=torch.Generator().manual_seed(seed))


def test_size():
    assert 5.0e6 < sum(p.numel() for p in DapTiny().parameters()) < 8.0e6


def test_output(model):
    with torch.no_grad():
        depth, far = model(image(64))
    assert depth.shape == far.shape == (2, 64, 128)
    assert depth.dtype == torch.float32 and depth.min() > 0 and depth.max() < 1
    assert depth.std() > 1e-3


@pytest.mark.parametrize("columns", [32, 96, -64])
def test_rolling_the_input_rolls_the_output(model, columns):
    x = image(64)
    with torch.no_grad():
        a, b = model(x), model(x.roll(columns, -1))
    for still, rolled in zip(a, b, strict=True):
        torch.testing.assert_close(still.roll(columns, -1), rolled, rtol=0, atol=2e-5)


def test_not_blind_to_elevation(model):
    x = torch.zeros(1, 3, 64, 128)
    with torch.no_grad():
        depth, _ = model(x)
    for columns in (depth[..., ::2], depth[..., 1::2]):  # the last upsampling tells even from odd
        assert columns.std(-1).max() < 1e-5  # nothing else tells the azimuths apart
    assert depth.mean(-1).std() > 1e-3  # but the rows are known


def test_exposure_does_not_matter(model):
    """Brightness within the range of the normalisation changes little more than the clipped pixels."""
    rgb = 0.2 + 0.3 * torch.rand(1, 3, 64, 128, generator=torch.Generator().manual_seed(3))
    mean, std = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.no_grad():
        full, half = model((rgb - mean) / std)[0], model((rgb * 0.5 - mean) / std)[0]
        other = model((rgb.flip(-2) - mean) / std)[0]
    assert (full - half).abs().mean() < 0.25 * (full - other).abs().mean()


def test_wrong_sizes():
    model = DapTiny(TinyConfig(blocks=(1, 1, 1))).eval()
    with pytest.raises(ValueError, match="multiple of 32"):
        model(torch.zeros(1, 3, 48, 96))
    with pytest.raises(ValueError, match="64x64"):
        model(torch.zeros(1, 3, 64, 64))
