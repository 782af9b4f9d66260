"""What runs in a process of its own: a backend and its frames. Its memory is its own, and a crash takes nothing else.

`Child` is the other end.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.backends import Backend, open_backend
from dap_core.backends.spec import ModelSpec
from dap_core.benchmark import memory
from dap_core.benchmark.opening import open_form
from dap_core.cli import EXTRAS
from dap_core.errors import InputError

DONE, REFUSED = "done", "refused"


class Worker:
    """Requests by name; arguments and answers are what pickle takes."""

    def __init__(self) -> None:
        self._backend: Backend | None = None
        self._images: NDArray[np.uint8] | None = None
        self._opening_peak: int | None = None
        self._gpu_free: int | None = None

    def open(self, backend: str, path: Path, threads: int, images: NDArray[np.uint8]) -> dict[str, Any]:
        """Open a file, and run it once on (B, H, W, 3) uint8: what it is, seconds of both and of the run, outputs."""
        self._gpu_free = _gpu_free()
        began = time.perf_counter()
        return self._first_run(open_form(backend, path, threads, images.shape[1]), images, began)

    def open_matmul(self, backend: str, path: Path | None, threads: int, size: int, links: int) -> dict[str, Any]:
        """Open the model that is matrix products only; in torch it needs no file."""
        from dap_core.benchmark.matmul_model import HEIGHT

        images = np.full((1, HEIGHT, 2 * HEIGHT, 3), 100, np.uint8)
        began = time.perf_counter()
        if path is None:
            from dap_core.benchmark.torch_forms import open_matmul

            return self._first_run(open_matmul(threads, backend.partition(":")[2], size, links), images, began)
        return self._first_run(open_form(backend, path, threads, HEIGHT), images, began)

    def _first_run(self, opened: Backend, images: NDArray[np.uint8], began: float) -> dict[str, Any]:
        if (opened.spec.height, opened.spec.width) != images.shape[1:3]:
            raise InputError(
                f"an export runs at its own resolution, {opened.spec.height}x{opened.spec.width}: for another, give "
                f"the checkpoint"
            )
        self._backend, self._images = opened, images
        ran = time.perf_counter()
        range_m, far = opened(images)
        ended = time.perf_counter()
        self._opening_peak = memory.peak_bytes()
        memory.forget_peak()
        return {
            "what": opened.reason.partition(";")[0],
            "precision": opened.precision,
            "open_s": ended - began,
            "run_s": ended - ran,
            "outputs": (range_m[0], far[0]),
            "spec": opened.spec,
        }

    def run(self, seconds: float) -> list[float]:
        """Seconds of each frame, one after the other until `seconds` are over; one at least."""
        assert self._backend is not None and self._images is not None
        times: list[float] = []
        while sum(times) < seconds or not times:
            began = time.perf_counter()
            self._backend(self._images)
            times.append(time.perf_counter() - began)
        return times

    def memory(self) -> dict[str, float | None]:
        """`open_mb`, `run_mb`, `gpu_mb`, as `dap_core.benchmark.case.Memory` has them."""
        open_mb, run_mb = (None if n is None else n / 1e6 for n in (self._opening_peak, memory.peak_bytes()))
        return {"open_mb": open_mb, "run_mb": run_mb, "gpu_mb": self._gpu_mb()}

    def _gpu_mb(self) -> float | None:
        if "torch" in sys.modules:
            from dap_core.benchmark.torch_forms import gpu_memory_mb

            return gpu_memory_mb()
        free = _gpu_free()
        return None if free is None or self._gpu_free is None else (self._gpu_free - free) / 1e6

    def describe(self, path: Path) -> ModelSpec:
        """What a file says about itself."""
        opened = open_backend("auto", path, threads=1)
        try:
            return opened.spec
        finally:
            opened.close()

    def write_random(self, preset: str, path: Path) -> None:
        """A checkpoint of a preset with random weights."""
        from dap_core.benchmark.random_weights import write_random_checkpoint

        write_random_checkpoint(preset, path)

    def export(self, checkpoint: Path, path: Path, height: int) -> None:
        """A checkpoint as `.onnx` at `height`."""
        from dap_core.export.onnx import export_onnx
        from dap_core.model import load_checkpoint

        export_onnx(load_checkpoint(checkpoint), path, height=height)

    def count(self, path: Path, batch: int) -> tuple[int, int]:
        """Floating point operations and elements, as `dap_core.benchmark.operations.Operations` has them."""
        from dap_core.benchmark.operations import count_operations

        counted = count_operations(path, batch)
        return counted.flops, counted.elements

    def copy_rate(self, threads: int) -> float:
        """GB/s of copies."""
        from dap_core.benchmark.bandwidth import copy_gb_per_s

        return copy_gb_per_s(threads)


def serve(connection: Connection, log: str) -> None:
    """Answer requests until the other end closes; what libraries print goes into the file `log`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    memory.first_to_be_killed()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    worker = Worker()
    while True:
        try:
            request, arguments = connection.recv()
        except EOFError:
            return
        try:
            answer = DONE, getattr(worker, request)(**arguments)
        except MemoryError:
            answer = REFUSED, "out of memory"
        except ModuleNotFoundError as error:
            answer = REFUSED, missing_module(error)
        except Exception as error:  # whatever it is, it is this case's and no other's
            text = " ".join(str(error).split())
            known = text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"
            answer = REFUSED, known[:300]
        connection.send(answer)


def missing_module(error: ModuleNotFoundError) -> str:
    """One line that says what to install."""
    module = (error.name or "").split(".")[0]
    extra = EXTRAS.get(module)
    package = f"'dap_ros[{extra}]'" if extra else module
    return f"needs {module}, which is not installed: pip install {package}"


def _gpu_free() -> int | None:
    """Free bytes of the GPU; None without one or without cuda-python."""
    try:
        from dap_core.backends.cuda import CudaError, current_gpu
    except ImportError:
        return None
    try:
        return current_gpu().free_bytes
    except (ImportError, CudaError):
        return None
