"""Calibrations from YAML files: our own form, Kalibr's camera chain, and camodocal's camera.

Our own, for a camera whose frame shows two circles side by side:

    frame: [1280, 640]            # width and height of the camera's image, pixels
    lenses:
      - name: front
        model: mei                # double_sphere, kannala_brandt or mei; intrinsics are what its class has
        intrinsics: {fx: 766.2, fy: 759.5, cx: 316.7, cy: 322.2, xi: 3.0, k1: 0.25, k2: 7.6, p1: -0.004, p2: -0.004}
        size: [640, 640]          # of the image it was calibrated on; default: its region's
        region: [0, 0, 640, 640]  # x, y, width, height in the frame; default: all of it
        fov: 200                  # degrees of the cone in which the image is good; default: what the model can image
        rotation: {yaw: 0, pitch: 0, roll: 90}  # degrees in the body frame; or 3 rows, body from optical frame
        translation: [0, 0, 0]    # metres in the body frame; stated, not used
      - name: back
        calibration: back.yaml    # instead of model, intrinsics and size: a Kalibr or camodocal file of one lens
        region: [640, 0, 640, 640]
        rotation: {yaw: 180, roll: -90}

A Kalibr camera chain is a camera whose images lie side by side in the frame, cam0 leftmost and looking forward; a
camodocal file is a camera of one lens that looks forward. What else those files hold is not looked at.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.yaml_table import Table, read_yaml
from dap_core.lenses.calibration import CameraCalibration, Lens, Matrix, angles, rows
from dap_core.lenses.double_sphere import DoubleSphere
from dap_core.lenses.kannala_brandt import KannalaBrandt
from dap_core.lenses.mei import Mei
from dap_core.lenses.model import LensModel
from dap_core.panorama import BODY_FROM_OPTICAL

T = TypeVar("T")

MODELS: dict[str, type[LensModel]] = {"double_sphere": DoubleSphere, "kannala_brandt": KannalaBrandt, "mei": Mei}


def read_calibration(path: str | Path) -> CameraCalibration:
    """A camera's calibration, in any of the forms above. Raises InputError that names file and key."""
    table = read_yaml(path)
    if "lenses" in table:
        return _own(table, Path(path))
    if "cam0" in table:
        return _kalibr(table)
    if "model_type" in table:
        return _camodocal(table)
    raise InputError(
        f"{path}: not a calibration; it has none of the keys lenses (ours), cam0 (Kalibr) and model_type (camodocal)"
    )


def _own(table: Table, path: Path) -> CameraCalibration:
    width, height = table.whole("frame", 2, 1)
    lenses = tuple(_own_lens(lens, (width, height), path) for lens in table.tables("lenses"))
    table.done()
    return _of(table, CameraCalibration, (width, height), lenses)


def _own_lens(table: Table, frame: tuple[int, int], path: Path) -> Lens:
    x, y, width, height = table.whole("region", 4, 0, (0, 0, *frame))
    if width < 1 or height < 1:
        raise table.fault("region", f"is x, y, width and height of some pixels, got {[x, y, width, height]}")
    if "calibration" in table:
        camera = _one_camera(table, path.parent / table.text("calibration"))
        model, size = camera.lenses[0].model, camera.lenses[0].size
    else:
        model = _own_model(table)
        columns, lines = table.whole("size", 2, 1, (width, height))
        size = (columns, lines)
    tx, ty, tz = table.numbers("translation", 3, (0.0, 0.0, 0.0))
    fov, name = table.number("fov", 360.0), table.text("name", "")
    rotation = _rotation(table)
    table.done()
    return _of(table, Lens, model, size, (x, y, width, height), rotation, (tx, ty, tz), fov, name)


def _one_camera(table: Table, path: Path) -> CameraCalibration:
    other = read_yaml(path)
    # Files of our own form could name each other in a circle.
    if "lenses" in other:
        raise table.fault("calibration", f"names a Kalibr or camodocal file, {path} is neither")
    camera = read_calibration(path)
    if len(camera.lenses) != 1:
        raise table.fault("calibration", f"names a file of one lens, {path} has {len(camera.lenses)}")
    return camera


def _own_model(table: Table) -> LensModel:
    name = table.text("model")
    if name not in MODELS:
        raise table.fault("model", f"is one of {', '.join(MODELS)}, got {name!r}")
    intrinsics = table.table("intrinsics")
    values = {
        f.name: intrinsics.number(f.name, None if f.default is dataclasses.MISSING else f.default)
        for f in dataclasses.fields(MODELS[name])
    }
    intrinsics.done()
    return _of(intrinsics, MODELS[name], **values)


def _rotation(table: Table) -> Matrix:
    if "rotation" not in table:
        return angles()
    if table.is_list("rotation"):
        return table.matrix("rotation", 3, 3)
    turned = table.table("rotation")
    rotation = angles(*(turned.number(key, 0.0) for key in ("yaw", "pitch", "roll")))
    turned.done()
    return rotation


def _kalibr(table: Table) -> CameraCalibration:
    lenses: list[Lens] = []
    chain: NDArray[np.float64] = np.eye(4)
    x = height = 0
    for i, key in enumerate(sorted((k for k in table.names() if re.fullmatch(r"cam\d+", k)), key=lambda k: int(k[3:]))):
        camera = table.table(key)
        if i:
            chain = np.asarray(camera.matrix("T_cn_cnm1", 4, 4)) @ chain
        width, pixels = camera.whole("resolution", 2, 1)
        if i and pixels != height:
            raise camera.fault("resolution", f"has the height of cam0's, {height}, to lie beside it, got {pixels}")
        rotation = BODY_FROM_OPTICAL @ chain[:3, :3].T
        centre = -rotation @ chain[:3, 3]
        size, region, height = (width, pixels), (x, 0, width, pixels), pixels
        x += width
        lenses.append(_of(camera, Lens, _kalibr_model(camera), size, region, rows(rotation), _triple(centre), name=key))
    return _of(table, CameraCalibration, (x, height), tuple(lenses))


def _kalibr_model(camera: Table) -> LensModel:
    model, distortion = camera.text("camera_model"), camera.text("distortion_model", "none")
    if (model, distortion) == ("pinhole", "equidistant"):
        return _of(camera, KannalaBrandt, *camera.numbers("intrinsics", 4), *camera.numbers("distortion_coeffs", 4))
    if (model, distortion) == ("ds", "none"):
        xi, alpha, *pinhole = camera.numbers("intrinsics", 6)
        return _of(camera, DoubleSphere, *pinhole, xi, alpha)
    if model == "omni" and distortion in ("none", "radtan"):
        xi, *pinhole = camera.numbers("intrinsics", 5)
        return _of(
            camera, Mei, *pinhole, xi, *(camera.numbers("distortion_coeffs", 4) if distortion == "radtan" else ())
        )
    raise camera.fault(
        "camera_model",
        f"with distortion_model is ds with none, omni with radtan or none, or pinhole with equidistant, "
        f"got {model!r} with {distortion!r}",
    )


def _camodocal(table: Table) -> CameraCalibration:
    kind = table.text("model_type")
    size = int(table.number("image_width")), int(table.number("image_height"))
    if min(size) < 1:
        raise table.fault("image_width", f"and image_height are positive, got {size[0]}x{size[1]}")
    p = table.table("projection_parameters")
    if kind == "MEI":
        d = table.table("distortion_parameters")
        xi = table.table("mirror_parameters").number("xi")
        pinhole = [p.number(key) for key in ("gamma1", "gamma2", "u0", "v0")]
        model: LensModel = _of(table, Mei, *pinhole, xi, *(d.number(key) for key in ("k1", "k2", "p1", "p2")))
    elif kind == "KANNALA_BRANDT":
        keys = ("mu", "mv", "u0", "v0", "k2", "k3", "k4", "k5")
        model = _of(table, KannalaBrandt, *(p.number(key) for key in keys))
    else:
        raise table.fault("model_type", f"is MEI or KANNALA_BRANDT, got {kind!r}")
    return CameraCalibration(size, (Lens(model, size, (0, 0, *size), angles(), name=table.text("camera_name", "")),))


def _of(table: Table, kind: Callable[..., T], *values: Any, **named: Any) -> T:
    """`kind(*values, **named)`, whose InputError names the place in the file."""
    try:
        return kind(*values, **named)
    except InputError as error:
        raise InputError(f"{table.where}: {error}") from None


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in vector)
    return x, y, z
