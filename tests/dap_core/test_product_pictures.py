"""Pictures of the products: what is drawn lies where it should, and all of it is there."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from dap_core.estimate import PanoramaDepth
from dap_core.picture import FAR_RGB, UNKNOWN_RGB, save_sheet
from dap_core.product_pictures import (
    NEAR_RGB,
    clearing_panel,
    mask_image,
    mask_panel,
    ring_step,
    scan_panel,
    scan_points,
    side_panel,
)
from dap_core.products.scan import Scan


def drawn(panel):
    """The axes that a panel has drawn into, rendered."""
    figure = Figure(figsize=(4, 4), dpi=50)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    panel(figure, axes)
    figure.canvas.draw()
    return axes


def offsets(axes, index):
    return np.asarray(axes.collections[index].get_offsets())


def four_beams(*ranges):
    return Scan(np.array(ranges, np.float32), -0.75 * np.pi, 0.5 * np.pi, 0.2, 20.0)


def test_mask_image_has_a_colour_for_each_class():
    range_m = np.full((4, 8), 2.0, np.float32)
    range_m[0] = np.inf
    range_m[3, :3] = np.nan
    image = mask_image(PanoramaDepth.from_range(range_m))
    counts = {colour: int((image == colour).all(-1).sum()) for colour in (NEAR_RGB, FAR_RGB, UNKNOWN_RGB)}
    assert counts == {NEAR_RGB: 21, FAR_RGB: 8, UNKNOWN_RGB: 3}
    texts = [t.get_text() for t in drawn(mask_panel(PanoramaDepth.from_range(range_m))).get_legend().get_texts()]
    assert texts == ["near, 66 %", "far, 25 %", "neither, 9 %"]


def test_scan_points_are_in_the_plane():
    scan = four_beams(2.0, 4.0, np.inf, np.nan)
    r = np.sqrt(0.5)
    np.testing.assert_allclose(scan_points(scan), [[-2 * r, -2 * r], [4 * r, -4 * r]], atol=1e-6)


def test_scan_panel_draws_hits_forward_up_and_marks_the_rest_at_the_rim():
    truth, seen = four_beams(3.0, 3.0, 3.0, 3.0), four_beams(2.0, np.inf, np.nan, -np.inf)
    axes = drawn(scan_panel({"truth": truth, "scan": seen}, radius=5.0))
    assert axes.get_xlim() == (-5.0, 5.0) and axes.get_ylim() == (-5.0, 5.0)
    sizes = [len(offsets(axes, i)) for i in range(len(axes.collections))]
    # The rim of the truth has nothing on it; then the hits of the scan, and one mark for each special value.
    assert sizes == [0, 0, 0, 1, 1, 1, 1]
    # A beam to the right behind: right of the camera is right in the picture, behind is down.
    np.testing.assert_allclose(offsets(axes, 3), [[np.sqrt(2.0), -np.sqrt(2.0)]], atol=1e-6)
    rim = 5.0 * (0.97 - 0.035)
    np.testing.assert_allclose(np.hypot(*offsets(axes, 4).T), rim, atol=1e-6)
    assert offsets(axes, 4)[0, 0] > 0 and offsets(axes, 4)[0, 1] > 0  # +inf, ahead to the right


def test_scan_panel_fits_what_it_shows():
    axes = drawn(scan_panel({"scan": four_beams(8.0, 8.0, 8.0, 8.0)}))
    assert axes.get_xlim()[1] == pytest.approx(1.15 * 8.0 * np.sqrt(0.5))
    assert drawn(scan_panel({"scan": four_beams(*[np.inf] * 4)})).get_xlim() == (-1.0, 1.0)


def test_side_panel_shows_a_slab_with_heights_above_the_ground():
    xyz = np.array([[3.0, 0.5, -1.2], [-2.0, -0.9, 0.3], [1.0, 1.5, 0.0], [np.nan, 0.0, 0.0]])
    axes = drawn(side_panel(xyz, radius=6.0, width=1.0, camera_height=1.2))
    np.testing.assert_allclose(offsets(axes, 0), [[3.0, 0.0], [-2.0, 1.5]], atol=1e-9)
    assert axes.get_xlim() == (-6.0, 6.0)
    assert axes.get_ylim() == pytest.approx((-0.6, 5.4))
    assert axes.lines[0].get_ydata()[0] == 0.0 and axes.lines[1].get_ydata()[0] == 1.2
    assert len(offsets(drawn(side_panel(np.zeros((0, 3)))), 0)) == 0


def test_clearing_panel_shows_level_rays_from_the_camera():
    ends = np.array([[4.0, 0.0, 0.3], [0.0, 2.0, -0.1], [1.0, 0.0, 5.0]])
    axes = drawn(clearing_panel(ends, radius=8.0, slope=0.1, obstacles=np.array([[4.2, 0.0]])))
    lines = next(c for c in axes.collections if isinstance(c, LineCollection))
    np.testing.assert_allclose(lines.get_segments(), [[[0, 0], [0, 4]], [[0, 0], [-2, 0]]], atol=1e-9)
    np.testing.assert_allclose(offsets(axes, 2), [[0.0, 4.2]])
    assert axes.get_xlim() == (-8.0, 8.0)


@pytest.mark.parametrize(("radius", "step"), [(1.0, 0.2), (3.0, 1.0), (5.0, 1.0), (6.0, 2.0), (15.1, 5.0), (100, 20)])
def test_ring_step(radius, step):
    assert ring_step(radius) == pytest.approx(step)
    assert 2.99 <= radius / ring_step(radius) <= 7.5


def test_panels_make_a_sheet(tmp_path):
    scan = four_beams(2.0, 4.0, np.inf, np.nan)
    save_sheet(tmp_path / "sheet.png", [scan_panel({"scan": scan}), side_panel(np.ones((3, 3)))], title="two")
    assert (tmp_path / "sheet.png").stat().st_size > 5000
