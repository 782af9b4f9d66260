"""The charts of a report, drawn by matplotlib as SVG that a page carries inside."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dap_core.evaluation.regions import LATITUDE_BANDS, RANGE_BINS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLAIN, SPHERE, NEUTRAL = "#3565a6", "#d0803a", "#9aa3ad"


def by_range(report: dict[str, Any]) -> str:
    """AbsRel and delta1 by range of the truth, over all pixels of all panoramas, as an SVG data URI."""
    return _by_region(report, RANGE_BINS, "range of the ground truth")


def by_latitude(report: dict[str, Any]) -> str:
    """The same by elevation of the ray."""
    return _by_region(report, LATITUDE_BANDS, "elevation of the ray")


def reliability(report: dict[str, Any]) -> str:
    """How often what is called far with a probability is far, and how much of the sphere gets that probability."""
    predicted, observed, share = np.array(report["mask"]["reliability"], float).T
    figure, (axes, below) = _figure(4.6, 4.2, 2, height_ratios=(3, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1, label="what it says is what happens")
    known = np.isfinite(predicted) & np.isfinite(observed)
    axes.plot(predicted[known], observed[known], "o-", color=PLAIN, markersize=5, label="this model")
    axes.set(ylabel="share truly far", xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.legend(fontsize=8, loc="upper left", frameon=False)
    edges = np.linspace(0, 1, len(share) + 1)
    below.bar(
        edges[:-1],
        np.maximum(np.nan_to_num(share), 1e-5),
        1 / len(share),
        align="edge",
        color=NEUTRAL,
        edgecolor="white",
    )
    below.set(yscale="log", ylim=(1e-5, 1.5), xlabel="far probability", ylabel="of the sphere")
    return _uri(figure)


def per_image(report: dict[str, Any]) -> str:
    """AbsRel of every panorama, sorted: whether the mean is many middling ones or a few lost ones."""
    values = np.sort([image["metrics"]["all"]["absrel"] for image in report["images"]])
    figure, (axes,) = _figure(7.2, 3.0, 1)
    axes.fill_between(np.arange(len(values) + 1), np.append(values, values[-1:]), step="post", color=PLAIN, alpha=0.75)
    axes.axhline(
        float(np.mean(values)), color="#222222", linewidth=1, linestyle="--", label=f"mean {np.mean(values):.3f}"
    )
    axes.axhline(float(np.median(values)), color=SPHERE, linewidth=1, label=f"median {np.median(values):.3f}")
    axes.set(xlabel="panoramas, best to worst", ylabel="AbsRel", xlim=(0, len(values)), ylim=(0, None))
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    return _uri(figure)


def differences(values: Sequence[float], mean: float, interval: tuple[float, float], name: str) -> str:
    """Differences of one metric between two runs, panorama by panorama, sorted, with the mean and its interval."""
    ordered = np.sort(np.asarray(values, float))
    figure, (axes,) = _figure(7.2, 3.0, 1)
    axes.bar(np.arange(len(ordered)) + 0.5, ordered, 1.0, color=np.where(ordered < 0, PLAIN, SPHERE))
    axes.axhline(0, color="#222222", linewidth=0.8)
    axes.axhline(mean, color="#222222", linewidth=1, linestyle="--", label=f"mean {mean:+.4f}")
    if all(map(math.isfinite, interval)):
        axes.axhspan(*interval, color=NEUTRAL, alpha=0.4, label=f"95 % of it: {interval[0]:+.4f} to {interval[1]:+.4f}")
    axes.set(xlabel="panoramas, sorted", ylabel=f"{name}, B minus A", xlim=(0, len(ordered)))
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    return _uri(figure)


def _by_region(report: dict[str, Any], regions: Sequence[str], what: str) -> str:
    figure, panels = _figure(7.2, 3.2, 1, columns=2)
    x, total = np.arange(len(regions)), max(report["pixels"]["all"], 1.0)
    for axes, (metric, label) in zip(panels, (("absrel", "AbsRel"), ("delta1", "δ1")), strict=True):
        for offset, weighting, colour, name in (
            (-0.2, "plain", PLAIN, "pixels"),
            (0.2, "sphere", SPHERE, "solid angle"),
        ):
            values = [report["summary"][r][weighting]["pixel"][metric] for r in regions]
            axes.bar(x + offset, np.nan_to_num(np.array(values, float)), 0.38, color=colour, label=name)
        shares = [f"{100 * report['pixels'][r] / total:.0f} %" for r in regions]
        labels = [
            r.replace(" deg", "°").replace(" m", "").replace(" to ", " to\n" if "deg" in r else "-") for r in regions
        ]
        axes.set_xticks(x, [f"{a}\n{b}" for a, b in zip(labels, shares, strict=True)], fontsize=7)
        axes.set_ylabel(label)
        axes.set_xlabel(f"{what}{' [m]' if 'range' in what else ''}; below: share of pixels", fontsize=8)
    panels[1].set_ylim(0, 1)
    panels[0].legend(fontsize=8, frameon=False)
    return _uri(figure)


def _figure(width: float, height: float, rows: int, columns: int = 1, **grid: Any) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    share = grid.pop("sharex", False)
    axes = np.atleast_1d(figure.subplots(rows, columns, sharex=share, gridspec_kw=grid or None)).ravel().tolist()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=8)
        one.grid(axis="y", color="#e3e6ea", linewidth=0.8)
        one.set_axisbelow(True)
    return figure, axes


def _uri(figure: Figure) -> str:
    from matplotlib import rc_context

    text = io.BytesIO()
    # The same figures give the same bytes: fixed ids, no date. Letters as paths need no font on the reader's machine.
    with rc_context({"svg.hashsalt": "dap-eval", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(text.getvalue()).decode()
