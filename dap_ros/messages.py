"""Arrays to and from ROS messages.

`cv_bridge` and `sensor_msgs_py` do the conversion where they are installed and work; the numpy path beside them gives
byte-identical messages. cv_bridge built for NumPy 1 fails to import, or misbehaves, beside NumPy 2, so it is used only
after one conversion through it came out right.
"""

from __future__ import annotations

import array
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, LaserScan, PointCloud2, PointField
from std_msgs.msg import Header

from dap_core.io.image_messages import decode_compressed, decode_image
from dap_core.io.ros_fields import (
    Fields,
    as_bytes,
    camera_info_fields,
    check_pixels,
    cloud_columns,
    cloud_fields,
    image_fields,
    mask_pixels,
    organised_fields,
    point_fields,
    range_pixels,
    scan_fields,
)
from dap_core.products.cloud import Cloud
from dap_core.products.faces import Face
from dap_core.products.scan import Scan


def pixels_of(message: Image | CompressedImage, check_shape: Callable[[int, int], None]) -> NDArray[np.uint8]:
    """RGB pixels (H, W, 3) uint8 of an input message; they may be a view of the message's data.

    `check_shape(height, width)` raises InputError for a size that the camera's images cannot have. Raises MessageError
    (an InputError with a `reason`) for whatever is wrong with the message. Not by cv_bridge, which misreads rows padded
    to other than whole pixels and fails on the big-endian flag beside NumPy 2.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message, check_shape)
    return decode_image(message, check_shape)


def image_message(pixels: NDArray, encoding: str, header: Header) -> Image:
    """Image of (H, W) or (H, W, C) pixels; the array's type must be the encoding's (32FC1, 16UC1, mono8, rgb8)."""
    check_pixels(pixels, encoding)
    bridge = cv_bridge()
    if bridge is not None:
        return bridge.cv2_to_imgmsg(pixels, encoding, header)
    return numpy_image_message(pixels, encoding, header)


def numpy_image_message(pixels: NDArray, encoding: str, header: Header) -> Image:
    """`image_message` without cv_bridge."""
    return _filled(Image(header=header), image_fields(pixels, encoding))


def mask_message(mask: NDArray[np.bool_], header: Header) -> Image:
    """mono8 image of a boolean mask (H, W): 255 where true."""
    return image_message(mask_pixels(mask), "mono8", header)


def range_message(range_m: NDArray[np.float32], encoding: str, header: Header) -> Image:
    """Range image (H, W) metres as 32FC1, or as 16UC1 millimetres; see `range_pixels`."""
    return image_message(range_pixels(range_m, encoding), encoding, header)


def cloud_message(points: NDArray[np.float32], names: tuple[str, ...], header: Header) -> PointCloud2:
    """Unorganised PointCloud2 of points (N, len(names)) float32 with one float32 field to a column."""
    point_cloud2 = sensor_msgs_py()
    if point_cloud2 is not None:
        fields = [PointField(**field) for field in point_fields(names)]
        structured = np.ascontiguousarray(points).view([(n, np.float32) for n in names]).reshape(-1)
        return point_cloud2.create_cloud(header, fields, structured)
    return numpy_cloud_message(points, names, header)


def numpy_cloud_message(points: NDArray[np.float32], names: tuple[str, ...], header: Header) -> PointCloud2:
    """`cloud_message` without sensor_msgs_py."""
    return _filled(PointCloud2(header=header), cloud_fields(points, names))


def points_message(cloud: Cloud, header: Header) -> PointCloud2:
    """PointCloud2 with the float32 fields x y z height, and rgb, packed as PCL reads it, where there is colour."""
    return cloud_message(*cloud_columns(cloud), header)


def organised_message(points: NDArray[np.float32], header: Header) -> PointCloud2:
    """PointCloud2 of (H, W, 3) points in image order, nan where there is none."""
    return _filled(PointCloud2(header=header), organised_fields(points))


def scan_message(scan: Scan, header: Header) -> LaserScan:
    """LaserScan of a scan; all beams are of one moment."""
    return _filled(LaserScan(header=header), scan_fields(scan))


def camera_info_message(face: Face, header: Header) -> CameraInfo:
    """CameraInfo of a face: undistorted pinhole, K and P the same."""
    return _filled(CameraInfo(header=header), camera_info_fields(face))


#: Type codes of the arrays that rclpy takes without looking at every element.
_TYPE_CODES = {np.dtype(np.uint8): "B", np.dtype(np.float32): "f"}


def _filled(message: Any, fields: Fields) -> Any:
    """A message with the fields of `dap_core.io.ros_fields`."""
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            sequence = array.array(_TYPE_CODES[value.dtype])
            if value.size:
                sequence.frombytes(value.data.cast("B"))
            value = sequence
        elif name == "fields":
            value = [PointField(**field) for field in value]
        setattr(message, name, value)
    return message


def byte_array(values: NDArray) -> array.array:
    """The bytes of an array as `array.array('B')`."""
    data = array.array("B")
    if values.size:
        data.frombytes(as_bytes(values).data)
    return data


def data_bytes(message: Any) -> int:
    """Bytes of what a message carries, without its header: an image's or a cloud's data, a scan's ranges."""
    return len(message.data) if hasattr(message, "data") else 4 * len(getattr(message, "ranges", ()))


@functools.lru_cache(maxsize=1)
def cv_bridge() -> Any | None:
    """A working cv_bridge.CvBridge, or None."""
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        probe = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
        message = bridge.cv2_to_imgmsg(probe, "bgr8", Header())
        there_and_back = np.asarray(bridge.imgmsg_to_cv2(message, "rgb8"))
        same = bytes(message.data) == probe.tobytes() and np.array_equal(there_and_back, probe[..., ::-1])
    except Exception:  # absent (ImportError), or built for another NumPy (ImportError, AttributeError, SystemError)
        return None
    return bridge if same else None


@functools.lru_cache(maxsize=1)
def sensor_msgs_py() -> Any | None:
    """The module sensor_msgs_py.point_cloud2, or None."""
    try:
        from sensor_msgs_py import point_cloud2
    except Exception:
        return None
    return point_cloud2
