"""Matterport3D (Chang et al. 2017), the panoramas of its 18 test buildings: 2,014, measured, indoor.

Three packagings are published, told apart by their files:

* stitched (UniFuse, PanDA, DA-2): `<scene>/pano_skybox_color/<id>.jpg`, `<scene>/pano_depth/<id>.png`, 16-bit,
  1/4000 m, 0 missing; DA-2's package has `--unit 1/2560`;
* rendered again (DAP): `<scene>/<n>_spherical_1_emission_center_0.png`, `..._depth_center_0.exr`, metres in the red
  channel, 0 missing;
* Matterport3D 360 (PaGeR; Rey-Area et al. 2022): `<part>/data/<scene>/<id>_rgb.png`, `<id>_depth.dpt`, metres,
  0 missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.datasets.depth_formats import read_depth
from dap_core.evaluation.datasets.list_files import entries_or
from dap_core.evaluation.datasets.sample import Dataset, Entry, checked, name_of

PUBLISHED = 2014
UNIT_M = 1.0 / 4000.0

#: The buildings of the published test split.
TEST_SCENES = (
    "2t7WUuJeko7",
    "5ZKStnWn8Zo",
    "ARNzJeq3xxb",
    "RPmz2sHmrrY",
    "UwV83HsGsw3",
    "Vt2qJdWjCF2",
    "WYY7iVyf5p8",
    "YFuZgdQ5vWj",
    "YVUC4YcDtcY",
    "fzynW3qQPVF",
    "gYvKGZ5eRqb",
    "gxdoqLR6rwA",
    "jtcxE69GiFV",
    "pa4otMbVnkk",
    "q9vSo1VnCiC",
    "rqfALeAoiTq",
    "wc2JMjhGNzB",
    "yqstnuAEVhm",
)


def open_matterport3d(root: Path, list_file: Path | None = None, unit_m: float | None = None) -> Dataset:
    """The test buildings under `root`, or what `list_file` names; `unit_m` for another packaging's metres per step."""
    root = checked(root, "Matterport3D")
    found = {depth: Entry(name_of(image, root), image, depth) for image, depth in _pairs(root)}
    entries = entries_or(
        list_file,
        root,
        list(found.values()),
        "test buildings with pano_skybox_color and pano_depth, *_spherical_1_emission_center_0.png, or *_rgb.png "
        "beside *_depth.dpt; or a list file (--list)",
    )
    kinds = {entry.depth.suffix.lower() for entry in entries}
    if len(kinds) > 1:
        raise InputError(
            f"{root}: two packagings of Matterport3D in one ({', '.join(sorted(kinds))}): give a list file"
        )
    (kind,) = kinds
    unit = unit_m or (UNIT_M if kind == ".png" else 1.0)
    layout = {".png": "stitched", ".exr": "rendered again", ".dpt": "Matterport3D 360"}.get(kind, kind)

    def read_range(path: Path) -> NDArray[np.float32]:
        values = read_depth(path)
        return np.where(np.isfinite(values) & (values > 0), values * np.float32(unit), np.float32(np.nan))

    return Dataset("matterport3d", f"{layout}, {unit:g} m a step", entries, read_range, published=PUBLISHED)


def _pairs(root: Path) -> list[tuple[Path, Path]]:
    pairs = []
    for scene in TEST_SCENES:
        ids = {p.stem for p in root.glob(f"{scene}/pano_skybox_color/*.jpg")}
        ids |= {p.stem for p in root.glob(f"{scene}/pano_depth/*.png")}
        folder = root / scene
        pairs += [(folder / "pano_skybox_color" / f"{i}.jpg", folder / "pano_depth" / f"{i}.png") for i in ids]
        for pattern, image_end, depth_end in (
            (f"{scene}/*", "_spherical_1_emission_center_0.png", "_spherical_1_depth_center_0.exr"),
            (f"*/data/{scene}/*", "_rgb.png", "_depth.dpt"),
        ):
            stems = {
                p.with_name(p.name.removesuffix(end))
                for end in (image_end, depth_end)
                for p in root.glob(pattern + end)
            }
            pairs += [(s.with_name(s.name + image_end), s.with_name(s.name + depth_end)) for s in stems]
    return pairs
