"""A torch model as one `.onnx` file: uint8 panorama in, metres out, normalisation and metadata inside."""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dap_core.backends.onnxruntime import open_model
from dap_core.backends.spec import ModelSpec
from dap_core.backends.torch import PanoramaNetwork, spec_of
from dap_core.errors import InputError
from dap_core.export.folded import folded
from dap_core.export.parity import Comparison, compare, parity_images

#: Has Gelu and LayerNormalization, and is read by TensorRT 10.3 and ONNX Runtime 1.17 on. Opset 23, with native
#: Attention, and opset 18 ran at the same speed in ONNX Runtime 1.31 and OpenVINO 2026.4 on two Zen 5 cores.
OPSET = 20

#: Protocol buffers end at 2 GiB; what is larger keeps its weights in a second file beside the first.
SINGLE_FILE_BYTES = 2**31 - 2**20

#: Stored tensors smaller than this stay float32: they save nothing.
_HALF_MINIMUM = 1024
_PRODUCTS = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})
_HALF_LARGEST = float(np.finfo(np.float16).max)

Report = Callable[[str], None]


def export_onnx(
    model: nn.Module,
    path: str | Path,
    *,
    height: int | None = None,
    half: bool = True,
    opset: int = OPSET,
    progress: Report = lambda step: None,
    single_file_bytes: int = SINGLE_FILE_BYTES,
) -> list[Comparison]:
    """Write `model` (of `dap_core.model`) to `path` and return how the file compares with it.

    `height` (default: the model's own) fixes the resolution, height x 2 height; the batch stays free. `half` stores
    the weights of convolutions and matrix products in float16 and computes in float32 all the same. The file takes its
    place only if every comparison is within its tolerance; where one is not, InputError names it and nothing is
    written. Beyond 2 GiB the weights go to `<name>.onnx.data`. `progress` is told each step.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InputError(f"an export's name ends in .onnx, got {path}")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: no such folder")
    model = model.eval()
    spec = spec_of(model, height)
    network = PanoramaNetwork(model, spec.max_range_m).eval()
    images = parity_images(spec.height)
    progress("running the model in torch")
    try:
        with torch.inference_mode():
            reference = [[x.numpy() for x in network(torch.from_numpy(image))] for image in images.values()]
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{spec.name} does not run at {spec.width}x{spec.height}: {error}") from None

    progress("tracing")
    graph = trace(folded(network, spec.height), spec, opset)
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
        stages: list[tuple[str, str]] = [("float32", "onnxruntime and torch")]
        if half:
            stages.append(("float16", "weights in half and in full precision"))
        for precision, question in stages:
            progress(f"writing {precision} weights")
            if precision == "float16":
                halve_weights(graph)
            spec = dataclasses.replace(spec, weights_precision=precision)
            set_metadata(graph, spec)
            written = Path(folder) / precision / path.name
            written.parent.mkdir()
            _save(graph, written, single_file_bytes)
            progress(f"comparing {question}")
            backend = open_model(written, threads=torch.get_num_threads(), provider="CPUExecutionProvider")
            outputs = [list(backend(image)) for image in images.values()]
            backend.close()
            comparisons += [
                compare(question, name, spec, theirs, ours)
                for name, theirs, ours in zip(images, reference, outputs, strict=True)
            ]
            reference = outputs
            failed = [c for c in comparisons if not c.passed]
            if failed:
                raise InputError(f"{path} is not written, it does not do what the model does: {failed[0].line()}")
        progress("done")
        _install(written, path)
    return comparisons


def trace(network: nn.Module, spec: ModelSpec, opset: int) -> onnx.ModelProto:
    """`network` as an ONNX graph with a free batch and nothing of this machine (paths, stack traces) in it.

    It takes the uint8 panoramas and gives the outputs that `spec` describes.
    """
    # Two images, not one: the tracer would take a batch of one for a constant.
    example = torch.zeros(2, spec.height, spec.width, 3, dtype=torch.uint8)
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                opset_version=opset,
                input_names=["image"],
                output_names=["range_m", "far"],
                dynamic_shapes={"image": {0: torch.export.Dim.DYNAMIC}},
                verbose=False,
            )
    finally:
        exporter.setLevel(level)
    assert program is not None
    graph = program.model_proto
    got = next((o.version for o in graph.opset_import if o.domain == ""), 0)
    if got != opset:
        raise InputError(f"{spec.name} cannot be written in opset {opset} (torch gave {got}): try {got}")
    _strip(graph)
    return graph


def halve_weights(graph: onnx.ModelProto) -> int:
    """Store the weights of convolutions and matrix products as float16 with a Cast back; returns how many.

    Every runtime folds the casts when it loads the file, so speed and arithmetic stay those of float32. Biases, norms
    and tables (rotary angles, latitudes) stay as they are, and so does a tensor with values beyond float16.
    """
    weights = {name for node in graph.graph.node if node.op_type in _PRODUCTS for name in node.input[:2]}
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.name not in weights or tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < _HALF_MINIMUM or not np.abs(values).max() <= _HALF_LARGEST:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return len(casts)


def set_metadata(graph: onnx.ModelProto, spec: ModelSpec) -> None:
    """Put the specification into the file, in place of what is there."""
    del graph.metadata_props[:]
    helper.set_model_props(graph, spec.to_metadata())


def _strip(graph: onnx.ModelProto) -> None:
    """Remove names of source files and traces, and shapes of intermediates: runtimes infer those."""
    graph.producer_name, graph.producer_version, graph.doc_string = "dap_ros", "", ""
    inner = graph.graph
    inner.name, inner.doc_string = "dap", ""
    del inner.metadata_props[:]
    del inner.value_info[:]
    for part in [*inner.node, *inner.initializer, *inner.input, *inner.output, *graph.functions]:
        part.doc_string = ""
        del part.metadata_props[:]
    for value in [*inner.input, *inner.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "B"


def _save(graph: onnx.ModelProto, path: Path, single_file_bytes: int) -> None:
    if graph.ByteSize() < single_file_bytes:
        path.write_bytes(graph.SerializeToString(deterministic=True))
        return
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    onnx.save_model(copy, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=1024)


def _install(written: Path, path: Path) -> None:
    """Move the file, after its data if it has any, to its place."""
    data, beside = (p.with_name(f"{path.name}.data") for p in (written, path))
    try:
        if data.exists():
            os.replace(data, beside)
        else:
            beside.unlink(missing_ok=True)
        os.replace(written, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
