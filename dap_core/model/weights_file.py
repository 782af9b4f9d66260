"""Files of weights: reading them without running what is in them, and checking tensors key by key."""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from dap_core.errors import InputError

#: Where a training script may have put the state dict in what it saved.
WRAPPERS = ("model", "state_dict", "model_state_dict")
#: How many keys an error names before it only counts.
NAMED = 3


def is_safetensors(path: Path) -> bool:
    """A little-endian header length, then the JSON header."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < path.stat().st_size


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """Every tensor, and the configuration where the file is one of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, (file.metadata() or {}).get("dap")  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"is damaged, or not safetensors: {_one_line(error)}") from None


def read_pickle(path: Path) -> object:
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


def state_of(content: object) -> dict[str, Tensor]:
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


def check_shapes(state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], name: str) -> None:
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


def check_finite(state: Mapping[str, Tensor]) -> None:
    """InputError that names what is not finite."""
    if damaged := [name for name, value in state.items() if not value.float().isfinite().all()]:
        raise InputError(f"is damaged: {len(damaged)} not finite ({_first(damaged)})")


def _first(keys: list[str]) -> str:
    return ", ".join(keys[:NAMED]) + (", ..." if len(keys) > NAMED else "")
