"""Fisheye frames to panoramas: against worlds whose colour is a function of the direction, through every lens model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.lenses import CameraCalibration, DoubleSphere, KannalaBrandt, Lens, LensModel, Mei, Remapper
from dap_core.lenses.calibration import angles
from dap_core.lenses.ideal import Circle, ideal_calibration

DOUBLE_SPHERE = DoubleSphere(61.0, 60.8, 159.4, 158.9, -0.022, 0.563)
THETA = Mei(383.1, 379.7, 158.1, 160.8, 3.0027, 0.246, 7.625, -0.0041, -0.0038)
KANNALA = KannalaBrandt(91.0, 91.5, 160.2, 158.7, 0.02, -0.004)


def colour(rays: NDArray) -> NDArray[np.float64]:
    """A smooth colour (..., 3) of every direction; no two look the same."""
    x, y, z = np.moveaxis(np.asarray(rays, np.float64), -1, 0)
    return 127.5 + 100.0 * np.stack([np.sin(1.9 * x + y), np.sin(2.2 * y - 0.5 * z), np.sin(1.7 * z + 0.8 * x * y)], -1)


def frame_of(camera: CameraCalibration, paint=colour) -> NDArray[np.uint8]:  # type: ignore[no-untyped-def]
    """What the camera sees of the world `paint`; 255, 0, 255 where no lens images anything."""
    width, height = camera.frame
    frame = np.full((height, width, 3), (255, 0, 255), np.uint8)
    for i, lens in enumerate(camera.lenses):
        x, y, w, h = lens.region
        v, u = np.mgrid[0:h, 0:w]
        pixels = (np.stack([u, v], -1) + 0.5) * (lens.size[0] / w, lens.size[1] / h) - 0.5
        optical = lens.model.unproject(pixels)
        seen = np.arccos(np.clip(optical[..., 2], -1.0, 1.0)) <= lens.max_angle + 0.5
        painted = paint(optical[seen] @ np.asarray(lens.rotation).T, *((i,) if paint is not colour else ()))
        frame[y : y + h, x : x + w][seen] = np.rint(painted)
    return frame


def dual(model: LensModel, fov: float, turns: tuple[tuple[float, float, float], ...]) -> CameraCalibration:
    """Lenses with this model side by side, 320 pixels each."""
    lenses = tuple(
        Lens(model, (320, 320), (320 * i, 0, 320, 320), angles(*turn), fov=fov, name=str(i))
        for i, turn in enumerate(turns)
    )
    return CameraCalibration((320 * len(lenses), 320), lenses)


BACK_TO_BACK = ((0.0, 0.0, 0.0), (180.0, 0.0, 0.0))
THETA_S = ((0.5, -0.3, 90.0), (179.0, 0.7, -90.0))


@pytest.mark.parametrize("height", [48, 64, 96, 160])
@pytest.mark.parametrize(
    ("model", "turns"),
    [(DOUBLE_SPHERE, BACK_TO_BACK), (THETA, THETA_S), (KANNALA, ((10.0, 5.0, 3.0), (190.0, -5.0, 80.0)))],
)
def test_panoramas_of_a_smooth_world(model: LensModel, turns: tuple, height: int) -> None:
    camera = dual(model, 194.0, turns)
    remapper = Remapper(camera, height)
    assert remapper.unknown is None
    error = np.abs(remapper(frame_of(camera)) - colour(panorama.rays(height)))
    assert error.max() < 2.0 and error.mean() < 0.4


def test_other_numbers_of_lenses() -> None:
    around = tuple((yaw, 0.0, 0.0) for yaw in (0.0, 120.0, -120.0))
    camera = dual(KANNALA, 190.0, (*around, (0.0, -90.0, 0.0)))
    remapper = Remapper(camera, 64)
    assert remapper.unknown is None
    assert np.abs(remapper(frame_of(camera)) - colour(panorama.rays(64))).max() < 2.0


@pytest.mark.parametrize("yaw", [-90.0, 33.3, 180.0])
def test_yaw_is_where_the_first_lens_looks(yaw: float) -> None:
    camera = dual(KANNALA, 194.0, BACK_TO_BACK)
    turned = panorama.rays(64) @ panorama.yaw_pitch_roll(yaw=math.radians(yaw))
    result = Remapper(camera, 64, yaw=yaw)(frame_of(camera))
    assert np.abs(result - colour(turned)).max() < 2.0
    # Forward of the calibration appears at azimuth yaw.
    u, v = panorama.project(panorama.yaw_pitch_roll(yaw=math.radians(yaw)) @ [1.0, 0.0, 0.0], 64)
    np.testing.assert_allclose(
        result[round(v - 0.5), round(u - 0.5) % 128], colour(np.array([1.0, 0.0, 0.0])), atol=8.0
    )


def test_what_no_lens_sees_is_unknown_and_shows_the_mirrored_surroundings() -> None:
    camera = dual(KANNALA, 160.0, BACK_TO_BACK)
    remapper = Remapper(camera, 90)
    rays = panorama.rays(90).astype(np.float64)
    from_axis = np.degrees(np.arccos(np.abs(rays[..., 0])))
    assert remapper.unknown is not None and not remapper.unknown.flags.writeable
    np.testing.assert_array_equal(remapper.unknown, from_axis >= 80.0)
    result = remapper(frame_of(camera))
    assert np.abs(result - colour(rays))[~remapper.unknown].max() < 2.0
    # At 80 + d degrees from the axis stands what is at 80 - d.
    inner = np.radians(np.where(from_axis >= 80.0, 160.0 - from_axis, from_axis))
    across = rays * (0.0, 1.0, 1.0)
    across *= (np.sin(inner) / np.linalg.norm(across, axis=-1))[..., None]
    mirrored = np.concatenate([np.copysign(np.cos(inner), rays[..., 0])[..., None], across[..., 1:]], -1)
    assert np.abs(result - colour(mirrored)).max() < 2.0


def test_a_region_that_cuts_the_circle_is_not_left() -> None:
    lens = Lens(KANNALA, (320, 200), (40, 30, 320, 200), angles(), fov=180.0)
    camera = CameraCalibration((400, 260), (lens,))
    for height in (24, 64):
        remapper = Remapper(camera, height)
        result = remapper(frame_of(camera))
        assert remapper.unknown is not None and 0.5 < remapper.unknown.mean() < 0.8
        assert np.abs(result - colour(panorama.rays(height)))[~remapper.unknown].max() < 2.5
        # Magenta is what lies outside of the region.
        assert not ((result[..., 0] > 240) & (result[..., 1] < 15) & (result[..., 2] > 240)).any()


def test_weights_by_angle() -> None:
    """Lenses that see different greys: the blend is linear in the angle, and as wide as said."""
    camera = dual(KANNALA, 200.0, BACK_TO_BACK)
    frame = frame_of(camera, lambda rays, i: np.full(rays.shape, 50.0 + 100.0 * i))
    for blend in (4.0, 12.0):
        result = Remapper(camera, 256, blend=blend)(frame)[..., 0]
        behind = 90.0 - np.degrees(np.arccos(np.clip(-panorama.rays(256)[..., 0].astype(np.float64), -1.0, 1.0)))
        expected = 100.0 + 50.0 * np.clip(behind / (blend / 2.0), -1.0, 1.0)
        np.testing.assert_allclose(result, expected, atol=1.01)
    # Where the overlap is narrower than the blend, the weights are still continuous, and zero at a lens's edge.
    narrow = Remapper(dual(KANNALA, 184.0, BACK_TO_BACK), 256, blend=30.0)(frame)[..., 0]
    np.testing.assert_allclose(narrow, 100.0 + 50.0 * np.clip(behind / 2.0, -1.0, 1.0), atol=1.01)


def test_fine_texture_does_not_alias() -> None:
    """Stripes of two pixels in a large frame are grey in a small panorama, not moiré."""
    camera = ideal_calibration((1600, 800), 195.0)
    frame = np.zeros((800, 1600, 3), np.uint8)
    frame[:, ::2] = 200
    assert np.abs(Remapper(camera, 128)(frame).astype(int) - 100).max() <= 2


def test_frames_of_another_size_are_refused() -> None:
    remapper = Remapper(ideal_calibration((64, 32), 190.0, (Circle(15.5, 15.5, 16.0),)), 16)
    with pytest.raises(InputError, match="64x32"):
        remapper(np.zeros((32, 65, 3), np.uint8))
