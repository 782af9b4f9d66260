"""Layers folded into one: the same numbers, at the border too, for fewer multiplications."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dap_core.export.folded_decoder import FoldedDecoder, FoldedPointwise, FoldedUpsampling
from dap_core.export.folded_layers import scaled
from dap_core.model.dpt import DptDecoder, Fusion, upsample

GRIDS = [(1, 2), (2, 4), (3, 6), (4, 9), (7, 8), (9, 18)]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def assert_same(folded: nn.Module, x: torch.Tensor, expected: torch.Tensor) -> None:
    """Where the weights are rounded to float32 once; a wrong border would be off by tenths."""
    assert expected.std() > 0.1
    torch.testing.assert_close(folded.double()(x), expected, rtol=0, atol=2e-7)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("k", [2, 4])
def test_upsampling_and_convolution_are_one(grid, k):
    up, reduce = nn.ConvTranspose2d(6, 7, k, k).double(), nn.Conv2d(7, 5, 3, padding=1, bias=False).double()
    up.bias += 1.0  # what is missing beyond the border then shows
    x = torch.randn(2, 6, *grid, dtype=torch.float64)
    assert_same(FoldedUpsampling(up, reduce, grid), x, reduce(up(x)))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("stride", "bias"), [(1, False), (2, True)])
def test_pointwise_and_convolution_are_one(grid, stride, bias):
    pointwise, conv = nn.Conv2d(6, 7, 1).double(), nn.Conv2d(7, 5, 3, stride, padding=1, bias=bias).double()
    pointwise.bias += 1.0
    x = torch.randn(2, 6, *grid, dtype=torch.float64)
    assert_same(FoldedPointwise(pointwise, conv, grid), x, conv(pointwise(x)))


def operations(call) -> int:
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.parametrize(("k", "before", "after"), [(4, 160, 64), (2, 40, 16)])
def test_upsampling_takes_fewer_multiplications(k, before, after):
    """Per cell, with as many channels everywhere; the corners of h x w cells are (h + 1) x (w + 1)."""
    up, reduce = nn.ConvTranspose2d(4, 4, k, k), nn.Conv2d(4, 4, 3, padding=1, bias=False)
    folded, x = FoldedUpsampling(up, reduce, (8, 16)), torch.zeros(1, 4, 8, 16)
    assert operations(lambda: reduce(up(x))) == before * 2 * 4 * 4 * 8 * 16
    assert operations(lambda: folded(x)) == after * 2 * 4 * 4 * 9 * 17


@pytest.mark.parametrize(("out_channels", "same"), [((8, 8, 32, 32), True), ((8, 8, 8, 32), False)])
def test_decoder(out_channels, same):
    """Of equal widths both 1x1 convolutions fold; the one before a narrow level would only cost."""
    decoder, grid = DptDecoder(32, 16, out_channels), (4, 8)
    folded = FoldedDecoder(decoder, grid)
    assert isinstance(folded.levels[2], FoldedPointwise) == same
    maps = [torch.randn(1, 32, *grid) for _ in range(4)]
    expected = decoder(maps)
    assert expected.std() > 0.1
    torch.testing.assert_close(folded(maps), expected, rtol=0, atol=2e-6)
    assert operations(lambda: folded(maps)) < operations(lambda: decoder(maps))


def test_fusion_is_what_the_reference_computes():
    """There the 1x1 convolution comes after the upsampling, over four times the pixels."""
    fusion, x = Fusion(8, deepest=True).double(), torch.randn(1, 8, 5, 7, dtype=torch.float64)
    reference = fusion.out(upsample(fusion.refine(x), (10, 14)))
    torch.testing.assert_close(fusion(x, None, (10, 14)), reference, rtol=0, atol=1e-12)


def test_scaled_outputs():
    layer, factor, x = nn.Linear(5, 3), torch.tensor([2.0, -0.5, 1e-5]), torch.randn(4, 5)
    torch.testing.assert_close(scaled(layer, factor)(x), factor * layer(x), rtol=1e-5, atol=1e-9)
    assert scaled(layer, None) is layer
