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
