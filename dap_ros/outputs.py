"""The node's outputs: one publisher each, computed and published only while somebody listens."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header

from dap_core.estimate import PanoramaDepth
from dap_core.picture import colourise
from dap_core.products.cloud import sampled_cloud
from dap_ros.diagnostics import Timings
from dap_ros.messages import cloud_frame, cloud_message, image_message, mask_message, range_message
from dap_ros.parameters import NodeParameters
from dap_ros.transport import qos

#: Relative topic names and types. An ERP range image is not a REP 118 depth image: it is range along the ray, not z.
TOPICS: dict[str, type] = {
    "depth/image": Image,
    "mask/near": Image,
    "mask/far": Image,
    "points": PointCloud2,
    "depth/color": Image,
}


class Outputs:
    """Lifecycle publishers of all topics."""

    def __init__(self, node: Any, reliability: str, depth: int) -> None:
        self._node = node
        profile = qos(reliability, depth)
        self._publishers = {
            topic: node.create_lifecycle_publisher(kind, topic, profile) for topic, kind in TOPICS.items()
        }

    def wanted(self) -> list[str]:
        """Topics that somebody listens to, in the order of `TOPICS`."""
        return [topic for topic, publisher in self._publishers.items() if publisher.get_subscription_count() > 0]

    def resolved(self) -> dict[str, str]:
        """Full topic name of every output."""
        return {topic: publisher.topic_name for topic, publisher in self._publishers.items()}

    def publish(
        self, depth: PanoramaDepth, wanted: list[str], header: Header, parameters: NodeParameters, timings: Timings
    ) -> dict[str, int]:
        """Publish the wanted outputs with the input's stamp; returns the bytes of data of each."""
        p = parameters
        cloud = colours = None
        if "points" in wanted:
            cloud = sampled_cloud(depth, max_points=p.cloud_points, camera_height=p.camera_height)
        if "depth/color" in wanted:
            colours = colourise(depth.range_m)
        timings.lap("products")
        sizes: dict[str, int] = {}
        for topic in wanted:
            message: Image | PointCloud2
            if topic == "depth/image":
                message = range_message(depth.range_m, p.depth_encoding, header)
            elif topic == "mask/near":
                message = mask_message(depth.near, header)
            elif topic == "mask/far":
                message = mask_message(depth.far, header)
            elif cloud is not None and topic == "points":
                frame = Header(stamp=header.stamp, frame_id=cloud_frame(header.frame_id, p.cloud_frame))
                message = cloud_message(cloud.xyzh, ("x", "y", "z", "height"), frame)
            else:
                assert colours is not None
                message = image_message(colours, "rgb8", header)
            timings.lap("messages")
            self._publishers[topic].publish(message)
            timings.lap("publish")
            sizes[topic] = len(message.data)
        return sizes

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers = {}
