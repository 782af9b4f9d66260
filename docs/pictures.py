"""Makes docs/images/*.png (all but demo.png): `python docs/pictures.py [folder]`.

One procedural scene with exact range, rendered anew, and the products as the node makes them from it. Pictures of what
a product means show the exact range, so that they do not change with the model; where the bundled model is drawn, the
title says so. Needs the `train` extra, which brings the renderer.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from dap_core import DepthEstimator
from dap_core.estimate import PanoramaDepth, resize_panorama
from dap_core.io.atomic import written_beside
from dap_core.io.images import decode_image
from dap_core.picture import LIMITS, Panel, cloud_panel, image_panel, range_panel
from dap_core.pipeline import DepthFrame, MountConfig, Pipeline, ProcessingConfig
from dap_core.product_pictures import clearing_panel, mask_panel, scan_panel, scan_points, side_panel
from dap_core.products.cloud import CloudConfig
from dap_core.products.gravity import up_from_mounting
from dap_core.products.levelling import Leveller, LevellingConfig
from dap_core.products.scan import ScanConfig
from dap_core.products.self_mask import MaskConfig, self_mask
from training.worlds.kinds import make_world
from training.worlds.photograph import photograph_jpeg
from training.worlds.sample import renderer

#: The scene: a paved yard with a tree, a planter and facades, seen from a robot of which the camera sees the top.
KIND, SEED = "courtyard", 3

#: How the camera of the levelling picture is tilted, degrees: it looks down, with its left side up.
PITCH, ROLL = 8.0, 5.0

#: What `dap mask` wrote for this robot: everything within so many degrees of straight down.
NADIR = 24.0

_DPI = 80


@dataclass(frozen=True)
class View:
    """What one camera sees: image (H, 2 H, 3), exact range (h, 2 h) metres, its height above the ground in metres."""

    image: NDArray[np.uint8]
    range_m: NDArray[np.float32]
    camera_height: float


def view(pitch: float = 0.0, roll: float = 0.0) -> View:
    """The scene from a camera with this attitude, degrees."""
    world = make_world(SEED, KIND)
    camera = replace(world.cameras[0], pitch=np.radians(pitch), roll=np.radians(roll))
    fine = renderer("cpu").render(world, camera, 768, 4, seed=1)
    exact = renderer("cpu").render(world, camera, 256, 1, seed=1)
    image = decode_image(photograph_jpeg(fine.radiance, np.random.default_rng(7)))
    return View(image, exact.range_m, camera.height)


def frame_of(
    seen: View,
    estimator: DepthEstimator,
    mount: MountConfig,
    processing: ProcessingConfig,
    up: NDArray[np.float64] | None = None,
    exact: bool = True,
) -> DepthFrame:
    """A frame as the node makes it, of the exact range or by the bundled model; `up` as `Pipeline.prepare` takes it."""
    pipeline = Pipeline(estimator.spec)
    prepared = pipeline.prepare(estimator, seen.image, mount, up)
    if exact:
        range_m = seen.range_m
        if up is not None:
            range_m = Leveller(len(range_m)).upright(range_m, prepared.camera_from_level)
        depth = PanoramaDepth.from_range(range_m)
    else:
        range_m, far = estimator.infer(prepared.batch)
        depth = estimator.finish(range_m[0], far[0])
    return pipeline.finish(prepared, depth, mount, processing)


def main(folder: Path) -> None:
    """Write all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    seen, tilted = view(), view(PITCH, ROLL)
    estimator = DepthEstimator.open()
    mount = MountConfig(camera_height=seen.camera_height, mask=MaskConfig(nadir=NADIR))
    processing = ProcessingConfig(cloud=CloudConfig(color=True))
    frame = frame_of(seen, estimator, mount, processing)
    model = frame_of(seen, estimator, mount, processing, exact=False)
    small = resize_panorama(seen.image, 384)

    save(folder / "depth.png", (7.4, 14.0), [
        (_panorama(small, "image: equirectangular"), (0.09, 0.77, 0.80, 0.20)),
        (range_panel(frame.depth.range_m, "depth/color, exact range; grey: the robot, masked", LIMITS),
         (0.09, 0.50, 0.80, 0.21)),
        (mask_panel(frame.depth, "mask/near and mask/far, exact range"), (0.09, 0.255, 0.80, 0.21)),
        (range_panel(model.depth.range_m, "depth/color, bundled model", LIMITS), (0.09, 0.01, 0.80, 0.21)),
    ])  # fmt: skip
    xyz, rgb = frame.cloud.xyz, frame.cloud.rgb
    save(folder / "cloud.png", (11.6, 5.4), [
        (cloud_panel(xyz, rgb, "points from above, to 0.6 m above the camera", radius=9.0), (0.06, 0.10, 0.42, 0.82)),
        (side_panel(xyz, rgb, "points from the right, those within 1.5 m of the x axis", radius=9.0, width=1.5,
                    camera_height=seen.camera_height), (0.56, 0.10, 0.42, 0.82)),
    ])  # fmt: skip
    band = processing.scan
    save(folder / "scan.png", (11.6, 5.6), [
        (_band_panel(frame, band, seen.camera_height), (0.06, 0.10, 0.40, 0.82)),
        (scan_panel({"exact": frame.scan, "bundled model": model.scan}, "scan, exact and by the bundled model",
                    radius=11.0), (0.54, 0.10, 0.44, 0.82)),
    ])  # fmt: skip
    save(folder / "clearing.png", (5.8, 5.8), [
        (clearing_panel(frame.clearing, "points/clearing: rays within 10 % of level", scan_points(frame.scan),
                        radius=11.0), (0.12, 0.09, 0.85, 0.85)),
    ])  # fmt: skip
    save(folder / "faces.png", (11.6, 6.0), _faces(frame))
    save(folder / "levelling.png", (11.6, 9.2), _levelling(seen, tilted, estimator))
    save(folder / "mask.png", (7.4, 4.4), [
        (_panorama(_masked(small, mount.mask), f"mask.nadir: {NADIR:g}, the robot in red"), (0.09, 0.13, 0.88, 0.78)),
    ])  # fmt: skip
    save(folder / "frames.png", (11.6, 5.2), [(_side_frames, (0.03, 0.05, 0.45, 0.87)),
                                              (_face_frames, (0.52, 0.05, 0.45, 0.87))])  # fmt: skip


def save(
    path: Path, size: tuple[float, float], panels: Sequence[tuple[Panel, tuple[float, float, float, float]]]
) -> None:
    """Draw panels at their places (left, bottom, width, height; shares of the figure) and write a small PNG."""
    figure = Figure(figsize=size, dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    for panel, place in panels:
        panel(figure, figure.add_axes(place))
    canvas.draw()
    drawn = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    with written_beside(path) as beside:
        drawn.save(beside, format="png", optimize=True)
    print(f"{path}: {path.stat().st_size >> 10} KB")


def _panorama(image: NDArray[np.uint8], title: str) -> Panel:
    """A panorama with azimuth and elevation in degrees."""

    def draw(figure: Figure, axes: Axes) -> None:
        axes.imshow(image, extent=(180, -180, -90, 90), aspect="auto", interpolation="antialiased")
        axes.set_xticks(range(-180, 181, 45))
        axes.set_yticks(range(-90, 91, 30))
        axes.grid(color="white", linewidth=0.5, alpha=0.6)
        axes.set(xlabel="azimuth [degrees]: 90 left, 0 forward, -90 right", ylabel="elevation [degrees]")
        axes.tick_params(labelsize=8)
        axes.set_title(title, fontsize=10)

    return draw


def _masked(image: NDArray[np.uint8], config: MaskConfig) -> NDArray[np.uint8]:
    shown = image.astype(np.float32)
    robot = self_mask(config, len(image))
    shown[robot] = 0.45 * shown[robot] + 0.55 * np.array([255.0, 40.0, 40.0])
    return shown.astype(np.uint8)


def _band_panel(frame: DepthFrame, band: ScanConfig, camera_height: float) -> Panel:
    """The cloud from the side with the scan's band of heights."""
    side = side_panel(
        frame.cloud.xyz, frame.cloud.rgb, "the band of heights that the scan looks into", 9.0, 1.5, camera_height
    )

    def draw(figure: Figure, axes: Axes) -> None:
        side(figure, axes)
        low, high = camera_height + band.min_height, camera_height + band.max_height
        axes.axhspan(low, high, color="#d95f02", alpha=0.25, linewidth=0)
        text = f"scan.max_height {band.max_height:g}\nscan.min_height {band.min_height:g}"
        axes.annotate(text, (3.4, high + 0.08), fontsize=8, color="#a04400", va="bottom")

    return draw


def _faces(frame: DepthFrame) -> list[tuple[Panel, tuple[float, float, float, float]]]:
    """Images over depths of the four faces."""
    panels = []
    for i, name in enumerate(("left", "front", "right", "back")):
        left = 0.01 + 0.235 * i
        panels.append((image_panel(frame.face_image(name), f"faces/{name}/image"), (left, 0.52, 0.22, 0.43)))
        depth = range_panel(frame.face_depth(name), f"faces/{name}/depth (along z)", LIMITS)
        panels.append((_z_bar(depth, i == 3), (left, 0.03, 0.22, 0.43)))
    return panels


def _z_bar(panel: Panel, shown: bool) -> Panel:
    """A panel whose scale is that of z, or that has none."""

    def draw(figure: Figure, axes: Axes) -> None:
        panel(figure, axes)
        for bar in list(axes.child_axes):
            if shown:
                bar.set_ylabel("z [m]")
            else:
                bar.remove()

    return draw


def _levelling(
    seen: View, tilted: View, estimator: DepthEstimator
) -> list[tuple[Panel, tuple[float, float, float, float]]]:
    """The tilted image, what the network sees of it, and the scans of both."""
    processing = ProcessingConfig(scan=ScanConfig(range_max=15.0))
    plain = MountConfig(tilted.camera_height, mask=MaskConfig(nadir=NADIR))
    levelled = replace(plain, levelling=LevellingConfig("parameters", roll=ROLL, pitch=PITCH))
    upright, slanted = (frame_of(v, estimator, plain, processing) for v in (seen, tilted))
    frame = frame_of(tilted, estimator, levelled, processing, up_from_mounting(ROLL, PITCH))
    small = resize_panorama(tilted.image, 384)
    return [
        (_panorama(small, f"image of a camera with pitch {PITCH:g}, roll {ROLL:g}"), (0.05, 0.62, 0.43, 0.32)),
        (_panorama(frame.prepared.batch[0], "what the network gets: levelled"), (0.55, 0.62, 0.43, 0.32)),
        (scan_panel({"camera upright": upright.scan, "tilted, not levelled": slanted.scan},
                    "levelling.source: none", 15.0),
         (0.05, 0.06, 0.43, 0.47)),
        (scan_panel({"camera upright": upright.scan, "tilted, levelled": frame.scan},
                    "levelling.source: parameters", 15.0), (0.55, 0.06, 0.43, 0.47)),
    ]  # fmt: skip


def _arrow(axes: Axes, start: Sequence[float], end: Sequence[float], colour: str, dashed: bool = False) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.8, "linestyle": "--" if dashed else "-"}
    axes.annotate("", end, start, arrowprops=style)


def _side_frames(figure: Figure, axes: Axes) -> None:
    """A tilted camera from its right side: link, optical and levelled frame."""
    tilt = np.radians(-15.0)
    forward, top = np.array([np.cos(tilt), np.sin(tilt)]), np.array([-np.sin(tilt), np.cos(tilt)])
    red, blue, green = "#c1272d", "#1b62c4", "#2a9d5c"
    axes.plot([-1.3, 2.6], [-1.35, -1.35], color="0.5")
    axes.text(2.6, -1.42, "ground", fontsize=9, color="0.4", ha="right", va="top")
    axes.plot([0, 0], [-1.35, 0], color="0.75", linewidth=6, zorder=0, solid_capstyle="butt")
    axes.annotate("", (2.6, -1.35), (2.6, 0.0), arrowprops={"arrowstyle": "<->", "color": "0.5"})
    axes.text(2.55, -0.95, "camera_height", fontsize=9, color="0.4", ha="right")
    _arrow(axes, (0, 0), (1.75, 0.0), green, dashed=True)
    axes.text(0.95, 0.08, "x of theta_level", color=green, fontsize=9, ha="left")
    _arrow(axes, (0, 0), (0.0, 1.35), green, dashed=True)
    axes.text(-0.06, 1.2, "z of theta_level,\nagainst gravity", color=green, fontsize=9, ha="right", va="center")
    _arrow(axes, (0, 0), 1.6 * forward, red)
    axes.text(*(1.6 * forward + (0.05, 0.0)), "x of theta_link", color=red, fontsize=9, va="center")
    _arrow(axes, (0, 0), 1.15 * top, red)
    axes.text(*(1.15 * top + (0.06, 0.0)), "z of theta_link", color=red, fontsize=9, ha="left")
    origin = -0.1 * top
    _arrow(axes, origin, origin + 0.8 * forward, blue)
    axes.text(*(origin + 0.42 * forward - 0.36 * top), "z of theta_optical_frame", color=blue, fontsize=9, ha="left")
    _arrow(axes, origin, origin - 0.8 * top, blue)
    axes.text(*(origin - 0.8 * top + (-0.05, -0.02)), "y of theta_\noptical_frame", color=blue, fontsize=9, ha="right")
    axes.text(0.6, -1.62, "y of theta_link points away from you, x of theta_optical_frame at you", fontsize=8,
              color="0.3", ha="center", va="top")  # fmt: skip
    axes.set(xlim=(-1.4, 2.8), ylim=(-1.85, 1.5), aspect="equal")
    axes.set_axis_off()
    axes.set_title("A camera with pitch 15: it looks down; seen from its right", fontsize=10)


def _face_frames(figure: Figure, axes: Axes) -> None:
    """The faces from above."""
    for name, azimuth in (("front", 0.0), ("left", 90.0), ("back", 180.0), ("right", -90.0)):
        a = np.radians(azimuth)
        ahead, right = np.array([-np.sin(a), np.cos(a)]), np.array([np.cos(a), np.sin(a)])
        for side in (-1, 1):
            axes.plot(*np.stack([np.zeros(2), 1.6 * (ahead + side * right)]).T, color="0.85", linewidth=1, zorder=0)
        axes.text(*(1.45 * ahead), f"{name}\nazimuth {azimuth:g}", fontsize=9, ha="center", va="center")
        _arrow(axes, 0.12 * ahead, 1.05 * ahead, "#1b62c4")
        axes.text(*(0.95 * ahead + 0.1 * right), "z", fontsize=9, color="#1b62c4", ha="center", va="center")
        _arrow(axes, 0.45 * ahead, 0.45 * ahead + 0.32 * right, "#1b62c4")
        axes.text(*(0.55 * ahead + 0.28 * right), "x", fontsize=9, color="#1b62c4", ha="center", va="center")
    axes.plot([0], [0], marker="o", color="red")
    axes.set(xlim=(-2.0, 2.0), ylim=(-1.75, 1.75), aspect="equal")
    axes.set_axis_off()
    axes.set_title("theta_<face>_optical_frame from above; y points down", fontsize=10)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
