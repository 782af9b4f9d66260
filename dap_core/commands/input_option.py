"""The option `--input` of commands that read images: what these are, where they are not whole panoramas."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError

if TYPE_CHECKING:
    from dap_core.panorama_input import PanoramaInput


def add_input_option(parser: argparse.ArgumentParser) -> None:
    """Add `--input NAME=VALUE`, which may be given several times."""
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what the images are, where they are not whole equirectangular panoramas: "
        "projection=dual_fisheye, calibration=camera.yaml, fov=195, circles='X Y RADIUS, X Y RADIUS', yaw=90, top=45, "
        "bottom=-45; may be given several times",
    )


def panorama_input(assignments: Sequence[str]) -> PanoramaInput:
    """The input that `--input` describes. Raises InputError."""
    from dap_core.panorama_input import InputConfig, PanoramaInput
    from dap_core.settings import build, fields

    known = dict(fields(InputConfig))
    values: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name not in known:
            raise InputError(f"--input takes NAME=VALUE with a name of {', '.join(known)}; got {text!r}")
        values[name] = _typed(known[name].default, name, value)
    return PanoramaInput(build(InputConfig, values))


def _typed(default: Any, name: str, value: str) -> Any:
    if isinstance(default, tuple):
        return tuple(item for part in value.split(",") if (item := part.strip()))
    if isinstance(default, float):
        try:
            return float(value)
        except ValueError:
            raise InputError(f"--input {name} takes a number, got {value!r}") from None
    return value
