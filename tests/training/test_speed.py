"""What a training step costs: operations by hand, parts of a batch, and the measurement itself."""

from __future__ import annotations

import math

import pytest
import torch
from lightning.fabric import Fabric

from dap_core.benchmark.turns import Effort
from dap_core.errors import InputError
from dap_core.model import build
from dap_core.model.tiny import TinyConfig
from training.losses import LossWeights
from training.speed import Case, measure, sample_operations
from training.step import Objective, add_gradients


def test_operations_of_a_sample():
    # Products of the exported graph, forward; backward is twice that.
    assert sample_operations("dap-tiny", 256) == pytest.approx(3 * 8.98e9, rel=0.02)
    # A ViT-S/16 at 512x1024 and its two decoders: 0.24 TFLOP forward, 0.71 a training sample.
    assert sample_operations("dap-s", 512) == pytest.approx(0.71e12, rel=0.02)


def test_gradients_of_a_batch_do_not_depend_on_its_parts():
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    torch.manual_seed(0)
    model = build(TinyConfig(height=32, width=64, stem=8, channels=(8, 16), dim=32, coarse_dim=32)).eval()
    network = fabric.setup(model)
    network.mark_forward_method("logits")
    images = torch.randint(0, 256, (4, 32, 64, 3), dtype=torch.uint8)
    ranges = torch.rand(4, 32, 64) * 60 + 0.5
    objective = Objective(100.0, 100.0, LossWeights(silog=0.0, log_l1=1.0, gradient=0.0, mask=1.0))
    found = []
    for parts in (1, 2, 4):
        model.zero_grad()
        terms = add_gradients(fabric, network, images, ranges, objective, parts)
        found.append((terms, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])))
    (whole, gradient), *others = found
    assert whole["loss"] == pytest.approx(float(whole["log_l1"] + whole["mask"]), rel=1e-6)
    assert math.isfinite(gradient.norm()) and gradient.norm() > 0
    for terms, other in others:
        assert float(terms["loss"]) == pytest.approx(float(whole["loss"]), rel=1e-5)
        assert (other - gradient).norm() < 2e-3 * gradient.norm()  # rounding at the kinks of L1 and ReLU


def test_a_step_is_held_to_matrix_products():
    effort = Effort(seconds=0.3, turns=2, slice_s=0.02, warm_up_s=0.0)
    found = measure(Case("dap-tiny", 32, 2, "32-true"), "cpu", effort)
    assert 0.0 < found.share < 1.0
    assert found.samples_per_second == pytest.approx(2 / found.step_s)
    assert found.sample_flops == sample_operations("dap-tiny", 32)
    # Share, rates and operations are of one measurement, so they agree within what two turns vary by.
    assert found.sample_flops * found.samples_per_second / found.peak_flops == pytest.approx(found.share, rel=0.8)
    assert found.peak_bytes is None or found.peak_bytes > 22.6e6 * 4  # weights, their average, gradients, Adam's first


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("dap-xl", 512, 1), "unknown preset 'dap-xl'"),
        (("dap-tiny", 100, 1), "multiple of 32, got 100"),
        (("dap-tiny", 128, 0), "at least 1 panorama, got 0"),
        (("dap-tiny", 128, 1, "int4"), "precision is one of bf16-mixed, 32-true, got 'int4'"),
    ],
)
def test_cases_that_make_no_sense(values, says):
    with pytest.raises(InputError, match=says):
        Case(*values)
