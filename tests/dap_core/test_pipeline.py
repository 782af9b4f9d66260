"""One frame through the pipeline with exact range in the network's place: what stands somewhere is everywhere there."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_panorama import box_along, box_range, floor_range

from dap_core import panorama, pipeline
from dap_core.backends.spec import ModelSpec
from dap_core.errors import InputError
from dap_core.estimate import PanoramaDepth
from dap_core.panorama_input import InputConfig, PanoramaInput
from dap_core.pipeline import DepthFrame, MountConfig, Pipeline, Prepared, ProcessingConfig
from dap_core.pose import Pose
from dap_core.products.faces import FacesConfig
from dap_core.products.gravity import up_from_mounting
from dap_core.products.levelling import LevellingConfig, camera_from_level
from dap_core.products.scale import ScaleConfig
from dap_core.products.scan import ScanConfig
from dap_core.products.self_mask import MaskConfig
from dap_core.products.temporal import Motion, TemporalConfig

H = 256
PIXEL = np.pi / H
SPEC = ModelSpec("exact", H, 2 * H, 100.0, "0" * 64)
FACES = ("front", "left", "back", "right", "up", "down")
PICTURE = np.random.default_rng(0).integers(0, 255, (H, 2 * H, 3), np.uint8)


def prepared(rotation: np.ndarray | None = None, unknown: np.ndarray | None = None) -> Prepared:
    return Prepared(
        PICTURE, PanoramaInput(InputConfig()), PICTURE[None], unknown, np.eye(3) if rotation is None else rotation
    )


def frame_of(
    range_m: np.ndarray,
    rotation: np.ndarray | None = None,
    mount: MountConfig = MountConfig(),  # noqa: B008
    unknown: np.ndarray | None = None,
    **processing: object,
) -> DepthFrame:
    """The frame of an exact range (in the levelled frame where `rotation` is given)."""
    config = ProcessingConfig(**processing)  # type: ignore[arg-type]
    depth = PanoramaDepth.from_range(range_m)
    return Pipeline(SPEC).finish(prepared(rotation, unknown), depth, mount, config)


class Exact:
    """An estimator for pictures of the model's size."""

    @staticmethod
    def prepare(image: np.ndarray) -> np.ndarray:
        """The picture as a batch of one."""
        return image[None]


@pytest.mark.parametrize("elevation", [-30.0, 0.0, 30.0])
@pytest.mark.parametrize("azimuth", [0.0, 45.0, 90.0, 137.0, 180.0, -179.0, -90.0])
def test_a_box_is_at_its_distance_in_every_product(azimuth: float, elevation: float) -> None:
    turn = panorama.yaw_pitch_roll(np.radians(azimuth), -np.radians(elevation))
    # The middle of the face that looks at the camera is 3 m away, square to the view.
    centre, size = turn @ [3.5, 0.0, 0.0], (1.0, 1.2, 1.2)
    height = 3.0 * np.sin(np.radians(elevation))
    band = ScanConfig(min_height=height - 0.05, max_height=height + 0.05)
    frame = frame_of(box_range(H, centre, size, turn), faces=FacesConfig(names=FACES), scan=band)

    def on_the_box(points: np.ndarray) -> np.ndarray:
        """Relative difference of points' range to the box along their own rays."""
        reach = np.linalg.norm(points, axis=1)
        return np.abs(reach / box_along(points / reach[:, None], centre, size, turn) - 1)

    cloud = frame.cloud
    assert len(cloud) > 100 and np.linalg.norm(cloud.xyz, axis=1).min() == pytest.approx(3.0, rel=2e-3)
    assert np.quantile(on_the_box(cloud.xyz), 0.98) < 1e-5

    angles = frame.scan.angle_min + frame.scan.angle_increment * np.arange(len(frame.scan.ranges))
    beam = np.argmin(np.abs(np.angle(np.exp(1j * (angles - np.radians(azimuth))))))
    assert frame.scan.ranges[beam] == pytest.approx(3.0 * np.cos(np.radians(elevation)), abs=3.0 * PIXEL + 0.03)
    away = np.abs(np.angle(np.exp(1j * (angles - np.radians(azimuth))))) > 0.6
    assert np.isposinf(frame.scan.ranges[away]).all()

    rays = frame.clearing
    reach = np.linalg.norm(rays, axis=1)
    surface = box_along(rays / reach[:, None], centre, size, turn)
    assert (reach < surface).all() and (np.isfinite(surface)).sum() > 20
    # No nearer than the near side of the box, less the margin; free rays go to the limit.
    assert reach[np.isfinite(surface)].min() > 2.8 and reach[~np.isfinite(surface)].max() == pytest.approx(100.0)

    seen = 0
    for name in FACES:
        z, face = frame.face_depth(name), frame.face(name)
        v, u = np.nonzero(np.isfinite(z))
        if len(v) == 0:
            continue
        x, y = (u - face.K[0, 2]) / face.K[0, 0] * z[v, u], (v - face.K[1, 2]) / face.K[1, 1] * z[v, u]
        points = np.stack([x, y, z[v, u]], -1) @ face.camera_from_optical.T
        error = on_the_box(points)
        seen += np.isfinite(error).sum()
        # A pixel of the face may lie up to a pixel's diagonal beside the ray whose range it has.
        assert np.quantile(error[np.isfinite(error)], 0.9) < 2.5 * PIXEL
        nearest = np.linalg.norm(points, axis=1).min()
        assert nearest > 2.99
    assert seen > 500


def test_a_tilted_camera_gives_the_cloud_of_an_upright_one() -> None:
    camera_height, box = 1.2, ((2.5, 1.0, -0.6), (0.8, 0.8, 1.2))
    world = np.minimum(floor_range(H, camera_height), box_range(H, *box))
    up = up_from_mounting(10.0, 11.2)  # 15 degrees in all
    assert np.degrees(np.arccos(up[2])) == pytest.approx(15.0, abs=0.1)
    rotation = camera_from_level(up)
    mount = MountConfig(
        camera_height=camera_height, levelling=LevellingConfig(source="parameters", roll=10.0, pitch=11.2)
    )
    upright, tilted = frame_of(world, mount=mount), frame_of(world, rotation, mount)
    assert tilted.levelled and not upright.levelled
    # Points are in the camera's frame; turned upright they are the same points, and so are their heights.
    np.testing.assert_allclose(tilted.cloud.xyz @ rotation, upright.cloud.xyz, atol=1e-4)
    np.testing.assert_allclose(tilted.cloud.height, upright.cloud.height, atol=1e-6)
    np.testing.assert_array_equal(tilted.scan.ranges, upright.scan.ranges)
    np.testing.assert_allclose(tilted.clearing @ rotation, upright.clearing, atol=2e-4)
    floor = np.abs(upright.cloud.height) < 0.01
    assert floor.sum() > 5000 and np.abs(tilted.cloud.height[floor]).max() < 0.01
    # The image in the camera's own frame: each pixel has the range of the nearest levelled ray.
    points = tilted.organised[np.isfinite(tilted.organised[..., 0])] @ rotation
    reach = np.linalg.norm(points, axis=1)
    exact = np.minimum(
        np.where(points[:, 2] < 0, -camera_height * reach / np.minimum(points[:, 2], -1e-9), np.inf),
        box_along(points / reach[:, None], *box),
    )
    assert np.quantile(np.abs(reach / exact - 1)[reach < 10.0], 0.95) < 0.04


def test_the_way_through_prepare_is_upright_and_masked() -> None:
    mount = MountConfig(
        levelling=LevellingConfig(source="parameters"),
        mask=MaskConfig(nadir=30.0),
        panorama=InputConfig(top=60.0, bottom=-90.0),
    )
    up = up_from_mounting(0.0, 20.0)
    line = Pipeline(SPEC)
    band = PICTURE[: round(150 / 180 * H)]
    ready = line.prepare(Exact, band, mount, up)  # type: ignore[arg-type]
    assert ready.batch.shape == (1, H, 2 * H, 3) and ready.unknown is not None
    frame = line.finish(ready, PanoramaDepth.from_range(np.full((H, 2 * H), 5.0)), mount, ProcessingConfig())
    elevation = np.degrees(panorama.elevations(H))
    unknown = np.isnan(frame.depth.range_m)
    assert unknown[elevation > 61.0].all() and unknown[elevation < -61.0].all()
    assert not unknown[np.abs(elevation) < 57.0].any()
    # In the levelled frame the cut cap is tilted with the camera: straight down is known there, 20 degrees off is not.
    down = frame.level.range_m[-1]
    sphere = panorama.solid_angles(H)[:, None] / (4 * np.pi)
    share = (np.isnan(frame.level.range_m) * sphere).sum(), (unknown * sphere).sum()
    assert np.isnan(down).all() and share[0] == pytest.approx(share[1], abs=0.015) == pytest.approx(0.13, abs=0.03)
    assert not np.isnan(frame.cloud.xyzh).any()
    # Within the tolerance nothing is resampled.
    assert not line.prepare(Exact, PICTURE, MountConfig(), up_from_mounting(0.1, 0.1)).camera_from_level[0, 2]  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [1e-3, 1.0, 9.81])
def test_the_length_of_up_is_nothing_to_its_direction(length: float) -> None:
    mount = MountConfig(levelling=LevellingConfig(tolerance=0.25))
    line = Pipeline(SPEC)
    for roll, turned in ((0.2, False), (0.3, True), (20.0, True)):
        up = length * up_from_mounting(roll, 0.0)
        ready = line.prepare(Exact, PICTURE, mount, up)  # type: ignore[arg-type]
        expected = camera_from_level(up_from_mounting(roll, 0.0)) if turned else np.eye(3)
        np.testing.assert_allclose(ready.camera_from_level, expected, atol=1e-12)


def test_the_temporal_filter_is_told_how_the_levelled_frame_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Motion | None] = []

    class Spy:
        """In the filter's place."""

        def __init__(self, config: TemporalConfig) -> None:
            pass

        def update(self, depth: PanoramaDepth, stamp_s: float, motion: Motion | None) -> PanoramaDepth:
            """Note the motion."""
            told.append(motion)
            return depth

    monkeypatch.setattr(pipeline, "TemporalFilter", Spy)
    depth = PanoramaDepth.from_range(np.full((H, 2 * H), 5.0))
    on, off = ProcessingConfig(temporal=TemporalConfig(enabled=True)), ProcessingConfig()
    tilts = [camera_from_level(up_from_mounting(r, p)) for r, p in ((5.0, -3.0), (-8.0, 2.0), (0.0, 9.0))]
    # The camera in the world: its levelled frame is turned by the yaw alone, whatever its tilt.
    yaws, places = (0.1, 0.5, 0.8), np.array([[1.0, 2.0, 0.5], [1.5, 2.0, 0.5], [1.5, 2.4, 0.6]])
    poses = [
        Pose(panorama.yaw_pitch_roll(yaw) @ tilt.T, place) for yaw, tilt, place in zip(yaws, tilts, places, strict=True)
    ]
    line = Pipeline(SPEC)
    for k, config, pose in ((0, on, True), (1, on, True), (2, on, False), (0, on, True), (1, off, True), (2, on, True)):
        line.finish(prepared(tilts[k]), depth, MountConfig(), config, float(k), poses[k] if pose else None)
    first, second, *rest = told
    assert first is None and second is not None and rest == [None, None, None]
    np.testing.assert_allclose(second.rotation, panorama.yaw_pitch_roll(yaws[0] - yaws[1]), atol=1e-9)
    np.testing.assert_allclose(
        second.translation, panorama.yaw_pitch_roll(-yaws[1]) @ (places[0] - places[1]), atol=1e-9
    )


def test_the_height_comes_from_transforms_where_a_frame_is_named() -> None:
    def lookup(target: str, source: str) -> Pose:
        assert (target, source) == ("base_footprint", "cam_link")
        return Pose(translation=np.array([0.3, 0.0, 1.25]))

    assert MountConfig(camera_height=0.7).with_height("cam_link", lookup).camera_height == 0.7
    asks = MountConfig(camera_height=0.7, ground_frame="base_footprint")
    assert asks.with_height("cam_link", lookup).camera_height == 1.25
    with pytest.raises(InputError, match="base_footprint: there are no transforms"):
        asks.with_height("cam_link", None)


def test_scale_is_held_by_the_ground() -> None:
    world = np.minimum(floor_range(H, 1.0), box_range(H, (4.0, 0.0, 0.0), (1.0, 1.0, 2.0)))
    world[world > 60.0] = np.inf
    frame = frame_of(0.7 * world, mount=MountConfig(camera_height=1.0), scale=ScaleConfig(enabled=True))
    assert frame.scale is not None and frame.scale.factor == pytest.approx(1 / 0.7, rel=0.02)
    near = np.isfinite(frame.depth.range_m) & (world < 20.0)
    np.testing.assert_allclose(frame.depth.range_m[near], world[near], rtol=0.02)
    assert frame_of(0.7 * world, mount=MountConfig(camera_height=1.0)).scale is None


def test_nothing_is_computed_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("flying_pixels", "scan", "sampled_cloud", "clearing_points", "organised_points"):
        real = getattr(pipeline, name)
        monkeypatch.setattr(pipeline, name, lambda *a, _n=name, _r=real: calls.append(_n) or _r(*a))
    frame = frame_of(floor_range(H, 1.0))
    assert frame.depth.near.any() and calls == []
    assert frame.organised.shape == (H, 2 * H, 3) and calls == ["organised_points"]
    assert frame.scan is frame.scan and calls == ["organised_points", "flying_pixels", "scan"]
    assert frame.cloud is frame.cloud and len(frame.clearing)
    assert calls == ["organised_points", "flying_pixels", "scan", "sampled_cloud", "clearing_points"]


@pytest.mark.parametrize("value", [np.inf, np.nan, -1.0, 0.0, 1e-30, 1e30])
def test_any_depth_gives_valid_products(value: float) -> None:
    range_m = np.full((H, 2 * H), value, np.float32)
    for depth in (
        PanoramaDepth.from_range(range_m),
        PanoramaDepth(range_m, np.isposinf(range_m), np.full_like(range_m, np.nan), 100.0),
    ):
        config = ProcessingConfig(faces=FacesConfig(names=FACES, size=32), scale=ScaleConfig(enabled=True))
        rotation = camera_from_level(up_from_mounting(5.0, -5.0))
        frame = Pipeline(SPEC).finish(prepared(rotation), depth, MountConfig(camera_height=1.0), config)
        assert np.isfinite(frame.cloud.xyzh).all() and np.isfinite(frame.clearing).all()
        ranges = frame.scan.ranges
        hit = np.isfinite(ranges)
        assert (ranges[hit] >= frame.scan.range_min).all() and (ranges[hit] <= frame.scan.range_max).all()
        for name in FACES:
            z = frame.face_depth(name)
            assert z.shape == (32, 32) and not (z <= 0).any()
