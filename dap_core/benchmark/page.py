"""Figures as tables of a Markdown page, each between two marks; the words around them are the page's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from dap_core.benchmark.case import Against, Result
from dap_core.benchmark.record import Record
from dap_core.benchmark.table import (
    NONE,
    backend_label,
    best_share,
    copy_share,
    milliseconds,
    operations,
    peak_share,
    percent,
    rate,
    whole,
)
from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

_MARKED = re.compile(r"(<!-- dap bench: (\w+)[^>]*-->\n).*?(<!-- end -->)", re.DOTALL)


def write_page(path: Path, records: Sequence[Record]) -> None:
    """Put the tables of `records` between the marks `<!-- dap bench: NAME -->` and `<!-- end -->` of a page.

    NAME is one of `TABLES`. A page that does not exist is made, with all of them. InputError for another name, a mark
    without its end, or a page without marks.
    """
    try:
        text = path.read_text() if path.exists() else _empty_page()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    names = [match[2] for match in _MARKED.finditer(text)]
    if len(names) != text.count("<!-- dap bench:") or not names:
        raise InputError(f"{path}: every table stands between <!-- dap bench: NAME --> and <!-- end -->")
    if unknown := sorted(set(names) - TABLES.keys()):
        raise InputError(f"{path}: no table {unknown[0]!r}: use {', '.join(TABLES)}")
    filled = _MARKED.sub(lambda match: f"{match[1]}{tables(match[2], records)}{match[3]}", text)
    with written_beside(path) as beside:
        beside.write_text(filled)


def tables(name: str, records: Sequence[Record]) -> str:
    """One table of every machine that has figures for it, below the machine's name where there are several."""
    parts = []
    for record in records:
        if rows := TABLES[name](record):
            title = f"{record.machine['name']}:\n\n" if len(records) > 1 else ""
            parts.append(f"\n{title}{_markdown(rows)}\n")
    return "".join(parts) or "\nNot measured.\n\n"


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{' --- |' * len(rows[0])}")
    return "\n".join(lines) + "\n"


def _empty_page() -> str:
    return "# Performance\n" + "".join(f"\n## {name}\n\n<!-- dap bench: {name} -->\n<!-- end -->\n" for name in TABLES)


def _machine(record: Record) -> list[list[str]]:
    machine = record.machine
    rows = [
        ["", machine["name"]],
        ["memory", f"{machine['memory_gb']:g} GB, copied at {whole(record.copy_gb_per_s)} GB/s (read and written)"],
        ["system", machine["system"]],
        ["versions", ", ".join(f"{name} {version}" for name, version in machine["versions"].items())],
    ]
    rows += [
        [f"{library} {precision}, {threads} threads", f"{gflops:.0f} GFLOP/s in matrix products"]
        for (library, precision, threads), gflops in record.peaks().items()
    ]
    return rows


def _models(record: Record) -> list[list[str]]:
    """Every model at its own resolution, one image at a time."""
    columns: dict[str, Callable[[Result], str]] = {
        "model": lambda r: f"{_name(r)}, {r.case.input}, {operations(r)}",
        "backend": backend_label,
        "median ms": _median,
        "p95": lambda r: milliseconds(r.p95_ms),
        "frames/s": rate,
        "memory MB": lambda r: whole(r.most_mb),
        "off by": lambda r: percent(r.off_by),
        "far": lambda r: percent(r.far_flips),
        "of peak": peak_share,
        "of best peak": lambda r: best_share(r, record),
        "of copy": lambda r: copy_share(r, record),
    }
    results = record.sorted_results()
    native = [r for r in results if r.case.batch == 1 and r.case.height == (r.native_height or r.case.height)]
    return _rows(columns, native)


def _against(record: Record) -> list[list[str]]:
    """What was run in turns with torch."""
    columns: dict[str, Callable[[Result, Against], str]] = {
        "model": lambda r, a: f"{_name(r)}, {r.case.input}{f', batch {r.case.batch}' if r.case.batch > 1 else ''}",
        "backend": lambda r, a: backend_label(r),
        "median ms": lambda r, a: _median(r),
        "torch float32 eager, ms": lambda r, a: milliseconds(a.median_ms),
        "times faster (quartiles)": lambda r, a: f"**{a.ratio:.2f}** ({a.ratio_low:.2f} to {a.ratio_high:.2f})",
        "off by": lambda r, a: percent(a.difference.median if a.difference else None),
        "far": lambda r, a: percent(a.difference.far_flips if a.difference else None),
    }
    rows = [[cell(r, r.against) for cell in columns.values()] for r in record.sorted_results() if r.against]
    return [list(columns), *rows] if rows else []


def _resolutions(record: Record) -> list[list[str]]:
    """Models that were measured at several resolutions: time, and memory while opening and while running."""
    columns: dict[str, Callable[[Result], str]] = {
        "model": _name,
        "input": lambda r: r.case.input,
        "operations": operations,
        "backend": backend_label,
        "median ms": _median,
        "MB to open": lambda r: whole(r.memory.open_mb if r.memory else None),
        "MB to run": lambda r: whole(r.memory.run_mb if r.memory else None),
    }
    singles = [r for r in record.sorted_results() if r.case.batch == 1]
    heights: dict[str, set[int]] = {}
    for result in singles:
        heights.setdefault(result.case.model, set()).add(result.case.height)
    return _rows(columns, [r for r in singles if len(heights[r.case.model]) > 1])


def _batches(record: Record) -> list[list[str]]:
    """Cases that were measured at several batch sizes: time of the batch, and of each image in it."""

    def but_batch(result: Result) -> tuple[str, int, str, int]:
        case = result.case
        return case.model, case.height, case.backend, case.threads

    results = record.sorted_results()
    alone = {but_batch(r): r for r in results if r.case.batch == 1}

    def each(result: Result) -> float | None:
        return None if result.median_ms is None else result.median_ms / result.case.batch

    def of_alone(result: Result) -> str:
        one = alone.get(but_batch(result))
        # Through the peak that was measured beside each, so that a slow minute of the machine does not count.
        return f"{one.peak.share / result.peak.share:.2f}" if one and one.peak and result.peak else NONE

    columns: dict[str, Callable[[Result], str]] = {
        "model": _name,
        "input": lambda r: r.case.input,
        "backend": backend_label,
        "batch": lambda r: str(r.case.batch),
        "median ms": _median,
        "ms an image": lambda r: milliseconds(each(r)),
        "of batch 1, at the same peak": of_alone,
        "memory MB": lambda r: whole(r.most_mb),
    }
    several = {but_batch(r) for r in results if r.case.batch > 1}
    return _rows(columns, sorted((r for r in results if but_batch(r) in several), key=lambda r: r.case.backend))


def _products(record: Record) -> list[list[str]]:
    """Every product of a frame."""
    sizes = sorted(
        {size for by_size in record.products.values() for size in by_size}, key=lambda s: int(s.split("x")[0])
    )
    if not sizes:
        return []
    rows = [["ms, median (p95)", *sizes]]
    for name, by_size in record.products.items():
        cells = [f"{by_size[s]['median_ms']:.2f} ({by_size[s]['p95_ms']:.2f})" if s in by_size else NONE for s in sizes]
        rows.append([name, *cells])
    return rows


#: Name of a table to its rows, the first of them the heading; none where there are no figures for it.
TABLES: dict[str, Callable[[Record], list[list[str]]]] = {
    "machine": _machine,
    "models": _models,
    "against": _against,
    "resolutions": _resolutions,
    "batches": _batches,
    "products": _products,
}


def _rows(columns: dict[str, Callable[[Result], str]], results: Sequence[Result]) -> list[list[str]]:
    rows = [[cell(result) for cell in columns.values()] for result in results]
    return [list(columns), *rows] if rows else []


def _name(result: Result) -> str:
    return result.case.model + ("*" if result.case.weights == "random" else "")


def _median(result: Result) -> str:
    return result.error or milliseconds(result.median_ms)
