"""A picture to draw a self-mask by: the panorama with the mask over it and coordinates to read off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dap_core import panorama
from dap_core.io.atomic import written_beside
from dap_core.products.self_mask import resize_mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Rows of the panorama as it is drawn.
_HEIGHT = 960

#: Side in pixels of the views straight down and up.
_SIDE = 640

_TINT, _OUTLINE = np.array([255.0, 40.0, 40.0]), (255, 60, 60)
_NAMES = {0: "forward", 90: "left", -90: "right", 180: "behind (seam)", -180: "behind (seam)"}


def save_mask_preview(path: str | Path, image: NDArray[np.uint8], mask: NDArray[np.bool_], title: str = "") -> None:
    """Write the panorama (H, 2 H, 3) uint8 RGB with the mask (h, 2 h) dimmed, tinted and outlined, as a PNG.

    Above the panorama with a grid of azimuth and elevation in degrees, below it the views straight down and straight
    up, to 90 degrees from there, where the panorama is stretched most.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shaded = _shaded(image, mask)
    figure = Figure(figsize=(20.4, 18.6), dpi=100)
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=15, y=0.985)
    axes = figure.add_axes((0.03, 0.435, 0.94, 0.5))
    axes.imshow(shaded, extent=(180, -180, -90, 90), interpolation="nearest", aspect="auto")
    _panorama_grid(axes)
    for left, up in ((0.09, False), (0.58, True)):
        view = figure.add_axes((left, 0.03, 0.33, 0.33 * 20.4 / 18.6))
        view.imshow(_pole_view(shaded, up), extent=(-90, 90, -90, 90), interpolation="nearest")
        _pole_grid(view, up)
    with written_beside(path) as temporary:
        figure.savefig(temporary, format="png", pil_kwargs={"compress_level": 1})


def _shaded(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    size = 2 * _HEIGHT, _HEIGHT
    method = cv2.INTER_AREA if len(image) > _HEIGHT else cv2.INTER_CUBIC
    drawn, robot = cv2.resize(image, size, interpolation=method), resize_mask(mask, _HEIGHT)
    drawn[robot] = (0.4 * drawn[robot] + 0.15 * _TINT).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    wide = cv2.copyMakeBorder(robot.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    wide[1:-1, [0, -1]] = robot[:, [-1, 0]]
    drawn[(cv2.dilate(wide, kernel) != cv2.erode(wide, kernel))[1:-1, 1:-1]] = _OUTLINE
    return np.asarray(drawn, np.uint8)


def _pole_view(image: NDArray[np.uint8], up: bool) -> NDArray[np.uint8]:
    """The hemisphere below or above, equidistant from its middle; left is left, forward is up below and down above."""
    right, top = np.meshgrid(*[(np.arange(_SIDE) + 0.5) / _SIDE * 2.0 - 1.0] * 2)
    ahead, angle = top if up else -top, np.hypot(right, top) * (np.pi / 2)
    azimuth, elevation = np.arctan2(-right, ahead), (np.pi / 2 - angle) * (1 if up else -1)
    rays = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], -1)
    view = panorama.sample(image, panorama.project(rays, len(image)), "nearest")
    view[angle > np.pi / 2] = 255
    return view


def _panorama_grid(axes: Axes) -> None:
    for degrees in range(-170, 180, 10):
        _line(axes, [degrees, degrees], [-90, 90], degrees % 30 == 0)
    for degrees in range(-80, 90, 10):
        _line(axes, [-180, 180], [degrees, degrees], degrees % 30 == 0)
    axes.axvline(0, color="yellow", linewidth=1.6)
    axes.axhline(0, color="yellow", linewidth=0.8)
    for seam in (-180, 180):
        axes.axvline(seam, color="magenta", linewidth=4)
    ticks = list(range(-180, 181, 10))
    axes.set_xticks(ticks, [f"{t}\n{_NAMES.get(t, '')}" for t in ticks], fontsize=9)
    axes.set_yticks(range(-90, 91, 10))
    axes.tick_params(labelright=True, right=True, labelsize=9)
    top = axes.secondary_xaxis("top")
    top.set_xticks(ticks, [str(t) for t in ticks], fontsize=9)
    axes.set(xlim=(180, -180), ylim=(-90, 90), ylabel="elevation [degrees]")
    axes.set_xlabel("azimuth [degrees], counter-clockwise from forward", labelpad=2)


def _pole_grid(axes: Axes, up: bool) -> None:
    circle, sign = np.linspace(0, 2 * np.pi, 181), -1 if up else 1
    for angle in range(10, 91, 10):
        _line(axes, angle * np.cos(circle), angle * np.sin(circle), angle % 30 == 0)
        if angle < 90:
            label = f"{90 - angle if up else angle - 90}"
            axes.text(0, sign * angle, label, color="yellow", fontsize=9, ha="left", va="bottom", path_effects=_dark())
    for azimuth in range(-150, 181, 30):
        x, y = -np.sin(np.radians(azimuth)), sign * np.cos(np.radians(azimuth))
        _line(axes, [10 * x, 90 * x], [10 * y, 90 * y], True)
        axes.text(96 * x, 96 * y, f"{azimuth}", fontsize=9, ha="center", va="center")
    axes.plot([0, 0], [0, sign * 90], color="yellow", linewidth=1.6)
    axes.plot([0, 0], [0, -sign * 90], color="magenta", linewidth=1.6)
    axes.set(xlim=(-101, 101), ylim=(-101, 101))
    axes.set_axis_off()
    axes.set_title(f"straight {'up, forward at the bottom' if up else 'down, forward at the top'}", fontsize=11)


def _line(axes: Axes, x: ArrayLike, y: ArrayLike, major: bool) -> None:
    axes.plot(x, y, color="white", linewidth=0.9 if major else 0.5, alpha=0.8 if major else 0.45, path_effects=_dark())


def _dark() -> list:
    """A dark rim that keeps a light line or text legible on a bright picture."""
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=1.8, foreground="black", alpha=0.35), Normal()]
