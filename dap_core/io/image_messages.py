"""Arrays out of ROS image messages: sensor_msgs/Image and sensor_msgs/CompressedImage, from DDS or from a bag.

Nothing here imports ROS: a message is anything with the fields of the definition, so that the node (rclpy) and the bag
reader (rosbags) share one set of checks. Every fault is a `MessageError` with one line and a short reason to count by.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io import images
from dap_core.panorama import check_erp_shape

#: Channels of the encodings that are accepted, all 8 bits a channel.
CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1, "rgba8": 4, "bgra8": 4}

_TO_RGB = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
}


class MessageError(InputError):
    """An image message that cannot be used; `reason` is one of encoding, size, step, data, shape, compressed."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def check_image(message: Any) -> None:
    """Raise MessageError unless an Image's encoding, size, step and data agree and it is a 2:1 panorama."""
    channels = CHANNELS.get(message.encoding)
    if channels is None:
        raise MessageError(
            "encoding", f"encoding {message.encoding[:32]!r} is not supported; supported are {', '.join(CHANNELS)}"
        )
    height, width, step = message.height, message.width, message.step
    if height <= 0 or width <= 0:
        raise MessageError("size", f"image of {width}x{height} pixels (width x height) is empty")
    if step < width * channels:
        raise MessageError("step", f"step {step} is less than a row of {width} {message.encoding} pixels")
    if len(message.data) != step * height:
        raise MessageError(
            "data", f"data has {len(message.data)} bytes, step {step} x height {height} makes {step * height}"
        )
    _check_shape(height, width)


def decode_image(message: Any) -> NDArray[np.uint8]:
    """RGB panorama (H, W, 3) uint8 of a sensor_msgs/Image; `step` padding is honoured.

    An unpadded rgb8 message is not copied: the array is a view of its data. Raises MessageError.
    """
    check_image(message)
    height, width, channels = message.height, message.width, CHANNELS[message.encoding]
    rows = np.frombuffer(message.data, np.uint8).reshape(height, message.step)[:, : width * channels]
    pixels = rows.reshape(height, width) if channels == 1 else rows.reshape(height, width, channels)
    if message.encoding == "rgb8":
        return np.ascontiguousarray(pixels)
    return np.asarray(cv2.cvtColor(pixels, _TO_RGB[message.encoding]))


def decode_compressed(message: Any) -> NDArray[np.uint8]:
    """RGB panorama (H, W, 3) uint8 of a sensor_msgs/CompressedImage (JPEG, PNG, or what OpenCV reads).

    A truncated or damaged JPEG is refused, where the decoder alone would fill the rest with grey. Raises MessageError.
    """
    if "compressedDepth" in message.format:
        raise MessageError("compressed", f"format {message.format[:64]!r} is a depth image; a JPEG or PNG is expected")
    data = np.frombuffer(message.data, np.uint8)
    try:
        pixels = images.decode_image(data.tobytes(), f"{data.size} bytes of format {message.format[:32]!r}")
    except InputError as error:
        raise MessageError("compressed", str(error)) from None
    _check_shape(*pixels.shape[:2])
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


def _check_shape(height: int, width: int) -> None:
    try:
        check_erp_shape(height, width)
    except InputError as error:
        raise MessageError("shape", str(error)) from None
