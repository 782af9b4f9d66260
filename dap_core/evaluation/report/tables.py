"""Columns of figures that may stand under one heading: one protocol, one alignment, one data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dap_core.errors import InputError
from dap_core.evaluation.metrics import LESS_IS_BETTER

#: Metrics of the short tables: name, heading, digits.
COLUMNS = (
    ("absrel", "AbsRel", 4),
    ("delta1", "δ1", 4),
    ("rmse", "RMSE m", 3),
    ("mae", "MAE m", 3),
    ("silog", "SILog", 2),
)
#: All of them.
ALL_COLUMNS = (
    ("absrel", "AbsRel", 4),
    ("sqrel", "SqRel m", 3),
    ("rmse", "RMSE m", 3),
    ("mae", "MAE m", 3),
    ("rmse_log", "RMSE log", 4),
    ("log10", "log10", 4),
    ("delta1", "δ1", 4),
    ("delta2", "δ2", 4),
    ("delta3", "δ3", 4),
    ("silog", "SILog", 2),
)


class Heading(NamedTuple):
    """What figures of one column share."""

    protocol: str
    alignment: str
    dataset: str

    def __str__(self) -> str:
        return f"{self.protocol} ({self.alignment}) on {self.dataset}"


@dataclass(frozen=True)
class Row:
    """Somebody's figures, under their heading, with their source."""

    heading: Heading
    label: str
    metrics: Mapping[str, float]
    source: str
    ours: bool = False


def heading_of(report: Mapping[str, Any]) -> Heading:
    """The heading of a report of `dap eval`."""
    return Heading(report["protocol"]["name"], report["protocol"]["alignment"], report["dataset"]["name"])


def rows_of(report: Mapping[str, Any]) -> list[Row]:
    """The report's own figures, and the published ones of the same heading."""
    ours = report["summary"]["all"]["plain"][report["protocol"]["average"]]
    count = report["dataset"]["measured"]
    source = f"this run, {count} panorama{'s' * (count != 1)}"
    if report["published"] and not report["dataset"]["complete"]:
        source += f"; the published figures are of {report['dataset']['published']}: not the same test"
    rows = [Row(heading_of(report), report["model"]["name"], ours, source, ours=True)]
    for p in report["published"]:
        heading = Heading(p["protocol"], p["alignment"], p["dataset"])
        rows.append(Row(heading, p["method"], p["metrics"], p["source"]))
    return rows


def one_heading(rows: Sequence[Row]) -> Heading:
    """The heading that all rows share; InputError where two protocols, alignments or data sets would share a column."""
    first = rows[0].heading
    for row in rows:
        if row.heading != first:
            raise InputError(
                f"{rows[0].label} is measured by {first}, {row.label} by {row.heading}: never compared in one column"
            )
    return first


def cell(value: float | None, digits: int) -> str:
    """A figure as text, a dash for none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def best_of(rows: Sequence[Row], name: str) -> float | None:
    """The best value of a metric among the rows, None where nobody has it."""
    values = [v for r in rows if (v := r.metrics.get(name)) is not None and math.isfinite(v)]
    if not values:
        return None
    return min(values) if LESS_IS_BETTER[name] else max(values)
