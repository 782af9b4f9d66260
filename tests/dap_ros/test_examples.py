"""config/examples against the node as it is launched, and against the consumers' own rules (docs/consumers.md)."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import launch_standin
import numpy as np
import pytest
import yaml
from analytic_panorama import box_range, floor_range
from consumer_parameters import (
    COSTMAP,
    LAYERS,
    MONITOR,
    MONITOR_POLYGON,
    MONITOR_SOURCES,
    NAV2_SOURCE,
    NVBLOX,
    RTABMAP,
    SLAM_TOOLBOX,
    STVL_SOURCE,
    check,
)
from example_files import COSTMAPS, EXAMPLES, costmap, described, launched, load, monitor, parameters_of, sources, used
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

from dap_core.estimate import PanoramaDepth
from dap_core.products.clearing import ClearingConfig, clearing_points
from dap_core.products.scan import ScanConfig, scan
from dap_ros.diagnostics import values_of

REPOSITORY = Path(__file__).parents[2]

#: Heights of a camera above the ground for which the files hold as they are.
LOWEST, HIGHEST = 0.3, 1.9

FOXGLOVE_PANELS = {"3D", "Image", "Plot", "DiagnosticSummary", "DiagnosticStatusPanel"}


# The node as `ros2 launch dap_ros dap.launch.py` starts it.


@pytest.fixture(scope="module")
def process(known_model: Path) -> Iterator[RosProcess]:
    command = [
        *(sys.executable, "-m", "dap_ros.depth_node", "--ros-args", "-r", "__ns:=/camera", "-r", "__node:=depth_node"),
        *("--params-file", str(REPOSITORY / "config" / "dap.yaml")),
        *("-p", f"model:={known_model}", "-p", "backend:=onnxruntime", "-p", "diagnostics_period:=0.1"),
    ]
    with RosProcess("", {}, command=command) as process:
        yield process
        assert process.stop() == 0, process.log()


@pytest.fixture(scope="module")
def peer(process: RosProcess) -> Iterator[Peer]:
    with Peer("/camera/depth_node") as peer:
        peer.wait(lambda: used() <= _graph(peer).keys())
        yield peer


def _graph(peer: Peer) -> dict[str, str]:
    if ("depth_node", "/camera") not in peer.node.get_node_names_and_namespaces():
        return {}
    topics = peer.node.get_publisher_names_and_types_by_node("depth_node", "/camera")
    return {topic: kinds[0] for topic, kinds in topics}


@pytest.fixture(scope="module")
def published(peer: Peer) -> dict[str, str]:
    """Type of every topic that the node publishes."""
    return _graph(peer)


@pytest.fixture(scope="module")
def arrived(peer: Peer, process: RosProcess, published: dict[str, str]) -> dict[str, Any]:
    """A message of every topic that an example takes, through a subscription such as the consumer's."""
    kinds = {k.__name__: k for k in (Image, CameraInfo, LaserScan, PointCloud2)}
    wanted = used()
    assert wanted <= published.keys(), f"not published: {sorted(wanted - published.keys())}"
    faces = {topic for topic in wanted if "/faces/" in topic}  # RTAB-Map and nvblox: the system's default, reliable
    lists = {
        topic: peer.listen(
            topic, kinds[published[topic].split("/")[-1]], "reliable" if topic in faces else "best_effort", 10
        )
        for topic in wanted
    }
    image = raw_image(np.full((32, 64, 3), (20, 0, 0), np.uint8), frame="camera_link")
    assert peer.wait(lambda: peer.publish("/camera/image", image) or all(lists.values())), process.log()
    return {topic: messages[-1] for topic, messages in lists.items()}


def test_every_file_is_listed_and_says_how_it_is_included() -> None:
    names = {p.name for p in EXAMPLES.iterdir() if p.is_file()}
    assert names == {*COSTMAPS, "collision_monitor.yaml", "slam_toolbox.yaml", "nav2.launch.py", "rtabmap.launch.py",
                     "nvblox.launch.py", "foxglove_layout.json"}  # fmt: skip
    page = (REPOSITORY / "docs" / "consumers.md").read_text()
    for name in names:
        assert name in page
        if not name.endswith(".json"):
            head = (EXAMPLES / name).read_text().split("import ")[0]
            assert "ros2 launch" in head and (name == "nav2.launch.py" or "To adapt:" in head), name


@pytest.mark.parametrize("name", COSTMAPS)
def test_costmap_parameters_are_declared(name: str) -> None:
    parameters = costmap(name)
    layers = {layer: parameters.pop(layer) for layer in parameters["plugins"]}
    check(parameters, COSTMAP, "costmap")
    for layer, values in layers.items():
        known = sources(name) if layer == COSTMAPS[name] else {}
        declared = LAYERS[values["plugin"]]
        check({k: v for k, v in values.items() if k not in known}, declared, layer)
        for source, of_source in known.items():
            check(of_source, STVL_SOURCE if name == "stvl.yaml" else NAV2_SOURCE, f"{layer}.{source}")


def test_other_parameters_are_declared(tmp_path: Path) -> None:
    values = monitor()
    polygons = {name: values.pop(name) for name in values["polygons"]}
    of_sources = {name: values.pop(name) for name in values["observation_sources"]}
    check(values, MONITOR, "collision_monitor")
    for name, polygon in polygons.items():
        check(polygon, MONITOR_POLYGON, name)
    for name, source in of_sources.items():
        check(source, MONITOR_SOURCES[source["type"]], name)
    check(load("slam_toolbox.yaml")["slam_toolbox"]["ros__parameters"], SLAM_TOOLBOX, "slam_toolbox")
    for node in launched("rtabmap.launch.py", tmp_path):
        check(parameters_of(node), RTABMAP[node.executable], node.executable)
    for node in launched("nvblox.launch.py", tmp_path):
        check(parameters_of(node), NVBLOX, node.executable)


# Topics, types, quality of service, frames.


def test_every_topic_is_the_nodes_and_of_the_sources_type(published: dict[str, str], arrived: dict[str, Any]) -> None:
    kinds = {"LaserScan": "sensor_msgs/msg/LaserScan", "PointCloud2": "sensor_msgs/msg/PointCloud2"}
    for name in COSTMAPS:
        for source in sources(name).values():
            assert published[source["topic"]] == kinds[source["data_type"]]
    values = monitor()
    of_type = {"scan": "LaserScan", "pointcloud": "PointCloud2"}
    for source in values["observation_sources"]:
        assert published[values[source]["topic"]] == kinds[of_type[values[source]["type"]]]
    slam = load("slam_toolbox.yaml")["slam_toolbox"]["ros__parameters"]
    assert published[slam["scan_topic"]] == kinds["LaserScan"]
    assert arrived.keys() == used() and len(arrived) == 16
    # Clouds and scan in a frame with x forward and z up, whose name the robot's TF must know; one stamp for everything.
    for topic in ("/camera/points", "/camera/points/clearing", "/camera/scan"):
        assert arrived[topic].header.frame_id == "camera_link"
    assert {m.header.stamp.sec for m in arrived.values()} == {1}


def test_clouds_have_the_fields_that_are_read_by_name(arrived: dict[str, Any]) -> None:
    fields = {
        t: [(f.name, f.datatype) for f in arrived[t].fields] for t in ("/camera/points", "/camera/points/clearing")
    }
    xyz = [("x", 7), ("y", 7), ("z", 7)]
    assert fields == {"/camera/points": [*xyz, ("height", 7)], "/camera/points/clearing": xyz}
    layout = json.loads((EXAMPLES / "foxglove_layout.json").read_text())
    assert layout["configById"]["3D!scene"]["topics"]["/camera/points"]["colorField"] == "height"


# Rules of Nav2's layers.


@pytest.mark.parametrize("name", ["nav2_local_costmap.yaml", "nav2_voxel_costmap.yaml"])
def test_nav2_rules(name: str, arrived: dict[str, Any]) -> None:
    layer = costmap(name)[COSTMAPS[name]]
    for source in sources(name).values():
        # A source's max_obstacle_height is 0 by default, and drops what lies above before marking and clearing.
        assert source["marking"] or source["clearing"]
        if source["data_type"] == "LaserScan":
            # laserScanValidInfCallback puts +inf 0.1 mm short of range_max, where it must not be an obstacle.
            assert source["inf_is_valid"]
            assert source["obstacle_max_range"] < arrived[source["topic"]].range_max - 1e-4
            assert source["min_obstacle_height"] <= LOWEST and source["max_obstacle_height"] > HIGHEST
        elif source["clearing"]:
            assert not source["marking"]
            points = np.frombuffer(arrived[source["topic"]].data, np.float32).reshape(-1, 3)
            assert source["min_obstacle_height"] < points[:, 2].min() + LOWEST
            assert source["max_obstacle_height"] > points[:, 2].max() + HIGHEST
        else:
            assert 0.0 < source["min_obstacle_height"] < LOWEST  # not the floor
            assert source["max_obstacle_height"] <= layer["max_obstacle_height"]
        if source["marking"] and source["clearing"]:
            assert source["obstacle_max_range"] < source["raytrace_max_range"]
        assert source["expected_update_rate"] > 0.0
    marking = max(s["obstacle_max_range"] for s in sources(name).values() if s["marking"])
    clearing = min(s["raytrace_max_range"] for s in sources(name).values() if s["clearing"])
    assert marking < clearing, "what is marked must be within reach of what clears"


def test_voxel_grid_holds_the_camera() -> None:
    layer = costmap("nav2_voxel_costmap.yaml")["voxel_layer"]
    assert layer["z_voxels"] <= 16
    top = layer["origin_z"] + layer["z_voxels"] * layer["z_resolution"]
    assert layer["origin_z"] <= LOWEST and top > HIGHEST  # raytraceFreespace gives up on an origin outside
    assert layer["max_obstacle_height"] <= top


def test_a_two_dimensional_layer_is_cleared_by_the_scan_alone() -> None:
    """Rays over a low box would free its cells there; in the voxel layer they pass above it, and the scan stops."""
    height, camera_height, near = 128, 1.0, 2.0
    size = (0.5, 1.0, 0.4)  # half a metre deep, on the floor, from 2 m ahead on
    world = np.minimum(
        floor_range(height, camera_height), box_range(height, (near + 0.25, 0.0, 0.2 - camera_height), size)
    )
    depth = PanoramaDepth.from_range(world.astype(np.float32), max_range_m=100.0)
    points = clearing_points(depth, ClearingConfig())
    ahead = points[(points[:, 0] > near + 0.5) & (np.abs(points[:, 1] / points[:, 0]) < 0.2)]
    assert len(ahead) > 20, "seen from above these rays cross the box"
    at_the_box = ahead[:, 2] * near / ahead[:, 0]
    assert at_the_box.min() > 0.4 - camera_height - 0.03, "but they pass over it"
    clears = {n: {s for s, v in sources(n).items() if v["clearing"]} for n in COSTMAPS if n != "stvl.yaml"}
    assert clears == {"nav2_local_costmap.yaml": {"scan"}, "nav2_voxel_costmap.yaml": {"clearing"}}
    # The band that the file's head advises sees the box itself.
    band = scan(depth, ScanConfig(min_height=0.1 - camera_height, max_height=0.2))
    front = band.ranges[len(band.ranges) // 2 - 5 : len(band.ranges) // 2 + 5]
    assert front == pytest.approx(near, abs=0.05)
    head = (EXAMPLES / "nav2_local_costmap.yaml").read_text()
    assert "1 m above the ground on a robot 1.2 m high: -0.9 and 0.2" in head


# STVL.


def test_stvl_rules() -> None:
    mark, clear = sources("stvl.yaml").values()
    assert (mark["marking"], mark["clearing"], clear["marking"], clear["clearing"]) == (True, False, False, True)
    assert mark["filter"] in ("voxel", "passthrough") and mark["expected_update_rate"] > 0.0
    assert clear["expected_update_rate"] == 0.0 and clear["observation_persistence"] == 0.0
    assert clear["model_type"] == 1 and clear["horizontal_fov_angle"] > 6.27
    # ThreeDimensionalLidarFrustum::IsInside, on voxels of a robot's surroundings with the camera 1 m up.
    assert 3.0 < clear["vertical_fov_angle"] < math.pi
    slope = math.tan(clear["vertical_fov_angle"] / 2)
    for radius, z in ((0.1, -1.0), (0.1, 1.0), (4.0, -1.0), (4.0, 1.0)):
        assert clear["min_z"] <= radius <= clear["max_z"]
        assert (abs(z) + clear["vertical_fov_padding"]) / radius <= slope
    assert mark["obstacle_range"] < clear["max_z"]


# Collision monitor.


def test_collision_monitor_takes_what_is_in_the_way_and_not_the_floor() -> None:
    points = monitor()["points"]
    # The node is launched with camera_height 0, where `height` is relative to the camera: z in the base frame it is.
    assert points["use_global_height"] is False
    assert 0.0 < points["min_height"] < LOWEST and points["max_height"] > HIGHEST
    assert monitor()["base_frame_id"] == "base_footprint"
    assert 0.0 < monitor()["source_timeout"] <= 1.0


def test_collision_monitor_sees_what_is_too_near_for_the_scan(arrived: dict[str, Any]) -> None:
    assert arrived["/camera/scan"].range_min == pytest.approx(0.2)
    assert monitor()["points"]["min_range"] == 0.0


def test_slam_toolbox_reads_below_the_scans_own_maximum(arrived: dict[str, Any]) -> None:
    slam = load("slam_toolbox.yaml")["slam_toolbox"]["ros__parameters"]
    assert 0.0 < slam["max_laser_range"] < arrived["/camera/scan"].range_max


# RTAB-Map and nvblox.


def test_rtabmap_gets_every_face_once(tmp_path: Path, arrived: dict[str, Any]) -> None:
    for faces in ("front,left,back,right", "front, left, back, right, up, down", "front,back"):
        names = [name.strip() for name in faces.split(",")]
        *syncs, joined, slam = launched("rtabmap.launch.py", tmp_path, faces=faces)
        outputs = []
        for name, node in zip(names, syncs, strict=True):
            remapped = dict(node.remappings)
            outputs.append(remapped.pop("rgbd_image"))
            base = f"/camera/faces/{name}/"
            assert remapped == {"rgb/image": f"{base}image", "depth/image": f"{base}depth",
                                "rgb/camera_info": f"{base}camera_info"}  # fmt: skip
            assert parameters_of(node)["approx_sync"] is False
        assert joined.remappings == [(f"rgbd_image{i}", output) for i, output in enumerate(outputs)]
        assert parameters_of(joined)["rgbd_cameras"] == len(names) == len(set(outputs))
        assert {n.namespace for n in (*syncs, joined, slam)} == {"rtabmap"}
        assert (parameters_of(slam)["rgbd_cameras"], parameters_of(slam)["subscribe_rgbd"]) == (0, True)
    for faces in ("front", "front,left,back,right,up,down,front"):
        with pytest.raises(ValueError, match="two to six"):
            launched("rtabmap.launch.py", tmp_path, faces=faces)


def test_nvblox_gets_four_cameras(tmp_path: Path, arrived: dict[str, Any]) -> None:
    (node,) = launched("nvblox.launch.py", tmp_path)
    remapped = dict(node.remappings)
    assert len(remapped) == 16 and parameters_of(node)["num_cameras"] == 4
    for i, name in enumerate(("front", "left", "back", "right")):
        depth, info = (arrived[remapped[f"camera_{i}/depth/{part}"]] for part in ("image", "camera_info"))
        color, color_info = (arrived[remapped[f"camera_{i}/color/{part}"]] for part in ("image", "camera_info"))
        assert color_info is info and depth.header == info.header == color.header
        assert info.header.frame_id == f"camera_{name}_optical_frame"
        assert (depth.encoding, color.encoding) == ("32FC1", "rgb8")  # rgb8 or bgra8, and 32FC1 or 16UC1, are taken
        assert info.k[0] == info.k[4] > 0.0 and (info.width, info.height) == (depth.width, depth.height)
        assert not np.any(info.d)
    with pytest.raises(ValueError, match="one to four"):
        launched("nvblox.launch.py", tmp_path, faces="front,left,back,right,down")


# Foxglove.


def test_foxglove_layout(peer: Peer, process: RosProcess, arrived: dict[str, Any]) -> None:
    layout = json.loads((EXAMPLES / "foxglove_layout.json").read_text())
    panels = layout["configById"]

    def shown(part: Any) -> list[str]:
        if isinstance(part, str):
            return [part]
        assert part["direction"] in ("row", "column") and 0 < part["splitPercentage"] < 100
        return shown(part["first"]) + shown(part["second"])

    assert sorted(shown(layout["layout"])) == sorted(panels)
    assert {panel.split("!")[0] for panel in panels} == FOXGLOVE_PANELS
    # The panorama is the topic that the node itself takes.
    subscribed = dict(peer.node.get_subscriber_names_and_types_by_node("depth_node", "/camera"))
    assert panels["Image!panorama"]["imageMode"]["imageTopic"] in subscribed
    assert (arrived["/camera/depth/color"].encoding) == "rgb8"
    assert panels["3D!scene"]["followTf"] == arrived["/camera/scan"].header.frame_id
    # Status names and keys of the plots are those of the node's diagnostics.
    status = "/camera/depth_node: depth"
    keys = []
    for panel in ("Plot!latency", "Plot!rate"):
        for path in panels[panel]["paths"]:
            match = re.fullmatch(
                r'/diagnostics\.status\[:\]\{name=="(.*)"\}\.values\[:\]\{key=="(\w+)"\}\.value', path["value"]
            )
            assert match and match[1] == status
            keys.append(match[2])
    assert peer.wait(lambda: "total_ms_p95" in peer.diagnostics("depth")), process.log()
    values = values_of(peer.status[status])
    assert all(float(values[key]) >= 0.0 for key in keys) and len(keys) == 5
    selected = panels["DiagnosticStatusPanel!depth"]
    assert (selected["selectedHardwareId"], selected["selectedName"]) == (peer.status[status].hardware_id, status)


# The launch file that lays the files over a robot's own parameters.


@pytest.fixture
def overlaid(tmp_path: Path) -> Callable[[str, str], dict[str, Any]]:
    """The parameters that navigation_launch.py is included with."""

    def run(params_file: str, overlays: str) -> dict[str, Any]:
        context = launch_standin.LaunchContext(tmp_path, {}, {"params_file": params_file, "overlays": overlays})
        for entity in described("nav2.launch.py", {"nav2_bringup": tmp_path}).entities:
            if isinstance(entity, launch_standin.OpaqueFunction):
                (include,) = entity.function(context)
        assert include.path == str(tmp_path / "launch" / "navigation_launch.py")
        merged = Path(include.arguments["params_file"])
        try:
            return yaml.safe_load(merged.read_text())
        finally:
            merged.unlink()

    return run


def test_nav2_launch_lays_the_examples_over_the_robots_parameters(tmp_path: Path, overlaid: Callable) -> None:
    robot = {
        "local_costmap": {"local_costmap": {"ros__parameters": {
            "plugins": ["voxel_layer", "inflation_layer"], "always_send_full_costmap": True, "width": 3,
            "voxel_layer": {"plugin": "nav2_costmap_2d::VoxelLayer"},
            "inflation_layer": {"plugin": "nav2_costmap_2d::InflationLayer", "inflate_unknown": True},
        }}},
        "collision_monitor": {"ros__parameters": {"polygons": ["FootprintApproach"], "source_timeout": 5.0}},
        "controller_server": {"ros__parameters": {"controller_frequency": 20.0, "FollowPath": {"tolerance": 1e-10}}},
    }  # fmt: skip
    (tmp_path / "params").mkdir()
    own = tmp_path / "params" / "nav2_params.yaml"
    own.write_text(yaml.safe_dump(robot))
    both = overlaid(str(own), "nav2_local_costmap.yaml, collision_monitor.yaml")
    local = both["local_costmap"]["local_costmap"]["ros__parameters"]
    assert local["plugins"] == ["obstacle_layer", "inflation_layer"]
    assert local["obstacle_layer"] == costmap("nav2_local_costmap.yaml")["obstacle_layer"]
    assert (local["width"], local["always_send_full_costmap"]) == (6, True)
    assert local["inflation_layer"]["inflate_unknown"] is True and local["inflation_layer"]["inflation_radius"] == 0.55
    assert both["collision_monitor"]["ros__parameters"] == monitor()
    assert both["controller_server"] == robot["controller_server"]
    default = overlaid("", "stvl.yaml")
    assert default["local_costmap"]["local_costmap"]["ros__parameters"]["plugins"] == ["stvl_layer", "inflation_layer"]
    assert default["collision_monitor"] == robot["collision_monitor"]
