"""Names of frames: what is optical, and its twin with x forward."""

from __future__ import annotations

import pytest

from dap_core.frames import FrameNames


@pytest.mark.parametrize(
    ("image", "link", "stem", "optical"),
    [
        ("front_optical_frame", "front_link", "front", True),
        ("theta_optical_link", "theta_link", "theta", True),
        ("theta_link_optical", "theta_link", "theta", True),
        ("theta_optical", "theta", "theta", True),
        ("front/pano_optical_frame", "front/pano_link", "front/pano", True),
        ("pano", "pano", "pano", False),
        ("camera_link", "camera_link", "camera", False),
        ("camera_frame", "camera_frame", "camera_frame", False),
        ("optical_frame", "optical_frame", "optical_frame", False),
        ("_optical_frame", "_optical_frame", "_optical_frame", False),
        ("", "", "", False),
    ],
)
def test_names(image: str, link: str, stem: str, optical: bool) -> None:
    names = FrameNames.of(image)
    assert (names.image, names.link, names.stem, names.optical) == (image, link, stem, optical)
    assert names.level == f"{stem}_level"


def test_a_name_that_is_given() -> None:
    names = FrameNames.of("a_optical_frame", "b_link")
    assert (names.link, names.level, names.optical) == ("b_link", "b_level", True)
