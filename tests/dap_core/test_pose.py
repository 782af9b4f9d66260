"""Poses as quaternions have them."""

from __future__ import annotations

import numpy as np
import pytest

from dap_core.errors import InputError
from dap_core.panorama import yaw_pitch_roll
from dap_core.pose import Pose


def test_a_quaternion_of_any_length_is_its_rotation() -> None:
    half = 0.5 * 0.7
    pose = Pose.of_quaternion(3.0 * np.array([0.0, 0.0, np.sin(half), np.cos(half)]), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(pose.rotation, yaw_pitch_roll(0.7), atol=1e-12)
    np.testing.assert_allclose(pose(np.zeros((2, 3))), [[1, 2, 3], [1, 2, 3]])


@pytest.mark.parametrize("wrong", [[0, 0, 0, 0], [0, 0, 0, np.nan], [0, np.inf, 0, 1]])
def test_not_a_rotation(wrong: list[float]) -> None:
    with pytest.raises(InputError, match="a quaternion with a length"):
        Pose.of_quaternion(np.array(wrong), np.zeros(3))


def test_not_a_place() -> None:
    with pytest.raises(InputError, match="a finite translation"):
        Pose.of_quaternion(np.array([0.0, 0, 0, 1]), np.array([np.nan, 0, 0]))
