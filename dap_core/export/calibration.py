"""How large the inputs of products are, from pictures: the range that their integers cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from dap_core.backends import Progress
from dap_core.backends.onnxruntime import CPU
from dap_core.export.quantized_graph import LEVELS, products, scale

#: Of the values of a tensor one in so many is looked at, coprime to every number of channels. The largest is of all.
STEP = 61

#: Ranges that are tried, as shares of the largest value.
SHARES = np.geomspace(1.0, 0.05, 60).astype(np.float32)


def covered_ranges(
    model: onnx.ModelProto,
    images: Sequence[NDArray[np.uint8]],
    threads: int,
    progress: Progress = lambda what, share: None,
) -> dict[str, float]:
    """For each input of `products` the absolute value that the last integer stands for.

    It makes the mean square error of the integers least over images (1, h, 2 h, 3): a few large values are clipped
    where that makes the steps of all the others finer.
    """
    inputs = list(dict.fromkeys(products(model).values()))
    session = open_session(_watched(model, inputs), threads)
    largest = np.zeros(len(inputs), np.float32)
    samples: list[list[NDArray[np.float32]]] = [[] for _ in inputs]
    for i, image in enumerate(images):
        progress("looking at the inputs of products", i / len(images))
        found = session.run([f"{n}.{what}" for n in inputs for what in ("largest", "sample")], {"image": image})
        largest = np.maximum(largest, found[0::2])
        for values, sample in zip(samples, found[1::2], strict=True):
            values.append(sample)
    ranges = {}
    for i, name in enumerate(inputs):
        progress("choosing ranges", i / len(inputs))
        ranges[name] = best_range(np.concatenate(samples[i]), largest[i])
    return ranges


def best_range(values: NDArray[np.float32], largest: np.float32) -> float:
    """The range, of `SHARES` of `largest`, in which integers stand for absolute values (N,) with the least error."""
    errors = []
    for share in SHARES:
        step = scale(share * largest)
        errors.append(np.square(np.minimum(np.rint(values / step), LEVELS) * step - values).mean())
    return float(SHARES[int(np.argmin(errors))] * largest)


def open_session(model: onnx.ModelProto, threads: int) -> ort.InferenceSession:
    """A graph in memory in ONNX Runtime on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model.SerializeToString(), options, providers=[CPU])


def _watched(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """`model` with the largest absolute value of each tensor, and a sample of such values, as outputs.

    They are made in the graph, so that a large model's activations are not all kept.
    """
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    graph = watched.graph
    for name, value in (("all", [-1]), ("first", [0]), ("last", [2**62]), ("axis", [0]), ("step", [STEP])):
        graph.initializer.append(numpy_helper.from_array(np.array(value), f"sample.{name}"))
    cut = [f"sample.{name}" for name in ("first", "last", "axis", "step")]
    for name in names:
        absolute, flat, largest, sample = (f"{name}.{x}" for x in ("absolute", "flat", "largest", "sample"))
        graph.node.extend(
            [
                helper.make_node("Abs", [name], [absolute]),
                helper.make_node("ReduceMax", [absolute], [largest], keepdims=0),
                helper.make_node("Reshape", [absolute, "sample.all"], [flat]),
                helper.make_node("Slice", [flat, *cut], [sample]),
            ]
        )
        graph.output.extend(onnx.ValueInfoProto(name=n) for n in (largest, sample))
    return watched
