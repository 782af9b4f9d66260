"""Frame names by REP 103 and 105, and transforms that take points where they belong."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from transforms3d.quaternions import quat2mat

from dap_core.panorama import yaw_pitch_roll
from dap_ros import frames
from dap_ros.frames import CameraFrames, TransformPublisher, transform


def matrix(t) -> np.ndarray:
    q = t.transform.rotation
    return quat2mat([q.w, q.x, q.y, q.z])


@pytest.mark.parametrize(
    ("image", "override", "link", "level", "face"),
    [
        ("pano_optical_frame", "", "pano_link", "pano_level", "pano_up_optical_frame"),
        ("camera_link", "", "camera_link", "camera_level", "camera_up_optical_frame"),
        ("theta", "", "theta", "theta_level", "theta_up_optical_frame"),
        ("theta_optical_frame", "mast", "mast", "mast_level", "mast_up_optical_frame"),
        ("theta_optical_link", "", "theta_link", "theta_level", "theta_up_optical_frame"),
        ("", "", "", "_level", "_up_optical_frame"),
    ],
)
def test_names(image: str, override: str, link: str, level: str, face: str) -> None:
    names = CameraFrames.of(image, override)
    assert (names.link, names.level, names.face("up")) == (link, level, face)


def test_a_transform_takes_points_of_the_child_to_the_parent() -> None:
    rotation = yaw_pitch_roll(0.3, -0.5, 2.0)
    t = transform("a", "b", rotation)
    assert (t.header.frame_id, t.child_frame_id) == ("a", "b")
    np.testing.assert_allclose(matrix(t), rotation, atol=1e-12)


def test_face_frames_look_where_the_faces_do() -> None:
    names = ("front", "left", "back", "right", "up", "down")
    every = CameraFrames.of("cam_optical_frame").static_transforms(names, twin=True)
    by_child = {t.child_frame_id: t for t in every}
    assert len(by_child) == 13
    np.testing.assert_allclose(matrix(by_child["cam_optical_frame"]) @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    looks = {
        "front": (1, 0, 0),
        "left": (0, 1, 0),
        "back": (-1, 0, 0),
        "right": (0, -1, 0),
        "up": (0, 0, 1),
        "down": (0, 0, -1),
    }
    for name, axis in looks.items():
        optical, body = by_child[f"cam_{name}_optical_frame"], by_child[f"cam_{name}_link"]
        assert (optical.header.frame_id, body.header.frame_id) == (f"cam_{name}_link", "cam_link")
        link_from_optical = matrix(body) @ matrix(optical)
        np.testing.assert_allclose(link_from_optical @ [0, 0, 1], axis, atol=1e-12)
    # The image of `up` has its lower edge, optical +y, towards the front; that of `down` its upper edge.
    for name, down_image in (("up", (1, 0, 0)), ("down", (-1, 0, 0))):
        link_from_optical = matrix(by_child[f"cam_{name}_link"]) @ matrix(by_child[f"cam_{name}_optical_frame"])
        np.testing.assert_allclose(link_from_optical @ [0, 1, 0], down_image, atol=1e-12)


def test_without_faces_and_twin_there_is_nothing_to_publish() -> None:
    assert CameraFrames.of("cam_optical_frame").static_transforms([], twin=False) == []
    assert CameraFrames.of("cam_link").static_transforms([], twin=True) == []


@pytest.mark.parametrize("image", ["cam_optical_frame", "cam_optical_link", "cam_link_optical", "cam_optical"])
def test_every_optical_frame_has_a_twin(image: str) -> None:
    (twin,) = CameraFrames.of(image).static_transforms([], twin=True)
    assert (twin.header.frame_id, twin.child_frame_id) == (CameraFrames.of(image).link, image)
    np.testing.assert_allclose(matrix(twin) @ [0, 0, 1], [1, 0, 0], atol=1e-12)


class TFMessage:
    """Of tf2_msgs, which is not on PyPI."""

    def __init__(self, transforms: list[Any]) -> None:
        self.transforms = transforms


class Publisher:
    """What would be published, by topic."""

    def __init__(self) -> None:
        self.messages: list[TFMessage] = []
        self.publish = self.messages.append


class PublishingNode:
    """The part of a node that TransformPublisher uses."""

    def __init__(self) -> None:
        self.publishers: dict[str, Publisher] = {}

    def create_publisher(self, kind: type, topic: str, profile: Any) -> Publisher:
        """One of the two."""
        assert kind is TFMessage
        return self.publishers.setdefault(topic, Publisher())

    def destroy_publisher(self, publisher: Publisher) -> None:
        """Nothing to free."""

    def get_clock(self) -> Clock:
        """Any."""
        return Clock()


def test_static_frames_of_all_cameras_are_published_when_they_change_and_not_made_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = types.ModuleType("tf2_msgs.msg")
    module.TFMessage = TFMessage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tf2_msgs", types.ModuleType("tf2_msgs"))
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", module)
    made: list[str] = []
    real = frames.transform
    monkeypatch.setattr(frames, "transform", lambda *a: made.append(a[1]) or real(*a))
    node = PublishingNode()
    publisher = TransformPublisher(node)
    front, rear = CameraFrames.of("front_optical_frame"), CameraFrames.of("rear_optical_frame")
    for _ in range(3):
        publisher.static("front", front, ("up",), False)
    publisher.static("rear", rear, ("up", "down"), True)
    sent = [{t.child_frame_id for t in m.transforms} for m in node.publishers["/tf_static"].messages]
    of_front = {"front_up_link", "front_up_optical_frame"}
    of_rear = {f"rear_{f}_{part}" for f in ("up", "down") for part in ("link", "optical_frame")}
    assert sent == [of_front, of_front | of_rear | {"rear_optical_frame"}]
    assert len(made) == 2 + 7
    publisher.moving("front_link", "front_level", np.eye(3), Time(sec=3))
    (moved,) = node.publishers["/tf"].messages[0].transforms
    assert (moved.header.frame_id, moved.child_frame_id, moved.header.stamp.sec) == ("front_link", "front_level", 3)
    publisher.close()
    made.clear()
    publisher.static("front", front, ("down",), False)
    publisher.moving("front_link", "front_level", np.eye(3), Time(sec=3))
    assert not made


def test_without_tf2_msgs_nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2_msgs", None)
    monkeypatch.setattr(frames, "transform", None)
    publisher = TransformPublisher(PublishingNode())
    assert not publisher.available
    publisher.static("front", CameraFrames.of("front_optical_frame"), ("up",), True)
    publisher.moving("front_link", "front_level", np.eye(3), Time(sec=3))
