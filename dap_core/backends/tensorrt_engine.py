"""A TensorRT engine on the GPU: loaded, given its memory, recorded as a CUDA graph, and run. No torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import tensorrt as trt
from numpy.typing import NDArray

from dap_core.backends import BackendUnavailable, check_batch
from dap_core.backends.cuda import CudaError, Gpu, call, pinned_array, runtime
from dap_core.backends.engine_file import Engine
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError


class ErrorLog(trt.ILogger):
    """Keeps TensorRT's errors, which its calls answer with None alone."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.errors: deque[str] = deque(maxlen=20)

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Called by TensorRT, from any of its threads."""
        if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
            self.errors.append(" ".join(msg.split())[:300])

    def unavailable(self, what: str, gpu: Gpu) -> BackendUnavailable:
        """The error to raise when `what` failed: out of memory is said as such."""
        text = self.errors[0] if self.errors else "TensorRT gives no reason"
        if any("out of memory" in e.lower() or "outofmemory" in e.lower() for e in self.errors):
            text = f"the GPU is out of memory ({gpu.memory()})"
        return BackendUnavailable(f"tensorrt: {what}: {text}")


class TensorRtBackend:
    """One engine of a fixed batch size, one stream, page-locked buffers, and the whole run as one CUDA graph.

    A call with more images than the engine takes runs it several times; with fewer, the rest of its batch is idle.
    """

    name = "tensorrt"
    device = "cuda"

    def __init__(self, engine: Engine, gpu: Gpu, where: str = "") -> None:
        """Load the engine; BackendUnavailable where this GPU cannot (its memory is full, say)."""
        self.spec: ModelSpec = engine.spec
        self.precision = engine.key.precision
        self.batch = engine.key.batch
        self._cleanup = ExitStack()
        self._log = ErrorLog()
        self._host: dict[str, NDArray] = {}
        self._device: dict[str, int] = {}
        self._runtime: trt.Runtime | None = None
        self._engine: trt.ICudaEngine | None = None
        self._context: trt.IExecutionContext | None = None
        self._stream: Any = None
        self._done: Any = None
        self._graph: Any = None
        try:
            self._load(engine, gpu)
            without = self._capture()
        except CudaError as error:
            self.close()
            text = f"the GPU is out of memory ({gpu.memory()})" if error.out_of_memory else str(error)
            raise BackendUnavailable(f"tensorrt: loading the engine: {text}") from None
        except BaseException:
            self.close()
            raise
        self.reason = (
            f"tensorrt {trt.__version__} ({engine.key.precision}, {gpu.name}, "
            f"{'CUDA graph' if self._graph is not None else f'no CUDA graph: {without}'})"
        ) + (f"; {where}" if where else "")

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `dap_core.backends.Backend`. RuntimeError where the GPU fails."""
        if self._context is None:
            raise RuntimeError("the backend is closed")
        check_batch(images, self.spec)
        shape = (len(images), self.spec.height, self.spec.width)
        range_m, far = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for start in range(0, len(images), self.batch):
            part = images[start : start + self.batch]
            self._host["image"][: len(part)] = part
            self._run()
            range_m[start : start + self.batch] = self._host["range_m"][: len(part)]
            far[start : start + self.batch] = self._host["far"][: len(part)]
        return range_m, far

    def close(self) -> None:
        """Free the GPU's memory, the engine and the buffers."""
        self._graph = None
        self._host.clear()
        self._cleanup.close()
        self._context = self._engine = self._runtime = None

    def _load(self, engine: Engine, gpu: Gpu) -> None:
        cudart = runtime()
        self._runtime = trt.Runtime(self._log)
        self._engine = self._runtime.deserialize_cuda_engine(engine.plan)
        if self._engine is None:
            raise self._log.unavailable("loading the engine", gpu)
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise self._log.unavailable("loading the engine", gpu)
        self._stream = self._made(cudart.cudaStreamDestroy, call(cudart.cudaStreamCreate))
        # A thread that waits for this event sleeps; the default would keep a core of the robot spinning.
        flags = cudart.cudaEventBlockingSync | cudart.cudaEventDisableTiming
        self._done = self._made(cudart.cudaEventDestroy, call(cudart.cudaEventCreateWithFlags, flags))
        expected = self._expected()
        for i in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(i)
            mode, kind = self._engine.get_tensor_mode(name), self._engine.get_tensor_dtype(name)
            dims = self._engine.get_tensor_shape(name)
            shape = tuple(int(dims[axis]) for axis in range(len(dims)))
            if expected.pop(name, None) != (mode, kind, shape):
                raise InputError(f"the engine is not of a DAP export: {name} is {mode}, {kind}, {shape}")
            host, address = pinned_array(shape, np.uint8 if mode == trt.TensorIOMode.INPUT else np.float32)
            self._cleanup.callback(cudart.cudaFreeHost, address)
            self._host[name] = host
            self._device[name] = self._made(cudart.cudaFree, call(cudart.cudaMalloc, host.nbytes))
            if not self._context.set_tensor_address(name, self._device[name]):
                raise self._log.unavailable(f"giving {name} its memory", gpu)
        if expected:
            raise InputError(f"the engine is not of a DAP export: it has no {', '.join(expected)}")

    def _expected(self) -> dict[str, tuple]:
        out = (trt.TensorIOMode.OUTPUT, trt.DataType.FLOAT, (self.batch, self.spec.height, self.spec.width))
        image = (self.batch, self.spec.height, self.spec.width, 3)
        return {"image": (trt.TensorIOMode.INPUT, trt.DataType.UINT8, image), "range_m": out, "far": out}

    def _made(self, free: Callable[..., Any], thing: Any) -> Any:
        self._cleanup.callback(free, thing)
        return thing

    def _enqueue(self) -> None:
        """Image in, network, outputs back, all on the stream."""
        assert self._context is not None
        cudart = runtime()
        to_device = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        to_host = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(self._device["image"], self._host["image"].ctypes.data, "image", to_device)
        if not self._context.execute_async_v3(int(self._stream)):
            raise CudaError(self._log.errors[-1] if self._log.errors else "TensorRT did not start the engine")
        for name in ("range_m", "far"):
            self._copy(self._host[name].ctypes.data, self._device[name], name, to_host)

    def _copy(self, to: int, source: int, name: str, kind: Any) -> None:
        call(runtime().cudaMemcpyAsync, to, source, self._host[name].nbytes, kind, self._stream)

    def _capture(self) -> str:
        """Record the run as a CUDA graph; where that cannot be done, say why and go on without."""
        cudart = runtime()
        # TensorRT may allocate in the first run, which a recording cannot hold.
        self._run()
        try:
            mode = cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
            call(cudart.cudaStreamBeginCapture, self._stream, mode)
            try:
                self._enqueue()
            finally:
                recorded = call(cudart.cudaStreamEndCapture, self._stream)
            self._made(cudart.cudaGraphDestroy, recorded)
            graph = call(cudart.cudaGraphInstantiate, recorded, 0)
            self._made(cudart.cudaGraphExecDestroy, graph)
            call(cudart.cudaGraphLaunch, graph, self._stream)
            self._wait()
        except CudaError as error:
            cudart.cudaGetLastError()  # forgets it, so that the next call does not report it again
            return str(error)
        self._graph = graph
        return ""

    def _run(self) -> None:
        if self._graph is not None:
            call(runtime().cudaGraphLaunch, self._graph, self._stream)
        else:
            self._enqueue()
        self._wait()

    def _wait(self) -> None:
        cudart = runtime()
        call(cudart.cudaEventRecord, self._done, self._stream)
        call(cudart.cudaEventSynchronize, self._done)
