"""Bags of a robot that drives through a world known in closed form, with a camera, its depth, and a lidar.

The world is a room with pillars. The camera's link is level, and the lidar sits beside it; the robot drives on a curve,
so that neither a wrong offset of the clock nor wrong extrinsics go unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from analytic_panorama import box_along, floor_along, rays
from numpy.typing import NDArray

from dap_core.io.bag_writer import BagWriter, ros_types
from dap_core.io.frame_tree import Pose
from dap_core.io.ros_messages import cloud_message, header, image_message, transform_message
from dap_core.panorama import BODY_FROM_OPTICAL, yaw_pitch_roll

IMAGE, DEPTH, LIDAR, SCAN, IMU = "/camera/image", "/camera/depth/image", "/lidar/points", "/lidar/scan", "/camera/imu"
OPTICAL, LINK, LIDAR_FRAME = "camera_optical_frame", "camera_link", "lidar_link"
CAMERA_HEIGHT, START_S = 1.1, 1000.0

#: Centres and edges of boxes, metres, in the world: the room first.
BOXES = [
    ((0.0, 0.0, 1.5), (14.0, 10.0, 3.0)),
    ((3.0, 2.0, 1.0), (0.6, 0.6, 2.0)),
    ((2.0, -2.2, 0.5), (1.0, 0.7, 1.0)),
    ((-3.0, 1.8, 1.5), (0.4, 0.4, 3.0)),
    ((-2.0, -3.0, 0.6), (1.6, 0.5, 1.2)),
]

#: Pose of the lidar in the camera's link.
LIDAR_POSE = Pose(yaw_pitch_roll(yaw=0.4, pitch=0.03), np.array([-0.35, 0.2, 0.4]))


def camera_pose(at_s: float) -> Pose:
    """Pose of the camera's link in the world, seconds after the start."""
    heading = 0.8 * at_s
    return Pose(
        yaw_pitch_roll(yaw=heading), np.array([0.9 * np.sin(heading), 0.9 * (1 - np.cos(heading)), CAMERA_HEIGHT])
    )


def cast(pose: Pose, directions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Range along unit directions (..., 3) of a sensor with a pose in the world."""
    world = directions @ pose.rotation.T
    result = np.full(directions.shape[:-1], np.inf)
    for centre, size in BOXES:
        result = np.minimum(result, box_along(world, np.array(centre) - pose.translation, size))
    return np.minimum(result, floor_along(world, pose.translation[2]))


def lidar_directions(beams: int = 16, columns: int = 360) -> NDArray[np.float64]:
    """Unit rays (beams * columns, 3) of a spinning lidar, -20 to 15 degrees."""
    e, a = np.meshgrid(np.radians(np.linspace(-20, 15, beams)), np.linspace(-np.pi, np.pi, columns, endpoint=False))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1).reshape(-1, 3)


@dataclass
class Recording:
    """What is recorded. `depth_scale` multiplies the depth; the lidar turns `lidar_lag_s` after each picture, and its
    stamps are wrong by `lidar_clock_s`; `claimed` is the pose of the lidar that /tf_static says, None: it says nothing.
    """

    frames: int = 12
    rate_hz: float = 10.0
    height: int = 128
    depth_scale: float = 1.0
    lidar_clock_s: float = 0.0
    lidar_lag_s: float = 0.007
    claimed: Pose | None = LIDAR_POSE
    columns: int = 240
    lidar_unit_m: float = 1.0
    with_depth: bool = True
    with_image: bool = False
    with_lidar: bool = True
    with_scan: bool = False
    with_imu: bool = False
    with_odometry: bool = False
    storage: str = "mcap"
    compressed: bool = False

    def write(self, folder: Path) -> Path:
        """Write the bag folder."""
        with BagWriter(folder, self.storage, self.compressed) as writer:
            start = round(START_S * 1e9)
            writer.write("/tf_static", transform_message(LINK, OPTICAL, BODY_FROM_OPTICAL, np.zeros(3), start), start)
            if self.claimed is not None:
                place = transform_message(LINK, LIDAR_FRAME, self.claimed.rotation, self.claimed.translation, start)
                writer.write("/tf_static", place, start)
            for i in range(self.frames):
                self._frame(writer, i / self.rate_hz)
        return folder

    def _frame(self, writer: BagWriter, at_s: float) -> None:
        pose, stamp = camera_pose(at_s), round((START_S + at_s) * 1e9)
        head = header(stamp, OPTICAL)
        range_m = cast(pose, rays(self.height)).astype(np.float32)
        if self.with_odometry:
            writer.write("/tf", transform_message("odom", LINK, pose.rotation, pose.translation, stamp), stamp)
        if self.with_imu:
            writer.write(IMU, imu_message(stamp), stamp - 1_000_000)
        if self.with_image:
            writer.write(IMAGE, image_message(picture_of(range_m), "rgb8", head), stamp)
        if self.with_depth:
            scaled = range_m * np.float32(self.depth_scale)
            writer.write(DEPTH, image_message(scaled, "32FC1", head), stamp + 30_000_000)
        # The lidar turns once a frame, and its stamps are a little beside the camera's.
        lidar_s = at_s + self.lidar_lag_s
        world, late = camera_pose(lidar_s) @ LIDAR_POSE, round((START_S + lidar_s + self.lidar_clock_s) * 1e9)
        lidar_head = header(late, LIDAR_FRAME)
        recorded = round((START_S + lidar_s) * 1e9) + 20_000_000
        if self.with_lidar:
            directions = lidar_directions(columns=self.columns)
            points = directions * cast(world, directions)[:, None] / self.lidar_unit_m
            writer.write(LIDAR, cloud_message(points.astype(np.float32), ("x", "y", "z"), lidar_head), recorded)
        if self.with_scan:
            writer.write(SCAN, scan_message(world, lidar_head), recorded)


def picture_of(range_m: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A picture (H, W, 3) from which `known_model` reads the range: red is 40 levels a metre from 1 m on."""
    red = np.clip(np.rint((np.minimum(range_m, 20.0) - 1.0) * 10.0), 0, 255).astype(np.uint8)
    return np.stack([red, np.full_like(red, 90), np.zeros_like(red)], -1)


def jpeg_message(rgb: NDArray[np.uint8], head: Any) -> Any:
    """sensor_msgs/CompressedImage, as PNG, so that nothing is lost."""
    data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].reshape(-1)
    return ros_types().types["sensor_msgs/msg/CompressedImage"](head, "rgb8; png compressed bgr8", data)


def scan_message(world: Pose, head: Any, beams: int = 720) -> Any:
    """sensor_msgs/LaserScan in the lidar's own plane."""
    angles = np.linspace(-np.pi, np.pi, beams, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles), np.zeros(beams)], -1)
    ranges = cast(world, directions).astype(np.float32)
    step = 2 * np.pi / beams
    kind = ros_types().types["sensor_msgs/msg/LaserScan"]
    return kind(head, -np.pi, np.pi - step, step, 0.0, 0.0, 0.1, 30.0, ranges, np.zeros(0, np.float32))


def imu_message(stamp_ns: int, pitch: float = 0.2, frame: str = LINK) -> Any:
    """sensor_msgs/Imu at rest, pitched down by radians, without an orientation."""
    types = ros_types().types
    vector, covariance = types["geometry_msgs/msg/Vector3"], np.zeros(9)
    unknown = np.array([-1.0, *np.zeros(8)])
    up = yaw_pitch_roll(pitch=pitch)[2] * 9.81
    return types["sensor_msgs/msg/Imu"](
        header(stamp_ns, frame),
        types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
        unknown,
        vector(0.0, 0.0, 0.0),
        covariance,
        vector(*(float(v) for v in up)),
        covariance,
    )
