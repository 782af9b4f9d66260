from pathlib import Path

import cv2
import numpy as np
import pytest

from dap_core import DepthEstimator
from dap_core.cli import main
from dap_core.commands.infer import output_names
from dap_core.export.parity import room
from dap_core.io.depth_files import read_range
from dap_core.io.images import read_image, write_image
from dap_core.io.ply import read_ply


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_image(folder / "hall.png", room(64))
    write_image(folder / "office.jpg", room(128))
    return folder


def test_files_are_the_estimators_result(images, small_onnx, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    arguments = ["--model", str(small_onnx), "--backend", "onnxruntime", "--out", str(out), "--ply"]
    assert main(["infer", str(images), *arguments]) == 0
    assert sorted(p.name for p in out.iterdir()) == [
        f"{stem}{end}" for stem in ("hall", "office") for end in (".ply", "_range.npy", "_range.png")
    ]
    depth = DepthEstimator.open(small_onnx, "onnxruntime")(room(64))
    np.testing.assert_allclose(read_range(out / "hall_range.npy"), depth.range_m, rtol=1e-5)
    xyz, rgb = read_ply(out / "hall.ply")
    np.testing.assert_allclose(np.linalg.norm(xyz, axis=1), depth.range_m[depth.near], rtol=1e-5)
    np.testing.assert_array_equal(rgb, room(64)[depth.near])
    assert read_image(out / "hall_range.png").std() > 10
    assert "2 of 2 panoramas written" in capsys.readouterr().out


def test_bad_files_do_not_stop_the_others(images, small_onnx, tmp_path, capsys):
    (images / "broken.jpg").write_bytes((images / "office.jpg").read_bytes()[:3000])
    write_image(images / "square.png", np.zeros((64, 64, 3), np.uint8))
    out = tmp_path / "out"
    assert main(["infer", str(images), "--model", str(small_onnx), "--out", str(out)]) == 2
    assert sorted(p.stem for p in out.iterdir() if p.suffix == ".npy") == ["hall_range", "office_range"]
    printed = capsys.readouterr()
    assert "2 of 4 panoramas written" in printed.out
    broken, square = printed.err.splitlines()
    assert "broken.jpg: corrupt JPEG: cut short" in broken
    assert "square.png: an equirectangular panorama is twice as wide as high, got 64x64" in square


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "dap-l"], "the weights of dap-l are not shipped"),
        (["--model", "nowhere.onnx"], "no model file nowhere.onnx"),
        (["--backend", "abacus"], "no backend 'abacus'"),
        (["--threads", "0"], "threads must be at least 1"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, images, tmp_path, capsys):
    assert main(["infer", str(images), "--out", str(tmp_path / "out"), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_image_is_one_line(images, tmp_path, capsys):
    assert main(["infer", str(images), str(tmp_path / "gone.png"), "--out", str(tmp_path / "out")]) == 2
    assert "no image or folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file(images, small_onnx, tmp_path, capsys):
    (tmp_path / "out").touch()
    assert main(["infer", str(images), "--model", str(small_onnx), "--out", str(tmp_path / "out")]) == 2
    assert "cannot make the folder" in capsys.readouterr().err


def test_stems_never_collide():
    paths = [Path(p) for p in ("a/x.png", "b/x.jpg", "x-2.png", "c/x.png", "y.png")]
    assert output_names(paths) == ["x", "x-3", "x-2", "x-4", "y"]
    assert output_names([Path("x.png")] * 3) == ["x", "x-2", "x-3"]


def test_grey_sixteen_bit_png(small_onnx, tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), room(64)[..., 1].astype(np.uint16) * 257)
    arguments = [str(tmp_path / "deep.png"), "--model", str(small_onnx), "--out", str(tmp_path)]
    assert main(["infer", *arguments]) == 0
    assert read_range(tmp_path / "deep_range.npy").shape == (64, 128)
