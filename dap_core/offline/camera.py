"""One camera of a bag: its image messages to the frames that the node would have made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.frames import FrameNames
from dap_core.io.bag_reader import Bag, Raw, stamp_ns
from dap_core.io.image_messages import decode_compressed, decode_image
from dap_core.offline.sensors import Sensors
from dap_core.offline.settings import OfflineSettings
from dap_core.offline.topics import IMU
from dap_core.pipeline import DepthFrame, MountConfig, Pipeline, ProcessingConfig
from dap_core.run_config import RunConfig


@dataclasses.dataclass(frozen=True)
class Taken:
    """A frame of a bag: its depth and products, its image's header stamp (nanoseconds), and its frames' names."""

    frame: DepthFrame
    stamp_ns: int
    frames: FrameNames
    levelling: str


class Camera:
    """The node's way from an image message to a `DepthFrame`, with the state that its filters keep."""

    def __init__(
        self,
        estimator: DepthEstimator,
        mount: MountConfig,
        config: RunConfig,
        sensors: Sensors,
    ) -> None:
        self._estimator, self._mount, self._config, self._sensors = estimator, mount, config, sensors
        self._pipeline = Pipeline(estimator.spec)

    def take(self, raw: Raw, message: Any) -> Taken:
        """The frame of an Image or CompressedImage. Raises InputError for an image that cannot be used."""
        check_shape = self._pipeline.source(self._mount.panorama).check_shape
        decode = decode_image if hasattr(message, "encoding") else decode_compressed
        image, stamp = decode(message, check_shape), stamp_ns(message)
        at, frames = 1e-9 * stamp, FrameNames.of(message.header.frame_id, self._config.frame)
        self._sensors.advance(at, raw.stamp_ns)
        lookup, attitude = partial(self._sensors.pose, stamp_s=at), self._sensors.attitude
        mount = self._mount.with_height(frames.link, lookup)
        motion_frame = self._config.motion_frame
        pose = lookup(motion_frame, frames.link) if motion_frame else None
        up = attitude.up(mount.levelling, at, frames, lookup)
        prepared = self._pipeline.prepare(self._estimator, image, mount, up)
        range_m, far = self._estimator.infer(prepared.batch)
        depth = self._estimator.finish(range_m[0], far[0])
        frame = self._pipeline.finish(prepared, depth, mount, self._config, at, pose)
        return Taken(frame, stamp, frames, attitude.state)


@contextmanager
def open_camera(
    bag: Bag,
    estimator: DepthEstimator,
    settings: OfflineSettings,
    namespace: str,
    imu: str = "",
    start_ns: int | None = None,
) -> Iterator[Camera]:
    """The camera of a namespace, with its mount, and its sensors as the bag has them.

    `imu` is the topic of its IMU, "" to find it; `start_ns` where in the bag its pictures begin.
    """
    mount, config = settings.mount(namespace), settings.config
    topic = imu_topic(bag, namespace, imu) if mount.levelling.source == "imu" else ""
    moving = mount.levelling.source in ("tf", "imu") or bool(mount.ground_frame or config.motion_frame)
    with Sensors(bag.path, topic, moving, mount.levelling, start_ns) as sensors:
        yield Camera(estimator, mount, config, sensors)


def imu_topic(bag: Bag, namespace: str, wanted: str = "") -> str:
    """The IMU of a camera: the one that is named, or `<namespace>/imu`, or the only one. Raises InputError."""
    if wanted or f"{namespace}/imu" in bag.topics:
        return bag.need(wanted or f"{namespace}/imu", IMU).name
    found = [name for name, topic in bag.topics.items() if topic.type == IMU]
    if len(found) != 1:
        raise InputError(
            f"{bag.path}: levelling by an IMU needs one: "
            + (f"say --imu with one of {', '.join(found)}" if found else "no topic has sensor_msgs/msg/Imu")
        )
    return found[0]


def memory_s(processing: ProcessingConfig) -> float:
    """Seconds after which a frame has forgotten those before it, to 5 %; 0 where it does not depend on them."""
    filters = (processing.temporal, processing.scale)
    return 3.0 * max(config.time_constant if config.enabled else 0.0 for config in filters)
