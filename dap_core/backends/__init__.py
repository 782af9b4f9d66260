"""Where a network runs. One file per backend, one Protocol, and `open_backend` to choose."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dap_core.backends.cpu import bf16_flag, cpu_threads
from dap_core.backends.models import CHECKPOINTS, ENGINES, resolve_model
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

__all__ = [
    "BACKENDS",
    "Backend",
    "BackendUnavailable",
    "ModelSpec",
    "Progress",
    "backend_module",
    "check_batch",
    "open_backend",
]

#: Told what is being done while a backend opens, and how far it has come (0 to 1) where that is known.
Progress = Callable[[str, "float | None"], None]


class Backend(Protocol):
    """A network ready to run.

    Called with (B, H, W, 3) uint8 RGB at `spec.height` x `spec.width`, it returns the range in metres and the far
    probability, each (B, H, W) float32, in arrays of the caller's own. One call at a time.

    device      where its products are computed: cpu or cuda
    precision   what they are computed in, as found when it was opened: float32, tf32 (float32 with factors rounded to
                10 bits where the GPU has units for it), bf16, fp16, or int8 (the products that the file quantises)
    reason      for people: what runs where, and why this backend was chosen
    """

    name: str
    spec: ModelSpec
    device: str
    precision: str
    reason: str

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

    def close(self) -> None: ...


class BackendUnavailable(InputError):
    """This machine cannot run the backend: a package is missing, a device does not start or runs the model wrongly."""


#: Name of a backend to the package it needs and the extra of `dap_ros` that brings it.
BACKENDS = {
    "tensorrt": ("tensorrt", "tensorrt"),
    "onnxruntime": ("onnxruntime", ""),
    "openvino": ("openvino", "openvino"),
    "torch": ("torch", "torch"),
}


def open_backend(
    name: str, model: str | Path, *, threads: int | None = None, progress: Progress = lambda what, share: None
) -> Backend:
    """Open `model` (a preset's name or a file) on the backend `name`, or on the one that "auto" finds best.

    "auto": a checkpoint runs in torch, an engine in tensorrt. An exported model runs in tensorrt where that is
    installed and a GPU starts (the first time an engine is built, which takes minutes and is told to `progress`); else
    in onnxruntime where that has CUDA; else in openvino where it is installed and the CPU multiplies bfloat16 (about
    twice as fast); else in onnxruntime, and in openvino where that is missing. Raises InputError for a wrong name,
    model or file, BackendUnavailable where this machine cannot run the backend that was asked for.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads must be at least 1, got {threads}")
    if name == "auto":
        return _open_auto(model, threads or cpu_threads(), progress)
    if name not in BACKENDS:
        raise InputError(f"no backend {name!r}: choose auto, {', '.join(BACKENDS)}")
    path = resolve_model(model, for_torch=name == "torch")
    return _open(name, path, threads or cpu_threads(), progress)


def check_batch(images: NDArray[np.uint8], spec: ModelSpec) -> None:
    """Raise InputError unless `images` is (B, H, W, 3) uint8 at the model's resolution."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (spec.height, spec.width, 3):
        raise InputError(
            f"{spec.name} takes uint8 (B, {spec.height}, {spec.width}, 3), got {images.dtype} {images.shape}"
        )


def _open(name: str, path: Path, threads: int, progress: Progress, form: str | None = None) -> Backend:
    if path.suffix.lower() in ENGINES and name != "tensorrt":
        raise InputError(f"{path}: an engine runs in the tensorrt backend only: give the .onnx it was built from")
    module = backend_module(name)
    if name == "tensorrt":
        return module.open_model(path, threads, progress)
    return module.open_model(path, threads, form) if form else module.open_model(path, threads)


def backend_module(name: str) -> ModuleType:
    """The module of a backend in `BACKENDS`; BackendUnavailable where the package that it needs is not to be had."""
    package, extra = BACKENDS[name]
    if importlib.util.find_spec(package) is None:
        what = f"dap_ros[{extra}]" if extra else package
        raise BackendUnavailable(f"backend {name} needs {package}, which is not installed: pip install '{what}'")
    try:
        return importlib.import_module(f"dap_core.backends.{name}")
    except ImportError as error:
        # Installed, and yet not to be had: a shared library is missing, say.
        raise BackendUnavailable(f"backend {name}: {package} does not import: {str(error).splitlines()[0]}") from None


def _open_auto(model: str | Path, threads: int, progress: Progress) -> Backend:
    path = resolve_model(model)
    for suffixes, only, kind in ((CHECKPOINTS, "torch", "a checkpoint"), (ENGINES, "tensorrt", "an engine")):
        if path.suffix.lower() in suffixes:
            backend = _open(only, path, threads, progress)
            backend.reason += f"; chosen because {kind} runs in {only}"
            return backend
    passed_over: list[str] = []
    for name, form, why in _order():
        try:
            backend = _open(name, path, threads, progress, form)
        except BackendUnavailable as error:
            passed_over.append(str(error))
            progress(f"{error}: trying the next backend", None)
            continue
        backend.reason += "; ".join([f"; chosen because {why}", *passed_over])
        return backend
    raise BackendUnavailable(f"no backend can run {path.name} here: {'; '.join(passed_over)}")


def _order() -> list[tuple[str, str | None, str]]:
    """Backends for an exported model, best first: name, which form of it, and the reason it would be chosen for."""
    order: list[tuple[str, str | None, str]] = []
    if importlib.util.find_spec("tensorrt") is not None:
        order.append(("tensorrt", None, "it is installed and a GPU starts"))
    if _onnxruntime_has_cuda():
        order.append(("onnxruntime", "CUDAExecutionProvider", "it has CUDA"))
    onnxruntime = ("onnxruntime", "CPUExecutionProvider", "it is the default")
    if (flag := bf16_flag()) and importlib.util.find_spec("openvino") is not None:
        return [*order, ("openvino", None, f"it is installed and this CPU has {flag}"), onnxruntime]
    return [*order, onnxruntime, ("openvino", None, "onnxruntime is missing")]


def _onnxruntime_has_cuda() -> bool:
    if importlib.util.find_spec("onnxruntime") is None:
        return False
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
