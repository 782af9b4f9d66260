"""An exported `.onnx` in int8 (Q/DQ), by pictures alone: post-training quantisation with a budget for the error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from dap_core.backends.cpu import cpu_threads
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError
from dap_core.estimate import check_image, resize_panorama
from dap_core.evaluation.datasets.depth_formats import DEPTH_SUFFIXES
from dap_core.evaluation.datasets.folder import open_folder
from dap_core.export.calibration import covered_ranges
from dap_core.export.int8_trials import Budget, Cost, Panorama, Trials
from dap_core.export.onnx import set_metadata
from dap_core.export.quantized_graph import products, quantized
from dap_core.export.static_graph import load
from dap_core.io.atomic import written_beside
from dap_core.io.images import IMAGE_SUFFIXES, find_images, read_image

#: Group, image (H, W, 3), and range (H, W) in metres where it is known.
Picture = tuple[str, NDArray[np.uint8], "NDArray[np.float32] | None"]

#: Of the panoramas every CALIBRATED-th says how large values become; the others decide what becomes int8.
CALIBRATED = 3

#: Panoramas on which each product is tried alone, where not all can be int8.
ALONE = 3

#: A folder that has none of these holds images alone.
_RANGE_SUFFIXES = frozenset(DEPTH_SUFFIXES) - IMAGE_SUFFIXES

#: What `ModelSpec.weights_precision` is of such a file.
PRECISION = "int8"


@dataclass(frozen=True)
class Int8Report:
    """What `export_int8` did: how many of the products are int8, on how many panoramas that was decided, the cost."""

    quantized: int
    products: int
    calibrated: int
    validated: int
    cost: Cost


def read_panoramas(folder: Path, count: int | None = None) -> list[Picture]:
    """Group, image (H, W, 3) and range (H, W) metres (None where there is none) of the panoramas of a folder.

    Pairs as `dap_core.evaluation.datasets.folder` knows them, or images alone; at most `count`, evenly spread. A group
    is the part of the name before its last underscore. InputError where there is nothing.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: give one of panoramas, with or without their range")
    if not any(path.suffix.lower() in _RANGE_SUFFIXES for path in folder.rglob("*")):
        return [("", read_image(path), None) for path in _spread(find_images([folder]), count)]
    dataset = open_folder(folder)
    found: list[Picture] = []
    for entry in _spread(dataset.entries, count):
        sample = dataset.load(entry)
        found.append((sample.name.rpartition("_")[0] or sample.name, sample.image, sample.range_m))
    return found


def export_int8(
    exported: str | Path,
    path: str | Path,
    panoramas: Sequence[Picture],
    *,
    budget: Budget | None = None,
    threads: int | None = None,
    progress: Callable[[str, float | None], None] = lambda what, share: None,
) -> Int8Report:
    """Write the export `exported` to `path` with as many of its products in int8 as `budget` allows.

    `panoramas` are (group, image, range in metres or None), as from `read_panoramas`; every third one calibrates, the
    others decide. Judge the file by others again. Raises InputError for a file that is no export or is int8 already,
    fewer than three panoramas, and where no product can be int8 within the budget; nothing is written then.
    """
    path, budget, threads = Path(path), budget or Budget(), threads or cpu_threads()
    if path.suffix != ".onnx":
        raise InputError(f"an export's name ends in .onnx, got {path}")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: no such folder")
    if len(panoramas) < CALIBRATED:
        raise InputError(f"int8 takes {CALIBRATED} panoramas or more, got {len(panoramas)}")
    progress("reading the model", None)
    model = load(Path(exported))
    spec = ModelSpec.from_metadata({p.key: p.value for p in model.metadata_props}, exported)
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise InputError(f"{exported}: is int8 already: give the export that it was made from")
    pictures = []
    for group, image, truth in panoramas:
        check_image(image)
        pictures.append(Panorama(group, resize_panorama(image, spec.height)[None], truth))
    calibration = pictures[::CALIBRATED]
    validation = [p for i, p in enumerate(pictures) if i % CALIBRATED]
    ranges = covered_ranges(model, [p.image for p in calibration], threads, progress)
    trials = Trials(model, spec, ranges, validation, threads, progress)
    names, cost = trials.choose(budget, ALONE)
    count = len(products(model))
    if not names:
        raise InputError(f"{path} is not written: none of {count} products can be int8 within {budget_words(budget)}")
    progress("writing", None)
    result = quantized(model, ranges, names)
    set_metadata(result, dataclasses.replace(spec, name=f"{spec.name}-{PRECISION}", weights_precision=PRECISION))
    entry = result.metadata_props.add()
    entry.key, entry.value = "dap.int8", f"{len(names)} of {count} products, calibrated on {len(calibration)} panoramas"
    with written_beside(path) as temporary:
        onnx.save_model(result, temporary)
    return Int8Report(len(names), count, len(calibration), len(validation), cost)


def budget_words(budget: Budget) -> str:
    """The budget for people."""
    return f"{100 * budget.median:g} % of the depth (median) and {100 * budget.absrel:g} % of AbsRel in every group"


def _spread(items: Sequence, count: int | None) -> list:
    """`count` of the items at equal distances, or all where there are fewer."""
    if count is None or count >= len(items):
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]
