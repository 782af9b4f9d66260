"""What TensorRT's ONNX parser takes, as far as this project's graphs go, so that another graph is refused in one line.

From the parser's own list, docs/operators.md of onnx-tensorrt 10.1 (10.3, the oldest TensorRT served, has no narrower
one; that of 10.15 has the same entries for these operators), and from its importers for the attributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dap_core.errors import InputError
from dap_core.export.static_graph import shapes_and_types

#: The newest operator set that 10.3 reads, and the oldest that any reads.
OPSETS = (9, 20)
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16})
_NUMBERS = _FLOATS | {TensorProto.INT32, TensorProto.INT64}
_ALL = _NUMBERS | {TensorProto.BOOL}

#: Operator to the types of its data.
OPERATORS: dict[str, frozenset[int]] = {
    **dict.fromkeys(("Add", "DepthToSpace", "Div", "Max", "Min", "Mul", "Neg"), _NUMBERS),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "Relu", "Sub"), _NUMBERS),
    **dict.fromkeys(("Clip", "Conv", "ConvTranspose", "Cos", "Exp", "Gelu", "Gemm", "LayerNormalization"), _FLOATS),
    **dict.fromkeys(("Log", "MatMul", "Pow", "Resize", "Sigmoid", "Sin", "Softmax", "Sqrt"), _FLOATS),
    **dict.fromkeys(("Concat", "Expand", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile"), _ALL),
    **dict.fromkeys(("Transpose", "Unsqueeze"), _ALL),
    "Cast": _ALL | {TensorProto.UINT8},
    **dict.fromkeys(("DequantizeLinear", "QuantizeLinear"), _FLOATS | {TensorProto.INT8}),
}

#: Inputs (by position) that must be constants.
_CONSTANT_INPUTS = {"ReduceMean": (1,), "ReduceSum": (1,), "Slice": (3,), "Squeeze": (1,), "Unsqueeze": (1,)}

#: Values of an attribute that are taken; where the attribute is missing, its default is.
_ATTRIBUTES: dict[str, dict[str, frozenset[Any]]] = {
    "Resize": {
        "mode": frozenset({b"nearest", b"linear"}),
        "coordinate_transformation_mode": frozenset(
            {b"half_pixel", b"pytorch_half_pixel", b"tf_half_pixel_for_nn", b"asymmetric", b"align_corners"}
        ),
        "nearest_mode": frozenset({b"floor", b"ceil", b"round_prefer_floor", b"round_prefer_ceil"}),
        "keep_aspect_ratio_policy": frozenset({b"stretch"}),
        "antialias": frozenset({0}),
    },
    "Gelu": {"approximate": frozenset({b"none", b"tanh"})},
}


def check_operators(model: onnx.ModelProto) -> None:
    """Raise InputError, naming the node, unless the parser takes every operator, type and attribute of `model`."""
    opset = next((o.version for o in model.opset_import if o.domain == ""), 0)
    if not OPSETS[0] <= opset <= OPSETS[1]:
        raise InputError(f"TensorRT reads operator sets {OPSETS[0]} to {OPSETS[1]}, this model has {opset}")
    for node in model.graph.node:
        if node.domain or node.op_type not in OPERATORS:
            raise InputError(f"TensorRT does not take {node.op_type} ({_name(node)}): the operator is not supported")
    types = {name: kind for name, (kind, _) in shapes_and_types(model).items()}
    constants = {t.name: t for t in model.graph.initializer}
    for node in model.graph.node:
        if fault := _fault(node, types, constants):
            raise InputError(f"TensorRT does not take {node.op_type} ({_name(node)}): {fault}")


def _name(node: onnx.NodeProto) -> str:
    return node.name or node.output[0]


def _fault(node: onnx.NodeProto, types: dict[str, int], constants: dict[str, onnx.TensorProto]) -> str | None:
    kinds = {types.get(name, TensorProto.UNDEFINED) for name in [node.input[0], node.output[0]]}
    if wrong := kinds - OPERATORS[node.op_type]:
        return f"with {' and '.join(sorted(TensorProto.DataType.Name(k).lower() for k in wrong))}"
    for i in _CONSTANT_INPUTS.get(node.op_type, ()):
        if len(node.input) > i and node.input[i] and node.input[i] not in constants:
            return f"input {i} must be constant"
    if node.op_type in ("DequantizeLinear", "QuantizeLinear"):
        return _quantization_fault(node, types, constants)
    if node.op_type == "LayerNormalization" and any(node.output[1:]):
        return "it has the first output alone"
    for attribute in node.attribute:
        allowed = _ATTRIBUTES.get(node.op_type, {}).get(attribute.name)
        if allowed is not None and (value := helper.get_attribute_value(attribute)) not in allowed:
            return f"{attribute.name} {value.decode() if isinstance(value, bytes) else value}"
    return None


def _quantization_fault(
    node: onnx.NodeProto, types: dict[str, int], constants: dict[str, onnx.TensorProto]
) -> str | None:
    """int8 with zero points of 0 and constant scales above it; a bias in int32 is refused by its type already."""
    integers = node.input[0] if node.op_type == "DequantizeLinear" else node.output[0]
    if types.get(integers) != TensorProto.INT8:
        return "its integers must be int8"
    if len(node.input) != 3 or not all(i in constants for i in node.input[1:]):
        return "scale and zero point must be given as constants"
    scales, zeros = (constants[i] for i in node.input[1:])
    if numpy_helper.to_array(zeros).any():
        return "the zero point must be 0"
    if not (numpy_helper.to_array(scales).astype(np.float32) > 0).all():
        return "scales must be above 0"
    return None
