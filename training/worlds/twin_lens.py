"""A cheap 360-degree camera: two fisheyes back to back, stitched, and what its processor does to the picture.

The stitcher takes each half of the sphere from one lens as if everything were at one distance. Nearer and farther
things are displaced at the seam and doubled where the halves are blended; the lenses differ in exposure and colour, are
not aligned exactly, darken and lose sharpness to the rim.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import project, rays, yaw_pitch_roll
from training.worlds.photograph import CameraSettings

MARGIN = 16


@dataclass(frozen=True)
class TwinLens:
    """One camera. `draw` takes a random one; most are mild, some are bad.

    `baseline_m`: distance between the lenses; `stitched_m`: the distance for which the halves meet; `axis`: azimuth of
    the first lens, radians; `slant`: of the seam's plane from the vertical; `apart`: how far the second lens is turned
    from where the stitcher takes it to be, yaw, pitch, roll in radians; `blend`: half width of the blended seam,
    radians; `exposure_ev`, `colour`: of the second lens against the first; `vignette`: light lost at the rim; `rim_px`:
    blur at the rim, in pixels of a panorama 256 high, and `overall_px` everywhere.
    """

    baseline_m: float = 0.025
    stitched_m: float = 2.5
    axis: float = 0.0
    slant: float = 0.0
    apart: tuple[float, float, float] = (0.0, 0.0, 0.0)
    blend: float = 0.03
    exposure_ev: float = 0.0
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.1
    rim_px: float = 0.6
    overall_px: float = 0.3

    @classmethod
    def draw(cls, rng: np.random.Generator) -> TwinLens:
        """A random camera and its mounting."""
        bad = 2.5 if rng.random() < 0.2 else 1.0
        warm = rng.normal(scale=0.012 * bad)
        yaw, pitch, roll = np.deg2rad(rng.normal(scale=0.25 * bad, size=3))
        return cls(
            baseline_m=float(rng.uniform(0.015, 0.035)),
            stitched_m=float(np.exp(rng.uniform(np.log(1.2), np.log(6.0)))),
            axis=float(rng.normal(scale=0.03)) if rng.random() < 0.6 else float(rng.uniform(-np.pi, np.pi)),
            slant=float(rng.normal(scale=0.02)) if rng.random() < 0.8 else float(rng.uniform(-0.5, 0.5)),
            apart=(float(yaw), float(pitch), float(roll)),
            blend=float(np.deg2rad(np.exp(rng.uniform(np.log(0.7), np.log(7.0))))),
            exposure_ev=float(rng.normal(scale=0.06 * bad)),
            colour=(float(np.exp(warm)), 1.0, float(np.exp(-warm))),
            vignette=float(rng.uniform(0.0, 0.35)),
            rim_px=float(rng.uniform(0.2, 1.4)),
            overall_px=float(rng.uniform(0.1, 0.8)),
        )


def stitch(radiance: NDArray[np.float32], range_m: NDArray[np.float32], lens: TwinLens) -> NDArray[np.float32]:
    """What the stitcher makes of a scene (H, 2 H, 3), linear, with range (H, 2 H), both seen from between the lenses.

    What one lens would see around an edge is not there to be shown, so occluded parts repeat their neighbourhood.
    """
    height = radiance.shape[0]
    ray = rays(height).astype(np.float64)
    first = yaw_pitch_roll(lens.axis, 0.0, lens.slant)[:, 0]
    facing = ray @ first
    near = np.where(np.isfinite(range_m), range_m, 1e4).astype(np.float32)
    halves = []
    for side in (1.0, -1.0):
        centre = 0.5 * side * lens.baseline_m * first
        looked = lens.stitched_m * ray - centre
        looked /= np.linalg.norm(looked, axis=-1, keepdims=True)
        if side < 0:
            looked = looked @ yaw_pitch_roll(*lens.apart).T
        half = _sampled(radiance, _seen_from(centre, looked, ray, near))
        rim = np.clip(1.0 - side * facing, 0.0, 1.2)[..., None]  # 0 on the axis, 1 at the seam
        soft = _blurred(half, (lens.overall_px + lens.rim_px) * height / 256.0)
        sharp = _blurred(half, lens.overall_px * height / 256.0)
        gain = 1.0 if side > 0 else np.asarray(lens.colour) * 2.0**lens.exposure_ev
        halves.append((sharp + (soft - sharp) * rim**2) * ((1.0 - lens.vignette * rim**3) * gain))
    share = np.clip(0.5 + 0.5 * np.arcsin(np.clip(facing, -1.0, 1.0)) / lens.blend, 0.0, 1.0)[..., None]
    share = share * share * (3.0 - 2.0 * share)
    return (halves[0] * share + halves[1] * (1.0 - share)).astype(np.float32)


def _seen_from(
    centre: NDArray[np.float64], looked: NDArray[np.float64], ray: NDArray[np.float64], range_m: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Rays from the middle to what a lens at `centre` sees along `looked`, by fixed-point iteration over the ranges."""
    seen = ray
    for _ in range(3):
        distance = _sampled(range_m, seen)[..., None]
        reached = np.linalg.norm(seen * distance - centre, axis=-1, keepdims=True)
        point = centre + reached * looked
        seen = point / np.linalg.norm(point, axis=-1, keepdims=True)
    return seen


def _sampled(image: NDArray[np.float32], ray: NDArray[np.float64]) -> NDArray[np.float32]:
    """An ERP image along rays, bilinear, circular in azimuth."""
    uv = project(ray, image.shape[0]).astype(np.float32)
    wide = np.concatenate([image[:, -MARGIN:], image, image[:, :MARGIN]], 1)
    return np.asarray(
        cv2.remap(wide, uv[..., 0] + MARGIN, uv[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _blurred(x: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma < 0.15:
        return x
    wide = np.concatenate([x[:, -MARGIN:], x, x[:, :MARGIN]], 1)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), sigma)[:, MARGIN:-MARGIN], np.float32)


@dataclass(frozen=True)
class Processor:
    """What the camera's processor does after the tone curve: `smear` of fine texture by noise reduction, `chroma_px` of
    blur in colour, `quality` of the JPEG or video frame, `patch` at the nadir: none, blur, or logo.
    """

    smear: float = 0.3
    chroma_px: float = 1.0
    quality: int = 70
    patch: str = "none"
    patch_radius: float = 0.3

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Processor:
        """A random processor."""
        return cls(
            smear=float(rng.uniform(0.0, 0.7)),
            chroma_px=float(rng.uniform(0.3, 1.5)),
            quality=int(rng.integers(45, 93)),
            patch=str(rng.choice(["none", "blur", "logo"], p=[0.88, 0.08, 0.04])),
            patch_radius=float(np.deg2rad(rng.uniform(12.0, 28.0))),
        )


def processed_jpeg(image: NDArray[np.uint8], processor: Processor, rng: np.random.Generator) -> bytes:
    """The picture (H, 2 H, 3) uint8 RGB after the camera's own processing, as a JPEG."""
    height = image.shape[0]
    x = _patched(image, processor, rng)
    if processor.smear > 0.0:
        calm = cv2.bilateralFilter(x, 5, 18.0 + 30.0 * processor.smear, 1.5 * height / 256.0 + 0.5)
        x = np.asarray(cv2.addWeighted(x, 1.0 - processor.smear, calm, processor.smear, 0.0), np.uint8)
    ycc = cv2.cvtColor(x, cv2.COLOR_RGB2YCrCb)
    ycc[..., 1:] = cv2.GaussianBlur(ycc[..., 1:], (0, 0), max(processor.chroma_px * height / 256.0, 0.2))
    bgr = cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR)
    ok, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, processor.quality])
    if not ok:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return bytes(jpeg.tobytes())


def _patched(image: NDArray[np.uint8], processor: Processor, rng: np.random.Generator) -> NDArray[np.uint8]:
    if processor.patch == "none":
        return image
    height = image.shape[0]
    rows = int(np.ceil(height * processor.patch_radius / np.pi))
    out = image.copy()
    if processor.patch == "logo":  # a disc of one colour with a ring, as apps put over the tripod
        shade = np.clip(rng.integers(0, 256) + rng.normal(scale=20.0, size=3), 0, 255).astype(np.uint8)
        out[-rows:] = shade
        out[-rows : -rows + max(1, rows // 6)] = 255 - shade
    else:
        ring = out[-rows - 1].astype(np.float32)
        spread = cv2.GaussianBlur(np.tile(ring[None], (3, 3, 1)), (0, 0), height / 10.0)[1, 2 * height : 4 * height]
        fade = (np.arange(rows) + 1.0)[:, None, None] / rows
        out[-rows:] = ring * (1.0 - fade) + spread * fade
    return out


def consumer(rng: np.random.Generator) -> CameraSettings:
    """Photographic settings as such cameras choose them: metered well, tone-mapped, saturated and sharpened."""
    warm, tint = rng.normal(scale=0.08), rng.normal(scale=0.035)
    noise = 10.0 ** rng.uniform(-5.0, -3.1)
    return CameraSettings(
        exposure_ev=float(rng.normal(0.35, 0.45)),
        white_balance=(float(np.exp(warm)), float(np.exp(tint)), float(np.exp(-warm))),
        grey_world=float(rng.uniform(0.4, 0.9)),
        local=float(rng.uniform(0.1, 0.45)) if rng.random() < 0.6 else 0.0,
        glare=float(10.0 ** rng.uniform(-2.2, -0.9)),
        shot=float(noise),
        read=float(noise * 10.0 ** rng.uniform(-2.2, -1.2)),
        curve=str(rng.choice(["filmic", "gamma"], p=[0.75, 0.25])),
        contrast=float(rng.uniform(0.1, 0.6)),
        saturation=float(rng.uniform(0.8, 1.45)),
        sharpen=float(rng.uniform(0.2, 1.0)),
        fringe=float(rng.uniform(0.1, 0.8)) if rng.random() < 0.5 else 0.0,
        jpeg_quality=95,
    )
