"""Frame names by REP 103 and 105, and transforms that take points where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from transforms3d.quaternions import quat2mat

from dap_core.panorama import yaw_pitch_roll
from dap_core.products.faces import FacesConfig, faces_of
from dap_ros.frames import CameraFrames, transform


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
        ("", "", "", "_level", "_up_optical_frame"),
    ],
)
def test_names(image: str, override: str, link: str, level: str, face: str) -> None:
    frames = CameraFrames.of(image, override)
    assert (frames.link, frames.level, frames.face("up")) == (link, level, face)


def test_a_transform_takes_points_of_the_child_to_the_parent() -> None:
    rotation = yaw_pitch_roll(0.3, -0.5, 2.0)
    t = transform("a", "b", rotation)
    assert (t.header.frame_id, t.child_frame_id) == ("a", "b")
    np.testing.assert_allclose(matrix(t), rotation, atol=1e-12)


def test_face_frames_look_where_the_faces_do() -> None:
    names = ("front", "left", "back", "right", "up", "down")
    every = CameraFrames.of("cam_optical_frame").static_transforms(faces_of(FacesConfig(names=names)), twin=True)
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
