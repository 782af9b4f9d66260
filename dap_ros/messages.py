"""Arrays to and from ROS messages.

`cv_bridge` and `sensor_msgs_py` do the conversion where they are installed and work; the numpy path beside them gives
byte-identical messages. cv_bridge built for NumPy 1 fails to import, or misbehaves, beside NumPy 2, so it is used only
after one conversion through it came out right.
"""

from __future__ import annotations

import array
import functools
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image, PointCloud2, PointField
from std_msgs.msg import Header

from dap_core.io.image_messages import CHANNELS, check_image, decode_compressed, decode_image

_DTYPES = {"32FC1": np.dtype(np.float32), "16UC1": np.dtype(np.uint16), "mono8": np.dtype(np.uint8)}


def panorama_of(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """RGB panorama (H, W, 3) uint8 of an input message; it may be a view of the message's data.

    Raises MessageError (an InputError with a `reason`) for whatever is wrong with the message.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(message)
    bridge = cv_bridge()
    if bridge is None or message.encoding == "rgb8":  # rgb8 needs no conversion
        return decode_image(message)
    check_image(message)
    # cv_bridge misreads rows padded to other than whole pixels, and fails on the big-endian flag beside NumPy 2.
    if message.step != message.width * CHANNELS[message.encoding] or message.is_bigendian:
        return decode_image(message)
    return np.asarray(bridge.imgmsg_to_cv2(message, "rgb8"))


def image_message(pixels: NDArray, encoding: str, header: Header) -> Image:
    """Image of (H, W) or (H, W, C) pixels; the array's type must be the encoding's (32FC1, 16UC1, mono8, rgb8)."""
    dtype = _DTYPES.get(encoding, np.dtype(np.uint8))
    if pixels.dtype != dtype:
        raise TypeError(f"{encoding} takes {dtype} pixels, got {pixels.dtype}")
    bridge = cv_bridge()
    if bridge is not None:
        return bridge.cv2_to_imgmsg(pixels, encoding, header)
    return numpy_image_message(pixels, encoding, header)


def numpy_image_message(pixels: NDArray, encoding: str, header: Header) -> Image:
    """`image_message` without cv_bridge."""
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding)
    message.is_bigendian = int(sys.byteorder == "big")
    message.step = pixels.nbytes // height
    message.data = byte_array(pixels)
    return message


def mask_message(mask: NDArray[np.bool_], header: Header) -> Image:
    """mono8 image of a boolean mask (H, W): 255 where true."""
    return image_message(np.where(mask, np.uint8(255), np.uint8(0)), "mono8", header)


def range_message(range_m: NDArray[np.float32], encoding: str, header: Header) -> Image:
    """Range image (H, W) metres as 32FC1, or as 16UC1 millimetres.

    32FC1 carries the contract as it is: +inf far, nan unknown. 16UC1 has neither: 0 is unknown, and 65535 is far or
    anything at or beyond 65.535 m.
    """
    if encoding == "32FC1":
        return image_message(range_m, encoding, header)
    with np.errstate(invalid="ignore"):
        millimetres = np.minimum(np.rint(np.nan_to_num(range_m, nan=0.0, posinf=np.inf) * 1000.0), 65535.0)
    return image_message(millimetres.astype(np.uint16), encoding, header)


def cloud_message(points: NDArray[np.float32], names: tuple[str, ...], header: Header) -> PointCloud2:
    """Unorganised PointCloud2 of points (N, len(names)) float32 with one float32 field to a column."""
    point_cloud2 = sensor_msgs_py()
    if point_cloud2 is not None:
        fields = cloud_fields(names)
        structured = np.ascontiguousarray(points).view([(n, np.float32) for n in names]).reshape(-1)
        return point_cloud2.create_cloud(header, fields, structured)
    return numpy_cloud_message(points, names, header)


def numpy_cloud_message(points: NDArray[np.float32], names: tuple[str, ...], header: Header) -> PointCloud2:
    """`cloud_message` without sensor_msgs_py."""
    count, columns = points.shape
    message = PointCloud2(header=header, height=1, width=count, fields=cloud_fields(names))
    message.is_bigendian = sys.byteorder == "big"
    message.is_dense = False
    message.point_step = 4 * columns
    message.row_step = 4 * columns * count
    message.data = byte_array(np.asarray(points, np.float32))
    return message


def cloud_fields(names: tuple[str, ...]) -> list[PointField]:
    """One float32 field after the other."""
    return [PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, name in enumerate(names)]


def byte_array(values: NDArray) -> array.array:
    """The bytes of an array as `array.array('B')`, which rclpy takes without looking at every element."""
    data = array.array("B")
    if values.size:
        data.frombytes(np.ascontiguousarray(values).data.cast("B"))
    return data


def cloud_frame(image_frame: str, override: str = "") -> str:
    """Frame with x forward and z up (REP 103) for a cloud: `override`, or the `_link` twin of an `_optical_frame`."""
    if override:
        return override
    suffix = "_optical_frame"
    return image_frame[: -len(suffix)] + "_link" if image_frame.endswith(suffix) else image_frame


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
