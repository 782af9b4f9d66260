"""A typed graph's arithmetic in float32: every tensor of a low type is rounded to it, every product sums in float32.

ONNX Runtime's CPU provider has no bfloat16 convolutions, and inserts its own casts around float16. This says what the
rounding costs (as GPUs do it: low factors, float32 sums) without saying anything about a GPU.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper, numpy_helper

LOW = (TensorProto.BFLOAT16, TensorProto.FLOAT16)


def rounded(typed: onnx.ModelProto) -> onnx.ModelProto:
    """A float32 model that rounds where `typed` does."""
    result = onnx.ModelProto()
    result.CopyFrom(typed)
    graph = result.graph
    types = {t.name: t.data_type for t in graph.initializer}
    nodes: list[onnx.NodeProto] = []

    def rounding(source: str, to: str, kind: int) -> None:
        nodes.append(helper.make_node("Cast", [source], [f"{to}.low"], to=kind))
        nodes.append(helper.make_node("Cast", [f"{to}.low"], [to], to=TensorProto.FLOAT))

    for tensor in graph.initializer:
        if tensor.data_type in LOW:
            values = numpy_helper.to_array(tensor).astype("float32")
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in list(graph.node):
        if node.op_type == "Cast":
            kind = node.attribute[0].i
            types[node.output[0]] = kind
            if kind in LOW:
                rounding(node.input[0], node.output[0], kind)
                continue
            nodes.append(node)
            continue
        kinds = {types.get(i) for i in node.input if i} & set(LOW)
        if not kinds:
            nodes.append(node)
            continue
        (kind,) = kinds
        for i, name in enumerate(node.output):
            types[name] = kind
            node.output[i] = f"{name}.exact"
        nodes.append(node)
        for name in node.output:
            rounding(name, name.removesuffix(".exact"), kind)
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return result
