"""nav2_bringup's navigation with files of this folder laid over the robot's own Nav2 parameters.

    ros2 launch $(ros2 pkg prefix --share dap_ros)/config/examples/nav2.launch.py params_file:=/your/nav2_params.yaml

navigation_launch.py takes one parameter file. Here mappings are merged, and everything else is replaced by what the
overlay says. Any other argument of navigation_launch.py (use_sim_time, namespace) can be given as well. A namespace
comes before the names in the file; topics of the overlays stay as they are.
"""

import os
import tempfile

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

HERE = os.path.dirname(os.path.abspath(__file__))


def merged(base, overlay):
    """`base` with `overlay` laid over it, mapping by mapping."""
    if not (isinstance(base, dict) and isinstance(overlay, dict)):
        return overlay
    return base | {key: merged(base.get(key), value) for key, value in overlay.items()}


def _navigation(context):
    bringup = get_package_share_directory("nav2_bringup")
    base = LaunchConfiguration("params_file").perform(context) or os.path.join(bringup, "params", "nav2_params.yaml")
    overlays = LaunchConfiguration("overlays").perform(context).split(",")
    parameters = {}
    for path in [base, *(os.path.join(HERE, name.strip()) for name in overlays)]:
        with open(path, encoding="utf-8") as file:
            parameters = merged(parameters, yaml.safe_load(file))
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="dap_nav2_", delete=False) as file:
        yaml.safe_dump(parameters, file)
    source = PythonLaunchDescriptionSource(os.path.join(bringup, "launch", "navigation_launch.py"))
    return [IncludeLaunchDescription(source, launch_arguments=[("params_file", file.name)])]


def generate_launch_description():
    """Arguments, and the navigation that is included."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "params_file", default_value="", description="Nav2 parameters; empty: nav2_bringup's"
            ),
            DeclareLaunchArgument(
                "overlays",
                default_value="nav2_local_costmap.yaml",
                description="files of this folder, or paths, with commas",
            ),
            OpaqueFunction(function=_navigation),
        ]
    )
