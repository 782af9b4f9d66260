import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dap_core.io.images import read_image
from dap_core.picture import (
    FAR_RGB,
    LIMITS,
    UNKNOWN_RGB,
    auto_limits,
    cloud_panel,
    colourise,
    error_panel,
    image_panel,
    range_panel,
    save_range_png,
    save_sheet,
)

TURBO = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]


def test_colours_are_logarithmic_with_near_red():
    low, high = 0.5, 50.0
    for step in (0, 37, 128, 255):
        value = low * (high / low) ** (step / 255)
        np.testing.assert_array_equal(colourise(np.array([[value]], np.float32), (low, high))[0, 0], TURBO[255 - step])
    near, far = colourise(np.array([[LIMITS[0], LIMITS[1]]]))[0].astype(int)
    assert near[0] > near[2] + 50 and far[2] > far[0]


def test_what_has_no_range_has_its_own_colour():
    image = colourise(np.array([[np.inf, np.nan, -np.inf, 0.0, 1e9]], np.float32), (1.0, 10.0))
    np.testing.assert_array_equal(image[0], [FAR_RGB, UNKNOWN_RGB, UNKNOWN_RGB, TURBO[255], TURBO[0]])
    for colour in (FAR_RGB, UNKNOWN_RGB):
        assert np.abs(TURBO.astype(int) - colour).sum(1).min() > 60


@given(hnp.arrays(np.float32, (4, 8), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
def test_any_floats_can_be_drawn(values):
    image = colourise(values)
    assert image.shape == (4, 8, 3) and image.dtype == np.uint8
    low, high = auto_limits(values)
    assert 0 < low < high


def test_auto_limits():
    values = np.full((100, 200), 3.0, np.float32)
    assert auto_limits(values) == pytest.approx((3.0, 6.0))
    values[:] = np.linspace(1.0, 21.0, 200)
    values[:5] = np.inf
    low, high = auto_limits(values)
    assert low == pytest.approx(1.1, abs=0.11) and high == pytest.approx(20.9, abs=0.11)
    assert auto_limits(np.full((2, 4), np.nan)) == LIMITS


def test_range_picture_shows_its_colours(tmp_path):
    range_m = np.full((64, 128), 2.0, np.float32)
    range_m[:, 64:], range_m[:20] = 8.0, np.inf
    save_range_png(tmp_path / "a.png", range_m, "a room")
    picture = read_image(tmp_path / "a.png").reshape(-1, 3)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    expected = np.unique(colourise(range_m, auto_limits(range_m)).reshape(-1, 3), axis=0)
    assert len(expected) == 3
    for colour in expected:
        assert (picture == colour).all(1).mean() > 0.05


def test_sheet_of_every_panel(tmp_path):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (32, 64, 3), dtype=np.uint8)
    range_m = rng.uniform(1, 5, (32, 64)).astype(np.float32)
    panels = [
        image_panel(image, "input"),
        range_panel(range_m, "range"),
        error_panel(range_m, range_m * 1.1, "error"),
        cloud_panel(rng.normal(size=(500, 3)), title="cloud"),
        cloud_panel(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), "nothing"),
    ]
    save_sheet(tmp_path / "sheet.png", panels, columns=2, title="all")
    assert read_image(tmp_path / "sheet.png").shape == (1255, 1620, 3)


def test_cloud_panel_cuts_the_ceiling():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    cloud_panel(np.array([[3.0, 1.0, 0.0], [2.0, 2.0, 2.5], [np.nan] * 3]), radius=5.0)(figure, axes)
    # Drawn to the right is minus y, upwards is x.
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[-1.0, 3.0]])
    assert axes.get_xlim() == (-5.0, 5.0)
