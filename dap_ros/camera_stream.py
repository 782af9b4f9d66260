"""One camera of the node: its subscription, its pipeline, its outputs, and what happened to its frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.pipeline import DepthFrame, MountConfig, Pipeline, Prepared
from dap_core.pose import Pose
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
    """An image for the engine; `publish` is false where it is wanted for a snapshot alone."""

    message: ImageMessage
    publish: bool = True


@dataclass
class Job:
    """An image on its way through the engine, with the settings that it began with.

    snapshot  what is to be answered with it, None where nothing is
    wanted    topics that somebody listens to
    prepared  None where all is done but the snapshot
    answer    the network's range and far probability
    """

    arrival: Arrival
    settings: Settings
    snapshot: SnapshotRequest | None
    wanted: list[str] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    context: Context | None = None
    mount: MountConfig | None = None
    pose: Pose | None = None
    prepared: Prepared | None = None
    answer: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class _Done:
    """What was made of an image, by which settings; kept for a snapshot."""

    message: ImageMessage
    frame: DepthFrame
    settings: Settings


class CameraStream:
    """The camera called `name` ("" for the only one), from `<name>/image` to its outputs.

    Made when the node is configured; `open` and `shut` follow its activation, `close` its cleanup. `prepare`, `infer`
    and `complete` are the engine's steps, all else is the executor's. `current` gives the settings of the moment.
    """

    def __init__(
        self,
        node: Any,
        name: str,
        estimator: DepthEstimator,
        current: Callable[[], Settings],
        transforms: Transforms | None,
        publisher: TransformPublisher,
    ) -> None:
        self.name, self._node, self._estimator = name, node, estimator
        self._settings, settings = current, current()
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
        self._begun: ImageMessage | None = None
        self._done: _Done | None = None
        self._requests: SimpleQueue[SnapshotRequest] = SimpleQueue()
        self._logged: dict[str, float] = {}

    def check_mask(self, settings: Settings) -> None:
        """Draw the mask of `settings`, which is kept for the next frame; InputError where that cannot be done."""
        self_mask(settings.mounts[self.name].mask, self._estimator.spec.height)

    def open(self, put: Callable[[str, Arrival], bool]) -> None:
        """Subscribe; `put` takes the camera's name and an image, and says whether it displaced another."""
        self.statistics = statistics = FrameStatistics()

        def arrived(message: ImageMessage) -> None:
            size = (
                f"{message.width}x{message.height} {message.encoding}" if isinstance(message, Image) else message.format
            )
            statistics.received(self._age(message), size, len(message.data), message.header.frame_id)
            self._newest = message
            if put(self.name, Arrival(message)):
                statistics.dropped(NEWER)

        p = self._settings().node
        self.input = ImageInput(self._node, self._prefix, p.input, p.input_reliability, arrived, statistics.lost)

    def shut(self) -> None:
        """Unsubscribe from the images."""
        if self.input is not None:
            self.input.close()
        self.input = self._newest = None

    def close(self) -> None:
        """Free everything."""
        self.shut()
        self._begun = self._done = None
        if self._imu is not None:
            self._imu.close()
        self._imu = None
        self.outputs.close()

    def request_snapshot(self, request: SnapshotRequest, offer: Callable[[str, Arrival], None]) -> None:
        """Have the newest image written down, whether somebody listens or not, and while images are dropped.

        `offer` takes the camera's name and an image for the engine, which answers the request; see `SnapshotRequest`.
        """
        if self._newest is None:
            request.answer = "no image has arrived yet" if self.input is not None else "the node is not active"
            request.done.set()
            return
        self._requests.put(request)
        offer(self.name, Arrival(self._newest, publish=False))

    def prepare(self, arrival: Arrival) -> Job | None:
        """See `dap_ros.engine.Steps`; what is wrong with an image is counted and logged."""
        job = Job(arrival, self._settings(), self._requested())
        with self._guarded(job):
            if arrival.publish:
                job.wanted = self.outputs.wanted()
                if not job.wanted and job.snapshot is None:
                    self.statistics.dropped(NOBODY)
                    return None
            elif job.snapshot is None:  # an image that came in between has answered it
                return None
            if arrival.publish or arrival.message is not self._begun:
                self._prepare(job)
            return job
        return None

    def _prepare(self, job: Job) -> None:
        message, p, mount = job.arrival.message, job.settings.node, job.settings.mounts[self.name]
        image = pixels_of(message, self.pipeline.source(mount.panorama).check_shape)
        job.timings.lap("decode")
        header = message.header
        frames = CameraFrames.of(header.frame_id, p.frame)
        job.context = Context(header, frames, p)
        lookup = self._transforms.at(header.stamp) if self._transforms is not None else None
        job.mount = mount = mount.with_height(frames.link, lookup)
        job.pose = lookup(p.motion_frame, frames.link) if lookup is not None and p.motion_frame else None
        up = self.attitude.up(mount.levelling, seconds(header.stamp), frames, lookup)
        job.prepared = self.pipeline.prepare(self._estimator, image, mount, up)
        self._begun = message
        job.timings.lap("resize")

    def infer(self, job: Job) -> bool:
        """See `dap_ros.engine.Steps`."""
        if job.prepared is None:
            return True
        job.timings.resume()
        with self._guarded(job):
            job.answer = self._estimator.infer(job.prepared.batch)
            job.timings.lap("network")
            return True
        return False

    def complete(self, job: Job) -> None:
        """See `dap_ros.engine.Steps`."""
        job.timings.resume()
        with self._guarded(job):
            if job.prepared is not None:
                self._complete(job)
            if job.snapshot is not None:
                self._take(job.snapshot, job.arrival.message)

    def _complete(self, job: Job) -> None:
        assert job.prepared and job.mount and job.context and job.answer
        message, settings, timings, context = job.arrival.message, job.settings, job.timings, job.context
        range_m, far = job.answer
        depth = self._estimator.finish(range_m[0], far[0])
        stamp_s, p, frames = seconds(message.header.stamp), settings.node, context.frames
        frame = self.pipeline.finish(job.prepared, depth, job.mount, p, stamp_s, job.pose)
        self._done = _Done(message, frame, settings)
        self.scale_state = "off" if frame.scale is None else f"{frame.scale.factor:.3f}, {frame.scale.reason}"
        timings.lap("filters")
        if not job.arrival.publish:
            return
        if p.publish_frames != "none":
            self._publisher.static(self.name, frames, p.faces.names, twin=p.publish_frames == "all")
        if frame.levelled and "scan" in job.wanted:
            self._publisher.moving(frames.link, frames.level, frame.camera_from_level, message.header.stamp)
        sizes = self.outputs.publish(frame, job.wanted, context, timings)
        self.statistics.finished(timings, self._age(message), sizes)

    @contextmanager
    def _guarded(self, job: Job) -> Iterator[None]:
        """Whatever goes wrong with one frame ends that frame alone."""
        try:
            yield
        except InputError as error:
            self._refuse(job, getattr(error, "reason", "input"), f"image refused: {one_line(error)}")
        except Exception as error:
            if self._node.context.ok():
                self._refuse(job, INTERNAL, f"frame lost: {type(error).__name__}: {one_line(error)}")

    def _requested(self) -> SnapshotRequest | None:
        """A snapshot that has been asked for, once."""
        try:
            return self._requests.get_nowait()
        except Empty:
            return None

    def _take(self, request: SnapshotRequest, message: ImageMessage) -> None:
        spec, done = self._estimator.spec, self._done
        facts = {"model": spec.name, "model_weights_sha256": spec.weights_sha256, "levelling": self.attitude.state}
        facts |= {"backend": self._estimator.backend.reason, "scale": self.scale_state}
        if done is not None and done.message is message:
            try:
                stamp_s = seconds(message.header.stamp)
                folder = write_snapshot(request.base, done.frame, done.settings, self.name, stamp_s, facts)
                request.success, request.answer = True, str(folder)
            except (InputError, OSError) as error:
                request.answer = one_line(error)
        request.done.set()

    def _refuse(self, job: Job, reason: str, text: str) -> None:
        self.statistics.dropped(reason, text)
        if job.snapshot is not None:
            job.snapshot.answer = text
            job.snapshot.done.set()
        now = time.monotonic()
        if now - self._logged.get(reason, -_LOG_PERIOD_S) >= _LOG_PERIOD_S:
            self._logged[reason] = now
            self._node.get_logger().error(f"{self.name}: {text}" if self.name else text)

    def _age(self, message: ImageMessage) -> float:
        """Seconds since the stamp, by the node's clock; any stamp will do, also one that rclpy's Time refuses."""
        stamp = message.header.stamp
        return 1e-9 * (self._node.get_clock().now().nanoseconds - stamp.sec * 10**9 - stamp.nanosec)


def seconds(stamp: Any) -> float:
    """A builtin_interfaces/Time in seconds."""
    return stamp.sec + 1e-9 * stamp.nanosec


def one_line(error: Exception) -> str:
    """An error's text without line breaks."""
    return " ".join(str(error).split())
