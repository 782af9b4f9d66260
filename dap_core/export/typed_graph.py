"""A float32 export with its precision written into the graph: what a strongly typed TensorRT network is parsed from.

Products (convolutions and matrix products) and what merely moves their results run in the low type. In float32 are:

- everything before the first product (normalisation, exposure) and the functions that lose digits in any low type
  (exp, log, sigmoid, means);
- the residual stream of the transformers and their norms: many small terms are added to large ones there, and in
  float16 they would overflow;
- rotary angles and other tables over positions, and what is computed with them up to the next product;
- the last product on the way to each output and all that follows: rounded to 8 bits, range comes in steps of 1 %.

Q/DQ of an int8 export stays: what is quantised is taken in the type it has, what is dequantised is in the low type
(where a scale is rounded by at most 2^-9), and so is the product that reads it.

Attention's two products and the softmax between them stay in the low type, which is what fused kernels take; those
kernels accumulate in float32. When these rules change, so must `engine_file.GRAPH_RULES`.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dap_core.errors import InputError
from dap_core.export.static_graph import make_static, shapes_and_types

Precision = Literal["bf16", "fp16", "float32"]
LOW = {"bf16": TensorProto.BFLOAT16, "fp16": TensorProto.FLOAT16}
FLOAT = TensorProto.FLOAT

_PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
#: Run in the widest type among their inputs: they move values, or lose nothing worth a conversion.
_MOVES = frozenset({"Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"})
_ARITHMETIC = frozenset({"Add", "Div", "Mul", "Sub"})
_FOLLOW = (
    _MOVES
    | _ARITHMETIC
    | {"Concat", "DepthToSpace", "Expand", "Gelu", "Max", "Min", "Neg", "Relu", "Resize", "Softmax", "Split", "Tile"}
)
#: Of these the first inputs alone are data: a resize's scales stay float32.
_DATA_INPUTS = {"Resize": 1}


def typed_graph(model: onnx.ModelProto, precision: Precision, batch: int = 1) -> onnx.ModelProto:
    """`model` (an export of `dap_core.export.onnx`) for exactly `batch` images, computed in `precision`.

    The input stays uint8 and the outputs float32. InputError for an unknown precision.
    """
    if precision not in ("float32", *LOW):
        raise InputError(f"no precision {precision!r}: choose bf16, fp16 or float32")
    static = make_static(model, batch)
    low = LOW.get(precision, FLOAT)
    graph = static.graph
    kinds = {name: kind for name, (kind, _) in shapes_and_types(static).items()}
    constants = {t.name: t for t in graph.initializer}
    wide = last_products(graph) | _residual_sums(graph)
    types: dict[str, int] = {graph.input[0].name: TensorProto.UINT8}
    casts: dict[tuple[str, int], str] = {}
    nodes: list[onnx.NodeProto] = []

    def converted(name: str, to: int) -> str:
        """The float tensor `name` in type `to`."""
        have = FLOAT if name in constants else types[name]
        if have == to:
            return name
        if (name, to) not in casts:
            casts[name, to] = f"{name}.{TensorProto.DataType.Name(to).lower()}"
            if name in constants:
                graph.initializer.append(_rounded(constants[name], casts[name, to], to))
            else:
                nodes.append(helper.make_node("Cast", [name], [casts[name, to]], casts[name, to], to=to))
        return casts[name, to]

    for node in list(graph.node):
        floats = [i for i in node.input[: _DATA_INPUTS.get(node.op_type)] if i and kinds.get(i) == FLOAT]
        if node.op_type == "Cast" or not floats:
            nodes.append(node)
            types.update(dict.fromkeys(node.output, kinds[node.output[0]]))
            continue
        kind: int = low
        if node.op_type == "QuantizeLinear":
            kind = types[node.input[0]]
        elif node.op_type == "DequantizeLinear":
            if low == TensorProto.FLOAT16:
                _check_scales(constants[node.input[1]])
        elif node.output[0] in wide or node.op_type not in _FOLLOW | _PRODUCTS:
            kind = FLOAT
        elif node.op_type in _FOLLOW:
            sources = {types[i] for i in floats if i not in constants}
            tables = node.op_type in _ARITHMETIC and any(i in constants and _is_table(constants[i]) for i in floats)
            kind = low if sources == {low} and not tables else FLOAT
        for i, name in enumerate(node.input[: _DATA_INPUTS.get(node.op_type)]):
            if name in floats:
                node.input[i] = converted(name, kind)
        nodes.append(node)
        quantised = node.op_type == "QuantizeLinear"
        types.update(dict.fromkeys(node.output, TensorProto.INT8 if quantised else kind))
    for output in graph.output:
        if types[output.name] != FLOAT:
            raise InputError(f"output {output.name} of the graph does not end in float32")
    _replace_nodes(graph, nodes)
    return static


def _is_table(tensor: onnx.TensorProto) -> bool:
    """Values over positions (rotary angles, latitudes), not one per channel, nor one per channel and pixel: a bias."""
    return sum(size > 1 for size in tensor.dims) == 2


def last_products(graph: onnx.GraphProto) -> set[str]:
    """Outputs of every product with no other product between it and an output of the graph, and of all after it."""
    producers = {o: n for n in graph.node for o in n.output}
    found: set[str] = set()
    upstream = [o.name for o in graph.output]
    while upstream:
        name = upstream.pop()
        if name in found or name not in producers:
            continue
        found.add(name)
        node = producers[name]
        if node.op_type not in _PRODUCTS:
            upstream += [i for i in node.input if i]
    return found


def _residual_sums(graph: onnx.GraphProto) -> set[str]:
    """Sums that a layer norm reads, directly or through nodes that only move values."""
    producers = {o: n for n in graph.node for o in n.output}
    found = set()
    for norm in graph.node:
        if norm.op_type != "LayerNormalization":
            continue
        name = norm.input[0]
        while name in producers and producers[name].op_type in _MOVES:
            name = producers[name].input[0]
        if name in producers and producers[name].op_type == "Add":
            found.add(name)
    return found


def _rounded(tensor: onnx.TensorProto, name: str, to: int) -> onnx.TensorProto:
    values = cast("NDArray[np.float32]", numpy_helper.to_array(tensor))
    if to == TensorProto.FLOAT16:
        largest = float(np.abs(values).max(initial=0.0))
        if largest > float(np.finfo(np.float16).max):
            raise InputError(f"weights {tensor.name} reach {largest:.3g}, beyond float16: choose bf16 or float32")
        return numpy_helper.from_array(values.astype(np.float16), name)
    raw = to_bfloat16(values).tobytes()
    return helper.make_tensor(name, TensorProto.BFLOAT16, tensor.dims, raw, raw=True)


def _check_scales(scales: onnx.TensorProto) -> None:
    smallest = float(numpy_helper.to_array(scales).min())
    if smallest < float(np.finfo(np.float16).tiny):
        raise InputError(f"{scales.name} goes down to {smallest:.1g}, below float16: choose bf16 or float32")


def to_bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Bits of the nearest bfloat16 (ties to even) of finite float32 values."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    used = {i for n in graph.node for i in n.input}
    kept = [onnx.TensorProto.FromString(t.SerializeToString()) for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
