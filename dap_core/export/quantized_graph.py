"""An export with some of its products in int8, written as explicit Q/DQ: the same file for every runtime.

A product's input is quantised per tensor and its weights per output channel, both symmetrically (zero point 0, which is
all that TensorRT's parser takes); biases, what follows the product, and every other operator stay in floating point. In
floating point are also the products of two activations (attention: of probabilities spread over 2,000 tokens, 8 bits
leave nothing) and the last ones before the outputs, as in `typed_graph`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dap_core.export.typed_graph import last_products

#: Integers are -LEVELS to LEVELS.
LEVELS = 127

#: Operator to the axis of its weights' output channels.
_CHANNELS = {"Conv": 0, "MatMul": -1}

#: Smallest scale: a channel of zeros, or an input that is always zero, would have none.
_SMALLEST = np.float32(1e-12)


def products(model: onnx.ModelProto) -> dict[str, str]:
    """Every product that may be quantised, in order: name of its node to name of its input."""
    weights = _weights(model.graph)
    last = last_products(model.graph)
    return {
        n.name: n.input[0]
        for n in model.graph.node
        if n.op_type in _CHANNELS and n.input[1] in weights and n.input[0] not in weights and n.output[0] not in last
    }


def quantized(model: onnx.ModelProto, largest: Mapping[str, float], names: Collection[str]) -> onnx.ModelProto:
    """`model`, an export, with the products `names` (of `products`) in Q/DQ, as a new model.

    `largest` is the absolute value of each of their inputs that the last integer stands for; what is larger is clipped.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    weights = _weights(graph)
    joined = {o for n in graph.node if n.op_type == "Concat" for o in n.output}
    nodes: list[onnx.NodeProto] = []
    done: set[str] = set()

    def constant(name: str, value: NDArray) -> str:
        graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def input_of(name: str) -> str:
        out = f"{name}.dequantized"
        if name not in done:
            done.add(name)
            step = scale(np.float32(largest[name]))
            constants = [constant(f"{name}.scale", step), constant(f"{name}.zero", np.array(0, np.int8))]
            source = name
            if name in joined:
                # Nothing is below that bound once quantised. OpenVINO 2026.4 moves a quantisation before a Concat and
                # forgets the zero point of its own unsigned integers there; past this it does not move it.
                bound = constant(f"{name}.least", -(LEVELS + 1) * step)
                source = node("Max", [name, bound], f"{name}.bounded")
            integers = node("QuantizeLinear", [source, *constants], f"{name}.quantized")
            node("DequantizeLinear", [integers, *constants], out)
        return out

    def weight_of(name: str, axis: int) -> str:
        out = f"{name}.dequantized"
        if name not in done:
            done.add(name)
            values = weights[name]
            axis %= values.ndim
            others = tuple(i for i in range(values.ndim) if i != axis)
            steps = scale(np.abs(values).max(others))
            integers = np.rint(values / np.expand_dims(steps, others)).astype(np.int8)
            zeros = constant(f"{name}.zero", np.zeros(len(steps), np.int8))
            inputs = [constant(f"{name}.integers", integers), constant(f"{name}.scale", steps), zeros]
            node("DequantizeLinear", inputs, out, axis=axis)
        return out

    for old in list(graph.node):
        if old.name in names:
            old.input[0] = input_of(old.input[0])
            old.input[1] = weight_of(old.input[1], _CHANNELS[old.op_type])
        nodes.append(old)
    _replace(graph, nodes)
    return result


def scale(largest: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    """The step between integers of which the last one is `largest`, float32."""
    return np.asarray(np.maximum(largest / np.float32(LEVELS), _SMALLEST), np.float32)


def _weights(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """Constants in float32, those stored in half precision among them."""
    stored = {t.name: t for t in graph.initializer}
    found = {name: numpy_helper.to_array(t) for name, t in stored.items() if t.data_type == TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in stored:
            found[node.output[0]] = numpy_helper.to_array(stored[node.input[0]]).astype(np.float32)
    return found


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Put `nodes` into the graph, less those (casts of weights) and the constants that nothing reads any more."""
    needed = {o.name for o in graph.output}
    kept = []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    constants = [onnx.TensorProto.FromString(t.SerializeToString()) for t in graph.initializer if t.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(constants)
