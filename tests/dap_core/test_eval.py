"""`dap eval` from the command line: what it writes, what it lists, what it refuses, and how two runs compare."""

import csv
import json
import math

import numpy as np
import pytest

from dap_core import DepthEstimator
from dap_core.cli import main
from dap_core.commands import eval as command
from dap_core.errors import InputError
from dap_core.evaluation.compare import bootstrap_intervals, compare
from dap_core.evaluation.datasets import DATASETS
from dap_core.evaluation.metrics import METRICS, depth_metrics, mean_metrics
from dap_core.evaluation.protocols import PROTOCOLS
from dap_core.evaluation.report.record import read_report
from dap_core.evaluation.report.tables import Row, heading_of, one_heading, rows_of
from dap_core.evaluation.resampling import resize_nearest
from dap_core.export.parity import room
from dap_core.io.images import write_image


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Three pairs, the truth some way off from anything that a model would say."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    for i in range(3):
        write_image(folder / f"room_{i}_rgb.png", np.roll(room(64), 16 * i, 1))
        np.savez(folder / f"room_{i}_depth.npz", range_m=rng.uniform(1.0 + i, 9.0, (64, 128)).astype(np.float32))
    return folder


@pytest.fixture(scope="module")
def arguments():
    return ["--model", "dap-tiny", "--backend", "onnxruntime", "--threads", "1", "--cases", "1"]


@pytest.fixture(scope="module")
def written(scenes, arguments, tmp_path_factory):
    """One run's folder."""
    out = tmp_path_factory.mktemp("eval") / "deep" / "out"
    assert main(["eval", "folder", "--root", str(scenes), "--out", str(out), *arguments]) == 0
    return out


def test_figures_are_those_of_the_metrics(written, scenes):
    report = read_report(written / "report.json")
    with DepthEstimator.open("dap-tiny", "onnxruntime", threads=1) as estimator:
        by_hand = []
        for i in range(3):
            depth = estimator(np.roll(room(64), 16 * i, 1))
            answer = resize_nearest(np.where(depth.far, np.float32(100.0), depth.range_m), 512)
            with np.load(scenes / f"room_{i}_depth.npz") as archive:
                by_hand.append(depth_metrics(answer, resize_nearest(archive["range_m"], 512)))
    found = report["summary"]["all"]["plain"]["image"]
    assert found == pytest.approx(mean_metrics(by_hand).as_dict(), rel=1e-5)
    assert [i["metrics"]["all"]["absrel"] for i in report["images"]] == pytest.approx(
        [m.absrel for m in by_hand], rel=1e-5
    )
    assert report["protocol"]["name"] == "dap" and report["dataset"]["measured"] == 3 and not report["faults"]
    assert report["model"]["weights_sha256"] and report["coverage"] == 1.0
    assert report["seam"]["at_seam"] >= 0.0 and math.isfinite(report["seam"]["at_seam"])
    assert set(report["summary"]) >= {"all", "band", "5 to 10 m", "-30 to 0 deg"}


def test_the_table_per_image(written):
    with (written / "per_image.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["name"] for r in rows] == ["room_0", "room_1", "room_2"]
    images = json.loads((written / "report.json").read_text())["images"]
    for row, image in zip(rows, images, strict=True):
        assert float(row["absrel"]) == image["metrics"]["all"]["absrel"]
        assert float(row["band_delta1"]) == image["metrics"]["band"]["delta1"]
        assert row["mask_iou"] == "" or 0.0 <= float(row["mask_iou"]) <= 1.0
    assert set(METRICS) < set(rows[0])


def test_what_is_missing_or_damaged_is_listed(scenes, arguments, tmp_path, capsys):
    for path in scenes.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "room_1_rgb.png").unlink()
    broken = tmp_path / "room_2_depth.npz"
    broken.write_bytes(broken.read_bytes()[:2000])
    out = tmp_path / "out"
    assert main(["eval", "folder", "--root", str(tmp_path), "--out", str(out), "--no-seam", *arguments]) == 2
    printed = capsys.readouterr().err.splitlines()
    assert "room_1: its image is missing" in printed[0] and "room_2_depth.npz: not a sound npz file" in printed[1]
    assert printed[2] == "dap eval: 2 of 3 panoramas could not be measured"
    report = read_report(out / "report.json")
    assert [f["name"] for f in report["faults"]] == ["room_1", "room_2"] and len(report["images"]) == 1
    page = (out / "report.html").read_text()
    assert "2 could not be measured" in page and "room_2_depth.npz: not a sound npz file" in page


def test_options(scenes, arguments, tmp_path, capsys):
    options = ["--protocol", "da2", "--limit", "2", "--sequence", "--no-seam", "--zero", "far"]
    assert main(["eval", "folder", "--root", str(scenes), "--out", str(tmp_path), *options, *arguments]) == 0
    report = read_report(tmp_path / "report.json")
    assert report["protocol"]["name"] == "da2" and report["protocol"]["alignment"] == "median"
    assert len(report["images"]) == 2 and "seam" not in report["images"][0]
    assert report["images"][1]["flicker"] > 0 and "flicker" not in report["images"][0]
    assert report["images"][0]["scale"] != 1.0
    assert "da2 (median) on folder" in capsys.readouterr().out
    options = ["--align", "disparity", "--protocol", "dap", "--limit", "1"]
    assert main(["eval", "folder", "--root", str(scenes), "--out", str(tmp_path), *options, *arguments]) == 0
    assert not read_report(tmp_path / "report.json")["protocol"]["own_alignment"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "a data set and its --root are needed: dap eval stanford2d3d|"),
        (["folder"], "a data set and its --root are needed"),
        (["kitti", "--root", "."], "no data set 'kitti'"),
        (["folder", "--root", "nowhere"], "no folder nowhere"),
        (["folder", "--root", ".", "--protocol", "kitti"], "no protocol 'kitti'"),
        (["folder", "--root", ".", "--align", "affine"], "no alignment 'affine'"),
        (["folder", "--root", ".", "--unit", "inch"], "a unit is m, cm, mm"),
        (["folder", "--root", ".", "--limit", "0"], "--limit must be at least 1, got 0"),
        (["folder", "--root", "SCENES", "--model", "gone.onnx"], "no model file gone.onnx"),
        (["folder", "--root", "SCENES", "--list", "gone.txt"], "no list file gone.txt"),
        (["deep360", "--root", "SCENES"], "nothing to evaluate under"),
        (["folder", "--compare", "a.json", "b.json"], "--compare takes two reports and no data set"),
        (["--compare", "a.json", "b.json"], "no report a.json"),
    ],
)
def test_wrong_arguments_are_one_line(given, message, scenes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["eval", *[str(scenes) if g == "SCENES" else g for g in given]]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_millimetres_stop_the_run_at_once(scenes, arguments, tmp_path, capsys):
    for path in scenes.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for i in range(3):
        np.savez(tmp_path / f"room_{i}_depth.npz", range_m=np.full((64, 128), 2500.0, np.float32))
    out = tmp_path / "out"
    assert main(["eval", "folder", "--root", str(tmp_path), "--out", str(out), "--no-seam", *arguments]) == 2
    error = capsys.readouterr().err
    assert "room_0_depth.npz: looks like millimetres" in error and len(error.splitlines()) == 1
    assert not (out / "report.json").exists()


def test_help_knows_what_there_is():
    assert command.DATASETS == DATASETS and tuple(PROTOCOLS) == command.PROTOCOLS


def edited(report, factor=1.0, noise=0.0, **changes):
    """A copy whose AbsRel is `factor` times the report's, plus and minus noise in turn."""
    copy = json.loads(json.dumps(report))
    for i, image in enumerate(copy["images"]):
        image["metrics"]["all"]["absrel"] = image["metrics"]["all"]["absrel"] * factor + noise * (-1) ** i
    for key, value in changes.items():
        group, _, name = key.partition("_")
        copy[group][name] = value
    return copy


@pytest.fixture
def report(written):
    """A report of forty panoramas, made of three."""
    found = read_report(written / "report.json")
    rng = np.random.default_rng(1)
    images = []
    for i in range(40):
        image = json.loads(json.dumps(found["images"][i % 3]))
        image["name"], image["metrics"]["all"]["absrel"] = f"p{i:02d}", rng.uniform(0.1, 0.6)
        images.append(image)
    found["images"] = images
    return found


def test_comparison(report):
    better = compare(report, edited(report, 0.9)).differences
    absrel = better["absrel"]
    assert absrel.mean == pytest.approx(-0.1 * absrel.a) and absrel.b == pytest.approx(0.9 * absrel.a)
    assert absrel.interval[0] < absrel.mean < absrel.interval[1] < 0 and absrel.verdict == "better"
    assert absrel.better == 1.0 and better["delta1"].verdict == "not told apart" and better["delta1"].better == 0.5
    assert compare(edited(report, 0.9), report).differences["absrel"].verdict == "worse"
    noise = compare(report, edited(report, noise=0.05)).differences["absrel"]
    assert noise.interval[0] < 0 < noise.interval[1] and noise.verdict == "not told apart"
    assert compare(report, report).differences["absrel"].interval == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"protocol_name": "unifuse"},
            r"A .* by dap \(none\) on folder, B .* by unifuse \(none\) on folder: never compared",
        ),
        ({"protocol_alignment": "median"}, r"dap \(none\) on folder.*dap \(median\) on folder"),
        ({"dataset_name": "deep360"}, "on folder.*on deep360"),
    ],
)
def test_two_protocols_are_never_compared(report, change, message):
    with pytest.raises(InputError, match=message):
        compare(report, edited(report, **change))


def test_other_panoramas_are_never_compared(report):
    fewer = edited(report)
    gone = fewer["images"].pop()
    with pytest.raises(InputError, match="not the same panoramas: p39 only in A"):
        compare(report, fewer)
    with pytest.raises(InputError, match="p39 only in B"):
        compare(fewer, report)
    fewer["images"].append({**gone, "truth_crc": 1})
    with pytest.raises(InputError, match=r"not the same ground truth: it differs in p39 \(1 of 40\)"):
        compare(report, fewer)


def test_the_interval_is_that_of_the_mean():
    """Against Student's interval, on data where both hold; and its coverage, over many draws."""
    values = np.random.default_rng(0).normal(0.3, 1.0, 400)
    half = 1.966 * values.std(ddof=1) / np.sqrt(400)
    (found,) = bootstrap_intervals(values[:, None])
    assert found == pytest.approx([values.mean() - half, values.mean() + half], abs=0.01)
    np.testing.assert_array_equal(bootstrap_intervals(values[:, None]), [found])
    draws = bootstrap_intervals(np.random.default_rng(1).normal(1.0, 1.0, (60, 300)), resamples=1000)
    assert np.mean((draws[:, 0] < 1.0) & (draws[:, 1] > 1.0)) == pytest.approx(0.94, abs=0.04)
    assert np.isnan(bootstrap_intervals(np.ones((1, 2)))).all()


def test_compare_from_the_command_line(written, scenes, arguments, tmp_path, capsys):
    other = tmp_path / "other"
    assert main(["eval", "folder", "--root", str(scenes), "--out", str(other), "--align", "median", *arguments]) == 0
    same = [str(written / "report.json")] * 2
    assert main(["eval", "--compare", *same, "--out", str(tmp_path / "c")]) == 0
    found = json.loads((tmp_path / "c" / "compare.json").read_text())
    assert found["metrics"]["absrel"]["interval"] == [0.0, 0.0] and found["panoramas"] == ["room_0", "room_1", "room_2"]
    assert "not told apart" in (tmp_path / "c" / "compare.html").read_text()
    capsys.readouterr()
    assert main(["eval", "--compare", same[0], str(other / "report.json"), "--out", str(tmp_path / "d")]) == 2
    assert "never compared in one column" in capsys.readouterr().err and not (tmp_path / "d").exists()
    (tmp_path / "not.json").write_text('{"format": "dap-eval 0"}')
    assert main(["eval", "--compare", same[0], str(tmp_path / "not.json")]) == 2
    assert "not a report of this `dap eval` (format 'dap-eval 0'" in capsys.readouterr().err


def test_published_figures_stand_beside_ours_only_under_one_heading(report):
    report["dataset"] |= {"name": "deep360", "published": 600, "complete": False}
    report["published"] = [
        {
            "protocol": "dap",
            "alignment": "none",
            "dataset": "deep360",
            "method": "DAP",
            "metrics": {"absrel": 0.0659},
            "source": "s",
        }
    ]
    rows = rows_of(report)
    assert one_heading(rows) == heading_of(report) and [r.label for r in rows][1] == "DAP"
    assert "the published figures are of 600: not the same test" in rows[0].source
    foreign = Row(rows[0].heading._replace(protocol="pager"), "Other", {"absrel": 0.05}, "paper")
    with pytest.raises(InputError, match=r"Other by pager \(none\) on deep360: never compared in one column"):
        one_heading([*rows, foreign])
