"""Models arranged for inference: the same function, and what the runtimes make of the graph."""

from __future__ import annotations

import collections
import copy

import numpy as np
import onnx
import openvino as ov
import pytest
import torch
from released_weights import PARITY, released_state

from dap_core.backends.torch import PanoramaNetwork
from dap_core.export.folded import folded
from dap_core.export.parity import parity_images
from dap_core.model import load_checkpoint


def assert_agree(model, images, largest=1e-5):
    """Float32 outputs of the model and of its folded form, on a batch; the model stays as it was."""
    network = PanoramaNetwork(model, 80.0).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    arranged = folded(network, images.shape[1])
    assert arranged is not network
    with torch.inference_mode():
        (range_m, far), (ours, our_far) = (form(torch.from_numpy(images)) for form in (network, arranged))
    assert ours.shape == range_m.shape and ours.dtype == torch.float32
    assert range_m.std() > 0.02 * range_m.mean() and far.std() > 1e-3
    assert ((ours - range_m).abs() / range_m).max() < largest
    assert (our_far - far).abs().max() < largest
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def both(height):
    return np.concatenate(list(parity_images(height).values()))


@pytest.mark.parametrize("height", [32, 64, 96])
def test_tiny_is_the_same_function(small_model, height):
    assert_agree(small_model, both(height))


@pytest.mark.parametrize("height", [16, 48, 64])
def test_released_is_the_same_function(small_released, height):
    assert_agree(small_released, both(height), 3e-5)


def test_a_key_bias_of_own_training_is_kept(small_released):
    released = copy.deepcopy(small_released)
    for model, kept in ((small_released, True), (released, False)):
        if not kept:
            released.backbone.blocks[0].attn.qkv.bias.data[64:128] = 0.0  # as DINOv3's is
        attention = folded(PanoramaNetwork(model, 100.0).eval(), 64).backbone.blocks[0].attention
        assert (attention.k.bias is not None) == kept


@pytest.mark.parametrize(("golden", "variant"), [("vits_128x256_seed0", "vits"), ("vits_96x192_seed7", "vits")])
def test_reproduces_the_reference(golden, variant):
    expected = np.load(PARITY / f"{golden}.npz")
    model = load_checkpoint(released_state(variant, int(golden.rpartition("seed")[2])))
    image = torch.from_numpy(expected["image"])[None]
    with torch.inference_mode():
        range_m, far = folded(PanoramaNetwork(model, 1.0).eval(), image.shape[1])(image)
    np.testing.assert_allclose(range_m[0].numpy(), expected["depth"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(far[0].numpy(), expected["mask"], atol=1e-5, rtol=0)


def test_other_models_stay_as_they_are():
    network = PanoramaNetwork(torch.nn.Identity(), 100.0)
    assert folded(network, 64) is network


def counted(graph):
    weights = {t.name for t in graph.graph.initializer}
    return collections.Counter(n.op_type for n in graph.graph.node if n.input[0] not in weights)


def test_the_graph_of_tiny_has_nothing_needless(small_onnx):
    """Three blocks, four levels. One conversion, and one wrap for two convolutions where they follow each other."""
    nodes = counted(onnx.load(small_onnx))
    blocks = 3
    assert nodes["Cast"] == 1
    assert nodes["Concat"] == 10 + 2 * blocks  # 10 wraps; queries and keys rotated
    assert nodes["Transpose"] <= 9 + 5 * blocks  # into heads three times, keys once more, and back
    assert nodes["MatMul"] == 8 * blocks and nodes["Softmax"] == blocks
    assert not nodes.keys() & {"Sin", "Cos", "Range", "Gather", "Tile", "BatchNormalization", "DepthToSpace"}
    assert nodes["Sigmoid"] == 1


def test_the_graph_of_the_released_model_has_nothing_needless(small_released_graph):
    nodes = counted(small_released_graph)
    assert nodes["Cast"] == 1 and nodes["ConvTranspose"] == 0
    assert nodes["DepthToSpace"] == 4 and nodes["Resize"] == 10  # the adapter's stretching is none
    assert nodes["MatMul"] == 8 * 4 and nodes["LayerNormalization"] == 2 * 4 + 2 * 4
    assert not nodes.keys() & {"Sin", "Cos", "Range", "Gather", "Tile", "ConstantOfShape"}


def executed(graph, height):
    """What OpenVINO runs for one image in bfloat16: (kind, layers it was made of) of each node, and the range."""
    core = ov.Core()
    model = core.read_model(graph.SerializeToString())
    model.reshape({"image": [1, height, 2 * height, 3]})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 1})
    nodes = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        info = node.get_rt_info()
        nodes.append((info["layerType"].astype(str), info["originalLayersNames"].astype(str)))
    return nodes, compiled({"image": parity_images(height)["a room"]})["range_m"]


@pytest.mark.parametrize("which", ["small_onnx", "small_released_graph"])
def test_openvino_fuses_attention_and_keeps_the_range_fine(which, request):
    graph = request.getfixturevalue(which)
    graph = graph if isinstance(graph, onnx.ModelProto) else onnx.load(graph)
    nodes, range_m = executed(graph, 64)
    kinds = collections.Counter(kind for kind, _ in nodes)
    softmaxes = sum(n.op_type == "Softmax" for n in graph.graph.node)
    fused = [layers for kind, layers in nodes if kind == "Subgraph" and "softmax" in layers]
    assert len(fused) == softmaxes and all("matmul" in layers for layers in fused)
    assert kinds["RoPE"] == 2 * softmaxes
    assert kinds["Softmax"] == kinds["MatMul"] == 0
    # Of the last convolution's outputs each has its own value: in bfloat16 there were some eighty.
    assert len(np.unique(range_m)) > range_m.size / 2
