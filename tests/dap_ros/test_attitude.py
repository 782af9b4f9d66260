"""Which way is up, from every source; TF through a stand-in of tf2_ros, which is not on PyPI."""

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
from sensor_msgs.msg import Imu
from transforms3d.quaternions import mat2quat

from dap_core.errors import InputError
from dap_core.panorama import yaw_pitch_roll
from dap_core.products.levelling import LevellingConfig
from dap_ros.attitude import Attitude
from dap_ros.frames import CameraFrames, transform
from dap_ros.transforms import Transforms

FRAMES = CameraFrames.of("cam_optical_frame")
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
    node = rclpy.create_node("attitude")
    yield node
    node.destroy_node()


@pytest.fixture
def tf(monkeypatch: pytest.MonkeyPatch, node: Any) -> Transforms:
    module = types.ModuleType("tf2_ros")
    vars(module).update(Buffer=Buffer, TransformListener=TransformListener, TransformException=TransformException)
    monkeypatch.setitem(sys.modules, "tf2_ros", module)
    Buffer.known = {
        ("odom", "cam_link"): transform("odom", "cam_link", WORLD_FROM_LINK),
        ("cam_link", "imu"): transform("cam_link", "imu", yaw_pitch_roll(np.pi / 2)),
        ("base", "cam_link"): transform("base", "cam_link", np.eye(3)),
    }
    Buffer.known["base", "cam_link"].transform.translation.z = 1.25
    return Transforms(node, "parameter x")


def sample(frame: str, at: float, rotation: np.ndarray | None = None) -> Imu:
    message = Imu()
    message.header.frame_id = frame
    message.header.stamp = Time(sec=int(at), nanosec=round(1e9 * (at - int(at))))
    if rotation is None:
        message.orientation_covariance[0] = -1.0
        message.linear_acceleration.z = 9.81
    else:
        q = message.orientation
        q.w, q.x, q.y, q.z = mat2quat(rotation)
    return message


def test_from_tf(node: Any, tf: Transforms) -> None:
    config = LevellingConfig(source="tf", fixed_frame="odom")
    attitude = Attitude(node, "", config, tf)
    up = attitude.up(config, Time(sec=5), FRAMES)
    np.testing.assert_allclose(up, WORLD_FROM_LINK.T @ [0, 0, 1], atol=1e-12)
    lost = LevellingConfig(source="tf", fixed_frame="map")
    assert attitude.up(lost, Time(sec=5), FRAMES) is None
    assert attitude.state == 'no transform from cam_link to map: "map" passed to lookupTransform does not exist'


def test_poses_take_points_of_the_source_to_the_target(tf: Transforms) -> None:
    pose = tf.lookup("base", "cam_link", Time())
    assert pose.translation[2] == 1.25
    np.testing.assert_allclose(tf.lookup("odom", "cam_link", Time(sec=9)).rotation, WORLD_FROM_LINK, atol=1e-12)


def test_without_tf2_ros_the_error_says_who_needs_it(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_ros", None)
    with pytest.raises(InputError, match=r"parameter ground_frame needs tf2_ros, which is not installed"):
        Transforms(node, "parameter ground_frame")


def test_the_nearest_imu_sample_counts_and_an_old_one_does_not(node: Any) -> None:
    config = LevellingConfig(source="imu", max_age=0.2)
    attitude = Attitude(node, "", config, None)
    assert attitude.up(config, Time(sec=1), FRAMES) is None and attitude.state == "no IMU message yet"
    for at, pitch in ((1.0, 0.1), (1.1, 0.2), (1.2, 0.3)):
        attitude._on_imu(sample("cam_link", at, yaw_pitch_roll(0.5, pitch)))
    up = attitude.up(config, Time(sec=1, nanosec=90_000_000), FRAMES)
    np.testing.assert_allclose(up, yaw_pitch_roll(0.0, 0.2)[2], atol=1e-9)
    assert attitude.state == "from the IMU in cam_link"
    assert attitude.up(config, Time(sec=1, nanosec=500_000_000), FRAMES) is None and "-0.30 s" in attitude.state
    # The clock jumps back: samples of another time do not count.
    attitude._on_imu(sample("cam_link", 0.5, yaw_pitch_roll(0.0, -0.4)))
    np.testing.assert_allclose(
        attitude.up(config, Time(nanosec=500_000_000), FRAMES), yaw_pitch_roll(0.0, -0.4)[2], atol=1e-9
    )


def test_an_imu_that_is_mounted_otherwise(node: Any, tf: Transforms) -> None:
    world_from_imu = yaw_pitch_roll(0.0, 0.25)
    expected = yaw_pitch_roll(np.pi / 2) @ world_from_imu[2]
    by_parameter = LevellingConfig(source="imu", imu_yaw=90.0)
    for config, transforms in ((LevellingConfig(source="imu"), tf), (by_parameter, None)):
        attitude = Attitude(node, "", config, transforms)
        attitude._on_imu(sample("imu", 3.0, world_from_imu))
        np.testing.assert_allclose(attitude.up(config, Time(sec=3), FRAMES), expected, atol=1e-9)


def test_gravity_alone_and_broken_messages(node: Any) -> None:
    config = LevellingConfig(source="imu")
    attitude = Attitude(node, "", config, None)
    attitude._on_imu(sample("cam_link", 1.0, np.eye(3)))
    broken = sample("cam_link", 1.1, np.eye(3))
    broken.orientation.w = 0.0
    attitude._on_imu(broken)
    assert attitude.state.startswith("1 IMU messages ignored: ")
    fresh = Attitude(node, "", config, None)
    fresh._on_imu(sample("cam_link", 2.0))
    np.testing.assert_allclose(fresh.up(config, Time(sec=2), FRAMES), [0, 0, 1], atol=1e-9)
