"""Transforms: chains, inverses, motion between stamps, and what is not connected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.io.frame_tree import FrameTree
from dap_core.io.ros_messages import transform_message
from dap_core.panorama import yaw_pitch_roll
from dap_core.pose import Pose, Unconnected

angle = st.floats(-3.0, 3.0)
metres = st.floats(-50.0, 50.0)
poses = st.builds(
    lambda y, p, r, *t: Pose(yaw_pitch_roll(y, p, r), np.array(t)),
    angle,
    st.floats(-1.5, 1.5),
    angle,
    metres,
    metres,
    metres,
)


def _tree(*edges: tuple[str, str, Pose, float, bool]) -> FrameTree:
    tree = FrameTree()
    for parent, child, pose, at, static in edges:
        tree.add(transform_message(parent, child, pose.rotation, pose.translation, round(at * 1e9)), static)
    return tree


@given(poses, poses, poses)
def test_a_chain_is_the_product_of_its_links(a: Pose, b: Pose, c: Pose) -> None:
    tree = _tree(("base", "arm", a, 0, True), ("arm", "camera", b, 0, True), ("base", "lidar", c, 0, True))
    points = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 0.0]])
    np.testing.assert_allclose(tree.lookup("base", "camera", 9.0)(points), a(b(points)), atol=1e-6)
    there = tree.lookup("camera", "lidar", 9.0)
    np.testing.assert_allclose(a(b(there(points))), c(points), atol=1e-6)
    np.testing.assert_allclose(tree.lookup("lidar", "camera", 9.0)(there(points)), points, atol=1e-6)
    np.testing.assert_allclose(there.inverse(there(points)), points, atol=1e-9)


def test_motion_is_interpolated_and_not_carried_on_for_long() -> None:
    tree = _tree(
        ("odom", "base", Pose(), 10.0, False),
        ("odom", "base", Pose(yaw_pitch_roll(yaw=0.6), np.array([2.0, 0, 0])), 12.0, False),
        ("odom", "base", Pose(yaw_pitch_roll(yaw=0.3), np.array([1.0, 0, 0])), 11.0, False),  # late
        ("base", "/camera", Pose(translation=np.array([0, 0, 1.0])), 0, True),
    )
    found = tree.lookup("odom", "camera", 10.5)
    np.testing.assert_allclose(found.translation, [0.5, 0, 1], atol=1e-9)
    np.testing.assert_allclose(found.rotation, yaw_pitch_roll(yaw=0.15), atol=1e-9)
    np.testing.assert_allclose(tree.lookup("odom", "base", 12.9).translation, [2, 0, 0])
    with pytest.raises(InputError, match=r"the transform of base in odom is known at 12.000 s, 1.5 s away") as caught:
        tree.lookup("odom", "base", 13.5)
    assert not isinstance(caught.value, Unconnected)


def test_what_is_not_connected_is_said() -> None:
    tree = _tree(("a", "b", Pose(), 0, True), ("c", "d", Pose(), 0, True))
    with pytest.raises(Unconnected, match="no transform from d to b in the bag; frames: a, b, c, d"):
        tree.lookup("b", "d", 0)
    assert "a" in tree and "x" not in tree and not FrameTree()
    loop = _tree(("a", "b", Pose(), 0, True), ("b", "a", Pose(), 0, True))
    with pytest.raises(InputError, match="the transforms form a loop: a -> b -> a"):
        loop.lookup("b", "a", 0)
    bad = transform_message("a", "z", np.eye(3), np.array([np.nan, 0, 0]), 0)
    tree.add(bad, True)
    assert "z" not in tree
