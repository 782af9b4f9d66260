"""Which way is up at the time of a picture, from every source, and why where it is not known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from transforms3d.quaternions import mat2quat

from dap_core.errors import InputError
from dap_core.frames import FrameNames
from dap_core.panorama import yaw_pitch_roll
from dap_core.pose import Pose, Unconnected
from dap_core.products.attitude import KEPT_S, Attitude
from dap_core.products.levelling import LevellingConfig

FRAMES = FrameNames.of("cam_optical_frame")
IMU = LevellingConfig(source="imu", max_age=0.2)
WORLD_FROM_LINK = yaw_pitch_roll(1.0, 0.2, -0.3)


def sample(frame: str, at: float, rotation: np.ndarray | None = None) -> SimpleNamespace:
    """A sensor_msgs/Imu; without a rotation one that has no orientation."""
    x, y, z, w = mat2quat(np.eye(3) if rotation is None else rotation)[[1, 2, 3, 0]]
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=frame, stamp=SimpleNamespace(sec=int(at), nanosec=round(1e9 * (at - int(at))))),
        orientation=SimpleNamespace(x=x, y=y, z=z, w=w),
        orientation_covariance=[-1.0 if rotation is None else 0.0],
        angular_velocity=SimpleNamespace(x=0.0, y=0.0, z=0.0),
        linear_acceleration=SimpleNamespace(x=0.0, y=0.0, z=9.81),
    )


def lookup(target: str, source: str) -> Pose:
    known = {
        ("odom", "cam_link"): WORLD_FROM_LINK,
        ("cam_link", "imu"): yaw_pitch_roll(np.pi / 2),
    }
    if source == "late":
        raise InputError(f"the transform of {source} in {target} is known at 1 s, 4 s away")
    if (target, source) not in known:
        raise Unconnected(f"no transform from {source} to {target}")
    return Pose(known[target, source])


def test_from_transforms() -> None:
    config = LevellingConfig(source="tf", fixed_frame="odom")
    attitude = Attitude(config)
    np.testing.assert_allclose(attitude.up(config, 5.0, FRAMES, lookup), WORLD_FROM_LINK.T @ [0, 0, 1], atol=1e-12)
    assert attitude.state == "from TF, odom"
    assert attitude.up(LevellingConfig(source="tf", fixed_frame="map"), 5.0, FRAMES, lookup) is None
    assert attitude.state == "no transform from cam_link to map"
    assert attitude.up(config, 5.0, FRAMES, None) is None and "no transforms" in attitude.state


def test_from_parameters_and_from_nothing() -> None:
    attitude = Attitude(LevellingConfig())
    assert attitude.up(LevellingConfig(), 1.0, FRAMES, lookup) is None and attitude.state == "off"
    config = LevellingConfig(source="parameters", roll=10.0, pitch=-5.0)
    expected = yaw_pitch_roll(0.0, np.radians(-5.0), np.radians(10.0))[2]
    np.testing.assert_allclose(attitude.up(config, 1.0, FRAMES, None), expected, atol=1e-12)
    assert attitude.state == "roll 10, pitch -5 degrees from parameters"


@pytest.mark.parametrize(("at", "nearest"), [(0.9, 0.1), (1.04, 0.1), (1.06, 0.2), (1.19, 0.3), (1.39, 0.3)])
def test_the_nearest_sample_counts(at: float, nearest: float) -> None:
    attitude = Attitude(IMU)
    assert attitude.up(IMU, 1.0, FRAMES, None) is None and attitude.state == "no IMU message yet"
    for stamp, pitch in ((1.0, 0.1), (1.1, 0.2), (1.2, 0.3)):
        attitude.add(sample("cam_link", stamp, yaw_pitch_roll(0.5, pitch)))
    np.testing.assert_allclose(attitude.up(IMU, at, FRAMES, None), yaw_pitch_roll(0.0, nearest)[2], atol=1e-9)
    assert attitude.state == "from the IMU in cam_link"


def test_an_old_sample_does_not_count_and_the_clock_may_jump_back() -> None:
    attitude = Attitude(IMU)
    attitude.add(sample("cam_link", 1.2, yaw_pitch_roll(0.0, 0.3)))
    for at, away in ((1.5, "-0.30 s"), (0.9, "+0.30 s")):
        assert attitude.up(IMU, at, FRAMES, None) is None and away in attitude.state
    attitude.add(sample("cam_link", 0.5, yaw_pitch_roll(0.0, -0.4)))
    np.testing.assert_allclose(attitude.up(IMU, 0.5, FRAMES, None), yaw_pitch_roll(0.0, -0.4)[2], atol=1e-9)
    assert attitude.up(IMU, 1.2, FRAMES, None) is None


def test_samples_are_kept_for_late_pictures_and_no_longer() -> None:
    attitude = Attitude(IMU)
    for stamp in np.arange(0.0, 2 * KEPT_S, 0.1):
        attitude.add(sample("cam_link", stamp, yaw_pitch_roll(0.0, 0.01 * stamp)))
    late = KEPT_S + 0.1
    np.testing.assert_allclose(attitude.up(IMU, late, FRAMES, None), yaw_pitch_roll(0.0, 0.01 * late)[2], atol=1e-6)
    assert attitude.up(IMU, KEPT_S - 0.5, FRAMES, None) is None


def test_an_imu_that_is_mounted_otherwise() -> None:
    world_from_imu = yaw_pitch_roll(0.0, 0.25)
    turned = yaw_pitch_roll(np.pi / 2) @ world_from_imu[2]
    by_parameter = LevellingConfig(source="imu", imu_yaw=90.0)
    for config, frame, transforms, how in (
        (IMU, "imu", lookup, "by TF"),
        (by_parameter, "imu", None, "mounted as in the parameters"),
        (by_parameter, "elsewhere", lookup, "mounted as in the parameters"),
    ):
        attitude = Attitude(config)
        attitude.add(sample(frame, 3.0, world_from_imu))
        np.testing.assert_allclose(attitude.up(config, 3.0, FRAMES, transforms), turned, atol=1e-9)
        assert attitude.state == f"from the IMU in {frame}, {how}"
    # A transform that exists, but not at that time, is no reason to take another one.
    attitude.add(sample("late", 4.0, world_from_imu))
    assert attitude.up(by_parameter, 4.0, FRAMES, lookup) is None and "4 s away" in attitude.state


def test_gravity_alone_and_broken_messages() -> None:
    attitude = Attitude(IMU)
    broken = sample("cam_link", 1.1, np.eye(3))
    broken.orientation.w = 0.0
    attitude.add(broken)
    assert attitude.state.startswith("1 IMU messages ignored: ")
    attitude.add(sample("cam_link", 2.0))
    np.testing.assert_allclose(attitude.up(IMU, 2.0, FRAMES, None), [0, 0, 1], atol=1e-9)
