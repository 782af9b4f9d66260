"""What a camera can see of another sensor's points, and what a range image says along them: closed forms."""

from __future__ import annotations

import numpy as np
from analytic_panorama import box_along, floor_along, floor_range
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dap_core.evaluation.bags.visibility import range_along, visible
from dap_core.panorama import fibonacci_directions


def _grid(azimuths: np.ndarray, elevations: np.ndarray) -> np.ndarray:
    a, e = np.meshgrid(np.radians(azimuths), np.radians(elevations))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1).reshape(-1, 3)


def test_a_wall_behind_a_box_is_hidden_and_the_rest_is_not() -> None:
    """A lidar a metre above the camera sees the wall over a box that hides it from the camera."""
    lidar = np.array([0.0, 0.0, 1.0])
    wall, box = ((6.0, 0.0, 0.0), (0.1, 40.0, 20.0)), ((2.5, 0.0, 0.0), (0.5, 2.0, 1.2))
    directions = _grid(np.arange(-40, 40, 0.4), np.arange(-30, 15, 1.0))

    def cast(origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        return np.minimum(*(box_along(rays, np.array(c) - origin, size) for c, size in (wall, box)))

    points = lidar + directions * cast(lidar, directions)[:, None]
    distance = np.linalg.norm(points, axis=1)
    truly = cast(np.zeros(3), points / distance[:, None]) > distance - 0.02
    seen = visible(points)
    assert 0.03 < (~truly).mean() < 0.4
    hidden_and_kept, seen_and_dropped = (seen & ~truly).sum() / (~truly).sum(), (~seen & truly).sum() / truly.sum()
    assert hidden_and_kept < 0.1 and seen_and_dropped < 0.03


def test_floors_and_walls_at_grazing_angles_are_seen() -> None:
    directions = _grid(np.arange(-180, 180, 0.5), np.arange(-40, -4, 0.5))
    floor = directions * floor_along(directions, 1.0)[:, None]
    assert visible(floor).mean() > 0.99
    corridor = box_along(directions, (0.0, 0.0, 0.0), (30.0, 2.4, 2.4))
    assert visible(directions * corridor[:, None]).mean() > 0.99


@given(arrays(np.float64, (40, 3), elements=st.floats(-60, 60)).filter(lambda p: (np.abs(p).sum(1) > 1e-3).all()))
def test_the_nearest_point_is_always_seen(points: np.ndarray) -> None:
    seen = visible(points)
    assert seen.shape == (40,) and seen[np.linalg.norm(points, axis=1).argmin()]
    assert visible(points[:0]).shape == (0,)


def test_range_between_pixels_is_exact_on_planes_and_nearest_at_edges() -> None:
    directions = fibonacci_directions(4000)
    directions = directions[(directions[:, 2] < -0.1)]
    said = range_along(floor_range(128, 1.3).astype(np.float32), directions * 7.0)
    np.testing.assert_allclose(said, floor_along(directions, 1.3), rtol=2e-3)
    step = np.full((4, 8), 2.0, np.float32)
    step[:, 4:] = 9.0
    step[0] = np.inf
    step[3] = np.nan
    at = _grid(np.array([100.0, 4.0, -4.0, -100.0]), np.array([20.0]))
    np.testing.assert_allclose(range_along(step, at), [2.0, 2.0, 9.0, 9.0], rtol=1e-12)
    assert np.isposinf(range_along(step, np.array([[0.1, 0.1, 5.0]]))[0])
    assert np.isnan(range_along(step, np.array([[0.1, 0.1, -5.0]]))[0])
