"""From an export and panoramas to an int8 file: what is chosen within which budget, and what is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from dap_core.backends import open_backend
from dap_core.cli import main
from dap_core.errors import InputError
from dap_core.export.calibration import covered_ranges
from dap_core.export.int8 import export_int8, read_panoramas
from dap_core.export.int8_trials import Budget, Cost, Panorama, Trials
from dap_core.export.parity import room
from dap_core.export.quantized_graph import products
from dap_core.export.static_graph import load
from dap_core.io.depth_files import write_range
from dap_core.io.images import write_image

RANDOM = np.random.default_rng(3)


def pictures(count: int, height: int = 64) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Rooms of several brightnesses, in two groups, with some truth."""
    found = []
    for i in range(count):
        image = np.clip(room(height) * RANDOM.uniform(0.5, 1.3) + RANDOM.normal(0, 4, (height, 2 * height, 3)), 0, 255)
        truth = RANDOM.uniform(1, 20, (height, 2 * height)).astype(np.float32)
        found.append((("dark", "bright")[i % 2], image.astype(np.uint8), truth))
    return found


@pytest.fixture(scope="module")
def trials(small_onnx):
    model = load(small_onnx)
    spec = open_backend("onnxruntime", small_onnx, threads=1).spec
    panoramas = [Panorama(group, image[None], truth) for group, image, truth in pictures(2)]
    return Trials(model, spec, covered_ranges(model, [p.image for p in panoramas], 1), panoramas, 1), model


def test_all_within_a_wide_budget_and_the_best_within_a_narrow_one(trials):
    trial, model = trials
    everything, cost = trial.choose(Budget(median=1.0, absrel=1.0), 1)
    assert everything == list(products(model)) and set(cost.absrel) == {"dark", "bright"}
    assert 0 < cost.median < 0.1 and cost.mean >= cost.median * 0.5
    for before, after, moved in cost.absrel.values():
        assert abs(after - before) <= moved < 0.2
    narrow = Budget(median=0.3 * cost.median, absrel=1.0)
    some, less = trial.choose(narrow, 1)
    assert 0 < len(some) < len(everything) and set(some) < set(everything)
    assert less.within(narrow) and less.median <= narrow.median
    # What is left out is worse, alone, than what stays.
    alone = trial.alone(1)
    assert alone.keys() == set(everything) and alone[some[0]] == trial.cost([some[0]], "", 1).mean > 0
    assert max(alone[n] for n in some) <= min(alone[n] for n in everything if n not in some)
    nothing, none = trial.choose(Budget(median=1e-9, absrel=1e-9), 1)
    assert nothing == [] and none.median == 0.0


def test_a_budget_is_of_the_median_and_of_every_group():
    budget = Budget(median=0.01, absrel=0.005)
    assert Cost(0.009, 0.02, 0.0, {"a": (0.2, 0.2009, 0.0009), "b": (0.4, 0.41, 0.0019)}).within(budget)
    assert not Cost(0.011, 0.02, 0.0, {}).within(budget)
    assert not Cost(0.009, 0.02, 0.0, {"a": (0.2, 0.2, 0.0), "b": (0.4, 0.4, 0.0021)}).within(budget)
    assert not Cost(float("nan"), 0.0, 0.0, {}).within(budget)
    assert not Cost(0.0, 0.0, 0.0, {"a": (float("nan"), float("nan"), float("nan"))}).within(budget)


def test_the_file_keeps_the_contract(small_onnx, tmp_path):
    path = tmp_path / "small-int8.onnx"
    steps = []
    report = export_int8(
        small_onnx,
        path,
        pictures(6),
        budget=Budget(1.0, 1.0),
        threads=1,
        progress=lambda what, share: steps.append((what, share)),
    )
    assert (report.calibrated, report.validated) == (2, 4) and report.quantized == report.products > 20
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    before, after = (open_backend("onnxruntime", p, threads=1).spec for p in (small_onnx, path))
    assert after.weights_precision == "int8" and after.name == f"{before.name}-int8"
    for name in ("height", "width", "max_range_m", "weights_sha256", "far_threshold", "mean", "std"):
        assert getattr(after, name) == getattr(before, name)
    assert {p.key: p.value for p in model.metadata_props}["dap.int8"].startswith(f"{report.quantized} of ")
    stored = [t for t in model.graph.initializer if t.name.endswith(".zero")]
    assert stored and all(t.data_type == TensorProto.INT8 and not numpy_helper.to_array(t).any() for t in stored)
    assert path.stat().st_size < 0.75 * small_onnx.stat().st_size
    assert steps[0] == ("reading the model", None) and all(s is None or 0 <= s <= 1 for _, s in steps)
    assert b"/tmp" not in path.read_bytes()
    with pytest.raises(InputError, match="int8 already"):
        export_int8(path, tmp_path / "again.onnx", pictures(3))


def test_folders(tmp_path):
    for i, (group, image, truth) in enumerate(pictures(4, 16)):
        write_image(tmp_path / f"{group}_{i}_rgb.png", image)
        write_range(tmp_path / f"{group}_{i}_range.npy", truth)
    found = read_panoramas(tmp_path)
    assert [group for group, _, _ in found] == ["bright", "bright", "dark", "dark"]
    assert all(truth.shape == (16, 32) for _, _, truth in found)
    assert [g for g, _, _ in read_panoramas(tmp_path, 2)] == ["bright", "dark"]
    for path in tmp_path.glob("*.npy"):
        path.unlink()
    assert [(g, t) for g, _, t in read_panoramas(tmp_path)] == [("", None)] * 4


def test_the_command(small_onnx, tmp_path, capsys):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for i, (group, image, truth) in enumerate(pictures(4)):
        write_image(folder / f"{group}_{i}_rgb.png", image)
        write_range(folder / f"{group}_{i}_range.npy", truth)
    out = tmp_path / "out.onnx"
    wide, narrow = ["--median", "100", "--absrel", "100"], ["--median", "1e-9", "--absrel", "1e-9"]
    assert main(["export", "int8", str(small_onnx), str(out), "--images", str(folder), *wide]) == 0
    printed = capsys.readouterr().out
    assert "AbsRel bright" in printed and "AbsRel dark" in printed and "calibrated on 2 panoramas" in printed
    assert open_backend("onnxruntime", out, threads=1).spec.weights_precision == "int8"
    for arguments, message in (
        ([str(small_onnx), "o.onnx", "--images", str(tmp_path / "none")], "no folder"),
        ([str(small_onnx), str(tmp_path / "o.txt"), "--images", str(folder)], "ends in .onnx"),
        ([str(small_onnx), str(tmp_path / "o.onnx"), "--images", str(folder), "--count", "2"], "3 panoramas or more"),
        ([str(small_onnx), str(tmp_path / "o.onnx"), "--images", str(folder), *narrow], "is not written"),
        ([str(small_onnx), "o.onnx", "--images", str(folder), "--absrel", "0"], "--absrel must be above 0"),
        ([str(small_onnx), "o.onnx", "--images", str(folder), "--count", "0"], "--count must be positive"),
        ([str(out), str(tmp_path / "o.onnx"), "--images", str(folder)], "int8 already"),
    ):
        assert main(["export", "int8", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1, error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.onnx", "pairs"]
