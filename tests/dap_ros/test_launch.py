"""The package as colcon installs it, and the installed launch file run for real."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import launch_standin
import pytest
import yaml
from ros_process import Peer, RosProcess
from sensor_msgs.msg import Image, PointCloud2

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The install space of `colcon build`."""
    pytest.importorskip("colcon_core", reason="colcon is not installed")
    base = tmp_path_factory.mktemp("colcon")
    command = [sys.executable, "-m", "colcon", "--log-base", str(base / "log"), "build"]
    for option, value in (
        ("base-paths", REPOSITORY),
        ("build-base", base / "build"),
        ("install-base", base / "install"),
    ):
        command += [f"--{option}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=base)
    assert done.returncode == 0, done.stdout + done.stderr
    return base / "install"


@pytest.fixture
def environment(install: Path) -> dict[str, str]:
    """The environment that sourcing the install space gives."""
    (site,) = (install / "dap_ros" / "lib").glob("python3*/site-packages")
    return dict(os.environ) | {
        "AMENT_PREFIX_PATH": str(install / "dap_ros"),
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
    }


@pytest.fixture
def sourced(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("AMENT_PREFIX_PATH", environment["AMENT_PREFIX_PATH"])
    yield environment


def test_install_layout(install: Path) -> None:
    package = install / "dap_ros"
    for name in ("depth_node", "synthetic_camera"):
        assert os.access(package / "lib" / "dap_ros" / name, os.X_OK)
    share = package / "share" / "dap_ros"
    for name in (
        "package.xml",
        "launch/dap.launch.py",
        "config/dap.yaml",
        "config/fastdds_large_messages.xml",
        "rviz/dap.rviz",
        *(f"config/examples/{p.name}" for p in (REPOSITORY / "config" / "examples").iterdir() if p.is_file()),
    ):
        assert (share / name).read_bytes() == (REPOSITORY / name).read_bytes()
    assert (package / "share" / "ament_index" / "resource_index" / "packages" / "dap_ros").exists()
    (site,) = (package / "lib").glob("python3*/site-packages")
    assert (site / "dap_core" / "models" / "dap-tiny.onnx").exists()
    assert (site / "dap_ros" / "data" / "walk.mcap").exists()


def launched(install: Path, environment: dict[str, str], **arguments: str) -> launch_standin.LaunchContext:
    path = install / "dap_ros" / "share" / "dap_ros" / "launch" / "dap.launch.py"
    return launch_standin.execute(path, arguments, install, environment)


def test_defaults_and_arguments(install: Path, sourced: dict[str, str]) -> None:
    share = install / "dap_ros" / "share" / "dap_ros"
    context = launched(install, sourced)
    (command,) = context.commands
    assert command[0] == str(install / "dap_ros" / "lib" / "dap_ros" / "depth_node")
    assert command.count("--params-file") == 1 and str(share / "config" / "dap.yaml") in command
    assert "__ns:=/camera" in command and "__node:=depth_node" in command and "image:=image" in command
    assert context.environment["DAP_ROS_DDS_PROFILE"] == "auto"

    own = sourced | {"DAP_ROS_DDS_PROFILE": "none"}
    assert launched(install, own).environment["DAP_ROS_DDS_PROFILE"] == "none"
    context = launched(
        install, sourced, namespace="robot", camera_name="head", model="/m.onnx", backend="torch", image="/theta/image",
        params_file="/p.yaml", profile="none", rviz="true", synthetic_camera="true",
    )  # fmt: skip
    node, camera, rviz = context.commands
    files = [node[i + 1] for i, word in enumerate(node) if word == "--params-file"]
    assert files[0] == "/p.yaml"
    assert yaml.safe_load(Path(files[1]).read_text()) == {
        "/**": {"ros__parameters": {"model": "/m.onnx", "backend": "torch"}}
    }
    assert "__ns:=/robot/head" in node and "image:=/theta/image" in node
    assert camera[0].endswith("lib/dap_ros/synthetic_camera") and "__ns:=/robot/head" in camera
    assert rviz[:5] == ["rviz2", "-d", str(share / "rviz" / "dap.rviz"), "-f", "head_link"]
    shown = {t for t in _topics(yaml.safe_load((share / "rviz" / "dap.rviz").read_text()))}
    assert shown == {"/camera/image", "/camera/depth/color", "/camera/points", "/camera/scan"}
    names = {t: t.replace("/camera", "/robot/head") for t in shown} | {"/camera/image": "/theta/image"}
    assert {f"{t}:={name}" for t, name in names.items()} <= set(rviz)
    assert "image:=/theta/image" in camera and "range:=range" in camera
    assert context.environment["DAP_ROS_DDS_PROFILE"] == "none"


def test_several_cameras_and_a_recording(install: Path, sourced: dict[str, str]) -> None:
    context = launched(install, sourced, cameras="front, rear", image="/a/pano,/b/pano", record="true", namespace="bot")
    node, recorder = context.commands
    assert "front/image:=/a/pano" in node and "rear/image:=/b/pano" in node and "__ns:=/bot/camera" in node
    values = yaml.safe_load(Path([node[i + 1] for i, w in enumerate(node) if w == "--params-file"][1]).read_text())
    assert values["/**"]["ros__parameters"] == {"cameras": ["front", "rear"]}
    assert recorder[:6] == ["ros2", "bag", "record", "--storage", "mcap", "--output"]
    assert re.fullmatch(r"dap_\d{8}_\d{6}", recorder[6]) and recorder[7] == "--regex"
    wanted = ("/a/pano", "/b/pano/compressed", "/bot/camera/front/scan", "/bot/camera/rear/depth/image", "/tf_static")
    assert all(re.search(recorder[8], topic) for topic in wanted)
    assert not re.search(recorder[8], "/a/pano/theora") and not re.search(recorder[8], "/bot/camera/front/points/full")

    assert "front/imu:=imu" in node and "rear/imu:=imu" in node
    (node, recorder) = launched(install, sourced, record="true", bag="/data/run1", imu="/imu/data").commands
    assert "imu:=/imu/data" in node and re.search(recorder[8], "/imu/data")
    assert recorder[6] == "/data/run1" and re.search(recorder[8], "/camera/image/compressed")
    (node,) = launched(install, sourced, cameras="left,right").commands
    assert "left/image:=left/image" in node and "right/image:=right/image" in node
    node, left, right, rviz = launched(
        install, sourced, cameras="left,right", synthetic_camera="true", rviz="true", camera_name=""
    ).commands
    assert {"__ns:=/", "left/image:=left/image", "right/image:=right/image"} <= set(node)
    assert {"__node:=synthetic_camera_left", "image:=left/image", "range:=left/range"} <= set(left)
    assert {"__node:=synthetic_camera_right", "image:=right/image", "range:=right/range"} <= set(right)
    assert rviz[4] == "left_link" and {"/camera/image:=/left/image", "/camera/scan:=/left/scan"} <= set(rviz)
    (node, recorder) = launched(install, sourced, camera_name="", record="true").commands
    assert all(re.search(recorder[8], topic) for topic in ("/image", "/points", "/scan", "/image/compressed"))
    with pytest.raises(ValueError, match="image names 1 topics for 2 cameras"):
        launched(install, sourced, cameras="left,right", image="/one")


def _topics(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("Topic"), dict):
            yield tree["Topic"]["Value"]
        for value in tree.values():
            yield from _topics(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _topics(value)


def test_launched_processes_talk(install: Path, sourced: dict[str, str], known_model: Path) -> None:
    context = launched(
        install, sourced, model=str(known_model), backend="onnxruntime", namespace="robot", camera_name="head",
        image="pano", synthetic_camera="true",
    )  # fmt: skip
    node_command, camera_command = context.commands
    with (
        RosProcess("", {}, command=node_command, env=context.environment) as node,
        RosProcess("", {}, command=camera_command, env=context.environment) as camera,
        Peer("/robot/head/depth_node") as peer,
    ):
        depths = peer.listen("/robot/head/depth/image", Image)
        points = peer.listen("/robot/head/points", PointCloud2)
        assert peer.wait(lambda: depths and points), node.log() + camera.log()
        assert (depths[-1].height, depths[-1].header.frame_id) == (32, "head_link")
        assert peer.get_parameter("model").string_value == str(known_model)
        assert peer.wait(lambda: peer.diagnostics("transport"))
        profile = install / "dap_ros" / "share" / "dap_ros" / "config" / "fastdds_large_messages.xml"
        assert str(profile) in peer.diagnostics("transport")["profile"]
        assert node.stop() == 0, node.log()
        assert camera.stop() == 0, camera.log()
        assert "Traceback" not in node.log() + camera.log()


RUN_TRUE_LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
arguments = [tuple(word.split(":=", 1)) for word in sys.argv[2:]]
service = LaunchService()
source = PythonLaunchDescriptionSource(sys.argv[1])
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
sys.exit(service.run())
"""


@pytest.mark.skipif(importlib.util.find_spec("launch_ros") is None, reason="launch_ros is not installed (not on PyPI)")
def test_true_launch(install: Path, sourced: dict[str, str], known_model: Path) -> None:
    path = install / "dap_ros" / "share" / "dap_ros" / "launch" / "dap.launch.py"
    arguments = [f"model:={known_model}", "backend:=onnxruntime", "namespace:=true", "synthetic_camera:=true"]
    command = [sys.executable, "-c", RUN_TRUE_LAUNCH, str(path), *arguments]
    with RosProcess("", {}, command=command, env=sourced) as process, Peer("/true/camera/depth_node") as peer:
        depths = peer.listen("/true/camera/depth/image", Image)
        assert peer.wait(lambda: len(depths) > 3), process.log()
        assert peer.get_parameter("model").string_value == str(known_model)
        process.stop()
        assert "Traceback" not in process.log() and "process has died" not in process.log(), process.log()
