"""Batch norm over the whole batch when several processes share it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Sum(torch.autograd.Function):
    """Sum over the processes, of the values and of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        torch.distributed.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose statistics, in training, are those of all processes' parts, which are of one size.

    torch's SyncBatchNorm does the same on GPUs only.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        world = torch.distributed.get_world_size()
        x, axes = input.float(), (0, 2, 3)
        mean = _Sum.apply(x.mean(axes)) / world
        centred = x - mean[:, None, None]
        variance = _Sum.apply(centred.square().mean(axes)) / world
        with torch.no_grad():
            count = world * x.numel() // x.shape[1]
            momentum = self.momentum if self.momentum is not None else 0.1
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
            self.running_mean.lerp_(mean.detach(), momentum)  # type: ignore[union-attr]
            self.running_var.lerp_(variance.detach() * count / (count - 1), momentum)  # type: ignore[union-attr]
        gain = self.weight * (variance + self.eps).rsqrt()
        return (centred * gain[:, None, None] + self.bias[:, None, None]).to(input.dtype)


def shared_between_ranks(model: nn.Module, device: torch.device) -> nn.Module:
    """`model` with its batch norms, which keep their parameters and names, computed over all ranks' parts."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm2d:
                shared = SharedBatchNorm2d(child.num_features, child.eps, child.momentum)
                shared.load_state_dict(child.state_dict())
                shared.weight, shared.bias = child.weight, child.bias
                setattr(module, name, shared.to(child.weight.device))
    return model
