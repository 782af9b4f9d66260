"""The released model against what the reference computed (tests/data/parity)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from released_weights import PARITY, normalised, released_state

from dap_core.model import PRESETS, load_checkpoint

GOLDENS = [
    ("vits_128x256_seed0", "dap-s"),
    ("vits_96x192_seed7", "dap-s"),
    ("vits_112x48_seed5", "dap-s"),
    ("vitb_64x160_seed3", "dap-b"),
    ("vitl_64x128_seed0", "dap-l"),
    ("vitl_48x96_seed11", "dap-l"),
]


@pytest.mark.parametrize(("golden", "preset"), GOLDENS, ids=[name for name, _ in GOLDENS])
def test_reproduces_the_reference(golden: str, preset: str) -> None:
    variant, _, seed = golden.split("_")
    expected = np.load(PARITY / f"{golden}.npz")
    state = {f"module.{key}": value for key, value in released_state(variant, int(seed.removeprefix("seed"))).items()}
    model = load_checkpoint(state)
    assert model.config == PRESETS[preset]
    with torch.no_grad():
        depth, far = model(normalised(expected["image"]))
    assert depth.dtype == far.dtype == torch.float32
    assert expected["depth"].std() > 0.05  # a constant would prove nothing
    np.testing.assert_allclose(depth[0].numpy(), expected["depth"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(far[0].numpy(), expected["mask"], atol=1e-5, rtol=0)


def test_a_batch_is_its_images_one_by_one() -> None:
    model = load_checkpoint(released_state("vits", 0))
    images = torch.randn(2, 3, 48, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = model(images), model(images[1:])
    assert together[0].shape == (2, 48, 96)
    torch.testing.assert_close(together[0][1:], alone[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(together[1][1:], alone[1], atol=1e-6, rtol=0)
