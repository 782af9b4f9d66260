"""`dap eval`: a model on a data set under a named protocol, or two reports side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dap_core.evaluation.datasets.sample import Entry
    from dap_core.evaluation.run import Evaluation

HELP = "measure a model: named protocols on published data sets or your own folder; compare two reports"

#: What `dap eval --help` lists; the readers and rules are in dap_core.evaluation, which is not loaded for it.
DATASETS = ("stanford2d3d", "matterport3d", "deep360", "dap-test", "structured3d", "folder")
PROTOCOLS = ("dap", "unifuse", "da2", "pager")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help=f"one of {', '.join(DATASETS)}")
    parser.add_argument("--root", type=Path, help="the data set's folder, as published; or your folder")
    parser.add_argument(
        "--list", type=Path, metavar="FILE", help="list file of the split: an image and its range a line"
    )
    parser.add_argument("--protocol", default="dap", help=f"{', '.join(PROTOCOLS)} (default: %(default)s)")
    parser.add_argument(
        "--align", help="none, median, scale, scale-and-shift, disparity (default: the protocol's first)"
    )
    parser.add_argument("--unit", help="m, cm, mm, or metres of one step such as 1/512 (folders, other packagings)")
    parser.add_argument(
        "--zero", choices=("unknown", "far"), default="unknown", help="what 0 means in a folder (default: %(default)s)"
    )
    parser.add_argument("--trust-unit", action="store_true", help="take ranges that do not look like metres")
    parser.add_argument("--sequence", action="store_true", help="the panoramas are frames in order: measure flicker")
    parser.add_argument("--no-seam", action="store_true", help="no seam error, which predicts every panorama twice")
    parser.add_argument("--model", default="dap-tiny", help="a preset, an .onnx or a checkpoint (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="auto, or one of tensorrt, onnxruntime, openvino, torch")
    parser.add_argument("--threads", type=int, help="CPU threads (default: the physical cores)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N panoramas")
    parser.add_argument("--cases", type=int, default=3, help="worst and best panoramas shown (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("eval_out"), help="folder of the report (default: %(default)s)"
    )
    parser.add_argument(
        "--compare", nargs=2, type=Path, metavar=("A.json", "B.json"), help="two reports side by side, instead"
    )


def run(args: argparse.Namespace) -> int:
    """Write OUT/report.json, per_image.csv and report.html; 0, or 2 where a panorama could not be measured.

    With --compare: OUT/compare.json and compare.html; 0.
    """
    if args.compare:
        if args.dataset:
            raise InputError(f"--compare takes two reports and no data set, got {args.dataset}")
        first, second = args.compare
        return _compare(first, second, args.out)
    if args.dataset is None or args.root is None:
        raise InputError(f"a data set and its --root are needed: dap eval {'|'.join(DATASETS)} --root DIR")
    for name, value in (("--limit", args.limit), ("--cases", args.cases)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
    return _evaluate(args)


def _evaluate(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dap_core.estimate import DepthEstimator
    from dap_core.evaluation.datasets import open_dataset
    from dap_core.evaluation.datasets.depth_formats import metres_per_unit
    from dap_core.evaluation.protocols import alignment_of, protocol_named
    from dap_core.evaluation.report.record import ModelFacts, report_of
    from dap_core.evaluation.run import evaluate

    protocol = protocol_named(args.protocol)
    alignment = alignment_of(protocol, args.align)
    dataset = open_dataset(
        args.dataset,
        args.root,
        list_file=args.list,
        unit_m=metres_per_unit(args.unit) if args.unit else None,
        zero_is_far=args.zero == "far",
        trust_unit=args.trust_unit,
    )
    if args.limit:
        dataset = dataset.first(args.limit)
    console = Console()
    with DepthEstimator.open(args.model, args.backend, threads=args.threads) as estimator:
        _make(args.out)
        spec = estimator.spec
        console.print(f"{spec.name} at {spec.width}x{spec.height}, {estimator.backend.reason}", highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(f"{dataset.name}, {protocol.name}", total=len(dataset))

            def done(entry: Entry, error: InputError | None) -> None:
                if error:
                    print(f"dap eval: {error}", file=sys.stderr)
                bar.advance(task)

            found = evaluate(
                dataset,
                estimator,
                protocol,
                alignment,
                spec.limit_m,
                seam=not args.no_seam,
                sequence=args.sequence,
                cases=args.cases,
                progress=done,
            )
        facts = ModelFacts(
            spec.name,
            spec.weights_sha256,
            spec.height,
            spec.width,
            spec.limit_m,
            estimator.backend.reason,
            _version(),
        )
    report = report_of(found, facts, args.root)
    _print(console, report)
    _write(args.out, report, found)
    console.print(f"wrote {args.out / 'report.html'}, report.json, per_image.csv", highlight=False, soft_wrap=True)
    if found.faults:
        print(f"dap eval: {len(found.faults)} of {len(dataset)} panoramas could not be measured", file=sys.stderr)
    return 2 if found.faults else 0


def _print(console: Console, report: dict[str, Any]) -> None:
    """The headline, the published figures beside it, and ours by region."""
    from rich.table import Table

    from dap_core.evaluation.regions import RANGE_BINS
    from dap_core.evaluation.report.tables import COLUMNS, cell, one_heading, rows_of

    rows = rows_of(report)
    table = Table(title=str(one_heading(rows)), title_justify="left")
    table.add_column("")
    for _, heading, _ in COLUMNS:
        table.add_column(heading, justify="right")
    table.add_column("", overflow="fold")
    for row in rows:
        cells = [cell(row.metrics.get(name), digits) for name, _, digits in COLUMNS]
        table.add_row(row.label, *cells, row.source, style="bold" if row.ours else "")
    console.print(table)
    table = Table("", *(h for _, h, _ in COLUMNS), title="ours", title_justify="left")
    average = report["protocol"]["average"]
    regions = [("by solid angle", "all", "sphere", average), ("within 30 deg of the horizon", "band", "plain", average)]
    regions += [(region, region, "plain", "pixel") for region in RANGE_BINS if report["pixels"][region]]
    for label, region, weighting, mean in regions:
        values = report["summary"][region][weighting][mean]
        table.add_row(label, *(cell(values[name], digits) for name, _, digits in COLUMNS))
    console.print(table)
    mask, seam = report["mask"], report["seam"]
    console.print(
        f"far mask: precision {cell(mask['plain']['precision'], 3)}, recall {cell(mask['plain']['recall'], 3)}, "
        f"IoU {cell(mask['plain']['iou'], 3)}; seam {cell(seam['at_seam'], 4)}; "
        f"edges F1 {cell(report['edges']['f1'], 3)}; flicker {cell(report['flicker'], 4)}; "
        f"coverage {report['coverage']:.4f}",
        highlight=False,
        soft_wrap=True,
    )


def _write(out: Path, report: dict[str, Any], found: Evaluation) -> None:
    from dap_core.evaluation.report.record import write_csv, write_json
    from dap_core.evaluation.report.run_page import report_page

    write_json(out / "report.json", report)
    write_csv(out / "per_image.csv", report)
    _write_text(out / "report.html", report_page(report, found.worst, found.best))


def _compare(first: Path, second: Path, out: Path) -> int:
    from rich.console import Console
    from rich.table import Table

    from dap_core.evaluation.compare import compare
    from dap_core.evaluation.report.comparison_page import comparison_page, comparison_values
    from dap_core.evaluation.report.record import read_report, write_json
    from dap_core.evaluation.report.tables import ALL_COLUMNS, cell, heading_of

    comparison = compare(read_report(first), read_report(second))
    a, b = comparison.a["model"]["name"], comparison.b["model"]["name"]
    title = f"{heading_of(comparison.a)}, {len(comparison.names)} panoramas"
    table = Table(title=title, title_justify="left")
    for name in ("", f"A: {a}", f"B: {b}", "B - A", "95 % interval", "B better", "B is"):
        table.add_column(name, no_wrap=name == "95 % interval")
    for name, heading, digits in ALL_COLUMNS:
        d = comparison.differences[name]
        interval = " to ".join(cell(v, digits) for v in d.interval)
        values = cell(d.a, digits), cell(d.b, digits), f"{d.mean:+.{digits}f}", interval, f"{100 * d.better:.0f} %"
        table.add_row(heading, *values, d.verdict)
    console = Console()
    console.print(table)
    _make(out)
    write_json(out / "compare.json", comparison_values(comparison))
    _write_text(out / "compare.html", comparison_page(comparison))
    console.print(f"wrote {out / 'compare.html'}, compare.json", highlight=False, soft_wrap=True)
    return 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None


def _write_text(path: Path, text: str) -> None:
    from dap_core.io.atomic import written_beside

    with written_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dap_ros")
    except PackageNotFoundError:
        return "unknown"
