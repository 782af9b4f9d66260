from dataclasses import dataclass

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from dap_core.backends import open_backend
from dap_core.backends.spec import ModelSpec
from dap_core.backends.torch import PanoramaNetwork, weights_sha256
from dap_core.errors import InputError
from dap_core.export.onnx import OPSET, export_onnx, halve_weights
from dap_core.export.parity import Tolerance, compare, parity_images, room


@dataclass(frozen=True)
class PlainConfig:
    name: str = "plain"
    height: int = 32
    width: int = 64
    max_range_m: float = 50.0


class Plain(torch.nn.Module):
    """Two convolutions: quick to trace, and enough where only the file matters."""

    config = PlainConfig()

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.first, self.last = torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.Conv2d(64, 2, 3, padding=1)

    def forward(self, x):
        if x.shape[-2] % 8:
            raise ValueError("the height must be a multiple of 8")
        return self.last(self.first(x).relu()).sigmoid().unbind(1)


SPEC = ModelSpec("x", 4, 8, 100.0, "0" * 64)


@pytest.fixture(scope="module")
def float_onnx(small_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("float") / "small.onnx"
    steps = []
    comparisons = export_onnx(small_model, path, half=False, progress=steps.append)
    assert steps[0] == "running the model in torch" and steps[-1] == "done"
    assert [c.image for c in comparisons] == ["a room", "noise"] and all(c.passed for c in comparisons)
    assert max(c.largest for c in comparisons) < 1e-3
    return path


def test_file_says_what_it_is(small_onnx, small_model):
    graph = onnx.load(small_onnx)
    onnx.checker.check_model(graph)
    metadata = {p.key: p.value for p in graph.metadata_props}
    assert metadata["dap.name"] == "dap-tiny" and metadata["dap.unit"] == "metre"
    assert metadata["dap.weights_precision"] == "float16"
    assert metadata["dap.weights_sha256"] == weights_sha256(small_model)
    assert graph.opset_import[0].version == OPSET
    (image,), outputs = graph.graph.input, graph.graph.output
    assert image.name == "image" and image.type.tensor_type.elem_type == TensorProto.UINT8
    assert [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim] == ["B", 64, 128, 3]
    assert [o.name for o in outputs] == ["range_m", "far"]
    assert all(o.type.tensor_type.elem_type == TensorProto.FLOAT for o in outputs)


def test_file_has_nothing_of_this_machine(small_onnx):
    data = small_onnx.read_bytes()
    for trace in (b".py", b"/home", b"stack_trace", b"site-packages"):
        assert trace not in data


def test_same_weights_give_the_same_file(tmp_path):
    for name in ("a.onnx", "b.onnx"):
        export_onnx(Plain(), tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_half_storage_is_smaller_and_close(small_onnx, float_onnx):
    half, full = onnx.load(small_onnx), onnx.load(float_onnx)
    stored = {t.data_type for t in half.graph.initializer if t.name.endswith(".half")}
    assert stored == {TensorProto.FLOAT16}
    assert small_onnx.stat().st_size < 0.8 * float_onnx.stat().st_size
    # Only weights are rounded: everything else is there bit for bit.
    rounded = {t.name.removesuffix(".half") for t in half.graph.initializer if t.name.endswith(".half")}
    kept = {t.name: numpy_helper.to_array(t) for t in half.graph.initializer if not t.name.endswith(".half")}
    for tensor in full.graph.initializer:
        if tensor.name not in rounded:
            np.testing.assert_array_equal(kept[tensor.name], numpy_helper.to_array(tensor))
    a, b = (open_backend("onnxruntime", p, threads=1)(parity_images(64)["a room"])[0] for p in (small_onnx, float_onnx))
    difference = np.abs(a / b - 1)
    assert 0 < np.median(difference) < 5e-3


def test_weights_beyond_half_stay_float():
    weights = np.full((64, 64), 1.0, np.float32)
    weights[3, 4] = 1e5
    graph = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
            "g",
            [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
            [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])],
            [numpy_helper.from_array(weights, "w")],
        )
    )
    assert halve_weights(graph) == 0
    graph.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights / 1e3, "w"))
    assert halve_weights(graph) == 1
    assert [n.op_type for n in graph.graph.node] == ["Cast", "MatMul"]


def test_large_models_keep_their_weights_beside(tmp_path):
    path = tmp_path / "large.onnx"
    export_onnx(Plain(), path, half=False, single_file_bytes=10_000)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["large.onnx", "large.onnx.data"]
    image = parity_images(32)["noise"]
    beside = [open_backend(name, path, threads=1)(image)[0] for name in ("onnxruntime", "openvino")]
    # Written again as one file, the old weights go.
    export_onnx(Plain(), path, half=False)
    assert [p.name for p in tmp_path.iterdir()] == ["large.onnx"]
    for name, range_m in zip(("onnxruntime", "openvino"), beside, strict=True):
        np.testing.assert_array_equal(open_backend(name, path, threads=1)(image)[0], range_m)


def test_another_height(tmp_path):
    export_onnx(Plain(), tmp_path / "m.onnx", height=48, half=False)
    backend = open_backend("onnxruntime", tmp_path / "m.onnx", threads=1)
    assert (backend.spec.height, backend.spec.width, backend.spec.max_range_m) == (48, 96, 50.0)
    image = room(48)[None]
    with torch.inference_mode():
        expected = PanoramaNetwork(Plain(), 50.0)(torch.from_numpy(image))[0].numpy()
    np.testing.assert_allclose(backend(image)[0], expected, rtol=1e-5)


def test_wrong_arguments_leave_nothing(tmp_path):
    for path, height, message in (
        (tmp_path / "m.onnx", 50, "does not run at 100x50"),
        (tmp_path / "m.bin", None, "ends in .onnx"),
        (tmp_path / "nowhere" / "m.onnx", None, "no such folder"),
    ):
        with pytest.raises(InputError, match=message) as error:
            export_onnx(Plain(), path, height=height)
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_loses_in_half_precision_is_not_written(tmp_path):
    broken = Plain()
    with torch.no_grad():
        # Large features and small weights do in float32 what they did before; the weights vanish in float16.
        for parameter in broken.first.parameters():
            parameter.mul_(1e5)
        broken.last.weight.mul_(3e-6)
    path = tmp_path / "m.onnx"
    with pytest.raises(InputError, match="is not written, it does not do what the model does: weights in half"):
        export_onnx(broken, path)
    assert list(tmp_path.iterdir()) == []
    export_onnx(broken, path, half=False)


def test_network_normalises_as_imagenet(small_model):
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, x):
            seen.append(x)
            return x[:, 0] * 0 + 0.5, x[:, 1] * 0

    image = torch.tensor([0, 128, 255], dtype=torch.uint8).expand(1, 2, 4, 3)
    range_m, _ = PanoramaNetwork(Spy(), 80.0)(image)
    expected = (np.array([0, 128 / 255, 1]) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(seen[0][0, :, 1, 2].numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(range_m.numpy(), 40.0)


def test_compare_in_closed_form():
    a = np.full((1, 4, 8), 2.0, np.float32)
    far = np.zeros((1, 4, 8), np.float32)
    b, other = a.copy(), far.copy()
    b[0, 0, 0], other[0, 1, :2] = 2.2, 0.9
    c = compare("test", "image", SPEC, (a, far), (b, other), Tolerance(1e-6, 1.0, 0.1))
    assert c.median == 0.0 and c.largest == pytest.approx(0.1, rel=1e-5) and c.far_flips == 2 / 32 and c.passed
    assert not compare("t", "i", SPEC, (a, far), (b * np.nan, far), Tolerance(1, 1, 1)).passed
    assert not compare("t", "i", SPEC, (a, far), (b, far * np.nan), Tolerance(1, 1, 1)).passed


def test_room_is_a_plausible_picture():
    image = room(64)
    assert image.shape == (64, 128, 3) and image.dtype == np.uint8
    assert image.std() > 20 and 60 < image.mean() < 220
    np.testing.assert_array_equal(image, room(64))
