"""Pictures for people: range as colour with a scale in metres, and the panels of a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.io.atomic import written_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Metres at the two ends of the colours, the same for every picture unless asked otherwise.
LIMITS = (0.3, 100.0)

#: Colours that the range scale does not have.
FAR_RGB = (216, 226, 240)
UNKNOWN_RGB = (110, 110, 110)

_FAR, _UNKNOWN = 256, 257

#: Where a panel's scale bar lies, in units of its axes.
_BAR = (1.01, 0.0, 0.02, 1.0)


def auto_limits(range_m: NDArray[np.floating]) -> tuple[float, float]:
    """Metres between which all but the last half percent at each end of the near ranges lie, a factor of 2 at least."""
    near = range_m[np.isfinite(range_m)]
    if near.size == 0:
        return LIMITS
    low, high = (float(v) for v in np.percentile(near, (0.5, 99.5)))
    return max(low, 1e-3), max(high, 2.0 * low, 2e-3)


def colourise(range_m: NDArray[np.floating], limits: tuple[float, float] = LIMITS) -> NDArray[np.uint8]:
    """(h, w) metres to (h, w, 3) uint8 RGB: Turbo on a logarithmic scale, near red, pale blue far, grey unknown."""
    return _colours().take(_levels(range_m, *limits), axis=0)  # five times as fast as indexing


def _levels(range_m: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint16]:
    """Index into `_colours` of every pixel."""
    scale = np.float32(255.0 / np.log(high / low))
    r = np.asarray(range_m, np.float32)
    known = np.nan_to_num(r, nan=low, posinf=high, neginf=low)
    level = (np.log(np.clip(known, low, high) * np.float32(1.0 / low)) * scale + np.float32(0.5)).astype(np.uint16)
    unusual = ~np.isfinite(r)
    if unusual.any():
        level[unusual] = np.where(np.isposinf(r[unusual]), _FAR, _UNKNOWN)
    return level


@lru_cache(maxsize=1)
def _colours() -> NDArray[np.uint8]:
    """(258, 3) RGB: 256 steps from near to far, then far and unknown."""
    ramp = cv2.applyColorMap(np.arange(255, -1, -1, dtype=np.uint8)[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]
    table = np.concatenate([ramp, np.array([FAR_RGB, UNKNOWN_RGB], np.uint8)])
    table.flags.writeable = False
    return table


def save_range_png(
    path: str | Path, range_m: NDArray[np.floating], title: str = "", image: NDArray[np.uint8] | None = None
) -> None:
    """Write the range in colour with a scale bar in metres, under the panorama itself if `image` is given."""
    limits = auto_limits(range_m)
    panels: list[Panel] = [] if image is None else [image_panel(image, title)]
    panels.append(range_panel(range_m, title if image is None else "range", limits))
    save_sheet(path, panels, columns=1)


#: Draws into one pair of axes of a figure.
Panel = Callable[["Figure", "Axes"], None]


def image_panel(image: NDArray[np.uint8], title: str = "") -> Panel:
    """An image as it is, (H, W, 3) uint8 RGB."""

    def draw(figure: Figure, axes: Axes) -> None:
        _show(axes, image, title)

    return draw


def range_panel(range_m: NDArray[np.floating], title: str = "", limits: tuple[float, float] | None = None) -> Panel:
    """Range in colour with its scale in metres; `limits` default to the picture's own."""
    low, high = limits or auto_limits(range_m)

    def draw(figure: Figure, axes: Axes) -> None:
        _show(axes, colourise(range_m, (low, high)), title)
        _scale_bar(figure, axes, low, high)
        _legend(axes, bool(np.isposinf(range_m).any()), bool(np.isnan(range_m).any()))

    return draw


def error_panel(
    range_m: NDArray[np.floating], truth_m: NDArray[np.floating], title: str = "", largest: float = 0.5
) -> Panel:
    """Signed relative error, too near blue, too far red, up to `largest`; grey where either has no range."""
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(np.isfinite(range_m) & np.isfinite(truth_m) & (truth_m > 0), range_m / truth_m - 1.0, np.nan)

    def draw(figure: Figure, axes: Axes) -> None:
        from matplotlib import colormaps

        drawn = axes.imshow(error, cmap=colormaps["RdBu_r"].with_extremes(bad="0.43"), vmin=-largest, vmax=largest)
        _bare(axes, title)
        bar = figure.colorbar(drawn, cax=axes.inset_axes(_BAR), extend="both")
        bar.set_label("relative error")

    return draw


def cloud_panel(
    xyz: NDArray[np.floating],
    colours: NDArray[np.uint8] | None = None,
    title: str = "",
    radius: float = 0.0,
    cut: float = 0.6,
) -> Panel:
    """Points (N, 3) from above, forward up; what is higher than `cut` metres above the camera is left out.

    `colours` (N, 3) uint8, or by height; `radius` is half the side in metres, 0 to fit.
    """

    def draw(figure: Figure, axes: Axes) -> None:
        kept = np.flatnonzero(np.isfinite(xyz).all(1) & (xyz[:, 2] <= cut))
        order = kept[np.argsort(xyz[kept, 2], kind="stable")]
        x, y, z = xyz[order].T
        half = radius or (1.1 * float(np.percentile(np.maximum(np.abs(x), np.abs(y)), 98)) if len(x) else 1.0)
        if colours is None:
            axes.scatter(-y, x, s=1.5, c=z, cmap="viridis", linewidths=0)
        else:
            axes.scatter(-y, x, s=1.5, c=colours[order] / 255.0, linewidths=0)
        axes.plot([0], [0], marker="^", color="red", markersize=6)
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xlabel="right [m]", ylabel="forward [m]")
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)

    return draw


def save_sheet(path: str | Path, panels: Sequence[Panel], columns: int = 2, title: str = "") -> None:
    """Write panels, row by row, as one picture (format by the path's suffix)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(panels) // columns)
    # A cell is an image of 7.0 x 3.5 inches, its title above, room for a scale at its right and for ticks below.
    width, height, top = 8.0 * columns + 0.2, 3.95 * rows + 0.3, 0.4 if title else 0.0
    figure = Figure(figsize=(width, height + top), dpi=100)
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=12, y=1.0 - 0.2 / (height + top), va="center")
    for i, panel in enumerate(panels):
        row, column = divmod(i, columns)
        left, bottom = 0.2 + 8.0 * column, height - 3.95 * (row + 1) + 0.2
        full = height + top
        panel(figure, figure.add_axes((left / width, bottom / full, 7.0 / width, 3.5 / full)))
    with written_beside(path) as temporary:
        figure.savefig(temporary)


def _show(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, interpolation="nearest" if image.shape[1] <= 1024 else "antialiased")
    _bare(axes, title)


def _bare(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])


def _scale_bar(figure: Figure, axes: Axes, low: float, high: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    mappable = ScalarMappable(LogNorm(low, high), ListedColormap(_colours()[:256] / 255.0))
    bar = figure.colorbar(mappable, cax=axes.inset_axes(_BAR), extend="both")
    bar.set_label("range [m]")
    steps = np.outer(10.0 ** np.arange(-3, 4), (1, 2, 3, 5, 7) if high / low < 30 else (1, 2, 5)).ravel()
    bar.ax.yaxis.set_major_locator(FixedLocator(steps[(steps >= low) & (steps <= high)].tolist()))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _legend(axes: Axes, far: bool, unknown: bool) -> None:
    from matplotlib.patches import Patch

    keys = [Patch(facecolor="#{:02x}{:02x}{:02x}".format(*FAR_RGB), edgecolor="0.4", label="far")] if far else []
    keys += (
        [Patch(facecolor="#{:02x}{:02x}{:02x}".format(*UNKNOWN_RGB), edgecolor="0.4", label="unknown")]
        if unknown
        else []
    )
    if keys:
        axes.legend(handles=keys, loc="lower right", fontsize=7, framealpha=0.8)
