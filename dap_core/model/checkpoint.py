"""Checkpoints: ours (safetensors, the configuration inside) and the released ones, each checked key by key."""

from __future__ import annotations

import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.model import reference_layout as reference
from dap_core.model.presets import PRESETS, ModelConfig, build, config_from_json, config_to_json
from dap_core.model.released import Dap, DapConfig
from dap_core.model.tiny import DapTiny

#: Where a training script may have put the state dict in what it saved.
WRAPPERS = ("model", "state_dict", "model_state_dict")
#: How many keys an error names before it only counts.
NAMED = 3
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
            return _from_released(_state_of(source))
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
    if path.suffix == ".safetensors" or _looks_like_safetensors(path):
        tensors, text = _read_safetensors(path)
        if text is None:
            return _from_released(_state_of(tensors))
        config = config_from_json(text)
        with torch.device("meta"):
            shapes = {name: tuple(value.shape) for name, value in build(config).state_dict().items()}
        _check(tensors, shapes, config.name)
        _check_finite(tensors)
        return Checkpoint(config, tensors, {})
    return _from_released(_state_of(_read_pickle(path)))


def _looks_like_safetensors(path: Path) -> bool:
    """A little-endian header length, then the JSON header."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < path.stat().st_size


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """Every tensor, and the configuration where the file is one of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, (file.metadata() or {}).get("dap")  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"is damaged, or not safetensors: {_one_line(error)}") from None


def _read_pickle(path: Path) -> object:
    """What torch.save wrote, tensors and plain containers only: nothing in the file is run."""
    archive = zipfile.is_zipfile(path)
    with path.open("rb") as file:
        pickled = archive or file.read(1) == pickle.PROTO
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickle protocols; what matters is said below
            return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to spell
        if isinstance(error, pickle.UnpicklingError) and pickled:
            raise InputError(
                "holds more than weights (or is damaged); such a pickle could run code, so it is refused: "
                "save the weights alone with torch.save(model.state_dict(), ...)"
            ) from None
        reason = "" if isinstance(error, pickle.UnpicklingError) else f": {_one_line(error)}"
        raise InputError(f"is damaged, or not a checkpoint{reason}") from None


def _one_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:120]}" if text else type(error).__name__


def _state_of(content: object) -> dict[str, Tensor]:
    """The state dict in what was saved, as tensors; InputError where there is none."""
    if isinstance(content, nn.Module):
        raise InputError("is a module, not a state dict: give its state_dict()")
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise InputError(f"holds a {type(content).__name__}, not a state dict of tensors")
    state = {}
    for name, value in content.items():
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            value = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))
            value = torch.from_numpy(value if value.flags.writeable else value.copy())
        if not isinstance(name, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
            raise InputError(f"entry {str(name)[:80]!r} is a {type(value).__name__}, not a tensor")
        if not value.is_floating_point() and not name.endswith("bias_mask"):
            raise InputError(f"{name} is {value.dtype}: weights must be floating point")
        state[name] = value.detach().cpu()
    if not state:
        raise InputError("holds no tensors")
    return state


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
    _check(state, shapes[config.name], config.name)
    names = reference.names_here(config)
    tensors = reference.to_names_here(state, config)
    _check_finite({theirs: tensors[ours] for theirs, ours in names.items()})
    dropped = dict.fromkeys(again, "second name of the same tensor")
    dropped |= {
        name: "bias_mask folded into the bias" if name.endswith("bias_mask") else "unused at inference"
        for name in sorted(state.keys() - names.keys())
    }
    return Checkpoint(config, tensors, dropped)


def _check(state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], name: str) -> None:
    """InputError that names what is missing, unexpected or misshapen in `state`, which should have `shapes`."""
    faults = {
        "missing": [key for key in shapes if key not in state],
        "unexpected": [key for key in state if key not in shapes],
        "misshapen": [
            f"{key} {list(state[key].shape)} instead of {list(shape)}"
            for key, shape in shapes.items()
            if key in state and tuple(state[key].shape) != shape
        ],
    }
    found = "; ".join(f"{len(keys)} {fault} ({_first(keys)})" for fault, keys in faults.items() if keys)
    if found:
        raise InputError(f"does not fit {name}: {found}")


def _check_finite(state: Mapping[str, Tensor]) -> None:
    if damaged := [name for name, value in state.items() if not value.float().isfinite().all()]:
        raise InputError(f"is damaged: {len(damaged)} not finite ({_first(damaged)})")


def _first(keys: list[str]) -> str:
    return ", ".join(keys[:NAMED]) + (", ..." if len(keys) > NAMED else "")
