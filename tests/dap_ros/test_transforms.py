"""TF through a stand-in of tf2_ros, which is not on PyPI: transforms of the robot are poses."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped

from dap_core.errors import InputError
from dap_core.panorama import yaw_pitch_roll
from dap_core.pose import Unconnected
from dap_ros.frames import transform
from dap_ros.transforms import Transforms

WORLD_FROM_LINK = yaw_pitch_roll(1.0, 0.2, -0.3)


class TransformException(Exception):
    """As tf2_py has it."""


class Buffer:
    """The part of tf2_ros.Buffer that is used, over transforms given by the test: newest only, as (target, source)."""

    known: dict[tuple[str, str], TransformStamped] = {}  # noqa: RUF012

    def __init__(self, cache_time: Any = None, node: Any = None) -> None:
        assert cache_time is None and node is not None

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any) -> TransformStamped:
        """`time` other than zero is later than everything in the buffer."""
        if (target_frame, source_frame) not in self.known or time.nanoseconds > 0:
            raise TransformException(f'"{target_frame}" passed to lookupTransform does not\nexist')
        return self.known[target_frame, source_frame]


class TransformListener:
    """Of tf2_ros."""

    def __init__(self, buffer: Buffer, node: Any) -> None:
        assert isinstance(buffer, Buffer)

    def unregister(self) -> None:
        """Nothing to end."""


@pytest.fixture
def node() -> Iterator[Any]:
    node = rclpy.create_node("transforms")
    yield node
    node.destroy_node()


@pytest.fixture
def tf(monkeypatch: pytest.MonkeyPatch, node: Any) -> Transforms:
    module = types.ModuleType("tf2_ros")
    vars(module).update(Buffer=Buffer, TransformListener=TransformListener, TransformException=TransformException)
    monkeypatch.setitem(sys.modules, "tf2_ros", module)
    Buffer.known = {
        ("odom", "cam_link"): transform("odom", "cam_link", WORLD_FROM_LINK),
        ("base", "cam_link"): transform("base", "cam_link", np.eye(3)),
    }
    Buffer.known["base", "cam_link"].transform.translation.z = 1.25
    return Transforms(node, "parameter x")


def test_poses_take_points_of_the_source_to_the_target(tf: Transforms) -> None:
    assert tf.lookup("base", "cam_link", Time()).translation[2] == 1.25
    # Later than the buffer reaches, and before 1970, which is no time to rclpy: the newest there is.
    for stamp in (Time(sec=9), Time(sec=-(2**31), nanosec=2**32 - 1)):
        np.testing.assert_allclose(tf.at(stamp)("odom", "cam_link").rotation, WORLD_FROM_LINK, atol=1e-12)


def test_what_is_not_connected_is_said_in_one_line(tf: Transforms) -> None:
    with pytest.raises(Unconnected) as caught:
        tf.lookup("map", "cam_link", Time(sec=5))
    assert str(caught.value) == 'no transform from cam_link to map: "map" passed to lookupTransform does not exist'


def test_a_broken_transform_is_refused(tf: Transforms) -> None:
    Buffer.known["odom", "cam_link"].transform.translation.x = float("nan")
    with pytest.raises(InputError, match="a finite translation"):
        tf.lookup("odom", "cam_link", Time())


def test_without_tf2_ros_the_error_says_who_needs_it(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_ros", None)
    with pytest.raises(InputError, match=r"parameter ground_frame needs tf2_ros, which is not installed"):
        Transforms(node, "parameter ground_frame")
