"""One step of the optimizer without its update: a batch forward and backward, in parts where memory asks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from lightning.fabric import Fabric
from lightning.fabric.wrappers import _FabricModule
from torch import Tensor

from dap_core.errors import InputError
from training.config import StageConfig
from training.data.batches import to_network
from training.losses import LossWeights, total_loss


@dataclass(frozen=True)
class Objective:
    """What is minimised: depth of 1 is `max_range_m`, far what lies beyond `far_beyond_m` (inf: nothing does)."""

    max_range_m: float
    far_beyond_m: float
    weights: LossWeights


def objective_of(config: StageConfig, limit: float) -> Objective:
    """What `config` minimises for a model whose depth ends at `limit` metres; without a mask nothing is far."""
    if config.far_beyond_m is None:
        return Objective(limit, math.inf, replace(config.loss, mask=0.0))
    if config.far_beyond_m > limit:
        raise InputError(f"far_beyond_m lies within the model's {limit:g} m, got {config.far_beyond_m:g}")
    return Objective(limit, config.far_beyond_m, config.loss)


def add_gradients(
    fabric: Fabric, network: _FabricModule, images: Tensor, ranges: Tensor, objective: Objective, parts: int = 1
) -> dict[str, Tensor]:
    """Add the gradients of the mean loss of a batch to the network's parameters; the loss and its terms, detached.

    `images` (B, H, W, 3) uint8 and `ranges` (B, H, W) metres lie on the network's device. They are gone through in
    `parts` pieces; between processes gradients are summed once, with the last one.
    """
    sums: dict[str, Tensor] = {}
    pieces = list(zip(images.chunk(parts), ranges.chunk(parts), strict=True))
    for number, piece in enumerate(pieces, 1):
        x, target = to_network(*piece, objective.max_range_m, objective.far_beyond_m)
        with fabric.no_backward_sync(network, enabled=number < len(pieces)):
            depth, far = network.logits(x.contiguous(memory_format=torch.channels_last))
            loss, terms = total_loss(depth, far, target, objective.weights)
            fabric.backward(loss / len(pieces))
        for name, value in {"loss": loss.detach(), **terms}.items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value / len(pieces)
    return sums
