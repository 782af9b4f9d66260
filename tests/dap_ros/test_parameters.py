"""Settings, descriptors, file and documentation are the same set; changes are whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rcl_interfaces.msg import ParameterType
from rclpy.parameter import Parameter

from dap_core.errors import InputError
from dap_core.pipeline import MountConfig
from dap_core.settings import build, fields, flat
from dap_ros.parameter_file import parameter_file, parameter_page
from dap_ros.parameters import CameraParameters, NodeParameters, NodeSettings, declare, descriptor, read
from dap_ros.share import share_file

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "dap.yaml"


def test_the_shipped_file_is_the_one_that_the_settings_give() -> None:
    assert CONFIG.read_text() == parameter_file(NodeParameters), "run: dap parameters --out config/dap.yaml"
    assert share_file("config/dap.yaml").samefile(CONFIG)


def test_the_documented_page_is_the_one_that_the_settings_give() -> None:
    page = parameter_page(NodeParameters, MountConfig)
    assert (ROOT / "docs" / "parameters.md").read_text() == page, "run: dap parameters --markdown"
    of_mount = page.split("those of the mount (")[1].split(")")[0]
    assert of_mount == "`camera_height`, `ground_frame`, `panorama.*`, `levelling.*`, `mask.*`"


def test_the_file_read_back_is_the_defaults() -> None:
    written = yaml.safe_load(CONFIG.read_text())["/**"]["ros__parameters"]
    values = {
        name: [v for v in value if v] if isinstance(value, list) else value for name, value in flat(written).items()
    }
    assert set(values) == {name for name, _ in fields(NodeParameters)}
    assert build(NodeParameters, values) == NodeParameters()


@pytest.mark.parametrize("kind", [NodeParameters, CameraParameters])
def test_every_parameter_has_a_descriptor(kind: type) -> None:
    for name, f in fields(kind):
        d = descriptor(name, f)
        assert len(d.description) > 20 and d.description.endswith("."), name
        assert d.read_only == (f.metadata["when"] == "start")
        if isinstance(f.default, float):
            assert len(d.floating_point_range) == 1, name
            assert d.floating_point_range[0].from_value <= f.default <= d.floating_point_range[0].to_value, name
        elif type(f.default) is int:
            assert d.integer_range[0].from_value <= f.default <= d.integer_range[0].to_value, name
        elif isinstance(f.default, tuple):
            assert d.type == ParameterType.PARAMETER_STRING_ARRAY
        if f.metadata["choices"]:
            chosen = f.default if isinstance(f.default, tuple) else (f.default,)
            assert all(c in f.metadata["choices"] and c in d.additional_constraints for c in chosen)


def make_node(overrides: dict[str, Any]) -> Any:
    return rclpy.create_node("parameters", parameter_overrides=[Parameter(k, value=v) for k, v in overrides.items()])


def test_declare_and_read_with_overrides() -> None:
    node = make_node({"cloud.max_points": 700, "model": "/x.onnx", "faces.names": ["up", "left"]})
    try:
        declare(node, NodeParameters)
        got = read(node, NodeParameters)
        assert (got.cloud.max_points, got.model, got.faces.names) == (700, "/x.onnx", ("up", "left"))
        default = NodeParameters()
        assert dataclasses.replace(got, cloud=default.cloud, faces=default.faces, model=default.model) == default
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("cloud.max_points", "many", "cloud.max_points"),
        ("cloud.max_points", 0, "cloud.max_points"),
        ("diagnostics_period", float("nan"), "diagnostics_period"),
        ("input", "video", "one of auto, raw, compressed, got 'video'"),
        ("model", "", "model must not be empty"),
        ("faces.names", ["front", "behind"], "faces.names takes front, left"),
        ("cameras", ["one", "two words"], "letters, digits and underscores"),
        ("cameras", ["scan", "other"], "cannot be called 'scan'"),
        ("scan.min_height", 2.0, "scan"),
    ],
)
def test_wrong_overrides_are_one_line(name: str, value: object, text: str) -> None:
    node = make_node({name: value})
    try:
        with pytest.raises(InputError) as caught:
            NodeSettings(node)
        assert text in str(caught.value) and "\n" not in str(caught.value)
    finally:
        node.destroy_node()


def test_empty_lists_are_taken_for_what_they_say() -> None:
    node = rclpy.create_node("parameters", cli_args=["--ros-args", "-p", "cameras:=[]", "-p", "faces.names:=[]"])
    try:
        settings = NodeSettings(node).current
        assert (settings.node.cameras, settings.node.faces.names, list(settings.mounts)) == ((), (), [""])
    finally:
        node.destroy_node()


def test_misspelt_names_are_warned_of(capfd: pytest.CaptureFixture[str]) -> None:
    node = make_node({"camera_heigth": 1.0, "front.mask.nadir": 20.0, "scan.max_height": 0.5, "use_sim_time": False})
    try:
        NodeSettings(node)
    finally:
        node.destroy_node()
    warnings = [line for line in capfd.readouterr().err.splitlines() if "there is no parameter" in line]
    assert len(warnings) == 2
    assert warnings[0].endswith("there is no parameter camera_heigth: its value is ignored; is camera_height meant?")
    assert "front.mask.nadir" in warnings[1]


@pytest.fixture
def node() -> Iterator[Any]:
    node = make_node({"cameras": ["front", "rear"], "rear.camera_height": 0.5})
    yield node
    node.destroy_node()


def test_every_camera_has_a_mount_of_its_own(node: Any) -> None:
    settings = NodeSettings(node)
    assert {name: m.camera_height for name, m in settings.current.mounts.items()} == {"front": 0.0, "rear": 0.5}
    assert node.set_parameters([Parameter("front.mask.nadir", value=25.0)])[0].successful
    assert settings.current.mounts["front"].mask.nadir == 25.0 and settings.current.mounts["rear"].mask.nadir == 0.0


def test_changes_are_refused_with_the_reason_and_as_a_whole(node: Any) -> None:
    settings = NodeSettings(node)

    def answer(**changes: object) -> str:
        wanted = [Parameter(name.replace("__", "."), value=value) for name, value in changes.items()]
        result = node.set_parameters_atomically(wanted)
        assert result.successful == (not result.reason)
        return str(result.reason)

    assert answer(cloud__max_points=1000) == "" and settings.current.node.cloud.max_points == 1000
    assert answer(use_sim_time=False) == ""
    assert answer(threads=2) == "" and settings.current.node.threads == 2
    settings.configured = True
    assert answer(threads=3) == "threads takes effect at configure: clean the node up first"
    assert "one of 32FC1, 16UC1, got '8UC1'" in answer(depth_encoding="8UC1")
    before = settings.current
    assert answer(cloud__max_points=500, depth_encoding="x") and settings.current is before
    assert "min_height" in answer(scan__min_height=1.0, scan__max_height=0.5) and settings.current is before
    assert answer(scan__min_height=1.0, scan__max_height=1.5) == ""
    assert (settings.current.node.scan.min_height, settings.current.node.scan.max_height) == (1.0, 1.5)
