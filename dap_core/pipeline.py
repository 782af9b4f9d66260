"""One camera's way from a panorama to everything a robot uses.

    image -> model's resolution -> upright -> network -> PanoramaDepth in the levelled frame
          -> self-mask -> temporal filter -> scale by the ground -> DepthFrame, whose products are made when asked for

Frames: the camera's body frame (x forward, y left, z up; REP 103), and the levelled frame at the same place, whose z
axis points against gravity and whose x axis is the camera's forward axis projected to the horizontal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator, PanoramaDepth
from dap_core.panorama_input import InputConfig, PanoramaInput
from dap_core.pose import Lookup, Pose
from dap_core.products import faces
from dap_core.products.clearing import ClearingConfig, clearing_points
from dap_core.products.cloud import Cloud, CloudConfig, organised_points, sampled_cloud
from dap_core.products.edges import EdgesConfig, flying_pixels, without
from dap_core.products.levelling import Leveller, LevellingConfig, camera_from_level
from dap_core.products.scale import GroundScale, ScaleConfig, ScaleState, scaled
from dap_core.products.scan import Scan, ScanConfig, scan
from dap_core.products.self_mask import MaskConfig, self_mask
from dap_core.products.temporal import Motion, TemporalConfig, TemporalFilter
from dap_core.settings import group, setting

if TYPE_CHECKING:
    from dap_core.backends.spec import ModelSpec

_UPRIGHT = np.eye(3)


@dataclass(frozen=True)
class MountConfig:
    """How one camera sits on its robot."""

    camera_height: float = setting(
        0.0,
        "Metres of the camera above the ground, added to the field `height` of clouds; 0 where it is not known.",
        low=0.0,
        high=1000.0,
    )
    ground_frame: str = setting(
        "",
        "Frame on the ground (base_footprint, say) in which TF gives the camera's height, instead of camera_height; "
        "empty: do not ask TF.",
        "configure",
    )
    panorama: InputConfig = group(InputConfig)
    levelling: LevellingConfig = group(LevellingConfig)
    mask: MaskConfig = group(MaskConfig)

    def with_height(self, link: str, lookup: Lookup | None) -> MountConfig:
        """The mount with the height that transforms give to the camera's frame `link`, where `ground_frame` is set.

        Raises InputError where that is not known.
        """
        if not self.ground_frame:
            return self
        if lookup is None:
            raise InputError(f"ground_frame {self.ground_frame}: there are no transforms")
        return replace(self, camera_height=float(lookup(self.ground_frame, link).translation[2]))


@dataclass(frozen=True)
class ProcessingConfig:
    """What is made of the network's answer."""

    temporal: TemporalConfig = group(TemporalConfig)
    scale: ScaleConfig = group(ScaleConfig)
    edges: EdgesConfig = group(EdgesConfig)
    cloud: CloudConfig = group(CloudConfig)
    clearing: ClearingConfig = group(ClearingConfig)
    scan: ScanConfig = group(ScanConfig)
    faces: faces.FacesConfig = group(faces.FacesConfig)


class DepthFrame:
    """Depth of one image, and its products; each is computed once, when it is first asked for.

    level              PanoramaDepth in the levelled frame
    camera_from_level  (3, 3) rotation of levelled directions to the camera's body frame
    prepared           the image that it was made of
    scale              what the ground said about the scale of this frame, None where it was not asked
    """

    def __init__(
        self,
        level: PanoramaDepth,
        prepared: Prepared,
        mount: MountConfig,
        processing: ProcessingConfig,
        leveller: Leveller,
        scale: ScaleState | None = None,
    ) -> None:
        self.level, self.prepared, self.scale = level, prepared, scale
        self.camera_from_level = prepared.camera_from_level
        self._mount, self._processing, self._leveller = mount, processing, leveller

    @property
    def levelled(self) -> bool:
        """Whether the levelled frame is another than the camera's."""
        return self.prepared.levelled

    @cached_property
    def depth(self) -> PanoramaDepth:
        """Depth in the camera's own image, nearest resampling of `level` where the two differ."""
        if not self.levelled:
            return self.level
        range_m = self._leveller.back(self.level.range_m, self.camera_from_level)
        probability = self._leveller.back(self.level.far_probability, self.camera_from_level)
        return PanoramaDepth(range_m, np.isposinf(range_m), probability, self.level.max_range_m)

    @cached_property
    def clean(self) -> PanoramaDepth:
        """`level` without the pixels that hang between foreground and background."""
        if not self._processing.edges.enabled:
            return self.level
        return without(self.level, flying_pixels(self.level, self._processing.edges))

    @cached_property
    def scan(self) -> Scan:
        """Nearest range by azimuth in the levelled frame."""
        return scan(self.clean, self._processing.scan)

    @cached_property
    def cloud(self) -> Cloud:
        """Points in the camera's body frame; their height is along gravity above the ground."""
        config = self._processing.cloud
        colours = self.prepared.batch[0] if config.color else None
        return self._in_camera(sampled_cloud(self.clean, config, self._mount.camera_height, colours))

    @cached_property
    def clearing(self) -> NDArray[np.float32]:
        """End points (N, 3) of free rays in the camera's body frame."""
        points = clearing_points(self.clean, self._processing.clearing)
        return _rotated(points, self.camera_from_level) if self.levelled else points

    @cached_property
    def organised(self) -> NDArray[np.float32]:
        """Points (h, w, 3) of the camera's image in its body frame; nan where far or unknown."""
        return organised_points(self.depth)

    def face(self, name: str) -> faces.Face:
        """One of the pinhole views that are configured."""
        return next(face for face in faces.faces_of(self._processing.faces) if face.name == name)

    def face_depth(self, name: str) -> NDArray[np.float32]:
        """(size, size) depth along a face's z axis, metres (REP 118); +inf far, nan unknown."""
        return faces.face_depth(self.depth, self.face(name))

    def face_image(self, name: str) -> NDArray[np.uint8]:
        """(size, size, 3) RGB of a face."""
        return faces.face_image(self._face_source, self.face(name))

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """The panorama (H, 2 H, 3) uint8 RGB at the resolution of the camera's image."""
        return self.prepared.source.panorama(self.prepared.image)[0]

    @cached_property
    def _face_source(self) -> NDArray[np.uint8]:
        return faces.face_source(self.image, faces.faces_of(self._processing.faces)[0])

    def _in_camera(self, cloud: Cloud) -> Cloud:
        return cloud.rotated(self.camera_from_level) if self.levelled else cloud


@dataclass(frozen=True)
class Prepared:
    """An image on its way to the network; see `Pipeline`.

    image              (H, W, 3) uint8 RGB as the camera gives it
    source             what makes panoramas of the camera's images
    batch              (1, h, w, 3) uint8, a panorama at the model's resolution, upright
    unknown            (h, w) bool in the levelled frame, what the camera does not see or the mask hides; None where
                       there is nothing of that
    camera_from_level  (3, 3) rotation of levelled directions to the camera's body frame
    """

    image: NDArray[np.uint8]
    source: PanoramaInput
    batch: NDArray[np.uint8]
    unknown: NDArray[np.bool_] | None
    camera_from_level: NDArray[np.float64]

    @property
    def levelled(self) -> bool:
        """Whether the levelled frame is another than the camera's."""
        return not np.array_equal(self.camera_from_level, _UPRIGHT)


class Pipeline:
    """The way of one camera's images, with the state that its filters keep between them.

    `finish(prepare(image), *network)` is one frame; the network itself is called by the owner of the engine, which may
    serve several pipelines. One thread may prepare frames while another finishes those before and makes their products.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        # Tables are made anew as the camera turns: a leveller for what is prepared, another for what is finished.
        self._upright, self._leveller = Leveller(spec.height), Leveller(spec.height)
        self._source = PanoramaInput(InputConfig())
        self._temporal: tuple[TemporalConfig, TemporalFilter] | None = None
        self._before: Pose | None = None
        self._scale: tuple[ScaleConfig, GroundScale] | None = None

    def prepare(
        self, estimator: DepthEstimator, image: NDArray[np.uint8], mount: MountConfig, up: NDArray | None = None
    ) -> Prepared:
        """The image at the model's resolution and upright.

        `up` points against gravity in the camera's body frame, None where nothing is known of it. Raises
        InputError where the image is not a panorama.
        """
        source = self.source(mount.panorama)
        panorama, unknown = source.panorama(image, self.spec.height)
        batch, rotation = estimator.prepare(panorama), _UPRIGHT
        if up is not None and _tilt_degrees(level := camera_from_level(up)) > mount.levelling.tolerance:
            rotation = level
            batch = self._upright.upright(batch[0], rotation)[None]
        mask = self_mask(mount.mask, self.spec.height)
        unknown = mask if unknown is None else mask | unknown
        if not unknown.any():
            return Prepared(image, source, batch, None, rotation)
        if rotation is not _UPRIGHT:
            unknown = self._upright.upright(_wider(unknown), rotation)
        return Prepared(image, source, batch, unknown, rotation)

    def source(self, config: InputConfig) -> PanoramaInput:
        """What makes panoramas of the camera's images; InputError where its calibration cannot be read."""
        if self._source.config != config:
            self._source = PanoramaInput(config)
        return self._source

    def finish(
        self,
        prepared: Prepared,
        depth: PanoramaDepth,
        mount: MountConfig,
        processing: ProcessingConfig,
        stamp_s: float = 0.0,
        pose: Pose | None = None,
    ) -> DepthFrame:
        """The frame of the network's answer for `prepared` (`DepthEstimator.finish` gives `depth`).

        `stamp_s` is the image's time; `pose` that of the camera's body frame in one that does not move, which the
        temporal filter follows; without it the camera is taken to stand still.
        """
        if prepared.unknown is not None:
            depth = without(depth, prepared.unknown)
        depth = self._steady(depth, processing.temporal, stamp_s, pose, prepared.camera_from_level)
        state = None
        if processing.scale.enabled:
            if self._scale is None or self._scale[0] != processing.scale:
                self._scale = (processing.scale, GroundScale(processing.scale))
            state = self._scale[1].update(depth, mount.camera_height, stamp_s)
            depth = scaled(depth, state.factor)
        return DepthFrame(depth, prepared, mount, processing, self._leveller, state)

    def _steady(
        self,
        depth: PanoramaDepth,
        config: TemporalConfig,
        stamp_s: float,
        pose: Pose | None,
        camera_from_level: NDArray[np.float64],
    ) -> PanoramaDepth:
        if not config.enabled:
            self._temporal = self._before = None
            return depth
        level = None if pose is None else pose @ Pose(camera_from_level)
        before, self._before = self._before, level
        motion = None
        if level is not None and before is not None:
            moved = level.inverse @ before
            motion = Motion(moved.rotation, moved.translation)
        if self._temporal is None or self._temporal[0] != config:
            self._temporal = (config, TemporalFilter(config))
        return self._temporal[1].update(depth, stamp_s, motion)


def _rotated(points: NDArray[np.float32], rotation: NDArray[np.float64]) -> NDArray[np.float32]:
    """Points (N, 3) rotated; by OpenCV, since a matrix product would wake up all of BLAS's threads for it."""
    return cv2.transform(points[None], rotation)[0] if len(points) else points


def _wider(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (h, w) grown by a pixel to every side, so that nearest resampling loses none of it."""
    wide = np.concatenate([mask[:, -1:], mask, mask[:, :1]], axis=1).astype(np.uint8)
    return cv2.dilate(wide, np.ones((3, 3), np.uint8))[:, 1:-1].astype(bool)


def _tilt_degrees(camera_from_level: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arccos(np.clip(camera_from_level[2, 2], -1.0, 1.0))))
