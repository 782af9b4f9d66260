"""`dap train`: the stages of the training pipeline, one by one or all."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.errors import InputError

if TYPE_CHECKING:
    from training.recipe import Recipe
    from training.stages.pipeline import Pipeline

HELP = "train the model: the three stages and what is between them, one by one or all"

STEPS = {
    "prepare": "make the recipe's sets of procedural worlds",
    "stage1": "train the scene-invariant labeler on labelled sets; also from the configuration of a single run",
    "discriminator": "train the discriminator on stage 1's ladder of checkpoints, and test it",
    "label": "label the unlabelled sets by stage 1, and score the labels",
    "select": "choose among the labels by their scores",
    "stage2": "train the realism-invariant labeler on labelled sets and the selection",
    "relabel": "label the unlabelled sets again, by stage 2",
    "report": "write the report of labels and selection",
    "stage3": "train the model on labelled sets and all labels of stage 2",
    "all": "all of these, in this order",
}
#: Steps that processes without torchrun can share, each told its rank.
DEALT = ("label", "relabel")
TRAINED = ("stage1", "stage2", "stage3", "all")


def configure(parser: argparse.ArgumentParser) -> None:
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for name, says in STEPS.items():
        stage = stages.add_parser(name, help=says, description=f"{says}; goes on where an earlier run stopped")
        _configuration(stage, "mini" if name != "stage1" else None)
        stage.add_argument("--out", type=Path, help="folder of the run (default: runs/<name of the recipe>)")
        stage.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
        stage.add_argument("--workers", type=int, default=1, help="processes that render worlds (default: %(default)s)")
        if name in (*TRAINED, "discriminator"):
            stage.add_argument(
                "--resume",
                choices=("auto", "never"),
                default="auto",
                help="auto: go on where an earlier run stopped, if there is one",
            )
            stage.add_argument("--restart", dest="resume", action="store_const", const="never", help="--resume never")
        if name in TRAINED:
            stage.add_argument(
                "--accept-changes", action="store_true", help="go on although the configuration changed; logged"
            )
        if name in DEALT:
            stage.add_argument("--rank", type=int, help="number of this process, from 0 (default: torchrun's)")
            stage.add_argument("--world", type=int, help="processes that share the shards")
    study = stages.add_parser("study", help="what stages, losses and the mask are worth, over several seeds")
    _configuration(study, "mini/study")
    study.add_argument("--out", type=Path, help="folder of the study (default: runs/<name of the recipe>)")
    study.add_argument("--seeds", type=int, default=3, help="how many (default: %(default)s)")
    study.add_argument("--processes", type=int, default=1, help="cells trained at once, a core each (%(default)s)")
    speed = stages.add_parser("speed", help="time a training step here: samples a second, share of the peak, memory")
    speed.add_argument("presets", nargs="*", default=["dap-tiny"], help="default: dap-tiny")
    speed.add_argument("--heights", type=int, nargs="+", help="rows of the panoramas (default: the preset's)")
    speed.add_argument("--batches", type=int, nargs="+", default=[4], help="panoramas of a step (default: 4)")
    speed.add_argument(
        "--precisions", nargs="+", default=["bf16-mixed"], help="bf16-mixed, 32-true (default: the first)"
    )
    speed.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    speed.add_argument("--seconds", type=float, default=10.0, help="time for each case (default: %(default)s)")
    cost = stages.add_parser("cost", help="what a recipe costs: panoramas, GPU-hours, money")
    _configuration(cost, "h20/8gpu")


def _configuration(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--config",
        default=default,
        required=default is None,
        help="a YAML file, or the name of one in config/training, as h20/8gpu"
        + ("" if default is None else " (default: %(default)s)"),
    )


def run(args: argparse.Namespace) -> int:
    if args.stage == "speed":
        return _speed(args)
    from training.recipe import find, is_recipe, load_recipe
    from training.trainer import Interrupted

    path = find(args.config)
    try:
        if args.stage == "stage1" and not is_recipe(path):
            return _single(args, path)
        if args.stage == "study":
            return _study(args, path)
        recipe = load_recipe(path)
        if args.stage == "cost":
            return _cost(recipe)
        return _step(args, recipe)
    except Interrupted as stop:
        print(stop)
        return 3


def _single(args: argparse.Namespace, path: Path) -> int:
    from training.config import load_config
    from training.display import Display
    from training.processes import this_rank
    from training.stages.stage1 import train_stage1

    config = load_config(path)
    folder = args.out or Path("runs") / path.stem
    with Display(shown=this_rank().rank == 0) as display:
        checkpoint = train_stage1(config, folder, args.resume == "never", args.device, args.accept_changes, display)
    _wrote(checkpoint)
    return 0


def _step(args: argparse.Namespace, recipe: Recipe) -> int:
    from training.display import Display
    from training.processes import Processes, Rank, this_rank
    from training.stages.pipeline import Pipeline

    if (getattr(args, "rank", None) is None) != (getattr(args, "world", None) is None):
        raise InputError("--rank and --world go together")
    rank = None if getattr(args, "rank", None) is None else Rank(args.rank, args.world)
    with Display(shown=this_rank().rank == 0) as display:
        pipeline = Pipeline(
            recipe,
            args.out or Path("runs") / recipe.name,
            device=args.device,
            restart=getattr(args, "resume", "auto") == "never",
            accept_changes=getattr(args, "accept_changes", False),
            workers=args.workers,
            display=display,
            processes=Processes(args.device, rank),
        )
        if args.stage == "stage1":
            pipeline.prepare()
        result = getattr(pipeline, args.stage)()
    if this_rank().rank == 0:
        _said(args.stage, result, pipeline)
    return 0


def _said(stage: str, result: object, pipeline: Pipeline) -> None:
    if stage in DEALT:
        folder = pipeline.run.path / ("labels1" if stage == "label" else "labels2")
        print(f"{folder}: " + ("every panorama is labelled" if result else "this process's shards are labelled"))
    elif stage in TRAINED:
        _wrote(Path(str(result)))
    elif result is not None:
        print(f"wrote {result}")


def _wrote(checkpoint: Path) -> None:
    print(f"wrote {checkpoint}; next: dap export onnx {checkpoint} {checkpoint.with_suffix('.onnx')}")


def _study(args: argparse.Namespace, path: Path) -> int:
    from rich.console import Console

    from training.config import read_values
    from training.data.prepared import PreparedSet
    from training.display import Display
    from training.recipe import build_recipe
    from training.stages.pipeline import Pipeline
    from training.study.cells import TABLES
    from training.study.run import run_cells
    from training.study.tables import rich_table, values_of, write_study

    if args.seeds < 1 or args.processes < 1:
        raise InputError(f"at least 1 seed and 1 process, got {args.seeds} and {args.processes}")
    values = read_values(path)
    recipe = build_recipe(values, str(path), path.stem)
    folder, seeds = args.out or Path("runs") / recipe.name, range(args.seeds)
    with Display() as display:
        Pipeline(recipe, folder, "cpu", workers=args.processes, display=display).prepare()
        (folder / "cells").mkdir(exist_ok=True)
        figures = run_cells(values, str(path), folder, seeds, args.processes, display)
    held_out = [PreparedSet(one).name for one in recipe.held_out][::-1]
    lead = f"`dap train study --config {args.config} --seeds {args.seeds}`, with {path.name} as it is."
    paths = write_study(folder, figures, seeds, held_out, lead)
    console = Console()
    for table in TABLES:
        for name in held_out:
            console.print(rich_table(table, values_of(table, figures, seeds, name), name))
    print("wrote " + ", ".join(map(str, paths)))
    return 0


def _cost(recipe: Recipe) -> int:
    from rich.console import Console
    from rich.table import Table

    from training.cost import costs

    machine = recipe.machine
    rows = costs(recipe.name, recipe.stages, recipe.machine)
    assert machine is not None  # costs() has looked
    table = Table("step", "panoramas", "GPU-hours", f"hours on {machine.gpus} GPUs", "price")
    total = sum(row.gpu_hours for row in rows)
    for name, panoramas, hours in [*((r.step, f"{r.panoramas:,}", r.gpu_hours) for r in rows), ("all", "", total)]:
        price = f"{hours * machine.price:,.0f}" if machine.price else ""
        table.add_row(name, panoramas, f"{hours:.1f}", f"{hours / machine.gpus:.1f}", price)
    Console().print(table)
    return 0


def _speed(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from dap_core.benchmark.turns import Effort
    from dap_core.model import PRESETS
    from training.display import Display
    from training.speed import Case, measure

    if not args.seconds > 0:
        raise InputError(f"--seconds is above 0, got {args.seconds:g}")
    cases = [
        Case(preset, height, batch, precision)
        for preset in args.presets
        for height in args.heights or [PRESETS[preset].height if preset in PRESETS else 0]
        for precision in args.precisions
        for batch in args.batches
    ]
    table = Table(
        "model", "precision", "batch", "GFLOP a sample", "samples/s", "ms a step", "of peak", "peak, GFLOP/s", "MB"
    )
    with Display() as display:
        for case in cases:
            model = f"{case.preset}, {case.height}x{2 * case.height}"
            what = f"{model}, {case.precision}, batch {case.batch}"
            try:
                found = measure(
                    case,
                    args.device,
                    Effort(args.seconds, turns=3, slice_s=args.seconds / 20),
                    lambda share, what=what: display(what, round(100 * share), 100),  # type: ignore[misc]
                )
            except InputError as error:
                table.add_row(model, case.precision, str(case.batch), str(error))
                continue
            table.add_row(
                *(model, case.precision, str(case.batch)),
                *(f"{found.sample_flops / 1e9:.4g}", f"{found.samples_per_second:.3g}", f"{1e3 * found.step_s:.0f}"),
                *(f"{100 * found.share:.0f} %", f"{found.peak_flops / 1e9:.0f}"),
                "-" if found.peak_bytes is None else f"{found.peak_bytes / 1e6:.0f}",
            )
    Console().print(table)
    return 0
