"""Checkpoints: ours (safetensors, the configuration inside) and the released ones, each checked key by key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.model import reference_layout as reference
from dap_core.model.presets import PRESETS, ModelConfig, build, config_from_json, config_to_json
from dap_core.model.released import Dap, DapConfig
from dap_core.model.tiny import DapTiny
from dap_core.model.weights_file import (
    check_finite,
    check_shapes,
    is_safetensors,
    read_pickle,
    read_safetensors,
    state_of,
)

HALF_MAX = torch.finfo(torch.float16).max


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds, checked: a configuration and exactly the tensors that its module takes."""

    config: ModelConfig
    tensors: dict[str, Tensor]
    #: Released names that have no tensor of their own here, each with the reason.
    dropped: dict[str, str]

    def module(self) -> Dap | DapTiny:
        """The model with these weights, float32, in eval mode, on the CPU; it shares no memory with them."""
        if isinstance(self.config, DapConfig):
            with torch.device("meta"):  # a third of a billion random numbers are not worth drawing
                module: Dap | DapTiny = Dap(self.config)
            module.to_empty(device="cpu")
        else:
            module = build(self.config)
        module.load_state_dict(self.tensors)
        return module.eval()


def load_checkpoint(source: str | os.PathLike[str] | Mapping[str, Any]) -> Dap | DapTiny:
    """The model of a checkpoint, in eval mode, float32, on the CPU.

    `source` is a file (our safetensors, or a released `.pth` or safetensors) or a released state dict of tensors or
    numpy arrays: `core.` names, with or without `module.` before them, bare or as the entry `model` or `state_dict` of
    a dict. The released variant is known by its shapes. Half precision is read as float32.

    Raises InputError, one line, for a missing or damaged file, a pickle with more than weights in it, something that is
    not a checkpoint, and missing, unexpected, misshapen or non-finite tensors, which it names.
    """
    return read_checkpoint(source).module()


def read_checkpoint(source: str | os.PathLike[str] | Mapping[str, Any]) -> Checkpoint:
    """What `load_checkpoint` loads, before a module is made of it. Raises as `load_checkpoint` does."""
    try:
        if isinstance(source, Mapping):
            return _from_released(state_of(source))
        return _from_file(Path(source))
    except InputError as error:
        where = "the state dict" if isinstance(source, Mapping) else os.fspath(source)
        raise InputError(f"{where}: {error}") from None
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from None


def save_checkpoint(module: nn.Module, path: str | os.PathLike[str], *, half: bool = False) -> None:
    """Write a model as safetensors: its tensors under their own names, its configuration as JSON in the metadata `dap`.

    `half` stores convolution and linear weights as float16; what has one dimension (norms, biases, scales) stays
    float32. Written beside `path` and renamed. Raises InputError for a value that float16 cannot hold, or where it
    cannot write.
    """
    path = Path(path)
    tensors = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    if half:
        for name, value in tensors.items():
            if value.ndim > 1 and value.is_floating_point():
                if value.abs().max() > HALF_MAX:
                    raise InputError(
                        f"{name} has values beyond float16 ({HALF_MAX:.0f}): save it without half precision"
                    )
                tensors[name] = value.half()
    # One key only: safetensors writes several in random order, and equal weights would give unequal files.
    metadata = {"dap": config_to_json(module.config)}  # type: ignore[arg-type]
    try:
        with written_beside(path) as beside:
            save_file(tensors, beside, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {path}: {error}") from None


def _from_file(path: Path) -> Checkpoint:
    if not path.is_file():
        raise InputError("is a folder; give the checkpoint file in it" if path.is_dir() else "no such file")
    if path.suffix == ".safetensors" or is_safetensors(path):
        tensors, text = read_safetensors(path)
        if text is None:
            return _from_released(state_of(tensors))
        config = config_from_json(text)
        with torch.device("meta"):
            shapes = {name: tuple(value.shape) for name, value in build(config).state_dict().items()}
        check_shapes(tensors, shapes, config.name)
        check_finite(tensors)
        return Checkpoint(config, tensors, {})
    return _from_released(state_of(read_pickle(path)))


def _from_released(state: dict[str, Tensor]) -> Checkpoint:
    state, again = reference.without_aliases(state)
    if not any(name.startswith(reference.ROOT) for name in state):
        raise InputError(
            f"is not a DAP checkpoint: no key begins with {reference.ROOT!r} (first key: {next(iter(state))})"
        )
    released = [config for config in PRESETS.values() if isinstance(config, DapConfig)]
    shapes = {config.name: reference.released_shapes(config) for config in released}
    found = {(name, tuple(value.shape)) for name, value in state.items()}
    # The variant that most tensors fit; what does not fit is then an error that can be named.
    config = max(released, key=lambda config: len(found & shapes[config.name].items()))
    check_shapes(state, shapes[config.name], config.name)
    names = reference.names_here(config)
    tensors = reference.to_names_here(state, config)
    check_finite({theirs: tensors[ours] for theirs, ours in names.items()})
    dropped = dict.fromkeys(again, "second name of the same tensor")
    dropped |= {
        name: "bias_mask folded into the bias" if name.endswith("bias_mask") else "unused at inference"
        for name in sorted(state.keys() - names.keys())
    }
    return Checkpoint(config, tensors, dropped)
