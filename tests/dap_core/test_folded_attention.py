"""Attention between very many tokens: the same numbers in chunks of queries, and nowhere all scores at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from test_folded import executed
from torch import nn

from dap_core.backends.torch import PanoramaNetwork, spec_of
from dap_core.export import folded_attention
from dap_core.export.folded import folded
from dap_core.export.folded_attention import FoldedAttention, query_chunk
from dap_core.export.onnx import trace
from dap_core.export.parity import parity_images
from dap_core.export.static_graph import make_static, shapes_and_types


@pytest.mark.parametrize("tokens", [128, 512, 2048, 2053, 4096])
def test_shipped_sizes_are_whole(tokens):
    """dap-tiny up to 512x1024, dap-s, dap-b and dap-l at 512x1024."""
    assert query_chunk(tokens) == tokens


@pytest.mark.parametrize("tokens", [4613, 8192, 8197, 18437, 32768, 32773])
def test_chunks_are_bounded_and_nearly_equal(tokens):
    chunk = query_chunk(tokens)
    assert chunk * tokens <= 1.01 * (1 << 22)
    last = tokens - chunk * (math.ceil(tokens / chunk) - 1)
    assert 0 <= chunk - last < tokens / chunk


def test_8192_tokens_go_in_sixteen_chunks():
    assert query_chunk(8192) == 512


@pytest.fixture
def small_chunks(monkeypatch):
    """Limits that 32 tokens are beyond."""
    monkeypatch.setattr(folded_attention, "WHOLE_TOKENS", 16)
    monkeypatch.setattr(folded_attention, "CHUNK_SCORES", 512)


@pytest.mark.parametrize("tokens", [32, 37])
def test_chunks_are_the_same_function(tokens, request):
    torch.manual_seed(0)
    qkv, proj = nn.Linear(16, 48), nn.Linear(16, 16)
    angles = torch.rand(tokens, 4).tile(2)
    attention = FoldedAttention(qkv, proj, 2, angles.cos(), angles.sin()).double()
    x = 3.0 * torch.randn(2, tokens, 16, dtype=torch.float64)
    with torch.no_grad():
        whole = attention(x)
        request.getfixturevalue("small_chunks")
        chunked = attention(x)
    assert query_chunk(tokens) == {32: 16, 37: 13}[tokens]
    assert whole.std() > 0.1
    torch.testing.assert_close(chunked, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("which", "tokens", "chunks"), [("small_model", 32, 2), ("small_released", 37, 3)])
def test_no_tensor_holds_all_scores(which, tokens, chunks, request, small_chunks):
    """Of the exported graph, in which OpenVINO fuses each chunk as it does the whole."""
    model = request.getfixturevalue(which)
    spec = spec_of(model)
    network = PanoramaNetwork(model, spec.max_range_m).eval()
    graph = trace(folded(network, spec.height), spec, 20)
    static = make_static(graph, 1)
    shapes = {name: shape for name, (_, shape) in shapes_and_types(static).items()}
    softmaxes = [node for node in static.graph.node if node.op_type == "Softmax"]
    scores = [shapes[node.output[0]] for node in softmaxes if shapes[node.output[0]][-1] == tokens]
    assert all(rows * columns <= 512 for *_, rows, columns in scores)
    assert sum(rows for *_, rows, _ in scores) == len(scores) / chunks * tokens
    nodes, range_m = executed(graph, spec.height)
    kinds = [kind for kind, _ in nodes]
    assert kinds.count("Softmax") == kinds.count("MatMul") == 0
    assert sum(kind == "Subgraph" and "softmax" in layers for kind, layers in nodes) == len(softmaxes)
    with torch.inference_mode():
        expected = network(torch.from_numpy(parity_images(spec.height)["a room"]))[0].numpy()
    assert np.median(np.abs(range_m / expected - 1)) < 2e-2
