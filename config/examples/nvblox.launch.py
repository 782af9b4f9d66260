"""nvblox on the four horizontal cube faces of a 360-degree camera.

    ros2 launch $(ros2 pkg prefix --share dap_ros)/config/examples/nvblox.launch.py base_frame:=base_link

To adapt: base_frame and odom_frame (odometry in TF, base_frame to camera_link in TF). The frames of the faces come from
depth_node. nvblox takes four cameras at most; for the floor close by, give `down` for one of them (and add it to the
camera's `faces.names`).
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
    if not 1 <= len(names) <= 4:
        raise ValueError(f"faces lists one to four of the camera's faces, got {faces!r}")
    remappings = []
    for i, name in enumerate(names):
        for of_nvblox, of_face in (("depth", "depth"), ("color", "image")):
            remappings.append((f"camera_{i}/{of_nvblox}/image", f"{camera}/faces/{name}/{of_face}"))
            remappings.append((f"camera_{i}/{of_nvblox}/camera_info", f"{camera}/faces/{name}/camera_info"))
    return [
        Node(
            package="nvblox_ros",
            executable="nvblox_node",
            name="nvblox_node",
            parameters=[
                {
                    "num_cameras": len(names),
                    "use_depth": True,
                    "use_color": True,
                    "use_lidar": False,  # true by default
                    "use_tf_transforms": True,
                    "global_frame": odom,
                    "map_clearing_frame_id": base,
                    "map_clearing_radius_m": 8.0,
                    "input_qos": "SYSTEM_DEFAULT",
                    "voxel_size": 0.05,
                    "mapping_type": "static_tsdf",
                    "esdf_mode": "2d",
                    "static_mapper.projective_integrator_max_integration_distance_m": 5.0,
                }
            ],
            remappings=remappings,
            output="screen",
        )
    ]


def generate_launch_description():
    """Arguments, and nvblox_node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("camera", default_value="/camera", description="namespace of the camera"),
            DeclareLaunchArgument("faces", default_value="front,left,back,right", description="faces, with commas"),
            DeclareLaunchArgument("base_frame", default_value="base_link", description="the robot's frame"),
            DeclareLaunchArgument("odom_frame", default_value="odom", description="frame in which the map is built"),
            OpaqueFunction(function=_nodes),
        ]
    )
