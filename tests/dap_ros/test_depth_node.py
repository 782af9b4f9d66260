"""The node end to end: a real process, real DDS, a model whose output is known for every pixel."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from interrupted_node import MOMENTS
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from dap_core import panorama
from dap_ros.messages import byte_array

H, W = 32, 64


@pytest.fixture(scope="module")
def node(known_model: Path) -> Iterator[RosProcess]:
    """One active node for the whole module, on /pano."""
    parameters = {"model": str(known_model), "backend": "onnxruntime", "diagnostics_period": 0.1}
    with RosProcess("dap_ros.depth_node", parameters, {"image": "/pano"}) as process:
        yield process
        assert process.stop() == 0, process.log()
        assert "Traceback" not in process.log()


@pytest.fixture
def peer(node: RosProcess) -> Iterator[Peer]:
    with Peer("/depth_node") as peer:
        yield peer


def gradient() -> np.ndarray:
    """(32, 64, 3): red grows with the row, blue is high in the right quarter."""
    pixels = np.zeros((H, W, 3), np.uint8)
    pixels[..., 0] = np.arange(H)[:, None] * 4
    pixels[..., 1] = 77
    pixels[:, 48:, 2] = 200
    return pixels


def floats(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.float32).reshape(message.height, message.width)


def test_all_outputs_have_the_values_stamp_and_frame(peer: Peer) -> None:
    topics = {"/depth/image": Image, "/mask/near": Image, "/mask/far": Image, "/points": PointCloud2}
    got = {topic: peer.listen(topic, kind) for topic, kind in (topics | {"/depth/color": Image}).items()}
    image = gradient()
    assert peer.wait(lambda: peer.publish("/pano", raw_image(image, stamp=1234)) or all(got.values()))
    depth, near, far, points, colour = (got[t][-1] for t in got)

    expected = (1.0 + 0.1 * image[..., 0]).astype(np.float32)
    expected[:, 48:] = np.inf
    assert (depth.encoding, depth.step, depth.header.frame_id) == ("32FC1", 4 * W, "pano_optical_frame")
    np.testing.assert_allclose(floats(depth), expected, rtol=1e-6)
    masks = [np.frombuffer(m.data, np.uint8).reshape(H, W) for m in (near, far)]
    np.testing.assert_array_equal(masks[0], np.where(np.isfinite(expected), 255, 0))
    np.testing.assert_array_equal(masks[1], np.where(np.isinf(expected), 255, 0))
    assert (near.encoding, colour.encoding, len(colour.data)) == ("mono8", "rgb8", 3 * H * W)
    assert {m.header.stamp.sec for m in (depth, near, far, points, colour)} == {1234}

    # There are more shares of the sphere than pixels, but for those at the poles, which share.
    assert points.header.frame_id == "pano_link"
    assert [(f.name, f.offset, f.datatype, f.count) for f in points.fields] == [
        (n, 4 * i, 7, 1) for i, n in enumerate(("x", "y", "z", "height"))
    ]
    xyzh = np.frombuffer(points.data, np.float32).reshape(-1, 4)
    columns, rows = np.rint(panorama.project(xyzh[:, :3], H)).astype(int).T
    assert 0.75 * np.isfinite(expected).sum() < len({*zip(rows, columns, strict=True)}) == len(xyzh)
    np.testing.assert_allclose(xyzh[:, :3], (panorama.rays(H) * expected[..., None])[rows, columns], atol=1e-5)
    np.testing.assert_array_equal(xyzh[:, 3], xyzh[:, 2])


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8", "rgba8", "bgra8"])
def test_encodings_and_padding(peer: Peer, encoding: str) -> None:
    got = peer.listen("/depth/image", Image)
    rgb = gradient()
    if encoding == "mono8":
        rgb = np.repeat(rgb[..., :1], 3, axis=2)
    codes = {"bgr8": cv2.COLOR_RGB2BGR, "rgba8": cv2.COLOR_RGB2RGBA, "bgra8": cv2.COLOR_RGB2BGRA}
    pixels = rgb[..., 0] if encoding == "mono8" else cv2.cvtColor(rgb, codes[encoding]) if encoding in codes else rgb
    padded = np.pad(pixels.reshape(H, -1), ((0, 0), (0, 5)), constant_values=255)
    message = raw_image(padded, encoding, stamp=77)
    message.width = W
    assert peer.wait(lambda: peer.publish("/pano", message) or any(m.header.stamp.sec == 77 for m in got))
    expected = np.where(rgb[..., 2] > 127.5, np.inf, 1.0 + 0.1 * rgb[..., 0]).astype(np.float32)
    np.testing.assert_allclose(floats(next(m for m in got if m.header.stamp.sec == 77)), expected, rtol=1e-6)


def wrong_images() -> dict[str, tuple[Image, str, str]]:
    """What is wrong: the message, the reason it is counted by, part of the line that is logged."""
    good = gradient()
    truncated = raw_image(good)
    truncated.data = byte_array(good)[:-W]
    step = raw_image(good)
    step.step = 10
    long_step = raw_image(good)
    long_step.step = 3 * W + 7
    empty = Image(encoding="rgb8")
    return {
        "truncated data": (truncated, "data", "makes 6144"),
        "step too small": (step, "step", "step 10 is less than a row"),
        "step against data": (long_step, "data", "step 199 x height 32"),
        "unknown encoding": (raw_image(good, "nv21"), "encoding", "'nv21' is not supported"),
        "zero size": (empty, "size", "0x0 pixels"),
        "not 2:1": (raw_image(good[:, :-4].copy()), "shape", "twice as wide as high, got 60x32"),
        "nan float image": (
            raw_image(np.full((H, W), np.nan, np.float32), "32FC1"), "encoding", "'32FC1' is not supported",
        ),
    }  # fmt: skip


def test_wrong_images_are_counted_and_the_node_goes_on(peer: Peer, node: RosProcess) -> None:
    got = peer.listen("/depth/image", Image)
    for what, (message, reason, line) in wrong_images().items():
        key = f"dropped_{reason}"
        peer.wait(lambda: peer.diagnostics("input"))
        before = int(peer.diagnostics("input").get(key, "0"))
        peer.publish("/pano", message)
        assert peer.wait(lambda: int(peer.diagnostics("input").get(key, "0")) > before), what  # noqa: B023
        assert line in peer.diagnostics("input")["last_fault"], what
        assert "\n" not in peer.diagnostics("input")["last_fault"]
    got.clear()
    assert peer.wait(lambda: peer.publish("/pano", raw_image(gradient(), stamp=5)) or got), node.log()
    assert "Traceback" not in node.log()
    errors = [line for line in node.log().splitlines() if "[ERROR]" in line]
    assert any("image refused: step 10" in line for line in errors), errors
    assert all("image refused: " in line for line in errors), errors


def test_compressed_images_follow_a_remapped_topic_and_corrupt_ones_are_refused(known_model: Path) -> None:
    parameters = {"model": str(known_model), "backend": "onnxruntime", "diagnostics_period": 0.1}
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(gradient(), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 98])[1]
    png = cv2.imencode(".png", cv2.cvtColor(gradient(), cv2.COLOR_RGB2BGR))[1]
    with (
        RosProcess("dap_ros.depth_node", parameters, {"image": "/theta/pano", "__node": "other"}) as process,
        Peer("/other") as peer,
    ):
        got = peer.listen("/depth/image", Image)

        def send(data: np.ndarray, stamp: int = 0) -> None:
            message = CompressedImage(format="rgb8; jpeg compressed bgr8", data=byte_array(data))
            message.header.stamp.sec = stamp
            peer.publish("/theta/pano/compressed", message)

        assert peer.wait(lambda: send(jpeg, 3) or any(m.header.stamp.sec == 3 for m in got)), process.log()
        expected = (1.0 + 0.1 * gradient()[..., 0]).astype(np.float32)
        assert np.abs(floats(got[-1]) - expected)[:, :40].max() < 1.0
        assert peer.diagnostics("input")["topic"] == "/theta/pano/compressed"
        for bad in (
            jpeg[: len(jpeg) // 2],
            png[: len(png) // 2],
            np.arange(200, dtype=np.uint8),
            np.zeros(0, np.uint8),
        ):
            before = int(peer.diagnostics("input").get("dropped_compressed", "0"))
            send(bad)
            assert peer.wait(lambda: int(peer.diagnostics("input").get("dropped_compressed", "0")) > before)  # noqa: B023
        got.clear()
        assert peer.wait(lambda: send(png, 4) or got)
        assert peer.wait(lambda: any(m.header.stamp.sec == 4 for m in got))
        np.testing.assert_allclose(floats(got[-1])[:, :48], expected[:, :48], rtol=1e-6)
        assert process.stop(signal.SIGTERM) == 0
        assert "Traceback" not in process.log()


def test_best_effort_publisher_is_matched(peer: Peer) -> None:
    got = peer.listen("/depth/image", Image)
    message = raw_image(gradient(), stamp=9)
    assert peer.wait(lambda: peer.publish("/pano", message, "best_effort") or any(m.header.stamp.sec == 9 for m in got))
    assert peer.wait(lambda: peer.diagnostics("input").get("reliability") == "best_effort")


def test_odd_stamps_and_strings_do_no_harm(peer: Peer) -> None:
    got = peer.listen("/depth/image", Image)
    message = raw_image(gradient(), frame="")
    message.header.stamp.sec, message.header.stamp.nanosec = -(2**31), 2**32 - 1
    assert peer.wait(lambda: peer.publish("/pano", message) or any(m.header.stamp.sec == -(2**31) for m in got))
    assert got[-1].header.stamp.nanosec == 2**32 - 1


def test_nothing_is_computed_while_nobody_listens(peer: Peer) -> None:
    peer.wait(lambda: peer.diagnostics("depth"))
    peer.publish("/pano", raw_image(gradient()))
    peer.spin(0.5)
    before = peer.diagnostics("depth")["processed"], int(peer.diagnostics("input").get("dropped_nobody_listens", "0"))
    peer.publish("/pano", raw_image(gradient()))
    assert peer.wait(lambda: int(peer.diagnostics("input").get("dropped_nobody_listens", "0")) > before[1])
    assert peer.diagnostics("depth")["processed"] == before[0]


def test_parameters_by_service(peer: Peer) -> None:
    depths, clouds = peer.listen("/depth/image", Image), peer.listen("/points", PointCloud2)
    try:
        assert peer.set_parameter("cloud.max_points", 100) == (True, "")
        assert peer.set_parameter("depth_encoding", "16UC1") == (True, "")
        assert peer.set_parameter("frame", "base") == (True, "")
        assert peer.set_parameter("camera_height", 1.5) == (True, "")
        image = gradient()
        image[0, 0] = (250, 0, 0)
        assert peer.wait(
            lambda: (
                peer.publish("/pano", raw_image(image, stamp=21))
                or (depths and depths[-1].encoding == "16UC1" and clouds)
            )
        )
        peer.spin(0.3)
        millimetres = np.frombuffer(depths[-1].data, np.uint16).reshape(H, W)
        assert millimetres[0, 0] == 26000 and millimetres[1, 0] == 1400 and millimetres[0, 63] == 65535
        assert 0 < clouds[-1].width <= 100 and clouds[-1].header.frame_id == "base"
        xyzh = np.frombuffer(clouds[-1].data, np.float32).reshape(-1, 4)
        np.testing.assert_allclose(xyzh[:, 3], xyzh[:, 2] + 1.5, atol=1e-6)
    finally:
        for name, value in (
            ("cloud.max_points", 24000),
            ("depth_encoding", "32FC1"),
            ("frame", ""),
            ("camera_height", 0.0),
        ):
            assert peer.set_parameter(name, value)[0]
    for name, value, reason in (
        ("depth_encoding", "64FC1", "one of 32FC1, 16UC1, got '64FC1'"),
        ("cloud.max_points", 0, ""),
        ("camera_height", float("nan"), "nan"),
        ("model", "dap-b", "clean the node up first"),
        ("autostart", False, ""),
    ):
        accepted, why = peer.set_parameter(name, value)
        assert not accepted and reason in why and why, (name, why)


def test_lifecycle_bad_models_and_recovery(known_model: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(known_model.read_bytes()[:200])
    missing = tmp_path / "missing.onnx"
    with (
        RosProcess("dap_ros.depth_node", {"model": str(missing), "diagnostics_period": 0.1}, {"__ns": "/a"}) as process,
        Peer("/a/depth_node") as peer,
    ):
        got = peer.listen("/a/depth/image", Image)
        assert peer.wait(lambda: "cannot configure" in peer.diagnostics("depth").get("message", "")), process.log()
        assert "missing.onnx" in peer.diagnostics("depth")["message"] and peer.diagnostics("depth")["level"] == "02"
        assert peer.state() == "unconfigured"
        assert peer.set_parameter("model", str(damaged))[0]
        assert not peer.transition("configure")
        assert peer.set_parameter("model", str(known_model))[0]
        assert peer.set_parameter("backend", "abacus") == (
            False,
            "parameter backend is one of auto, tensorrt, onnxruntime, openvino, torch, got 'abacus'",
        )
        assert peer.transition("configure") and peer.state() == "inactive"
        for _ in range(2):
            assert peer.transition("activate") and peer.state() == "active"
            got.clear()
            assert peer.wait(lambda: peer.publish("/a/image", raw_image(gradient())) or got), process.log()
            assert peer.transition("deactivate") and peer.state() == "inactive"
            peer.spin(0.3)
            got.clear()
            peer.publish("/a/image", raw_image(gradient()))
            peer.spin(0.3)
            assert not got
        assert peer.transition("cleanup") and peer.state() == "unconfigured"
        assert peer.transition("configure") and peer.transition("activate")
        assert peer.transition("shutdown") and peer.state() == "finalized"
        errors = [line for line in process.log().splitlines() if "cannot configure" in line]
        assert len(errors) == 2 and "Traceback" not in process.log(), process.log()
        assert process.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_under_load(known_model: Path, walk: Path, number: int) -> None:
    with (
        RosProcess("dap_ros.synthetic_camera", {"bag": str(walk), "rate": 60.0}, {"__ns": "/b"}) as camera,
        RosProcess(
            "dap_ros.depth_node", {"model": str(known_model), "backend": "onnxruntime"}, {"__ns": "/b"}
        ) as process,
        Peer("/b/depth_node") as peer,
    ):
        got = peer.listen("/b/depth/image", Image)
        assert peer.wait(lambda: len(got) > 20), process.log()
        began = time.monotonic()
        assert process.stop(number) == 0, process.log()
        assert time.monotonic() - began < 5.0
        assert camera.stop(number) == 0, camera.log()
        assert "Traceback" not in process.log() + camera.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", MOMENTS)
def test_ends_cleanly_while_it_starts(known_model: Path, moment: str, number: int) -> None:
    script = str(Path(__file__).parent / "interrupted_node.py")
    command = [sys.executable, script, moment, str(int(number)), "--ros-args", "-p", f"model:={known_model}"]
    command += ["-p", "backend:=onnxruntime"]
    with RosProcess("", {}, command=command) as process:
        assert process.process.wait(timeout=30) == 0, process.log()
        assert "Traceback" not in process.log() and "depth_node:" not in process.log(), process.log()


def test_a_wrong_parameter_ends_the_process_with_one_line() -> None:
    with RosProcess("dap_ros.depth_node", {"cloud.max_points": "many"}) as process:
        assert process.process.wait(timeout=30) == 2
        lines = [line for line in process.log().splitlines() if line]
        assert len(lines) == 1 and lines[0].startswith("depth_node: parameter cloud.max_points"), process.log()


@pytest.mark.parametrize("word", ["--help", "--params-file"])
def test_arguments_that_ros_would_ignore_end_the_process_with_one_line(word: str) -> None:
    command = [sys.executable, "-m", "dap_ros.depth_node", word, "my.yaml"]
    with RosProcess("", {}, command=command) as process:
        assert process.process.wait(timeout=30) == 2
        assert process.log().startswith(f"depth_node: unexpected argument {word}: ") and "--ros-args" in process.log()
        assert process.log().count("\n") == 1
