"""depth_node: panoramas in, metric range images, masks, clouds, scans and diagnostics out. A lifecycle node.

Parameters become an estimator, and a `CameraStream` for each camera, in `on_configure`; subscriptions and the engine
start in `on_activate`. The executor's thread only leaves the newest image of each camera with the engine, which takes
them, in turns, to the publishers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import SetBool, Trigger

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_ros.camera_stream import Arrival, CameraStream, Job, one_line
from dap_ros.diagnostics import DISABLED, input_status, pipeline_status, transport_status
from dap_ros.distribution import refuse_impossible_transitions
from dap_ros.engine import Engine, off_cpu
from dap_ros.executable import run
from dap_ros.frames import TransformPublisher
from dap_ros.image_input import CHECK_PERIOD_S
from dap_ros.parameters import NodeSettings, Settings
from dap_ros.snapshot import SnapshotRequest
from dap_ros.transforms import Transforms
from dap_ros.transport import best_effort_subscribers, current_profile, loss_advice, qos, rmw_name

#: Seconds that `~/save_snapshot` waits for the engine.
_SNAPSHOT_S = 20.0

#: Seconds between reports of an engine that is being built.
_TELL_S = 2.0


class DepthNode(LifecycleNode):
    """The node; see the module and `NodeParameters`."""

    def __init__(self, node_name: str = "depth_node", **kwargs: Any) -> None:
        super().__init__(node_name, **kwargs)
        refuse_impossible_transitions(self)
        self._settings = NodeSettings(self, self._check_mounts)
        self._estimator: DepthEstimator | None = None
        self._streams: dict[str, CameraStream] = {}
        self._transforms: Transforms | None = None
        self._frames: TransformPublisher | None = None
        self._engine: Engine[Arrival, Job] | None = None
        self._problem, self._doing, self._told = "", "", 0.0
        self._faults_reported: dict[str, int] = {}
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos("reliable", 10))
        # Not by the node's clock: simulated time may stand still, and cameras come and go nevertheless.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(self._settings.current.node.diagnostics_period, self._report, clock=steady)
        self.create_timer(CHECK_PERIOD_S, self._check_inputs, clock=steady)
        self._enabled = True
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(Trigger, "~/save_snapshot", self._on_save_snapshot)

    def start(self) -> None:
        """Configure and activate, where the parameter `autostart` says so."""
        if not self._settings.current.node.autostart:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS and self.context.ok():
            self.trigger_activate()

    def close(self) -> None:
        """Stop the engine and free the model; safe in any state, also after the context is shut down."""
        self._stop()
        self._free()

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the model and create the publishers; FAILURE, with one line of log, when the model cannot be had."""
        try:
            settings = self._settings.current
            p, began = settings.node, time.perf_counter()
            self._transforms = self._open_transforms(settings)
            self._estimator = DepthEstimator.open(p.model, p.backend, threads=p.threads or None, progress=self._opening)
            self._frames = TransformPublisher(self)
            for name in settings.mounts:
                self._streams[name] = CameraStream(
                    self, name, self._estimator, self._current, self._transforms, self._frames
                )
            self._doing = ""
        except Exception as error:  # a transition answers FAILURE whatever is wrong; rclpy would swallow the reason
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            self._problem = f"cannot configure: {kind}{one_line(error)}"
            if self.context.ok():  # otherwise a signal overtook it
                self.get_logger().error(self._problem)
            self._free()
            return TransitionCallbackReturn.FAILURE
        self._problem = ""
        self._settings.configured = True
        spec, took = self._estimator.spec, time.perf_counter() - began
        self.get_logger().info(
            f"{spec.name} {spec.width}x{spec.height}, up to {spec.limit_m:g} m, opened in {took:.1f} s on "
            f"{self._estimator.backend.reason}"
        )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable the publishers, start the engine, subscribe."""
        result = super().on_activate(state)
        self._faults_reported = {}
        self._engine = Engine(self._streams, self._overlap())
        for stream in self._streams.values():
            stream.open(self._put)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, let the engine finish what it has begun, disable the publishers."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and the publishers."""
        self._free()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything, from whatever state."""
        self.close()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free everything; the node is then unconfigured and can be configured again."""
        self._problem = f"an error in state {state.label}"
        self.close()
        return super().on_error(state)

    def _opening(self, what: str, share: float | None) -> None:
        """Say how far the model has come: building an engine takes minutes, in which the executor does nothing else."""
        now = time.monotonic()
        if share is not None and now - self._told < _TELL_S:
            return
        self._told, self._doing = now, what if share is None else f"{what}: {100 * share:.0f} %"
        self.get_logger().info(self._doing)
        self._report()

    def _open_transforms(self, settings: Settings) -> Transforms | None:
        mounts = settings.mounts.values()
        if any(m.levelling.source == "tf" for m in mounts):
            return Transforms(self, "parameter levelling.source tf")
        if any(m.ground_frame for m in mounts):
            return Transforms(self, "parameter ground_frame")
        if settings.node.odometry_frame:
            return Transforms(self, "parameter odometry_frame")
        if any(m.levelling.source == "imu" for m in mounts):
            with suppress(InputError):  # the IMU's mounting then comes from parameters
                return Transforms(self, "parameter levelling.source imu")
        return None

    def _stop(self) -> None:
        for stream in self._streams.values():
            stream.shut()
        if self._engine is not None:
            self._engine.close()
        self._engine = None

    def _free(self) -> None:
        for stream in self._streams.values():
            stream.close()
        for part in (self._frames, self._transforms, self._estimator):
            if part is not None:
                part.close()
        self._streams = {}
        self._frames = self._transforms = self._estimator = None
        self._settings.configured = False

    # Frames

    def _current(self) -> Settings:
        return self._settings.current

    def _overlap(self) -> bool:
        """Whether the engine's steps overlap."""
        choice = self._settings.current.node.overlap
        return choice == "always" or (
            choice == "auto" and self._estimator is not None and off_cpu(self._estimator.backend)
        )

    def _put(self, camera: str, arrival: Arrival) -> bool:
        """Leave an image for the engine; whether one was displaced."""
        if self._engine is None:
            return False
        if not self._enabled:
            self._streams[camera].statistics.dropped(DISABLED)
            return False
        return self._engine.put(camera, arrival)

    def _offer(self, camera: str, arrival: Arrival) -> None:
        """Leave an image for the engine if it has nothing else from this camera, also while images are dropped."""
        if self._engine is not None:
            self._engine.offer(camera, arrival)

    def _check_mounts(self, settings: Settings) -> None:
        """Raise InputError for a mount whose files cannot be used."""
        for name, stream in self._streams.items():
            if settings.mounts[name].mask != self._settings.current.mounts[name].mask:
                stream.check_mask(settings)

    def _check_inputs(self) -> None:
        for stream in self._streams.values():
            if stream.input is not None:
                stream.input.check()

    # Services

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = bool(request.data)
        response.success = True
        response.message = "images are processed" if self._enabled else "images are dropped until enabled again"
        self.get_logger().info(response.message)
        return response

    def _on_save_snapshot(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """The engine writes it; this thread waits, so that the answer can say where it is."""
        wanted = {name: SnapshotRequest(self._settings.current.node.snapshot_folder) for name in self._streams}
        for name, request in wanted.items():
            self._streams[name].request_snapshot(request, self._offer)
        until = time.monotonic() + _SNAPSHOT_S
        for request in wanted.values():
            request.done.wait(max(0.0, until - time.monotonic()))
        response.success = bool(wanted) and all(r.success for r in wanted.values())
        answers = [f"{name}: {r.answer}" if name else r.answer for name, r in wanted.items()]
        response.message = "; ".join(answers) or "the node is not configured"
        return response

    # Diagnostics

    def _report(self) -> None:
        name = self.get_fully_qualified_name()
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        if self._engine is None:
            message.status.append(pipeline_status(f"{name}: depth", self._problem, None, self._facts(), self._doing))
        else:
            for stream in self._streams.values():
                label = f"{name}: {stream.name} " if stream.name else f"{name}: "
                self._report_stream(message, label, stream)
        self._diagnostics.publish(message)

    def _facts(self) -> dict[str, str]:
        p = self._settings.current.node
        if self._estimator is None:
            return {"model": p.model, "backend": p.backend}
        spec, backend = self._estimator.spec, self._estimator.backend
        return {
            "model": spec.name,
            "model_file": p.model,
            "model_weights_sha256": spec.weights_sha256,
            "model_size": f"{spec.width}x{spec.height}",
            "max_range_m": f"{spec.limit_m:g}",
            "backend": backend.name,
            "backend_reason": backend.reason,
            "overlap": "on" if self._overlap() else "off",
            "transforms": "tf2_msgs" if self._frames and self._frames.available else "tf2_msgs is not installed: no TF",
        }

    def _report_stream(self, message: DiagnosticArray, label: str, stream: CameraStream) -> None:
        snapshot = stream.statistics.snapshot()
        facts = self._facts() | {"levelling": stream.attitude.state, "scale": stream.scale_state}
        message.status.append(pipeline_status(f"{label}depth", self._problem, snapshot, facts))
        if stream.input is None:
            return
        message.status.append(
            input_status(
                f"{label}input",
                snapshot,
                stream.input.facts() | {"frame": self._settings.current.node.frame},
                self._faults_reported.get(stream.name, 0),
                loss_advice() if stream.input.source.reliability == "best_effort" else "",
            )
        )
        self._faults_reported[stream.name] = snapshot.counts.get("faulty", 0)
        profile = current_profile()
        subscribers = {t: best_effort_subscribers(self, full) for t, full in stream.outputs.resolved().items()}
        message.status.append(
            transport_status(
                f"{label}transport",
                f"{rmw_name()}: {profile.reason if profile else 'no profile'}",
                profile is not None and profile.large_messages,
                snapshot.message_bytes,
                subscribers,
            )
        )


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Console script `depth_node`."""
    run("depth_node", DepthNode, args)


if __name__ == "__main__":
    main()
