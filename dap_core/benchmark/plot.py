"""Figures as a picture: time of every backend with the least that its arithmetic can take, and memory by resolution."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.benchmark.case import Result
from dap_core.benchmark.record import Record
from dap_core.benchmark.table import backend_label, heading, milliseconds
from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours that the colour-blind can tell apart, of the libraries.
_COLOURS = {"onnxruntime": "#3565a6", "openvino": "#2a9d72", "torch": "#d0803a", "tensorrt": "#76549a"}
_OTHER = "#9aa3ad"


def write_plot(path: Path, record: Record) -> None:
    """Write a PNG of the cases that were measured; InputError where there are none."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    measured = [r for r in record.sorted_results() if r.latency is not None]
    if not measured:
        raise InputError("there are no figures to draw")
    singles = [r for r in measured if r.case.batch == 1 and r.case.height == r.native_height] or measured
    sizes = [r for r in measured if r.case.batch == 1]
    lines = len({r.case.height for r in sizes}) > 1
    height = 1.2 + 0.27 * (len(singles) + len({r.case.subject for r in singles}))
    figure = Figure(figsize=(9.6, height + (3.4 if lines else 0.0)), layout="constrained", dpi=100)
    FigureCanvasAgg(figure)
    if lines:
        grid = figure.add_gridspec(2, 2, height_ratios=(height, 3.4))
        _times(figure.add_subplot(grid[0, :]), singles)
        _by_size(figure.add_subplot(grid[1, 0]), sizes, "time")
        _by_size(figure.add_subplot(grid[1, 1]), sizes, "memory")
    else:
        _times(figure.add_subplot(), singles)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.set_axisbelow(True)
    figure.suptitle(record.machine["name"], fontsize=11)
    with written_beside(path) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
        with Image.open(temporary) as picture:  # a third of the bytes, and no difference to see
            small = picture.convert("RGB").quantize(64)
        small.save(temporary, optimize=True)


def _times(axes: Axes, results: list[Result]) -> None:
    """A dot at the median, a line on to the 95th percentile, a line back to where the arithmetic alone would end."""
    from matplotlib.ticker import LogLocator

    row, labels, places = 0.0, [], []
    for _, group in groupby(results, key=lambda r: r.case.subject):
        rows = list(group)
        axes.text(0.01, row, heading(rows[0]), transform=axes.get_yaxis_transform(), fontsize=8.5, va="center")
        row += 1.0
        for result in rows:
            assert result.latency is not None
            median, p95, text = result.latency.median_ms, result.latency.p95_ms, milliseconds(result.median_ms)
            colour = _colour(result)
            axes.plot([median, p95], [row, row], color=colour, linewidth=1)
            axes.plot(median, row, "o", color=colour, markersize=7)
            if result.peak is not None:
                floor = median * min(result.peak.share, 1.0)
                axes.plot([floor, median], [row, row], color=colour, linewidth=3, alpha=0.35, solid_capstyle="butt")
                axes.plot([floor, floor], [row - 0.3, row + 0.3], color=colour, linewidth=2)
                text += f" ms, {100 * result.peak.share:.0f} % of the peak"
            place = (max(p95, median), row)
            axes.annotate(text, place, (8, 0), textcoords="offset points", fontsize=8, va="center")
            labels.append(backend_label(result))
            places.append(row)
            row += 1.0
    axes.set_yticks(places, labels)
    axes.set(xscale="log", xlabel="ms a frame: bar where the arithmetic would end at the peak, dot median, line to p95")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, place: f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    axes.grid(axis="x", color="#e3e6ea", linewidth=0.8)
    slowest = max(r.latency.p95_ms for r in results if r.latency)
    fastest = min(r.latency.median_ms * min(r.peak.share if r.peak else 1.0, 1.0) for r in results if r.latency)
    axes.set(xlim=(fastest / 2, slowest * 4), ylim=(row - 0.4, -0.6))


def _by_size(axes: Axes, results: list[Result], what: str) -> None:
    """Time or memory over the pixels of the panorama, a line for each model and backend."""
    markers = dict(zip(dict.fromkeys(r.case.model for r in results), "osD^v<>P", strict=False))
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    shown: dict[tuple[str, str], Result] = {}
    for result in results:
        value = result.most_mb if what == "memory" else result.median_ms
        if value is not None:
            key = result.case.model, backend_label(result)
            lines.setdefault(key, []).append((result.case.height, value))
            shown[key] = result
    for (model, label), points in lines.items():
        if len(points) > 1:
            colour, marker = _colour(shown[model, label]), markers.get(model, "o")
            axes.plot(*zip(*points, strict=True), marker=marker, color=colour, label=f"{model}, {label}", markersize=5)
    heights = sorted({r.case.height for r in results})
    axes.set(xscale="log", yscale="log", ylabel="ms a frame" if what == "time" else "peak memory, MB")
    axes.set_xticks(heights, [f"{h}x{2 * h}" for h in heights])
    axes.minorticks_off()
    axes.grid(color="#e3e6ea", linewidth=0.8)
    if what == "memory":
        axes.legend(fontsize=7, frameon=False)


def _colour(result: Result) -> str:
    return _COLOURS.get(result.case.backend.partition(":")[0], _OTHER)
