"""A snapshot for a bug report: one frame with everything that was made of it, in a folder."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.io.depth_files import write_range
from dap_core.io.images import write_image
from dap_core.io.ply import write_ply
from dap_core.picture import save_range_png
from dap_core.pipeline import DepthFrame
from dap_ros.parameters import Settings


@dataclass
class SnapshotRequest:
    """Asked for on the executor's thread, answered by the engine: `answer` is the folder, or why there is none."""

    base: str
    done: threading.Event = field(default_factory=threading.Event)
    success: bool = False
    answer: str = "no frame came through"


def new_folder(base: str, camera: str) -> Path:
    """Make the folder of a snapshot that is taken now, below `base` or ~/.ros/dap_snapshots; each has one of its own.

    Raises InputError where it cannot be made.
    """
    parent = Path(base).expanduser() if base else Path.home() / ".ros" / "dap_snapshots"
    name = "_".join(part for part in (time.strftime("%Y%m%d-%H%M%S"), camera) if part)
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = next(parent / name for name in names if not (parent / name).exists())
        folder.mkdir()
    except OSError as error:
        raise InputError(f"cannot make a folder in {parent}: {error.strerror}") from None
    return folder


def write_snapshot(
    base: str, frame: DepthFrame, settings: Settings, camera: str, stamp_s: float, facts: Mapping[str, Any]
) -> Path:
    """image.png, range.npy, range.png, points.ply, scan.json, settings.yaml and facts.json in a new folder.

    Returns the folder, which is below `base`. Raises InputError where it cannot be made.
    """
    folder = new_folder(base, camera)
    write_image(folder / "image.png", np.ascontiguousarray(frame.image))
    write_range(folder / "range.npy", frame.depth.range_m)
    save_range_png(folder / "range.png", frame.depth.range_m, title=f"{camera or 'camera'} {stamp_s:.3f}")
    write_ply(folder / "points.ply", frame.cloud.xyz, frame.cloud.rgb)
    scan = frame.scan
    values = {
        "angle_min": scan.angle_min,
        "angle_increment": scan.angle_increment,
        "range_min": scan.range_min,
        "range_max": scan.range_max,
        "ranges": [repr(float(r)) for r in scan.ranges],
    }
    parameters = asdict(settings.node) | ({camera: asdict(settings.mounts[camera])} if camera else {})
    texts = {
        "scan.json": json.dumps(values),
        "settings.yaml": yaml.safe_dump(_plain(parameters), sort_keys=False),
        "facts.json": json.dumps({"camera": camera, "stamp": stamp_s, **facts}, indent=2),
    }
    for name, text in texts.items():
        with written_beside(folder / name) as beside:
            beside.write_text(text + "\n")
    return folder


def _plain(value: Any) -> Any:
    """Tuples as lists, which YAML knows."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value
