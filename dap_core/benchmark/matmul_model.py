"""A model that is nothing but matrix products: what a backend makes of it is the peak that real models are held to.

It is an export like any other, so it runs through the backend that is measured, with the same threads, precision, hints
and copies, and nothing about a library's settings is written down twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.backends.spec import ModelSpec
from dap_core.io.atomic import written_beside

#: Rows of the image, which is only there because a model takes one.
HEIGHT = 32

#: Rows and columns of the square matrices, and how many products follow each other: 10 to 50 ms a run on two cores, of
#: which all but one or two per cent goes into the products.
SIZE, LINKS = 1024, 8


def operations(size: int = SIZE, links: int = LINKS) -> int:
    """Floating point operations of one run, a multiplication and an addition each counted."""
    return 2 * size**3 * links


def write_matmul_model(path: Path, precision: str, size: int = SIZE, links: int = LINKS) -> None:
    """Write the model: `links` products of (size, size) matrices one after the other.

    `precision` is float32, which backends may compute in less, or int8, where factors are quantised (Q/DQ). Values keep
    a variance of one from product to product. Needs the onnx package.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    pixels = 2 * HEIGHT * HEIGHT
    constants: dict[str, NDArray] = {
        "first": random.standard_normal((size, size), np.float32),
        "last": random.standard_normal((size, 1), np.float32) / np.float32(size**0.5),
        "axes": np.array([1, 2, 3]),
        "column": np.array([1, size, 1]),
        "copies": np.ones((1, 1, -(-pixels // size)), np.float32),
        "from": np.array([0]),
        "to": np.array([pixels]),
        "along": np.array([1]),
        "row": np.array([1, -1]),
        "picture": np.array([1, HEIGHT, 2 * HEIGHT]),
    }
    weight = random.standard_normal((size, size), np.float32) / np.float32(size**0.5)
    chain = _chain if precision == "float32" else _quantised_chain
    nodes = [
        # The image decides the first factor, or a compiler would compute everything once and for all.
        helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "axes"], ["mean"], keepdims=0),
        helper.make_node("Sigmoid", ["mean"], ["level"]),
        helper.make_node("Mul", ["first", "level"], ["x0"]),
        *chain(weight, links, constants),
        # A last product of one column: OpenVINO's backend computes the last in float32.
        helper.make_node("MatMul", [f"x{links}", "last"], ["y"]),
        helper.make_node("Reshape", ["y", "column"], ["found"]),
        helper.make_node("Mul", ["found", "copies"], ["repeated"]),
        helper.make_node("Reshape", ["repeated", "row"], ["long"]),
        helper.make_node("Slice", ["long", "from", "to", "along"], ["enough"]),
        helper.make_node("Reshape", ["enough", "picture"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["far"]),
        helper.make_node("Softplus", ["logits"], ["range_m"]),
    ]
    shape: list[str | int | None] = ["B", HEIGHT, 2 * HEIGHT]
    graph = helper.make_graph(
        nodes,
        "matmul",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [*shape, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("range_m", "far")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    spec = ModelSpec("matmul", HEIGHT, 2 * HEIGHT, 100.0, "0" * 64, precision)
    helper.set_model_props(model, spec.to_metadata())
    with written_beside(path) as beside:
        onnx.save_model(model, beside)


def _chain(weight: NDArray[np.float32], links: int, constants: dict[str, NDArray]) -> list[Any]:
    from onnx import helper

    constants["weight"] = weight
    return [helper.make_node("MatMul", [f"x{link}", "weight"], [f"x{link + 1}"]) for link in range(links)]


def _quantised_chain(weight: NDArray[np.float32], links: int, constants: dict[str, NDArray]) -> list[Any]:
    from onnx import helper

    scale = np.float32(np.abs(weight).max() / 127.0)
    constants |= {
        "weight": np.rint(weight / scale).astype(np.int8),
        "weight_scale": np.array(scale),
        "weight_zero": np.array(0, np.int8),
        "scale": np.array(5.0 / 127.0, np.float32),
        "zero": np.array(128, np.uint8),
    }
    nodes = []
    for link in range(links):
        nodes += [
            helper.make_node("DequantizeLinear", ["weight", "weight_scale", "weight_zero"], [f"w{link}"]),
            helper.make_node("QuantizeLinear", [f"x{link}", "scale", "zero"], [f"q{link}"]),
            helper.make_node("DequantizeLinear", [f"q{link}", "scale", "zero"], [f"d{link}"]),
            helper.make_node("MatMul", [f"d{link}", f"w{link}"], [f"x{link + 1}"]),
        ]
    return nodes
