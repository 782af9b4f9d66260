"""Published figures, each with its protocol, data set and source; never shown beside another protocol's.

Only what was found in print. A metric that a source does not report, or under another definition, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dap_core.evaluation.alignment import Alignment


@dataclass(frozen=True)
class Published:
    """One method's figures on one data set under one protocol; `metrics` by the names of `DepthMetrics`."""

    protocol: str
    alignment: Alignment
    dataset: str
    method: str
    metrics: Mapping[str, float]
    source: str


_DAP_PAPER = "Lin et al., Depth Any Panoramas, arXiv 2512.16913, zero-shot table"
_UNIFUSE_PAPER = "Jiang et al., UniFuse, RA-L 2021, arXiv 2102.03550; trained on this data set"


def _dap(method: str, figures: Mapping[str, tuple[float, float]]) -> list[Published]:
    return [
        Published("dap", "none", dataset, method, {"absrel": absrel, "delta1": delta1}, _DAP_PAPER)
        for dataset, (absrel, delta1) in figures.items()
    ]


PUBLISHED: tuple[Published, ...] = (
    *_dap(
        "DAP",
        {
            "stanford2d3d": (0.0921, 0.9135),
            "matterport3d": (0.1186, 0.8518),
            "deep360": (0.0659, 0.9525),
            "dap-test": (0.0781, 0.9370),
        },
    ),
    *_dap(
        "DAC",
        {"stanford2d3d": (0.1366, 0.8393), "matterport3d": (0.1803, 0.7203), "deep360": (0.2611, 0.6311)},
    ),
    *_dap(
        "UniK3D",
        {"stanford2d3d": (0.1795, 0.7823), "matterport3d": (0.2224, 0.6634), "deep360": (0.0885, 0.9293)},
    ),
    Published("unifuse", "none", "stanford2d3d", "UniFuse", {"absrel": 0.1114, "delta1": 0.8711}, _UNIFUSE_PAPER),
    Published("unifuse", "none", "matterport3d", "UniFuse", {"delta1": 0.8897}, _UNIFUSE_PAPER),
)


def published_figures(protocol: str, alignment: str, dataset: str) -> list[Published]:
    """Those of the same protocol, alignment and data set, best AbsRel first."""
    same = [p for p in PUBLISHED if (p.protocol, p.alignment, p.dataset) == (protocol, alignment, dataset)]
    return sorted(same, key=lambda p: p.metrics.get("absrel", float("inf")))
