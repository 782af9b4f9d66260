"""Published data sets in their own layouts, and plain folders: `open_dataset` by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dap_core.errors import InputError
from dap_core.evaluation.datasets.dap_test import open_dap_test
from dap_core.evaluation.datasets.deep360 import open_deep360
from dap_core.evaluation.datasets.folder import open_folder
from dap_core.evaluation.datasets.matterport3d import open_matterport3d
from dap_core.evaluation.datasets.sample import Dataset, Entry, Sample
from dap_core.evaluation.datasets.stanford2d3d import open_stanford2d3d
from dap_core.evaluation.datasets.structured3d import open_structured3d

__all__ = ["DATASETS", "Dataset", "Entry", "Sample", "open_dataset"]

_READERS = {
    "stanford2d3d": open_stanford2d3d,
    "matterport3d": open_matterport3d,
    "deep360": open_deep360,
    "dap-test": open_dap_test,
    "structured3d": open_structured3d,
}

DATASETS = (*_READERS, "folder")


def open_dataset(
    name: str,
    root: Path,
    *,
    list_file: Path | None = None,
    unit_m: float | None = None,
    zero_is_far: bool = False,
    trust_unit: bool = False,
) -> Dataset:
    """The data set `name` (one of `DATASETS`) under `root`, or the part of it that `list_file` names.

    `unit_m` metres of one step where the packaging differs from the published one; `zero_is_far` for folders whose 0
    is sky; `trust_unit` takes ranges that do not look like metres. Raises InputError where nothing is found.
    """
    if name == "folder":
        dataset = open_folder(root, list_file, unit_m, zero_is_far)
    elif name in _READERS:
        if zero_is_far:
            raise InputError(f"--zero far is for folders: what 0 means in {name} is known")
        dataset = _READERS[name](root, list_file, unit_m)
    else:
        raise InputError(f"no data set {name!r}: choose {', '.join(DATASETS)}")
    return replace(dataset, check_unit=not trust_unit)
