import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dap_core.backends.models import resolve_model
from dap_core.benchmark.operations import count_operations
from dap_core.errors import InputError


def graph_of(tmp_path, nodes, inputs, outputs, constants=(), domain=""):
    """A file with these nodes; inputs and outputs are name to shape, "B" the batch."""
    infos = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in x.items()] for x in (inputs, outputs)]
    tensors = [numpy_helper.from_array(np.zeros(shape, kind), name) for name, shape, kind in constants]
    graph = helper.make_graph(nodes, "g", *infos, tensors)
    opsets = [helper.make_opsetid("", 23), *([helper.make_opsetid(domain, 1)] if domain else [])]
    path = tmp_path / "graph.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=opsets, ir_version=11), path)
    return path


def test_matrix_products_count_two_operations_for_every_multiplication(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),  # (B, 6, 5) (5, 7)
        helper.make_node("Relu", ["y"], ["z"]),
        helper.make_node("MatMul", ["z", "z_t"], ["s"]),  # (B, 6, 7) (7, 3)
    ]
    path = graph_of(
        tmp_path,
        nodes,
        {"x": ["B", 6, 5]},
        {"s": ["B", 6, 3]},
        [("w", (5, 7), "float32"), ("z_t", (7, 3), "float32")],
    )
    one, three = count_operations(path), count_operations(path, 3)
    assert one.flops == 2 * (6 * 5 * 7 + 6 * 7 * 3)
    assert one.elements == (6 * 5 + 5 * 7 + 6 * 7) + (6 * 7 + 7 * 3 + 6 * 3)
    assert three.flops == 3 * one.flops
    assert three.elements == 3 * (6 * 5 + 6 * 7 + 6 * 7 + 6 * 3) + 5 * 7 + 7 * 3  # weights are read once


def test_gemm(tmp_path):
    plain = helper.make_node("Gemm", ["x", "w"], ["y"])  # (B, 5) (5, 7)
    path = graph_of(tmp_path, [plain], {"x": ["B", 5]}, {"y": ["B", 7]}, [("w", (5, 7), "float32")])
    assert count_operations(path, 4).flops == 2 * 4 * 5 * 7
    turned = helper.make_node("Gemm", ["w", "x"], ["y"], transA=1, transB=1)  # (5, 3) turned, (B, 5) turned
    path = graph_of(tmp_path, [turned], {"x": ["B", 5]}, {"y": ["B", 3]}, [("w", (5, 3), "float32")])
    assert count_operations(path, 3).flops == 2 * 3 * 5 * 3


def test_convolutions(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1], group=2),
        helper.make_node("ConvTranspose", ["y", "v"], ["z"], strides=[2, 2]),
    ]
    constants = [("w", (8, 2, 3, 3), "float32"), ("v", (8, 5, 2, 2), "float32")]
    path = graph_of(tmp_path, nodes, {"x": ["B", 4, 10, 20]}, {"z": ["B", 5, 10, 20]}, constants)
    assert count_operations(path).flops == 2 * (8 * 5 * 10) * (2 * 3 * 3) + 2 * (8 * 5 * 10) * (5 * 2 * 2)


@pytest.mark.parametrize("layout", ["four dimensions", "three dimensions"])
def test_attention_is_scores_and_weighted_sum(tmp_path, layout):
    heads, queries, keys, size = 3, 10, 14, 8
    if layout == "four dimensions":
        shapes = [["B", heads, n, size] for n in (queries, keys, keys)]
        node = helper.make_node("Attention", ["q", "k", "v"], ["y"])
    else:
        shapes = [["B", n, heads * size] for n in (queries, keys, keys)]
        node = helper.make_node("Attention", ["q", "k", "v"], ["y"], q_num_heads=heads, kv_num_heads=heads)
    inputs = dict(zip("qkv", shapes, strict=True))
    path = graph_of(tmp_path, [node], inputs, {"y": shapes[0]})
    assert fixed_batch(path, 2).flops == 2 * 2 * heads * queries * keys * 2 * size


def fixed_batch(path, batch):
    """The count of a graph with several inputs, all of which have the batch."""
    model = onnx.load(path)
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = batch
    onnx.save_model(model, path)
    return count_operations(path, batch)


def test_the_bundled_model_is_what_its_architecture_says():
    # 3x3 convolutions and 1x1 ones from 1/2 to 1/32, five blocks, their attention: counted by hand to 9.0 GFLOP.
    found = count_operations(resolve_model("dap-tiny", for_torch=False))
    assert found.flops == pytest.approx(8.98e9, rel=0.02)


def test_torch_counts_the_same_up_to_what_the_export_folds(small_model, small_onnx):
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.inference_mode():
        small_model(torch.zeros(1, 3, 64, 128))
    assert count_operations(small_onnx).flops == pytest.approx(counter.get_total_flops(), rel=0.03)


def test_what_cannot_be_counted_is_said(tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("not a graph")
    with pytest.raises(InputError, match="cannot be read as ONNX"):
        count_operations(text)
    node = helper.make_node("FusedMatMul", ["x", "x"], ["y"], domain="com.microsoft")
    path = graph_of(tmp_path, [node], {"x": ["B", 4]}, {"y": ["B", 4]}, domain="com.microsoft")
    with pytest.raises(InputError, match=r"cannot count the operations of com\.microsoft\.FusedMatMul"):
        count_operations(path)
    node = helper.make_node("MatMul", ["x", "x"], ["y"])
    path = graph_of(tmp_path, [node], {"x": ["B", "rows", "rows"]}, {"y": ["B", "rows", "rows"]})
    with pytest.raises(InputError, match=r"the shape of x .* cannot be inferred"):
        count_operations(path)
