import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.io.images import write_image
from dap_core.products.self_mask import MaskConfig, parse_polygon, resize_mask, self_mask
from dap_core.settings import build

#: Degrees with three decimals, so that outlines are either on a pixel's boundary or well off it.
azimuths = st.integers(-180_000, 180_000).map(lambda v: v / 1000)
elevations = st.integers(-90_000, 90_000).map(lambda v: v / 1000)
corners = st.lists(st.tuples(azimuths, elevations), min_size=3, max_size=7)
heights = st.integers(1, 40)


def text(points):
    return ", ".join(f"{a:g} {e:g}" if isinstance(a, int) else f"{a:.6f} {e:.6f}" for a, e in points)


def drawn(points, height):
    try:
        return self_mask(MaskConfig(polygons=(text(points),)), height)
    except InputError as error:
        assert "encloses nothing" in str(error)
        assume(False)


def test_nothing_is_masked_by_default():
    mask = self_mask(MaskConfig(), 64)
    assert mask.shape == (64, 128) and mask.dtype == bool and not mask.any() and not mask.flags.writeable
    assert self_mask(MaskConfig(), 1).shape == (1, 2)
    with pytest.raises(InputError, match="at least one row"):
        self_mask(MaskConfig(), 0)


@pytest.mark.parametrize(("degrees", "rows"), [(0.0, 0), (0.001, 1), (30.0, 3), (30.001, 4), (90.0, 9)])
def test_cuts_are_whole_rows(degrees, rows):
    # Of 18 rows, 10 degrees each: a row that is cut anywhere is masked.
    below, above = self_mask(MaskConfig(nadir=degrees), 18), self_mask(MaskConfig(zenith=degrees), 18)
    assert below[18 - rows :].all() and not below[: 18 - rows].any()
    np.testing.assert_array_equal(above, below[::-1])
    assert self_mask(MaskConfig(nadir=90.0, zenith=90.0), 7).all()


def test_a_rectangle_on_pixel_boundaries_is_exact():
    # Pixels of 10 degrees; columns fall from +180 at the left.
    expected = np.zeros((18, 36), bool)
    expected[11:14, 15:20] = True  # elevations -20 to -50, azimuths 30 to -20
    for points in ("30 -20, -20 -20, -20 -50, 30 -50", "30 -50, -20 -50, -20 -20, 30 -20"):
        np.testing.assert_array_equal(self_mask(MaskConfig(polygons=(points,)), 18), expected)


def test_edges_go_the_short_way_round():
    expected = np.zeros((18, 36), bool)
    expected[9:12, [34, 35, 0, 1]] = True  # 20 degrees on either side of straight behind
    for points in (
        "160 0, -160 0, -160 -30, 160 -30",
        "160 0, 200 0, 200 -30, 160 -30",
        "-200 -30, -160 -30, 200 0, 160 0",
    ):
        np.testing.assert_array_equal(self_mask(MaskConfig(polygons=(points,)), 18), expected)
    # Exactly half a turn goes the way of its numbers: the first over the front, the second over the back.
    front = self_mask(MaskConfig(polygons=("-90 -60, 90 -60, 90 -90, -90 -90",)), 18)
    assert front[15:, 9:27].all() and front.sum() == 3 * 18
    np.testing.assert_array_equal(parse_polygon("90 0, 270 0, 180 50")[:, 0], [90, 270, 180])


@pytest.mark.parametrize("turn", [1, -1])
def test_an_outline_around_the_camera_encloses_its_nearer_pole(turn):
    ring = [(turn * a, -60) for a in (0, 90, 180, -90)]
    np.testing.assert_array_equal(drawn(ring, 36), self_mask(MaskConfig(nadir=30.0), 36))
    np.testing.assert_array_equal(drawn([(a, 60) for a, _ in ring], 36), self_mask(MaskConfig(zenith=30.0), 36))
    # Uneven, with a corner above the horizon: still around the nadir, which has less of the sphere.
    mask = drawn([(turn * a, e) for a, e in ((0, 20), (60, -60), (120, -60), (180, -60), (-120, -60), (-60, -60))], 36)
    assert mask[-6:].all() and mask[16, 36] and not mask[:14].any()


@settings(max_examples=60, deadline=None)
@given(corners, heights, st.integers(-100, 100))
def test_turning_the_outline_turns_the_mask(points, height, columns):
    step = 180.0 / height
    turned = [((a + columns * step + 180.0) % 360.0 - 180.0, e) for a, e in points]
    # Half a turn exactly is decided by numbers, which wrap.
    jumps = [abs(abs(p[0] - q[0]) - 180.0) for p, q in zip(points, points[1:] + points[:1], strict=True)]
    assume(min(jumps) > 1e-2)
    # Pixels that the outline touches within rounding may differ.
    a, b = drawn(points, height), np.roll(drawn(turned, height), columns, axis=1)
    assert (a != b).mean() <= 0.01 or (a != b).sum() <= 2


@settings(max_examples=60, deadline=None)
@given(corners, heights)
def test_direction_and_first_corner_do_not_matter(points, height):
    jumps = [abs(abs(p[0] - q[0]) - 180.0) for p, q in zip(points, points[1:] + points[:1], strict=True)]
    assume(min(jumps) > 1e-2)
    mask = drawn(points, height)
    np.testing.assert_array_equal(drawn(points[::-1], height), mask)
    np.testing.assert_array_equal(drawn(points[1:] + points[:1], height), mask)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-60, 60), st.floats(-80, 80)), min_size=3, max_size=3), heights, azimuths)
def test_a_pixel_is_masked_if_and_only_if_some_of_the_outline_is_in_it(triangle, height, azimuth):
    points = [(round(a + azimuth, 3), round(e, 3)) for a, e in triangle]
    mask = drawn(points, height)
    # Many directions inside, also close to the corners and edges: each of their pixels is masked.
    weights = np.random.default_rng(0).dirichlet([0.5, 0.5, 0.5], 3000)
    inside = weights @ np.array(points)
    a, e = np.radians(inside.T)
    u, v = panorama.project(np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1), height).T
    # Directions on a pixel's boundary belong to either.
    clear = (np.abs(u + 0.5 - np.rint(u + 0.5)) > 1e-5) & (np.abs(v + 0.5 - np.rint(v + 0.5)) > 1e-5)
    assert mask[np.rint(v[clear]).astype(int), np.rint(u[clear]).astype(int) % (2 * height)].all()
    # And no pixel is masked whose centre is further outside than half its diagonal.
    outline = Outline(np.array(points))
    rows, columns = np.nonzero(mask)
    step = 180.0 / height
    centre = np.stack([180.0 - (columns + 0.5) * step, 90.0 - (rows + 0.5) * step], -1)
    near = np.zeros(len(centre), bool)
    for turn in (-360.0, 0.0, 360.0):
        at = centre + np.array([turn, 0.0])
        near |= outline.contains_points(at) | (_distance(at, np.array(points)) <= 0.7072 * step)
    assert near.all()


def _distance(at, polygon):
    """Of points (n, 2) from a polygon's edges."""
    start, along = polygon[None], (np.roll(polygon, -1, 0) - polygon)[None]
    share = ((at[:, None] - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12)
    return np.linalg.norm(at[:, None] - start - np.clip(share, 0, 1)[..., None] * along, axis=-1).min(1)


@pytest.mark.parametrize("height", [8, 33, 256, 512])
def test_thin_parts_are_not_lost(height):
    # A mast a hundredth of a degree wide from 50 below to 20 above the horizon: every row it passes shows it.
    mask = self_mask(MaskConfig(polygons=("40 -50, 40.01 -50, 40.01 20, 40 20",)), height)
    rows = np.flatnonzero(mask.any(1))
    assert rows[0] == int(np.floor(70 / 180 * height)) and rows[-1] == int(np.ceil(140 / 180 * height)) - 1
    assert (np.diff(rows) == 1).all() and mask.sum(1).max() <= 2


@settings(max_examples=40, deadline=None)
@given(corners, st.integers(1, 16), st.integers(2, 6))
def test_a_coarser_mask_covers_a_finer_one(points, height, times):
    coarse, fine = drawn(points, height), drawn(points, height * times)
    assert (coarse >= resize_mask(fine, height)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_resizing_a_mask_keeps_whatever_overlaps(source, target, seed):
    mask = np.random.default_rng(seed).random((source, 2 * source)) < 0.2
    resized = resize_mask(mask, target)
    expected = np.zeros((target, 2 * target), bool)
    for i, j in np.ndindex(expected.shape):
        for p, q in np.argwhere(mask):
            # Overlap of [i, i + 1) / target with [p, p + 1) / source, in whole numbers.
            down = i * source < (p + 1) * target and p * target < (i + 1) * source
            across = j * source < (q + 1) * target and q * target < (j + 1) * source
            expected[i, j] |= down and across
    np.testing.assert_array_equal(resized, expected)
    np.testing.assert_array_equal(resize_mask(mask, source), mask)


@pytest.mark.parametrize("value", [1, 255])
def test_whatever_is_not_black_in_the_picture_is_the_robot(tmp_path, value):
    picture = np.zeros((40, 80), np.uint8)
    picture[30, 11] = value
    write_image(tmp_path / "mask.png", picture)
    config = MaskConfig(image=str(tmp_path / "mask.png"))
    np.testing.assert_array_equal(self_mask(config, 40), picture > 0)
    # Half the rows: the one pixel that has it; a third: likewise, though the pixels do not nest.
    for height in (20, 13):
        rows, columns = np.nonzero(self_mask(config, height))
        assert set(rows) == set(range(30 * height // 40, -(-31 * height // 40)))
        assert set(columns) == set(range(11 * height // 40, -(-12 * height // 40)))
    coloured = np.zeros((40, 80, 3), np.uint8)
    coloured[5, 6, 2] = value
    write_image(tmp_path / "blue.png", coloured)
    assert np.argwhere(self_mask(MaskConfig(image=str(tmp_path / "blue.png")), 40)).tolist() == [[5, 6]]


def test_parts_are_united_and_drawn_once(tmp_path):
    picture = np.zeros((18, 36), np.uint8)
    picture[2, 3] = 255
    write_image(tmp_path / "mask.png", picture)
    values = {"image": str(tmp_path / "mask.png"), "polygons": ["0 0, 10 0, 10 10, 0 10"], "nadir": 10.0, "zenith": 5.0}
    config = build(MaskConfig, values)
    mask = self_mask(config, 18)
    assert mask.sum() == 36 + 36 + 1 + 1 and mask[2, 3] and mask[8, 17] and mask[0].all() and mask[17].all()
    assert self_mask(config, 18) is mask
    # A picture that is drawn anew counts.
    picture[5, 5:9] = 255
    write_image(tmp_path / "mask.png", picture)
    assert self_mask(config, 18).sum() == mask.sum() + 4


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        ("0 0, 10 0", "three corners or more make a polygon, got 2"),
        ("", "a corner is 'azimuth elevation' in degrees, got ''"),
        ("0 0, ten 0, 5 5", "got 'ten 0'"),
        ("0 0, 10, 5 5", "got '10'"),
        ("0 0 0, 10 0, 5 5", "got '0 0 0'"),
        ("0 0, 10 -91, 5 5", "elevation lies between -90 and 90 degrees, got -91"),
        ("0 0, nan 0, 5 5", "azimuth lies between -360 and 360 degrees, got nan"),
        ("0 0, 10 inf, 5 5", "elevation lies between -90 and 90 degrees, got inf"),
        ("0 0, 10 0, 20 0", "encloses nothing"),
        ("180 -60, -180 -60, -180 -90, 180 -90", "encloses nothing; edges go the short way round"),
    ],
)
def test_wrong_polygons_are_one_line(polygon, message):
    with pytest.raises(InputError) as raised:
        self_mask(MaskConfig(polygons=(polygon,)), 16)
    assert message in str(raised.value) and len(str(raised.value).splitlines()) == 1


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789-+.,e \t\nnaif°", max_size=40))
def test_any_text_is_a_polygon_or_one_line(polygon):
    try:
        corners = parse_polygon(polygon)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert corners.ndim == 2 and len(corners) >= 3 and np.isfinite(corners).all()
        assert self_mask(MaskConfig(polygons=(polygon,)), 4).any()


def test_wrong_pictures_are_one_line(tmp_path):
    write_image(tmp_path / "square.png", np.zeros((8, 8), np.uint8))
    (tmp_path / "text.png").write_text("not a picture")
    for name, message in {
        "gone.png": "no image",
        "square.png": "a mask picture is twice as wide as high, got 8x8",
        "text.png": "not an image",
    }.items():
        with pytest.raises(InputError, match=message) as raised:
            self_mask(MaskConfig(image=str(tmp_path / name)), 16)
        assert name in str(raised.value) and len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nadir": 91.0}, "nadir lies between 0 and 90"),
        ({"zenith": float("nan")}, "zenith lies between 0 and 90"),
        ({"polygons": "0 0, 1 1, 2 0"}, "list of strings"),
    ],
)
def test_wrong_settings(values, message):
    with pytest.raises(InputError, match=message):
        build(MaskConfig, values)
