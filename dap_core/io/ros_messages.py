"""Messages for bags, of the types of `rosbags`, from the fields of `dap_core.io.ros_fields`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from transforms3d.quaternions import mat2quat

from dap_core.io.bag_writer import ros_types
from dap_core.io.ros_fields import Fields, cloud_fields, image_fields, scan_fields
from dap_core.products.scan import Scan


def header(stamp_ns: int, frame_id: str) -> Any:
    """std_msgs/Header."""
    types = ros_types().types
    time = types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 1_000_000_000))
    return types["std_msgs/msg/Header"](time, frame_id)


def image_message(pixels: NDArray, encoding: str, head: Any) -> Any:
    """sensor_msgs/Image of (H, W) or (H, W, C) pixels of the encoding's type."""
    return _message("sensor_msgs/msg/Image", head, image_fields(pixels, encoding))


def cloud_message(points: NDArray[np.float32], names: tuple[str, ...], head: Any) -> Any:
    """sensor_msgs/PointCloud2 of points (N, len(names)) float32."""
    fields = cloud_fields(points, names)
    point_field = ros_types().types["sensor_msgs/msg/PointField"]
    fields["fields"] = [point_field(**field) for field in fields["fields"]]
    return _message("sensor_msgs/msg/PointCloud2", head, fields)


def scan_message(scan: Scan, head: Any) -> Any:
    """sensor_msgs/LaserScan of a scan."""
    return _message("sensor_msgs/msg/LaserScan", head, scan_fields(scan))


def rotation_message(parent: str, child: str, parent_from_child: NDArray[np.floating], stamp_ns: int) -> Any:
    """tf2_msgs/TFMessage with one transform, a rotation (3, 3) about a common origin."""
    return transform_message(parent, child, parent_from_child, np.zeros(3), stamp_ns)


def transform_message(
    parent: str, child: str, rotation: NDArray[np.floating], translation: NDArray[np.floating], stamp_ns: int
) -> Any:
    """tf2_msgs/TFMessage with one transform that takes points of `child` to `parent`."""
    types = ros_types().types
    w, x, y, z = (float(v) for v in mat2quat(np.asarray(rotation, np.float64)))
    transform = types["geometry_msgs/msg/Transform"](
        translation=types["geometry_msgs/msg/Vector3"](*(float(v) for v in translation)),
        rotation=types["geometry_msgs/msg/Quaternion"](x, y, z, w),
    )
    stamped = types["geometry_msgs/msg/TransformStamped"](header(stamp_ns, parent), child, transform)
    return types["tf2_msgs/msg/TFMessage"]([stamped])


def _message(kind: str, head: Any, fields: Fields) -> Any:
    return ros_types().types[kind](header=head, **fields)
