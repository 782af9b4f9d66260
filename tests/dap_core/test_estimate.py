import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core import DepthEstimator, InputError, PanoramaDepth
from dap_core.backends.spec import ModelSpec
from dap_core.estimate import MIN_RANGE_M, check_image, resize_panorama
from dap_core.export.parity import room


class Ramp:
    """A backend in closed form: range = 10 m times the red channel, far where green is above one half."""

    name, device, precision, reason = "ramp", "cpu", "float32", "in closed form"
    spec = ModelSpec("ramp", 16, 32, 100.0, "0" * 64)
    closed = False

    def __call__(self, images):
        x = images.astype(np.float32) / 255
        return 10 * x[..., 0], x[..., 1].copy()

    def close(self):
        self.closed = True


def test_call_is_prepare_infer_finish():
    image = np.zeros((64, 128, 3), np.uint8)
    image[:32, :, 0], image[32:, :, 0], image[:, 64:, 1] = 255, 51, 255
    depth = DepthEstimator(Ramp())(image)
    assert depth.shape == (16, 32) and depth.range_m.dtype == np.float32
    np.testing.assert_allclose(depth.range_m[:8, :16], 10.0)
    np.testing.assert_allclose(depth.range_m[8:, :16], 2.0)
    assert np.isposinf(depth.range_m[:, 16:]).all() and depth.far[:, 16:].all() and not depth.far[:, :16].any()
    np.testing.assert_array_equal(depth.near, ~depth.far)
    assert depth.max_range_m == 100.0


def test_finish_keeps_the_contract():
    estimator = DepthEstimator(Ramp())
    range_m = np.array([[0.0, 5.0, 250.0, np.nan, np.inf, 7.0, np.nan, -1.0]], np.float32)
    far = np.array([[0.1, 0.5, 0.2, 0.1, 0.1, np.nan, 0.9, 0.500001]], np.float32)
    depth = estimator.finish(range_m, far)
    expected = [MIN_RANGE_M, 5.0, 100.0, np.nan, np.nan, np.nan, np.inf, np.inf]
    np.testing.assert_array_equal(depth.range_m[0], np.array(expected, np.float32))
    np.testing.assert_array_equal(depth.far[0], [0, 0, 0, 0, 0, 0, 1, 1])
    assert not (depth.near & depth.far).any()
    assert range_m[0, 2] == 250.0  # the caller's arrays are not changed


@pytest.mark.parametrize(
    ("threshold", "expected", "limit"),
    [(100.0, [8.0, 30.0, 100.0, np.inf], 100.0), (20.0, [8.0, 20.0, 20.0, np.inf], 20.0),
     (None, [8.0, 30.0, 100.0, 8.0], 100.0)],
)  # fmt: skip
def test_far_lies_beyond_the_models_own_threshold(threshold, expected, limit):
    backend = Ramp()
    backend.spec = dataclasses.replace(Ramp.spec, far_beyond_m=threshold)
    range_m, far = np.array([[8.0, 30.0, 150.0, 8.0]], np.float32), np.array([[0.1, 0.2, 0.3, 0.9]], np.float32)
    depth = DepthEstimator(backend).finish(range_m, far)
    np.testing.assert_array_equal(depth.range_m[0], np.array(expected, np.float32))
    assert depth.max_range_m == limit and depth.far[0].tolist() == [False, False, False, threshold is not None]


def test_from_range():
    depth = PanoramaDepth.from_range(np.array([[0.0, 3.0, 120.0, np.inf]]), 100.0)
    np.testing.assert_array_equal(depth.range_m, np.array([[np.nan, 3.0, np.inf, np.inf]], np.float32))
    np.testing.assert_array_equal(depth.far, [[False, False, True, True]])
    np.testing.assert_array_equal(depth.near, [[False, True, False, False]])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((16, 31, 3), np.uint8), "twice as wide as high, got 31x16"),
        (np.zeros((16, 32), np.uint8), r"\(H, W, 3\) RGB"),
        (np.zeros((16, 32, 4), np.uint8), r"\(H, W, 3\) RGB"),
        (np.zeros((16, 32, 3), np.float32), "float32"),
        (np.zeros((0, 0, 3), np.uint8), "0x0"),
        (None, "NoneType"),
    ],
)
def test_wrong_images(image, message):
    with pytest.raises(InputError, match=message) as error:
        DepthEstimator(Ramp())(image)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError):
        check_image(image)


def test_area_filter_is_the_mean_of_the_covered_pixels():
    image = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    expected = image.reshape(16, 4, 32, 4, 3).astype(float).mean((1, 3))
    assert np.abs(resize_panorama(image, 16) - expected).max() <= 0.5 + 1e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(2, 40))
def test_resize_commutes_with_half_turn(source, target):
    # A half turn is whole pixels at every size, so a filter that is right at the seam commutes with it.
    image = np.random.default_rng(source).integers(0, 256, (source, 2 * source, 3), dtype=np.uint8)
    resized = resize_panorama(image, target)
    assert resized.shape == (target, 2 * target, 3) and resized.flags.c_contiguous
    turned = resize_panorama(np.roll(image, source, axis=1), target)
    assert np.abs(turned.astype(int) - np.roll(resized, target, axis=1)).max() <= 1


@pytest.mark.parametrize("shape", [(256, 512), (300, 600), (512, 1024), (1024, 2048)])
def test_any_size_gives_the_model_resolution(shape):
    depth = DepthEstimator(Ramp())(np.zeros((*shape, 3), np.uint8))
    assert depth.shape == (16, 32)


def test_open_runs_a_real_model(small_onnx):
    with DepthEstimator.open(small_onnx, "onnxruntime", threads=1) as estimator:
        depth = estimator(room(100))
    assert depth.shape == (64, 128)
    assert (depth.near ^ depth.far).all() and np.isfinite(depth.range_m[depth.near]).all()
    with pytest.raises(RuntimeError, match="closed"):
        estimator(room(100))


def test_names_of_the_package():
    import dap_core

    assert dap_core.DepthEstimator is DepthEstimator
    with pytest.raises(AttributeError):
        dap_core.nothing  # noqa: B018


def test_halving_first_averages_almost_the_same_areas():
    image = np.random.default_rng(1).integers(0, 256, (160, 320, 3), dtype=np.uint8)
    for picture, mean, largest in ((image, 5.0, 25.0), (cv2.GaussianBlur(image, (0, 0), 3.0), 0.5, 2.0)):
        direct = cv2.resize(picture.astype(np.float64), (66, 33), interpolation=cv2.INTER_AREA)
        error = np.abs(resize_panorama(picture, 33) - direct)
        assert error.mean() < mean and error.max() < largest
