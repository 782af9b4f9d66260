"""Every parameter once: name, type, default, range, description, and when a change takes effect.

A component's parameters are the fields of a frozen dataclass; `declare` turns them into ROS parameters with
descriptors, `read` gives the dataclass back, `check_change` answers requests to set them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.parameter import Parameter

from dap_core.backends import BACKENDS
from dap_core.errors import InputError

#: start: fixed when the process starts; configure: taken in `on_configure`, so settable before; dynamic: any time.
When = Literal["start", "configure", "dynamic"]

_WHEN_TEXT = {
    "start": "Fixed at start.",
    "configure": "Takes effect at configure; settable while the node is unconfigured.",
    "dynamic": "Dynamic: takes effect with the next frame.",
}

S = TypeVar("S")


def parameter(
    default: Any,
    description: str,
    when: When,
    *,
    choices: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """A dataclass field that is a ROS parameter."""
    return dataclasses.field(
        default=default,
        metadata={"description": description, "when": when, "choices": tuple(choices), "low": low, "high": high},
    )


@dataclasses.dataclass(frozen=True)
class NodeParameters:
    """Parameters of depth_node."""

    autostart: bool = parameter(
        True, "Configure and activate at start; false leaves that to a lifecycle manager.", "start"
    )
    model: str = parameter(
        "dap-tiny", "Name of a bundled model, or path of an exported .onnx or of a checkpoint.", "configure"
    )
    backend: str = parameter(
        "auto", "What runs the model; auto picks one and /diagnostics says why.", "configure",
        choices=("auto", *BACKENDS),
    )  # fmt: skip
    threads: int = parameter(0, "CPU threads of the backend; 0 leaves it to the backend.", "configure", low=0, high=256)
    input: str = parameter(
        "auto",
        "Image messages to take: raw on `image`, compressed on `image/compressed` (or on `image`, where that is what "
        "is published there), or auto: what is published, raw first.",
        "configure",
        choices=("auto", "raw", "compressed"),
    )
    input_reliability: str = parameter(
        "auto", "Reliability of the image subscription; auto takes the publisher's.", "configure",
        choices=("auto", "reliable", "best_effort"),
    )  # fmt: skip
    output_reliability: str = parameter(
        "reliable", "Reliability of all outputs; reliable also serves best-effort subscribers.", "configure",
        choices=("reliable", "best_effort"),
    )  # fmt: skip
    output_depth: int = parameter(2, "History depth of all outputs, messages.", "configure", low=1, high=10)
    diagnostics_period: float = parameter(1.0, "Seconds between /diagnostics messages.", "start", low=0.1, high=60.0)
    depth_encoding: str = parameter(
        "32FC1",
        "Encoding of depth/image: 32FC1 metres (+inf far, nan unknown) or 16UC1 millimetres (65535 far or beyond "
        "65.535 m, 0 unknown).",
        "dynamic",
        choices=("32FC1", "16UC1"),
    )
    cloud_points: int = parameter(
        24000,
        "Most points in `points`; best-effort subscribers without the DDS profile lose messages above 24000.",
        "dynamic",
        low=1,
        high=1_000_000,
    )
    cloud_frame: str = parameter(
        "",
        "Frame of `points` (x forward, z up); empty: the _link twin of the image's _optical_frame, or its own frame.",
        "dynamic",
    )
    camera_height: float = parameter(
        0.0, "Metres of the camera above the ground, added to the field `height` of `points`.", "dynamic",
        low=0.0, high=1000.0,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class CameraParameters:
    """Parameters of synthetic_camera."""

    bag: str = parameter("", "Bag with /camera/image/compressed and /camera/range; empty is the shipped walk.", "start")
    rate: float = parameter(30.0, "Frames per second.", "start", low=0.1, high=240.0)
    compressed: bool = parameter(False, "Publish JPEG on image/compressed instead of raw rgb8 on image.", "start")
    height: int = parameter(
        0, "Rows of the published images (columns are twice that); 0 is as recorded.", "start", low=0, high=8192
    )
    frame_id: str = parameter("camera_link", "Frame of the images.", "start")
    reliability: str = parameter(
        "reliable", "Reliability of both topics.", "start", choices=("reliable", "best_effort")
    )


def declare(node: Any, group: type) -> None:
    """Declare every field of `group` on a node. Raises InputError for an override of the wrong type or out of range."""
    for f in dataclasses.fields(group):
        try:
            node.declare_parameter(f.name, f.default, descriptor(f))
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:  # noqa: PERF203
            raise InputError(f"parameter {f.name}: {' '.join(str(error).split())}") from None


def descriptor(f: dataclasses.Field[Any]) -> ParameterDescriptor:
    """Descriptor of one field: description, range, and whether it is read-only."""
    m = f.metadata
    result = ParameterDescriptor(name=f.name, description=f"{m['description']} {_WHEN_TEXT[m['when']]}")
    result.read_only = m["when"] == "start"
    if m["choices"]:
        result.additional_constraints = f"one of: {', '.join(m['choices'])}"
    if m["low"] is not None and isinstance(f.default, float):
        result.floating_point_range = [FloatingPointRange(from_value=float(m["low"]), to_value=float(m["high"]))]
    elif m["low"] is not None:
        result.integer_range = [IntegerRange(from_value=m["low"], to_value=m["high"], step=1)]
    return result


def read(node: Any, group: type[S]) -> S:
    """The current values as `group`. Raises InputError for a value that is not allowed."""
    values = {f.name: node.get_parameter(f.name).value for f in dataclasses.fields(group)}  # type: ignore[arg-type]
    for f in dataclasses.fields(group):  # type: ignore[arg-type]
        reason = fault(f, values[f.name])
        if reason:
            raise InputError(reason)
    return group(**values)


def fault(f: dataclasses.Field[Any], value: Any) -> str | None:
    """Why a value is not allowed for a field, in one line; None when it is."""
    m = f.metadata
    if type(value) is not type(f.default):
        return f"parameter {f.name} is a {type(f.default).__name__}, got {value!r}"
    if m["choices"] and value not in m["choices"]:
        return f"parameter {f.name} is one of {', '.join(m['choices'])}, got {value!r}"
    # Also refuses nan, which compares false with everything.
    if m["low"] is not None and not m["low"] <= value <= m["high"]:
        return f"parameter {f.name} lies between {m['low']} and {m['high']}, got {value!r}"
    if f.name in ("model", "backend") and not value:
        return f"parameter {f.name} must not be empty"
    return None


def check_change(group: type, changes: Sequence[Parameter], configured: bool) -> SetParametersResult:
    """Answer to a request to set parameters: refused as a whole, with the reason, when one value is not acceptable."""
    fields = {f.name: f for f in dataclasses.fields(group)}
    for change in changes:
        f = fields.get(change.name)
        if f is None:  # use_sim_time and other parameters of every node
            continue
        reason = fault(f, change.value)
        if reason is None and configured and f.metadata["when"] == "configure":
            reason = f"parameter {f.name} takes effect at configure: clean the node up first"
        if reason is not None:
            return SetParametersResult(successful=False, reason=reason)
    return SetParametersResult(successful=True)
