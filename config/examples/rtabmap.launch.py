"""RTAB-Map on the cube faces of a 360-degree camera.

    ros2 launch $(ros2 pkg prefix --share dap_ros)/config/examples/rtabmap.launch.py base_frame:=base_link

To adapt: base_frame and odom_frame (wheel odometry in TF, base_frame to camera_link in TF). The frames of the faces
come from depth_node. `faces` lists those to use, of the camera's `faces.names`; six are the most.
Works with the released packages: rgbdx_sync joins the faces, since those are built without RTABMAP_SYNC_MULTI_RGBD.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def _nodes(context):
    camera, faces, base, odom = (
        LaunchConfiguration(name).perform(context) for name in ("camera", "faces", "base_frame", "odom_frame")
    )
    names = [name.strip() for name in faces.split(",") if name.strip()]
    if not 2 <= len(names) <= 6:
        raise ValueError(f"faces lists two to six of the camera's faces, got {faces!r}")
    nodes = [
        Node(
            package="rtabmap_sync",
            executable="rgbd_sync",
            name=f"rgbd_sync_{name}",
            namespace="rtabmap",
            parameters=[{"approx_sync": False}],  # the three messages of a face have one stamp
            remappings=[
                ("rgb/image", f"{camera}/faces/{name}/image"),
                ("depth/image", f"{camera}/faces/{name}/depth"),
                ("rgb/camera_info", f"{camera}/faces/{name}/camera_info"),
                ("rgbd_image", f"{name}/rgbd_image"),
            ],
            output="screen",
        )
        for name in names
    ]
    nodes.append(
        Node(
            package="rtabmap_sync",
            executable="rgbdx_sync",
            name="rgbdx_sync",
            namespace="rtabmap",
            parameters=[{"approx_sync": False, "rgbd_cameras": len(names)}],
            remappings=[(f"rgbd_image{i}", f"{name}/rgbd_image") for i, name in enumerate(names)],
            output="screen",
        )
    )
    nodes.append(
        Node(
            package="rtabmap_slam",
            executable="rtabmap",
            name="rtabmap",
            namespace="rtabmap",
            parameters=[
                {
                    "frame_id": base,
                    "odom_frame_id": odom,  # odometry by TF, so that nothing is left to synchronise
                    "subscribe_depth": False,
                    "subscribe_rgbd": True,
                    "rgbd_cameras": 0,  # the topic rgbd_images, of rgbdx_sync
                    "wait_for_transform": 0.3,
                    # RTAB-Map's own parameters are strings.
                    "Reg/Force3DoF": "true",
                    "Vis/EstimationType": "0",  # 3-D to 3-D: several cameras by PnP need a build with OpenGV
                    "Kp/MaxDepth": "8.0",
                    "Vis/MaxDepth": "8.0",
                    "RGBD/CreateOccupancyGrid": "true",
                    "Grid/Sensor": "1",
                    "Grid/RangeMax": "5.0",
                }
            ],
            output="screen",
        )
    )
    return nodes


def generate_launch_description():
    """Arguments, then one rgbd_sync to a face, rgbdx_sync and rtabmap, all in the namespace rtabmap."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("camera", default_value="/camera", description="namespace of the camera"),
            DeclareLaunchArgument("faces", default_value="front,left,back,right", description="faces, with commas"),
            DeclareLaunchArgument("base_frame", default_value="base_link", description="the robot's frame"),
            DeclareLaunchArgument("odom_frame", default_value="odom", description="frame of the odometry in TF"),
            OpaqueFunction(function=_nodes),
        ]
    )
