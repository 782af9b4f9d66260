"""From an exported `.onnx` to a TensorRT engine for this machine: typed graph, build, and the gate it must pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsInt, cast

import numpy as np
import onnx
import tensorrt as trt
from numpy.typing import NDArray

from dap_core.backends import BackendUnavailable, Progress
from dap_core.backends.cuda import Gpu
from dap_core.backends.engine_cache import EngineCache
from dap_core.backends.engine_file import Engine, EngineKey
from dap_core.backends.spec import ModelSpec
from dap_core.backends.tensorrt_engine import ErrorLog, TensorRtBackend
from dap_core.errors import InputError
from dap_core.estimate import resize_panorama
from dap_core.export.build_phases import BuildPhases
from dap_core.export.engine_gate import Judgement, judge
from dap_core.export.static_graph import load
from dap_core.export.tensorrt_operators import check_operators
from dap_core.export.typed_graph import Precision, typed_graph

#: A parser takes a graph as one protocol buffer, and those end at 2 GiB.
_LARGEST_GRAPH = 2**31 - 2**20


class BuildMonitor(trt.IProgressMonitor):
    """Hands the builder's reports on, and stops the build where handing on fails or is interrupted."""

    def __init__(self, progress: Progress) -> None:
        trt.IProgressMonitor.__init__(self)
        self.failure: BaseException | None = None
        self._phases = BuildPhases()
        self._progress = progress

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: SupportsInt) -> None:
        """Called by TensorRT."""
        self._phases.start(phase_name, parent_phase, num_steps)
        self._report()

    def step_complete(self, phase_name: str, step: SupportsInt) -> bool:
        """Called by TensorRT; False stops the build."""
        self._phases.step(phase_name, step)
        self._report()
        return self.failure is None

    def phase_finish(self, phase_name: str) -> None:
        """Called by TensorRT."""
        self._phases.finish(phase_name)
        self._report()

    def _report(self) -> None:
        # An exception must not go through TensorRT's own frames (Ctrl-C arrives here too).
        try:
            self._progress("building the engine", self._phases.fraction)
        except BaseException as error:
            self.failure = self.failure or error


def build_engine(
    exported: Path,
    key: EngineKey,
    gpu: Gpu,
    cache: EngineCache,
    *,
    images: Mapping[str, NDArray[np.uint8]] | None = None,
    progress: Progress = lambda what, share: None,
) -> Engine:
    """Build and try the engine of `key` from an export; takes seconds to many minutes, which `progress` is told.

    `images` (name to (H, W, 3) uint8 panoramas of any size) are compared beside the built-in pictures. Raises
    InputError for a file that is not an export, BackendUnavailable where TensorRT cannot build it or what it built
    fails the gate.
    """
    progress("reading the model", None)
    model = load(exported)
    spec = ModelSpec.from_metadata({p.key: p.value for p in model.metadata_props}, exported)
    progress(f"writing {key.precision} into the graph", None)
    graph = parsed_graph(model, key)
    del model
    plan, timing = build_plan(graph, cache.timing(key), gpu, progress)
    try:
        cache.keep_timing(key, timing)
    except InputError as error:
        progress(f"the builder's measurements are not kept: {error}", None)
    untried = Engine(key, spec, (), *_nothing(), 1, plan)
    pictures = {name: resize_panorama(image, spec.height)[None] for name, image in (images or {}).items()}
    judgement = _tried(untried, gpu, exported, pictures, progress)
    report = tuple(c.line() for c in judgement.comparisons)
    return Engine(key, spec, report, judgement.image, judgement.range_m, judgement.far, judgement.stride, plan)


def parsed_graph(model: onnx.ModelProto, key: EngineKey) -> bytes:
    """The typed graph as the parser is given it; BackendUnavailable where the parser would not take it."""
    try:
        typed = typed_graph(model, cast(Precision, key.precision), key.batch)
        check_operators(typed)
    except InputError as error:
        raise BackendUnavailable(f"tensorrt: {error}") from None
    if sum(len(t.raw_data) for t in typed.graph.initializer) > _LARGEST_GRAPH:
        raise BackendUnavailable(f"tensorrt: more than 2 GiB of weights in {key.precision}: choose bf16 or fp16")
    return typed.SerializeToString()


def build_plan(graph: bytes, timing: bytes, gpu: Gpu, progress: Progress) -> tuple[bytes, bytes]:
    """TensorRT's serialized engine of a typed ONNX graph, and its timing measurements for the next build."""
    log = ErrorLog()
    builder = trt.Builder(log)
    # TensorRT 11 knows strongly typed networks alone and ignores the flag.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(graph):
        reason = parser.get_error(0).desc() if parser.num_errors else "TensorRT gives no reason"
        raise BackendUnavailable(f"tensorrt: the model cannot be parsed: {' '.join(reason.split())[:300]}")
    config = builder.create_builder_config()
    # What is float32 in the graph is there for its digits.
    config.clear_flag(trt.BuilderFlag.TF32)
    monitor = BuildMonitor(progress)
    config.progress_monitor = monitor
    # Measurements of another TensorRT are refused, and the build then begins without any.
    for known in (timing, b""):
        if config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False):
            break
    plan = builder.build_serialized_network(network, config)
    if monitor.failure is not None:
        raise monitor.failure
    if plan is None:
        raise log.unavailable("building the engine", gpu)
    return _copied(plan), _copied(config.get_timing_cache().serialize())


def _copied(memory: Any) -> bytes:
    """TensorRT's own memory (a buffer) as bytes."""
    return bytes(memory)


def _tried(
    engine: Engine,
    gpu: Gpu,
    exported: Path,
    images: Mapping[str, NDArray[np.uint8]],
    progress: Progress,
) -> Judgement:
    backend = TensorRtBackend(engine, gpu)
    try:
        return judge(backend, exported, engine.key.precision, images=images, progress=lambda step: progress(step, None))
    finally:
        backend.close()


def _nothing() -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    return np.empty((0,), np.uint8), np.empty((0,), np.float32), np.empty((0,), np.float32)
