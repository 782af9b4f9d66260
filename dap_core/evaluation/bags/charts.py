"""Pictures of a bag's evaluation: error over time and by range, the clock, and depth with the truth's points on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dap_core.evaluation.bags.checks import Probe
from dap_core.evaluation.bags.evaluate import BagEvaluation
from dap_core.evaluation.metrics import metrics_of
from dap_core.evaluation.regions import RANGE_BINS, REGIONS
from dap_core.io.atomic import written_beside
from dap_core.panorama import project
from dap_core.picture import LIMITS, colourise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 2000
_ERROR, _RATIO, _QUIET = "#3565a6", "#d0803a", "#9aa3ad"


def write_figures(path: Path, found: BagEvaluation) -> None:
    """Error over time, error by range, and the misfit by offset of the clock."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 7.2), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 2, height_ratios=(1.0, 1.0, 1.3))
    top = figure.add_subplot(grid[0, :])
    _error_over_time(top, found)
    _ratio_over_time(figure.add_subplot(grid[1, :], sharex=top), found)
    _by_range(figure.add_subplot(grid[2, 0]), found)
    _clock(figure.add_subplot(grid[2, 1]), found)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    figure.suptitle(f"{found.source} against {found.options.truth}, {len(found.frames)} frames", fontsize=11)
    with written_beside(path) as temporary:
        figure.savefig(temporary)


def write_overlay(path: Path, found: BagEvaluation, count: int = 3) -> None:
    """Depth of the frames that fit best, middling and worst, with the truth's points on it in the same colours.

    Where extrinsics and clock are right, points disappear in their surroundings.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    errors = {f.stamp_s: f.metrics.absrel for f in found.frames}
    shown = sorted((errors[at], at, probe) for at, probe in found.probes if at in errors)
    if not shown:
        return
    picks = [shown[i] for i in sorted({0, len(shown) // 2, len(shown) - 1})][:count]
    figure = Figure(figsize=(10.0, 5.2 * len(picks)), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    for axes, (error, at, probe) in zip(np.atleast_1d(figure.subplots(len(picks), 1)), picks, strict=True):
        _overlay(axes, probe)
        axes.set_title(f"{at - found.start_s:.2f} s, AbsRel {error:.3f}", fontsize=10)
    with written_beside(path) as temporary:
        figure.savefig(temporary)


def _overlay(axes: Axes, probe: Probe) -> None:
    height, width = probe.range_m.shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(colourise(probe.range_m, LIMITS), interpolation="nearest", extent=extent)
    points = probe.at(0.0)
    # Few enough to see what is between them.
    placed = probe.pose(points[:: max(1, len(points) // _SHOWN)].astype(np.float64))
    uv = project(placed, height)
    colours = colourise(np.linalg.norm(placed, axis=1)[None], LIMITS)[0] / 255.0
    axes.scatter(uv[:, 0], uv[:, 1], s=7, c=colours, edgecolors="black", linewidths=0.25)
    axes.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _error_over_time(axes: Axes, found: BagEvaluation) -> None:
    at = [f.stamp_s - found.start_s for f in found.frames]
    error = [f.metrics.absrel for f in found.frames]
    axes.plot(at, error, ".-", color=_ERROR, markersize=3, linewidth=0.8)
    mean = found.metrics.absrel
    axes.axhline(mean, color=_QUIET, linewidth=1, linestyle="--", label=f"all points {mean:.3f}")
    axes.set(ylabel="AbsRel", ylim=(0, None))
    axes.legend(fontsize=8, frameon=False, loc="upper right")


def _ratio_over_time(axes: Axes, found: BagEvaluation) -> None:
    at = [f.stamp_s - found.start_s for f in found.frames]
    axes.plot(at, [f.ratio for f in found.frames], ".-", color=_RATIO, markersize=3, linewidth=0.8)
    axes.axhline(1.0, color="#222222", linewidth=0.8)
    axes.axhline(found.ratio, color=_QUIET, linewidth=1, linestyle="--", label=f"median {found.ratio:.3f}")
    ratios = [f.ratio for f in found.frames]
    axes.set(ylabel="depth / truth", xlabel="seconds from the start")
    axes.set_ylim(min(0.95, 0.98 * min(ratios)), max(1.05, 1.02 * max(ratios)))
    axes.legend(fontsize=8, frameon=False, loc="upper right")


def _by_range(axes: Axes, found: BagEvaluation) -> None:
    sums = [found.sums[REGIONS.index(name), 0] for name in RANGE_BINS]
    total = max(float(sum(s[0] for s in sums)), 1.0)
    errors = np.array([metrics_of(s).absrel for s in sums])
    axes.bar(range(len(sums)), np.nan_to_num(errors), 0.7, color=_ERROR)
    bins = [name.replace(" m", "").replace(" to ", "-") for name in RANGE_BINS]
    names = [f"{name}\n{100 * s[0] / total:.0f} %" for name, s in zip(bins, sums, strict=True)]
    axes.set_xticks(range(len(sums)), names, fontsize=8)
    axes.set(ylabel="AbsRel", xlabel="range of the truth [m]; below: share of points")


def _clock(axes: Axes, found: BagEvaluation) -> None:
    shift = found.checks.shift
    if shift is None:
        axes.text(0.5, 0.5, "too little truth to check the clock", ha="center", va="center", fontsize=9)
        axes.set_axis_off()
        return
    axes.plot(shift.curve[:, 0], shift.curve[:, 1], ".-", color=_ERROR, markersize=4, linewidth=0.8)
    axes.axvline(0.0, color="#222222", linewidth=0.8)
    if shift.clear:
        axes.axvline(shift.offset_s, color=_RATIO, linewidth=1, label=f"best {shift.offset_s:+.3f} s")
        axes.legend(fontsize=8, frameon=False)
    axes.set(ylabel="misfit (log range)", xlabel="offset added to the truth's stamps [s]", ylim=(0, None))
