"""From the name of a backend, with its form after a colon, to an open one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from dap_core.backends import BACKENDS, Backend, backend_module, open_backend
from dap_core.errors import InputError

#: Forms of a backend beside its usual one: where it runs, in which precision, by which way of running.
FORMS = {
    "onnxruntime": ("cpu",),
    "openvino": ("f32", "bf16"),
    "torch": ("bf16", "compiled", "graphed", "bf16-compiled", "bf16-graphed"),
}

#: What accuracy is measured against: float32 on every machine.
REFERENCE = "onnxruntime:cpu"


def installed_backends() -> list[str]:
    """Names of what can be measured here: every backend that is installed, on a GPU torch's other forms too."""
    names = [name for name, (package, _) in BACKENDS.items() if importlib.util.find_spec(package) is not None]
    if "torch" in names and has_nvidia():
        names += [f"torch:{form}" for form in FORMS["torch"]]
    return names


def has_nvidia() -> bool:
    """Whether a driver for NVIDIA's GPUs is loaded (on a Jetson it has another name)."""
    return any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu"))


def check_backend(name: str) -> str:
    """The name of a backend, perhaps with a form; InputError for another."""
    backend, _, form = name.partition(":")
    forms = FORMS.get(backend, ())
    if backend not in BACKENDS:
        raise InputError(f"no backend {backend!r}: choose from {', '.join(BACKENDS)}")
    if ":" in name and form not in forms:
        choice = f"it has {', '.join(f'{backend}:{f}' for f in forms)}" if forms else "it has none"
        raise InputError(f"{backend} has no form {form!r}: {choice}")
    return name


def open_form(name: str, path: Path, threads: int, height: int) -> Backend:
    """Open a file on a backend, in torch at `height`; an export has its own.

    Raises InputError as `dap_core.backends.open_backend` does.
    """
    backend, _, form = name.partition(":")
    if backend == "torch":
        backend_module("torch")  # says what to install where it is missing
        from dap_core.benchmark.torch_forms import open_checkpoint

        return open_checkpoint(path, threads, height, form)
    if form:
        how = "CPUExecutionProvider" if backend == "onnxruntime" else form
        return backend_module(backend).open_model(path, threads, how)
    return open_backend(backend, path, threads=threads)
