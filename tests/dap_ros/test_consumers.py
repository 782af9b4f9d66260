"""What navigation stacks do with the messages, on messages received from the real node over DDS.

The rules are those of the consumers' own sources, as docs/consumers.md names them; each is written here once more, in
plain numpy, and applied to what arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from analytic_panorama import box_range, floor_range
from known_model import fine_image, write_fine_model
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2

from dap_core import panorama

H = 128
CAMERA_HEIGHT = 1.0
FACES = ("front", "left", "back", "right", "up", "down")
#: The box behind the robot straddles the seam; the one to the left stands beside it. Everything else is floor and sky.
BEHIND, LEFT = (-3.5, 0.0, -0.25), (0.0, 2.5, 0.0)
SIZE = (1.0, 1.0, 1.5)


def scene() -> np.ndarray:
    """Range (H, 2 H) of a floor up to 60 m away and two boxes, sky elsewhere."""
    floor = floor_range(H, CAMERA_HEIGHT)
    floor[floor > 60.0] = np.inf
    return np.minimum.reduce([floor, box_range(H, BEHIND, SIZE), box_range(H, LEFT, SIZE)])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RosProcess]:
    parameters = {
        "model": str(write_fine_model(tmp_path_factory.mktemp("model") / "fine.onnx", H)),
        "backend": "onnxruntime",
        "diagnostics_period": 0.1,
        "camera_height": CAMERA_HEIGHT,
        "edges.enabled": False,
        "faces.names": list(FACES),
        "faces.size": 96,
        "scan.min_height": -0.6,
        "scan.max_height": 0.4,
        "scan.range_max": 15.0,
    }
    with RosProcess("dap_ros.depth_node", parameters, {"image": "/pano"}) as process:
        yield process
        assert process.stop() == 0, process.log()
        assert "Traceback" not in process.log()


@pytest.fixture(scope="module")
def got(process: RosProcess) -> dict[str, Any]:
    """One message of every output that consumers take, all of the same image, through best-effort subscriptions."""
    topics: dict[str, type] = {
        "/depth/image": Image, "/points": PointCloud2, "/points/clearing": PointCloud2, "/points/full": PointCloud2,
        "/scan": LaserScan,
    }  # fmt: skip
    for name in FACES:
        topics |= {
            f"/faces/{name}/image": Image,
            f"/faces/{name}/depth": Image,
            f"/faces/{name}/camera_info": CameraInfo,
        }
    with Peer("/depth_node") as peer:
        # The consumers named below subscribe with sensor-data quality of service: best effort, a few messages deep.
        lists = {topic: peer.listen(topic, kind, "best_effort", 5) for topic, kind in topics.items()}
        image = raw_image(fine_image(scene()), stamp=42)
        assert peer.wait(lambda: peer.publish("/pano", image) or all(lists.values())), process.log()
        return {topic: messages[-1] for topic, messages in lists.items()}


def fields_of(cloud: PointCloud2) -> dict[str, np.ndarray]:
    """Fields by name, as sensor_msgs::PointCloud2ConstIterator<float> reads them."""
    rows = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_step)
    assert all(f.datatype == 7 and f.count == 1 for f in cloud.fields)
    return {f.name: rows[:, f.offset : f.offset + 4].copy().view(np.float32)[:, 0] for f in cloud.fields}


def xyz_of(cloud: PointCloud2) -> np.ndarray:
    fields = fields_of(cloud)
    return np.stack([fields[n] for n in "xyz"], -1)


def buffered(cloud: PointCloud2, min_height: float, max_height: float) -> np.ndarray:
    """Nav2's ObservationBuffer: in the costmap's frame (on the floor), keep z in [min, max]; nan compares false."""
    points = xyz_of(cloud) + np.array([0.0, 0.0, CAMERA_HEIGHT])
    with np.errstate(invalid="ignore"):
        return points[(points[:, 2] >= min_height) & (points[:, 2] <= max_height)]


def distance_outside(points: np.ndarray, centre: tuple[float, ...]) -> np.ndarray:
    """How far points of the link frame are from a box's surface; 0 inside it."""
    return np.linalg.norm(np.maximum(np.abs(points - centre) - np.array(SIZE) / 2, 0.0), axis=1)


def test_every_message_has_the_stamp_and_a_frame_with_z_up(got: dict[str, Any]) -> None:
    assert {m.header.stamp.sec for m in got.values()} == {42}
    assert {got[t].header.frame_id for t in ("/points", "/points/clearing", "/points/full", "/scan")} == {"pano_link"}
    assert got["/depth/image"].header.frame_id == "pano_optical_frame"


def test_nav2_marks_the_boxes_and_not_the_floor(got: dict[str, Any]) -> None:
    marked = buffered(got["/points"], 0.1, 2.0) - (0.0, 0.0, CAMERA_HEIGHT)
    off = np.minimum(distance_outside(marked, BEHIND), distance_outside(marked, LEFT))
    assert len(marked) > 300 and off.max() < 0.01
    for centre in (BEHIND, LEFT):
        assert (distance_outside(marked, centre) < 0.01).sum() > 100


def test_nav2_clears_free_space_and_no_obstacle(got: dict[str, Any]) -> None:
    points = buffered(got["/points/clearing"], -1000.0, 1000.0) - (0.0, 0.0, CAMERA_HEIGHT)
    assert len(points) > 500 and np.isfinite(points).all()
    reach = np.linalg.norm(points, axis=1)
    rays = points / reach[:, None]
    for centre in (BEHIND, LEFT):
        along = reach[:, None] * np.linspace(0.0, 1.0, 400)[None]
        inside = np.abs(rays[:, None] * along[..., None] - np.asarray(centre)) < np.array(SIZE) / 2 - 1e-3
        assert not inside.all(-1).any()
    assert (points[rays[:, 2] < -0.02, 2] > -CAMERA_HEIGHT).all()
    # Ahead nothing stands: rays near the horizon go out to the limit of the model.
    ahead = (np.abs(rays[:, 2]) < 0.03) & (rays[:, 0] > 0.9)
    assert ahead.sum() >= 2 and reach[ahead].max() == pytest.approx(100.0, rel=0.01)
    # With the heights of a marking source the buffer would drop what clears the space above and far ahead.
    assert len(buffered(got["/points/clearing"], 0.1, 2.0)) < 0.5 * len(points)


def test_stvl_sees_the_floor_below(got: dict[str, Any]) -> None:
    """model_type 1 takes the cloud's own frame as x forward, z up, and its field of view as a full circle."""
    points = xyz_of(got["/points"])
    floor = np.abs(points[:, 2] + CAMERA_HEIGHT) < 0.01
    assert floor.mean() > 0.5
    azimuth = np.sort(np.arctan2(points[floor, 1], points[floor, 0]))
    assert np.diff(azimuth).max() < 0.35


def test_collision_monitor_reads_height(got: dict[str, Any]) -> None:
    fields = fields_of(got["/points"])
    np.testing.assert_allclose(fields["height"], fields["z"] + CAMERA_HEIGHT, atol=1e-6)
    floor = np.abs(fields["z"] + CAMERA_HEIGHT) < 0.01
    assert np.abs(fields["height"][floor]).max() < 0.01


def test_laser_scan_by_rep_117(got: dict[str, Any]) -> None:
    scan: LaserScan = got["/scan"]
    ranges = np.array(scan.ranges, np.float32)
    beams = len(ranges)
    # slam_toolbox and laser_geometry count the beams by the angles.
    assert round((scan.angle_max - scan.angle_min) / scan.angle_increment) + 1 == beams == 2 * H
    assert scan.angle_increment == pytest.approx(2 * np.pi / beams) and scan.angle_min == pytest.approx(
        -np.pi + np.pi / beams
    )
    assert (scan.range_min, scan.range_max) == (pytest.approx(0.2), pytest.approx(15.0))
    angle = scan.angle_min + scan.angle_increment * np.arange(beams)
    hit = np.isfinite(ranges)
    assert (ranges[hit] >= scan.range_min).all() and (ranges[hit] <= scan.range_max).all()
    assert set(ranges[~hit]) == {np.float32(np.inf)}
    assert ranges[[0, -1]] == pytest.approx(3.0, abs=0.01), "the box at the seam"
    assert ranges[np.argmin(np.abs(angle - np.pi / 2))] == pytest.approx(2.0, abs=0.01)
    assert np.isinf(ranges[np.abs(angle) < 1.0]).all()
    ends = np.stack([ranges * np.cos(angle), ranges * np.sin(angle), np.zeros(beams)], -1)[hit]
    assert np.minimum(distance_outside(ends, BEHIND), distance_outside(ends, LEFT)).max() < 0.01


def test_faces_are_what_depth_image_proc_nvblox_and_rtabmap_take(got: dict[str, Any]) -> None:
    full = got["/points/full"]
    assert (full.height, full.width) == (H, 2 * H)
    organised = xyz_of(full).reshape(H, 2 * H, 3)
    body_from_face = {
        "front": np.eye(3), "left": panorama.yaw_pitch_roll(np.pi / 2), "back": panorama.yaw_pitch_roll(np.pi),
        "right": panorama.yaw_pitch_roll(-np.pi / 2), "up": panorama.yaw_pitch_roll(pitch=-np.pi / 2),
        "down": panorama.yaw_pitch_roll(pitch=np.pi / 2),
    }  # fmt: skip
    for name in FACES:
        image, depth, info = (got[f"/faces/{name}/{part}"] for part in ("image", "depth", "camera_info"))
        assert image.header == depth.header == info.header
        assert info.header.frame_id == f"pano_{name}_optical_frame"
        assert {(m.width, m.height) for m in (image, depth, info)} == {(96, 96)}
        assert (image.encoding, depth.encoding, info.distortion_model, list(info.d)) == (
            "rgb8",
            "32FC1",
            "plumb_bob",
            [0.0] * 5,
        )
        k, p = np.reshape(info.k, (3, 3)), np.reshape(info.p, (3, 4))
        np.testing.assert_array_equal(p[:, :3], k)
        np.testing.assert_array_equal(p[:, 3], 0.0)
        assert k[0, 0] == k[1, 1] > 0 and 0 < k[0, 2] < 95 and 0 < k[1, 2] < 95
        z = np.frombuffer(depth.data, np.float32).reshape(96, 96)
        v, u = np.mgrid[:96, :96]
        optical = np.stack([(u - k[0, 2]) / k[0, 0] * z, (v - k[1, 2]) / k[1, 1] * z, z], -1)
        seen = np.isfinite(z)
        assert not np.isnan(z).any() and (z > 0).all() and seen.any() == (name != "up")
        if not seen.any():
            continue
        points = optical[seen] @ (body_from_face[name] @ panorama.BODY_FROM_OPTICAL).T
        rows, columns = np.rint(panorama.project(points, H)).astype(int)[:, ::-1].T
        there = organised[np.clip(rows, 0, H - 1), columns % (2 * H)]
        error = np.linalg.norm(points - there, axis=1)
        # Where resampling stays on one surface a point lies within a pixel's footprint of its twin.
        assert np.mean(error < np.linalg.norm(points, axis=1) * (np.pi / H)) > 0.97, name


def test_a_masked_robot_is_in_no_output(process: RosProcess) -> None:
    topics = {"/depth/image": Image, "/mask/near": Image, "/mask/far": Image, "/points": PointCloud2,
              "/points/clearing": PointCloud2, "/scan": LaserScan}  # fmt: skip
    with Peer("/depth_node") as peer:
        assert peer.set_parameter("mask.nadir", 40.0) == (True, "")
        assert peer.set_parameter("mask.polygons", ["-20 -90, 20 -90, 20 89, -20 89"]) == (True, "")
        lists = {topic: peer.listen(topic, kind) for topic, kind in topics.items()}
        image = raw_image(fine_image(scene()), stamp=43)
        assert peer.wait(lambda: peer.publish("/pano", image) or all(lists.values())), process.log()
        got = {topic: messages[-1] for topic, messages in lists.items()}
        assert peer.set_parameter("mask.nadir", 0.0)[0] and peer.set_parameter("mask.polygons", [""])[0]
    depth = np.frombuffer(got["/depth/image"].data, np.float32).reshape(H, 2 * H)
    azimuth, elevation = np.degrees(panorama.azimuths(2 * H))[None], np.degrees(panorama.elevations(H))[:, None]
    inside = (elevation < -51.0) | ((np.abs(azimuth) < 19.0) & (elevation < 88.0))
    assert np.isnan(depth[np.broadcast_to(inside, depth.shape)]).all() and np.isnan(depth).mean() < 0.45
    for mask in ("/mask/near", "/mask/far"):
        assert not np.frombuffer(got[mask].data, np.uint8).reshape(H, 2 * H)[np.isnan(depth)].any()
    for cloud in ("/points", "/points/clearing"):
        points = xyz_of(got[cloud])
        down = np.degrees(np.arcsin(points[:, 2] / np.linalg.norm(points, axis=1)))
        beside = np.degrees(np.abs(np.arctan2(points[:, 1], points[:, 0])))
        assert down.min() > -51.5 and beside[down < 85.0].min() > 18.5
    ranges = np.array(got["/scan"].ranges)
    angles = np.degrees(got["/scan"].angle_min + got["/scan"].angle_increment * np.arange(len(ranges)))
    assert np.isnan(ranges[np.abs(angles) < 18.0]).all() and not np.isnan(ranges[np.abs(angles) > 22.0]).any()
