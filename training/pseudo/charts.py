"""The diagrams of pseudo-labelling: histograms of scores, score against true error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dap_core.io.atomic import written_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEPT, LEFT, LINE = "#3565a6", "#9aa3ad", "#d0803a"


def score_histograms(path: Path, scores: Mapping[str, NDArray], kept: Mapping[str, NDArray[np.bool_]]) -> None:
    """A PNG with the scores (N,) of each domain, those kept in colour."""
    figure, panels = _figure(len(scores), 3.0)
    for axes, (domain, values) in zip(panels, scores.items(), strict=True):
        bins = np.linspace(values.min(), max(values.max(), values.min() + 1e-6), 61)
        axes.hist([values[kept[domain]], values[~kept[domain]]], list(bins), stacked=True, color=[KEPT, LEFT])
        if kept[domain].any():
            axes.axvline(values[kept[domain]].min(), color=LINE, linewidth=1)
        axes.set(xlabel="score", title=f"{domain}: kept {kept[domain].sum()} of {len(values)}")
    panels[0].set_ylabel("labels")
    _save(figure, path)


def error_scatter(
    path: Path,
    points: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    titles: Mapping[str, str],
) -> None:
    """A PNG with the true AbsRel over the score, each (labelers, N), for each domain; the last labeler in colour."""
    figure, panels = _figure(len(points), 4.0)
    for axes, (domain, (scores, absrel)) in zip(panels, points.items(), strict=True):
        for shade, *earlier in zip(np.linspace(0.85, 0.6, len(scores) - 1), scores[:-1], absrel[:-1], strict=True):
            axes.plot(*earlier, ".", color=str(shade), markersize=3)
        axes.plot(scores[-1], absrel[-1], ".", color=KEPT, markersize=5)
        axes.set(xlabel="score", title=titles[domain], yscale="log")
    panels[0].set_ylabel("true AbsRel")
    _save(figure, path)


def _figure(columns: int, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4 * columns, height), layout="constrained", dpi=110)
    panels = np.atleast_1d(figure.subplots(1, columns)).tolist()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.title.set_fontsize(9)
    return figure, panels


def _save(figure: Figure, path: Path) -> None:
    with written_beside(path) as beside:
        figure.savefig(beside, format="png")
