"""`dap export`: compile a model."""

from __future__ import annotations

import argparse
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
