"""ONNX Runtime: CPU everywhere, CUDA where the installed build has it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from dap_core.backends import BackendUnavailable, check_batch
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

#: Parts of the names of operators that multiply, as ONNX Runtime has them before and after it has fused them, and of
#: those among them that multiply integers.
_PRODUCTS = ("Conv", "MatMul", "Gemm", "Attention")
_INTEGER = ("QLinear", "Integer", "QGemm", "QAttention", "DynamicQuantize")


class OnnxRuntimeBackend:
    """One ONNX Runtime session: float32, or int8 where the file quantises; on CUDA what float32 is there."""

    name = "onnxruntime"

    def __init__(self, session: ort.InferenceSession, spec: ModelSpec, device: str, threads: int) -> None:
        self.spec = spec
        self.device = device
        self.precision = "int8" if spec.weights_precision == "int8" else "tf32" if device == "cuda" else "float32"
        where = "CUDA" if device == "cuda" else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
        self.reason = f"onnxruntime {ort.__version__} ({self.precision}, {where})"
        self._session: ort.InferenceSession | None = session

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `dap_core.backends.Backend`."""
        if self._session is None:
            raise RuntimeError("the backend is closed")
        check_batch(images, self.spec)
        range_m, far = self._session.run(["range_m", "far"], {"image": np.ascontiguousarray(images)})
        return range_m, far

    def close(self) -> None:
        """Free the session."""
        self._session = None


def open_model(path: Path, threads: int, provider: str | None = None) -> OnnxRuntimeBackend:
    """Open an exported model with `threads` CPU threads, on CUDA where available, or on the provider that is named.

    Raises InputError for a file that is not a DAP export, BackendUnavailable where the provider does not start or
    leaves products to another, or products that the file quantises are computed in float32: ONNX Runtime would go on
    and at most warn.
    """
    provider = provider or (CUDA if CUDA in ort.get_available_providers() else CPU)
    if provider == CUDA and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()
    session = _session(path, _options(threads), provider)
    spec = ModelSpec.from_metadata(session.get_modelmeta().custom_metadata_map, path)
    _check_interface(session, spec, path)
    quantised = spec.weights_precision == "int8"
    # In float32 on the CPU there is nothing to fall back to, so nothing is to be looked for.
    if quantised or provider != CPU:
        session = _proven_session(path, threads, provider, spec, quantised)
    return OnnxRuntimeBackend(session, spec, "cpu" if provider == CPU else "cuda", threads)


def _proven_session(path: Path, threads: int, provider: str, spec: ModelSpec, quantised: bool) -> ort.InferenceSession:
    """A session whose first run was watched, and found to be where and what it should."""
    options = _options(threads)
    with tempfile.TemporaryDirectory(prefix="dap-onnxruntime-") as folder:
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        session = _session(path, options, provider)
        try:
            session.run(None, {"image": np.zeros((1, spec.height, spec.width, 3), np.uint8)})
        except Exception as error:
            raise BackendUnavailable(f"onnxruntime: {provider} does not run the model: {_first_line(error)}") from None
        check_products(json.loads(Path(session.end_profiling()).read_text()), provider, quantised)
    return session


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    # One block laid out for all results of a run is as fast as results allocated one by one, and half as large again.
    options.enable_mem_pattern = False
    # Threads that spin while they wait are 10 % faster on idle cores and 20 % slower on cores that others use, and a
    # robot's cores are used.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _session(path: Path, options: ort.SessionOptions, provider: str) -> ort.InferenceSession:
    try:
        session = ort.InferenceSession(str(path), options, providers=[provider] if provider == CPU else [provider, CPU])
    except Exception as error:
        if provider != CPU:  # its memory is full, say; what is wrong with the file, the CPU will find
            raise BackendUnavailable(f"onnxruntime: {provider} does not start: {_first_line(error)}") from None
        raise InputError(f"{path}: ONNX Runtime cannot read it: {_first_line(error)}") from None
    if session.get_providers()[0] != provider:
        raise BackendUnavailable(f"onnxruntime: {provider} does not start on this machine")
    return session


def check_products(events: Sequence[Mapping[str, Any]], provider: str, quantised: bool) -> None:
    """Raise BackendUnavailable unless `provider` computed every product of a profiled run, and where the model is
    `quantised` at least one of them was of integers. `events` are those of the profile."""
    ran = Counter(
        (event["args"]["provider"], event["args"]["op_name"])
        for event in events
        if event.get("cat") == "Node" and "provider" in event.get("args", {})
    )
    products = {key: count for key, count in ran.items() if any(part in key[1] for part in _PRODUCTS)}
    elsewhere = {key: count for key, count in products.items() if key[0] != provider}
    if elsewhere:
        (other, operator), total = next(iter(elsewhere)), sum(products.values())
        raise BackendUnavailable(
            f"onnxruntime: asked for {provider}, and {other} computes {sum(elsewhere.values())} of {total} products "
            f"({operator}, for one)"
        )
    if quantised and not any(part in operator for _, operator in products for part in _INTEGER):
        raise BackendUnavailable("onnxruntime: the model is quantised to int8, and its products run in float32 here")


def _check_interface(session: ort.InferenceSession, spec: ModelSpec, path: Path) -> None:
    inputs = {i.name: (i.type, list(i.shape[1:])) for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    if inputs != {"image": ("tensor(uint8)", [spec.height, spec.width, 3])} or not {"range_m", "far"} <= outputs:
        raise InputError(f"{path}: not a DAP export: takes {inputs}, gives {sorted(outputs)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
