"""Pictures of the products for people: masks, clouds from the side, scans in the plane, clearing rays.

Panels for `dap_core.picture.save_sheet`, beside those of images, ranges and clouds from above that are there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dap_core.estimate import PanoramaDepth
from dap_core.picture import FAR_RGB, UNKNOWN_RGB, Panel
from dap_core.products.scan import Scan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of scans, in the order in which they are given.
SCAN_COLOURS = ("black", "#d95f02", "#1b62c4", "#2a9d5c")

NEAR_RGB = (255, 255, 255)

#: Where beams without a hit are marked, as shares of the picture's radius: each scan on a ring of its own.
_RIM, _RIM_STEP = 0.97, 0.035


def mask_image(depth: PanoramaDepth) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 RGB of what mask/near and mask/far hold: near white, far pale blue, in neither grey."""
    image = np.full((*depth.shape, 3), UNKNOWN_RGB, np.uint8)
    image[depth.far] = FAR_RGB
    image[depth.near] = NEAR_RGB
    return image


def mask_panel(depth: PanoramaDepth, title: str = "") -> Panel:
    """Near, far and unknown pixels in three colours, with their shares of the image."""
    image, shares = mask_image(depth), (depth.near.mean(), depth.far.mean())
    values = (*shares, 1.0 - sum(shares))

    def draw(figure: Figure, axes: Axes) -> None:
        from matplotlib.patches import Patch

        axes.imshow(image, interpolation="nearest")
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        names = zip(("near", "far", "neither"), (NEAR_RGB, FAR_RGB, UNKNOWN_RGB), values, strict=True)
        keys = [
            Patch(
                facecolor="#{:02x}{:02x}{:02x}".format(*colour), edgecolor="0.3", label=f"{name}, {100 * share:.0f} %"
            )
            for name, colour, share in names
        ]
        axes.legend(handles=keys, loc="lower right", fontsize=8, framealpha=0.9)

    return draw


def side_panel(
    xyz: NDArray[np.floating],
    colours: NDArray[np.uint8] | None = None,
    title: str = "",
    radius: float = 0.0,
    width: float = 1.0,
    camera_height: float = 0.0,
) -> Panel:
    """Points (N, 3) from the right, forward to the right: those at most `width` metres beside the camera.

    The picture is twice as long as high: it shows what lies up to 0.9 `radius` above the ground, or half above and half
    below the camera where its height is not given.
    Heights are above the ground, `camera_height` metres below the camera, and the ground is drawn where that is
    positive. `colours` (N, 3) uint8, or by height; `radius` is half the length in metres, 0 to fit.
    """
    kept = np.isfinite(xyz).all(1) & (np.abs(xyz[:, 1]) <= width)
    x, z = xyz[kept, 0], xyz[kept, 2] + camera_height
    half = radius or (1.1 * float(np.percentile(np.abs(x), 98)) if len(x) else 1.0)

    def draw(figure: Figure, axes: Axes) -> None:
        if colours is None:
            axes.scatter(x, z, s=1.5, c=z, cmap="viridis", linewidths=0)
        else:
            axes.scatter(x, z, s=1.5, c=colours[kept] / 255.0, linewidths=0)
        if camera_height > 0:
            axes.axhline(0.0, color="0.5", linewidth=0.8, zorder=0)
        axes.plot([0], [camera_height], marker="o", color="red", markersize=5)
        low = -0.1 * half if camera_height > 0 else -0.5 * half
        axes.set(xlim=(-half, half), ylim=(low, low + half), xlabel="forward [m]", ylabel="height [m]", aspect="equal")
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)

    return draw


def scan_points(scan: Scan) -> NDArray[np.float32]:
    """(N, 2) metres, x forward and y left: where the beams with a hit end."""
    hit = np.isfinite(scan.ranges)
    azimuth = scan.angle_min + np.flatnonzero(hit) * scan.angle_increment
    ranges = scan.ranges[hit]
    return np.stack([ranges * np.cos(azimuth), ranges * np.sin(azimuth)], 1).astype(np.float32)


def scan_panel(scans: Mapping[str, Scan], title: str = "", radius: float = 0.0) -> Panel:
    """Scans from above, forward up, with rings of equal distance; `scans` by the name that the legend gives them.

    The first is drawn as a line (the ground truth, say), the others as points over it. Beams of theirs without a hit
    are marked on a ring at the edge, one for each scan: in the scan's colour where they are free (+inf), grey where
    nothing is known (nan), red where something is too near (-inf). `radius` in metres, 0 to fit the hits.
    """
    points = {name: scan_points(scan) for name, scan in scans.items()}
    farthest = [float(np.percentile(np.abs(p), 98)) for p in points.values() if len(p)]
    half = radius or (1.15 * max(farthest) if farthest else 1.0)

    def draw(figure: Figure, axes: Axes) -> None:
        _rings(axes, half)
        for number, (name, scan) in enumerate(scans.items()):
            colour = SCAN_COLOURS[number % len(SCAN_COLOURS)]
            x, y = points[name].T
            if number == 0:
                axes.plot(*_outline(scan), color=colour, linewidth=1.3, label=name)
            else:
                axes.scatter(-y, x, s=7.0, color=colour, linewidths=0, label=name, zorder=3)
            _rim(axes, scan, half * (_RIM - _RIM_STEP * number), colour)
        if any(np.isposinf(scan.ranges).any() for scan in scans.values()):
            axes.plot([], [], linestyle="", marker="s", markersize=2.5, color="0.3", label="at the edge: free, +inf")
        axes.plot([0], [0], marker="^", color="red", markersize=7, zorder=4)
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xlabel="right [m]", ylabel="forward [m]")
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)

    return draw


def clearing_panel(
    ends: NDArray[np.floating],
    title: str = "",
    obstacles: NDArray[np.floating] | None = None,
    radius: float = 10.0,
    slope: float = 0.1,
) -> Panel:
    """Clearing rays from above, forward up: those of `ends` (N, 3) that rise or fall by at most `slope`.

    `obstacles` (M, 2 or 3), metres, are drawn over them.
    """
    level = np.abs(ends[:, 2]) <= slope * np.hypot(ends[:, 0], ends[:, 1])
    shown = ends[level]

    def draw(figure: Figure, axes: Axes) -> None:
        from matplotlib.collections import LineCollection

        _rings(axes, radius)
        segments = np.zeros((len(shown), 2, 2))
        segments[:, 1, 0], segments[:, 1, 1] = -shown[:, 1], shown[:, 0]
        axes.add_collection(LineCollection(list(segments), colors="#7fbf9a", linewidths=0.6))
        axes.scatter(-shown[:, 1], shown[:, 0], s=4.0, color="#1b7a43", linewidths=0, label="end of a clearing ray")
        if obstacles is not None:
            axes.scatter(-obstacles[:, 1], obstacles[:, 0], s=5.0, color="black", linewidths=0, label="obstacle")
        axes.plot([0], [0], marker="^", color="red", markersize=7, zorder=4)
        axes.set(xlim=(-radius, radius), ylim=(-radius, radius), aspect="equal")
        axes.set(xlabel="right [m]", ylabel="forward [m]")
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)

    return draw


def ring_step(radius: float) -> float:
    """Metres between rings, 1, 2 or 5 times a power of ten, so that three to seven lie within `radius`."""
    tenth = 10.0 ** math.floor(math.log10(radius / 3.0))
    return max((m * tenth for m in (1.0, 2.0, 5.0) if m * tenth <= radius / 3.0), default=tenth)


def _rings(axes: Axes, radius: float) -> None:
    from matplotlib.patches import Circle

    step = ring_step(radius)
    for k in range(1, math.ceil(radius / step)):
        axes.add_patch(Circle((0.0, 0.0), k * step, fill=False, edgecolor="0.85", linewidth=0.8, zorder=0))
        axes.text(0.0, k * step, f"{k * step:g} m", color="0.55", fontsize=7, ha="center", va="bottom", zorder=0)


def _outline(scan: Scan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right and forward of every beam, broken where there is no hit and where the range jumps."""
    azimuth = scan.angle_min + np.arange(len(scan.ranges)) * scan.angle_increment
    ranges = np.where(np.isfinite(scan.ranges), scan.ranges, np.nan).astype(np.float64)
    right, forward = -ranges * np.sin(azimuth), ranges * np.cos(azimuth)
    jump = np.flatnonzero(np.abs(np.diff(np.log(ranges))) > 0.15) + 1
    return np.insert(right, jump, np.nan), np.insert(forward, jump, np.nan)


def _rim(axes: Axes, scan: Scan, radius: float, colour: str) -> None:
    azimuth = scan.angle_min + np.arange(len(scan.ranges)) * scan.angle_increment
    for chosen, drawn in (
        (np.isposinf(scan.ranges), colour),
        (np.isnan(scan.ranges), "0.7"),
        (np.isneginf(scan.ranges), "red"),
    ):
        a = azimuth[chosen]
        axes.scatter(-radius * np.sin(a), radius * np.cos(a), s=5.0, color=drawn, linewidths=0, marker="s")
