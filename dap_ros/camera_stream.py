"""One camera of the node: its subscription, its pipeline, its outputs, and what happened to its frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sensor_msgs.msg import CompressedImage, Image

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.pipeline import DepthFrame, Pipeline
from dap_core.products.attitude import Attitude
from dap_core.products.self_mask import self_mask
from dap_ros.diagnostics import INTERNAL, NEWER, NOBODY, FrameStatistics, Timings
from dap_ros.frames import CameraFrames, TransformPublisher
from dap_ros.image_input import ImageInput
from dap_ros.imu_input import ImuInput
from dap_ros.messages import pixels_of
from dap_ros.outputs import Context, Outputs
from dap_ros.parameters import Settings
from dap_ros.snapshot import SnapshotRequest, write_snapshot
from dap_ros.transforms import Transforms

ImageMessage: TypeAlias = Image | CompressedImage

#: Seconds for which a fault of the same kind is not logged again; diagnostics count every one.
_LOG_PERIOD_S = 2.0


@dataclass(frozen=True)
class Arrival:
    """An image for the worker; `publish` is false where it is wanted for a snapshot alone."""

    message: ImageMessage
    publish: bool = True


@dataclass(frozen=True)
class _Done:
    """What was made of an image, by which settings; kept for a snapshot."""

    message: ImageMessage
    frame: DepthFrame
    settings: Settings


class CameraStream:
    """The camera called `name` ("" for the only one), from `<name>/image` to its outputs.

    Made when the node is configured; `open` and `shut` follow its activation, `close` its cleanup. `process` runs on
    the worker's thread, everything else on the executor's.
    """

    def __init__(
        self,
        node: Any,
        name: str,
        estimator: DepthEstimator,
        settings: Settings,
        transforms: Transforms | None,
        publisher: TransformPublisher,
    ) -> None:
        self.name, self._node, self._estimator = name, node, estimator
        self._prefix = f"{name}/" if name else ""
        self._transforms, self._publisher = transforms, publisher
        self.outputs = Outputs(node, self._prefix, settings.node)
        levelling = settings.mounts[name].levelling
        self.attitude = Attitude(levelling)
        self._imu = ImuInput(node, self._prefix, self.attitude) if levelling.source == "imu" else None
        self.pipeline = Pipeline(estimator.spec)
        # Files that the mount names are read now, so that a wrong one is a failure to configure.
        self.pipeline.source(settings.mounts[name].panorama)
        self.check_mask(settings)
        self.statistics = FrameStatistics()
        self.scale_state = "off"
        self.input: ImageInput | None = None
        self._newest: ImageMessage | None = None
        self._done: _Done | None = None
        self._snapshot: SnapshotRequest | None = None
        self._logged: dict[str, float] = {}

    def check_mask(self, settings: Settings) -> None:
        """Draw the mask of `settings`, which is kept for the next frame; InputError where that cannot be done."""
        self_mask(settings.mounts[self.name].mask, self._estimator.spec.height)

    def open(self, settings: Settings, put: Callable[[str, Arrival], bool]) -> None:
        """Subscribe; `put` takes the camera's name and an image, and says whether it displaced another."""
        self.statistics = statistics = FrameStatistics()

        def arrived(message: ImageMessage) -> None:
            size = (
                f"{message.width}x{message.height} {message.encoding}" if isinstance(message, Image) else message.format
            )
            statistics.received(self._age(message), size, len(message.data))
            self._newest = message
            if put(self.name, Arrival(message)):
                statistics.dropped(NEWER)

        p = settings.node
        self.input = ImageInput(self._node, self._prefix, p.input, p.input_reliability, arrived, statistics.lost)

    def shut(self) -> None:
        """Unsubscribe from the images."""
        if self.input is not None:
            self.input.close()
        self.input = self._newest = self._done = None

    def close(self) -> None:
        """Free everything."""
        self.shut()
        if self._imu is not None:
            self._imu.close()
        self._imu = None
        self.outputs.close()

    def request_snapshot(self, request: SnapshotRequest, offer: Callable[[str, Arrival], None]) -> None:
        """Have the newest image written down, whether somebody listens or not, and while images are dropped.

        `offer` takes the camera's name and an image for the worker, which answers the request; see `SnapshotRequest`.
        """
        if self._newest is None:
            request.answer = "no image has arrived yet" if self.input is not None else "the node is not active"
            request.done.set()
            return
        self._snapshot = request
        offer(self.name, Arrival(self._newest, publish=False))

    def process(self, arrival: Arrival, settings: Settings) -> None:
        """One image to all outputs that somebody listens to; what is wrong with it is counted and logged."""
        try:
            self._process(arrival, settings)
        except InputError as error:
            self._refuse(getattr(error, "reason", "input"), f"image refused: {one_line(error)}")
        except Exception as error:  # one frame must not end the node
            if self._node.context.ok():
                self._refuse(INTERNAL, f"frame lost: {type(error).__name__}: {one_line(error)}")
        finally:
            request, self._snapshot = self._snapshot, None
            if request is not None:
                request.done.set()

    def _process(self, arrival: Arrival, settings: Settings) -> None:
        if arrival.publish:
            wanted = self.outputs.wanted()
            if not wanted and self._snapshot is None:
                self.statistics.dropped(NOBODY)
                return
        elif self._snapshot is None:  # an image that came in between has answered it
            return
        elif self._done is not None and self._done.message is arrival.message:
            self._take(self._snapshot, self._done)
            return
        else:
            wanted = []
        message, timings, p = arrival.message, Timings(), settings.node
        source = self.pipeline.source(settings.mounts[self.name].panorama)
        image = pixels_of(message, source.check_shape)
        timings.lap("decode")
        header = message.header
        frames = CameraFrames.of(header.frame_id, p.frame)
        stamp_s = header.stamp.sec + 1e-9 * header.stamp.nanosec
        lookup = self._transforms.at(header.stamp) if self._transforms is not None else None
        mount = settings.mounts[self.name].with_height(frames.link, lookup)
        pose = lookup(p.motion_frame, frames.link) if lookup is not None and p.motion_frame else None
        up = self.attitude.up(mount.levelling, stamp_s, frames, lookup)
        prepared = self.pipeline.prepare(self._estimator, image, mount, up)
        timings.lap("resize")
        range_m, far = self._estimator.infer(prepared.batch)
        timings.lap("network")
        depth = self._estimator.finish(range_m[0], far[0])
        frame = self.pipeline.finish(prepared, depth, mount, p, stamp_s, pose)
        self._done = _Done(message, frame, settings)
        self.scale_state = "off" if frame.scale is None else f"{frame.scale.factor:.3f}, {frame.scale.reason}"
        timings.lap("filters")
        if self._snapshot is not None:
            self._take(self._snapshot, self._done)
        if not arrival.publish:
            return
        if p.publish_frames != "none":
            self._publisher.static(self.name, frames, p.faces.names, twin=p.publish_frames == "all")
        if frame.levelled and "scan" in wanted:
            self._publisher.moving(frames.link, frames.level, frame.camera_from_level, header.stamp)
        sizes = self.outputs.publish(frame, wanted, Context(header, frames, p), timings)
        self.statistics.finished(timings, self._age(message), sizes)

    def _take(self, request: SnapshotRequest, done: _Done) -> None:
        spec = self._estimator.spec
        facts = {"model": spec.name, "model_weights_sha256": spec.weights_sha256, "levelling": self.attitude.state}
        facts |= {"backend": self._estimator.backend.reason, "scale": self.scale_state}
        try:
            stamp = done.message.header.stamp
            stamp_s = stamp.sec + 1e-9 * stamp.nanosec
            folder = write_snapshot(request.base, done.frame, done.settings, self.name, stamp_s, facts)
            request.success, request.answer = True, str(folder)
        except (InputError, OSError) as error:
            request.answer = one_line(error)

    def _refuse(self, reason: str, text: str) -> None:
        self.statistics.dropped(reason, text)
        if self._snapshot is not None:
            self._snapshot.answer = text
        now = time.monotonic()
        if now - self._logged.get(reason, -_LOG_PERIOD_S) >= _LOG_PERIOD_S:
            self._logged[reason] = now
            self._node.get_logger().error(f"{self.name}: {text}" if self.name else text)

    def _age(self, message: ImageMessage) -> float:
        """Seconds since the stamp, by the node's clock; any stamp will do, also one that rclpy's Time refuses."""
        stamp = message.header.stamp
        return 1e-9 * (self._node.get_clock().now().nanoseconds - stamp.sec * 10**9 - stamp.nanosec)


def one_line(error: Exception) -> str:
    """An error's text without line breaks."""
    return " ".join(str(error).split())
