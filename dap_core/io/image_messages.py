"""Arrays out of ROS image messages: sensor_msgs/Image and sensor_msgs/CompressedImage, from DDS or from a bag.

Nothing here imports ROS: a message is anything with the fields of the definition, so that the node (rclpy) and the bag
reader (rosbags) share one set of checks. Every fault is a `MessageError` with one line and a short reason to count by.
An image is a 2:1 panorama unless the caller has another rule for shapes (`PanoramaInput.check_shape`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io import images
from dap_core.panorama import check_erp_shape

#: Bytes of a pixel, and OpenCV's conversion to RGB, of the encodings that are accepted, by their names in
#: sensor_msgs/image_encodings.hpp. Older OpenCV names a Bayer pattern by its second row and column.
ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "rgb16": (6, None),
    "bgr16": (6, cv2.COLOR_BGR2RGB),
    "rgba16": (8, cv2.COLOR_RGBA2RGB),
    "bgra16": (8, cv2.COLOR_BGRA2RGB),
    "mono16": (2, cv2.COLOR_GRAY2RGB),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUY2),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUY2),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
    "bayer_rggb16": (2, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr16": (2, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg16": (2, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg16": (2, cv2.COLOR_BayerGB2RGB),
}
_YUV = (cv2.COLOR_YUV2RGB_UYVY, cv2.COLOR_YUV2RGB_YUY2)

#: Raises InputError for a height and width that cannot be.
ShapeRule = Callable[[int, int], None]


class MessageError(InputError):
    """An image message that cannot be used; `reason` is one of encoding, size, step, data, shape, compressed."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def check_image(message: Any, check_shape: ShapeRule = check_erp_shape) -> None:
    """Raise MessageError unless an Image's encoding, size, step and data agree, and `check_shape` takes its size."""
    encoding = message.encoding
    if encoding not in ENCODINGS:
        raise MessageError(
            "encoding", f"encoding {encoding[:32]!r} is not supported; supported are {', '.join(ENCODINGS)}"
        )
    size, conversion = ENCODINGS[encoding]
    height, width, step = message.height, message.width, message.step
    if height <= 0 or width <= 0:
        raise MessageError("size", f"image of {width}x{height} pixels (width x height) is empty")
    if conversion in _YUV and width % 2:
        raise MessageError("size", f"{encoding} holds pixels in pairs, got a width of {width}")
    if encoding.startswith("bayer") and min(height, width) < 3:
        raise MessageError("size", f"a Bayer image has at least 3x3 pixels, got {width}x{height} (width x height)")
    if step < width * size:
        raise MessageError("step", f"step {step} is less than a row of {width} {encoding} pixels")
    if len(message.data) != step * height:
        raise MessageError(
            "data", f"data has {len(message.data)} bytes, step {step} x height {height} makes {step * height}"
        )
    _check_shape(height, width, check_shape)


def decode_image(message: Any, check_shape: ShapeRule = check_erp_shape) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) uint8 of a sensor_msgs/Image; padding and, for 16 bits, byte order are honoured.

    16 bits are scaled to 8 (65535 to 255), YUV is BT.601 in its limited range (as cv_bridge has it), Bayer patterns are
    interpolated. An unpadded rgb8 message is not copied: the array is a view of its data. Raises MessageError.
    """
    check_image(message, check_shape)
    encoding, height, width = message.encoding, message.height, message.width
    size, conversion = ENCODINGS[encoding]
    data = np.frombuffer(message.data, np.uint8).reshape(height, message.step)[:, : width * size]
    if encoding.endswith("16"):
        data = _eight_bits(data, bool(message.is_bigendian))
    channels = data.shape[1] // width
    pixels = data if channels == 1 else data.reshape(height, width, channels)
    return np.ascontiguousarray(pixels) if conversion is None else np.asarray(cv2.cvtColor(pixels, conversion))


def decode_compressed(message: Any, check_shape: ShapeRule = check_erp_shape) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) uint8 of a sensor_msgs/CompressedImage (JPEG, PNG, or what OpenCV reads).

    A truncated or damaged JPEG is refused, where the decoder alone would fill the rest with grey. Raises MessageError.
    """
    if "compressedDepth" in message.format:
        raise MessageError("compressed", f"format {message.format[:64]!r} is a depth image; a JPEG or PNG is expected")
    data = np.frombuffer(message.data, np.uint8)
    try:
        pixels = images.decode_image(data.tobytes(), f"{data.size} bytes of format {message.format[:32]!r}")
    except InputError as error:
        raise MessageError("compressed", str(error)) from None
    _check_shape(pixels.shape[0], pixels.shape[1], check_shape)
    return pixels


def decode_range(message: Any) -> NDArray[np.float32]:
    """Range image (H, W) float32, metres along the ray, of a 32FC1 Image; padding and byte order are honoured."""
    height, width, step = message.height, message.width, message.step
    if message.encoding != "32FC1":
        raise MessageError("encoding", f"encoding {message.encoding[:32]!r} is not a range image; 32FC1 is expected")
    if height <= 0 or width <= 0:
        raise MessageError("size", f"image of {width}x{height} pixels (width x height) is empty")
    if step < 4 * width or step % 4:
        raise MessageError("step", f"step {step} does not hold whole rows of {width} float32 pixels")
    if len(message.data) != step * height:
        raise MessageError(
            "data", f"data has {len(message.data)} bytes, step {step} x height {height} makes {step * height}"
        )
    values = np.frombuffer(message.data, ">f4" if message.is_bigendian else "<f4").reshape(height, step // 4)
    return values[:, :width].astype(np.float32)


def _eight_bits(rows: NDArray[np.uint8], big_endian: bool) -> NDArray[np.uint8]:
    """Rows (H, 2 N) of 16-bit values as rows (H, N) of 8-bit ones, rounded."""
    values = np.ascontiguousarray(rows).view(">u2" if big_endian else "<u2").astype(np.uint16, copy=False)
    return np.asarray(cv2.convertScaleAbs(values, alpha=255.0 / 65535.0))


def _check_shape(height: int, width: int, check: ShapeRule) -> None:
    try:
        check(height, width)
    except InputError as error:
        raise MessageError("shape", str(error)) from None
