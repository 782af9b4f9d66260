"""The few calls of the CUDA runtime that an inference needs, through cuda-python, each one checked."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: cudaErrorMemoryAllocation; its number is the same in all versions.
_OUT_OF_MEMORY = 2


class CudaError(RuntimeError):
    """A call failed; the text is one line."""

    def __init__(self, text: str, out_of_memory: bool = False) -> None:
        super().__init__(text)
        self.out_of_memory = out_of_memory


@dataclass(frozen=True)
class Gpu:
    """The GPU in use: its name, compute capability, and driver, and bytes of its memory."""

    name: str
    compute_capability: tuple[int, int]
    driver: str
    free_bytes: int
    total_bytes: int

    def memory(self) -> str:
        """Free and total memory, for people."""
        return f"{self.free_bytes >> 20} of {self.total_bytes >> 20} MB of GPU memory free"


@lru_cache(maxsize=1)
def runtime() -> ModuleType:
    """The module of the runtime API, by its name since cuda-python 12.8 or the one before; ImportError without it."""
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ModuleNotFoundError:
        return importlib.import_module("cuda.cudart")


def call(function: Callable[..., tuple], *args: Any) -> Any:
    """Call a function of the runtime and give what it returns beside its status; CudaError where that is an error."""
    cudart = runtime()
    try:
        status, *values = function(*args)
        if int(status) != 0:
            text = cudart.cudaGetErrorString(status)[1].decode()
            raise CudaError(f"{function.__name__}: {text}", int(status) == _OUT_OF_MEMORY)
    except CudaError:
        raise
    except RuntimeError as error:  # there is no driver on this machine
        raise CudaError((str(error) or "CUDA does not start").splitlines()[0]) from None
    return values[0] if len(values) == 1 else tuple(values)


def current_gpu() -> Gpu:
    """The first visible GPU (CUDA_VISIBLE_DEVICES chooses it); CudaError where there is none."""
    cudart = runtime()
    if call(cudart.cudaGetDeviceCount) == 0:
        raise CudaError("there is no GPU")
    properties = call(cudart.cudaGetDeviceProperties, 0)
    free, total = call(cudart.cudaMemGetInfo)
    name = properties.name.decode() if isinstance(properties.name, bytes) else str(properties.name)
    return Gpu(
        name=name.rstrip("\0"),
        compute_capability=(int(properties.major), int(properties.minor)),
        driver=_driver(int(call(cudart.cudaDriverGetVersion))),
        free_bytes=int(free),
        total_bytes=int(total),
    )


def _driver(cuda: int) -> str:
    """The CUDA version that the driver serves and, where the kernel module says it, the driver's own."""
    served = f"CUDA {cuda // 1000}.{cuda % 1000 // 10}"
    try:
        first = Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except (OSError, IndexError):
        return served
    own = next((word for word in first.split() if word[0].isdigit() and "." in word), "")
    return f"{served}, driver {own}" if own else served


def pinned_array(shape: tuple[int, ...], dtype: DTypeLike) -> tuple[NDArray, int]:
    """An array in page-locked memory, to which copies are asynchronous, and its address (for cudaFreeHost)."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    address = int(call(runtime().cudaMallocHost, size))
    memory = (ctypes.c_uint8 * size).from_address(address)
    return np.ctypeslib.as_array(memory).view(dtype).reshape(shape), address
