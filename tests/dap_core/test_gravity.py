"""Up from a mounting, an orientation, a simulated gyroscope and accelerometer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transforms3d.axangles import axangle2mat
from transforms3d.euler import euler2quat

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.products.gravity import STANDARD_GRAVITY, GravityFilter, up_from_mounting, up_from_orientation
from dap_core.products.levelling import camera_from_level

angles = st.floats(-np.pi, np.pi)


def degrees_between(a, b):
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b)))


def test_signs_of_a_mounting():
    np.testing.assert_allclose(up_from_mounting(0.0, 0.0), [0, 0, 1], atol=1e-12)
    # Looking down, forward points down; with the left side up, left points up.
    np.testing.assert_allclose(up_from_mounting(0.0, 90.0), [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(up_from_mounting(90.0, 0.0), [0, 1, 0], atol=1e-12)


@given(st.floats(-179, 179), st.floats(-89, 89))
def test_a_mounting_is_the_rotation_of_its_angles(roll, pitch):
    expected = panorama.yaw_pitch_roll(0.0, np.radians(pitch), np.radians(roll)).T
    np.testing.assert_allclose(camera_from_level(up_from_mounting(roll, pitch)), expected, atol=1e-9)


@given(angles, st.floats(-1.5, 1.5), angles, st.sampled_from([-1.0, 1.0]), st.floats(0.95, 1.05))
def test_orientation_of_an_imu(yaw, pitch, roll, sign, length):
    w, x, y, z = sign * length * euler2quat(yaw, pitch, roll, "rzyx")
    up = up_from_orientation((x, y, z, w))
    np.testing.assert_allclose(up, up_from_mounting(np.degrees(roll), np.degrees(pitch)), atol=1e-9)


@pytest.mark.parametrize("wrong", [(0, 0, 0, 0), (0, 0, 0, np.nan), (0, 0, 0, np.inf), (0, 0, 0, 2), (0, 0, 1)])
def test_not_an_orientation(wrong):
    with pytest.raises(InputError, match="unit quaternion"):
        up_from_orientation(wrong)


# -------------------------------------------------------------------------------------------------------- the rotation


class Imu:
    """A simulated IMU at 100 Hz: constant body rate, acceleration of its own in the world, vibration, noise, bias."""

    def __init__(self, rate=(0.0, 0.0, 0.0), moving=None, vibration=0.0, noise=(0.0, 0.0), bias=0.0, hz=100):
        self.rate, self.moving, self.vibration = np.asarray(rate, float), moving, vibration
        self.noise, self.bias, self.hz, self.random = noise, bias, hz, np.random.default_rng(3)
        self.start = axangle2mat([0.3, 1.0, 0.2], 0.2)

    def sample(self, t):
        """Gyroscope, accelerometer and true up at a time."""
        speed = np.linalg.norm(self.rate)
        world = self.start @ (axangle2mat(self.rate, speed * t) if speed else np.eye(3))
        felt = np.array([0.0, 0.0, STANDARD_GRAVITY]) + (self.moving(t) if self.moving else 0.0)
        shaken = self.vibration * np.sin(2 * np.pi * 33 * t * np.array([1.0, 1.1, 0.9]) + [0, 1, 2])
        gyroscope = self.rate + self.bias + self.random.normal(0, self.noise[0], 3)
        return gyroscope, world.T @ felt + shaken + self.random.normal(0, self.noise[1], 3), world[2]

    def errors(self, seconds=20.0, since=0.0, time_constant=2.0):
        """Error of the filter in degrees, for every sample since a time."""
        gravity = GravityFilter(time_constant)
        times = np.arange(int(seconds * self.hz)) / self.hz
        samples = [self.sample(t) for t in times]
        ups = [gravity.update(t, w, a) for t, (w, a, _) in zip(times, samples, strict=True)]
        found = [degrees_between(up, truth) for up, (*_, truth) in zip(ups, samples, strict=True)]
        return np.array(found)[times >= since]


TUMBLING = (0.5, 0.6, 0.62)  # 1 rad/s


def test_turning_at_one_radian_per_second():
    assert Imu(TUMBLING).errors().max() < 1e-4
    assert Imu(TUMBLING, noise=(0.01, 0.1)).errors(since=1.0).max() < 0.25


def test_vibration():
    # 3 m/s^2 on every axis tips a single sample by up to 25 degrees.
    assert Imu(TUMBLING, vibration=3.0, noise=(0.01, 0.1)).errors(since=1.0).max() < 0.6
    assert Imu(vibration=3.0).errors(since=1.0).max() < 1.2


@pytest.mark.parametrize(("acceleration", "worst"), [(1.0, 2.4), (2.0, 4.6), (3.0, 6.6)])
def test_braking_for_a_second(acceleration, worst):
    def braking(t):
        return np.array([acceleration * (10 <= t < 11), 0.0, 0.0])

    errors = Imu((0.0, 0.0, 0.5), braking).errors()
    # Alone, the accelerometer would be off by atan(a / g): 5.8, 11.5 and 17 degrees.
    assert 0.3 * worst < errors.max() < worst
    assert errors[-1] < 0.1


def test_bias_of_the_gyroscope_in_closed_form():
    # Where the pull towards the accelerometer balances a drift b across up: b * time_constant.
    error = Imu(bias=0.01).errors(60.0, since=59.0)
    across = np.linalg.norm(np.cross([0.01] * 3, Imu().start[2]))
    np.testing.assert_allclose(np.radians(error), 2.0 * across, rtol=0.02)


def test_starting_anew_after_a_pause_and_a_jump_of_the_clock():
    for later in (100.6, 50.0):
        gravity = GravityFilter(10.0)
        for k in range(100):
            gravity.update(100.0 + 1e-3 * k, np.zeros(3), (0.0, 0.0, 9.81))
        np.testing.assert_allclose(gravity.update(later, np.zeros(3), (9.81, 0.0, 0.0)), [1, 0, 0], atol=1e-12)


def test_a_repeated_stamp_changes_nothing():
    gravity = GravityFilter(1.0)
    gravity.update(0.0, np.zeros(3), (0.0, 0.0, 9.81))
    np.testing.assert_array_equal(gravity.update(0.0, np.ones(3), (9.81, 0.0, 0.0)), [0, 0, 1])


def test_what_is_not_a_number_is_counted_and_left_out():
    gravity = GravityFilter(1.0)
    assert gravity.update(0.0, (0.0, np.nan, 0.0), (0.0, 0.0, 9.81)) is None
    gravity.update(0.1, np.zeros(3), (0.0, 0.0, 9.81))
    for stamp, rate, acceleration in (
        (0.2, (np.inf, 0, 0), (0, 0, 9.81)),
        (0.2, (0, 0, 0), (0, 0, np.nan)),
        (np.nan, (0, 0, 0), (9.81, 0, 0)),
    ):
        np.testing.assert_allclose(gravity.update(stamp, rate, acceleration), [0, 0, 1])
    assert gravity.ignored == 4


def test_free_fall_and_a_dead_accelerometer_say_nothing():
    gravity = GravityFilter(1.0)
    assert gravity.update(0.0, np.zeros(3), np.zeros(3)) is None
    assert gravity.update(0.1, np.zeros(3), (0.0, 0.0, 30.0)) is None
    np.testing.assert_allclose(gravity.update(0.2, np.zeros(3), (0.0, 9.81, 0.0)), [0, 1, 0])
    np.testing.assert_allclose(gravity.update(0.3, np.zeros(3), np.zeros(3)), [0, 1, 0])


@given(st.lists(st.tuples(st.floats(), *[st.floats(width=32)] * 6), max_size=12))
def test_any_samples_give_a_unit_vector_or_nothing(samples):
    gravity = GravityFilter(1.0)
    for stamp, *rest in samples:
        up = gravity.update(stamp, rest[:3], rest[3:])
        assert up is None or abs(np.linalg.norm(up) - 1.0) < 1e-9


def test_a_time_constant_is_positive():
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="positive"):
            GravityFilter(wrong)
