"""ROS parameters of the nodes, declared from the dataclasses whose fields describe them (`dap_core.settings`).

`NodeSettings` owns the parameters of depth_node: it declares them, answers requests to change them, and gives one
immutable `Settings` at a time, so that a frame sees all of a change or nothing of it.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterType,
    SetParametersResult,
)
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterUninitializedException,
)
from rclpy.parameter import Parameter

from dap_core.errors import InputError
from dap_core.pipeline import MountConfig
from dap_core.run_config import RunConfig
from dap_core.settings import build, fault, fields, setting

_WHEN_TEXT = {
    "start": "Fixed at start.",
    "configure": "Takes effect at configure; settable while the node is unconfigured.",
    "dynamic": "Dynamic: takes effect with the next frame.",
}

S = TypeVar("S")


@dataclasses.dataclass(frozen=True)
class NodeParameters(RunConfig):
    """Parameters of depth_node; those of `MountConfig` are declared once more for every camera of `cameras`."""

    autostart: bool = setting(
        True, "Configure and activate at start; false leaves that to a lifecycle manager.", "start"
    )
    diagnostics_period: float = setting(1.0, "Seconds between /diagnostics messages.", "start", low=0.1, high=60.0)
    input: str = setting(
        "auto",
        "Image messages to take: raw on `image`, compressed on `image/compressed` (or on `image`, where that is what "
        "is published there), or auto: what is published, raw first.",
        "configure",
        choices=("auto", "raw", "compressed"),
    )
    input_reliability: str = setting(
        "auto", "Reliability of the image subscription; auto takes the publisher's.", "configure",
        choices=("auto", "reliable", "best_effort"),
    )  # fmt: skip
    overlap: str = setting(
        "auto",
        "Whether the next image is prepared and the last result published while the network runs. auto: where the "
        "network runs on a GPU; on a CPU, which it needs itself, frames come 3 ms later by that and hardly faster.",
        "configure",
        choices=("auto", "always", "never"),
    )
    output_reliability: str = setting(
        "reliable", "Reliability of all outputs; reliable also serves best-effort subscribers.", "configure",
        choices=("reliable", "best_effort"),
    )  # fmt: skip
    output_depth: int = setting(2, "History depth of all outputs, messages.", "configure", low=1, high=10)
    publish_frames: str = setting(
        "faces",
        "Static transforms to publish: those of the faces, those of the faces and of the image's optical frame below "
        "its twin (see frame), or none.",
        "configure",
        choices=("faces", "all", "none"),
    )
    snapshot_folder: str = setting(
        "", "Folder below which ~/save_snapshot makes one for each snapshot; empty: ~/.ros/dap_snapshots.", "dynamic"
    )


@dataclasses.dataclass(frozen=True)
class CameraParameters:
    """Parameters of synthetic_camera."""

    bag: str = setting("", "Bag with /camera/image/compressed and /camera/range; empty is the shipped walk.", "start")
    rate: float = setting(30.0, "Frames per second.", "start", low=0.1, high=240.0)
    compressed: bool = setting(False, "Publish JPEG on image/compressed instead of raw rgb8 on image.", "start")
    height: int = setting(
        0, "Rows of the published images (columns are twice that); 0 is as recorded.", "start", low=0, high=8192
    )
    frame_id: str = setting("camera_link", "Frame of the images.", "start")
    reliability: str = setting("reliable", "Reliability of both topics.", "start", choices=("reliable", "best_effort"))


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that the parameters say at one moment: the node's, and the mount of each camera by name.

    The only camera of a node without `cameras` is called "".
    """

    node: NodeParameters
    mounts: Mapping[str, MountConfig]


class NodeSettings:
    """Declares depth_node's parameters and keeps `current` as they change. Raises InputError for a wrong override.

    `configured` says whether the node is configured at the moment. While it is, `check` is given the settings that a
    change would make, and raises InputError for what the values alone do not show (a file that cannot be read).
    """

    def __init__(self, node: Any, check: Callable[[Settings], None] = lambda settings: None) -> None:
        self._node, self._check = node, check
        self.configured = False
        declare(node, NodeParameters)
        for camera in read(node, NodeParameters).cameras:
            declare(node, MountConfig, f"{camera}.")
        warn_of_unknown(node)
        self.current = self._settings({})
        node.add_on_set_parameters_callback(self._on_set)

    def _settings(self, changes: Mapping[str, Any]) -> Settings:
        node = read(self._node, NodeParameters, changes=changes)
        mounts = {c: read(self._node, MountConfig, f"{c}.", changes) for c in node.cameras}
        return Settings(node, mounts or {"": node})

    def _on_set(self, changes: list[Parameter]) -> SetParametersResult:
        known = dict(fields(NodeParameters))
        for camera in self.current.node.cameras:
            known |= dict(fields(MountConfig, f"{camera}."))
        wanted = {c.name: c.value for c in changes if c.name in known}  # the rest is use_sim_time and the like
        for name in wanted:
            if self.configured and known[name].metadata["when"] == "configure":
                reason = f"{name} takes effect at configure: clean the node up first"
                return SetParametersResult(successful=False, reason=reason)
        try:
            settings = self._settings(wanted)
            if self.configured:
                self._check(settings)
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.current = settings
        return SetParametersResult(successful=True)


def declare(node: Any, kind: type, prefix: str = "") -> None:
    """Declare the settings of a dataclass. Raises InputError for an override of the wrong type or out of range."""
    for name, f in fields(kind, prefix):
        # An empty list has no type in a parameter file, so that a list of one empty string stands for it.
        default = (list(f.default) or [""]) if isinstance(f.default, tuple) else f.default
        try:
            node.declare_parameter(name, default, descriptor(name, f))
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise InputError(f"parameter {name}: {' '.join(str(error).split())}") from None


def warn_of_unknown(node: Any) -> None:
    """Log what was given at start and is none of the declared parameters; ROS ignores a misspelt name silently."""
    given = getattr(node, "_parameter_overrides", {})  # rclpy has no public way to what was given
    for name in given:
        if not node.has_parameter(name) and not name.startswith("qos_overrides."):
            near = difflib.get_close_matches(name, list(node.get_parameters_by_prefix("")), 1)
            hint = f"; is {near[0]} meant?" if near else ""
            node.get_logger().warning(f"there is no parameter {name}: its value is ignored{hint}")


def descriptor(name: str, f: dataclasses.Field[Any]) -> ParameterDescriptor:
    """Descriptor of one setting: description, range, and whether it is read-only."""
    m = f.metadata
    result = ParameterDescriptor(name=name, description=f"{m['description']} {_WHEN_TEXT[m['when']]}")
    result.read_only = m["when"] == "start"
    if isinstance(f.default, tuple):
        result.type = ParameterType.PARAMETER_STRING_ARRAY
    if m["choices"]:
        result.additional_constraints = f"one of: {', '.join(m['choices'])}"
    if m["low"] is not None and isinstance(f.default, float):
        result.floating_point_range = [FloatingPointRange(from_value=float(m["low"]), to_value=float(m["high"]))]
    elif m["low"] is not None:
        result.integer_range = [IntegerRange(from_value=m["low"], to_value=m["high"], step=1)]
    return result


def read(node: Any, kind: type[S], prefix: str = "", changes: Mapping[str, Any] | None = None) -> S:
    """The current values as `kind`, with `changes` (full names) instead of theirs.

    Raises InputError for values that are not allowed, or that do not go together.
    """
    values = {}
    for name, f in fields(kind, prefix):
        value = changes[name] if changes and name in changes else _value(node, name)
        if isinstance(f.default, tuple) and isinstance(value, Sequence) and not isinstance(value, str):
            value = tuple(v for v in value if v != "")
        reason = fault(name, f, value)
        if reason:
            raise InputError(f"parameter {reason}")
        values[name] = value
    try:
        return build(kind, values, prefix)
    except InputError as error:
        raise InputError(f"parameter {error}") from None


def _value(node: Any, name: str) -> Any:
    try:
        return node.get_parameter(name).value
    except ParameterUninitializedException:  # which is what an empty list of a parameter file becomes
        return []
