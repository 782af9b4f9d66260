"""Measures cases, one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.benchmark import matmul_model
from dap_core.benchmark.case import Against, Case, Difference, Latency, Memory, PeakShare, Result
from dap_core.benchmark.child import Child, Failed, ask_once
from dap_core.benchmark.opening import REFERENCE, has_nvidia
from dap_core.benchmark.source import Source
from dap_core.benchmark.turns import Effort, Runner, Turns, in_turns, of_runner, ratio
from dap_core.estimate import resize_panorama
from dap_core.export.parity import Tolerance, compare, room

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]
#: What `Worker.open` answers.
Opened = dict[str, Any]

#: Beyond this rate (operations a second) small products do not fill the processor: a GPU.
_WIDE = 3e12
_WIDE_SIZE, _WIDE_LINKS = 4096, 16

#: Seconds of matrix products in one turn at most.
_LONGEST_MATMUL_S = 1.0

_ANY = Tolerance(math.inf, math.inf, math.inf)


class Session:
    """What cases have in common: the picture, the float32 answers, the matrix products, and files made on the way.

    folder       for the files
    against      also run the same weights in plain PyTorch, eager and float32, in turns with each case
    image        (H, 2 H, 3) uint8 RGB that the accuracy is measured on (default: a drawn room)
    reference    the float32 model that it is measured against (default: the model itself, in ONNX Runtime)
    tell         is told what is being done, and how far it has come (0 to 1) where that is known
    """

    def __init__(
        self,
        folder: Path,
        *,
        effort: Effort | None = None,
        against: bool = False,
        image: NDArray[np.uint8] | None = None,
        reference: Source | None = None,
        tell: Callable[[str, float | None], None] = lambda what, share: None,
    ) -> None:
        self._folder = folder
        self._effort = effort or Effort()
        self._against = against
        self._image = image
        self._reference = reference
        self._tell = tell
        self._answers: dict[Path, Outputs] = {}
        self._counted: dict[tuple[Path, int], tuple[int, int]] = {}

    def measure(self, source: Source, case: Case) -> Result:
        """Everything about a case; where it cannot be run, a result that says why."""
        native = None
        try:
            native = source.spec.height
            return dataclasses.replace(self._measured(source, case), native_height=native)
        except Failed as error:
            return Result(case, native_height=native, error=str(error))

    def _measured(self, source: Source, case: Case) -> Result:
        backend = case.backend.partition(":")[0]
        notes: list[str] = []
        self._tell("making its file", None)
        path = source.file(backend, case.height)
        images = self._images(case)
        exported = self._exported(source, case, path)
        counted = self._count(exported, case.batch, notes)
        expected = None if self._is_reference(case) else self._expected(exported, case, notes)
        with ExitStack() as stack:
            self._tell("opening", None)
            child = stack.enter_context(Child())
            opened = child.ask("open", backend=case.backend, path=path, threads=case.threads, images=images)
            matmul = self._matmul(stack, case, opened["precision"], notes)
            torch = self._torch(stack, source, case, images, notes) if self._against and backend != "torch" else None
            runners = [_runner(child)]
            if matmul:
                # As long as a frame takes, or near it: what else the machine does comes and goes in longer spells.
                runners.append(_runner(matmul[0], min(opened["run_s"], _LONGEST_MATMUL_S)))
            if torch:
                runners.append(_runner(torch[0]))
            turns = in_turns(runners, self._effort, lambda share: self._tell("timing", share))
            memory = Memory(**child.ask("memory"))
        return Result(
            case,
            what=opened["what"],
            precision=opened["precision"],
            latency=_latency(of_runner(turns, 0), opened["open_s"]),
            memory=memory,
            flops=counted[0] if counted else None,
            elements=counted[1] if counted else None,
            difference=_difference(*expected, opened) if expected else None,
            peak=_peak(turns, counted[0], matmul[1]) if counted and matmul else None,
            against=_against(turns, len(runners) - 1, torch[1], opened) if torch else None,
            note="; ".join(notes) or None,
        )

    def _images(self, case: Case) -> NDArray[np.uint8]:
        """(B, H, W, 3): the picture, each time turned further around."""
        picture = room(case.height) if self._image is None else resize_panorama(self._image, case.height)
        turn = 2 * case.height // case.batch
        return np.stack([np.roll(picture, turn * number, axis=1) for number in range(case.batch)])

    def _exported(self, source: Source, case: Case, path: Path) -> Path | None:
        """The export with the same weights at the same resolution: what operations are counted in."""
        if path.suffix == ".onnx":
            return path
        with contextlib.suppress(Failed):
            return source.file("onnxruntime", case.height)
        return None

    def _count(self, exported: Path | None, batch: int, notes: list[str]) -> tuple[int, int] | None:
        if exported is None:
            return None
        if (exported, batch) not in self._counted:
            try:
                self._counted[exported, batch] = ask_once("count", path=exported, batch=batch)
            except Failed as error:
                notes.append(f"operations not counted: {error}")
                return None
        return self._counted[exported, batch]

    def _is_reference(self, case: Case) -> bool:
        own = case.backend == REFERENCE or (case.backend == "onnxruntime" and not has_nvidia())
        return own and self._reference is None

    def _expected(self, exported: Path | None, case: Case, notes: list[str]) -> tuple[str, Outputs] | None:
        """The float32 answer of ONNX Runtime to the first image, and whose it is."""
        try:
            if self._reference is not None:
                exported = self._reference.file("onnxruntime", case.height)
            if exported is None:
                return None
            if exported not in self._answers:
                self._tell("running float32", None)
                one = Case(case.model, case.weights, case.height, 1, "onnxruntime", case.threads)
                with Child() as child:
                    images = self._images(one)
                    opened = child.ask("open", backend=REFERENCE, path=exported, threads=case.threads, images=images)
                self._answers[exported] = opened["outputs"]
        except Failed as error:
            notes.append(f"float32 not run: {error}")
            return None
        of = "" if self._reference is None else f" of {self._reference.name}"
        return f"onnxruntime float32{of}", self._answers[exported]

    def _matmul(self, stack: ExitStack, case: Case, precision: str, notes: list[str]) -> tuple[Child, int] | None:
        """A process that runs matrix products on the same backend, and the operations of one of its runs."""
        if importlib.util.find_spec("onnx") is None and not case.backend.startswith("torch"):
            notes.append("peak not measured: needs onnx, which is not installed: pip install onnx")
            return None
        self._tell("opening matrix products", None)
        size, links = matmul_model.SIZE, matmul_model.LINKS
        try:
            child = self._open_matmul(stack, case, precision, size, links)
            fastest = min(child.ask("run", seconds=0.1))
            if matmul_model.operations(size, links) / fastest > _WIDE:
                child.close()
                size, links = _WIDE_SIZE, _WIDE_LINKS
                child = self._open_matmul(stack, case, precision, size, links)
        except Failed as error:
            notes.append(f"peak not measured: {error}")
            return None
        return child, matmul_model.operations(size, links)

    def _open_matmul(self, stack: ExitStack, case: Case, precision: str, size: int, links: int) -> Child:
        path = None
        if not case.backend.startswith("torch"):
            stored = "int8" if precision == "int8" else "float32"
            path = self._folder / f"matmul-{stored}-{size}x{links}.onnx"
            if not path.is_file():
                matmul_model.write_matmul_model(path, stored, size, links)
        child = stack.enter_context(Child())
        child.ask("open_matmul", backend=case.backend, path=path, threads=case.threads, size=size, links=links)
        return child

    def _torch(
        self, stack: ExitStack, source: Source, case: Case, images: NDArray[np.uint8], notes: list[str]
    ) -> tuple[Child, Opened] | None:
        self._tell("opening torch", None)
        try:
            path = self._checkpoint(source, case.height)
            child = stack.enter_context(Child())
            return child, child.ask("open", backend="torch", path=path, threads=case.threads, images=images)
        except Failed as error:
            notes.append(f"torch not run: {error}")
            return None

    def _checkpoint(self, source: Source, height: int) -> Path:
        """What torch runs: the case's own weights, or those of the float32 model that it is measured against."""
        try:
            return source.file("torch", height)
        except Failed:
            if self._reference is None:
                raise
            return self._reference.file("torch", height)


def _runner(child: Child, at_least: float = 0.0) -> Runner:
    return lambda seconds: child.ask("run", seconds=max(seconds, at_least))


def _latency(seconds: list[float], open_s: float) -> Latency:
    ms = 1e3 * np.array(seconds)
    return Latency(len(ms), float(np.median(ms)), float(np.percentile(ms, 95)), float(ms.min()), open_s)


def _peak(turns: Turns, flops: int, matmul_flops: int) -> PeakShare:
    """Of turns of the case and the matrix products."""
    seconds = np.array(of_runner(turns, 1))
    share = ratio(turns, 1, 0).median * flops / matmul_flops
    median, best = (matmul_flops / float(s) / 1e9 for s in (np.median(seconds), seconds.min()))
    return PeakShare(share, median, best)


def _against(turns: Turns, place: int, torch: Opened, opened: Opened) -> Against:
    """Of turns in which torch has a place."""
    found = ratio(turns, place, 0)
    ms = 1e3 * float(np.median(of_runner(turns, place)))
    difference = _difference(torch["what"], torch["outputs"], opened)
    return Against(torch["what"], found.median, found.low, found.high, ms, difference)


def _difference(reference: str, expected: Outputs, opened: Opened) -> Difference:
    found = compare(reference, "", opened["spec"], expected, opened["outputs"], _ANY)
    return Difference(reference, found.median, found.p99, found.far_flips)
