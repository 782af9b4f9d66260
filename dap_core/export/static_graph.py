"""An exported graph with one batch size, and everything that does not depend on the image already computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from dap_core.errors import InputError

#: Shapes that depend on shapes that depend on shapes: each round folds one layer of what inference could not see.
_ROUNDS = 8

#: Constants of at most so many elements are given to inference by value.
_LARGEST_VALUE = 64

Constants = dict[str, NDArray]
#: Tensor to its element type, and its shape where all of that is numbers.
Inferred = dict[str, tuple[int, "tuple[int, ...] | None"]]


def load(path: Path) -> onnx.ModelProto:
    """Read an exported `.onnx` with its weights; InputError for what is not an ONNX file or lacks its weights."""
    try:
        return onnx.load(path)
    except Exception as error:
        raise InputError(f"{path}: cannot be read as ONNX: {_first_line(error)}") from None


def make_static(model: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """The same function for exactly `batch` images, as a new model.

    The uint8 image is converted to float32 before anything else happens to it (TensorRT moves no uint8), shapes are
    numbers, and nodes whose inputs are all constant are replaced by their values, the weights' casts among them; int8
    weights stay in int8.
    """
    result = _without_weights(model)
    graph = result.graph
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = batch
    _convert_first(graph)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for _ in range(_ROUNDS):
        tensors = [(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape, v) for n, v in constants.items()]
        if not _fold(result, constants, _inferred(result, tensors)):
            break
    _drop_unused(graph, constants)
    return result


def shapes_and_types(model: onnx.ModelProto) -> Inferred:
    """Type and shape of every tensor that inference knows; InputError where the graph has no meaning."""
    return _inferred(model, [(t.name, t.data_type, tuple(t.dims), t) for t in model.graph.initializer])


def _inferred(model: onnx.ModelProto, tensors: Sequence[tuple[str, int, tuple[int, ...], Any]]) -> Inferred:
    """Inference from the nodes, from small constants by value (shapes hang on them) and from weights by shape alone."""
    skeleton = _without_weights(model)
    for name, kind, shape, value in tensors:
        if math.prod(shape) > _LARGEST_VALUE:
            skeleton.graph.input.append(helper.make_tensor_value_info(name, kind, shape))
        else:
            whole = numpy_helper.from_array(value, name) if isinstance(value, np.ndarray) else value
            skeleton.graph.initializer.append(whole)
    try:
        graph = onnx.shape_inference.infer_shapes(skeleton, data_prop=True).graph
    except Exception as error:
        raise InputError(f"the graph is not valid ONNX: {_first_line(error)}") from None
    known: Inferred = {name: (kind, shape) for name, kind, shape, _ in tensors}
    for value in [*graph.input, *graph.output, *graph.value_info]:
        tensor = value.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        whole_shape = tuple(s for s in sizes if s is not None)
        known[value.name] = (tensor.elem_type, whole_shape if len(whole_shape) == len(sizes) else None)
    return known


def _convert_first(graph: onnx.GraphProto) -> None:
    name = graph.input[0].name
    for node in graph.node:
        for i, source in enumerate(node.input):
            if source == name:
                node.input[i] = f"{name}.float"
    graph.node.insert(0, helper.make_node("Cast", [name], [f"{name}.float"], f"{name}.cast", to=TensorProto.FLOAT))


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    graph = onnx.GraphProto(name=model.graph.name)
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _fold(model: onnx.ModelProto, constants: Constants, known: Inferred) -> bool:
    """Move every node that can be computed now into `constants`; whether there was one."""
    kept = []
    for node in model.graph.node:
        shape = known.get(node.input[0], (0, None))[1] if node.op_type == "Shape" else None
        if shape is not None:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            part = shape[attributes.get("start", 0) : attributes.get("end")]
            constants[node.output[0]] = np.array(part, np.int64)
        elif node.op_type != "DequantizeLinear" and all(i in constants for i in node.input if i):
            constants.update(_computed(node, constants, model))
        else:
            kept.append(node)
    folded = len(kept) < len(model.graph.node)
    nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in kept]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return folded


def _computed(node: onnx.NodeProto, constants: Constants, model: onnx.ModelProto) -> Constants:
    if node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT:
        return {node.output[0]: constants[node.input[0]].astype(np.float32)}
    names = list(dict.fromkeys(i for i in node.input if i))
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(constants[n].dtype), constants[n].shape)
        for n in names
    ]
    outputs = [onnx.ValueInfoProto(name=o) for o in node.output]
    one = helper.make_model(
        helper.make_graph([node], "one", inputs, outputs),
        opset_imports=model.opset_import,
        ir_version=model.ir_version,
    )
    try:
        values = ReferenceEvaluator(one).run(None, {n: constants[n] for n in names})
    except Exception as error:
        raise InputError(f"{node.op_type} ({node.name}) of constants has no value: {_first_line(error)}") from None
    return {name: np.asarray(value) for name, value in zip(node.output, values, strict=True)}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def _drop_unused(graph: onnx.GraphProto, constants: Constants) -> None:
    """Leave the nodes that the outputs need, and as initializers the constants that those nodes read."""
    needed = {o.name for o in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(nodes))
    del graph.initializer[:]
    for name in list(constants):
        value = constants.pop(name)  # one at a time, so that a large model is not held twice
        if name in needed:
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
