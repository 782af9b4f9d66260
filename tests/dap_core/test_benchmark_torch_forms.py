import numpy as np
import pytest

from dap_core.backends import BackendUnavailable, open_backend
from dap_core.benchmark.opening import check_backend, installed_backends, open_form
from dap_core.benchmark.random_weights import write_random_checkpoint
from dap_core.benchmark.torch_forms import open_checkpoint
from dap_core.errors import InputError
from dap_core.export.parity import room


def test_the_plain_form_is_the_torch_backend(small_checkpoint):
    image = room(64)[None]
    expected, got = open_backend("torch", small_checkpoint, threads=1), open_checkpoint(small_checkpoint, 1, 64)
    for a, b in zip(expected(image), got(image), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "eager" in got.reason and got.precision == "float32"


def test_bf16_rounds_and_another_height_is_another_resolution(small_checkpoint):
    plain, half = (open_checkpoint(small_checkpoint, 1, 96, form) for form in ("", "bf16"))
    image = room(96)[None]
    (range_m, _), (rounded, _) = plain(image), half(image)
    assert range_m.shape == (1, 96, 192) and rounded.dtype == np.float32
    assert 1e-4 < np.median(np.abs(rounded / range_m - 1.0)) < 0.03
    assert half.precision == "bf16"


def test_a_cuda_graph_needs_cuda(small_checkpoint):
    import torch

    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    with pytest.raises(BackendUnavailable, match="CUDA does not start"):
        open_checkpoint(small_checkpoint, 1, 64, "bf16-graphed")


def test_forms_of_other_backends(small_onnx):
    single = open_form("openvino:f32", small_onnx, 1, 64)
    assert single.precision == "float32"
    cpu = open_form("onnxruntime:cpu", small_onnx, 1, 64)
    assert cpu.precision == "float32" and "CPU" in cpu.reason
    image = room(64)[None]
    np.testing.assert_allclose(single(image)[0], cpu(image)[0], rtol=1e-3)


def test_names_of_backends():
    assert {"onnxruntime", "openvino", "torch"} <= set(installed_backends())
    assert check_backend("torch:bf16-compiled") == "torch:bf16-compiled"
    for name, message in (
        ("cuda", "no backend 'cuda': choose from tensorrt, onnxruntime, openvino, torch"),
        ("openvino:int4", "openvino has no form 'int4': it has openvino:f32, openvino:bf16"),
        ("tensorrt:fp16", "tensorrt has no form 'fp16': it has none"),
        ("torch:", "torch has no form ''"),
    ):
        with pytest.raises(InputError, match=message):
            check_backend(name)


def test_random_weights_are_the_same_anywhere_and_outputs_lively(tmp_path):
    write_random_checkpoint("dap-s", tmp_path / "a.safetensors")
    network = open_checkpoint(tmp_path / "a.safetensors", 1, 64)
    range_m, far = network(room(64)[None])
    # Torch's own initial values give 1e-6 here, and rounding would not show.
    assert range_m.std() / range_m.mean() > 0.02 and far.std() > 0.01
    assert range_m.min() > 1.0 and range_m.max() < 99.0
    assert network.spec.weights_sha256.startswith("e5e7a63d")
