"""A small model of the real family with lively outputs, and its export, made once for all tests that need one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def small_model():
    """A 64x128 `dap-tiny` of a few thousand weights whose range and far vary over the image."""
    import torch
    from torch import nn

    from dap_core.model.tiny import DapTiny, TinyConfig

    torch.manual_seed(7)
    model = DapTiny(
        TinyConfig(height=64, width=128, stem=16, channels=(16, 32), dim=32, coarse_dim=32, blocks=(1, 1, 1))
    ).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0.0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        model.head.weight.mul_(60.0)
        model.head.bias[4:] += 2.0
    return model


@pytest.fixture(scope="session")
def small_checkpoint(small_model, tmp_path_factory) -> Path:
    from dap_core.model import save_checkpoint

    path = tmp_path_factory.mktemp("checkpoint") / "small.safetensors"
    save_checkpoint(small_model, path)
    return path


@pytest.fixture(scope="session")
def small_onnx(small_model, tmp_path_factory) -> Path:
    from dap_core.export.onnx import export_onnx

    path = tmp_path_factory.mktemp("export") / "small.onnx"
    export_onnx(small_model, path)
    return path


@pytest.fixture(scope="session")
def small_released():
    """The released architecture at 64x128, four blocks of two heads, with weights under which every part matters."""
    import torch

    from dap_core.model.released import Dap, DapConfig

    torch.manual_seed(2)
    model = Dap(DapConfig("dap-s", 64, 4, 2, (0, 1, 2, 3), 16, (16, 16, 32, 64), height=64, width=128)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape)
            if name.endswith("gamma") or ("norm" in name and name.endswith("weight")):
                parameter.copy_(1.0 + 0.2 * noise)
            elif parameter.ndim > 1 and "token" not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.2 * noise)
    return model


@pytest.fixture(scope="session")
def small_released_graph(small_released):
    """Its export, in memory: all the operators of dap-s, dap-b and dap-l."""
    from dap_core.backends.torch import PanoramaNetwork, spec_of
    from dap_core.export.folded import folded
    from dap_core.export.onnx import set_metadata, trace

    spec = spec_of(small_released)
    graph = trace(folded(PanoramaNetwork(small_released, spec.max_range_m).eval(), spec.height), spec, 20)
    set_metadata(graph, spec)
    return graph
