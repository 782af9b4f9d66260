"""Nodes as real processes, and a peer that talks to them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from dap_ros.diagnostics import values_of
from dap_ros.messages import byte_array
from dap_ros.transport import qos

#: A loaded machine may take its time to start a process.
PATIENCE_S = 40.0


class RosProcess:
    """`python -m module --ros-args ...`, ended by SIGINT; its output goes to a file."""

    def __init__(
        self,
        module: str,
        parameters: Mapping[str, Any],
        remap: Mapping[str, str] | None = None,
        command: list[str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        words = [w for k, v in parameters.items() for w in ("-p", f"{k}:={json.dumps(v)}")]
        words += [w for k, v in (remap or {}).items() for w in ("-r", f"{k}:={v}")]
        self._file = tempfile.NamedTemporaryFile("w+", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", module, "--ros-args", *words],
            stdout=self._file,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
        )

    def log(self) -> str:
        """Everything that it printed."""
        return Path(self._file.name).read_text()

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=20.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self) -> RosProcess:
        return self

    def __exit__(self, *_: object) -> None:
        # By SIGINT where it still listens: a killed process leaves its shared memory behind.
        try:
            self.stop()
        finally:
            self._file.close()


class Peer:
    """A node of the test's: publishes images, collects what comes back, calls services of `target`."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.node = rclpy.create_node(f"peer_{time.monotonic_ns()}")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.received: dict[str, list[Any]] = {}
        self.status: dict[str, Any] = {}
        self._publishers: dict[str, Any] = {}
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown()
        self.node.destroy_node()

    def listen(self, topic: str, kind: type, reliability: str = "reliable", depth: int = 10) -> list[Any]:
        """The list that messages of a topic are added to."""
        self.received[topic] = []
        self.node.create_subscription(kind, topic, self.received[topic].append, qos(reliability, depth))
        return self.received[topic]

    def publish(self, topic: str, message: Any, reliability: str = "reliable") -> None:
        """Publish, once somebody is subscribed."""
        if topic not in self._publishers:
            publisher = self.node.create_publisher(type(message), topic, qos(reliability, 5))
            self._publishers[topic] = publisher
            assert self.wait(lambda: publisher.get_subscription_count() > 0), f"nobody subscribes to {topic}"
            self.spin(0.2)
        self._publishers[topic].publish(message)

    def wait(self, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> bool:
        """Spin until the condition holds; whether it came to."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            self.executor.spin_once(timeout_sec=0.05)
        return True

    def spin(self, seconds: float) -> None:
        """Spin for a time."""
        self.wait(lambda: False, seconds)

    def diagnostics(self, part: str) -> dict[str, str]:
        """Values of the target's newest status of that name, with `message` and `level` beside them."""
        status = self.status.get(f"{self.target}: {part}")
        return {} if status is None else values_of(status) | {"message": status.message, "level": status.level.hex()}

    def call(self, kind: type, name: str, request: Any) -> Any:
        """Call a service of the target."""
        client = self.node.create_client(kind, f"{self.target}/{name}")
        try:
            assert self.wait(client.service_is_ready), f"no service {name}"
            future = client.call_async(request)
            assert self.wait(future.done), f"no answer from {name}"
            return future.result()
        finally:
            self.node.destroy_client(client)

    def transition(self, label: str) -> bool:
        """Request a lifecycle transition; whether it succeeded."""
        request = ChangeState.Request()
        request.transition.label = label
        return self.call(ChangeState, "change_state", request).success

    def state(self) -> str:
        """The target's lifecycle state."""
        return self.call(GetState, "get_state", GetState.Request()).current_state.label

    def set_parameter(self, name: str, value: Any) -> tuple[bool, str]:
        """Set a parameter; whether it was accepted, and the reason given."""
        kinds = {
            bool: ("bool_value", ParameterType.PARAMETER_BOOL),
            int: ("integer_value", ParameterType.PARAMETER_INTEGER),
            float: ("double_value", ParameterType.PARAMETER_DOUBLE),
            str: ("string_value", ParameterType.PARAMETER_STRING),
            list: ("string_array_value", ParameterType.PARAMETER_STRING_ARRAY),
        }
        field, kind = kinds[type(value)]
        request = SetParameters.Request(
            parameters=[Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))]
        )
        result = self.call(SetParameters, "set_parameters", request).results[0]
        return result.successful, result.reason

    def get_parameter(self, name: str) -> ParameterValue:
        """A parameter's value message."""
        return self.call(GetParameters, "get_parameters", GetParameters.Request(names=[name])).values[0]

    def describe(self, names: list[str]) -> list[Any]:
        """Descriptors of parameters."""
        return list(
            self.call(DescribeParameters, "describe_parameters", DescribeParameters.Request(names=names)).descriptors
        )

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.status.update((s.name, s) for s in message.status)


def raw_image(pixels: np.ndarray, encoding: str = "rgb8", stamp: int = 1, frame: str = "pano_optical_frame") -> Image:
    """An Image of (H, W[, C]) uint8 pixels with the stamp in whole seconds."""
    message = Image(header=Header(frame_id=frame), height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.header.stamp.sec = stamp
    message.step = pixels.nbytes // pixels.shape[0]
    message.data = byte_array(pixels)
    return message
