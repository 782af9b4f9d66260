"""The backbone: against transformers' DINOv3, and the rotary positions by themselves."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from transformers import DINOv3ViTConfig, DINOv3ViTModel

from dap_core.errors import InputError
from dap_core.model.rope import AxialRope, rotate
from dap_core.model.vit import PREFIX, VisionTransformer

DIM, DEPTH, HEADS = 384, 12, 6


def random_state(module: torch.nn.Module, seed: int) -> dict[str, Tensor]:
    """Weights under which activations stay of order one and every part matters."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in module.state_dict().items():
        noise = torch.randn(value.shape, generator=generator)
        if name.endswith("periods"):
            state[name] = value
        elif name.endswith("gamma"):
            state[name] = 0.5 + 0.05 * noise
        elif "norm" in name and name.endswith("weight"):
            state[name] = 1 + 0.1 * noise
        elif value.ndim > 1 and "token" not in name:
            state[name] = noise / value[0].numel() ** 0.5
        else:
            state[name] = 0.1 * noise
        if name.endswith("qkv.bias"):
            state[name][DIM : 2 * DIM] = 0
    return state


def transformers_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under the names of DINOv3ViTModel."""
    top = {
        "patch_embed.weight": "embeddings.patch_embeddings.weight",
        "patch_embed.bias": "embeddings.patch_embeddings.bias",
        "cls_token": "embeddings.cls_token",
        "storage_tokens": "embeddings.register_tokens",
        "norm.weight": "norm.weight",
        "norm.bias": "norm.bias",
    }
    parts = {
        "attn.proj": "attention.o_proj",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
        "mlp.fc1": "mlp.up_proj",
        "mlp.fc2": "mlp.down_proj",
    }
    theirs = {"embeddings.mask_token": torch.zeros(1, 1, DIM)}
    for name, value in state.items():
        if name in top:
            theirs[top[name]] = value
        elif name.startswith("blocks."):
            _, number, rest = name.split(".", 2)
            if rest.startswith("attn.qkv"):
                for letter, third in zip("qkv", value.chunk(3), strict=True):
                    if (letter, rest) != ("k", "attn.qkv.bias"):
                        kind = rest.rsplit(".", 1)[1]
                        theirs[f"model.layer.{number}.attention.{letter}_proj.{kind}"] = third
                continue
            for ours, other in parts.items():
                rest = rest.replace(ours, other)
            theirs[f"model.layer.{number}.{rest}"] = value
    return theirs


@pytest.mark.parametrize("size", [(64, 128), (48, 80)])
def test_agrees_with_transformers(size: tuple[int, int]) -> None:
    ours = VisionTransformer(DIM, DEPTH, HEADS, (2, 5, 8, 11)).eval()
    state = random_state(ours, 7)
    ours.load_state_dict(state)
    config = DINOv3ViTConfig(
        hidden_size=DIM,
        intermediate_size=4 * DIM,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        num_register_tokens=4,
        layer_norm_eps=1e-5,
        pos_embed_rescale=None,
    )
    theirs = DINOv3ViTModel(config).eval()
    theirs.load_state_dict(transformers_state(state))
    image = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = ours(image)
        expected = theirs(image, output_hidden_states=True)
    assert len(features) == 4
    assert features[3].shape == (2, PREFIX + size[0] * size[1] // 256, DIM)
    torch.testing.assert_close(features[3], expected.last_hidden_state, atol=1e-5, rtol=1e-5)
    for number, feature in zip((2, 5, 8), features[:3], strict=True):
        normed = theirs.norm(expected.hidden_states[number + 1])
        torch.testing.assert_close(feature, normed, atol=1e-5, rtol=1e-5)


def test_blocks_after_the_last_tap_are_not_run() -> None:
    vit = VisionTransformer(32, 3, 2, (0, 1)).eval()
    torch.nn.init.constant_(vit.blocks[2].mlp.fc2.bias, math.nan)
    assert all(feature.isfinite().all() for feature in vit(torch.zeros(1, 3, 32, 32)))


def test_rope_angles_are_those_of_the_formula() -> None:
    rows, columns, head_dim = 3, 8, 64
    cos, sin = AxialRope(head_dim)(rows, columns, PREFIX)
    assert cos.shape == sin.shape == (PREFIX + rows * columns, head_dim)
    assert (cos[:PREFIX] == 1).all() and (sin[:PREFIX] == 0).all()
    i, j, k = 2, 5, 7
    period = 100 ** (2 * k / (head_dim / 2))
    row_angle = 2 * math.pi * (2 * (i + 0.5) / rows - 1) / period
    column_angle = 2 * math.pi * (2 * (j + 0.5) / columns - 1) / period
    token = PREFIX + i * columns + j
    for offset in (0, head_dim // 2):
        assert sin[token, offset + k].item() == pytest.approx(math.sin(row_angle), abs=1e-6)
        assert cos[token, offset + head_dim // 4 + k].item() == pytest.approx(math.cos(column_angle), abs=1e-6)


def test_attention_scores_depend_on_offsets_alone() -> None:
    columns = 12
    cos, sin = AxialRope(64)(6, columns, 0)
    generator = torch.Generator().manual_seed(3)
    q, k = (torch.randn(1, 1, 1, 64, generator=generator).expand(1, 1, 6 * columns, 64) for _ in range(2))
    scores = (rotate(q, cos, sin) @ rotate(k, cos, sin).mT)[0, 0].reshape(6, columns, 6, columns)
    assert scores[1, 2, 3, 7].item() == pytest.approx(scores[2, 6, 4, 11].item(), abs=1e-4)
    assert scores[1, 2, 3, 7].item() != pytest.approx(scores[1, 2, 3, 8].item(), abs=1e-2)


def test_rotation_leaves_class_and_storage_tokens_alone() -> None:
    cos, sin = AxialRope(32)(2, 4, PREFIX)
    x = torch.randn(1, 2, PREFIX + 8, 32, generator=torch.Generator().manual_seed(0))
    turned = rotate(x, cos, sin)
    assert torch.equal(turned[:, :, :PREFIX], x[:, :, :PREFIX])
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))


@pytest.mark.parametrize("shape", [(1, 3, 100, 200), (1, 3, 64, 120), (1, 3, 16, 16), (3, 64, 128), (1, 1, 64, 128)])
def test_other_sizes_are_one_line_errors(shape: tuple[int, ...]) -> None:
    vit = VisionTransformer(32, 1, 2, (0,))
    with pytest.raises(InputError) as error:
        vit(torch.zeros(shape))
    assert "\n" not in str(error.value) and str(shape[-1]) in str(error.value)
