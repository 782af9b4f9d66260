"""The page that people read: one self-contained HTML file of one run."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from dap_core.evaluation.regions import LATITUDE_BANDS, RANGE_BINS
from dap_core.evaluation.report import charts
from dap_core.evaluation.report.page import Section, chart, colour_scale, page, picture, table, text_cell
from dap_core.evaluation.report.pictures import LARGEST_ERROR, case_pictures, error_gradient, range_gradient
from dap_core.evaluation.report.tables import ALL_COLUMNS, COLUMNS, Row, best_of, cell, one_heading, rows_of
from dap_core.evaluation.run import Case

#: Panoramas that the page's own table holds; the CSV has all.
MOST_ROWS = 500


def report_page(report: dict[str, Any], worst: list[Case], best: list[Case]) -> str:
    """The page of one report, with its worst and best cases."""
    dataset, protocol, model = report["dataset"], report["protocol"], report["model"]
    lead = (
        f"<p>{escape(model['name'])} ({model['width']}x{model['height']}, "
        f"weights {escape(model['weights_sha256'][:12])}) "
        f"under protocol <b>{escape(protocol['name'])}</b>, alignment <b>{escape(protocol['alignment'])}</b>: "
        f"{dataset['measured']} of {dataset['entries']} panoramas of {escape(dataset['name'])} "
        f"({escape(dataset['layout'])}).</p>"
        f'<p class="soft">{escape(model["backend"])}; dap_ros {escape(model["version"])}.</p>'
    )
    if report["faults"]:
        lead += (
            f'<p class="warn">{len(report["faults"])} could not be measured: <a href="#faults">which, and why</a>.</p>'
        )
    sections = [
        Section("figures", "Figures", _figures(report)),
        Section("protocol", "Protocol", _rules(report)),
        Section("range", "Error by range", _by_region(report, RANGE_BINS, charts.by_range(report), "range")),
        Section(
            "latitude", "Error by latitude", _by_region(report, LATITUDE_BANDS, charts.by_latitude(report), "latitude")
        ),
        Section("mask", "Far mask", _mask(report)),
        Section("robustness", "Seams, edges, flicker", _other(report)),
        Section("worst", "Worst cases", _cases(worst)),
    ]
    if best:
        sections.append(Section("best", "Best cases", _cases(best)))
    sections.append(Section("panoramas", "Panoramas", _panoramas(report)))
    if report["faults"]:
        rows = [(text_cell(f["name"], "name"), text_cell(f["reason"])) for f in report["faults"]]
        sections.append(Section("faults", "Not measured", table(("panorama", "why"), rows)))
    where = f" {Path(dataset['root']).resolve().name}" if dataset["name"] == "folder" else ""
    return page(f"{model['name']} on {dataset['name']}{where}", lead, sections)


def _figures(report: dict[str, Any]) -> str:
    rows = rows_of(report)
    heading = one_heading(rows)
    found = table(
        ("", *(h for _, h, _ in COLUMNS), "source"),
        [_row(row, rows) for row in rows],
        ["ours" if row.ours else "" for row in rows],
    )
    average = report["protocol"]["average"]
    regions = [
        ("all pixels, by pixel", "all", "plain"),
        ("all pixels, by solid angle", "all", "sphere"),
        ("within 30° of the horizon, by pixel", "band", "plain"),
        ("within 30° of the horizon, by solid angle", "band", "sphere"),
    ]
    more = table(
        ("ours", *(h for _, h, _ in ALL_COLUMNS)),
        [
            (text_cell(label), *(cell(report["summary"][r][w][average][n], d) for n, _, d in ALL_COLUMNS))
            for label, r, w in regions
        ],
    )
    notes = f"<p>{escape(str(heading))}: only figures of the same protocol, alignment and data set stand here.</p>"
    if not report["published"]:
        notes += '<p class="soft">No published figures for them are known to this version.</p>'
    if report["coverage"] < 1.0:
        notes += (
            f'<p class="warn">{100 * report["coverage"]:.2f} % of the counted pixels have a prediction; '
            "the others are in no figure.</p>"
        )
    return (
        notes
        + found
        + "<h3>More of ours</h3>"
        + more
        + chart(charts.per_image(report), "AbsRel of every panorama, sorted")
    )


def _row(row: Row, rows: list[Row]) -> tuple[str, ...]:
    cells = []
    for name, _, digits in COLUMNS:
        value = row.metrics.get(name)
        text = cell(value, digits)
        cells.append(f'<span class="best">{text}</span>' if len(rows) > 1 and value == best_of(rows, name) else text)
    return (text_cell(row.label), *cells, text_cell(row.source))


def _rules(report: dict[str, Any]) -> str:
    rules = report["protocol"]["rules"]
    return table(("rule", "here"), [(text_cell(k), text_cell(v)) for k, v in rules.items()])


def _by_region(report: dict[str, Any], regions: tuple[str, ...], uri: str, what: str) -> str:
    summary, pixels = report["summary"], report["pixels"]
    rows = [
        (
            text_cell(region, "label"),
            f"{pixels[region]:.0f}",
            *(cell(summary[region][w]["pixel"][n], d) for w in ("plain", "sphere") for n, _, d in COLUMNS[:3]),
        )
        for region in regions
    ]
    head = [h for _, h, _ in COLUMNS[:3]]
    names = ("", "pixels", *head, *(f"{h}, solid angle" for h in head))
    return (
        chart(uri, f"AbsRel and delta1 by {what}")
        + '<p class="soft">Over all pixels of all panoramas together.</p>'
        + table(names, rows)
    )


def _mask(report: dict[str, Any]) -> str:
    mask = report["mask"]
    words = f"<p>Far is beyond {mask['limit_m']:g} m, or no surface at all.</p>"
    if not mask["has_far"]:
        words += (
            '<p class="warn">This ground truth has no far pixel: recall and IoU cannot be said, and whatever is called '
            "far is wrong.</p>"
        )
    names = ("precision", "recall", "iou")
    rows = [
        (text_cell(label), *(cell(mask[w][n], 4) for n in names))
        for label, w in (("by pixel", "plain"), ("by solid angle", "sphere"))
    ]
    error = cell(mask["expected_calibration_error"], 4)
    return (
        words
        + '<div class="pair"><div>'
        + table(("far", "precision", "recall", "IoU"), rows)
        + f"<p>Expected calibration error {error}.</p></div>"
        + chart(charts.reliability(report), "reliability of the far probability")
        + "</div>"
    )


def _other(report: dict[str, Any]) -> str:
    seam, edges, cube = report["seam"], report["edges"], report["cube_seams"]
    rows = [
        (
            "seam error, whole sphere",
            cell(seam["mean"], 5),
            "prediction of the panorama turned by half, against the turned prediction",
        ),
        ("seam error, at the border", cell(seam["at_seam"], 5), "the same, in the columns beside the image's border"),
        ("far flips when turned", cell(seam["far_flip"], 5), "share of the sphere"),
        ("edge precision", cell(edges["precision"], 3), "steps of range by 1.25, found within 1° of a true one"),
        ("edge recall", cell(edges["recall"], 3), "true steps that were found"),
        ("edge F1", cell(edges["f1"], 3), ""),
        ("cube seams: density", cell(cube["density"], 4), "border pixels of a cube that jump (PaGeR)"),
        ("cube seams: prevalence", cell(cube["prevalence"], 4), "edges of the cube with many of them"),
        ("cube seams: severity", cell(cube["severity"], 4), "edges with a large mean jump"),
        ("flicker", cell(report["flicker"], 4), "mean change of ln(prediction / truth) from frame to frame"),
    ]
    shown = [r for r in rows if r[1] != "-"]
    return table(("measure", "", "what"), [(text_cell(a), b, text_cell(c)) for a, b, c in shown])


def _cases(cases: list[Case]) -> str:
    parts = [
        '<p class="soft">Prediction and truth in the same colours; pale blue is far, grey unknown or not counted.</p>'
    ]
    for case in cases:
        pictures, (low, high) = case_pictures(case)
        metrics = case.result.headline
        shown = [picture(uri, caption) for caption, uri in pictures]
        ranges = colour_scale(
            range_gradient((low, high)), (f"{low:.2g} m", f"{(low * high) ** 0.5:.2g} m", f"{high:.2g} m")
        )
        errors = colour_scale(
            error_gradient(), (f"{100 * LARGEST_ERROR:.0f} % too near", "right", f"{100 * LARGEST_ERROR:.0f} % too far")
        )
        parts.append(
            f"<h3>{escape(case.result.name)}</h3><p>AbsRel {metrics.absrel:.3f}, δ1 {metrics.delta1:.3f}, "
            f"RMSE {metrics.rmse:.2f} m</p>"
            f'<div class="four">{"".join(shown)}</div>'
            f'<div class="four"><div>{ranges}</div><div>{errors}</div></div>'
        )
    return "\n".join(parts)


def _panoramas(report: dict[str, Any]) -> str:
    images = sorted(report["images"], key=lambda i: -i["metrics"]["all"]["absrel"])
    rows = [
        (
            text_cell(image["name"], "name"),
            *(cell(image["metrics"]["all"][n], d) for n, _, d in COLUMNS),
            cell(image["metrics"]["sphere"]["absrel"], 4),
            cell(image["metrics"]["band"]["absrel"], 4),
        )
        for image in images[:MOST_ROWS]
    ]
    head = ("panorama", *(h for _, h, _ in COLUMNS), "AbsRel, solid angle", "AbsRel, horizon")
    more = f", the worst {MOST_ROWS}" if len(images) > MOST_ROWS else ""
    return f"<details><summary>All figures by panorama, worst first{more}</summary>{table(head, rows)}</details>"
