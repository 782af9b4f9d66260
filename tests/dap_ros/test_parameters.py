"""The table of parameters, its descriptors, and the commented file are the same set."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.parameter import Parameter

from dap_core.errors import InputError
from dap_ros.parameters import CameraParameters, NodeParameters, check_change, declare, descriptor, read
from dap_ros.share import share_file

CONFIG = Path(__file__).parents[2] / "config" / "dap.yaml"


def test_the_file_names_every_parameter_with_its_default() -> None:
    written = yaml.safe_load(CONFIG.read_text())
    assert written == {"/**": {"ros__parameters": dataclasses.asdict(NodeParameters())}}
    assert share_file("config/dap.yaml").samefile(CONFIG)


def test_the_file_says_when_each_takes_effect() -> None:
    when = ""
    found = {}
    for line in CONFIG.read_text().splitlines():
        if line.strip().startswith("# ---"):
            when = next(w for w in ("start", "configure", "dynamic") if w in line)
        elif line.startswith("    ") and ":" in line and not line.strip().startswith("#"):
            found[line.split(":")[0].strip()] = when
    assert found == {f.name: f.metadata["when"] for f in dataclasses.fields(NodeParameters)}


@pytest.mark.parametrize("group", [NodeParameters, CameraParameters])
def test_every_parameter_has_a_descriptor(group: type) -> None:
    for f in dataclasses.fields(group):
        d = descriptor(f)
        assert len(d.description) > 20 and d.description.endswith(".")
        assert d.read_only == (f.metadata["when"] == "start")
        if isinstance(f.default, float):
            assert len(d.floating_point_range) == 1
            assert d.floating_point_range[0].from_value <= f.default <= d.floating_point_range[0].to_value
        elif type(f.default) is int:
            assert d.integer_range[0].from_value <= f.default <= d.integer_range[0].to_value
        if f.metadata["choices"]:
            assert f.default in f.metadata["choices"] and f.default in d.additional_constraints


def test_declare_and_read_with_overrides() -> None:
    overrides = [Parameter("cloud_points", value=7), Parameter("model", value="/x.onnx")]
    node = rclpy.create_node("overridden", parameter_overrides=overrides)
    try:
        declare(node, NodeParameters)
        assert read(node, NodeParameters) == dataclasses.replace(NodeParameters(), cloud_points=7, model="/x.onnx")
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("cloud_points", "many", "cloud_points"),
        ("cloud_points", 0, "cloud_points"),
        ("diagnostics_period", float("nan"), "diagnostics_period"),
        ("input", "video", "one of auto, raw, compressed, got 'video'"),
        ("model", "", "must not be empty"),
    ],
)
def test_wrong_overrides_are_one_line(name: str, value: object, text: str) -> None:
    node = rclpy.create_node("wrong", parameter_overrides=[Parameter(name, value=value)])
    try:
        with pytest.raises(InputError) as caught:
            declare(node, NodeParameters)
            read(node, NodeParameters)
        assert text in str(caught.value) and "\n" not in str(caught.value)
    finally:
        node.destroy_node()


def test_changes() -> None:
    def answer(name: str, value: object, configured: bool = True) -> str:
        result = check_change(NodeParameters, [Parameter(name, value=value)], configured)
        assert result.successful == (not result.reason)
        return str(result.reason)

    assert answer("cloud_points", 10) == ""
    assert answer("use_sim_time", True) == ""
    assert answer("threads", 2, configured=False) == ""
    assert answer("threads", 2) == "parameter threads takes effect at configure: clean the node up first"
    assert answer("camera_height", 1) == "parameter camera_height is a float, got 1"
    assert answer("cloud_points", True) == "parameter cloud_points is a int, got True"
    assert answer("depth_encoding", "8UC1") == "parameter depth_encoding is one of 32FC1, 16UC1, got '8UC1'"
    both = [Parameter("cloud_points", value=5), Parameter("depth_encoding", value="x")]
    assert not check_change(NodeParameters, both, True).successful
