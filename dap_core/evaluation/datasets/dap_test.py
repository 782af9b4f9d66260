"""DAP-Test (Lin et al. 2025): 1,343 rendered outdoor panoramas out of a larger collection.

Layout: images `panorama_<n>.png` and ranges `erp_distance_<n>.npy` (float, metres) in pairs of folders that differ from
one recording to the next. The split is the list file that DAP publishes; without it all pairs are taken, and the report
says that they are not the split.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.evaluation.datasets.depth_formats import read_depth
from dap_core.evaluation.datasets.list_files import entries_or
from dap_core.evaluation.datasets.sample import Dataset, Entry, checked, name_of

PUBLISHED = 1343

#: Folder of images to folder of ranges, under the root.
FOLDERS = {
    "raw_data_0528/raw_imgs_panorama": "raw_data_0528/erp_distance_npy",
    "raw_data_0612/raw_imgs_panorama": "raw_data_0612/erp_distance_npy",
    "raw_data_0630/nyc_raw_images_panorama": "raw_data_0630/nyc_distance_panorama_npy",
    "raw_data_0630/sfc_raw_images_panorama": "raw_data_0630/sfc_distance_panorama_npy",
    "raw_data_0701/raw_images_panorama": "raw_data_0701/erp_distance_npy",
    "raw_data_0820/raw_images_part1_panorama": "raw_data_0820/distance_part1_panorama_npy",
}


def open_dap_test(root: Path, list_file: Path | None = None, unit_m: float | None = None) -> Dataset:
    """What `list_file` names under `root`, or every pair of the six recordings."""
    root = checked(root, "DAP-Test (raw_data_0528, ...)")
    found = []
    for images, ranges in FOLDERS.items():
        numbers = {p.stem.removeprefix("panorama_") for p in (root / images).glob("panorama_*.png")}
        numbers |= {p.stem.removeprefix("erp_distance_") for p in (root / ranges).glob("erp_distance_*.npy")}
        for number in numbers:
            image = root / images / f"panorama_{number}.png"
            found.append(Entry(name_of(image, root), image, root / ranges / f"erp_distance_{number}.npy"))
    unit = np.float32(1.0 if unit_m is None else unit_m)

    def read_range(path: Path) -> NDArray[np.float32]:
        values = read_depth(path)
        return np.where(values > 0, values * unit, np.float32(np.nan))

    layout = "list file" if list_file else "all pairs found; the split needs DAP's list file (--list)"
    return Dataset(
        "dap-test",
        layout,
        entries_or(list_file, root, found, "raw_data_*/*panorama/panorama_*.png, or a list file (--list)"),
        read_range,
        scanned=False,
        published=PUBLISHED,
    )
