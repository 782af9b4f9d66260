"""OpenVINO on the CPU, in bfloat16 where the CPU multiplies it natively."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from dap_core.backends import BackendUnavailable, check_batch
from dap_core.backends.cpu import bf16_flag
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

#: Kinds of nodes that multiply, as a compiled model names them, and its names of precisions. Attention is not among
#: them: it is part of what is fused to "Subgraph".
_PRODUCTS = frozenset({"Convolution", "Deconvolution", "FullyConnected", "MatMul"})
_PRECISIONS = {"f32": "float32", "bf16": "bf16", "f16": "fp16", "u8": "int8", "i8": "int8"}

Run = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]


class OpenVinoBackend:
    """A model compiled for the CPU, once per batch size: static shapes run faster than dynamic ones."""

    name = "openvino"
    device = "cpu"

    def __init__(self, core: ov.Core, model: ov.Model, spec: ModelSpec, hint: str, threads: int) -> None:
        """Compile for one image; BackendUnavailable where OpenVINO computes in another precision than `hint`."""
        self.spec = spec
        self.precision = "int8" if spec.weights_precision == "int8" else _PRECISIONS[hint]
        version = ov.__version__.split("-")[0]
        self.reason = f"openvino {version} ({self.precision}, CPU, {threads} thread{'s' if threads > 1 else ''})"
        self._core = core
        self._model: ov.Model | None = model
        self._hint = hint
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
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self._hint,
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": 1,
            "CACHE_DIR": "",
            # Pinned, two processes of few threads each sit on the same cores: twice as slow; alone it is the same.
            "ENABLE_CPU_PINNING": False,
        }
        # In bfloat16 the range would come in steps of 1 %, shells in the cloud. OpenVINO leaves what follows the last
        # product in float32, and that product's result too where a sigmoid follows at once, as in our exports.
        compiled = self._core.compile_model(model, "CPU", settings)
        check_products(executed_products(compiled), self.precision)
        request = compiled.create_infer_request()

        def run(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            result = request.infer({"image": images}, share_inputs=True)
            return result["range_m"].copy(), result["far"].copy()

        return run

    def close(self) -> None:
        """Free the compiled models."""
        self._compiled.clear()
        self._model = None


def open_model(path: Path, threads: int, precision: str | None = None) -> OpenVinoBackend:
    """Open an exported model with `threads` threads; `precision` is bf16 or f32 (default: what the CPU does natively).

    Raises InputError for a file that is not a DAP export, BackendUnavailable where OpenVINO would compute it in another
    precision.
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
    except BackendUnavailable:
        raise
    except Exception as error:
        raise InputError(f"{path}: OpenVINO cannot compile it: {_cause(error)}") from None


def executed_products(compiled: ov.CompiledModel) -> Counter[str]:
    """How many products a compiled model computes in each precision, as it says itself."""
    infos = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    products = [info for info in infos if info["layerType"].astype(str) in _PRODUCTS]
    found = [info["runtimePrecision"].astype(str) for info in products]
    return Counter(_PRECISIONS.get(name, name) for name in found)


def check_products(ran: Counter[str], precision: str) -> None:
    """Raise BackendUnavailable unless products are computed in `precision`: int8 some, any other most of them."""
    if not ran or ran[precision] > (0 if precision == "int8" else ran.total() / 2):
        return
    told = ", ".join(f"{count} in {name}" for name, count in ran.most_common())
    raise BackendUnavailable(f"openvino: asked for {precision}, and of {ran.total()} products it computes {told}")


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
