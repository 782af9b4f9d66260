"""Q/DQ in an export: what becomes int8, with which numbers, and that every runtime makes the same of it."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dap_core.backends import backend_module
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError
from dap_core.export.calibration import best_range, covered_ranges, open_session
from dap_core.export.onnx import set_metadata
from dap_core.export.parity import parity_images
from dap_core.export.quantized_graph import products, quantized, scale
from dap_core.export.static_graph import load
from dap_core.export.tensorrt_operators import check_operators
from dap_core.export.typed_graph import typed_graph

RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def small(small_onnx):
    return load(small_onnx)


@pytest.fixture(scope="module")
def ranges(small):
    return covered_ranges(small, list(parity_images(64).values()), 1)


@pytest.fixture(scope="module")
def int8(small, ranges):
    return quantized(small, ranges, list(products(small)))


def constants(model: onnx.ModelProto) -> dict:
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def producers(model: onnx.ModelProto) -> dict:
    return {o: n for n in model.graph.node for o in n.output}


def test_every_product_of_weights_but_the_last_and_none_of_attention(small, int8):
    kinds = [n.op_type for n in small.graph.node]
    names, made = products(small), producers(int8)
    # Three transformers of one block with two products of activations each; one head for both outputs.
    assert len(names) == kinds.count("Conv") + kinds.count("MatMul") - 2 * 3 - 1
    by_name = {n.name: n for n in int8.graph.node}
    for node in int8.graph.node:
        if node.op_type in ("Conv", "MatMul"):
            read = [made[i].op_type if i in made else "" for i in node.input[:2]]
            assert (read == ["DequantizeLinear", "DequantizeLinear"]) == (node.name in names), node.name
    # One quantisation of an input that several products read: of a layer norm by queries, keys and values.
    assert sum(n.op_type == "QuantizeLinear" for n in int8.graph.node) == len(set(names.values())) < len(names)
    assert len(by_name) == len(int8.graph.node)


def test_weights_are_symmetric_by_output_channel(small, int8):
    before, after, made = constants(small), constants(int8), producers(int8)
    count = 0
    for node in small.graph.node:
        if node.name not in products(small):
            continue
        weight = before[f"{node.input[1]}.half"] if node.input[1] not in before else before[node.input[1]]
        weight = weight.astype(np.float32)
        dequantized = made[f"{node.input[1]}.dequantized"]
        integers, scales, zeros = (after[i] for i in dequantized.input)
        axis = helper.get_attribute_value(dequantized.attribute[0])
        assert axis == (0 if node.op_type == "Conv" else weight.ndim - 1)
        others = tuple(i for i in range(weight.ndim) if i != axis)
        np.testing.assert_allclose(scales, np.abs(weight).max(others) / 127, rtol=1e-6)
        assert integers.dtype == zeros.dtype == np.int8 and not zeros.any()
        assert (np.abs(integers.astype(int)).max(others) == 127).all()
        step = np.expand_dims(scales, others)
        assert (np.abs(integers * step - weight) <= 0.5001 * step).all()
        count += 1
    assert count == len(products(small))
    # What became int8 is not stored a second time.
    assert int8.ByteSize() < 0.75 * small.ByteSize()


def test_a_product_computes_what_its_integers_say():
    values, weight = RANDOM.standard_normal((3, 64), np.float32), RANDOM.standard_normal((64, 5), np.float32)
    last = RANDOM.standard_normal((5, 2), np.float32)
    nodes = [helper.make_node("MatMul", [x, w], [y], y) for x, w, y in (("x", "w", "y"), ("y", "last", "z"))]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 64])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [3, 2])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(last, "last")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    assert products(model) == {"y": "x"}
    (result,) = open_session(quantized(model, {"x": 2.0}, ["y"]), 1).run(None, {"x": values})
    rounded = np.clip(np.rint(values / np.float32(2 / 127)), -128, 127) * np.float32(2 / 127)
    steps = np.abs(weight).max(0) / 127
    np.testing.assert_allclose(result, rounded @ (np.rint(weight / steps) * steps) @ last, rtol=1e-4, atol=1e-4)
    assert np.abs(values).max() > 2.0, "nothing was clipped"


def test_runtimes_agree_and_stay_near_the_float_model(small, int8, tmp_path):
    path = tmp_path / "int8.onnx"
    spec = ModelSpec.from_metadata({p.key: p.value for p in small.metadata_props}, "small")
    set_metadata(int8, dataclasses.replace(spec, weights_precision="int8"))
    onnx.save_model(int8, path)
    image = parity_images(64)["a room"]
    float32 = open_session(small, 1).run(["range_m", "far"], {"image": image})
    onnxruntime = backend_module("onnxruntime").open_model(path, 1)(image)
    openvino = backend_module("openvino").open_model(path, 1, "f32")(image)
    # OpenVINO was wrong by tens of per cent where a quantisation follows a Concat.
    assert np.median(np.abs(openvino[0] / onnxruntime[0] - 1)) < 2e-3
    assert 1e-4 < np.median(np.abs(onnxruntime[0] / float32[0] - 1)) < 0.05
    for ours, theirs in zip(onnxruntime, float32, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == np.float32


def test_a_batch_stays_free(int8):
    images = np.concatenate(list(parity_images(64).values()))
    session = open_session(int8, 1)
    together = session.run(["range_m"], {"image": images})[0]
    alone = [session.run(["range_m"], {"image": image[None]})[0][0] for image in images]
    np.testing.assert_allclose(together, alone, rtol=1e-3)


def test_ranges_leave_out_what_is_rare():
    even = RANDOM.uniform(0, 1, 100_000).astype(np.float32)
    assert best_range(even, np.float32(even.max())) == pytest.approx(even.max(), rel=0.06)
    with_one = np.append(even, np.float32(50.0))

    def error(largest: float) -> float:
        step = scale(np.float32(largest))
        return float(np.square(np.clip(np.rint(with_one / step), -128, 127) * step - with_one).mean())

    found = best_range(with_one, np.float32(50.0))
    # The least of (50 - r)^2 / N + (r / 127)^2 / 12 is at r = 50 / (1 + N / (12 127^2)).
    assert found == pytest.approx(50.0 / (1 + len(with_one) / (12 * 127**2)), rel=0.12)
    assert error(found) < 0.9 * error(50.0)
    assert best_range(np.zeros(9, np.float32), np.float32(0.0)) == 0.0
    assert scale(np.float32(0.0)) > 0


@pytest.mark.parametrize("precision", ["bf16", "fp16", "float32"])
def test_tensorrt_takes_it(small, int8, precision):
    typed = typed_graph(int8, precision)
    check_operators(typed)
    kinds, made = {t.name: t.data_type for t in typed.graph.initializer}, producers(typed)
    low = {"bf16": TensorProto.BFLOAT16, "fp16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT}[precision]
    read = []
    for node in typed.graph.node:
        # Nothing, a conversion least of all, is between a dequantisation and its product; weights are integers.
        before = [made[i] for i in node.input[:2] if i in made and made[i].op_type == "DequantizeLinear"]
        if before:
            assert node.op_type in ("Conv", "MatMul") and len(before) == 2
            read.append(node.name)
            assert kinds[before[1].input[0]] == TensorProto.INT8
            for dequantized in before:
                assert kinds[dequantized.input[1]] == low and kinds[dequantized.input[2]] == TensorProto.INT8
        if node.op_type == "QuantizeLinear" and made[node.input[0]].op_type == "LayerNormalization":
            assert kinds[node.input[1]] == TensorProto.FLOAT, "a norm's result is float32 and quantised as it is"
    assert read == list(products(small))


def refusal(integers: int, zero: int, scales: float, bias: bool = False) -> str:
    kind = np.int32 if bias else {TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8}[integers]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], "q"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], "d"),
    ]
    values = [
        numpy_helper.from_array(np.array(scales, np.float32), "s"),
        numpy_helper.from_array(np.array(zero, kind), "z"),
    ]
    if bias:
        nodes = [helper.make_node("DequantizeLinear", ["b", "s", "z"], ["y"], "d")]
        values.append(numpy_helper.from_array(np.array([1, 2], np.int32), "b"))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        values,
    )
    with pytest.raises(InputError) as error:
        check_operators(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_tensorrt_refuses_other_quantisations():
    assert "uint8" in refusal(TensorProto.UINT8, 128, 0.1)
    assert "the zero point must be 0" in refusal(TensorProto.INT8, 3, 0.1)
    assert "scales must be above 0" in refusal(TensorProto.INT8, 0, 0.0)
    assert "int32" in refusal(TensorProto.INT8, 0, 0.1, bias=True)


def test_scales_below_float16_are_refused(small, ranges):
    names = list(products(small))
    check_operators(typed_graph(quantized(small, ranges, names), "fp16"))
    tiny = quantized(small, {name: 1e-4 for name in ranges}, names)
    typed_graph(tiny, "bf16")
    with pytest.raises(InputError, match="below float16: choose bf16 or float32"):
        typed_graph(tiny, "fp16")
