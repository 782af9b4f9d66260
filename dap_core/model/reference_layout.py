"""Names and shapes of the state dict of a released DAP, and how each becomes a parameter here.

The layout is that of github.com/Insta360-Research-Team/DAP (`networks/dap.py` and what it builds).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from dap_core.errors import InputError
from dap_core.model.released import Dap, DapConfig

ROOT = "core."
#: The reference registers every block twice; both names hold one tensor.
BLOCKS, BLOCKS_AGAIN = "core.pretrained.model.blocks.", "core.pretrained.blocks."

#: Beginning of a name here -> beginning of the released name.
_PREFIXES = {
    "backbone.patch_embed.": "core.pretrained.model.patch_embed.proj.",
    "backbone.rope.": "core.pretrained.model.rope_embed.",
    "backbone.": "core.pretrained.model.",
    "adapter.norm.": "core.pretrained.norm.",
    "depth_decoder.": "core.depth_head.",
    "depth_head.": "core.depth_head.scratch.",
    "far_decoder.": "core.mask_head.",
    "far_head.": "core.mask_head.scratch.",
}
_IN_DECODER = {"project.": "projects.", "resize.": "resize_layers."}
_IN_FUSION = {"skip.": "resConfUnit1.", "refine.": "resConfUnit2.", "out.": "out_conv."}
_IN_HEAD = {"narrow.": "output_conv1.", "hidden.": "output_conv2.0.", "out.": "output_conv2.2."}


def released_name(name: str) -> str:
    """The released name of a parameter of `Dap`: `far_decoder.project.0.bias` is `core.mask_head.projects.0.bias`."""
    ours = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
    theirs, rest = _PREFIXES[ours], name[len(ours) :]
    if ours.endswith("_head."):
        return theirs + _renamed(rest, _IN_HEAD)
    if not ours.endswith("_decoder."):
        return theirs + rest
    if match := re.fullmatch(r"reduce\.(\d)\.(.*)", rest):
        return f"{theirs}scratch.layer{int(match[1]) + 1}_rn.{match[2]}"
    if match := re.fullmatch(r"fuse\.(\d)\.(.*)", rest):
        return f"{theirs}scratch.refinenet{int(match[1]) + 1}.{_renamed(match[2], _IN_FUSION)}"
    return theirs + _renamed(rest, _IN_DECODER)


def _renamed(name: str, table: Mapping[str, str]) -> str:
    ours = next(prefix for prefix in table if name.startswith(prefix))
    return table[ours] + name[len(ours) :]


@functools.cache
def names_here(config: DapConfig) -> dict[str, str]:
    """Released name -> name here, of everything that inference uses."""
    with torch.device("meta"):
        return {released_name(name): name for name in Dap(config).state_dict()}


@functools.cache
def released_shapes(config: DapConfig) -> dict[str, tuple[int, ...]]:
    """Every key of the released state dict once (blocks under `core.pretrained.model`), with its shape."""
    with torch.device("meta"):
        shapes = {released_name(name): tuple(value.shape) for name, value in Dap(config).state_dict().items()}
    shapes["core.pretrained.model.mask_token"] = (1, config.dim)
    for block in range(config.depth):
        shapes[f"{BLOCKS}{block}.attn.qkv.bias_mask"] = (3 * config.dim,)
    for decoder in ("depth_head", "mask_head"):
        for conv in (
            "conv1",
            "conv2",
        ):  # the deepest fusion block takes nothing in, and has the unit for it all the same
            unused = f"core.{decoder}.scratch.refinenet4.resConfUnit1.{conv}"
            shapes[f"{unused}.weight"] = (config.features, config.features, 3, 3)
            shapes[f"{unused}.bias"] = (config.features,)
    return shapes


def without_aliases(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The state dict with one name for each tensor and no `module.` prefixes, and the second names left out.

    Raises InputError where two names of one tensor hold different values: one of them is damaged.
    """
    single: dict[str, Tensor] = {}
    again = []
    for key, value in state.items():
        name = key.removeprefix("module.")
        if name.startswith(BLOCKS_AGAIN):
            name = BLOCKS + name[len(BLOCKS_AGAIN) :]
        if name not in single:
            single[name] = value
            continue
        known = single[name]
        if known.shape != value.shape or not known.float().isclose(value.float(), 0, 0, equal_nan=True).all():
            raise InputError(f"two names of one tensor disagree: {key} is not what {name} holds")
        again.append(key)
    return single, again


def to_names_here(state: Mapping[str, Tensor], config: DapConfig) -> dict[str, Tensor]:
    """The state dict of `Dap(config)` from a complete released one (see `without_aliases`), key bias masked out."""
    here = {}
    for theirs, ours in names_here(config).items():
        value = state[theirs].float()
        if theirs.endswith("qkv.bias"):
            mask = state[f"{theirs}_mask"].float()
            # Where the mask is 0 the file may hold anything: DINOv3 keeps NaN there while training.
            value = torch.where(mask == 0, torch.zeros_like(value), value * mask)
        here[ours] = value
    return here
