"""Figures as tables: for the terminal, and as the rows that a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from dap_core.benchmark.case import Result
from dap_core.benchmark.record import Record

if TYPE_CHECKING:
    from rich.console import Console

NONE = "-"
_WORDS = {"f32": "", "cpu": "", "bf16": ""}
#: Bytes of one number.
WIDTHS = {"float32": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}


def backend_label(result: Result) -> str:
    """Backend, precision and form: "torch bf16 compiled"."""
    backend, _, form = result.case.backend.partition(":")
    words = [backend, result.precision, *(word for word in form.split("-") if word not in _WORDS)]
    return " ".join(word for word in words if word) if result.precision else result.case.backend


def heading(result: Result) -> str:
    """What is computed: "dap-s (random weights), 512x1024, batch 1, 236 GFLOP"."""
    case = result.case
    random = " (random weights)" if case.weights == "random" else ""
    batch = f", batch {case.batch}" if case.batch > 1 else ""
    return f"{case.model}{random}, {case.input}{batch}{f', {operations(result)}' if result.flops else ''}"


def operations(result: Result) -> str:
    """Operations of one run, with a unit."""
    if result.flops is None:
        return NONE
    return f"{result.flops / 1e12:.3g} TFLOP" if result.flops >= 1e12 else f"{result.flops / 1e9:.3g} GFLOP"


def milliseconds(value: float | None) -> str:
    """Three digits, or whole milliseconds."""
    return NONE if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """Two digits; what rounds to nothing is said to be less."""
    if value is None:
        return NONE
    return "0 %" if value == 0 else f"{100 * value:.2g} %" if value >= 1e-4 else "<.01 %"


def whole(value: float | None, ending: str = "") -> str:
    """Without decimals."""
    return NONE if value is None else f"{value:.0f}{ending}"


def rate(result: Result) -> str:
    """Panoramas a second."""
    value = result.images_per_s
    return NONE if value is None else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def peak_share(result: Result) -> str:
    """Of the measured peak."""
    return NONE if result.peak is None else whole(100 * result.peak.share, " %")


def best_share(result: Result, record: Record) -> str:
    """Of the best peak that was measured beside any case: what a machine that does nothing else would show at least."""
    best = record.peaks().get((result.case.backend.partition(":")[0], result.precision, result.case.threads))
    if best is None or result.flops is None or result.latency is None:
        return NONE
    return whole(100 * result.flops / (result.latency.median_ms / 1e3) / (best * 1e9), " %")


def copy_share(result: Result, record: Record) -> str:
    """Of the measured copy bandwidth, if products read and write their numbers once, each as wide as the precision."""
    if result.elements is None or result.latency is None or not record.copy_gb_per_s:
        return NONE
    gigabytes = result.elements * WIDTHS[result.precision or "float32"] / 1e9
    return whole(100 * gigabytes / (result.latency.median_ms / 1e3) / record.copy_gb_per_s, " %")


def speed_up(result: Result) -> str:
    """How many times faster than torch."""
    return NONE if result.against is None else f"{result.against.ratio:.2f}"


def print_results(console: Console, record: Record, results: Sequence[Result]) -> None:
    """One table for what computes the same, at most 80 columns wide, with what went wrong below it."""
    from rich.table import Table

    against = any(result.against for result in results)
    for _, group in groupby(results, key=lambda r: r.case.subject):
        rows = list(group)
        title = heading(next((r for r in rows if r.flops), rows[0]))
        table = Table(title=title, title_justify="left", title_style="bold", padding=(0, 1, 0, 0), box=None)
        table.add_column("", no_wrap=True, min_width=20)
        names = ["median ms", "p95", "frames/s", "MB", "off by", "far", "of peak", *(["x torch"] if against else [])]
        for name in names:
            table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
        for result in rows:
            if result.error is None:
                table.add_row(backend_label(result), *_cells(result, against))
        console.print()
        console.print(table)
        for result in rows:
            for text in (result.error, result.note):
                if text:
                    console.print(f"{backend_label(result)}: {text}", highlight=False, markup=False)
    console.print()
    if peaks := record.peaks():
        best = ", ".join(f"{library} {precision} {value:.0f}" for (library, precision, _), value in peaks.items())
        copies = f"; copies {record.copy_gb_per_s:.0f} GB/s" if record.copy_gb_per_s else ""
        console.print(f"peak of matrix products, GFLOP/s: {best}{copies}", highlight=False)


def _cells(result: Result, against: bool) -> list[str]:
    cells = [
        milliseconds(result.median_ms),
        milliseconds(result.p95_ms),
        rate(result),
        whole(result.most_mb),
        percent(result.off_by),
        percent(result.far_flips),
        peak_share(result),
    ]
    return [*cells, speed_up(result)] if against else cells
