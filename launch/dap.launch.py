"""Depth from 360-degree cameras: `ros2 launch dap_ros dap.launch.py image:=/theta/image_raw`.

Topics are below /<namespace>/<camera_name>. Several cameras on one engine have a name each, and their topics in the
same order: `cameras:=front,rear image:=/front/image_raw,/rear/image_raw`; the outputs of each are one level deeper.
An argument that is left empty leaves its parameter to the parameter file. A robot's own bringup includes this file with
IncludeLaunchDescription and the same arguments.
"""

import os
import re
import time

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

SHARE = get_package_share_directory("dap_ros")

#: Topics that rviz/dap.rviz shows, below /camera there; of several cameras the first's.
SHOWN = ("image", "depth/color", "points", "scan")

#: What `record:=true` records of each camera, beside its images.
RECORDED = ("depth/image", "mask/near", "mask/far", "points", "points/clearing", "scan")


def _nodes(context):
    """The nodes, once the arguments are known."""
    names = ("namespace", "camera_name", "model", "backend", "cameras", "image", "imu", "record", "bag")
    value = {name: LaunchConfiguration(name).perform(context) for name in names}
    namespace = "/" + "/".join(
        part.strip("/") for part in (value["namespace"], value["camera_name"]) if part.strip("/")
    )
    cameras = [name.strip() for name in value["cameras"].split(",") if name.strip()]
    images = [topic.strip() for topic in value["image"].split(",")]
    if cameras and value["image"] == "image":
        images = [f"{name}/image" for name in cameras]
    if len(images) != max(1, len(cameras)):
        raise ValueError(f"image names {len(images)} topics for {max(1, len(cameras))} cameras, give one for each")
    inputs = [f"{name}/image" for name in cameras] or ["image"]
    overrides = {name: value[name] for name in ("model", "backend") if value[name]}
    if cameras:
        overrides["cameras"] = cameras
    # Of each camera: the part of its topics' names below the namespace, and the link that its frames are expected at.
    parts = [f"{name}/" for name in cameras] or [""]
    links = [f"{name}_link" for name in cameras or [value["camera_name"] or "camera"]]
    first = f"{namespace.rstrip('/')}/{parts[0]}"
    shown = {topic: f"{first}{topic}" for topic in SHOWN} | {"image": _absolute(namespace, images[0])}
    return [
        LifecycleNode(
            package="dap_ros",
            executable="depth_node",
            name="depth_node",
            namespace=namespace,
            parameters=[LaunchConfiguration("params_file"), *([overrides] if overrides else [])],
            remappings=[*zip(inputs, images, strict=True), *((f"{name[:-5]}imu", value["imu"]) for name in inputs)],
            output="screen",
        ),
        *(
            Node(
                package="dap_ros",
                executable="synthetic_camera",
                name="_".join(["synthetic_camera", *part.split("/")[:-1]]),
                namespace=namespace,
                parameters=[{"frame_id": link}],
                remappings=[("image", image), ("range", f"{part}range")],
                condition=IfCondition(LaunchConfiguration("synthetic_camera")),
                output="screen",
            )
            for part, link, image in zip(parts, links, images, strict=True)
        ),
        Node(
            package="rviz2",
            executable="rviz2",
            name="rviz2",
            namespace=namespace,
            arguments=["-d", os.path.join(SHARE, "rviz", "dap.rviz"), "-f", links[0]],
            remappings=[(f"/camera/{topic}", name) for topic, name in shown.items()],
            condition=IfCondition(LaunchConfiguration("rviz")),
        ),
        ExecuteProcess(
            cmd=[
                *("ros2", "bag", "record", "--storage", "mcap"),
                *("--output", value["bag"] or time.strftime("dap_%Y%m%d_%H%M%S")),
                # Positional topics are gone in newer distributions, `--topics` is unknown to older ones.
                *("--regex", _recorded(namespace, cameras, [*images, value["imu"]])),
            ],
            condition=IfCondition(LaunchConfiguration("record")),
            output="screen",
        ),
    ]


def _absolute(namespace, topic):
    return topic if topic.startswith("/") else f"{namespace.rstrip('/')}/{topic}"


def _recorded(namespace, cameras, inputs):
    """A regular expression for everything that an evaluation needs: images, outputs, transforms, diagnostics."""
    absolute = [_absolute(namespace, topic) for topic in inputs]
    topics = [name for topic in absolute for name in (topic, f"{topic}/compressed")]
    prefixes = [_absolute(namespace, name) for name in cameras] or [namespace.rstrip("/")]
    topics += [f"{prefix}/{topic}" for prefix in prefixes for topic in RECORDED]
    return (
        "^(" + "|".join(re.escape(topic) for topic in [*topics, "/tf", "/tf_static", "/diagnostics", "/clock"]) + ")$"
    )


def generate_launch_description():
    """Arguments, environment, nodes."""
    profile = EnvironmentVariable("DAP_ROS_DDS_PROFILE", default_value="auto")
    return LaunchDescription(
        [
            DeclareLaunchArgument("model", default_value="", description="bundled model, .onnx or checkpoint"),
            DeclareLaunchArgument(
                "backend", default_value="", description="auto, tensorrt, onnxruntime, openvino or torch"
            ),
            DeclareLaunchArgument(
                "image", default_value="image", description="topic of the panoramas; several with commas, as cameras"
            ),
            DeclareLaunchArgument("imu", default_value="imu", description="topic of the IMU, for levelling.source imu"),
            DeclareLaunchArgument(
                "cameras", default_value="", description="names of several cameras on one engine, with commas"
            ),
            DeclareLaunchArgument("camera_name", default_value="camera", description="last part of the namespace"),
            DeclareLaunchArgument("namespace", default_value="", description="first part of the namespace"),
            DeclareLaunchArgument(
                "params_file",
                default_value=os.path.join(SHARE, "config", "dap.yaml"),
                description="parameters of depth_node",
            ),
            DeclareLaunchArgument(
                "profile",
                default_value=profile,
                description="Fast DDS profile for large messages: auto (the shipped one), none, or a file",
            ),
            DeclareLaunchArgument("rviz", default_value="false", description="show the result in RViz"),
            DeclareLaunchArgument(
                "record", default_value="false", description="record inputs and outputs to an mcap bag"
            ),
            DeclareLaunchArgument("bag", default_value="", description="folder of that bag; empty: dap_<date>_<time>"),
            DeclareLaunchArgument(
                "synthetic_camera", default_value="false", description="play the shipped walk as the cameras"
            ),
            SetEnvironmentVariable("DAP_ROS_DDS_PROFILE", LaunchConfiguration("profile")),
            OpaqueFunction(function=_nodes),
        ]
    )
