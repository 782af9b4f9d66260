"""ONNX Runtime: CPU everywhere, CUDA where the installed build has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from dap_core.backends import BackendUnavailable, check_batch
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class OnnxRuntimeBackend:
    """One ONNX Runtime session in float32."""

    name = "onnxruntime"

    def __init__(self, session: ort.InferenceSession, spec: ModelSpec, reason: str) -> None:
        self.spec = spec
        self.reason = reason
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

    Raises InputError for a file that is not a DAP export, BackendUnavailable where the provider does not start: ONNX
    Runtime would go on with the CPU and only warn.
    """
    provider = provider or (CUDA if CUDA in ort.get_available_providers() else CPU)
    if provider == CUDA and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    # Threads that spin while they wait are 10 % faster on idle cores and 20 % slower on cores that others use, and a
    # robot's cores are used.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(path), options, providers=[provider] if provider == CPU else [provider, CPU])
    except Exception as error:
        raise InputError(f"{path}: ONNX Runtime cannot read it: {_first_line(error)}") from None
    if session.get_providers()[0] != provider:
        raise BackendUnavailable(f"onnxruntime: {provider} is built in but does not start on this machine")
    spec = ModelSpec.from_metadata(session.get_modelmeta().custom_metadata_map, path)
    _check_interface(session, spec, path)
    device = "CUDA" if provider == CUDA else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return OnnxRuntimeBackend(session, spec, f"onnxruntime {ort.__version__} (float32, {device})")


def _check_interface(session: ort.InferenceSession, spec: ModelSpec, path: Path) -> None:
    inputs = {i.name: (i.type, list(i.shape[1:])) for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    if inputs != {"image": ("tensor(uint8)", [spec.height, spec.width, 3])} or not {"range_m", "far"} <= outputs:
        raise InputError(f"{path}: not a DAP export: takes {inputs}, gives {sorted(outputs)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
