"""The decoder, the adapter before it and the heads after it, where closed forms exist."""

from __future__ import annotations

import pytest
import torch

from dap_core.errors import InputError
from dap_core.model.dpt import DptDecoder, Fusion, PixelHead, ResidualUnit
from dap_core.model.range_mask import RangeMaskHead
from dap_core.model.released import Adapter, Dap, DapConfig
from dap_core.model.vit import PREFIX

SMALL = DapConfig("small", 32, 4, 2, (0, 1, 2, 3), 16, (8, 8, 16, 16))


def test_adapter_drops_the_first_patch_and_stretches_the_rest() -> None:
    rows, columns, dim = 3, 5, 16
    count = rows * columns
    adapter = Adapter(dim).double()
    tokens = torch.randn(2, PREFIX + count, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    kept = adapter.norm(tokens[:, PREFIX + 1 :])
    grid = adapter(tokens, rows, columns)
    assert grid.shape == (2, dim, rows, columns)
    # Position i of N reads the N - 1 tokens at i - (i + 0.5) / N, clamped to the first and the last.
    for i in (0, 1, 7, count - 1):
        late = (i + 0.5) / count
        expected = late * kept[:, max(i - 1, 0)] + (1 - late) * kept[:, min(i, count - 2)]
        torch.testing.assert_close(grid[:, :, i // columns, i % columns], expected)


def test_adapter_never_reads_class_storage_or_first_patch() -> None:
    adapter = Adapter(8)
    tokens = torch.randn(1, PREFIX + 8, 8)
    other = tokens.clone()
    other[:, : PREFIX + 1] = 99.0
    assert torch.equal(adapter(tokens, 2, 4), adapter(other, 2, 4))


@pytest.mark.parametrize("grid", [(4, 8), (5, 7), (1, 2)])
def test_decoder_ends_at_half_the_image_size(grid: tuple[int, int]) -> None:
    decoder = DptDecoder(32, 16, (8, 8, 16, 16))
    maps = [torch.randn(2, 32, *grid) for _ in range(4)]
    assert decoder(maps).shape == (2, 16, 8 * grid[0], 8 * grid[1])


def test_fusion_upsamples_with_aligned_corners() -> None:
    fusion = Fusion(1, deepest=True)
    for parameter in fusion.refine.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.ones_(fusion.out.weight)
    torch.nn.init.zeros_(fusion.out.bias)
    x = torch.tensor([[[[0.0, 3.0], [6.0, 9.0]]]])
    out = fusion(x, None, (4, 4))[0, 0]
    torch.testing.assert_close(out[0], torch.tensor([0.0, 1.0, 2.0, 3.0]))
    torch.testing.assert_close(out[:, 0], torch.tensor([0.0, 2.0, 4.0, 6.0]))
    assert fusion.skip is None  # the deepest level has nothing to take in


def test_residual_unit_keeps_negative_values() -> None:
    unit = ResidualUnit(2)
    for parameter in unit.conv2.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 2, 3, 3)
    assert torch.equal(unit(x), x)  # the ReLU acts before the convolutions, not on the skip, and not in place


def test_heads_give_one_sigmoid_a_pixel() -> None:
    features = torch.randn(2, 16, 16, 32)
    head = PixelHead(16)
    value, logits = head(features, (32, 64)), head.logits(features, (32, 64))
    assert value.shape == (2, 32, 64)
    torch.testing.assert_close(value, logits.sigmoid())


def test_a_range_mask_attaches_to_any_decoder() -> None:
    model = Dap(SMALL).eval()
    features = model.depth_decoder(model.maps(torch.zeros(1, 3, 32, 64)))
    heads = [RangeMaskHead(SMALL.features, threshold) for threshold in (10.0, 20.0, 50.0, 100.0)]
    assert [head(features, (32, 64)).shape for head in heads] == [(1, 32, 64)] * 4
    assert [head.threshold_m for head in heads] == [10.0, 20.0, 50.0, 100.0]
    assert model.far_head.threshold_m == 100.0


def test_every_parameter_is_used() -> None:
    model = Dap(SMALL)
    depth, far = model(torch.randn(1, 3, 64, 128))
    (depth.sum() + far.sum()).backward()
    # The first patch and the key bias reach the output only through attention, which they do.
    unused = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert unused == []


def test_exports_with_a_dynamic_batch() -> None:
    model = Dap(SMALL).eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(model, (torch.randn(2, 3, 64, 128),), dynamic_shapes={"image": {0: batch}}).module()
    image = torch.randn(3, 3, 64, 128)
    with torch.no_grad():
        for exported, eager in zip(program(image), model(image), strict=True):
            torch.testing.assert_close(exported, eager, atol=1e-5, rtol=0)


def test_bfloat16_autocast_stays_close() -> None:
    model = Dap(SMALL).eval()
    image = torch.randn(1, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        depth, _ = model(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough, _ = model(image)
    torch.testing.assert_close(rough.float(), depth, atol=0.02, rtol=0)


@pytest.mark.parametrize("change", [{"heads": 5}, {"taps": (0, 1, 2, 4)}, {"taps": (1, 0, 2, 3)}])
def test_impossible_configurations_are_refused(change: dict[str, object]) -> None:
    values = {field: getattr(SMALL, field) for field in SMALL.__dataclass_fields__} | change
    with pytest.raises(InputError):
        DapConfig(**values)
