"""synthetic_camera: a 360-degree camera that plays a recorded walk for ever, with its exact range on a second topic.

The frames go forwards, then backwards, so that the walk never jumps. `image` (or `image/compressed`) and `range` carry
the same stamp, that of publishing. Frames are decoded once, at start.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from dap_core.estimate import resize_panorama
from dap_core.io.bags import Walk, load_walk
from dap_ros.executable import run
from dap_ros.messages import byte_array, numpy_image_message
from dap_ros.parameters import CameraParameters, declare, read, warn_of_unknown
from dap_ros.share import sample_bag
from dap_ros.transport import qos


class SyntheticCamera(Node):
    """The camera; see the module and `CameraParameters`."""

    def __init__(self, node_name: str = "synthetic_camera", **kwargs: Any) -> None:
        super().__init__(node_name, **kwargs)
        declare(self, CameraParameters)
        warn_of_unknown(self)
        p = read(self, CameraParameters)
        walk = load_walk(Path(p.bag) if p.bag else sample_bag())
        header = Header(frame_id=p.frame_id)
        self._frames = [
            (_image(image, p, header), numpy_image_message(range_m, "32FC1", header))
            for image, range_m in zip(walk.images, walk.ranges_m, strict=True)
        ]
        profile = qos(p.reliability, 2)
        kind, topic = (CompressedImage, "image/compressed") if p.compressed else (Image, "image")
        self._image = self.create_publisher(kind, topic, profile)
        self._range = self.create_publisher(Image, "range", profile)
        self._order = itertools.cycle(there_and_back(len(self._frames)))
        self.create_timer(1.0 / p.rate, self._publish)
        self.get_logger().info(f"{_describe(walk)}, played at {p.rate:g} Hz on {self._image.topic_name}")

    def start(self) -> None:
        """Nothing is left to do."""

    def close(self) -> None:
        """Nothing to stop."""

    def _publish(self) -> None:
        image, range_image = self._frames[next(self._order)]
        image.header.stamp = range_image.header.stamp = self.get_clock().now().to_msg()
        if self._range.get_subscription_count() > 0:
            self._range.publish(range_image)
        self._image.publish(image)


def there_and_back(count: int) -> list[int]:
    """Indices of one ping-pong period: 0 1 2 3 2 1 for four frames."""
    return [*range(count), *range(count - 2, 0, -1)]


def _image(image: NDArray[np.uint8], p: CameraParameters, header: Header) -> Image | CompressedImage:
    if p.height:
        image = resize_panorama(image, p.height)
    if not p.compressed:
        return numpy_image_message(image, "rgb8", header)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    return CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=byte_array(jpeg))


def _describe(walk: Walk) -> str:
    height, width = walk.images[0].shape[:2]
    return f"{len(walk.images)} frames of {width}x{height}"


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Console script `synthetic_camera`."""
    run("synthetic_camera", SyntheticCamera, args)


if __name__ == "__main__":
    main()
