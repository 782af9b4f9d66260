"""One camera's outputs: a publisher each, computed and published only while somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CameraInfo, Image, LaserScan, PointCloud2
from std_msgs.msg import Header

from dap_core.picture import colourise
from dap_core.pipeline import DepthFrame
from dap_ros.diagnostics import Timings
from dap_ros.frames import CameraFrames
from dap_ros.messages import (
    camera_info_message,
    cloud_message,
    data_bytes,
    image_message,
    mask_message,
    organised_message,
    points_message,
    range_message,
    scan_message,
)
from dap_ros.parameters import NodeParameters
from dap_ros.transport import qos


@dataclass(frozen=True)
class Context:
    """What the messages of one frame need beside the products: the image's header, frame names, parameters."""

    header: Header
    frames: CameraFrames
    parameters: NodeParameters

    def at(self, frame_id: str) -> Header:
        """The image's stamp in another frame."""
        return Header(stamp=self.header.stamp, frame_id=frame_id)


@dataclass(frozen=True)
class Output:
    """One topic: its message type, what of a frame it shows, and the message of that."""

    kind: type
    product: Callable[[DepthFrame], Any]
    message: Callable[[Any, Context], Any]


#: Topics that most robots use; what `dap demo` listens to.
DEFAULT_TOPICS = ("depth/image", "mask/near", "mask/far", "points", "scan", "depth/color")

#: Relative topic names. An ERP range image is not a REP 118 depth image: it is range along the ray, not z.
OUTPUTS: dict[str, Output] = {
    "depth/image": Output(
        Image, lambda f: f.depth.range_m, lambda r, c: range_message(r, c.parameters.depth_encoding, c.header)
    ),
    "mask/near": Output(Image, lambda f: f.depth.near, lambda m, c: mask_message(m, c.header)),
    "mask/far": Output(Image, lambda f: f.depth.far, lambda m, c: mask_message(m, c.header)),
    "points": Output(PointCloud2, lambda f: f.cloud, lambda p, c: points_message(p, c.at(c.frames.link))),
    "scan": Output(
        LaserScan,
        lambda f: (f.scan, f.levelled),
        lambda s, c: scan_message(s[0], c.at(c.frames.level if s[1] else c.frames.link)),
    ),
    "depth/color": Output(Image, lambda f: colourise(f.depth.range_m), lambda p, c: image_message(p, "rgb8", c.header)),
    "points/clearing": Output(
        PointCloud2, lambda f: f.clearing, lambda p, c: cloud_message(p, ("x", "y", "z"), c.at(c.frames.link))
    ),
    "points/full": Output(PointCloud2, lambda f: f.organised, lambda p, c: organised_message(p, c.at(c.frames.link))),
}


def face_outputs(name: str) -> dict[str, Output]:
    """The three topics of a face, below `faces/<name>`."""
    return {
        f"faces/{name}/image": Output(
            Image, lambda f: f.face_image(name), lambda p, c: image_message(p, "rgb8", c.at(c.frames.face(name)))
        ),
        f"faces/{name}/depth": Output(
            Image, lambda f: f.face_depth(name), lambda z, c: image_message(z, "32FC1", c.at(c.frames.face(name)))
        ),
        f"faces/{name}/camera_info": Output(
            CameraInfo, lambda f: f.face(name), lambda face, c: camera_info_message(face, c.at(c.frames.face(name)))
        ),
    }


def all_outputs(face_names: Sequence[str]) -> dict[str, Output]:
    """Every topic of one camera."""
    return OUTPUTS | {topic: output for name in face_names for topic, output in face_outputs(name).items()}


class Outputs:
    """Lifecycle publishers of all topics of one camera, below `prefix` ("" or "name/")."""

    def __init__(self, node: Any, prefix: str, parameters: NodeParameters) -> None:
        self._node = node
        self._outputs = all_outputs(parameters.faces.names)
        profile = qos(parameters.output_reliability, parameters.output_depth)
        self._publishers = {
            topic: node.create_lifecycle_publisher(output.kind, prefix + topic, profile)
            for topic, output in self._outputs.items()
        }

    def wanted(self) -> list[str]:
        """Topics that somebody listens to, without the prefix."""
        return [topic for topic, publisher in self._publishers.items() if publisher.get_subscription_count() > 0]

    def resolved(self) -> dict[str, str]:
        """Full topic name of every output."""
        return {topic: publisher.topic_name for topic, publisher in self._publishers.items()}

    def publish(self, frame: DepthFrame, wanted: Sequence[str], context: Context, timings: Timings) -> dict[str, int]:
        """Publish the wanted outputs with the input's stamp; returns the bytes of data of each."""
        products = {topic: self._outputs[topic].product(frame) for topic in wanted}
        timings.lap("products")
        sizes: dict[str, int] = {}
        for topic, product in products.items():
            message = self._outputs[topic].message(product, context)
            timings.lap("messages")
            self._publishers[topic].publish(message)
            timings.lap("publish")
            sizes[topic] = data_bytes(message)
        return sizes

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers = {}
