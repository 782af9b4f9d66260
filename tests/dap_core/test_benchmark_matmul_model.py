import numpy as np
import pytest
import torch

from dap_core.backends import open_backend
from dap_core.benchmark.matmul_model import HEIGHT, operations, write_matmul_model
from dap_core.benchmark.operations import count_operations
from dap_core.benchmark.torch_forms import MatmulChain, open_matmul

IMAGE = np.full((1, HEIGHT, 2 * HEIGHT, 3), 100, np.uint8)


def test_operations_are_those_of_the_graph(tmp_path):
    write_matmul_model(tmp_path / "m.onnx", "float32", 64, 5)
    # All but the last product of one column.
    assert operations(64, 5) == 2 * 64**3 * 5 == count_operations(tmp_path / "m.onnx").flops - 2 * 64 * 64


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_quantised_products_give_nearly_the_same_on_every_backend(tmp_path, backend):
    outputs = []
    for precision in ("float32", "int8"):
        path = tmp_path / f"{precision}.onnx"
        write_matmul_model(path, precision, 256, 4)
        outputs.append(open_backend(backend, path, threads=1)(IMAGE)[0][0])
    plain, quantised = outputs
    assert plain.shape == (HEIGHT, 2 * HEIGHT) and 0.3 < plain.std() < 0.8  # of order one after four products
    assert np.corrcoef(plain.ravel(), quantised.ravel())[0, 1] > 0.99
    assert not np.array_equal(plain, quantised)


def test_the_image_is_not_folded_away(tmp_path):
    write_matmul_model(tmp_path / "m.onnx", "float32", 64, 2)
    run = open_backend("onnxruntime", tmp_path / "m.onnx", threads=1)
    assert np.abs(run(IMAGE)[0] - run(IMAGE // 100)[0]).max() > 0.01


def test_torch_computes_the_same_chain():
    backend = open_matmul(1, "", 96, 3)
    range_m, far = backend(IMAGE)
    chain = MatmulChain(96, 3, torch.float32)
    weight, first, last = (getattr(chain, name).double().numpy() for name in ("weight", "first", "last"))
    level = 1.0 / (1.0 + np.exp(-((100.0 / 255.0 - np.array(backend.spec.mean)) / np.array(backend.spec.std)).mean()))
    logits = (first * level @ np.linalg.matrix_power(weight, 3) @ last).ravel()
    expected = np.tile(logits, 22)[: 2 * HEIGHT * HEIGHT].reshape(HEIGHT, 2 * HEIGHT)
    np.testing.assert_allclose(range_m[0], 100.0 * np.log1p(np.exp(expected)), rtol=1e-4)
    np.testing.assert_allclose(far[0], 1.0 / (1.0 + np.exp(-expected)), rtol=1e-4)
    half = open_matmul(1, "bf16", 96, 3)(IMAGE)[0]
    assert 1e-4 < np.median(np.abs(half / range_m - 1.0)) < 0.05
