"""DINOv3 weights as they are published, in Meta's layout or that of Hugging Face, into the backbone of a `Dap`.

The layouts are those of github.com/facebookresearch/dinov3 and of `transformers`' DINOv3ViTModel.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from dap_core.errors import InputError
from dap_core.model.released import Dap, DapConfig
from dap_core.model.rope import AxialRope
from dap_core.model.vit import MLP_RATIO, PATCH, STORAGE_TOKENS
from dap_core.model.weights_file import (
    check_finite,
    check_shapes,
    is_safetensors,
    read_pickle,
    read_safetensors,
    state_of,
)

#: Beginnings of names that wrap the whole: of DINOv3ViTModel in a larger model, of its encoder since transformers 5.
_WRAPPED = ("dinov3_vit.", "module.", "backbone.")
_FACE_TOP = {
    "embeddings.cls_token": "cls_token",
    "embeddings.register_tokens": "storage_tokens",
    "embeddings.mask_token": "mask_token",
    "embeddings.patch_embeddings.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.bias": "patch_embed.proj.bias",
}
_FACE_BLOCK = {
    "attention.o_proj": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
    "mlp.up_proj": "mlp.fc1",
    "mlp.down_proj": "mlp.fc2",
}


def load_backbone(model: Dap, path: str | os.PathLike[str]) -> None:
    """Put the DINOv3 weights of a file (safetensors or `.pth`) into `model.backbone`, checked key by key.

    Raises InputError, one line, for a missing or damaged file, one that holds more than weights, and tensors that are
    missing, unexpected, misshapen or not finite, which it names: another size of DINOv3 than the preset's is one.
    """
    path = Path(path)
    if not isinstance(model, Dap):
        raise InputError(f"{path}: DINOv3 is the backbone of dap-s, dap-b and dap-l")
    try:
        if not path.is_file():
            raise InputError("is a folder; give the file of weights in it" if path.is_dir() else "no such file")
        if path.suffix == ".safetensors" or is_safetensors(path):
            state = state_of(read_safetensors(path)[0])
        else:
            state = state_of(read_pickle(path))
        model.backbone.load_state_dict(backbone_state(state, model.config))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def backbone_state(state: Mapping[str, Tensor], config: DapConfig) -> dict[str, Tensor]:
    """The state dict of the backbone of `Dap(config)`, float32, from one of either layout; InputError as above."""
    state = _unwrapped(state)
    if any(name.startswith("embeddings.") for name in state):
        state = _from_face(state, config)
    wanted = _meta_shapes(config)
    optional = {name for name in wanted if name == "mask_token" or name.endswith("qkv.bias_mask")}
    state = {"rope_embed.periods": _periods(config), **state}  # transformers computes them
    check_shapes(
        state, {name: shape for name, shape in wanted.items() if name in state or name not in optional}, config.name
    )
    here = {}
    for name, value in state.items():
        if name in optional:
            continue
        value = value.float()
        if name.endswith("qkv.bias"):
            # The key's third is masked out; where the mask is 0 the file may hold anything, NaN too.
            mask = state.get(f"{name}_mask", _key_mask(config)).float()
            value = torch.where(mask == 0, torch.zeros_like(value), value)
        here[name.replace("patch_embed.proj.", "patch_embed.").replace("rope_embed.", "rope.")] = value
    check_finite(here)
    # Published files round the periods to bfloat16.
    if not torch.allclose(here["rope.periods"], _periods(config), rtol=1e-2):
        raise InputError(f"does not fit {config.name}: rope_embed.periods are of another rotary embedding")
    return here


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    plain = dict(state)
    for prefix in _WRAPPED:
        if plain and all(name.startswith(prefix) for name in plain):
            plain = {name[len(prefix) :]: value for name, value in plain.items()}
    return plain


def _from_face(state: Mapping[str, Tensor], config: DapConfig) -> dict[str, Tensor]:
    """The names of Meta's layout, with queries, keys and values as one tensor; names that it lacks stay."""
    meta: dict[str, Tensor] = {}
    thirds: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        head, _, rest = name.removeprefix("model.").partition(".")
        number, _, part = rest.partition(".")
        if head != "layer" or not number.isdecimal():
            meta[_FACE_TOP.get(name, name)] = value
            continue
        words = part.split(".")
        if words[0] == "attention" and len(words) == 3 and words[1] in ("q_proj", "k_proj", "v_proj"):
            thirds.setdefault(f"blocks.{number}.attn.qkv.{words[2]}", {})[words[1][0]] = value
            continue
        for theirs, ours in _FACE_BLOCK.items():
            part = part.replace(theirs, ours)
        meta[f"blocks.{number}.{part}"] = value
    for name, of_it in thirds.items():
        if name.endswith("bias"):
            of_it.setdefault("k", torch.zeros(config.dim))
        if missing := [letter for letter in "qkv" if letter not in of_it]:
            raise InputError(f"does not fit {config.name}: missing {missing[0]}_proj of {name}")
        meta[name] = torch.cat([of_it[letter] for letter in "qkv"])
    return meta


def _meta_shapes(config: DapConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of Meta's layout."""
    dim, hidden = config.dim, MLP_RATIO * config.dim
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, dim),
        "storage_tokens": (1, STORAGE_TOKENS, dim),
        "mask_token": (1, 1, dim),
        "patch_embed.proj.weight": (dim, 3, PATCH, PATCH),
        "patch_embed.proj.bias": (dim,),
        "rope_embed.periods": (dim // config.heads // 4,),
        "norm.weight": (dim,),
        "norm.bias": (dim,),
    }
    for number in range(config.depth):
        block = f"blocks.{number}."
        for norm in ("norm1", "norm2"):
            shapes |= {f"{block}{norm}.weight": (dim,), f"{block}{norm}.bias": (dim,)}
        for layer, outputs, inputs in (
            ("attn.qkv", 3 * dim, dim),
            ("attn.proj", dim, dim),
            ("mlp.fc1", hidden, dim),
            ("mlp.fc2", dim, hidden),
        ):
            shapes |= {f"{block}{layer}.weight": (outputs, inputs), f"{block}{layer}.bias": (outputs,)}
        shapes |= {f"{block}ls1.gamma": (dim,), f"{block}ls2.gamma": (dim,), f"{block}attn.qkv.bias_mask": (3 * dim,)}
    return shapes


def _periods(config: DapConfig) -> Tensor:
    return AxialRope(config.dim // config.heads).periods


def _key_mask(config: DapConfig) -> Tensor:
    """1 for what queries and values add, 0 for keys: a bias on keys changes nothing, and DINOv3 has none."""
    mask = torch.ones(3, config.dim)
    mask[1] = 0
    return mask.flatten()
