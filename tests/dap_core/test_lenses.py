"""Fisheye lens models: closed forms, round trips, the edges of their fields, and other people's calibrations."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.lenses import DoubleSphere, KannalaBrandt, LensModel, Mei
from dap_core.lenses.odd_polynomial import odd_polynomial_inverse, odd_polynomial_limit

PINHOLE = {"fx": 300.0, "fy": 310.0, "cx": 320.5, "cy": 239.5}
#: Usenko's model, calibrated with Basalt, of a 640x480 fisheye camera; and the Theta S's back lens by camodocal.
FISHEYE_640 = DoubleSphere(122.5533262583915, 121.79271712838818, 318.86121757059797, 235.7432966284313,
                           -0.02235598738719681, 0.562863934931952)  # fmt: skip
THETA_BACK = Mei(766.23340082838934, 759.48357055306053, 316.65707246255598, 322.17434911893332, 3.002745587820201,
                 0.24601768658402237, 7.6249709567334083, -0.0041145304885026020, -0.0038375930148871825)  # fmt: skip


def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


def rays(angle: np.ndarray | float, about: np.ndarray | float) -> np.ndarray:
    """Unit rays at an angle from the axis, in the direction `about` it."""
    s, c = np.sin(angle), np.cos(angle)
    return np.stack(np.broadcast_arrays(s * np.cos(about), s * np.sin(about), c), -1)


double_spheres = st.builds(
    DoubleSphere,
    between(50, 900),
    between(50, 900),
    between(0, 900),
    between(0, 900),
    between(-0.6, 0.95),
    between(0, 1),
)
kannala_brandts = st.builds(
    KannalaBrandt, between(50, 900), between(50, 900), between(0, 900), between(0, 900),
    between(-0.1, 0.1), between(-0.05, 0.05), between(-0.02, 0.02), between(-0.005, 0.005),
)  # fmt: skip
meis = st.builds(
    Mei, between(50, 900), between(50, 900), between(0, 900), between(0, 900), between(0, 3.5),
    between(-0.3, 0.3), between(-0.05, 2.0), between(-0.003, 0.003), between(-0.003, 0.003),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(double_spheres, kannala_brandts, meis), st.floats(0.0, 0.97), st.floats(0.0, 6.28))
def test_rays_come_back_from_their_pixels(model: LensModel, share: float, about: float) -> None:
    angle = share * model.max_angle
    if isinstance(model, (DoubleSphere, Mei)) and float(model.radius(np.array(angle))) > 20.0:
        return  # nearly at right angles to a pinhole's axis: no camera has those pixels
    ray = rays(angle, about)
    pixel = model.project(ray)
    np.testing.assert_allclose(model.unproject(pixel), ray, atol=1e-9)
    np.testing.assert_allclose(model.project(model.unproject(pixel)), pixel, atol=1e-7)
    np.testing.assert_allclose(model.project(7.5 * ray), pixel, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.one_of(double_spheres, kannala_brandts, meis.map(lambda m: Mei(m.fx, m.fy, m.cx, m.cy, m.xi, m.k1, m.k2))))
def test_the_radius_grows_up_to_the_limit_and_the_field_ends_there(model: LensModel) -> None:
    angle = np.linspace(0.0, model.max_angle * (1.0 - 1e-6), 400)
    plane = model.distort(np.stack([model.radius(angle), 0.0 * angle], -1))[:, 0]
    assert (np.diff(plane) > 0.0).all() and plane[0] == 0.0
    if model.max_angle < math.pi:
        assert np.isnan(model.project(rays(min(math.pi, model.max_angle + 1e-6), 0.3))).all()
    finite = model.distort(np.array([model.radius(np.array(model.max_angle)), 0.0]))[0]
    folds = 0.0 < finite < 50.0 and model.max_angle < math.pi
    if folds:  # pixels further out show nothing
        assert np.isnan(model.unproject(np.array([model.cx + model.fx * (finite * 1.001 + 1e-4), model.cy]))).all()


def test_closed_forms() -> None:
    angle, about = np.linspace(0.0, 1.5, 31), np.linspace(0.0, 6.0, 31)
    for model, radius in (
        (KannalaBrandt(**PINHOLE), angle),  # equidistant
        (DoubleSphere(**PINHOLE, xi=0.0, alpha=0.0), np.tan(angle)),  # pinhole
        (Mei(**PINHOLE, xi=0.0), np.tan(angle)),
        (DoubleSphere(**PINHOLE, xi=0.0, alpha=0.5), 2.0 * np.tan(angle / 2.0)),  # stereographic
        (Mei(**PINHOLE, xi=1.0), np.tan(angle / 2.0)),
        (DoubleSphere(**PINHOLE, xi=0.0, alpha=1.0), np.sin(angle)),  # orthographic
    ):
        expected = np.stack([320.5 + 300.0 * radius * np.cos(about), 239.5 + 310.0 * radius * np.sin(about)], -1)
        np.testing.assert_allclose(model.project(rays(angle, about)), expected, atol=1e-9)
    limits = [
        (KannalaBrandt(**PINHOLE), math.pi),
        (KannalaBrandt(**PINHOLE, k1=-1.0 / 12.0), 2.0),  # 1 - 3 t^2 / 12
        (Mei(**PINHOLE, xi=0.5), math.acos(-0.5)),
        (Mei(**PINHOLE, xi=2.0), math.acos(-0.5)),
        (Mei(**PINHOLE, xi=1.0, k1=-1.0 / 3.0), math.pi / 2.0),  # tan(theta / 2) = 1
        (DoubleSphere(**PINHOLE, xi=0.0, alpha=0.5), math.pi),
        (DoubleSphere(**PINHOLE, xi=0.0, alpha=0.0), math.pi / 2.0),
        (DoubleSphere(**PINHOLE, xi=0.3, alpha=0.0), math.acos(-0.3)),  # the unified model
    ]
    for model, limit in limits:
        assert model.max_angle == pytest.approx(limit, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(double_spheres, st.floats(0.0, 0.99), st.floats(0.0, 6.28))
def test_double_sphere_is_the_papers_projection(model: DoubleSphere, share: float, about: float) -> None:
    x, y, z = 3.0 * rays(share * model.max_angle, about)
    d1 = math.sqrt(x * x + y * y + z * z)
    d2 = math.sqrt(x * x + y * y + (model.xi * d1 + z) ** 2)
    denominator = model.alpha * d2 + (1.0 - model.alpha) * (model.xi * d1 + z)
    expected = [model.fx * x / denominator + model.cx, model.fy * y / denominator + model.cy]
    np.testing.assert_allclose(model.project(np.array([x, y, z])), expected, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(kannala_brandts, st.integers(0, 2**31))
def test_kannala_brandt_is_opencvs_fisheye(model: KannalaBrandt, seed: int) -> None:
    rng = np.random.default_rng(seed)
    limit = min(math.radians(85.0), 0.99 * model.max_angle)
    points = rays(rng.uniform(0.001, limit, 50), rng.uniform(0.0, 6.28, 50)) * rng.uniform(0.1, 9.0, (50, 1))
    k = np.array([[model.fx, 0.0, model.cx], [0.0, model.fy, model.cy], [0.0, 0.0, 1.0]])
    d = np.array([model.k1, model.k2, model.k3, model.k4])
    theirs, _ = cv2.fisheye.projectPoints(points[:, None], np.zeros(3), np.zeros(3), k, d)
    np.testing.assert_allclose(model.project(points), theirs[:, 0], atol=1e-7)


@settings(max_examples=100, deadline=None)
@given(meis, st.floats(0.0, 0.95), st.floats(0.0, 6.28))
def test_mei_is_the_papers_projection(model: Mei, share: float, about: float) -> None:
    point = 2.0 * rays(share * model.max_angle, about)
    x, y = point[:2] / (point[2] + model.xi * np.linalg.norm(point))
    r2 = x * x + y * y
    radial = 1.0 + model.k1 * r2 + model.k2 * r2 * r2
    xd = x * radial + 2.0 * model.p1 * x * y + model.p2 * (r2 + 2.0 * x * x)
    yd = y * radial + model.p1 * (r2 + 2.0 * y * y) + 2.0 * model.p2 * x * y
    np.testing.assert_allclose(
        model.project(point), [model.fx * xd + model.cx, model.fy * yd + model.cy], rtol=1e-9, atol=1e-9
    )


def test_real_calibrations() -> None:
    # The double sphere sees a little more than the paper's bound, w2 of equation 45.
    w1 = (1.0 - FISHEYE_640.alpha) / FISHEYE_640.alpha
    w2 = (w1 + FISHEYE_640.xi) / math.sqrt(2.0 * w1 * FISHEYE_640.xi + FISHEYE_640.xi**2 + 1.0)
    assert math.acos(-w2) < FISHEYE_640.max_angle == pytest.approx(math.radians(140.14595), abs=1e-6)
    # The Theta's circle is 640 pixels across, and its lens sees more than half of the sphere.
    assert THETA_BACK.max_angle == pytest.approx(math.acos(-1.0 / 3.002745587820201), abs=1e-12)
    around = np.linspace(0.0, 2.0 * math.pi, 60)
    rim = THETA_BACK.project(rays(math.radians(95.0), around)) - (THETA_BACK.cx, THETA_BACK.cy)
    assert np.hypot(*rim.T).min() > 290.0 and np.hypot(*rim.T).max() < 320.0
    for model in (FISHEYE_640, THETA_BACK):
        v, u = np.mgrid[0:480:7, 0:640:7]
        pixels = np.stack([u, v], -1).astype(np.float64)
        seen = model.unproject(pixels)
        known = np.isfinite(seen[..., 0])
        assert known.mean() > 0.7
        np.testing.assert_allclose(np.linalg.norm(seen[known], axis=-1), 1.0, atol=1e-12)
        np.testing.assert_allclose(model.project(seen[known]), pixels[known], atol=1e-6)


def test_axis_origin_and_behind() -> None:
    for model in (FISHEYE_640, THETA_BACK, KannalaBrandt(**PINHOLE, k1=-0.02)):
        np.testing.assert_allclose(model.project(np.array([0.0, 0.0, 2.0])), [model.cx, model.cy], atol=1e-12)
        np.testing.assert_allclose(model.unproject(np.array([model.cx, model.cy])), [0.0, 0.0, 1.0], atol=1e-12)
        assert np.isnan(model.project(np.zeros(3))).all()
        assert np.isnan(model.project(np.array([0.0, 0.0, -1.0]))).all() == (model.max_angle < math.pi)


@given(st.one_of(double_spheres, kannala_brandts, meis), between(0.2, 4.0), between(0.2, 4.0))
@settings(max_examples=60, deadline=None)
def test_an_image_of_another_size(model: LensModel, x: float, y: float) -> None:
    ray = rays(0.4 * model.max_angle, np.linspace(0.0, 6.0, 9))
    # Edges of pixels, not their centres, are what a resized image keeps.
    np.testing.assert_allclose(model.resized(x, y).project(ray) + 0.5, (model.project(ray) + 0.5) * (x, y), rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: KannalaBrandt(0.0, 1.0, 0.0, 0.0), "focal lengths are positive"),
        (lambda: KannalaBrandt(1.0, 1.0, 0.0, 0.0, k3=math.nan), "k3 is a finite number"),
        (lambda: DoubleSphere(1.0, 1.0, 0.0, 0.0, 0.1, 1.2), "alpha 1.2"),
        (lambda: DoubleSphere(1.0, 1.0, 0.0, 0.0, -1.0, 0.5), "xi -1"),
        (lambda: Mei(1.0, 1.0, 0.0, 0.0, -0.1), "xi is not negative"),
    ],
)
def test_parameters_without_sense(make, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_odd_polynomials() -> None:
    assert odd_polynomial_limit((-1.0 / 3.0,)) == pytest.approx(1.0)  # 1 - x^2
    assert odd_polynomial_limit((-5.0 / 3.0 / 4.0, 1.0 / 5.0 / 4.0)) == pytest.approx(1.0)  # (x^2 - 1) (x^2 - 4) / 4
    for always in ((), (0.0, 0.0), (0.1, 0.2), (0.0, 5e-320)):
        assert odd_polynomial_limit(always) == math.inf
    values = np.array([0.0, 0.5, 2.0 / 3.0, 0.667, np.inf])
    found = odd_polynomial_inverse(values, (-1.0 / 3.0,), 1.0)
    np.testing.assert_allclose(found[:2], [0.0, 2.0 * math.sin(math.asin(0.75) / 3.0)], atol=1e-15)  # x - x^3 / 3
    assert found[2] == pytest.approx(1.0, abs=1e-7) and np.isnan(found[3:]).all()
    np.testing.assert_allclose(
        odd_polynomial_inverse(np.array([0.0, 2e6]), (0.0, 2.0), math.inf), [0.0, 10.0**1.2], rtol=1e-5
    )
