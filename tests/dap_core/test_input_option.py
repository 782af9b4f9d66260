"""`--input`: what the images of a command are."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from dap_core.cli import main
from dap_core.commands.input_option import add_input_option, panorama_input
from dap_core.errors import InputError
from dap_core.export.parity import room
from dap_core.io.depth_files import read_range
from dap_core.io.images import write_image
from dap_core.panorama_input import InputConfig


def test_assignments() -> None:
    parser = argparse.ArgumentParser()
    add_input_option(parser)
    assert panorama_input(parser.parse_args([]).input).config == InputConfig()
    given = ["projection=dual_fisheye", "fov = 195", "circles=10 10 9, 30 10 9 90", "yaw=-12.5"]
    arguments = parser.parse_args([word for text in given for word in ("--input", text)])
    expected = InputConfig("dual_fisheye", fov=195.0, circles=("10 10 9", "30 10 9 90"), yaw=-12.5)
    assert panorama_input(arguments.input).config == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fow=3", "a name of projection, calibration, fov"),
        ("fov", "takes NAME=VALUE"),
        ("fov=wide", "--input fov takes a number, got 'wide'"),
        ("fov=1000", "fov lies between"),
        ("calibration=none.yaml", "for the projection dual_fisheye"),
    ],
)
def test_faults_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        panorama_input([text])
    assert "\n" not in str(caught.value)


def test_depth_of_a_band_is_unknown_beyond_it(small_onnx, tmp_path) -> None:
    write_image(tmp_path / "band.png", room(128)[32:96])
    out, options = tmp_path / "out", ["--input", "top=45", "--input", "bottom=-45"]
    assert main(["infer", str(tmp_path / "band.png"), *options, "--model", str(small_onnx), "--out", str(out)]) == 0
    range_m = read_range(out / "band_range.npy")
    rows = len(range_m)
    known = np.isfinite(range_m) | np.isposinf(range_m)
    assert (
        known[rows // 4 : rows - rows // 4].all() and not known[: rows // 4].any() and not known[-(rows // 4) :].any()
    )
    assert main(["infer", str(tmp_path / "band.png"), "--model", str(small_onnx), "--out", str(out)]) == 2
