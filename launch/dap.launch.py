"""Depth from one 360-degree camera: `ros2 launch dap_ros dap.launch.py image:=/theta/image_raw`.

Topics are below /<namespace>/<camera_name>. An argument that is left empty leaves its parameter to the parameter file.
"""

import os

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

SHARE = get_package_share_directory("dap_ros")

#: Topics that rviz/dap.rviz shows, below /camera there.
SHOWN = ("image", "depth/color", "points")


def _nodes(context):
    """The nodes, once the arguments are known."""
    value = {
        name: LaunchConfiguration(name).perform(context) for name in ("namespace", "camera_name", "model", "backend")
    }
    namespace = "/" + "/".join(
        part.strip("/") for part in (value["namespace"], value["camera_name"]) if part.strip("/")
    )
    overrides = {name: value[name] for name in ("model", "backend") if value[name]}
    frame = f"{value['camera_name'] or 'camera'}_link"
    return [
        LifecycleNode(
            package="dap_ros",
            executable="depth_node",
            name="depth_node",
            namespace=namespace,
            parameters=[LaunchConfiguration("params_file"), *([overrides] if overrides else [])],
            remappings=[("image", LaunchConfiguration("image"))],
            output="screen",
        ),
        Node(
            package="dap_ros",
            executable="synthetic_camera",
            name="synthetic_camera",
            namespace=namespace,
            parameters=[{"frame_id": frame}],
            condition=IfCondition(LaunchConfiguration("synthetic_camera")),
            output="screen",
        ),
        Node(
            package="rviz2",
            executable="rviz2",
            name="rviz2",
            namespace=namespace,
            arguments=["-d", os.path.join(SHARE, "rviz", "dap.rviz"), "-f", frame],
            remappings=[(f"/camera/{topic}", f"{namespace.rstrip('/')}/{topic}") for topic in SHOWN],
            condition=IfCondition(LaunchConfiguration("rviz")),
        ),
    ]


def generate_launch_description():
    """Arguments, environment, nodes."""
    profile = EnvironmentVariable("DAP_ROS_DDS_PROFILE", default_value="auto")
    return LaunchDescription(
        [
            DeclareLaunchArgument("model", default_value="", description="bundled model, .onnx or checkpoint"),
            DeclareLaunchArgument("backend", default_value="", description="auto, onnxruntime, openvino or torch"),
            DeclareLaunchArgument("image", default_value="image", description="topic of the panoramas"),
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
                "synthetic_camera", default_value="false", description="play the shipped walk as the camera"
            ),
            SetEnvironmentVariable("DAP_ROS_DDS_PROFILE", LaunchConfiguration("profile")),
            OpaqueFunction(function=_nodes),
        ]
    )
