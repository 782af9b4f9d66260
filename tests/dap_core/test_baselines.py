"""The floor-plane prior against the closed form of a level floor. The other baselines are in test_metrics.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dap_core.evaluation.baselines import FloorPlane, apply_floor_plane, floor_plane
from dap_core.panorama import rays


def test_the_floor_is_level_out_to_the_surroundings():
    plane = FloorPlane(1.4, 5.0)
    range_m = apply_floor_plane(plane, 180)  # one row a degree, centres at half degrees
    assert range_m.shape == (180, 360)
    assert range_m[119, 7] == pytest.approx(1.4 / np.sin(np.radians(29.5)))
    assert range_m[179, 0] == pytest.approx(1.4, rel=1e-4)
    assert (range_m[:90] == pytest.approx(5.0)) and (
        range_m[90:106] == pytest.approx(5.0)
    )  # asin(0.28) is 16.3 degrees
    z = range_m * rays(180)[..., 2]
    np.testing.assert_allclose(z[107:], -1.4, rtol=1e-5)
    assert range_m[106, 0] == pytest.approx(1.4 / np.sin(np.radians(16.5)))


@given(st.floats(0.2, 3.0), st.floats(2.0, 30.0), st.sampled_from([32, 256, 511]))
def test_it_is_found_again_in_its_own_rows(camera_height, times, height):
    plane = FloorPlane(camera_height, times * camera_height)
    found = floor_plane(apply_floor_plane(plane, height)[:, 0])
    assert found.camera_height_m == pytest.approx(plane.camera_height_m)
    assert found.surroundings_m == pytest.approx(plane.surroundings_m)


def test_a_robot_at_the_nadir_and_unknown_rows_do_not_move_the_floor():
    prior = apply_floor_plane(FloorPlane(1.4, 6.0), 256)[:, 0].copy()
    prior[240:] = 0.6
    prior[:10] = np.nan
    found = floor_plane(prior)
    assert found.camera_height_m == pytest.approx(1.4) and found.surroundings_m == pytest.approx(6.0)
