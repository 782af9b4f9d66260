"""Stanford 2D-3D-S (Armeni et al. 2017), the panoramas of area 5: 373, measured, indoor.

Layout: `area_5a/pano/rgb/camera_<uuid>_<room>_<n>_frame_equirectangular_domain_rgb.png`, its range in `pano/depth` with
`_depth.png`; list files of UniFuse and DAP leave `pano` out or write `rgb_` for re-encoded images. Range: 16-bit PNG,
1/512 m along the ray, 65535 missing (the data set's README). DA-2's package has millimetres instead: `--unit mm`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.evaluation.datasets.depth_formats import read_png16
from dap_core.evaluation.datasets.list_files import entries_or
from dap_core.evaluation.datasets.sample import Dataset, Entry, checked, name_of

PUBLISHED = 373
UNIT_M = 1.0 / 512.0
_MISSING = 65535

_IMAGE_END, _DEPTH_END = "_equirectangular_domain_rgb.png", "_equirectangular_domain_depth.png"


def open_stanford2d3d(root: Path, list_file: Path | None = None, unit_m: float | None = None) -> Dataset:
    """Area 5 under `root`, or what `list_file` names; `unit_m` for another packaging's metres per step."""
    root = checked(root, "Stanford2D3D (area_5a, area_5b)")
    found: dict[Path, Entry] = {}
    for folder in [*root.glob("area_5*/pano"), *root.glob("area_5*")]:
        for image in [*folder.glob(f"rgb/*{_IMAGE_END}"), *folder.glob(f"rgb_/*{_IMAGE_END}")]:
            depth = folder / "depth" / image.name.replace(_IMAGE_END, _DEPTH_END)
            found.setdefault(depth, Entry(name_of(image, root), image, depth))
        # A range whose image is gone is a panorama that cannot be measured, not one that was never there.
        for depth in folder.glob(f"depth/*{_DEPTH_END}"):
            image = folder / "rgb" / depth.name.replace(_DEPTH_END, _IMAGE_END)
            found.setdefault(depth, Entry(name_of(image, root), image, depth))
    unit = UNIT_M if unit_m is None else unit_m
    return Dataset(
        "stanford2d3d",
        f"area 5, 16-bit PNG, {unit:g} m a step",
        entries_or(list_file, root, list(found.values()), "area_5*/pano/rgb/*_rgb.png, or a list file (--list)"),
        lambda path: to_range(read_png16(path), unit),
        published=PUBLISHED,
    )


def to_range(steps: NDArray[np.float32], unit_m: float) -> NDArray[np.float32]:
    """16-bit steps (H, W) to metres; 0 and 65535 are missing."""
    return np.where((steps > 0) & (steps < _MISSING), steps * np.float32(unit_m), np.float32(np.nan))
