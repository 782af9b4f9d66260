"""How much arithmetic an exported model is: counted in its graph, product by product."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dap_core.errors import InputError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Operations:
    """Of one run: floating point operations of its products (a multiplication and an addition each counted), and
    elements that the products read and write when each reads its inputs and its weights once."""

    flops: int
    elements: int


def count_operations(path: Path, batch: int = 1) -> Operations:
    """Operations of an exported `.onnx` for `batch` images: matrix products, convolutions, attention.

    Everything else (activations, norms, resizing) is left out: it moves data more than it computes. Needs the onnx
    package, not the weights. Raises InputError for a file that is not ONNX, a shape that inference cannot tell, and an
    operator outside the standard, which might hide products.
    """
    import onnx

    from dap_core.export.static_graph import shapes_and_types

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: cannot be read as ONNX: {text[:200]}") from None
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = batch
    known = shapes_and_types(model)
    flops = elements = 0
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise InputError(f"{path}: cannot count the operations of {node.domain}.{node.op_type}")
        if node.op_type not in _PRODUCTS:
            continue
        first, second, rule = _PRODUCTS[node.op_type]
        tensors = [node.input[first], node.input[second], node.output[0]]
        if node.op_type == "Attention":
            tensors.append(node.input[2])
        shapes = []
        for name in tensors:
            shape = known.get(name, (0, None))[1]
            if shape is None:
                raise InputError(f"{path}: the shape of {name} ({node.op_type} {node.name}) cannot be inferred")
            shapes.append(shape)
        flops += 2 * rule(shapes[0], shapes[1], shapes[2], _attributes(node))
        elements += sum(map(math.prod, shapes))
    return Operations(flops, elements)


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _matrix_product(a: Shape, b: Shape, out: Shape, attributes: dict[str, Any]) -> int:
    return math.prod(out) * a[-1]


def _gemm(a: Shape, b: Shape, out: Shape, attributes: dict[str, Any]) -> int:
    return math.prod(out) * (a[0] if attributes.get("transA") else a[1])


def _convolution(x: Shape, weight: Shape, out: Shape, attributes: dict[str, Any]) -> int:
    return math.prod(out) * math.prod(weight[1:])  # (out, in / groups, kernel...)


def _transposed_convolution(x: Shape, weight: Shape, out: Shape, attributes: dict[str, Any]) -> int:
    return math.prod(x) * math.prod(weight[1:])  # (in, out / groups, kernel...)


def _attention(query: Shape, key: Shape, out: Shape, attributes: dict[str, Any]) -> int:
    # (B, heads, N, d) or (B, N, heads d): scores, then the weighted sum of values.
    return (math.prod(query) + math.prod(out)) * key[-2]


#: Operator to the places of its two factors among the inputs, and how many multiplications it makes of their shapes.
_PRODUCTS: dict[str, tuple[int, int, Callable[[Shape, Shape, Shape, dict[str, Any]], int]]] = {
    "MatMul": (0, 1, _matrix_product),
    "MatMulInteger": (0, 1, _matrix_product),
    "QLinearMatMul": (0, 3, _matrix_product),
    "Gemm": (0, 1, _gemm),
    "Conv": (0, 1, _convolution),
    "ConvInteger": (0, 1, _convolution),
    "QLinearConv": (0, 3, _convolution),
    "ConvTranspose": (0, 1, _transposed_convolution),
    "Attention": (0, 1, _attention),
}
