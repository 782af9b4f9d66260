"""Where a network runs. One file per backend, one Protocol, and `open_backend` to choose."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dap_core.backends.cpu import bf16_flag, cpu_threads
from dap_core.backends.models import EXPORTS, resolve_model
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

__all__ = ["BACKENDS", "Backend", "BackendUnavailable", "ModelSpec", "check_batch", "open_backend"]


class Backend(Protocol):
    """A network ready to run.

    Called with (B, H, W, 3) uint8 RGB at `spec.height` x `spec.width`, it returns the range in metres and the far
    probability, each (B, H, W) float32, in arrays of the caller's own. `reason` says, for people, what runs where and
    why this backend was chosen. One call at a time.
    """

    name: str
    spec: ModelSpec
    reason: str

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

    def close(self) -> None: ...


class BackendUnavailable(InputError):
    """This machine cannot run the backend, whatever the model: a package is missing or a device does not start."""


#: Name of a backend to the package it needs and the extra of `dap_ros` that brings it.
BACKENDS = {"onnxruntime": ("onnxruntime", ""), "openvino": ("openvino", "openvino"), "torch": ("torch", "torch")}


def open_backend(name: str, model: str | Path, *, threads: int | None = None) -> Backend:
    """Open `model` (a preset's name or a file) on the backend `name`, or on the one that "auto" finds best.

    "auto": a checkpoint runs in torch. An exported model runs in onnxruntime where that has CUDA; else in openvino
    where it is installed and the CPU multiplies bfloat16 (about twice as fast); else in onnxruntime, and in openvino
    where that is missing. Raises InputError for a wrong name, model or file, BackendUnavailable where this machine
    cannot run the backend that was asked for.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads must be at least 1, got {threads}")
    if name == "auto":
        return _open_auto(model, threads or cpu_threads())
    if name not in BACKENDS:
        raise InputError(f"no backend {name!r}: choose auto, {', '.join(BACKENDS)}")
    path = resolve_model(model, for_torch=name == "torch")
    return _open(name, path, threads or cpu_threads())


def check_batch(images: NDArray[np.uint8], spec: ModelSpec) -> None:
    """Raise InputError unless `images` is (B, H, W, 3) uint8 at the model's resolution."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (spec.height, spec.width, 3):
        raise InputError(
            f"{spec.name} takes uint8 (B, {spec.height}, {spec.width}, 3), got {images.dtype} {images.shape}"
        )


def _open(name: str, path: Path, threads: int) -> Backend:
    package, extra = BACKENDS[name]
    if importlib.util.find_spec(package) is None:
        what = f"dap_ros[{extra}]" if extra else package
        raise BackendUnavailable(f"backend {name} needs {package}, which is not installed: pip install '{what}'")
    return importlib.import_module(f"dap_core.backends.{name}").open_model(path, threads)


def _open_auto(model: str | Path, threads: int) -> Backend:
    path = resolve_model(model)
    if path.suffix.lower() not in EXPORTS:
        backend = _open("torch", path, threads)
        backend.reason += "; chosen because a checkpoint runs in torch"
        return backend
    passed_over: list[str] = []
    for name, why in _order():
        try:
            backend = _open(name, path, threads)
        except BackendUnavailable as error:
            passed_over.append(str(error))
            continue
        backend.reason += "; ".join([f"; chosen because {why}", *passed_over])
        return backend
    raise BackendUnavailable(f"no backend can run {path.name} here: {'; '.join(passed_over)}")


def _order() -> list[tuple[str, str]]:
    """Backends for an exported model, best first, each with the reason it would be chosen for."""
    onnxruntime = ("onnxruntime", "it is the default")
    if _onnxruntime_has_cuda():
        return [("onnxruntime", "it has CUDA"), ("openvino", "CUDA does not start")]
    if (flag := bf16_flag()) and importlib.util.find_spec("openvino") is not None:
        return [("openvino", f"it is installed and this CPU has {flag}"), onnxruntime]
    return [onnxruntime, ("openvino", "onnxruntime is missing")]


def _onnxruntime_has_cuda() -> bool:
    if importlib.util.find_spec("onnxruntime") is None:
        return False
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
