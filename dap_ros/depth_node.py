"""depth_node: panoramas in, metric range images, masks, clouds and diagnostics out. A lifecycle node.

Parameters become an estimator and publishers in `on_configure`, the subscription and the worker start in `on_activate`.
The executor's thread only leaves the newest image in a slot; the worker takes it from there to the publishers.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_ros.diagnostics import (
    INTERNAL,
    NEWER,
    NOBODY,
    FrameStatistics,
    Timings,
    input_status,
    pipeline_status,
    transport_status,
)
from dap_ros.executable import run
from dap_ros.image_input import CHECK_PERIOD_S, ImageInput
from dap_ros.messages import panorama_of
from dap_ros.newest_frame import NewestFrame
from dap_ros.outputs import Outputs
from dap_ros.parameters import NodeParameters, SetParametersResult, check_change, declare, read
from dap_ros.transport import best_effort_subscribers, current_profile, qos, rmw_name

#: Seconds for which a fault of the same kind is not logged again; diagnostics count every one.
_LOG_PERIOD_S = 2.0


class DepthNode(LifecycleNode):
    """The node; see the module and `NodeParameters`."""

    def __init__(self, node_name: str = "depth_node", **kwargs: Any) -> None:
        super().__init__(node_name, **kwargs)
        declare(self, NodeParameters)
        self._settings = read(self, NodeParameters)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._estimator: DepthEstimator | None = None
        self._outputs: Outputs | None = None
        self._input: ImageInput | None = None
        self._slot: NewestFrame[Image | CompressedImage] | None = None
        self._worker: threading.Thread | None = None
        self._statistics: FrameStatistics | None = None
        self._problem = ""
        self._faults_reported = 0
        self._logged: dict[str, float] = {}
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos("reliable", 10))
        self.create_timer(self._settings.diagnostics_period, self._report)
        self.create_timer(CHECK_PERIOD_S, self._check_input)

    def start(self) -> None:
        """Configure and activate, where the parameter `autostart` says so."""
        if self._settings.autostart and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def close(self) -> None:
        """Stop the worker and free the model; safe in any state, also after the context is shut down."""
        self._stop()
        self._free()

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the model and create the publishers; FAILURE, with one line of log, when the model cannot be had."""
        try:
            self._settings = p = read(self, NodeParameters)
            began = time.perf_counter()
            self._estimator = DepthEstimator.open(p.model, p.backend, threads=p.threads or None)
            self._outputs = Outputs(self, p.output_reliability, p.output_depth)
        except Exception as error:  # a transition answers FAILURE whatever is wrong; rclpy would swallow the reason
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            self._problem = f"cannot configure: {kind}{_one_line(error)}"
            self.get_logger().error(self._problem)
            self._free()
            return TransitionCallbackReturn.FAILURE
        self._problem = ""
        spec, took = self._estimator.spec, time.perf_counter() - began
        self.get_logger().info(
            f"{spec.name} {spec.width}x{spec.height}, far beyond {spec.max_range_m:g} m, opened in {took:.1f} s on "
            f"{self._estimator.backend.reason}"
        )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable the publishers, start the worker, subscribe."""
        result = super().on_activate(state)
        self._statistics, self._faults_reported = FrameStatistics(), 0
        self._slot = NewestFrame()
        self._worker = threading.Thread(target=self._work, name="inference", args=(self._slot, self._statistics))
        self._worker.start()
        self._input = ImageInput(
            self,
            self._settings.input,
            self._settings.input_reliability,
            functools.partial(self._on_image, self._slot, self._statistics),
        )
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, let the worker finish its frame, disable the publishers."""
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

    def _stop(self) -> None:
        if self._input is not None:
            self._input.close()
        if self._slot is not None:
            self._slot.close()
        if self._worker is not None:
            self._worker.join()
        self._input = self._slot = self._worker = self._statistics = None

    def _free(self) -> None:
        if self._outputs is not None:
            self._outputs.close()
        if self._estimator is not None:
            self._estimator.close()
        self._outputs = self._estimator = None

    def _on_set_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        result = check_change(NodeParameters, changes, configured=self._estimator is not None)
        if result.successful:
            names = vars(self._settings)
            self._settings = NodeParameters(**(names | {c.name: c.value for c in changes if c.name in names}))
        return result

    # Frames: executor's thread

    def _on_image(
        self, slot: NewestFrame[Image | CompressedImage], statistics: FrameStatistics, message: Image | CompressedImage
    ) -> None:
        size = f"{message.width}x{message.height} {message.encoding}" if isinstance(message, Image) else message.format
        statistics.received(self._age(message), size)
        if slot.put(message):
            statistics.dropped(NEWER)

    def _check_input(self) -> None:
        if self._input is not None:
            self._input.check()

    # Frames: worker's thread

    def _work(self, slot: NewestFrame[Image | CompressedImage], statistics: FrameStatistics) -> None:
        while (message := slot.take()) is not None:
            try:
                self._process(message, statistics)
            except InputError as error:  # noqa: PERF203
                self._refuse(statistics, getattr(error, "reason", "input"), f"image refused: {_one_line(error)}")
            except Exception as error:  # one frame must not end the node
                if not self.context.ok():
                    return
                self._refuse(statistics, INTERNAL, f"frame lost: {type(error).__name__}: {_one_line(error)}")

    def _process(self, message: Image | CompressedImage, statistics: FrameStatistics) -> None:
        assert self._estimator is not None and self._outputs is not None
        timings = Timings()
        image = panorama_of(message)
        timings.lap("decode")
        wanted = self._outputs.wanted()
        if not wanted:
            statistics.dropped(NOBODY)
            return
        batch = self._estimator.prepare(image)
        timings.lap("resize")
        range_m, far = self._estimator.infer(batch)
        timings.lap("network")
        depth = self._estimator.finish(range_m[0], far[0])
        timings.lap("masks")
        sizes = self._outputs.publish(depth, wanted, message.header, self._settings, timings)
        statistics.finished(timings, self._age(message), sizes)

    def _refuse(self, statistics: FrameStatistics, reason: str, text: str) -> None:
        statistics.dropped(reason, text)
        now = time.monotonic()
        if now - self._logged.get(reason, -_LOG_PERIOD_S) >= _LOG_PERIOD_S:
            self._logged[reason] = now
            self.get_logger().error(text)

    def _age(self, message: Image | CompressedImage) -> float:
        """Seconds since the stamp, by the node's clock; any stamp will do, also one that rclpy's Time refuses."""
        stamp = message.header.stamp
        return 1e-9 * (self.get_clock().now().nanoseconds - stamp.sec * 10**9 - stamp.nanosec)

    # Diagnostics

    def _report(self) -> None:
        name = self.get_fully_qualified_name()
        snapshot = self._statistics.snapshot() if self._statistics is not None else None
        p = self._settings
        facts = {"model": p.model, "backend": p.backend}
        if self._estimator is not None:
            spec, backend = self._estimator.spec, self._estimator.backend
            facts = {
                "model": spec.name,
                "model_file": p.model,
                "model_weights_sha256": spec.weights_sha256,
                "model_size": f"{spec.width}x{spec.height}",
                "max_range_m": f"{spec.max_range_m:g}",
                "backend": backend.name,
                "backend_reason": backend.reason,
            }
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        message.status.append(pipeline_status(f"{name}: depth", self._problem, snapshot, facts))
        if snapshot is not None and self._input is not None and self._outputs is not None:
            source = self._input.source
            message.status.append(
                input_status(
                    f"{name}: input",
                    snapshot,
                    self._input.facts(),
                    self._faults_reported,
                    source.reliability == "best_effort",
                )
            )
            self._faults_reported = snapshot.counts.get("faulty", 0)
            profile = current_profile()
            subscribers = {t: best_effort_subscribers(self, full) for t, full in self._outputs.resolved().items()}
            message.status.append(
                transport_status(
                    f"{name}: transport",
                    f"{rmw_name()}: {profile.reason if profile else 'no profile'}",
                    profile is not None and profile.large_messages,
                    snapshot.message_bytes,
                    subscribers,
                )
            )
        self._diagnostics.publish(message)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def main(args: Sequence[str] | None = None) -> int:
    """Console script `depth_node`; returns the exit code."""
    return run("depth_node", DepthNode, args)


if __name__ == "__main__":
    sys.exit(main())
