"""The page of a comparison, and the same as plain values."""

from __future__ import annotations

from html import escape
from typing import Any

from dap_core.evaluation.compare import LEVEL, Comparison
from dap_core.evaluation.report import charts
from dap_core.evaluation.report.page import Section, chart, page, table, text_cell
from dap_core.evaluation.report.tables import ALL_COLUMNS, cell, heading_of

#: Panoramas listed at either end.
SHOWN = 20


def comparison_page(comparison: Comparison) -> str:
    """One self-contained HTML file."""
    a, b = comparison.a, comparison.b
    lead = (
        f"<p><b>A</b> {escape(_model(a))}<br><b>B</b> {escape(_model(b))}</p>"
        f"<p>{escape(str(heading_of(a)))}, the same {len(comparison.names)} panoramas and ground truth in both.</p>"
    )
    rows = []
    for name, title, digits in ALL_COLUMNS:
        d = comparison.differences[name]
        low, high = (cell(v, digits) for v in d.interval)
        rows.append(
            (
                text_cell(title),
                cell(d.a, digits),
                cell(d.b, digits),
                f"{d.mean:+.{digits}f}",
                f"{low} to {high}",
                f"{100 * d.better:.0f} %",
                text_cell(d.verdict),
            )
        )
    head = ("", "A", "B", "B minus A", f"{100 * LEVEL:.0f} % interval", "B better on", "B is")
    absrel = comparison.differences["absrel"]
    order = absrel.each.argsort()
    listed = [*order[:SHOWN], *order[-SHOWN:]] if len(order) > 2 * SHOWN else list(order)
    in_a, in_b = ({i["name"]: i["metrics"]["all"] for i in r["images"]} for r in (a, b))
    images = []
    for i in listed:
        name = comparison.names[i]
        images.append(
            (
                text_cell(name, "name"),
                f"{absrel.each[i]:+.4f}",
                cell(in_a[name]["absrel"], 4),
                cell(in_b[name]["absrel"], 4),
                cell(in_a[name]["delta1"], 4),
                cell(in_b[name]["delta1"], 4),
            )
        )
    return page(
        f"{b['model']['name']} against {a['model']['name']} on {a['dataset']['name']}",
        lead,
        [
            Section(
                "figures",
                "Figures",
                table(head, rows)
                + '<p class="soft">Mean over panoramas. The interval is of the mean difference, by drawing the pairs '
                f"anew; where it holds 0 the two are not told apart at {100 * LEVEL:.0f} %.</p>",
            ),
            Section(
                "differences",
                "Panorama by panorama",
                chart(
                    charts.differences(absrel.each.tolist(), absrel.mean, absrel.interval, "AbsRel"),
                    "differences of AbsRel, sorted",
                )
                + table(("panorama", "AbsRel, B minus A", "A", "B", "δ1, A", "δ1, B"), images),
            ),
        ],
    )


def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """What `compare.json` holds."""
    return {
        "heading": heading_of(comparison.a)._asdict(),
        "a": comparison.a["model"],
        "b": comparison.b["model"],
        "panoramas": list(comparison.names),
        "metrics": {
            name: {
                "a": d.a,
                "b": d.b,
                "mean": d.mean,
                "interval": list(d.interval),
                "better": d.better,
                "verdict": d.verdict,
                "each": d.each.tolist(),
            }
            for name, d in comparison.differences.items()
        },
    }


def _model(report: Any) -> str:
    model = report["model"]
    return f"{model['name']}, weights {model['weights_sha256'][:12]}, {model['backend']}"
