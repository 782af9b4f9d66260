"""OpenVINO on the CPU, in bfloat16 where the CPU multiplies it natively."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from dap_core.backends import check_batch
from dap_core.backends.cpu import bf16_flag
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

_PRODUCTS = frozenset({"Convolution", "GroupConvolution", "ConvolutionBackpropData", "MatMul"})

Run = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]


class OpenVinoBackend:
    """A model compiled for the CPU, once per batch size: static shapes run faster than dynamic ones."""

    name = "openvino"

    def __init__(self, core: ov.Core, model: ov.Model, spec: ModelSpec, precision: str, threads: int) -> None:
        self.spec = spec
        version = ov.__version__.split("-")[0]
        self.reason = f"openvino {version} ({precision}, CPU, {threads} thread{'s' if threads > 1 else ''})"
        self._core = core
        self._model: ov.Model | None = model
        self._precision = precision
        self._threads = threads
        self._compiled: dict[int, Run] = {1: self._compile(1)}

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `dap_core.backends.Backend`."""
        check_batch(images, self.spec)
        if len(images) not in self._compiled:
            self._compiled[len(images)] = self._compile(len(images))
        return self._compiled[len(images)](np.ascontiguousarray(images))

    def _compile(self, batch: int) -> Run:
        if self._model is None:
            raise RuntimeError("the backend is closed")
        model = self._model.clone()
        model.reshape({"image": [batch, self.spec.height, self.spec.width, 3]})
        halves = split_heads(model) if self._precision == "bf16" else None
        if halves is None:
            whole = self._request(model, "f32")
            return lambda images: _outputs(whole, {"image": images})
        # bfloat16 has 8 significant bits. Where the last product is rounded to it, the range comes in steps of 1 %
        # (shells in the cloud), so the last layer of each output runs in float32, on the body's output in place.
        trunk, heads = halves
        body, head = self._request(trunk, "bf16"), self._request(heads, "f32")
        for i in range(len(trunk.outputs)):
            head.set_input_tensor(i, body.get_output_tensor(i))

        def run(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            body.infer({"image": images}, share_inputs=True)
            return _outputs(head, {})

        return run

    def _request(self, model: ov.Model, precision: str) -> ov.InferRequest:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": 1,
            "CACHE_DIR": "",
        }
        return self._core.compile_model(model, "CPU", settings).create_infer_request()

    def close(self) -> None:
        """Free the compiled models."""
        self._compiled.clear()
        self._model = None


def open_model(path: Path, threads: int, precision: str | None = None) -> OpenVinoBackend:
    """Open an exported model with `threads` threads; `precision` is bf16 or f32 (default: what the CPU does natively).

    Raises InputError for a file that is not a DAP export.
    """
    core = ov.Core()
    try:
        model = core.read_model(str(path))
    except Exception as error:
        raise InputError(f"{path}: OpenVINO cannot read it: {_cause(error)}") from None
    spec = ModelSpec.from_metadata(_metadata(model), path)
    names = {name for port in [*model.inputs, *model.outputs] for name in port.get_names()}
    if not {"image", "range_m", "far"} <= names:
        raise InputError(f"{path}: not a DAP export: inputs and outputs are {sorted(names)}")
    try:
        return OpenVinoBackend(core, model, spec, precision or ("bf16" if bf16_flag() else "f32"), threads)
    except Exception as error:
        raise InputError(f"{path}: OpenVINO cannot compile it: {_cause(error)}") from None


def split_heads(model: ov.Model) -> tuple[ov.Model, ov.Model] | None:
    """Cut before the last product (convolution or matrix product) on the way to each output.

    Gives the trunk, whose outputs are those products' inputs, and the rest, which takes them in the same order;
    None where a way to an output has no product on it.
    """
    last, seen = [], set()
    upstream = [result.input_value(0).get_node() for result in model.get_results()]
    while upstream:
        node = upstream.pop()
        name = node.get_friendly_name()
        if name in seen:
            continue
        seen.add(name)
        if node.get_type_name() == "Parameter":
            return None
        if node.get_type_name() in _PRODUCTS:
            last.append(node)
        else:
            upstream += [port.get_source_output().get_node() for port in node.inputs()]
    cuts = {(source.get_node().get_friendly_name(), source.get_index()): source for source in map(_data, last)}
    trunk = ov.Model(list(cuts.values()), model.get_parameters(), "trunk").clone()
    inputs = []
    for key, source in cuts.items():
        parameter = ov.opset13.parameter(source.get_partial_shape(), source.get_element_type())
        inputs.append(parameter)
        for node in last:
            if (_data(node).get_node().get_friendly_name(), _data(node).get_index()) == key:
                node.input(0).replace_source_output(parameter.output(0))
    return trunk, ov.Model(model.get_results(), inputs, "heads")


def _data(node: ov.Node) -> ov.Output:
    return node.input(0).get_source_output()


def _outputs(request: ov.InferRequest, inputs: dict) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    result = request.infer(inputs, share_inputs=True)
    return result["range_m"].copy(), result["far"].copy()


def _metadata(model: ov.Model) -> dict[str, str]:
    """The file's `metadata_props`, which OpenVINO keeps in the section "framework" of the run-time information."""
    if not model.has_rt_info(["framework"]):
        return {}
    section = model.get_rt_info(["framework"]).value
    return {key: str(getattr(value, "value", value)) for key, value in section.items()}


def _cause(error: Exception) -> str:
    """The last line that says something: OpenVINO puts the places in its own sources first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
