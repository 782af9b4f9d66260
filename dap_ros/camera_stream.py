"""One camera of the node: its subscription, its pipeline, its outputs, and what happened to its frames."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.pipeline import DepthFrame, MountConfig, Pipeline
from dap_core.products.self_mask import self_mask
from dap_core.products.temporal import Motion
from dap_ros.attitude import Attitude
from dap_ros.diagnostics import INTERNAL, NEWER, NOBODY, FrameStatistics, Timings
from dap_ros.frames import CameraFrames, TransformPublisher, transform
from dap_ros.image_input import ImageInput
from dap_ros.messages import pixels_of
from dap_ros.outputs import Context, Outputs
from dap_ros.parameters import Settings
from dap_ros.snapshot import SnapshotRequest, write_snapshot
from dap_ros.transforms import Pose, Transforms

ImageMessage: TypeAlias = Image | CompressedImage

#: Seconds for which a fault of the same kind is not logged again; diagnostics count every one.
_LOG_PERIOD_S = 2.0


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
        self.attitude = Attitude(node, self._prefix, settings.mounts[name].levelling, transforms)
        self.pipeline = Pipeline(estimator.spec)
        # Files that the mount names are read now, so that a wrong one is a failure to configure.
        self.pipeline.source(settings.mounts[name].panorama)
        self.check_mask(settings)
        self.statistics = FrameStatistics()
        self.scale_state = "off"
        self._previous: Pose | None = None
        self.input: ImageInput | None = None
        self._put: Callable[[str, ImageMessage], bool] | None = None
        self._newest: ImageMessage | None = None
        self._snapshot: SnapshotRequest | None = None
        self._logged: dict[str, float] = {}

    def check_mask(self, settings: Settings) -> None:
        """Draw the mask of `settings`, which is kept for the next frame; InputError where that cannot be done."""
        self_mask(settings.mounts[self.name].mask, self._estimator.spec.height)

    def open(self, settings: Settings, put: Callable[[str, ImageMessage], bool]) -> None:
        """Subscribe; `put` takes the camera's name and an image, and says whether it displaced another."""
        self.statistics = statistics = FrameStatistics()
        self._put = put

        def arrived(message: ImageMessage) -> None:
            size = (
                f"{message.width}x{message.height} {message.encoding}" if isinstance(message, Image) else message.format
            )
            statistics.received(self._age(message), size)
            self._newest = message
            if put(self.name, message):
                statistics.dropped(NEWER)

        p = settings.node
        self.input = ImageInput(self._node, self._prefix, p.input, p.input_reliability, arrived)

    def shut(self) -> None:
        """Unsubscribe from the images."""
        if self.input is not None:
            self.input.close()
        self.input = self._put = self._newest = None

    def close(self) -> None:
        """Free everything."""
        self.shut()
        self.attitude.close()
        self.outputs.close()

    def request_snapshot(self, request: SnapshotRequest) -> None:
        """Have the newest image processed, whether somebody listens or not, and written down; see `SnapshotRequest`."""
        if self._put is None or self._newest is None:
            request.answer = "no image has arrived yet" if self._put else "the node is not active"
            request.done.set()
            return
        self._snapshot = request
        self._put(self.name, self._newest)

    def process(self, message: ImageMessage, settings: Settings) -> None:
        """One image to all outputs that somebody listens to; what is wrong with it is counted and logged."""
        try:
            self._process(message, settings)
        except InputError as error:
            self._refuse(getattr(error, "reason", "input"), f"image refused: {one_line(error)}")
        except Exception as error:  # one frame must not end the node
            if self._node.context.ok():
                self._refuse(INTERNAL, f"frame lost: {type(error).__name__}: {one_line(error)}")
        finally:
            request, self._snapshot = self._snapshot, None
            if request is not None:
                request.done.set()

    def _process(self, message: ImageMessage, settings: Settings) -> None:
        timings, p = Timings(), settings.node
        wanted = self.outputs.wanted()
        if not wanted and self._snapshot is None:
            self.statistics.dropped(NOBODY)
            return
        source = self.pipeline.source(settings.mounts[self.name].panorama)
        image = pixels_of(message, source.check_shape)
        timings.lap("decode")
        header = message.header
        frames = CameraFrames.of(header.frame_id, p.frame)
        mount, pose = self._mounted(settings.mounts[self.name], p.odometry_frame, frames, header.stamp)
        up = self.attitude.up(mount.levelling, header.stamp, frames)
        prepared = self.pipeline.prepare(self._estimator, image, mount, up)
        timings.lap("resize")
        range_m, far = self._estimator.infer(prepared.batch)
        timings.lap("network")
        depth = self._estimator.finish(range_m[0], far[0])
        stamp_s = header.stamp.sec + 1e-9 * header.stamp.nanosec
        frame = self.pipeline.finish(prepared, depth, mount, p, stamp_s, self._motion(pose, prepared.camera_from_level))
        self.scale_state = "off" if frame.scale is None else f"{frame.scale.factor:.3f}, {frame.scale.reason}"
        timings.lap("filters")
        if self._snapshot is not None:
            self._take(self._snapshot, frame, settings, stamp_s)
        self._publish_frames(frame, frames, header.stamp, settings, "scan" in wanted)
        sizes = self.outputs.publish(frame, wanted, Context(header, frames, p), timings)
        self.statistics.finished(timings, self._age(message), sizes)

    def _take(self, request: SnapshotRequest, frame: DepthFrame, settings: Settings, stamp_s: float) -> None:
        spec = self._estimator.spec
        facts = {"model": spec.name, "model_weights_sha256": spec.weights_sha256, "levelling": self.attitude.state}
        facts |= {"backend": self._estimator.backend.reason, "scale": self.scale_state}
        try:
            write_snapshot(request.folder, frame, settings, self.name, stamp_s, facts)
            request.success, request.answer = True, str(request.folder)
        except (InputError, OSError) as error:
            request.answer = one_line(error)

    def _mounted(
        self, mount: MountConfig, odometry: str, frames: CameraFrames, stamp: Any
    ) -> tuple[MountConfig, Pose | None]:
        """The mount with the height that TF gives, and the camera's pose by odometry, where these are asked for."""
        if self._transforms is None:
            return mount, None
        if mount.ground_frame:
            height = float(self._transforms.lookup(mount.ground_frame, frames.link, stamp).translation[2])
            mount = dataclasses.replace(mount, camera_height=height)
        return mount, self._transforms.lookup(odometry, frames.link, stamp) if odometry else None

    def _motion(self, pose: Pose | None, camera_from_level: NDArray[np.float64]) -> Motion | None:
        """What takes points of the previous frame's levelled frame to this one's."""
        if pose is None:
            self._previous = None
            return None
        level = Pose(pose.rotation @ camera_from_level, pose.translation)
        previous, self._previous = self._previous, level
        if previous is None:
            return None
        now_from_world = level.rotation.T
        shift = now_from_world @ (previous.translation - level.translation)
        return Motion(now_from_world @ previous.rotation, shift)

    def _publish_frames(
        self, frame: DepthFrame, frames: CameraFrames, stamp: Any, settings: Settings, scan_wanted: bool
    ) -> None:
        choice = settings.node.publish_frames
        if choice != "none":
            faces = [frame.face(name) for name in settings.node.faces.names]
            self._publisher.static(self.name, frames.static_transforms(faces, twin=choice == "all"))
        if frame.levelled and scan_wanted:
            self._publisher.moving(transform(frames.link, frames.level, frame.camera_from_level, stamp))

    def _refuse(self, reason: str, text: str) -> None:
        self.statistics.dropped(reason, text)
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
