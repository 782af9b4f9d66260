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
from dap_core.products.faces import Face


@dataclass(frozen=True)
class CameraFrames(FrameNames):
    """Frame names of one camera and its faces, and the transforms between them."""

    def face(self, name: str) -> str:
        """The optical frame of a face."""
        return f"{self.stem}_{name}{OPTICAL}"

    def static_transforms(self, faces: Iterable[Face], twin: bool) -> list[TransformStamped]:
        """Link to the link and optical frames of every face; with `twin` also link to the image's `_optical_frame`."""
        result = []
        if twin and self.image != self.link and self.image.endswith(OPTICAL):
            result.append(transform(self.link, self.image, BODY_FROM_OPTICAL))
        for face in faces:
            body = f"{self.stem}_{face.name}{LINK}"
            result.append(transform(self.link, body, face.camera_from_face))
            result.append(transform(body, self.face(face.name), BODY_FROM_OPTICAL))
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


def _content(t: TransformStamped) -> tuple[str, str, Transform]:
    return t.header.frame_id, t.child_frame_id, t.transform


class TransformPublisher:
    """Publishes /tf_static, all cameras in one latched message, and /tf, where `tf2_msgs` is installed.

    `available` says whether it is; without it both methods do nothing and somebody else must publish the frames.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._static: dict[str, list[TransformStamped]] = {}
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

    def static(self, camera: str, transforms: list[TransformStamped]) -> None:
        """Set one camera's static transforms and publish those of all."""
        kept = self._static.get(camera)
        if not self.available or (
            kept is not None and [_content(t) for t in kept] == [_content(t) for t in transforms]
        ):
            return
        self._static[camera] = transforms
        stamp = self._node.get_clock().now().to_msg()
        every = [t for of_camera in self._static.values() for t in of_camera]
        for t in every:
            t.header.stamp = stamp
        self._publishers["/tf_static"].publish(self._message(transforms=every))

    def moving(self, moved: TransformStamped) -> None:
        """Publish a transform of one moment."""
        if self.available:
            self._publishers["/tf"].publish(self._message(transforms=[moved]))

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)
        self._publishers = {}
        self._static = {}
        self.available = False
