"""The profile: set only where nothing speaks against it."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from dap_core.errors import InputError
from dap_ros.transport import PROFILE_VARIABLES, apply_profile, current_profile, rmw_name

FAST = "rmw_fastrtps_cpp"


def test_the_shipped_profile_is_set_for_fast_dds() -> None:
    environment: dict[str, str] = {}
    profile = apply_profile(environment, FAST)
    assert profile.large_messages and len(environment) == 1
    (path,) = environment.values()
    assert next(iter(environment)) in PROFILE_VARIABLES
    root = ElementTree.parse(path).getroot()
    text = {element.tag.split("}")[-1]: element.text for element in root.iter()}
    assert 8 << 20 <= int(text["segment_size"] or 0) <= 32 << 20 and text["useBuiltinTransports"] == "false"
    assert {e.text for e in root.iter() if e.tag.endswith("}type")} == {"SHM", "UDPv4"}
    assert current_profile(environment, FAST) is not None


@pytest.mark.parametrize("variable", [*PROFILE_VARIABLES, "FASTDDS_BUILTIN_TRANSPORTS"])
def test_a_users_choice_stays(variable: str) -> None:
    environment = {variable: "mine"}
    assert "mine" in apply_profile(environment, FAST).reason
    assert environment == {variable: "mine"}


def test_a_profile_that_is_not_there_carries_nothing(tmp_path: Path) -> None:
    absent, there = tmp_path / "absent.xml", tmp_path / "there.xml"
    there.write_text("<dds/>")
    for path, carries in ((absent, False), (there, True)):
        profile = apply_profile({PROFILE_VARIABLES[0]: str(path)}, FAST)
        assert profile.large_messages == carries and ("not there" in profile.reason) != carries


def test_other_middleware_and_the_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment: dict[str, str] = {}
    assert apply_profile(environment, "rmw_cyclonedds_cpp").large_messages and environment == {}
    environment = {"DAP_ROS_DDS_PROFILE": "none"}
    assert not apply_profile(environment, FAST).large_messages and len(environment) == 1
    with pytest.raises(InputError, match="no such file"):
        apply_profile({"DAP_ROS_DDS_PROFILE": str(tmp_path / "absent.xml")}, FAST)
    own = tmp_path / "own.xml"
    own.write_text("<dds/>")
    environment = {"DAP_ROS_DDS_PROFILE": str(own)}
    assert apply_profile(environment, FAST).large_messages and str(own) in environment.values()
    (tmp_path / "DEFAULT_FASTDDS_PROFILES.xml").write_text("<dds/>")
    monkeypatch.chdir(tmp_path)
    environment = {}
    assert "working directory" in apply_profile(environment, FAST).reason and environment == {}


def test_the_middleware_here() -> None:
    assert rmw_name() == os.environ.get("RMW_IMPLEMENTATION", FAST)
