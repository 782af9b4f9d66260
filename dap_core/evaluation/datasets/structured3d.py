"""Structured3D (Zheng et al. 2020), furnished rooms of the test scenes 3250 to 3499, rendered, indoor.

Layout: `scene_<id>/2D_rendering/<room>/panorama/full/rgb_rawlight.png` beside `depth.png`, 16-bit, millimetres along
the ray, 0 without a reading (the data set's data_organization.md).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.evaluation.datasets.depth_formats import read_png16
from dap_core.evaluation.datasets.list_files import entries_or
from dap_core.evaluation.datasets.sample import Dataset, Entry, checked

TEST_SCENES = range(3250, 3500)
UNIT_M = 0.001


def open_structured3d(root: Path, list_file: Path | None = None, unit_m: float | None = None) -> Dataset:
    """The test scenes under `root`, or what `list_file` names."""
    root = checked(root, "Structured3D (scene_03250, ...)")
    found = []
    for scene in (root / f"scene_{number:05d}" for number in TEST_SCENES):
        rooms = {p.parent for p in scene.glob("2D_rendering/*/panorama/full/rgb_rawlight.png")}
        rooms |= {p.parent for p in scene.glob("2D_rendering/*/panorama/full/depth.png")}
        found += [
            Entry(f"{scene.name}/{room.parts[-3]}", room / "rgb_rawlight.png", room / "depth.png") for room in rooms
        ]
    unit = np.float32(UNIT_M if unit_m is None else unit_m)

    def read_range(path: Path) -> NDArray[np.float32]:
        values = read_png16(path)
        return np.where(values > 0, values * unit, np.float32(np.nan))

    return Dataset(
        "structured3d",
        "full, raw light",
        entries_or(list_file, root, found, "scene_03250 to scene_03499 with 2D_rendering, or a list file (--list)"),
        read_range,
        scanned=False,
    )
