"""Models whose output is known for every pixel, in the form that `dap export onnx` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dap_core.backends.spec import ModelSpec

onnx = pytest.importorskip("onnx", reason="onnx, which makes the tests' models, is not installed: pip install onnx")
TensorProto, helper = onnx.TensorProto, onnx.helper

#: Range of the fine model per unit of red and of green, metres.
FINE_RED, FINE_GREEN = 0.25, 0.001


def write_known_model(path: Path, height: int, red: float = 0.1, green: float = 0.0, base: float = 1.0) -> Path:
    """range = base + red * R + green * G metres, far probability = B / 255, at (height, 2 height)."""
    width = 2 * height

    def constant(name: str, kind: int, value: float) -> Any:
        return helper.make_tensor(name, kind, [], [value])

    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["pixels", "zero"], ["r"], axis=3),
        helper.make_node("Gather", ["pixels", "one"], ["g"], axis=3),
        helper.make_node("Gather", ["pixels", "two"], ["b"], axis=3),
        helper.make_node("Mul", ["r", "red"], ["coarse"]),
        helper.make_node("Mul", ["g", "green"], ["fine"]),
        helper.make_node("Add", ["coarse", "fine"], ["sum"]),
        helper.make_node("Add", ["sum", "base"], ["range_m"]),
        helper.make_node("Mul", ["b", "share"], ["far"]),
    ]
    graph = helper.make_graph(
        nodes,
        "known",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["B", height, width, 3])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["B", height, width]) for n in ("range_m", "far")],
        [
            constant("zero", TensorProto.INT64, 0),
            constant("one", TensorProto.INT64, 1),
            constant("two", TensorProto.INT64, 2),
            constant("red", TensorProto.FLOAT, red),
            constant("green", TensorProto.FLOAT, green),
            constant("base", TensorProto.FLOAT, base),
            constant("share", TensorProto.FLOAT, 1 / 255),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    spec = ModelSpec("known", height, width, 100.0, "0" * 64)
    helper.set_model_props(model, spec.to_metadata())
    onnx.save(model, path)
    return path


def write_fine_model(path: Path, height: int) -> Path:
    """A model that answers the pictures of `fine_image` with their range, to a millimetre."""
    return write_known_model(path, height, FINE_RED, FINE_GREEN, 0.0)


def fine_image(range_m: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) whose range by the fine model is `range_m` (below 63 m; +inf is far)."""
    near = np.isfinite(range_m)
    r = np.where(near, range_m, 0.0)
    red = np.floor(r / FINE_RED)
    green = np.rint((r - red * FINE_RED) / FINE_GREEN)
    assert red.max() <= 255 and green.max() <= 255
    return np.stack([red, green, np.where(near, 0, 255)], -1).astype(np.uint8)
