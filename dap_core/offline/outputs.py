"""The messages that the node would have published for a frame."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dap_core.io.ros_fields import cloud_columns, mask_pixels, range_pixels
from dap_core.io.ros_messages import cloud_message, header, image_message, rotation_message, scan_message
from dap_core.offline.camera import Taken
from dap_core.run_config import RunConfig

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

#: Topics that are written for every panorama, below its camera's namespace.
OUTPUTS = ("depth/image", "mask/near", "mask/far", "points", "scan")
TF_TOPIC = "/tf"


def messages_of(taken: Taken, namespace: str, config: RunConfig) -> Iterator[tuple[str, Any]]:
    """Topic and message of every output of a frame; of a levelled one also the transform of its scan's frame."""
    frame, frames, stamp = taken.frame, taken.frames, taken.stamp_ns
    in_image, in_link = header(stamp, frames.image), header(stamp, frames.link)
    range_m = range_pixels(frame.depth.range_m, config.depth_encoding)
    scan_frame = header(stamp, frames.level) if frame.levelled else in_link
    made = (
        image_message(range_m, config.depth_encoding, in_image),
        image_message(mask_pixels(frame.depth.near), "mono8", in_image),
        image_message(mask_pixels(frame.depth.far), "mono8", in_image),
        cloud_message(*cloud_columns(frame.cloud), in_link),
        scan_message(frame.scan, scan_frame),
    )
    if frame.levelled:
        yield TF_TOPIC, rotation_message(frames.link, frames.level, frame.camera_from_level, stamp)
    for name, message in zip(OUTPUTS, made, strict=True):
        yield f"{namespace}/{name}", message


@lru_cache(maxsize=1)
def offered_qos() -> tuple[Qos, ...]:
    """What the node's publishers offer: reliable, the last two, volatile."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    unlimited = QosTime(2147483647, 4294967295)
    return (
        Qos(
            QosHistory.KEEP_LAST,
            2,
            QosReliability.RELIABLE,
            QosDurability.VOLATILE,
            unlimited,
            unlimited,
            QosLiveliness.AUTOMATIC,
            unlimited,
            False,
        ),
    )
