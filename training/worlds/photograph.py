"""From linear radiance to what a camera hands out: exposure, white balance, tone, noise, sharpness, JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.io.images import decode_image
from dap_core.panorama import solid_angles

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
MIDDLE_GREY = 0.16


@dataclass(frozen=True)
class CameraSettings:
    """One camera's way of rendering light; `draw` takes a random one.

    `exposure_ev`: stops over (under, negative) the metered exposure. `white_balance`: gains of r, g, b; `grey_world`:
    how much of the picture's mean tint is taken out first. `local`: compression of large-scale contrast, as HDR modes
    do. `shot`, `read`: noise variance per unit of signal, and its floor. `curve`: "gamma", "filmic" or "log".
    """

    exposure_ev: float = 0.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grey_world: float = 0.5
    local: float = 0.0
    glare: float = 0.02
    shot: float = 1e-4
    read: float = 1e-6
    curve: str = "filmic"
    contrast: float = 0.2
    saturation: float = 1.0
    blur_px: float = 0.0
    sharpen: float = 0.3
    fringe: float = 0.0
    jpeg_quality: int = 92

    @classmethod
    def draw(cls, rng: np.random.Generator) -> CameraSettings:
        """A random camera and operator; most are sensible, some are much too dark or too bright."""
        ev = rng.normal(0.3, 0.6)
        fate = rng.random()
        if fate < 0.13:
            ev = rng.uniform(-3.3, -1.0)
        elif fate < 0.18:
            ev = rng.uniform(1.0, 2.0)
        warm, tint = rng.normal(0.0, 0.09), rng.normal(0.0, 0.03)
        noise = 10.0 ** rng.uniform(-5.0, -2.7)
        return cls(
            exposure_ev=float(ev),
            white_balance=(float(np.exp(warm)), float(np.exp(tint)), float(np.exp(-warm))),
            grey_world=float(rng.choice([0.0, 0.5, 0.8], p=[0.2, 0.4, 0.4])),
            local=float(rng.uniform(0.15, 0.5)) if rng.random() < 0.4 else 0.0,
            glare=float(10.0 ** rng.uniform(-2.7, -1.1)),
            shot=float(noise),
            read=float(noise * 10.0 ** rng.uniform(-3.0, -1.5)),
            curve=str(rng.choice(["gamma", "filmic", "log"], p=[0.35, 0.5, 0.15])),
            contrast=float(rng.uniform(-0.1, 0.6)),
            saturation=float(rng.uniform(0.7, 1.3)) if rng.random() > 0.03 else 0.0,
            blur_px=float(rng.uniform(0.3, 0.9)) if rng.random() < 0.4 else 0.0,
            sharpen=float(rng.uniform(0.0, 0.8)) if rng.random() < 0.5 else 0.0,
            fringe=float(rng.uniform(0.1, 0.6)) if rng.random() < 0.2 else 0.0,
            jpeg_quality=int(rng.integers(60, 98)),
        )


def photograph(
    radiance: NDArray[np.float32], rng: np.random.Generator, settings: CameraSettings | None = None
) -> NDArray[np.uint8]:
    """The picture (H, W, 3) uint8 RGB of linear radiance (H, W, 3); settings are drawn from `rng` unless given."""
    return decode_image(photograph_jpeg(radiance, rng, settings))


def photograph_jpeg(
    radiance: NDArray[np.float32], rng: np.random.Generator, settings: CameraSettings | None = None
) -> bytes:
    """As `photograph`, but the JPEG file itself."""
    s = CameraSettings.draw(rng) if settings is None else settings
    height, width = radiance.shape[:2]
    x = np.minimum(radiance, 1e3)
    x = np.ascontiguousarray(x * (_metered(x) * 2.0**s.exposure_ev))
    x = np.minimum(x, 40.0)
    if s.glare > 0.0:
        x += s.glare * (_blurred(np.minimum(x, 12.0), height / 24.0) - np.minimum(x, 12.0))
    if s.local > 0.0:
        base = np.log(_blurred(np.maximum(x @ LUMINANCE, np.float32(1e-4)), height / 12.0))
        x *= np.exp(-s.local * (base - base.mean()))[..., None]
    x *= _balance(x, s)
    if s.shot > 0.0 or s.read > 0.0:
        x += rng.standard_normal(x.shape, np.float32) * np.sqrt(s.shot * np.maximum(x, 0.0) + s.read)
    if s.blur_px > 0.0 or s.fringe > 0.0:
        x = _soft(x, s)
    x = _curve(np.maximum(x, 0.0), s)
    grey = (x @ LUMINANCE)[..., None]
    x = grey + (x - grey) * np.float32(s.saturation)
    if s.sharpen > 0.0:
        x += np.float32(s.sharpen) * (x - _blurred(x, 1.0))
    image = (np.clip(x, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    ok, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, s.jpeg_quality])
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {width}x{height} JPEG")
    return jpeg.tobytes()


def _metered(x: NDArray[np.float32]) -> float:
    """The gain that brings the log-mean luminance, weighted by solid angle, to middle grey."""
    luminance = x @ LUMINANCE
    weights = solid_angles(x.shape[0])[:, None] / (4.0 * np.pi)
    floor = 1e-3 * float((luminance * weights).sum()) + 1e-8
    return MIDDLE_GREY / float(np.exp((np.log(luminance + floor) * weights).sum()))


def _balance(x: NDArray[np.float32], s: CameraSettings) -> NDArray[np.float32]:
    mean = np.minimum(x, 1.0).mean((0, 1)) + 1e-6
    gains = (mean.mean() / mean) ** s.grey_world * np.asarray(s.white_balance)
    return (gains / gains.mean()).astype(np.float32)


def _blurred(x: NDArray, sigma: float) -> NDArray:
    """Gaussian blur, circular in azimuth; wide ones on a coarser grid."""
    height, width = x.shape[:2]
    if sigma > 4.0:
        factor = max(1, int(sigma / 2.0))
        small = cv2.resize(x, (max(2, width // factor), max(2, height // factor)), interpolation=cv2.INTER_AREA)
        return cv2.resize(_blurred(small, sigma / factor), (width, height), interpolation=cv2.INTER_LINEAR)
    pad = min(int(3.0 * sigma) + 1, width // 2)
    wide = np.concatenate([x[:, -pad:], x, x[:, :pad]], 1)
    return cv2.GaussianBlur(wide, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)[:, pad : pad + width]


def _soft(x: NDArray[np.float32], s: CameraSettings) -> NDArray[np.float32]:
    """Defocus, more of it in red and blue where the lens fringes."""
    channels = []
    for k, extra in enumerate((s.fringe, 0.0, 0.7 * s.fringe)):
        sigma = float(np.hypot(s.blur_px, extra))
        channels.append(_blurred(np.ascontiguousarray(x[..., k]), sigma) if sigma > 0.05 else x[..., k])
    return np.stack(channels, -1)


def _curve(x: NDArray[np.float32], s: CameraSettings) -> NDArray[np.float32]:
    """Tone curve from exposed linear light to display values in [0, 1], by a table over the fourth root."""
    t = np.linspace(0.0, 40.0**0.25, 2048) ** 4
    if s.curve == "gamma":
        y = np.minimum(t, 1.0) ** (1.0 / 2.2)
    elif s.curve == "log":
        y = np.log1p(18.0 * t) / np.log1p(18.0 * 6.0)
    else:
        shoulder = t * (1.0 + t / 9.0) / (1.0 + t) * 1.5
        y = np.minimum(shoulder, 1.0) ** (1.0 / 2.2)
    y = np.minimum(y, 1.0)
    y = y + s.contrast * y * (1.0 - y) * (2.0 * y - 1.0)
    at = np.sqrt(np.sqrt(x)) * np.float32(2047.0 / 40.0**0.25)
    index = np.minimum(at.astype(np.int32), 2046)
    table = y.astype(np.float32)
    low = table[index]
    return low + (table[index + 1] - low) * np.clip(at - index, 0.0, 1.0)
