"""Running the cells of a study in several processes, each cell resumable and done once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from training import workers
from training.display import SILENT, Display
from training.recipe import Recipe
from training.study.cells import VARIANTS, Cell

#: Figures by stage, held-out set and metric.
Figures = dict[str, dict[str, dict[str, float]]]

#: Takes the name of a cell and how far it has come.
Tell = Callable[[str, str], None]


def run_cells(
    values: dict[str, Any], where: str, folder: Path, seeds: Sequence[int], processes: int, display: Display = SILENT
) -> dict[Cell, Figures]:
    """The figures of every variant with every seed; those that lie in `folder` already are read.

    `values` are those of the study's recipe, from the file `where`; its sets are there. Raises InputError where a cell
    cannot be trained, or its process died; what other cells have done is kept.
    """
    cells = [Cell(variant, seed) for variant in VARIANTS for seed in seeds]
    for cell in cells:
        cell.variant.recipe(values, where, cell.seed)  # a mistake in one is said before hours are spent on others
    missing = [cell for cell in cells if not figures_path(folder, cell).exists()]
    board = _Board(len(cells), len(cells) - len(missing), display)
    if min(processes, len(missing)) <= 1:
        for cell in missing:
            run_cell(values, where, folder, cell, board.tell)
            board.done(cell.name)
    else:
        _in_processes(values, where, folder, missing, processes, board)
    return {cell: read_figures(folder, cell) for cell in cells}


def _in_processes(
    values: dict[str, Any], where: str, folder: Path, cells: Sequence[Cell], processes: int, board: _Board
) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    context = get_context("spawn")
    reports = context.Queue()
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(reports,)) as pool:
        names = {pool.submit(_run_told, values, where, folder, cell): cell.name for cell in cells}
        running = set(names)
        try:
            while running:
                done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                while not reports.empty():
                    board.tell(*reports.get())
                for future in done:
                    future.result()
                    board.done(names[future])
        except BrokenProcessPool:
            raise InputError(
                "a process of the study died (killed, or out of memory: fewer --processes need less); nothing that "
                "was done is lost, run the same again"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Board:
    """One bar for all cells, and beside it how far those have come that are running."""

    def __init__(self, total: int, finished: int, display: Display) -> None:
        self.total, self.finished, self.display = total, finished, display
        self.running: dict[str, str] = {}
        self._show()

    def tell(self, cell: str, what: str) -> None:
        self.running[cell] = what
        self._show()

    def done(self, cell: str) -> None:
        self.running.pop(cell, None)
        self.finished += 1
        self._show()

    def _show(self) -> None:
        self.display("cells", self.finished, self.total, "; ".join(f"{c}: {w}" for c, w in self.running.items()))


#: In a worker, where its reports go; set when it starts.
_reports: Any = None


def _start(reports: Any) -> None:
    import torch

    global _reports
    _reports = reports
    workers.begin()
    torch.set_num_threads(1)


def _run_told(values: dict[str, Any], where: str, folder: Path, cell: Cell) -> None:
    run_cell(values, where, folder, cell, lambda name, what: _reports.put((name, what)))


class _Reports(Display):
    """Passes on one report in ten."""

    def __init__(self, cell: str, tell: Tell) -> None:
        super().__init__(shown=False)
        self._cell, self._tell = cell, tell

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        if done % 10 == 0 or done == total:
            self._tell(self._cell, f"{what} {done}/{total}")


def run_cell(values: dict[str, Any], where: str, folder: Path, cell: Cell, tell: Tell) -> None:
    """Train one cell, measure it, and leave its figures; its training states are removed then."""
    from training.stages.pipeline import Pipeline

    recipe = cell.variant.recipe(values, where, cell.seed)
    run = folder / "cells" / cell.name
    pipeline = Pipeline(recipe, run, "cpu", display=_Reports(cell.name, tell))
    if cell.variant.whole:
        pipeline.all()
    else:
        pipeline.stage1()
    figures = {stage: _measured(recipe, pipeline, number) for number, stage in enumerate(cell.stages, 1)}
    try:
        with written_beside(figures_path(folder, cell)) as beside:
            beside.write_text(json.dumps(figures, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {figures_path(folder, cell)}: {error.strerror}") from None
    for state in run.rglob("state.ckpt"):
        state.unlink()


def _measured(recipe: Recipe, pipeline: Any, number: int) -> dict[str, dict[str, float]]:
    """By held-out set: metrics of a stage's checkpoint on all of it."""
    from dap_core.model import load_checkpoint
    from training.data.prepared import PreparedSet
    from training.validation import Validation, measured

    config = recipe.stages[f"stage{number}"]
    model = load_checkpoint(pipeline.run.checkpoint(number, config))
    found = {}
    for path in recipe.held_out:
        images = PreparedSet(path)
        samples = [(images.name, images, k) for k in range(len(images))]
        figures = Validation.of(list(measured(model, samples, config.far_beyond_m)))
        found[images.name] = {
            "absrel": figures.all.absrel,
            "delta1": figures.all.delta1,
            "band_absrel": figures.band.absrel,
            "near_absrel": figures.within_10m.absrel,
            "edges_f1": figures.edges,
            "far_iou": figures.far.iou,
        }
    return found


def figures_path(folder: Path, cell: Cell) -> Path:
    """Where a cell's figures lie; they are there when it is done."""
    return folder / "cells" / f"{cell.name}.json"


def read_figures(folder: Path, cell: Cell) -> Figures:
    """What `run_cell` left; InputError for a damaged file."""
    path = figures_path(folder, cell)
    try:
        figures: Figures = json.loads(path.read_text())
        return {stage: figures[stage] for stage in cell.stages}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged figures ({type(error).__name__}); delete it and run again") from None
