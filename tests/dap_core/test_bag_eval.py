"""`dap bag eval` on drives through a world known in closed form: what is put in comes out."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from known_backend import known_estimator
from recorded_world import DEPTH, LIDAR, LIDAR_POSE, OPTICAL, SCAN, Recording
from transforms3d.quaternions import mat2quat

from dap_core.commands import bag as command
from dap_core.errors import InputError
from dap_core.evaluation.bags import evaluate
from dap_core.evaluation.bags.checks import Checks
from dap_core.evaluation.bags.evaluate import BagEvaluation, EvalOptions, evaluate_bag
from dap_core.evaluation.bags.extrinsics import read_extrinsics
from dap_core.evaluation.bags.report import report_of, summary, write_report
from dap_core.io.bag_writer import BagWriter
from dap_core.io.frame_tree import Pose
from dap_core.io.ros_messages import cloud_message, header, image_message
from dap_core.offline.settings import OfflineSettings
from dap_core.panorama import BODY_FROM_OPTICAL, yaw_pitch_roll


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for the checks, and fast."""
    monkeypatch.setattr(evaluate, "PROBES", 6)
    monkeypatch.setattr(evaluate, "_PROBE_POINTS", 2000)


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the search for better extrinsics and clocks out, where it says nothing new."""
    monkeypatch.setattr(evaluate, "check", lambda probes: Checks())


def _evaluated(folder: Path, recording: Recording, estimator: Any = None, **options: Any) -> BagEvaluation:
    bag = folder / f"bag{len(list(folder.iterdir()))}"
    recording.write(bag)
    chosen = EvalOptions(**{"truth": LIDAR, "depth": "" if estimator else DEPTH} | options)
    return evaluate_bag(bag, estimator, OfflineSettings(), chosen)


@pytest.mark.parametrize(("scale", "truth"), [(1.07, LIDAR), (1.0, LIDAR), (0.8, SCAN)])
def test_an_error_of_scale_is_recovered(tmp_path: Path, scale: float, truth: str) -> None:
    found = _evaluated(tmp_path, Recording(frames=5, depth_scale=scale, with_scan=truth == SCAN), truth=truth)
    assert len(found.frames) == 5 and not found.unpaired
    assert found.ratio == pytest.approx(scale, abs=0.003)
    # At outlines the camera's pixels and the lidar's points are of different things.
    assert found.metrics.absrel == pytest.approx(abs(scale - 1.0), abs=0.015)
    assert all(f.ratio == pytest.approx(scale, abs=0.01) and f.dt_s == pytest.approx(0.007) for f in found.frames)
    assert not (found.checks.turn.clear or found.checks.shift.clear)
    assert list(summary(found))[-1].startswith("extrinsics and clock: no other")


def test_points_behind_things_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_checks: None) -> None:
    """The lidar sees over and around the pillars; without the rule its points there are errors."""
    high = Recording(frames=2, columns=720)
    found = _evaluated(tmp_path, high)
    monkeypatch.setattr(evaluate, "visible", lambda points: np.ones(len(points), bool))
    every = _evaluated(tmp_path, high)
    assert 0.005 < np.mean([f.hidden for f in found.frames]) < 0.06 and every.frames[0].hidden == 0.0
    assert found.metrics.rmse < 0.7 * every.metrics.rmse


@pytest.mark.parametrize("clock", [0.25, -0.2])
def test_a_wrong_clock_is_found(tmp_path: Path, clock: float) -> None:
    wrong = Recording(frames=12, lidar_clock_s=clock)
    found = _evaluated(tmp_path, wrong)
    shift = found.checks.shift
    assert shift.clear and not found.checks.turn.clear
    assert shift.offset_s == pytest.approx(-clock, abs=0.02) and shift.after < 0.5 * shift.before
    (line,) = [text for text in summary(found) if "clock looks wrong" in text]
    assert f"--time-offset {shift.offset_s:.3f}" in line
    mended = _evaluated(tmp_path, wrong, time_offset_s=shift.offset_s)
    assert not mended.checks.shift.clear and mended.metrics.absrel < 0.5 * found.metrics.absrel


@pytest.mark.parametrize(
    "error",
    [yaw_pitch_roll(yaw=0.07), yaw_pitch_roll(pitch=-0.06, roll=0.05), BODY_FROM_OPTICAL, yaw_pitch_roll(yaw=2.0)],
    ids=["yaw", "pitch and roll", "optical for link", "far off"],
)
def test_wrong_extrinsics_are_found(tmp_path: Path, error: np.ndarray) -> None:
    wrong = Pose(error @ LIDAR_POSE.rotation, LIDAR_POSE.translation)
    found = _evaluated(tmp_path, Recording(frames=6, claimed=wrong))
    turn = found.checks.turn
    assert turn.clear and not (found.checks.shift and found.checks.shift.clear)
    left = np.degrees(np.arccos(np.clip((np.trace(turn.pose.rotation @ LIDAR_POSE.rotation.T) - 1) / 2, -1, 1)))
    assert left < 0.8
    text = "\n".join(summary(found))
    assert "the extrinsics look wrong" in text and "an extrinsics file says: translation: [-0.35, 0.2, 0.4]" in text


def test_extrinsics_from_a_file(tmp_path: Path, no_checks: None) -> None:
    w, x, y, z = mat2quat(LIDAR_POSE.rotation)
    quaternion = f"translation: [-0.35, 0.2, 0.4]\nrotation: [{x}, {y}, {z}, {w}]\n"
    (tmp_path / "a.yaml").write_text(quaternion)
    (tmp_path / "b.yaml").write_text(
        f"translation: [-0.35, 0.2, 0.4]\nrpy: [0, {np.degrees(0.03)}, {np.degrees(0.4)}]\n"
    )
    for name in ("a.yaml", "b.yaml"):
        np.testing.assert_allclose(read_extrinsics(tmp_path / name).rotation, LIDAR_POSE.rotation, atol=1e-9)
    found = _evaluated(tmp_path, Recording(frames=3, claimed=None), extrinsics=tmp_path / "b.yaml")
    assert found.ratio == pytest.approx(1.0, abs=0.003)
    with pytest.raises(InputError, match=r"no transform from lidar_link to camera_link.*--extrinsics FILE gives them"):
        _evaluated(tmp_path, Recording(frames=3, claimed=None))
    for text, said in (
        ("rotation: [0, 0, 0, 1]", "translation is missing"),
        ("translation: [0, 0, 0]\nrotation: [0, 0, 0, 2]", "rotation is a unit quaternion"),
        ("translation: [0, 0, 0]\nrpy: [0, 0]", "rpy is a list of 3 numbers"),
        ("translation: [0, 0, 0]\nrpy: [0, 0, 0]\nparent: x", "unknown key 'parent'"),
    ):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(InputError, match=said):
            read_extrinsics(tmp_path / "bad.yaml")


def test_odometry_undoes_the_motion_between_two_stamps(tmp_path: Path, no_checks: None) -> None:
    late = Recording(frames=4, lidar_lag_s=0.045, with_odometry=True)
    without, with_it = _evaluated(tmp_path, late), _evaluated(tmp_path, late, fixed_frame="odom")
    assert with_it.metrics.absrel < 0.75 * without.metrics.absrel
    assert with_it.ratio == pytest.approx(1.0, abs=0.002)


def test_the_model_is_run_where_no_depth_is_recorded(tmp_path: Path, no_checks: None) -> None:
    found = _evaluated(tmp_path, Recording(frames=4, with_image=True, with_depth=False), known_estimator(128))
    assert (found.source, len(found.frames)) == ("/camera/image", 4)
    assert found.ratio == pytest.approx(1.0, abs=0.01)  # pictures hold decimetres


def test_a_range_image_is_compared_pixel_by_pixel(tmp_path: Path, no_checks: None) -> None:
    """The lidar's place taken by a range image of another size, in the camera's own frame or beside it."""
    rng = np.random.default_rng(0)
    with BagWriter(tmp_path / "bag") as writer:
        for i in range(3):
            stamp = 10**9 + i * 10**8
            true = rng.uniform(2.0, 30.0, (32, 64)).astype(np.float32)
            true[0] = np.inf
            true[1] = np.nan
            said = np.where(np.isfinite(true), true, 1.0) * np.float32(1.2)
            said[2] = np.inf
            writer.write("/truth", image_message(true, "32FC1", header(stamp, OPTICAL)), stamp)
            large = np.repeat(np.repeat(said.astype(np.float32), 2, 0), 2, 1)
            writer.write(DEPTH, image_message(large, "32FC1", header(stamp, OPTICAL)), stamp)
    found = evaluate_bag(tmp_path / "bag", None, OfflineSettings(), EvalOptions(truth="/truth", depth=DEPTH))
    assert found.metrics.absrel == pytest.approx(0.2, abs=1e-5) and found.ratio == pytest.approx(1.2)
    assert [f.points for f in found.frames] == [29 * 64 * 4] * 3
    assert found.frames[0].missed == pytest.approx(1 / 30) and found.frames[0].hidden == 0.0
    assert found.metrics.delta1 == 1.0


def test_the_report_is_complete(tmp_path: Path) -> None:
    found = _evaluated(tmp_path, Recording(frames=5, depth_scale=1.07))
    paths = write_report(tmp_path / "report", found)
    assert [p.name for p in paths] == ["report.json", "frames.csv", "figures.png", "overlay.png"]
    values = json.loads(paths[0].read_text())
    assert values == json.loads(json.dumps(report_of(found))) and values["ratio"] == pytest.approx(1.07, abs=0.003)
    assert (
        sum(values["regions"][f"{a} m"]["points"] for a in ("0 to 2", "2 to 5", "5 to 10", "10 to 20"))
        == (values["regions"]["all"]["points"])
    )
    assert values["regions"]["20 to 50 m"]["plain"]["absrel"] is None
    with paths[1].open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 and float(rows[2]["absrel"]) == found.frames[2].metrics.absrel
    assert [cv2.imread(str(p)).std() > 10 for p in paths[2:]] == [True, True]


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], no_checks: None) -> None:
    bag = Recording(frames=3, with_image=True).write(tmp_path / "bag")
    parser = argparse.ArgumentParser()
    command.configure(parser)

    def run(*words: str) -> tuple[int, str]:
        code = command.run(parser.parse_args(list(words)))
        return code, " ".join(capsys.readouterr().out.split())

    code, said = run("info", str(bag), "--full")
    assert code == 0 and "dap bag run takes /camera/image and writes below /camera" in said
    assert "--truth /lidar/points, --depth /camera/depth/image" in said and "mcap" in said
    code, said = run("eval", str(bag), "--truth", LIDAR, "--depth", DEPTH, "--out", str(tmp_path / "report"))
    assert code == 0 and "depth / truth 1.000" in said and (tmp_path / "report" / "overlay.png").exists()
    (tmp_path / "dap.yaml").write_text("/**:\n  ros__parameters:\n    autostart: false\n    camera_height: -1.0\n")
    with pytest.raises(InputError, match=r"dap.yaml: camera_height lies between 0 and 1000, got -1.0"):
        run("eval", str(bag), "--truth", LIDAR, "--depth", DEPTH, "--params", str(tmp_path / "dap.yaml"))


def test_what_cannot_be_compared_is_one_line(tmp_path: Path, no_checks: None) -> None:
    def fails(text: str, recording: Recording, **options: Any) -> None:
        with pytest.raises(InputError, match=text) as caught:
            _evaluated(tmp_path, recording, **options)
        assert "\n" not in str(caught.value)

    small = Recording(frames=3, height=32)
    fails("has no topic /lidar; it has /camera/depth/image, /lidar/points, /tf_static", small, truth="/lidar")
    fails("/tf_static is tf2_msgs/msg/TFMessage; sensor_msgs/msg/Image or", small, truth="/tf_static")
    fails(r"no /lidar/points within 0.001 s of any depth on /camera/depth/image; try a larger", small, max_dt_s=0.001)
    fails("--max-dt is a positive number", small, max_dt_s=0.0)
    apart = "their clocks are about 5000.01 s apart, try --time-offset -5000.01"
    fails(apart, Recording(frames=3, height=32, lidar_clock_s=5000.0))
    fails(
        "/lidar/points looks like millimetres: its median lies at", Recording(frames=3, height=32, lidar_unit_m=0.001)
    )
    metres = _evaluated(tmp_path, Recording(frames=3, lidar_unit_m=0.001), scale=0.001)
    assert metres.ratio == pytest.approx(1.0, abs=0.005)
    with BagWriter(tmp_path / "odd") as writer:
        for stamp in (10**9, 2 * 10**9):
            square = image_message(np.ones((4, 4), np.float32), "32FC1", header(stamp, OPTICAL))
            writer.write(DEPTH, square, stamp)
            cloud = cloud_message(np.ones((5, 2), np.float32), ("x", "y"), header(stamp, OPTICAL))
            writer.write(LIDAR, cloud, stamp)
    with pytest.raises(InputError, match=r"no depth could be used.*twice as wide as high, got 4x4"):
        evaluate_bag(tmp_path / "odd", None, OfflineSettings(), EvalOptions(truth=LIDAR, depth=DEPTH))
