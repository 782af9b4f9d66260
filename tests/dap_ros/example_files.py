"""config/examples as their consumers read them: parameters by name, and the nodes that launch files describe."""

from __future__ import annotations

import json
import re
import runpy
import sys
import types
from pathlib import Path
from typing import Any

import launch_standin
import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"

#: Costmap files and the layer in each that takes the camera.
COSTMAPS = {
    "nav2_local_costmap.yaml": "obstacle_layer",
    "nav2_voxel_costmap.yaml": "voxel_layer",
    "stvl.yaml": "stvl_layer",
}


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((EXAMPLES / name).read_text())


def costmap(name: str) -> dict[str, Any]:
    return load(name)["local_costmap"]["local_costmap"]["ros__parameters"]


def sources(name: str) -> dict[str, dict[str, Any]]:
    """Sources of the obstacle layer of a costmap file."""
    layer = costmap(name)[COSTMAPS[name]]
    return {source: layer[source] for source in layer["observation_sources"].split()}


def monitor() -> dict[str, Any]:
    return load("collision_monitor.yaml")["collision_monitor"]["ros__parameters"]


def launched(name: str, tmp_path: Path, **arguments: str) -> list[launch_standin.Node]:
    """The nodes of a launch file."""
    nodes: list[launch_standin.Node] = []
    description = described(name)
    context = launch_standin.LaunchContext(tmp_path, {}, dict(arguments))
    for entity in description.entities:
        if isinstance(entity, launch_standin.OpaqueFunction):
            nodes += entity.function(context)
        else:
            entity.execute(context)
    return nodes


class IncludeLaunchDescription:
    def __init__(self, launch_description_source: Any, *, launch_arguments: Any = ()) -> None:
        self.path, self.arguments = launch_description_source, dict(launch_arguments)


def described(name: str, shares: dict[str, Path] | None = None) -> launch_standin.LaunchDescription:
    """What a launch file's generate_launch_description returns, on the stand-in for `launch`."""
    members = {
        "launch": {"LaunchDescription": launch_standin.LaunchDescription},
        "launch.actions": {c.__name__: c for c in (launch_standin.DeclareLaunchArgument,
                                                   launch_standin.OpaqueFunction, IncludeLaunchDescription)},
        "launch.substitutions": {"LaunchConfiguration": launch_standin.LaunchConfiguration},
        "launch.launch_description_sources": {"PythonLaunchDescriptionSource": str},
        "launch_ros": {}, "launch_ros.actions": {"Node": launch_standin.Node},
        "ament_index_python": {},
        "ament_index_python.packages": {"get_package_share_directory": lambda p: str((shares or {})[p])},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for module, contents in members.items():
            patch.setitem(sys.modules, module, types.ModuleType(module))
            vars(sys.modules[module]).update(contents)
        return runpy.run_path(str(EXAMPLES / name))["generate_launch_description"]()


def parameters_of(node: launch_standin.Node) -> dict[str, Any]:
    return {k: v for entry in node.parameters for k, v in entry.items()}


def used() -> set[str]:
    """All topics of the camera's outputs that the examples name."""
    text = "".join(p.read_text() for p in EXAMPLES.glob("*.yaml"))
    topics = set(re.findall(r"(?:scan_)?topic: (/camera/\S+)", text))
    for name in ("rtabmap.launch.py", "nvblox.launch.py"):
        for node in launched(name, Path()):
            topics |= {new for _, new in node.remappings if new.startswith("/camera/")}
    layout = json.loads((EXAMPLES / "foxglove_layout.json").read_text())["configById"]
    topics |= set(layout["3D!scene"]["topics"]) | {layout["Image!depth"]["imageMode"]["imageTopic"]}
    return topics
