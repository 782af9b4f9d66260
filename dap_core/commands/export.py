"""`dap export`: compile a model."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

HELP = "write a model as a file that runs without torch"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the formats and their arguments."""
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True)
    onnx = formats.add_parser("onnx", help="one .onnx file for ONNX Runtime, OpenVINO and TensorRT")
    onnx.add_argument("model", help="a checkpoint (.safetensors, released .pth), or the preset dap-tiny")
    onnx.add_argument("out", type=Path, help="the .onnx file to write")
    onnx.add_argument("--height", type=int, help="rows of the panorama; columns are twice that (default: the model's)")
    onnx.add_argument(
        "--half",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="store weights in float16, computing in float32 (default: yes)",
    )
    onnx.add_argument("--opset", type=int, help="ONNX operator set (default: 20)")
    onnx.set_defaults(export=_onnx)

    tensorrt = formats.add_parser("tensorrt", help="a TensorRT engine for the GPU of this machine")
    tensorrt.add_argument("model", help="an exported .onnx, or the preset dap-tiny")
    tensorrt.add_argument(
        "out",
        type=Path,
        nargs="?",
        help="the .engine file to write (default: into the cache, where the backend looks for it)",
    )
    tensorrt.add_argument(
        "--precision", choices=("bf16", "fp16", "float32"), help="of the products (default: bf16; before Ampere, fp16)"
    )
    tensorrt.add_argument("--batch", type=int, default=1, help="images of one run (default: %(default)s)")
    tensorrt.add_argument(
        "--image",
        type=Path,
        action="append",
        default=[],
        help="a panorama to compare on, beside the built-in pictures; may be given several times",
    )
    tensorrt.set_defaults(export=_tensorrt)

    int8 = formats.add_parser("int8", help="an exported .onnx with products in int8 (Q/DQ), calibrated on panoramas")
    int8.add_argument("model", help="an exported .onnx, or the preset dap-tiny")
    int8.add_argument("out", type=Path, help="the .onnx file to write")
    int8.add_argument(
        "--images",
        type=Path,
        required=True,
        help="folder of panoramas like those it will see, best with their range (hall.jpg and hall.npy, hall_rgb.png "
        "and hall_range.npy); `dap worlds pairs` renders one. Judge the result by others",
    )
    int8.add_argument("--count", type=int, help="panoramas to take of them, evenly spread (default: all)")
    int8.add_argument(
        "--median", type=float, default=1.0, help="%% that the depth may move, median (default: %(default)s)"
    )
    int8.add_argument(
        "--absrel",
        type=float,
        default=1.0,
        help="%% that AbsRel of any group could move, every difference pointing the wrong way (default: %(default)s)",
    )
    int8.set_defaults(export=_int8)


def run(args: argparse.Namespace) -> int:
    """Export, with a progress bar and a parity report; 0 when the file is written."""
    return args.export(args)


def _onnx(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from dap_core.backends.models import resolve_model
    from dap_core.errors import InputError

    if args.height is not None and args.height < 1:
        raise InputError(f"--height must be positive, got {args.height}")
    if args.opset is not None and not 18 <= args.opset <= 23:
        raise InputError(f"--opset must be 18 to 23, got {args.opset}")
    checkpoint = resolve_model(args.model, for_torch=True)

    from dap_core.export.onnx import OPSET, export_onnx
    from dap_core.model import load_checkpoint

    console = Console()
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"reading {checkpoint.name}", total=None)
        comparisons = export_onnx(
            load_checkpoint(checkpoint),
            args.out,
            height=args.height,
            half=args.half,
            opset=args.opset or OPSET,
            progress=lambda step: bar.update(task, description=step),
        )
    table = Table("compared", "on", "median", "p99", "largest", "far flips", title="relative range difference")
    for c in comparisons:
        numbers = (f"{v:.1e}" for v in (c.median, c.p99, c.largest, c.far_flips))
        table.add_row(c.question, c.image, *numbers)
    console.print(table)
    size = sum(f.stat().st_size for f in (args.out, Path(f"{args.out}.data")) if f.exists())
    console.print(f"wrote {args.out}, {size / 1e6:.1f} MB")
    return 0


def _tensorrt(args: argparse.Namespace) -> int:
    from dap_core.backends import BackendUnavailable, backend_module
    from dap_core.backends.models import EXPORTS, resolve_model
    from dap_core.errors import InputError

    if args.batch < 1:
        raise InputError(f"--batch must be at least 1, got {args.batch}")
    if args.out is None and (args.batch > 1 or args.precision is not None):
        raise InputError(
            "the cache holds what the backend builds by itself: for another batch or precision, name a file"
        )
    if args.out is not None and args.out.suffix != ".engine":
        raise InputError(f"an engine's name ends in .engine, got {args.out}")
    if args.out is not None and not args.out.parent.is_dir():
        raise InputError(f"cannot write {args.out}: no such folder")
    exported = resolve_model(args.model, for_torch=False)
    if exported.suffix.lower() not in EXPORTS:
        raise InputError(f"{exported}: an engine is built from an exported .onnx")
    backend = backend_module("tensorrt")
    gpu = backend.usable_gpu()
    if importlib.util.find_spec("onnx") is None:
        raise BackendUnavailable("building an engine needs onnx, which is not installed: pip install onnx")

    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from dap_core.backends.engine_cache import EngineCache
    from dap_core.backends.engine_file import Engine, file_sha256, write_engine
    from dap_core.estimate import check_image
    from dap_core.export.tensorrt import build_engine
    from dap_core.io.images import read_image

    cache = EngineCache()
    precision = args.precision or backend.default_precision(gpu)
    key = backend.engine_key(file_sha256(exported), gpu, precision, args.batch)
    images = {path.name: read_image(path) for path in args.image}
    for image in images.values():
        check_image(image)
    console = Console()
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(what: str, share: float | None) -> None:
            bar.update(task, description=what, completed=share or 0.0, total=None if share is None else 1.0)

        def build() -> Engine:
            return build_engine(exported, key, gpu, cache, images=images, progress=progress)

        if args.out is None:
            engine, where = cache.obtain(key, exported.stem, build, progress)
        else:
            engine = build()
            write_engine(args.out, engine)
            where = f"wrote {args.out}, {args.out.stat().st_size / 1e6:.1f} MB"
    for line in engine.report:
        console.print(line, highlight=False)
    console.print(where)
    return 0


def _int8(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from dap_core.backends.models import EXPORTS, resolve_model
    from dap_core.errors import InputError

    if args.count is not None and args.count < 1:
        raise InputError(f"--count must be positive, got {args.count}")
    for name, value in (("--median", args.median), ("--absrel", args.absrel)):
        if not value > 0:
            raise InputError(f"{name} must be above 0 %, got {value:g}")
    exported = resolve_model(args.model, for_torch=False)
    if exported.suffix.lower() not in EXPORTS:
        raise InputError(f"{exported}: int8 is made from an exported .onnx")

    from dap_core.export.int8 import export_int8, read_panoramas
    from dap_core.export.int8_trials import Budget

    console = Console()
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading panoramas", total=None)

        def progress(what: str, share: float | None) -> None:
            bar.update(task, description=what, completed=share or 0.0, total=None if share is None else 1.0)

        report = export_int8(
            exported,
            args.out,
            read_panoramas(args.images, args.count),
            budget=Budget(args.median / 100, args.absrel / 100),
            progress=progress,
        )
    cost = report.cost
    table = Table("of the depth", "", title=f"int8 against float32, on {report.validated} panoramas not calibrated on")
    table.add_row("median relative difference, mean", f"{100 * cost.median:.2f} %")
    table.add_row("mean relative difference", f"{100 * cost.mean:.2f} %")
    table.add_row("turned far or near", f"{100 * cost.far_flips:.3f} %")
    for group, (before, after, moved) in sorted(cost.absrel.items()):
        change, possible = 100 * (after / before - 1), 100 * moved / before
        table.add_row(f"AbsRel {group}", f"{before:.4f} to {after:.4f}, {change:+.2f} % (at most {possible:.2f} %)")
    console.print(table)
    console.print(
        f"wrote {args.out}, {args.out.stat().st_size / 1e6:.1f} MB: {report.quantized} of {report.products} products "
        f"in int8, calibrated on {report.calibrated} panoramas",
        highlight=False,
    )
    return 0
