"""Random weights for a released architecture: its speed and memory without its checkpoint."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np


def write_random_checkpoint(preset: str, path: Path) -> None:
    """Write a checkpoint of a preset whose weights depend on its names alone.

    They are scaled so that activations stay of order one in every layer and outputs vary over the picture: with torch's
    own initial values the backbone's layer scales of 1e-5 leave nothing of it, and no rounding would ever show. Needs
    torch and safetensors.
    """
    from dap_core.model import build, save_checkpoint

    model = build(preset)
    for name, parameter in model.named_parameters():
        random = np.random.default_rng(zlib.crc32(name.encode()))
        values = random.standard_normal(tuple(parameter.shape), np.float32)
        if name.endswith("gamma"):
            values = 0.5 + 0.05 * values
        elif parameter.ndim == 1 and name.endswith("weight"):  # of a norm
            values = 1.0 + 0.1 * values
        elif name.endswith(("bias", "token", "tokens")):
            values *= 0.1
        else:
            values /= math.sqrt(math.prod(parameter.shape[1:]))
        parameter.detach().numpy()[...] = values
    save_checkpoint(model, path)
