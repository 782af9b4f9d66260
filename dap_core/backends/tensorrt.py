"""TensorRT 10.3 to 11 on an NVIDIA GPU, without torch. The engine is built at the first start and kept."""

from __future__ import annotations

from pathlib import Path

import tensorrt as trt

from dap_core.backends import BackendUnavailable, Progress
from dap_core.backends.cuda import CudaError, Gpu, current_gpu
from dap_core.backends.engine_cache import EngineCache
from dap_core.backends.engine_file import GRAPH_RULES, Engine, EngineKey, file_sha256, read_engine
from dap_core.backends.tensorrt_engine import TensorRtBackend

ENGINE = ".engine"


def open_model(path: Path, threads: int, progress: Progress = lambda what, share: None) -> TensorRtBackend:
    """Open an engine file, or an exported model, for which the engine is looked up in the cache or built and kept.

    An exported model runs in bf16, on GPUs before compute capability 8 (which lack it) in fp16; another precision is
    asked for by building an engine file. `threads` is not used: the network runs on the GPU. Raises InputError for a
    file that is not of this project, BackendUnavailable where this machine cannot run it, or runs it wrongly.
    """
    from dap_core.export.engine_gate import recheck

    gpu = usable_gpu()
    if path.suffix.lower() == ENGINE:
        engine, where = read_engine(path), f"engine {path}"
        here = engine_key(engine.key.onnx_sha256, gpu, engine.key.precision, engine.key.batch)
        if different := engine.key.differences(here, machine_only=True):
            raise BackendUnavailable(f"{path} was built for another machine or version ({different}): build it again")
    else:
        engine, where = _cached(path, gpu, progress)
    backend = TensorRtBackend(engine, gpu, where)
    try:
        recheck(backend, engine.spec, engine.key.precision, engine.image, engine.range_m, engine.far, engine.stride)
    except BaseException:
        backend.close()
        raise
    return backend


def engine_key(onnx_sha256: str, gpu: Gpu, precision: str, batch: int) -> EngineKey:
    """The key of an engine built here and now."""
    return EngineKey(
        onnx_sha256=onnx_sha256,
        precision=precision,
        batch=batch,
        rules=GRAPH_RULES,
        tensorrt=trt.__version__,
        gpu=gpu.name,
        compute_capability=".".join(map(str, gpu.compute_capability)),
        driver=gpu.driver,
    )


def default_precision(gpu: Gpu) -> str:
    """bf16 where the GPU has it (Ampere, Orin and later), else fp16."""
    return "bf16" if gpu.compute_capability >= (8, 0) else "fp16"


def usable_gpu() -> Gpu:
    """The GPU; BackendUnavailable, with the reason, where there is none that starts."""
    try:
        return current_gpu()
    except ImportError:
        raise BackendUnavailable(
            "backend tensorrt needs cuda-python, which is not installed: pip install 'dap_ros[tensorrt]'"
        ) from None
    except CudaError as error:
        raise BackendUnavailable(f"tensorrt: CUDA does not start: {error}") from None


def _cached(path: Path, gpu: Gpu, progress: Progress) -> tuple[Engine, str]:
    key = engine_key(file_sha256(path), gpu, default_precision(gpu), 1)
    cache = EngineCache()

    def build() -> Engine:
        # Building takes the package onnx; an engine that is there already runs without.
        from dap_core.export.tensorrt import build_engine

        return build_engine(path, key, gpu, cache, progress=progress)

    try:
        return cache.obtain(key, path.stem, build, progress)
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"backend tensorrt needs {error.name} to build an engine, which is not installed: "
            f"pip install 'dap_ros[tensorrt]'"
        ) from None
