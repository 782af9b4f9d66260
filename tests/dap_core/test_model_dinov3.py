"""DINOv3 weights in both published layouts: the same features as transformers gives, and what does not fit is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import DINOv3ViTConfig, DINOv3ViTModel

from dap_core.errors import InputError
from dap_core.model.dinov3 import backbone_state, load_backbone
from dap_core.model.released import Dap, DapConfig
from dap_core.model.tiny import DapTiny
from dap_core.model.vit import PREFIX

CONFIG = DapConfig("small", 64, 4, 2, (0, 1, 2, 3), 16, (8, 8, 16, 16))


@pytest.fixture(scope="module")
def theirs() -> DINOv3ViTModel:
    torch.manual_seed(3)
    model = DINOv3ViTModel(
        DINOv3ViTConfig(
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=4,
            num_attention_heads=2,
            patch_size=16,
            num_register_tokens=4,
            layerscale_value=0.5,
        )
    ).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return model


def published(model: DINOv3ViTModel) -> dict[str, Tensor]:
    """Names as the files on the Hub have them, from before transformers 5 put the layers into a module of their own."""
    return {name.removeprefix("model."): value.clone() for name, value in model.state_dict().items()}


def meta(model: DINOv3ViTModel) -> dict[str, Tensor]:
    """The same weights as Meta's files have them: NaN where the key's bias is masked out."""
    state = {}
    for name, value in backbone_state(published(model), CONFIG).items():
        name = name.replace("patch_embed.", "patch_embed.proj.").replace("rope.", "rope_embed.")
        state[name] = value
        if name.endswith("qkv.bias"):
            mask = torch.ones(3, 64)
            mask[1] = 0
            state[f"{name}_mask"] = mask.flatten()
            state[name] = torch.where(mask.flatten() == 0, torch.nan, value)
    return {**state, "mask_token": torch.zeros(1, 1, 64)}


def features(model: Dap) -> Tensor:
    torch.manual_seed(0)
    image = torch.randn(1, 3, 64, 128)
    with torch.no_grad():
        return model.backbone(image)[-1]


def test_both_layouts_give_the_features_of_transformers(theirs: DINOv3ViTModel, tmp_path: Path) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 3, 64, 128)
    with torch.no_grad():
        expected = theirs(image).last_hidden_state
    assert expected.shape == (1, PREFIX + 32, 64)
    files = {
        "face.safetensors": published(theirs),
        "face.pth": dict(theirs.state_dict()),
        "meta.pth": meta(theirs),
        "wrapped.pth": {"model": {f"module.{name}": value for name, value in meta(theirs).items()}},
    }
    for name, state in files.items():
        if name.endswith("pth"):
            torch.save(state, tmp_path / name)
        else:
            save_file(state, tmp_path / name)
        model = Dap(CONFIG).eval()
        before = model.depth_decoder.state_dict()["project.0.weight"].clone()
        load_backbone(model, tmp_path / name)
        torch.testing.assert_close(features(model), expected, rtol=1e-4, atol=2e-5)
        assert torch.equal(model.depth_decoder.state_dict()["project.0.weight"], before)


def test_what_does_not_fit_is_named(theirs: DINOv3ViTModel, tmp_path: Path) -> None:
    good = published(theirs)

    def fails(state: dict[str, Tensor], message: str) -> None:
        save_file(state, tmp_path / "bad.safetensors")
        with pytest.raises(InputError, match=message) as error:
            load_backbone(Dap(CONFIG), tmp_path / "bad.safetensors")
        assert "\n" not in str(error.value) and "bad.safetensors" in str(error.value)

    fails(
        {k: v for k, v in good.items() if "layer.2.norm1.bias" not in k}, re.escape("1 missing (blocks.2.norm1.bias)")
    )
    fails({k: v for k, v in good.items() if "v_proj.weight" not in k}, "missing v_proj")
    fails({**good, "classifier.weight": torch.zeros(2, 2)}, re.escape("1 unexpected (classifier.weight)"))
    fails({k: v for k, v in good.items() if "layer.3." not in k}, "missing .blocks.3")
    fails({**good, "norm.weight": torch.ones(32)}, r"misshapen \(norm.weight \[32\] instead of \[64\]\)")
    fails({**good, "norm.weight": torch.full((64,), torch.nan)}, "not finite")
    fails({"weight": torch.zeros(2)}, "unexpected")
    with pytest.raises(InputError, match="no such file"):
        load_backbone(Dap(CONFIG), tmp_path / "none.pth")
    with pytest.raises(InputError, match="backbone of dap-s"):
        load_backbone(DapTiny(), tmp_path / "bad.safetensors")  # type: ignore[arg-type]
    rounded = meta(theirs)["rope_embed.periods"].bfloat16()
    assert (
        backbone_state({**meta(theirs), "rope_embed.periods": rounded}, CONFIG)["rope.periods"].dtype == torch.float32
    )
    with pytest.raises(InputError, match="another rotary embedding"):
        backbone_state({**meta(theirs), "rope_embed.periods": torch.ones(8)}, CONFIG)
