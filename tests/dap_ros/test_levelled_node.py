"""A tilted camera, with gravity from an IMU or from parameters: clouds stay in its frame, heights follow gravity."""

from __future__ import annotations

import numpy as np
import pytest
from known_model import fine_image, write_fine_model
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import Image, Imu, LaserScan, PointCloud2
from transforms3d.quaternions import mat2quat

from dap_core.panorama import yaw_pitch_roll

H = 64
RADIUS = 4.0
#: Of the camera in the world: pitched down, rolled, and looking anywhere.
PITCH, ROLL, YAW = np.radians(12.0), np.radians(-9.0), 2.0


def imu(stamp: int, with_orientation: bool) -> Imu:
    """An IMU at rest in the camera's link frame."""
    message = Imu()
    message.header.frame_id, message.header.stamp.sec = "pano_link", stamp
    world_from_body = yaw_pitch_roll(YAW, PITCH, ROLL)
    up = world_from_body[2]
    message.linear_acceleration.x, message.linear_acceleration.y, message.linear_acceleration.z = 9.81 * up
    if with_orientation:
        q = message.orientation
        q.w, q.x, q.y, q.z = mat2quat(world_from_body)
    else:
        message.orientation_covariance[0] = -1.0
    return message


@pytest.mark.parametrize("source", ["orientation", "accelerometer", "parameters"])
def test_clouds_heights_and_the_scan_of_a_tilted_camera(source: str, tmp_path) -> None:
    parameters = {
        "model": str(write_fine_model(tmp_path / "fine.onnx", H)),
        "backend": "onnxruntime",
        "diagnostics_period": 0.1,
        "camera_height": 1.5,
        "levelling.source": "parameters" if source == "parameters" else "imu",
    }
    if source == "parameters":
        parameters |= {"levelling.pitch": float(np.degrees(PITCH)), "levelling.roll": float(np.degrees(ROLL))}
    topics = {"/points": PointCloud2, "/scan": LaserScan, "/depth/image": Image, "/points/full": PointCloud2}
    # A world that looks the same however the camera is turned: a sphere around it.
    picture = fine_image(np.full((H, 2 * H), RADIUS))
    with RosProcess("dap_ros.depth_node", parameters, {"image": "/pano"}) as process, Peer("/depth_node") as peer:
        lists = {topic: peer.listen(topic, kind) for topic, kind in topics.items()}
        stamp = iter(range(10, 10_000))

        def send() -> bool:
            now = next(stamp)
            if source != "parameters":
                peer.publish("/imu", imu(now, source == "orientation"))
                peer.spin(0.02)
            peer.publish("/pano", raw_image(picture, stamp=now))
            return all(m and m[-1].header.frame_id.endswith("level") for m in [lists["/scan"]]) and all(lists.values())

        assert peer.wait(send), process.log()
        points, scan, depth, full = (lists[t][-1] for t in topics)
        said = "parameters" if source == "parameters" else "from the IMU in pano_link"
        assert peer.wait(lambda: said in peer.diagnostics("depth").get("levelling", ""))
    assert (points.header.frame_id, scan.header.frame_id, full.header.frame_id) == (
        "pano_link",
        "pano_level",
        "pano_link",
    )
    xyzh = np.frombuffer(points.data, np.float32).reshape(-1, 4)
    np.testing.assert_allclose(np.linalg.norm(xyzh[:, :3], axis=1), RADIUS, rtol=1e-4)
    up = yaw_pitch_roll(pitch=PITCH, roll=ROLL)[2]
    np.testing.assert_allclose(xyzh[:, 3], xyzh[:, :3] @ up + 1.5, atol=5e-3)
    np.testing.assert_allclose(np.frombuffer(depth.data, np.float32), RADIUS, rtol=1e-4)
    np.testing.assert_allclose(np.array(scan.ranges), RADIUS, rtol=5e-3)
