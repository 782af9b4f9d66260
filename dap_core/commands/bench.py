"""`dap bench`: what a model and each product of a frame cost on this machine."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dap_core.benchmark.case import Case
    from dap_core.benchmark.record import Record
    from dap_core.benchmark.source import Source

HELP = "time models on every backend, and the products of a frame, on this machine"


def configure(parser: argparse.ArgumentParser) -> None:
    """Sub-commands of `dap bench`; without one, the bundled model on every backend that is installed."""
    commands = parser.add_subparsers(dest="action", metavar="WHAT")
    models = commands.add_parser(
        "models", help="models on backends: time, memory, accuracy, share of the machine's peak (the default)"
    )
    _configure_models(models)
    products = commands.add_parser("products", help="every product of a frame, each alone: milliseconds, no network")
    products.add_argument(
        "--heights", type=int, nargs="+", default=[256, 512], help="rows of the depth image (default: 256 512)"
    )
    products.add_argument("--repeats", type=int, default=60, help="runs of each (default: %(default)s)")
    products.add_argument("--out", type=Path, help="add the figures to this JSON file")
    products.set_defaults(bench=_products)
    report = commands.add_parser("report", help="tables, plot and page from figures that were measured before")
    report.add_argument("figures", type=Path, nargs="+", help="what --out wrote, a file for each machine")
    report.add_argument("--plot", type=Path, help="draw the figures (PNG)")
    report.add_argument("--markdown", type=Path, help="write the tables into this page, between its marks")
    report.set_defaults(bench=_report)
    parser.set_defaults(bench=lambda args: _models(models.parse_args([])))


def _configure_models(models: argparse.ArgumentParser) -> None:
    models.add_argument(
        "models", nargs="*", metavar="MODEL", default=["dap-tiny"], help="a preset, an .onnx or a checkpoint"
    )
    models.add_argument(
        "--backends",
        nargs="+",
        help="tensorrt, onnxruntime, openvino, torch, or a form of one: openvino:f32, onnxruntime:cpu, torch:compiled, "
        "torch:bf16-graphed (default: all that are installed)",
    )
    models.add_argument("--heights", type=int, nargs="+", help="rows of the panorama (default: the model's)")
    models.add_argument("--batches", type=int, nargs="+", default=[1], help="images of one run (default: 1)")
    models.add_argument("--threads", type=int, help="CPU threads (default: the physical cores)")
    models.add_argument(
        "--random-weights", action="store_true", help="measure presets that come without weights with random ones"
    )
    models.add_argument(
        "--against",
        choices=("torch",),
        help="run eager float32 PyTorch in turns with each case, and give the ratio; of an export without a "
        "checkpoint, that of --reference",
    )
    models.add_argument("--image", type=Path, help="panorama that the accuracy is measured on (default: a drawn room)")
    models.add_argument(
        "--reference", metavar="MODEL", help="float32 model that it is measured against (default: the model itself)"
    )
    models.add_argument("--seconds", type=float, default=4.0, help="time for the runs of a case (default: %(default)s)")
    models.add_argument(
        "--turns", type=int, default=5, help="turns of a case at least, however long (default: %(default)s)"
    )
    models.add_argument("--keep", type=Path, help="folder for exports that are made on the way, to be used again")
    models.add_argument("--out", type=Path, help="add the figures to this JSON file, each as it is measured")
    models.add_argument("--resume", action="store_true", help="leave out what --out has already")
    models.add_argument("--machine", help="what the tables call this machine")
    models.add_argument("--plot", type=Path, help="draw the figures (PNG)")
    models.set_defaults(bench=_models)


def run(args: argparse.Namespace) -> int:
    """Run one sub-command."""
    return args.bench(args)


def _models(args: argparse.Namespace) -> int:
    from rich.console import Console

    from dap_core.backends.cpu import cpu_threads
    from dap_core.benchmark.case import Case
    from dap_core.benchmark.child import Failed
    from dap_core.benchmark.opening import check_backend, installed_backends
    from dap_core.benchmark.record import open_record
    from dap_core.benchmark.source import Source
    from dap_core.benchmark.table import print_results

    for name, least, values in (
        ("--seconds", 0, [args.seconds]),
        ("--turns", 1, [args.turns]),
        ("--threads", 1, [args.threads]),
        ("--batches", 1, args.batches),
        ("--heights", 1, args.heights or []),
    ):
        for value in values:
            if value is not None and not value >= least:
                raise InputError(f"{name} is {least} or more, got {value:g}")
    if args.resume and args.out is None:
        raise InputError("--resume needs --out, the file that has figures already")
    for path in (args.out, args.plot):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"cannot write {path}: no such folder")
    backends = [check_backend(name) for name in args.backends or installed_backends()]
    record = open_record(args.out, args.machine)
    console = Console()
    with ExitStack() as stack:
        if args.keep is not None:
            args.keep.mkdir(parents=True, exist_ok=True)
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dap-bench-")))
        sources = [Source(model, folder, args.random_weights) for model in args.models]
        reference = None if args.reference is None else Source(args.reference, folder)
        cases: list[tuple[Source, Case]] = []
        with console.status("looking at the models"):
            for source in sources:
                try:
                    heights = args.heights or [source.spec.height]
                except Failed as error:
                    raise InputError(f"{source.name}: {error}") from None
                cases += [
                    (source, Case(source.name, source.weights, height, batch, backend, args.threads or cpu_threads()))
                    for height in heights
                    for batch in args.batches
                    for backend in backends
                ]
        todo = [(source, case) for source, case in cases if not (args.resume and record.has(case))]
        _measure(args, console, record, todo, folder, reference)
    wanted = {case for _, case in cases}
    results = [result for result in record.sorted_results() if result.case in wanted]
    print_results(console, record, results)
    if args.plot is not None:
        from dap_core.benchmark.plot import write_plot

        write_plot(args.plot, record)
    return 2 if all(result.error for result in results) else 0


def _measure(
    args: argparse.Namespace,
    console: Console,
    record: Record,
    todo: list[tuple[Source, Case]],
    folder: Path,
    reference: Source | None,
) -> None:
    """Every case, with a bar, each into the record as it is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from dap_core.benchmark.child import ask_once
    from dap_core.benchmark.session import Session
    from dap_core.benchmark.turns import Effort
    from dap_core.io.images import read_image

    columns = MofNCompleteColumn(), BarColumn(bar_width=20), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("copying memory", total=len(todo))
        if todo and record.copy_gb_per_s is None:
            record.copy_gb_per_s = ask_once("copy_rate", threads=todo[0][1].threads)
        about = ""

        def tell(what: str, share: float | None) -> None:
            done = "" if share is None else f" {100 * share:.0f} %"
            bar.update(task, description=f"{about}: {what}{done}")

        image = None
        if args.image is not None:
            from dap_core.estimate import check_image

            image = read_image(args.image)
            check_image(image)
        session = Session(
            folder,
            effort=Effort(args.seconds, args.turns),
            against=args.against == "torch",
            image=image,
            reference=reference,
            tell=tell,
        )
        for source, case in todo:
            about = f"{case.model} {case.input} x{case.batch} {case.backend}"
            record.add(session.measure(source, case))
            if args.out is not None:
                record.save(args.out)
            bar.advance(task)


def _products(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from dap_core.benchmark.frame_products import product_cases, time_product
    from dap_core.benchmark.record import Products, open_record

    if args.repeats < 3 or min(args.heights) < 32:
        raise InputError("--repeats is at least 3 and every height at least 32")
    record = None if args.out is None else open_record(args.out, None)
    cases = {f"{height}x{2 * height}": product_cases(height) for height in args.heights}
    figures: Products = {}
    with Progress(transient=True) as progress:
        task = progress.add_task("products", total=sum(len(c) for c in cases.values()))
        for size, runs in cases.items():
            for name, call in runs.items():
                figures.setdefault(name, {})[size] = time_product(call, args.repeats)
                progress.advance(task)
    table = Table(padding=(0, 1, 0, 0), box=None)
    table.add_column("milliseconds, median and p95", no_wrap=True)
    for size in cases:
        table.add_column(size, justify="right", no_wrap=True)
        table.add_column("p95", justify="right", no_wrap=True)
    for name, by_size in figures.items():
        times = [f"{by_size[size][key]:.2f}" for size in cases for key in ("median_ms", "p95_ms")]
        table.add_row(name, *times)
    Console().print(table)
    if record is not None:
        for name, by_size in figures.items():
            record.products.setdefault(name, {}).update(by_size)
        record.save(args.out)
    return 0


def _report(args: argparse.Namespace) -> int:
    from rich.console import Console

    from dap_core.benchmark.record import load_record
    from dap_core.benchmark.table import print_results

    records = [load_record(path) for path in args.figures]
    console = Console()
    for record in records:
        console.print(record.machine["name"], style="bold", highlight=False)
        print_results(console, record, record.sorted_results())
    if args.plot is not None:
        from dap_core.benchmark.plot import write_plot

        if len(records) > 1:
            raise InputError("--plot draws one machine's figures: give one file")
        write_plot(args.plot, records[0])
    if args.markdown is not None:
        from dap_core.benchmark.page import write_page

        write_page(args.markdown, records)
    return 0
