"""Whether a compiled engine does what the exported file does: no engine that differs by more is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.backends import BackendUnavailable
from dap_core.backends.cpu import cpu_threads
from dap_core.backends.onnxruntime import CPU, open_model
from dap_core.backends.spec import ModelSpec
from dap_core.export.parity import Comparison, Tolerance, compare, parity_images

Run = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]

#: Against ONNX Runtime in float32. With every tensor rounded as in `typed_graph`, and sums in float32, dap-tiny differs
#: by at most 2e-3 (median) and 1.3e-2 (p99) in bf16, 2e-4 and 1.4e-3 in fp16, over rooms, noise and photographs; a
#: kernel that is wrong differs by tens of per cent.
TOLERANCES = {
    "float32": Tolerance(median=1e-4, p99=1e-3, far_flips=1e-3),
    "fp16": Tolerance(median=2e-3, p99=1e-2, far_flips=2e-3),
    "bf16": Tolerance(median=1e-2, p99=5e-2, far_flips=5e-3),
}

#: The outputs kept for the check at load have about so many rows.
_KEPT_ROWS = 64


@dataclass(frozen=True)
class Judgement:
    """The comparisons, and the picture with ONNX Runtime's outputs that the engine is tried on when it is loaded."""

    comparisons: tuple[Comparison, ...]
    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]
    far: NDArray[np.float32]
    stride: int


def judge(
    run: Run,
    exported: Path,
    precision: str,
    *,
    images: Mapping[str, NDArray[np.uint8]] | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Judgement:
    """Compare `run` with ONNX Runtime on the CPU, on a drawn room, on noise, and on `images` (each (1, H, W, 3)).

    Raises BackendUnavailable, with the figures, where one comparison is beyond `TOLERANCES[precision]`.
    """
    progress("comparing with onnxruntime")
    reference = open_model(exported, cpu_threads(), CPU)
    spec = reference.spec
    pictures = {**parity_images(spec.height), **(images or {})}
    question = f"the {precision} engine and onnxruntime"
    comparisons = []
    kept: tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]] | None = None
    try:
        for name, image in pictures.items():
            expected = reference(image)
            comparisons.append(compare(question, name, spec, expected, run(image), TOLERANCES[precision]))
            kept = kept or (image, *expected)
    finally:
        reference.close()
    refuse(comparisons)
    assert kept is not None
    stride = max(1, spec.height // _KEPT_ROWS)
    image, range_m, far = kept
    return Judgement(tuple(comparisons), image, _thin(range_m, stride), _thin(far, stride), stride)


def recheck(
    run: Run,
    spec: ModelSpec,
    precision: str,
    image: NDArray[np.uint8],
    range_m: NDArray[np.float32],
    far: NDArray[np.float32],
    stride: int,
) -> Comparison:
    """Run the kept picture through an engine that was just loaded; BackendUnavailable, with figures, if it is wrong."""
    outputs = [_thin(x, stride) for x in run(image)]
    comparison = compare(
        f"the loaded {precision} engine and onnxruntime", "the kept picture", spec, (range_m, far), outputs,
        TOLERANCES[precision],
    )  # fmt: skip
    refuse([comparison])
    return comparison


def refuse(comparisons: list[Comparison]) -> None:
    """Raise BackendUnavailable where a comparison is beyond its tolerance."""
    if failed := [c for c in comparisons if not c.passed]:
        raise BackendUnavailable(f"the engine is not used, it does not do what the model does: {failed[0].line()}")


def _thin(x: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    return np.ascontiguousarray(x[:1, ::stride, ::stride], np.float32)
