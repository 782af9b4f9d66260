"""Released-layout state dicts with the deterministic weights of tests/data/parity."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import torch

PARITY = Path(__file__).parents[1] / "data" / "parity"
_spec = importlib.util.spec_from_file_location("parity_fill", PARITY / "fill.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
fill = _module.fill


def keys(variant: str) -> dict[str, tuple[int, ...]]:
    """Every key of the reference's state dict for `vits`, `vitb` or `vitl`, with its shape."""
    return {key: tuple(shape) for key, shape in json.loads((PARITY / f"{variant}_keys.json").read_text()).items()}


def released_state(variant: str, seed: int) -> dict[str, np.ndarray]:
    """The reference's state dict, both names of every block included (they share one array)."""
    state: dict[str, np.ndarray] = {}
    for key, shape in keys(variant).items():
        first_name = key.replace("core.pretrained.blocks.", "core.pretrained.model.blocks.")
        if first_name in state:
            state[key] = state[first_name]
        elif key.endswith("periods"):
            state[key] = (100.0 ** (np.arange(shape[0]) / (2 * shape[0]) * 2)).astype(np.float32)
        elif key.endswith("bias_mask"):
            state[key] = np.repeat(np.float32([1, 0, 1]), shape[0] // 3)
        else:
            state[key] = fill(key, shape, seed)
    return state


def normalised(image: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 RGB -> (1, 3, H, W) float32, ImageNet-normalised."""
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy((image / np.float32(255) - mean) / std).permute(2, 0, 1)[None].contiguous()
