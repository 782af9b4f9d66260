"""Where the package's launch, config and data files are: the source tree, an ament install, or a pip install."""

from __future__ import annotations

import sys
from pathlib import Path

from dap_core.errors import InputError


def share_file(relative: str) -> Path:
    """Path of an installed file such as `config/dap.yaml`. Raises InputError when no installation has it."""
    roots = [Path(__file__).resolve().parents[1], *_ament_share(), Path(sys.prefix) / "share" / "dap_ros"]
    for root in roots:
        if (root / relative).is_file():
            return root / relative
    raise InputError(f"{relative} of dap_ros is not installed; looked in {', '.join(map(str, roots))}")


def sample_bag() -> Path:
    """The sample walk that the package ships, an mcap file."""
    return Path(__file__).resolve().parent / "data" / "walk.mcap"


def _ament_share() -> list[Path]:
    try:
        from ament_index_python.packages import get_package_share_directory

        return [Path(get_package_share_directory("dap_ros"))]
    except (ImportError, LookupError, OSError):  # no ament; not in its index; no AMENT_PREFIX_PATH
        return []
