"""From a panorama to its metric depth: `DepthEstimator`, and the result with its units, `PanoramaDepth`."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.backends import Backend, Progress, open_backend
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError

#: Nothing is reported nearer than this (metres): a sigmoid that underflows must not become a range of zero.
MIN_RANGE_M = 0.01


@dataclass(frozen=True)
class PanoramaDepth:
    """Range along every ray of an equirectangular panorama (`dap_core.panorama` has the rays).

    range_m          (h, w) float32, metres along the ray, never z; +inf where far, nan where nothing is known
    far              (h, w) bool, true where the surface lies beyond `max_range_m` (or there is none: sky); never true
                     where the model has no range mask
    far_probability  (h, w) float32 in [0, 1]; nan where nothing is known
    max_range_m      no range is beyond, in metres: the threshold of the model's range mask, or without one its limit
    """

    range_m: NDArray[np.float32]
    far: NDArray[np.bool_]
    far_probability: NDArray[np.float32]
    max_range_m: float

    @classmethod
    def from_range(cls, range_m: NDArray[np.floating], max_range_m: float = 100.0) -> PanoramaDepth:
        """The same contract from a known range (h, w): beyond `max_range_m` is far; zero, negative and nan unknown."""
        known = np.asarray(range_m, np.float32)
        with np.errstate(invalid="ignore"):
            known = np.where(known > 0, known, np.float32(np.nan))
            far = known > max_range_m
        known[far] = np.inf
        return cls(known, far, np.where(np.isnan(known), np.float32(np.nan), far.astype(np.float32)), max_range_m)

    @property
    def near(self) -> NDArray[np.bool_]:
        """(h, w) bool, true where there is a range in metres; what is unknown is neither near nor far."""
        return np.isfinite(self.range_m)

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return self.range_m.shape[0], self.range_m.shape[1]


class DepthEstimator:
    """A model on a backend, called with panoramas.

    `estimator(image)` is `finish(*infer(prepare(image)))`; the three steps are public so that a caller can time them.
    Not for use from several threads at once.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    @classmethod
    def open(
        cls,
        model: str | Path = "dap-tiny",
        backend: str = "auto",
        *,
        threads: int | None = None,
        progress: Progress = lambda what, share: None,
    ) -> DepthEstimator:
        """Open a model.

        `model` is a preset's name or the path of an exported `.onnx` or of a checkpoint (`.safetensors`, `.pth`);
        `backend` one of auto, tensorrt, onnxruntime, openvino, torch; `threads` the CPU threads of one inference
        (default: the physical cores this process may use); `progress` is told what takes long. Raises InputError where
        the model or the backend cannot be had.
        """
        return cls(open_backend(backend, model, threads=threads, progress=progress))

    @property
    def spec(self) -> ModelSpec:
        """What the model says about itself."""
        return self.backend.spec

    def __call__(self, image: NDArray[np.uint8]) -> PanoramaDepth:
        """Depth of one panorama, (H, W, 3) uint8 RGB of any size with W = 2 H, at the model's resolution."""
        range_m, far = self.infer(self.prepare(image))
        return self.finish(range_m[0], far[0])

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(1, h, w, 3) uint8 at the model's resolution; InputError where the image is not an 8-bit RGB panorama."""
        check_image(image)
        return resize_panorama(image, self.spec.height)[None]

    def infer(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network alone: (B, h, w, 3) uint8 to range in metres and far probability, each (B, h, w) float32."""
        return self.backend(images)

    def finish(self, range_m: NDArray[np.float32], far: NDArray[np.float32]) -> PanoramaDepth:
        """The contract of `PanoramaDepth` applied to one panorama's raw outputs, each (h, w) float32."""
        limit = self.spec.limit_m
        is_far = far > self.spec.far_threshold if self.spec.far_beyond_m is not None else np.zeros(far.shape, bool)
        known = np.clip(range_m, np.float32(MIN_RANGE_M), np.float32(limit))
        # A range that is not finite, or a far head that is not, says nothing about the pixel.
        sound = np.isfinite(range_m)
        sound |= is_far
        sound &= far == far
        if not sound.all():
            known[~sound] = np.nan
        known[is_far] = np.inf
        return PanoramaDepth(known, is_far, np.ascontiguousarray(far), limit)

    def close(self) -> None:
        """Give the backend's memory back; the estimator cannot be called afterwards."""
        self.backend.close()

    def __enter__(self) -> DepthEstimator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_image(image: NDArray) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8 with W = 2 H."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        got = f"shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"an image is a (H, W, 3) RGB array, got {got}")
    if image.dtype != np.uint8:
        raise InputError(f"an image has 8-bit values (uint8, 0 to 255), got {image.dtype}")
    height, width = image.shape[:2]
    if height < 2 or width != 2 * height:
        raise InputError(f"a panorama is twice as wide as high, got {width}x{height} (width x height)")


def resize_panorama(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """The panorama (H, 2 H, 3) at (height, 2 height, 3), contiguous: area filter down, linear and circular up.

    The area filter's footprints never cross the seam, so it needs no margin; the linear filter gets one from the
    other side.
    """
    source_height, source_width = image.shape[:2]
    if source_height == height:
        return np.ascontiguousarray(image)
    # OpenCV's area filter is fast at whole ratios only; halving first averages almost the same areas.
    while source_height % height and source_height % 2 == 0 and source_height >= 4 * height:
        source_height //= 2
        half = cv2.resize(image, (2 * source_height, source_height), interpolation=cv2.INTER_AREA)
        image = np.asarray(half, np.uint8)
    if source_height > height:
        return np.asarray(cv2.resize(image, (2 * height, height), interpolation=cv2.INTER_AREA), np.uint8)
    # The smallest margin that is whole pixels on both sides of the scaling.
    divisor = gcd(source_width, 2 * height)
    margin, scaled = source_width // divisor, 2 * height // divisor
    wrapped = np.concatenate([image[:, -margin:], image, image[:, :margin]], axis=1)
    wide = cv2.resize(wrapped, (2 * height + 2 * scaled, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(wide[:, scaled:-scaled])
