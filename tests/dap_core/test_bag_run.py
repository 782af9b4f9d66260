"""`dap bag run`: what is written, that it can be killed and goes on, and that memory stays flat."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from known_backend import known_estimator
from recorded_world import (
    IMAGE,
    IMU,
    LIDAR,
    LINK,
    OPTICAL,
    Recording,
    camera_pose,
    cast,
    imu_message,
    jpeg_message,
    rays,
)
from rosbags.highlevel import AnyReader

from dap_core.commands import bag as command
from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.io.bag_reader import open_bag, stamp_ns
from dap_core.io.bag_writer import BagWriter
from dap_core.io.image_messages import decode_range
from dap_core.io.ros_messages import header, image_message, transform_message
from dap_core.offline import segments
from dap_core.offline.outputs import OUTPUTS
from dap_core.offline.run import RunOptions, run_bag
from dap_core.offline.settings import OfflineSettings, read_settings
from dap_core.panorama import yaw_pitch_roll

H = 32
START = 1000 * 10**9


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures whose red is the range of the world, a lidar, an IMU."""
    folder = tmp_path_factory.mktemp("run") / "drive"
    return Recording(frames=12, height=H, with_image=True, with_depth=False, with_imu=True).write(folder)


def _all(path: Path) -> list[tuple[str, int, bytes]]:
    with AnyReader([path]) as reader:
        return sorted((c.topic, stamp, bytes(data)) for c, stamp, data in reader.messages())


def _settings(tmp_path: Path, text: str) -> OfflineSettings:
    (tmp_path / "dap.yaml").write_text(text)
    return read_settings(tmp_path / "dap.yaml")


def test_everything_is_passed_on_and_every_panorama_has_its_outputs(drive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = run_bag(drive, out, known_estimator(H), OfflineSettings())
    assert (report.frames, report.refused, report.namespaces) == (12, 0, {IMAGE: "/camera"})
    assert not (tmp_path / "out.part").exists()
    made = _all(out)
    ours = {f"/camera/{name}" for name in OUTPUTS}
    assert [m for m in made if m[0] not in ours] == _all(drive)
    stamps = [stamp for topic, stamp, _ in _all(drive) if topic == IMAGE]
    for topic in ours:
        assert [stamp for name, stamp, _ in made if name == topic] == stamps
    with open_bag(out) as bag:
        image = bag.first(IMAGE)
        first = {name: bag.first(f"/camera/{name}") for name in OUTPUTS}
    assert all(stamp_ns(m) == stamp_ns(image) for m in first.values())
    frames = [first[name].header.frame_id for name in OUTPUTS]
    assert frames == [OPTICAL, OPTICAL, OPTICAL, LINK, LINK]
    range_m = decode_range(first["depth/image"])
    np.testing.assert_allclose(range_m, cast(camera_pose(0.0), rays(H)), atol=0.051)  # the picture has decimetres
    assert (first["mask/near"].data == 255).all() and not first["mask/far"].data.any()
    assert [f.name for f in first["points"].fields] == ["x", "y", "z", "height"]
    xyz = first["points"].data.view(np.float32).reshape(-1, 4)
    assert first["points"].width == len(xyz) and xyz[:, 2].min() == pytest.approx(-1.1, abs=0.1)
    assert len(first["scan"].ranges) == 2 * H and first["scan"].range_max == 20.0


def test_the_form_of_the_output(drive: Path, tmp_path: Path) -> None:
    run_bag(drive, tmp_path / "plain", known_estimator(H), OfflineSettings(), RunOptions(compressed=False))
    for name, storage in (("out.mcap", None), ("out.db3", None), ("folder", "sqlite3")):
        run_bag(drive, tmp_path / name, known_estimator(H), OfflineSettings(), RunOptions(storage=storage))
        assert (tmp_path / name).is_dir() == (name == "folder")
        assert _all(tmp_path / name) == _all(tmp_path / "plain")
        with pytest.raises(InputError, match=f"{name} exists already"):
            run_bag(drive, tmp_path / name, known_estimator(H), OfflineSettings())


def test_settings_of_the_node_apply(drive: Path, tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        "/**:\n  ros__parameters:\n    autostart: true\n    input: raw\n    depth_encoding: 16UC1\n    frame: base\n"
        "    camera_height: 1.1\n    mask: {nadir: 40.0}\n    scan:\n      range_max: 3.0\n    cloud.max_points: 100\n"
        "other_node:\n  ros__parameters:\n    camera_height: 9.0\n",
    )
    assert settings.unused == ("autostart", "input")
    run_bag(drive, tmp_path / "out", known_estimator(H), settings, RunOptions(namespace="front/pano"))
    with open_bag(tmp_path / "out") as bag:
        depth, points, scan = (bag.first(f"/front/pano/{name}") for name in ("depth/image", "points", "scan"))
    millimetres = depth.data.view(np.uint16).reshape(H, 2 * H)
    assert depth.encoding == "16UC1" and not millimetres[-4:].any() and millimetres[: H // 2].all()
    assert (points.header.frame_id, scan.header.frame_id, scan.range_max) == ("base", "base", 3.0)
    xyzh = points.data.view(np.float32).reshape(-1, 4)
    assert len(xyzh) <= 100
    np.testing.assert_allclose(xyzh[:, 3], xyzh[:, 2] + 1.1, atol=1e-5)


@pytest.mark.parametrize("source", ["imu", "tf", "parameters"])
def test_a_tilted_camera_is_levelled(tmp_path: Path, source: str) -> None:
    """Pitched down by 0.2: the scan is in the level frame, which /tf gives, and heights follow gravity."""
    pitch, still = 0.2, np.zeros(3)
    with BagWriter(tmp_path / "in") as writer:
        if source == "imu":  # mounted turned by 90 degrees, which /tf_static says
            mounted = yaw_pitch_roll(yaw=np.pi / 2)
            writer.write("/tf_static", transform_message(LINK, "imu", mounted, still, START), START)
        for i in range(3):
            stamp = START + i * 100_000_000
            message = image_message(np.full((H, 2 * H, 3), (30, 0, 0), np.uint8), "rgb8", header(stamp, OPTICAL))
            writer.write(IMAGE, message, stamp)
            if source == "imu":
                sample = imu_message(stamp, pitch, "imu")
                a = sample.linear_acceleration
                a.x, a.y, a.z = mounted.T @ (a.x, a.y, a.z)
                writer.write(IMU, sample, stamp + 5_000_000)  # recorded after its picture
            if source == "tf":
                tilted = transform_message("odom", LINK, yaw_pitch_roll(yaw=1.0, pitch=pitch), still, stamp)
                writer.write("/tf", tilted, stamp + 5_000_000)
    text = f"levelling: {{source: {source}, pitch: {np.degrees(pitch) if source == 'parameters' else 0.0}}}"
    run_bag(tmp_path / "in", tmp_path / "out", known_estimator(H), _settings(tmp_path, text))
    with open_bag(tmp_path / "out") as bag:
        assert {bag.decode(raw).header.frame_id for raw in bag.raw(["/camera/scan"])} == {"camera_level"}
        moved = [
            t for raw in bag.raw(["/tf"]) for t in bag.decode(raw).transforms if t.child_frame_id == "camera_level"
        ]
        points = bag.first("/camera/points")
    assert len(moved) == 3 and moved[0].header.frame_id == LINK
    assert moved[0].transform.rotation.y == pytest.approx(-np.sin(pitch / 2), abs=1e-6)
    xyzh = points.data.view(np.float32).reshape(-1, 4)
    np.testing.assert_allclose(xyzh[:, 3], xyzh[:, :3] @ yaw_pitch_roll(pitch=pitch)[2], atol=1e-4)


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[4])
from pathlib import Path
from known_backend import known_estimator
from dap_core.offline import segments
from dap_core.offline.run import run_bag
from dap_core.offline.settings import read_settings
segments.PANORAMAS = 3
def kill(call):
    if call == 8:
        os.kill(os.getpid(), signal.SIGKILL)
run_bag(Path(sys.argv[1]), Path(sys.argv[2]), known_estimator(32, kill), read_settings(sys.argv[3]))
"""


@pytest.mark.parametrize("text", ["{}", "temporal: {enabled: true, time_constant: 0.08}"])
def test_a_killed_run_loses_its_last_segment_at_most(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(segments, "PANORAMAS", 3)
    out, settings = tmp_path / "out.mcap", _settings(tmp_path, text)
    support = str(Path(__file__).parents[1] / "support")
    words = [sys.executable, "-c", _KILLED, str(drive), str(out), str(tmp_path / "dap.yaml"), support]
    done = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}, check=False)
    assert done.returncode == -signal.SIGKILL and not out.exists()
    assert len(list((tmp_path / "out.mcap.part").glob("segment_*.json"))) == 2
    estimator = known_estimator(H)
    report = run_bag(drive, out, estimator, settings)
    assert (report.resumed, report.frames, report.started_anew) == (2, 12, False)
    # Six of twelve were done; a filter that remembers sees three of them again.
    assert estimator.backend.calls == (6 if text == "{}" else 9)
    run_bag(drive, tmp_path / "whole", known_estimator(H), settings)
    whole, resumed = _all(tmp_path / "whole"), _all(out)
    if text == "{}":
        assert resumed == whole
    else:  # the average over time has forgotten nearly all before its warming up
        assert [m[:2] for m in resumed] == [m[:2] for m in whole]
        ours, theirs = (
            np.array([np.frombuffer(m[2][-4 * H * 2 * H :], np.float32) for m in made if m[0] == "/camera/depth/image"])
            for made in (resumed, whole)
        )
        assert len(ours) == 12 and (np.abs(ours / theirs - 1.0) < 0.01).mean() > 0.995


def test_segments_of_another_job_are_not_used(drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "PANORAMAS", 3)

    def stop(call: int) -> None:
        if call == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_bag(drive, tmp_path / "out", known_estimator(H, stop), OfflineSettings())
    other = _settings(tmp_path, "camera_height: 2.0")
    report = run_bag(drive, tmp_path / "out", known_estimator(H), other)
    assert (report.started_anew, report.resumed, report.frames) == (True, 0, 12)


def test_pictures_that_cannot_be_used_are_counted_and_the_rest_is_done(tmp_path: Path) -> None:
    picture = np.full((H, 2 * H, 3), 50, np.uint8)
    with BagWriter(tmp_path / "in") as writer:
        for i in range(4):
            message = jpeg_message(picture, header(START + i, LINK))
            if i == 2:
                message.data = message.data[:40]
            writer.write("/pano/compressed", message, START + i)
    report = run_bag(tmp_path / "in", tmp_path / "out", known_estimator(H), OfflineSettings())
    assert (report.frames, report.refused) == (3, 1)
    (fault,) = report.faults
    assert "/pano/compressed 0.000 s from the start: 40 bytes of format" in fault and "\n" not in fault
    with open_bag(tmp_path / "out") as bag:
        assert bag.topics["/pano/compressed"].count == 4 and bag.topics["/depth/image"].count == 3


def test_bags_that_cannot_be_processed_are_one_line(drive: Path, tmp_path: Path) -> None:
    def fails(text: str, source: Path = drive, **options: object) -> None:
        with pytest.raises(InputError, match=text) as caught:
            run_bag(source, tmp_path / "out", known_estimator(H), OfflineSettings(), RunOptions(**options))
        assert "\n" not in str(caught.value) and not list(tmp_path.glob("out*"))

    fails("has no topic /nope; it has /camera/image, /camera/imu, /lidar/points, /tf_static", topics=("/nope",))
    fails("/lidar/points is sensor_msgs/msg/PointCloud2", topics=(LIDAR,))
    done = tmp_path / "done"
    run_bag(drive, done, known_estimator(H), OfflineSettings())
    fails("has /camera/depth/image already: --replace", source=done)
    again = run_bag(done, tmp_path / "again", known_estimator(H), OfflineSettings(), RunOptions(replace=True))
    assert again.frames == 12 and _all(tmp_path / "again") == _all(done)
    with BagWriter(tmp_path / "square") as writer:
        writer.write(IMAGE, image_message(np.zeros((4, 4, 3), np.uint8), "rgb8", header(1, LINK)), 1)
    fails(r"no topic has panoramas.*it has /camera/image \(4x4 rgb8\)", source=tmp_path / "square")
    with BagWriter(tmp_path / "two") as writer:
        for topic in ("/a/image", "/a/rear"):
            writer.write(topic, image_message(np.zeros((4, 8, 3), np.uint8), "rgb8", header(1, LINK)), 1)
    fails("the outputs of /a/image and /a/rear would have the same names", source=tmp_path / "two")
    fails("a namespace is for one camera", source=tmp_path / "two", namespace="x")


def test_images_that_are_a_band_are_found_by_the_parameters(tmp_path: Path) -> None:
    """45 degrees up and down, turned by 90 degrees: the rest of the sphere is unknown."""
    band = np.zeros((H // 2, 2 * H, 3), np.uint8)
    band[:, : H // 2, 0] = 100  # 180 to 90 degrees in the image, which looks to the left
    with BagWriter(tmp_path / "in") as writer:
        writer.write("/pano/image", image_message(band, "rgb8", header(START, LINK)), START)
    with pytest.raises(InputError, match=r"it has /pano/image \(64x16 rgb8\)"):
        run_bag(tmp_path / "in", tmp_path / "out", known_estimator(H), OfflineSettings())
    settings = _settings(tmp_path, "panorama: {top: 45.0, bottom: -45.0, yaw: 90.0}")
    run_bag(tmp_path / "in", tmp_path / "out", known_estimator(H), settings)
    with open_bag(tmp_path / "out") as bag:
        range_m = decode_range(bag.first("/pano/depth/image"))
    assert np.isnan(range_m[: H // 4]).all() and np.isnan(range_m[-H // 4 :]).all()
    inside = range_m[H // 4 : -H // 4]
    assert (inside[:, -H // 2 :] == 11.0).all() and (inside[:, : -H // 2] == 1.0).all()


def test_several_cameras_have_mounts_of_their_own(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "in") as writer:
        for topic in ("/robot/front/image", "/robot/rear/image"):
            message = image_message(np.full((H, 2 * H, 3), 10, np.uint8), "rgb8", header(START, f"{topic[7:]}_link"))
            writer.write(topic, message, START)
    settings = _settings(tmp_path, "cameras: [front, rear]\nfront: {camera_height: 1.0}\nrear: {camera_height: 2.0}")
    run_bag(tmp_path / "in", tmp_path / "out", known_estimator(H), settings)
    with open_bag(tmp_path / "out") as bag:
        for name, height in (("front", 1.0), ("rear", 2.0)):
            xyzh = bag.first(f"/robot/{name}/points").data.view(np.float32).reshape(-1, 4)
            np.testing.assert_allclose(xyzh[:, 3] - xyzh[:, 2], height, atol=1e-5)


def test_memory_stays_flat_over_a_thousand_pictures(tmp_path: Path) -> None:
    pictures = [np.random.default_rng(i).integers(0, 256, (H, 2 * H, 3), np.uint8) for i in range(4)]
    with BagWriter(tmp_path / "in") as writer:
        for i in range(1000):
            stamp = START + i * 100_000_000
            writer.write(IMAGE, image_message(pictures[i % 4], "rgb8", header(stamp, LINK)), stamp)
    resident: dict[int, int] = {}

    def progress(what: str, done: int, total: int) -> None:
        if what == "panoramas" and done in (200, 1000):
            resident[done] = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    report = run_bag(tmp_path / "in", tmp_path / "out.mcap", known_estimator(H), OfflineSettings(), progress=progress)
    assert report.frames == 1000
    # The messages of 800 pictures are 26 MB.
    assert resident[1000] - resident[200] < 4e6


def test_the_mcap_library_reads_the_result(drive: Path, tmp_path: Path) -> None:
    reader = pytest.importorskip("mcap.reader", reason="the mcap library is for tests alone")
    run_bag(drive, tmp_path / "out.mcap", known_estimator(H), OfflineSettings())
    with (tmp_path / "out.mcap").open("rb") as file:
        opened = reader.make_reader(file, validate_crcs=True)
        summary = opened.get_summary()
        assert summary.statistics.message_count == sum(1 for _ in opened.iter_messages()) == len(_all(drive)) + 60
        assert {c.topic for c in summary.channels.values()} >= {IMAGE, LIDAR, "/camera/points"}


def test_the_command_line(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[tuple[str, str]] = []

    def known(model: str, backend: str, threads: int | None) -> DepthEstimator:
        opened.append((model, backend))
        return known_estimator(H)

    monkeypatch.setattr(DepthEstimator, "open", known)
    (tmp_path / "dap.yaml").write_text(
        "depth_node:\n  ros__parameters: {backend: torch, autostart: true, cameras: ['']}\n"
    )
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = ["run", str(drive), str(tmp_path / "out.mcap"), "--params", str(tmp_path / "dap.yaml"), "--model", "a.onnx"]
    assert command.run(parser.parse_args([*words, "--exclude", LIDAR])) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert opened == [("a.onnx", "torch")]
    assert "for the node alone, not used here: autostart" in said
    assert "12 panoramas, outputs below /camera: wrote" in said
    with open_bag(tmp_path / "out.mcap") as bag:
        assert LIDAR not in bag.topics and bag.topics["/camera/scan"].count == 12
