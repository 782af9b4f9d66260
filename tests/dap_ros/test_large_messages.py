"""Best-effort subscribers in another process get everything: 6 MB images, and the node's default outputs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from known_model import write_known_model
from ros_process import Peer, RosProcess
from sensor_msgs.msg import Image, PointCloud2
from walk_bag import write_walk_bag


def test_six_megabyte_best_effort_images_all_arrive() -> None:
    script = Path(__file__).with_name("numbered_publisher.py")
    with (
        Peer("") as peer,
        RosProcess("", {}, command=[sys.executable, str(script), "40", "1024", "15"]) as process,
    ):
        got = peer.listen("/big", Image, "best_effort", depth=5)
        assert peer.wait(lambda: process.process.poll() is not None), process.log()
        assert process.process.returncode == 0, process.log()
        assert [m.header.frame_id for m in got] == [str(i) for i in range(40)]
        assert {len(m.data) for m in got} == {1024 * 2048 * 3}


def test_default_cloud_and_range_image_all_arrive_best_effort(tmp_path: Path) -> None:
    model = write_known_model(tmp_path / "known.onnx", 256)
    bag = write_walk_bag(
        tmp_path, [np.full((256, 512, 3), (50, 0, 0), np.uint8)] * 3, [np.full((256, 512), 2.0, np.float32)] * 3
    )
    with (
        RosProcess("dap_ros.synthetic_camera", {"bag": str(bag), "rate": 15.0}, {"__ns": "/c"}) as camera,
        RosProcess("dap_ros.depth_node", {"model": str(model), "diagnostics_period": 0.2}, {"__ns": "/c"}) as node,
        Peer("/c/depth_node") as peer,
    ):
        # The small reliable mask tells which frames there were.
        masks = peer.listen("/c/mask/far", Image, "reliable", depth=20)
        clouds = peer.listen("/c/points", PointCloud2, "best_effort", depth=5)
        depths = peer.listen("/c/depth/image", Image, "best_effort", depth=5)
        assert peer.wait(lambda: masks and clouds and depths), node.log()
        peer.spin(1.0)
        for received in (masks, clouds, depths):
            received.clear()
        peer.spin(4.0)
        frames, cloud_frames, depth_frames = ([_stamp(m) for m in r] for r in (masks, clouds, depths))
        # The first and the last frame may have some outputs on either side of the measurement.
        assert len(frames) > 30, camera.log() + node.log()
        assert set(frames[1:-1]) <= set(cloud_frames) and set(frames[1:-1]) <= set(depth_frames)
        assert {len(m.data) for m in depths} == {256 * 512 * 4}
        assert {len(m.data) for m in clouds} <= set(range(380_000, 384_001))
        assert peer.diagnostics("transport")["message"] == "messages fit the transport"
        assert peer.diagnostics("transport")["best_effort_subscribers points"] == "1"


def test_advice_without_the_profile(known_model: Path, walk: Path, tmp_path: Path) -> None:
    import os

    model = write_known_model(tmp_path / "known.onnx", 256)
    environment = {k: v for k, v in os.environ.items() if not k.endswith("DEFAULT_PROFILES_FILE")}
    command = [sys.executable, "-m", "dap_ros.depth_node", "--ros-args", "-r", "__ns:=/d"]
    command += ["-p", f"model:={model}", "-p", "diagnostics_period:=0.2"]
    with (
        RosProcess("dap_ros.synthetic_camera", {"bag": str(walk), "rate": 10.0}, {"__ns": "/d"}),
        RosProcess("", {}, command=command, env=environment | {"DAP_ROS_DDS_PROFILE": "none"}) as node,
        Peer("/d/depth_node") as peer,
    ):
        peer.listen("/d/depth/image", Image, "best_effort")
        assert peer.wait(lambda: peer.diagnostics("transport").get("level") == "01"), node.log()
        assert "best-effort subscribers of depth/image lose messages" in peer.diagnostics("transport")["message"]
        assert "turned off by DAP_ROS_DDS_PROFILE=none" in peer.diagnostics("transport")["profile"]


def test_lost_images_are_said_with_what_to_do(known_model: Path) -> None:
    """A best-effort driver without a profile: most of its 2.8 MB images never arrive."""
    import os

    script = Path(__file__).with_name("numbered_publisher.py")
    plain = {k: v for k, v in os.environ.items() if not k.endswith("DEFAULT_PROFILES_FILE")}
    for height, level in (("960", "01"), ("32", "00")):
        with (
            RosProcess(
                "dap_ros.depth_node",
                {"model": str(known_model), "diagnostics_period": 0.2},
                {"image": "/big", "__node": "n"},
            ) as node,
            Peer("/n") as peer,
            RosProcess(
                "",
                {},
                command=[sys.executable, str(script), "60", height, "20"],
                env=plain | {"DAP_ROS_DDS_PROFILE": "none"},
            ) as camera,
        ):
            said: set[str] = set()

            def note() -> bool:
                values = peer.diagnostics("input")
                if "are lost on their way" in values.get("message", ""):
                    said.add(values["message"])  # noqa: B023
                return camera.process.poll() is not None

            assert peer.wait(note), camera.log() + node.log()
            values = peer.diagnostics("input")
            if level == "00":
                assert not said and values["lost"] == "0" and int(values["received"]) > 50, values
                continue
            assert int(values["lost"]) > 10, values
            assert all("start it with " in text and "fastdds_large_messages.xml" in text for text in said) and said


def _stamp(message: Image | PointCloud2) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec
