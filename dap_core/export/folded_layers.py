"""Layers for inference of given weights: float32, on the CPU, without gradients."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn


def linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A layer of these weights (outputs, inputs) and, where given, bias (outputs,), of any floating type."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    return _with(layer, weight, bias)


def scaled(layer: nn.Linear, factor: Tensor | None) -> nn.Linear:
    """`layer` with its outputs multiplied by a factor each, as one layer; `layer` itself where there is none."""
    if factor is None:
        return layer
    factor = factor.double()
    return linear(factor[:, None] * layer.weight, factor * layer.bias)


def convolution(
    weight: Tensor, bias: Tensor | None, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0
) -> nn.Conv2d:
    """A zero-padded convolution of these weights (outputs, inputs, height, width) and, where given, bias (outputs,)."""
    outputs, inputs, height, width = weight.shape
    bare = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=bias is not None, device="meta")
    return _with(bare, weight, bias)


Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


def _with(layer: Layer, weight: Tensor, bias: Tensor | None) -> Layer:
    layer.weight = nn.Parameter(weight.detach().float().contiguous(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().float().contiguous(), requires_grad=False)
    return layer
