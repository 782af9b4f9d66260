"""Calibrations of fisheye cameras: our YAML form, Kalibr's and camodocal's; what is wrong with a file is one line."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.lenses import CameraCalibration, DoubleSphere, KannalaBrandt, Lens, Mei
from dap_core.lenses.calibration import angles
from dap_core.lenses.calibration_file import read_calibration
from dap_core.lenses.ideal import Circle, ideal_calibration

OURS: dict[str, Any] = {
    "frame": [1280, 720],
    "lenses": [
        {
            "name": "front",
            "model": "mei",
            "intrinsics": {"fx": 766.2, "fy": 759.5, "cx": 316.7, "cy": 322.2, "xi": 3.0, "k1": 0.25, "k2": 7.6},
            "size": [640, 640],
            "region": [0, 40, 640, 640],
            "fov": 200,
            "rotation": {"yaw": 0, "roll": 90},
            "translation": [0.012, 0.0, 0.0],
        },
        {
            "name": "back",
            "model": "double_sphere",
            "intrinsics": {"fx": 122.5, "fy": 121.8, "cx": 319.5, "cy": 319.5, "xi": -0.02, "alpha": 0.56},
            "region": [640, 40, 640, 640],
            "rotation": [[0, 0, -1], [1, 0, 0], [0, -1, 0]],
        },
    ],
}
CAMODOCAL = """%YAML:1.0
---
model_type: MEI
camera_name: back
image_width: 640
image_height: 480
mirror_parameters:
   xi: 3.0027455878202010e+00
distortion_parameters:
   k1: 2.4601768658402237e-01
   k2: 7.6249709567334083e+00
   p1: -4.1145304885026020e-03
   p2: -3.8375930148871825e-03
projection_parameters:
   gamma1: 7.6623340082838934e+02
   gamma2: 7.5948357055306053e+02
   u0: 3.1665707246255982e+02
   v0: 3.2217434911893332e+02
"""
#: cam1 looks back: half a turn about cam0's y axis, its centre 3 cm behind.
CAMCHAIN: dict[str, Any] = {
    "cam0": {
        "camera_model": "ds", "distortion_model": "none", "distortion_coeffs": [], "rostopic": "/front",
        "intrinsics": [-0.2, 0.59, 317.5, 316.1, 724.8, 546.5], "resolution": [1440, 1080],
    },
    "cam1": {
        "camera_model": "pinhole", "distortion_model": "equidistant", "rostopic": "/back", "cam_overlaps": [0],
        "distortion_coeffs": [0.1, 0.02, -0.003, 0.0004], "intrinsics": [310.0, 311.0, 700.0, 540.0],
        "resolution": [1400, 1080],
        "T_cn_cnm1": [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, -0.03], [0, 0, 0, 1]],
    },
    "cam2": {
        "camera_model": "omni", "distortion_model": "radtan", "distortion_coeffs": [0.1, 0.2, 0.003, 0.004],
        "intrinsics": [1.2, 500.0, 501.0, 300.0, 301.0], "resolution": [600, 1080],
        "T_cn_cnm1": [[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]],
    },
}  # fmt: skip


def written(folder: Path, content: Any, name: str = "camera.yaml") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_our_form(tmp_path: Path) -> None:
    camera = read_calibration(written(tmp_path, OURS))
    front, back = camera.lenses
    assert camera.frame == (1280, 720)
    assert front.model == Mei(766.2, 759.5, 316.7, 322.2, 3.0, 0.25, 7.6, 0.0, 0.0)
    assert (front.name, front.size, front.region, front.fov) == ("front", (640, 640), (0, 40, 640, 640), 200.0)
    assert front.translation == (0.012, 0.0, 0.0)
    assert back.model == DoubleSphere(122.5, 121.8, 319.5, 319.5, -0.02, 0.56)
    assert back.size == (640, 640) and back.fov == 360.0
    # Rolled by 90 degrees clockwise about its viewing direction, a camera has the sky on the left of its image.
    optical = np.asarray(front.rotation).T @ [[0.0], [0.0], [1.0]]
    np.testing.assert_allclose(optical[:, 0], [-1.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(back.rotation, angles(yaw=180.0), atol=1e-12)
    assert read_calibration(written(tmp_path, json.dumps(OURS), "camera.json")) == camera


def test_directions_of_lenses() -> None:
    for (yaw, pitch, roll), axis, right in (
        ((0, 0, 0), (1, 0, 0), (0, -1, 0)),
        ((90, 0, 0), (0, 1, 0), (1, 0, 0)),
        ((0, 90, 0), (0, 0, -1), (0, -1, 0)),
        ((0, 0, 90), (1, 0, 0), (0, 0, -1)),
    ):
        r = np.asarray(angles(yaw, pitch, roll))
        np.testing.assert_allclose(r[:, 2], axis, atol=1e-12)
        np.testing.assert_allclose(r[:, 0], right, atol=1e-12)


def test_camodocal_and_a_lens_that_refers_to_it(tmp_path: Path) -> None:
    path = written(tmp_path, CAMODOCAL, "back.yaml")
    camera = read_calibration(path)
    (lens,) = camera.lenses
    assert camera.frame == lens.size == (640, 480) and lens.region == (0, 0, 640, 480) and lens.name == "back"
    assert lens.model == Mei(766.23340082838934, 759.48357055306053, 316.65707246255982, 322.17434911893332,
                             3.002745587820201, 0.24601768658402237, 7.6249709567334083, -0.004114530488502602,
                             -0.0038375930148871825)  # fmt: skip
    np.testing.assert_allclose(lens.rotation, angles(), atol=1e-12)
    own = {"frame": [1280, 480], "lenses": [{"calibration": "back.yaml", "region": [640, 0, 320, 240]}]}
    (referring,) = read_calibration(written(tmp_path, own)).lenses
    assert referring.model == lens.model and referring.size == (640, 480) and referring.region == (640, 0, 320, 240)
    kannala = {
        "model_type": "KANNALA_BRANDT", "camera_name": "c", "image_width": 640, "image_height": 480,
        "projection_parameters": {"k2": 0.1, "k3": 0.2, "k4": 0.3, "k5": 0.4, "mu": 1, "mv": 2, "u0": 3, "v0": 4},
    }  # fmt: skip
    assert read_calibration(written(tmp_path, kannala)).lenses[0].model == KannalaBrandt(1, 2, 3, 4, 0.1, 0.2, 0.3, 0.4)


def test_kalibr_camera_chain(tmp_path: Path) -> None:
    camera = read_calibration(written(tmp_path, CAMCHAIN))
    zero, one, two = camera.lenses
    assert camera.frame == (3440, 1080)
    assert zero.model == DoubleSphere(317.5, 316.1, 724.8, 546.5, -0.2, 0.59) and zero.name == "cam0"
    assert one.model == KannalaBrandt(310.0, 311.0, 700.0, 540.0, 0.1, 0.02, -0.003, 0.0004)
    assert two.model == Mei(500.0, 501.0, 300.0, 301.0, 1.2, 0.1, 0.2, 0.003, 0.004)
    assert [lens.region for lens in camera.lenses] == [(0, 0, 1440, 1080), (1440, 0, 1400, 1080), (2840, 0, 600, 1080)]
    np.testing.assert_allclose(zero.rotation, angles(), atol=1e-12)
    np.testing.assert_allclose(one.rotation, angles(yaw=180.0), atol=1e-12)
    np.testing.assert_allclose(one.translation, [-0.03, 0.0, 0.0], atol=1e-12)
    # cam2's z axis is cam1's -x, which is cam0's x: to the right.
    np.testing.assert_allclose(two.rotation, angles(yaw=-90.0), atol=1e-12)
    np.testing.assert_allclose(two.translation, [-0.03, 0.0, 0.0], atol=1e-12)


def changed(content: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with one value changed; the value None removes it."""
    content = copy.deepcopy(content)
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is None and isinstance(place, dict):
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("- 1\n- 2\n", "a mapping of keys to values is expected"),
        ("", "a mapping of keys to values is expected, got None"),
        ("{[", "not YAML"),
        ("%YAML:1.0\n---\na: !!opencv-matrix 3\n", "not YAML"),
        ({"a": 1}, "not a calibration"),
        (changed(OURS, ("frame",), None), "frame is missing"),
        (changed(OURS, ("frame",), [1280]), r"frame is a list of 2 numbers, got \[1280\]"),
        (changed(OURS, ("frame",), [1280.5, 720]), "frame holds whole numbers"),
        (changed(OURS, ("frame",), [1280, 0]), "frame holds whole numbers of at least 1"),
        (changed(OURS, ("frame",), [1000, 720]), "region of lens 'back', 640x640 at .640, 40., is not in the frame"),
        (changed(OURS, ("lenses",), []), "lenses is a list of mappings"),
        (changed(OURS, ("lenses", 1), "x"), r"lenses\[1\]: a mapping"),
        (changed(OURS, ("yaw",), 3), "unknown key 'yaw'; known are frame, lenses"),
        (changed(OURS, ("lenses", 0, "fow"), 3), r"lenses\[0\]: unknown key 'fow'"),
        (
            changed(OURS, ("lenses", 0, "model"), "fisheye"),
            r"model is one of double_sphere, kannala_brandt, mei, got 'f",
        ),
        (changed(OURS, ("lenses", 0, "intrinsics", "xi"), None), r"lenses\[0\]: intrinsics: xi is missing"),
        (changed(OURS, ("lenses", 0, "intrinsics", "k5"), 1), r"intrinsics: unknown key 'k5'"),
        (changed(OURS, ("lenses", 0, "intrinsics", "fx"), "wide"), "fx takes finite numbers, got 'wide'"),
        (changed(OURS, ("lenses", 0, "intrinsics", "fx"), True), "fx takes finite numbers, got True"),
        (changed(OURS, ("lenses", 0, "intrinsics", "fx"), float("nan")), "fx takes finite numbers, got nan"),
        (changed(OURS, ("lenses", 0, "intrinsics", "xi"), -1), r"intrinsics: the mirror parameter xi is not negative"),
        (changed(OURS, ("lenses", 0, "region"), [0, 0, 0, 640]), "region is x, y, width and height"),
        (changed(OURS, ("lenses", 0, "fov"), 400), r"lenses\[0\]: the fov of lens 'front' lies between 0 and 360"),
        (changed(OURS, ("lenses", 0, "rotation"), {"jaw": 3}), "rotation: unknown key 'jaw'"),
        (changed(OURS, ("lenses", 1, "rotation", 0), [0, 0]), "rotation is a 3x3 matrix"),
        (changed(OURS, ("lenses", 1, "rotation", 0), [0, 0, 1]), "proper 3x3 rotation matrix"),
        (changed(OURS, ("lenses", 1, "calibration"), "none.yaml"), r"no file .*none.yaml"),
        (changed(CAMCHAIN, ("cam1", "T_cn_cnm1"), None), "cam1: T_cn_cnm1 is missing"),
        (changed(CAMCHAIN, ("cam1", "resolution"), [1400, 900]), "resolution has the height of cam0's, 1080"),
        (
            changed(CAMCHAIN, ("cam0", "camera_model"), "eucm"),
            "cam0: camera_model with distortion_model is ds with none",
        ),
        (changed(CAMCHAIN, ("cam0", "intrinsics"), [1, 2]), "cam0: intrinsics is a list of 6 numbers"),
        (CAMODOCAL.replace("MEI", "PINHOLE"), "model_type is MEI or KANNALA_BRANDT, got 'PINHOLE'"),
        (CAMODOCAL.replace("gamma1", "gamma"), "projection_parameters: gamma1 is missing"),
        (CAMODOCAL.replace("640", "0"), "image_width and image_height are positive"),
    ],
)
def test_what_is_wrong_in_one_line(tmp_path: Path, content: Any, text: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError, match=text) as caught:
        read_calibration(path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_files_that_cannot_be_read_and_circles_of_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_calibration(tmp_path / "missing.yaml")
    with pytest.raises(InputError, match="cannot read"):
        read_calibration(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text"):
        read_calibration(tmp_path / "binary.yaml")
    own = {"frame": [10, 10], "lenses": [{"calibration": "camera.yaml"}]}
    with pytest.raises(InputError, match="names a Kalibr or camodocal file"):
        read_calibration(written(tmp_path, own))
    written(tmp_path, CAMCHAIN, "chain.yaml")
    with pytest.raises(InputError, match=r"names a file of one lens, .*chain.yaml has 3"):
        read_calibration(written(tmp_path, changed(own, ("lenses", 0, "calibration"), "chain.yaml")))


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
junk = st.recursive(
    scalars,
    lambda c: st.one_of(st.lists(c, max_size=4), st.dictionaries(st.text(max_size=3), c, max_size=3)),
    max_leaves=6,
)
places = st.sampled_from(
    [("frame",), ("lenses",), ("lenses", 0), ("lenses", 0, "size"), ("lenses", 1, "region"),
     ("lenses", 0, "intrinsics"), ("lenses", 0, "intrinsics", "k1"), ("lenses", 1, "intrinsics", "alpha"),
     ("lenses", 0, "rotation"),
     ("lenses", 0, "fov"), ("lenses", 0, "name"), ("lenses", 0, "translation"), ("lenses", 0, "calibration")]
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=places, value=junk)
def test_any_value_anywhere_gives_a_calibration_or_one_line(tmp_path: Path, place: tuple[Any, ...], value: Any) -> None:
    path = written(tmp_path, changed(OURS, place, value))
    try:
        assert len(read_calibration(path).lenses) >= 1
    except InputError as error:
        assert "\n" not in str(error)


def test_frames_of_another_size(tmp_path: Path) -> None:
    camera = read_calibration(written(tmp_path, OURS))
    rays = np.random.default_rng(0).normal(size=(200, 3))
    for width, height in ((640, 360), (2560, 1440), (1920, 1080), (320, 180)):
        scaled = camera.for_frame(width, height)
        assert scaled.frame == (width, height)
        for one, other in zip(camera.lenses, scaled.lenses, strict=True):
            (pixels, margin), (small, margin_small) = one.see(rays), other.see(rays)
            np.testing.assert_allclose(small + 0.5, (pixels + 0.5) * width / 1280, atol=1e-9)
            np.testing.assert_allclose(margin_small, margin, atol=1e-12)
            assert other.pixels_per_radian == pytest.approx(one.pixels_per_radian * width / 1280)
    for width, height in ((1280, 640), (720, 1280), (0, 0)):
        with pytest.raises(InputError, match="calibrated for frames of 1280x720, or that shape in another size"):
            camera.for_frame(width, height)


def test_the_view_of_a_lens_and_its_mirrored_surroundings() -> None:
    model = KannalaBrandt.equidistant(200.0, 250.0, 249.5, 259.5)
    lens = Lens(model, (500, 520), (100, 10, 500, 520), angles(yaw=90.0), fov=180.0)
    degrees = np.array([0.0, 45.0, 90.0, 100.0, 150.0, 180.0])  # from its axis, which is y, to the right: x
    a = np.radians(degrees)
    pixels, margin = lens.see(np.stack([np.sin(a), np.cos(a), 0.0 * a], -1))
    np.testing.assert_allclose(np.degrees(margin), 90.0 - degrees, atol=1e-9)
    shown = np.array([0.0, 45.0, 90.0, 80.0, 30.0, 0.0])
    expected = np.stack([349.5 + 2.5 * shown, np.full(6, 269.5)], -1)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def test_ideal_lenses_behind_circles() -> None:
    camera = ideal_calibration((800, 400), 190.0)
    front, back = camera.lenses
    # The edge of the field is the edge of each half of the image, half a pixel beyond its outermost pixels' centres.
    edge = np.radians(95.0)
    for lens, centre, axis in ((front, 199.5, 1.0), (back, 599.5, -1.0)):
        ray = np.array([[axis, 0.0, 0.0], [axis * np.cos(edge), 0.0, np.sin(edge)]])
        pixels, margin = lens.see(ray)
        np.testing.assert_allclose(pixels, [[centre, 199.5], [centre, -0.5]], atol=1e-5)
        np.testing.assert_allclose(margin, [edge, 0.0], atol=1e-12)
    right = front.see(np.array([np.cos(1.0), -np.sin(1.0), 0.0]))[0]
    assert right[0] == pytest.approx(199.5 + 200.0 / edge) and right[1] == pytest.approx(199.5)
    rolled = ideal_calibration((1280, 720), 200.0, (Circle.parse("320 320 310.5 90"),))
    up = rolled.lenses[0].see(np.array([0.0, 0.0, 1.0]))[0]
    np.testing.assert_allclose(up, [320.0 - 310.5 * 0.9, 320.0], atol=1e-6)
    assert isinstance(rolled, CameraCalibration) and len(rolled.lenses) == 1
    for text in ("", "1 2", "1 2 3 4 5", "a b c", "1 2 -3", "1 2 nan", "1 2 0"):
        with pytest.raises(InputError, match="a circle is 'x y radius'"):
            Circle.parse(text)
    for arguments, text in (
        (((640, 480), 190.0), "twice as wide as high, got 640x480"),
        (((640, 480), 190.0, (Circle(900.0, 100.0, 50.0),)), "not in the frame of 640x480"),
        (((640, 480), 190.0, (Circle(1.0, 1.0, 5.0),) * 3), "one or two circles, got 3"),
    ):
        with pytest.raises(InputError, match=text):
            ideal_calibration(*arguments)
