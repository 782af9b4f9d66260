"""The tables of a study: means over seeds with their spread, differences seed by seed, as text and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
from numpy.typing import NDArray

from dap_core.io.atomic import written_beside
from training.study.cells import TABLES, Cell, Table
from training.study.run import Figures

#: Metrics that fit a terminal.
SHOWN = ("absrel", "delta1", "band_absrel", "edges_f1")
#: Metrics of a table's columns, and whether less is better.
COLUMNS = {
    "absrel": ("AbsRel", True),
    "delta1": ("delta1", False),
    "band_absrel": ("AbsRel, horizon band", True),
    "near_absrel": ("AbsRel within 10 m", True),
    "edges_f1": ("edges, F1", False),
    "far_iou": ("far, IoU", False),
}


@dataclass(frozen=True)
class Value:
    """A metric of a row over the seeds, and its difference to the reference row, seed by seed.

    The spreads are standard deviations over the seeds (n - 1); nan with one seed.
    """

    mean: float
    spread: float
    difference: float
    difference_spread: float
    better_in: int  #: seeds in which it is better than the reference

    def text(self) -> str:
        """0.312 ± 0.004."""
        return f"{self.mean:.3f} ± {self.spread:.3f}"

    def difference_text(self) -> str:
        """-0.021 ± 0.003."""
        return f"{self.difference:+.3f} ± {self.difference_spread:.3f}"


def values_of(
    table: Table, figures: dict[Cell, Figures], seeds: Sequence[int], held_out: str
) -> list[dict[str, Value]]:
    """The metrics of each row of `table` on one held-out set."""
    by_name = {cell.name: one for cell, one in figures.items()}

    def over_seeds(row: int, metric: str) -> NDArray[np.float64]:
        described = table.rows[row]
        return np.array(
            [by_name[f"{described.variant}-seed{seed}"][described.stage][held_out][metric] for seed in seeds]
        )

    rows = []
    for row in range(len(table.rows)):
        values = {}
        for metric, (_, less) in COLUMNS.items():
            mine = over_seeds(row, metric)
            difference = mine - over_seeds(table.reference, metric)
            better = int(((difference < 0) if less else (difference > 0)).sum())
            spreads = _spread(mine), _spread(difference)
            values[metric] = Value(float(mine.mean()), spreads[0], float(difference.mean()), spreads[1], better)
        rows.append(values)
    return rows


def _spread(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def rich_table(table: Table, rows: Sequence[dict[str, Value]], held_out: str) -> rich.table.Table:
    """For the terminal: mean ± spread, and below it the difference to the reference."""
    result = rich.table.Table(title=f"{table.title}, on {held_out}", show_lines=True)
    result.add_column("")
    for title, less in (COLUMNS[name] for name in SHOWN):
        result.add_column(f"{title} {'↓' if less else '↑'}")
    for number, (row, values) in enumerate(zip(table.rows, rows, strict=True)):
        cells = [
            values[name].text() + f"\n({values[name].difference_text()})" * (number != table.reference)
            for name in SHOWN
        ]
        result.add_row(row.label, *cells)
    return result


def markdown(figures: dict[Cell, Figures], seeds: Sequence[int], held_out: Sequence[str], lead: str) -> str:
    """The whole study as a page; `lead` says how it was run."""
    heads = [f"{title} {'(less is better)' if less else '(more is better)'}" for title, less in COLUMNS.values()]
    lines = ["# The study in miniature", "", lead, ""]
    lines += [
        f"Mean ± standard deviation over {len(seeds)} seeds. In brackets the difference to the row in italics, seed by "
        "seed, and in how many seeds the row was better.",
        "",
    ]
    for table in TABLES:
        lines += [f"## {table.title}", ""]
        for name in held_out:
            lines += [f"On {name}:", "", "| | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]
            for number, (row, values) in enumerate(
                zip(table.rows, values_of(table, figures, seeds, name), strict=True)
            ):
                own = number == table.reference
                cells = [
                    v.text() + ("" if own else f" ({v.difference_text()}; {v.better_in} of {len(seeds)})")
                    for v in values.values()
                ]
                lines.append(f"| {'*' * own}{row.label}{'*' * own} | " + " | ".join(cells) + " |")
            lines.append("")
    return "\n".join(lines)


def as_json(figures: dict[Cell, Figures], seeds: Sequence[int], held_out: Sequence[str]) -> dict[str, Any]:
    """Every figure of every seed, and the tables."""
    tables = {
        table.name: {
            name: [
                {"row": row.label, **{metric: vars(value) for metric, value in values.items()}}
                for row, values in zip(table.rows, values_of(table, figures, seeds, name), strict=True)
            ]
            for name in held_out
        }
        for table in TABLES
    }
    return {"seeds": list(seeds), "cells": {cell.name: one for cell, one in figures.items()}, "tables": tables}


def save_plot(path: Path, figures: dict[Cell, Figures], seeds: Sequence[int], held_out: Sequence[str]) -> None:
    """A row of axes for each held-out set, a column for each table: AbsRel of every seed, and the mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(TABLES), 3.6 * len(held_out)), layout="constrained")
    grid = figure.subplots(len(held_out), len(TABLES), sharex="row", squeeze=False)
    by_name = {cell.name: one for cell, one in figures.items()}
    for line, name in zip(grid, held_out, strict=True):
        for axes, table in zip(line, TABLES, strict=True):
            places = np.arange(len(table.rows))[::-1]
            reference = values_of(table, figures, seeds, name)[table.reference]["absrel"].mean
            for place, row in zip(places, table.rows, strict=True):
                every = [by_name[f"{row.variant}-seed{seed}"][row.stage][name]["absrel"] for seed in seeds]
                axes.plot(every, np.full(len(every), place), "o", color="0.6", markersize=4)
                axes.plot([np.mean(every)], [place], "D", color="#1b62c4", markersize=7)
            axes.axvline(reference, color="0.8", linewidth=0.8, zorder=0)
            axes.set_yticks(places, [row.label for row in table.rows], fontsize=8)
            axes.set_xlabel("AbsRel", fontsize=9)
            axes.set_title(f"{table.title}\non {name}".replace(" (", "\n("), fontsize=9)
            axes.tick_params(axis="x", labelsize=8)
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=110)


def write_study(
    folder: Path, figures: dict[Cell, Figures], seeds: Sequence[int], held_out: Sequence[str], lead: str
) -> list[Path]:
    """Write `study.json`, `study.md` and `study.png` into `folder`; their paths."""
    paths = [folder / f"study.{suffix}" for suffix in ("json", "md", "png")]
    with written_beside(paths[0]) as beside:
        beside.write_text(json.dumps(as_json(figures, seeds, held_out), indent=1) + "\n")
    with written_beside(paths[1]) as beside:
        beside.write_text(markdown(figures, seeds, held_out, lead))
    save_plot(paths[2], figures, seeds, held_out)
    return paths
