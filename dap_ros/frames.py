"""Coordinate frames of a camera: their names, and the transforms between them that are this node's to publish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped
from numpy.typing import NDArray
from std_msgs.msg import Header
from transforms3d.quaternions import mat2quat

from dap_core.frames import LINK, OPTICAL, FrameNames
from dap_core.panorama import BODY_FROM_OPTICAL
from dap_core.products.faces import camera_from_face


@dataclass(frozen=True)
class CameraFrames(FrameNames):
    """Frame names of one camera and its faces, and the transforms between them."""

    def face(self, name: str) -> str:
        """The optical frame of a face."""
        return f"{self.stem}_{name}{OPTICAL}"

    def static_transforms(self, faces: Iterable[str], twin: bool) -> list[TransformStamped]:
        """Link to the link and optical frames of every face; with `twin` also link to the image's optical frame."""
        result = []
        if twin and self.image != self.link and self.optical:
            result.append(transform(self.link, self.image, BODY_FROM_OPTICAL))
        for name in faces:
            body = f"{self.stem}_{name}{LINK}"
            result.append(transform(self.link, body, camera_from_face(name)))
            result.append(transform(body, self.face(name), BODY_FROM_OPTICAL))
        return result


def transform(
    parent: str, child: str, parent_from_child: NDArray[np.floating], stamp: Any | None = None
) -> TransformStamped:
    """A rotation (3, 3) about a common origin as TransformStamped."""
    w, x, y, z = (float(v) for v in mat2quat(np.asarray(parent_from_child, np.float64)))
    header = Header(frame_id=parent) if stamp is None else Header(frame_id=parent, stamp=stamp)
    return TransformStamped(
        header=header, child_frame_id=child, transform=Transform(rotation=Quaternion(x=x, y=y, z=z, w=w))
    )


class TransformPublisher:
    """Publishes /tf_static, all cameras in one latched message, and /tf, where `tf2_msgs` is installed.

    `available` says whether it is; without it both methods do nothing and somebody else must publish the frames.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._static: dict[str, tuple[CameraFrames, tuple[str, ...], bool]] = {}
        self._publishers: dict[str, Any] = {}
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:
            self.available = False
            return
        self.available = True
        self._message = TFMessage
        from rclpy.qos import DurabilityPolicy, QoSProfile

        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._publishers["/tf_static"] = node.create_publisher(TFMessage, "/tf_static", latched)
        self._publishers["/tf"] = node.create_publisher(TFMessage, "/tf", 100)

    def static(self, camera: str, frames: CameraFrames, faces: tuple[str, ...], twin: bool) -> None:
        """Publish the static transforms of all cameras, where this one's are not what was published last."""
        if not self.available or self._static.get(camera) == (frames, faces, twin):
            return
        self._static[camera] = (frames, faces, twin)
        stamp = self._node.get_clock().now().to_msg()
        every = [t for frames, faces, twin in self._static.values() for t in frames.static_transforms(faces, twin)]
        for t in every:
            t.header.stamp = stamp
        self._publishers["/tf_static"].publish(self._message(transforms=every))

    def moving(self, parent: str, child: str, parent_from_child: NDArray[np.floating], stamp: Any) -> None:
        """Publish the rotation (3, 3) of one moment."""
        if self.available:
            moved = transform(parent, child, parent_from_child, stamp)
            self._publishers["/tf"].publish(self._message(transforms=[moved]))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)
        self._publishers = {}
        self._static = {}
        self.available = False
