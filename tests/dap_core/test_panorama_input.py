"""What cameras send, as panoramas: yaw, partial views, fisheye frames, sizes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.estimate import resize_panorama
from dap_core.lenses import Remapper
from dap_core.lenses.calibration_file import read_calibration
from dap_core.lenses.ideal import Circle, ideal_calibration
from dap_core.panorama_input import InputConfig, PanoramaInput
from dap_core.settings import build, fields

NOISE = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)


def test_an_upright_whole_panorama_is_only_resized() -> None:
    source = PanoramaInput(InputConfig())
    for height in (16, 48, 64, 96):
        result, unknown = source.panorama(NOISE, height)
        np.testing.assert_array_equal(result, resize_panorama(NOISE, height))
        assert unknown is None
    assert source.panorama(NOISE)[0].shape == (64, 128, 3)


@pytest.mark.parametrize(
    ("yaw", "columns"), [(0.0, 0), (90.0, 32), (-90.0, -32), (180.0, 64), (360.0, 0), (4.2, 1), (1.4, 0)]
)
def test_yaw_turns_by_whole_columns(yaw: float, columns: int) -> None:
    result, unknown = PanoramaInput(InputConfig(yaw=yaw)).panorama(NOISE, 64)
    np.testing.assert_array_equal(result, np.roll(NOISE, -columns, axis=1))
    assert unknown is None and result.flags.c_contiguous
    # The middle of the image is at azimuth yaw.
    u, _ = panorama.project(panorama.yaw_pitch_roll(yaw=np.radians(yaw)) @ [1.0, 0.0, 0.0], 64)
    np.testing.assert_array_equal(
        result[:, int(np.floor(u + 0.5)) % 128], NOISE[:, 64 if abs(u % 1 - 0.5) < 0.2 else 63]
    )


def ramp(rows: int, columns: int, top: float, bottom: float) -> np.ndarray:
    """An image whose red is elevation and whose green and blue are azimuth's cosine and sine."""
    e = top - (np.arange(rows) + 0.5) * (top - bottom) / rows
    a = panorama.azimuths(columns)
    channels = np.broadcast_arrays(e[:, None] + 90.0, 127.5 + 120.0 * np.cos(a), 127.5 + 120.0 * np.sin(a))
    return np.rint(np.stack(channels, -1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "top", "bottom"),
    [((90, 360), 45.0, -45.0), ((240, 720), 60.0, -60.0), ((100, 512), 30.0, -40.0), ((300, 800), 90.0, -50.0),
     ((30, 120), 45.0, -45.0), ((700, 2000), 40.0, -87.0)],
)  # fmt: skip
def test_a_partial_image_lies_at_its_elevations(shape: tuple[int, int], top: float, bottom: float) -> None:
    config = InputConfig(top=top, bottom=bottom)
    image = ramp(*shape, top, bottom)
    for height in (60, 128):
        result, unknown = PanoramaInput(config).panorama(image, height)
        expected = ramp(height, 2 * height, 90.0, -90.0)
        half_row = 90.0 / height
        elevation = 90.0 - (np.arange(height) + 0.5) * 2.0 * half_row
        whole = (elevation + half_row <= top + 1e-4) & (elevation - half_row >= bottom - 1e-4)
        assert unknown is not None and not unknown.flags.writeable
        np.testing.assert_array_equal(unknown, ~np.broadcast_to(whole[:, None], unknown.shape))
        error = np.abs(result.astype(float) - expected)[whole]
        # Half a row of the image, rounding of both images, and at most half a row where the band is stretched.
        assert error[..., 0].max() <= 1.0 + (top - bottom) / shape[0]
        assert error[..., 1:].max() <= 1.0 + 120.0 * np.pi / shape[1]


def test_beyond_a_partial_image_stands_its_mirror_image() -> None:
    image = NOISE[16:48]
    result, unknown = PanoramaInput(InputConfig(top=45.0, bottom=-45.0)).panorama(image, 64)
    np.testing.assert_array_equal(result[16:48], image)
    np.testing.assert_array_equal(result[:16], image[15::-1])
    np.testing.assert_array_equal(result[48:], image[:15:-1])
    assert unknown is not None and unknown.sum() == 64 * 64
    narrow, _ = PanoramaInput(InputConfig(top=15.0, bottom=-15.0)).panorama(NOISE[:11], 64)
    assert (narrow.reshape(64, -1).max(1) > 0).all()


def test_yaw_of_a_partial_image_and_a_full_one_by_its_elevations() -> None:
    turned, _ = PanoramaInput(InputConfig(top=45.0, bottom=-45.0, yaw=90.0)).panorama(NOISE[16:48], 64)
    np.testing.assert_array_equal(turned[16:48], np.roll(NOISE[16:48], -32, axis=1))
    anisotropic = np.repeat(NOISE, 2, axis=0)[:80]  # 80 rows of 128 columns: not 2:1, but all of the sphere
    result, unknown = PanoramaInput(InputConfig(bottom=-89.999)).panorama(anisotropic, 64)
    assert result.shape == (64, 128, 3) and unknown is not None and unknown.sum() == 128


def test_dual_fisheye_with_and_without_a_calibration(tmp_path: Path) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (80, 160, 3), np.uint8)
    config = InputConfig(projection="dual_fisheye", fov=188.0, yaw=30.0, blend=5.0)
    source = PanoramaInput(config)
    expected = Remapper(ideal_calibration((160, 80), 188.0), 40, 30.0, 5.0)
    result, unknown = source.panorama(frame, 40)
    np.testing.assert_array_equal(result, expected(frame))
    assert unknown is None
    natural = source.natural_height(80, 160)
    assert natural == round(np.pi * 40.0 / np.radians(94.0))  # radius over half the field of view, times pi
    assert source.panorama(frame)[0].shape == (natural, 2 * natural, 3)

    circles = ("40 39 36", "121 40 37 -90")
    by_circles = PanoramaInput(dataclasses.replace(config, circles=circles)).panorama(frame, 40)[0]
    camera = ideal_calibration((160, 80), 188.0, (Circle(40, 39, 36), Circle(121, 40, 37, -90)))
    np.testing.assert_array_equal(by_circles, Remapper(camera, 40, 30.0, 5.0)(frame))

    intrinsics = {"fx": 24.0, "fy": 24.0, "cx": 39.5, "cy": 39.5}
    lens = {"model": "kannala_brandt", "intrinsics": intrinsics, "region": [0, 0, 80, 80], "fov": 180}
    path = tmp_path / "camera.yaml"
    path.write_text(yaml.safe_dump({"frame": [160, 80], "lenses": [lens]}))
    source = PanoramaInput(InputConfig(projection="dual_fisheye", calibration=str(path)))
    result, unknown = source.panorama(np.repeat(np.repeat(frame, 2, 0), 2, 1), 40)
    expected = Remapper(read_calibration(path).for_frame(320, 160), 40)
    np.testing.assert_array_equal(result, expected(np.repeat(np.repeat(frame, 2, 0), 2, 1)))
    assert unknown is not None and unknown.mean() == 0.5
    with pytest.raises(InputError, match="no file"):
        PanoramaInput(InputConfig(projection="dual_fisheye", calibration=str(tmp_path / "none.yaml")))


def test_tables_are_kept() -> None:
    source = PanoramaInput(InputConfig(projection="dual_fisheye", fov=150.0))
    frame = np.zeros((80, 160, 3), np.uint8)
    (_, first), (_, second) = source.panorama(frame, 32), source.panorama(frame, 32)
    assert first is second is not None


@pytest.mark.parametrize(
    ("config", "shape", "text"),
    [
        (InputConfig(), (64, 100), "twice as wide as high, got 100x64"),
        (InputConfig(top=45.0, bottom=-45.0), (64, 128), None),
        (InputConfig(top=30.0, bottom=-30.0), (90, 200), "about 33 pixels high at a width of 200, got 90"),
        (InputConfig(top=30.0, bottom=-30.0), (10, 200), "got 10"),
        (InputConfig(projection="dual_fisheye"), (64, 120), "twice as wide as high, got 120x64"),
        (InputConfig(projection="dual_fisheye", circles=("30 30 28", "90 30 28")), (64, 120), None),
        (InputConfig(projection="dual_fisheye", circles=("30 30 28", "190 30 28")), (64, 120), "not in the frame"),
    ],
)
def test_shapes(config: InputConfig, shape: tuple[int, int], text: str | None) -> None:
    source = PanoramaInput(config)
    image = np.zeros((*shape, 3), np.uint8)
    if text is None:
        source.check_shape(*shape)
        assert source.panorama(image, 32)[0].shape == (32, 64, 3)
        return
    for call in (lambda: source.check_shape(*shape), lambda: source.panorama(image, 32)):
        with pytest.raises(InputError, match=text):
            call()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"top": 10.0, "bottom": 20.0}, "top lies at least 1 degree above bottom"),
        ({"projection": "dual_fisheye", "top": 50.0}, "top and bottom are for the projection equirectangular"),
        ({"projection": "dual_fisheye", "circles": ("1 2",)}, "a circle is"),
        ({"projection": "dual_fisheye", "circles": ("1 2 3",) * 3}, "one or two circles"),
        ({"projection": "dual_fisheye", "circles": ("1 2 3",), "calibration": "a.yaml"}, "without calibration"),
        ({"calibration": "a.yaml"}, "for the projection dual_fisheye"),
        ({"circles": ("1 2 3",)}, "for the projection dual_fisheye"),
        ({"projection": "cubemap"}, "projection is one of"),
        ({"fov": 20.0}, "fov lies between 90 and 300"),
        ({"yaw": float("nan")}, "yaw lies between"),
    ],
)
def test_settings_that_are_refused(values: dict, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        build(InputConfig, values)
    assert "\n" not in str(caught.value)


def test_every_setting_is_described() -> None:
    for name, field in fields(InputConfig):
        assert field.metadata["description"].endswith("."), name
        assert not isinstance(field.default, float) or field.metadata["low"] is not None, name


def test_images_of_other_kinds_are_refused() -> None:
    for image in (NOISE.astype(np.float32), NOISE[..., 0], NOISE[..., :2], None):
        with pytest.raises(InputError, match="uint8 RGB array"):
            PanoramaInput(InputConfig()).panorama(image, 32)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 60), columns=st.integers(1, 120), height=st.integers(1, 70), top=st.floats(-90, 90),
    bottom=st.floats(-90, 90), yaw=st.floats(-360, 360), fisheye=st.booleans(), fov=st.floats(90, 300),
)  # fmt: skip
def test_any_size_and_setting_gives_a_panorama_or_one_line(
    rows: int, columns: int, height: int, top: float, bottom: float, yaw: float, fisheye: bool, fov: float
) -> None:
    image = np.full((rows, columns, 3), 77, np.uint8)
    try:
        if fisheye:
            config = InputConfig(projection="dual_fisheye", fov=fov, yaw=yaw, circles=("20 20 18", "60 20 18"))
        else:
            config = InputConfig(top=top, bottom=bottom, yaw=yaw)
        result, unknown = PanoramaInput(config).panorama(image, height)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert result.shape == (height, 2 * height, 3) and (result == 77).all()
    assert unknown is None or (unknown.shape == (height, 2 * height) and unknown.any())
