"""An exported model that computes something known of every pixel, so that tests can tell what should come out."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from dap_core.backends.spec import ModelSpec


def write_known_model(path: Path, height: int) -> Path:
    """range = 1 + red / 10 metres, far probability = blue / 255, at (height, 2 height)."""
    width = 2 * height

    def constant(name: str, kind: int, value: float) -> onnx.TensorProto:
        return helper.make_tensor(name, kind, [], [value])

    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["pixels", "zero"], ["red"], axis=3),
        helper.make_node("Gather", ["pixels", "two"], ["blue"], axis=3),
        helper.make_node("Mul", ["red", "tenth"], ["scaled"]),
        helper.make_node("Add", ["scaled", "one"], ["range_m"]),
        helper.make_node("Mul", ["blue", "share"], ["far"]),
    ]
    graph = helper.make_graph(
        nodes,
        "known",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["B", height, width, 3])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["B", height, width]) for n in ("range_m", "far")],
        [
            constant("zero", TensorProto.INT64, 0),
            constant("two", TensorProto.INT64, 2),
            constant("tenth", TensorProto.FLOAT, 0.1),
            constant("one", TensorProto.FLOAT, 1.0),
            constant("share", TensorProto.FLOAT, 1 / 255),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    spec = ModelSpec("known", height, width, 100.0, "0" * 64)
    helper.set_model_props(model, spec.to_metadata())
    onnx.save(model, path)
    return path
