"""Fields of ROS messages from arrays: the layout of images, clouds, scans and camera infos, without ROS.

Each function gives the fields of a message but its header, by name and in the definition's order; `data` and other
sequences are arrays of the wire's type. The node fills rclpy's messages with them, and the bag writer its own, so that
a bag made offline has the same messages as one recorded live.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.products.cloud import Cloud
from dap_core.products.faces import Face
from dap_core.products.scan import Scan

Fields = dict[str, Any]

#: sensor_msgs/PointField.FLOAT32
FLOAT32 = 7

_DTYPES = {"32FC1": np.dtype(np.float32), "16UC1": np.dtype(np.uint16), "mono8": np.dtype(np.uint8)}


def image_fields(pixels: NDArray, encoding: str) -> Fields:
    """sensor_msgs/Image of (H, W) or (H, W, C) pixels; TypeError unless their type is the encoding's."""
    check_pixels(pixels, encoding)
    height, width = pixels.shape[:2]
    return {
        "height": height,
        "width": width,
        "encoding": encoding,
        "is_bigendian": int(sys.byteorder == "big"),
        "step": pixels.nbytes // height,
        "data": as_bytes(pixels),
    }


def check_pixels(pixels: NDArray, encoding: str) -> None:
    """TypeError unless pixels have the type of their encoding (32FC1, 16UC1, mono8, rgb8)."""
    dtype = _DTYPES.get(encoding, np.dtype(np.uint8))
    if pixels.dtype != dtype:
        raise TypeError(f"{encoding} takes {dtype} pixels, got {pixels.dtype}")


def mask_pixels(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """mono8 pixels of a mask (H, W): 255 where true."""
    return np.where(mask, np.uint8(255), np.uint8(0))


def range_pixels(range_m: NDArray[np.float32], encoding: str) -> NDArray:
    """Pixels of a range image (H, W) metres as 32FC1, or as 16UC1 millimetres.

    32FC1 carries the contract as it is: +inf far, nan unknown. 16UC1 has neither: 0 is unknown, and 65535 is far or
    anything at or beyond 65.535 m.
    """
    if encoding == "32FC1":
        return range_m
    with np.errstate(invalid="ignore"):
        millimetres = np.minimum(np.rint(np.nan_to_num(range_m, nan=0.0, posinf=np.inf) * 1000.0), 65535.0)
    return millimetres.astype(np.uint16)


def cloud_fields(points: NDArray[np.float32], names: tuple[str, ...]) -> Fields:
    """sensor_msgs/PointCloud2, unorganised, of points (N, len(names)): one float32 field to a column.

    `fields` is a list of the fields of sensor_msgs/PointField.
    """
    count, columns = points.shape
    return {
        "height": 1,
        "width": count,
        "fields": point_fields(names),
        "is_bigendian": sys.byteorder == "big",
        "point_step": 4 * columns,
        "row_step": 4 * columns * count,
        "data": as_bytes(np.asarray(points, np.float32)),
        "is_dense": False,
    }


def organised_fields(points: NDArray[np.float32]) -> Fields:
    """sensor_msgs/PointCloud2 of (H, W, 3) points in image order, nan where there is none."""
    height, width = points.shape[:2]
    fields = cloud_fields(points.reshape(-1, 3), ("x", "y", "z"))
    return fields | {"height": height, "width": width, "row_step": 12 * width}


def point_fields(names: tuple[str, ...]) -> list[Fields]:
    """sensor_msgs/PointField of one float32 after the other."""
    return [{"name": name, "offset": 4 * i, "datatype": FLOAT32, "count": 1} for i, name in enumerate(names)]


def cloud_columns(cloud: Cloud) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Columns and their names of a cloud: x y z height, and rgb, packed as PCL reads it, where there is colour."""
    names: tuple[str, ...] = ("x", "y", "z", "height")
    if cloud.rgb is None:
        return cloud.xyzh, names
    channels = cloud.rgb.astype(np.uint32)
    packed = (channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]).view(np.float32)
    return np.column_stack([cloud.xyzh, packed]), (*names, "rgb")


def scan_fields(scan: Scan) -> Fields:
    """sensor_msgs/LaserScan of a scan; all beams are of one moment."""
    return {
        "angle_min": float(scan.angle_min),
        "angle_max": float(scan.angle_max),
        "angle_increment": float(scan.angle_increment),
        "time_increment": 0.0,
        "scan_time": 0.0,
        "range_min": float(scan.range_min),
        "range_max": float(scan.range_max),
        "ranges": np.ascontiguousarray(scan.ranges, np.float32),
        "intensities": np.zeros(0, np.float32),
    }


def camera_info_fields(face: Face) -> Fields:
    """sensor_msgs/CameraInfo of a face, without its defaults: undistorted pinhole, K and P the same."""
    return {
        "height": face.size,
        "width": face.size,
        "distortion_model": "plumb_bob",
        "d": [0.0] * 5,
        "k": [float(v) for v in np.asarray(face.K).reshape(-1)],
        "r": [float(v) for v in np.eye(3).reshape(-1)],
        "p": [float(v) for v in np.column_stack([face.K, np.zeros(3)]).reshape(-1)],
    }


def as_bytes(values: NDArray) -> NDArray[np.uint8]:
    """The bytes of an array, (N,) uint8; a view where it is contiguous."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
