"""`dap infer`: depth of panoramas."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dap_core.estimate import DepthEstimator

HELP = "metric depth of panoramas: images and folders"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="equirectangular images (2:1), or folders of them")
    parser.add_argument("--model", default="dap-tiny", help="a preset, an .onnx or a checkpoint (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="auto, onnxruntime, openvino or torch (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results (default: %(default)s)")
    parser.add_argument("--ply", action="store_true", help="write a coloured point cloud of each, too")
    parser.add_argument("--threads", type=int, help="CPU threads (default: the physical cores)")


def run(args: argparse.Namespace) -> int:
    """For every image write OUT/<stem>_range.npy and _range.png; 0, or 2 where an image could not be used."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dap_core.errors import InputError
    from dap_core.estimate import DepthEstimator
    from dap_core.io.images import find_images

    paths = find_images(args.images)
    names = output_names(paths)
    console = Console()
    failures: list[str] = []
    with DepthEstimator.open(args.model, args.backend, threads=args.threads) as estimator:
        try:
            args.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {args.out}: {error.strerror}") from None
        spec = estimator.spec
        console.print(f"{spec.name} at {spec.width}x{spec.height}, {estimator.backend.reason}", highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("panoramas", total=len(paths))
            for path, name in zip(paths, names, strict=True):
                bar.update(task, description=name)
                try:
                    line = _infer_one(estimator, path, args.out, name, args.ply)
                    bar.console.print(line, highlight=False, soft_wrap=True)
                except InputError as error:
                    failures.append(str(error))
                bar.advance(task)
    done = len(paths) - len(failures)
    console.print(f"{done} of {len(paths)} panoramas written to {args.out}", highlight=False, soft_wrap=True)
    for failure in failures:
        print(f"dap infer: {failure}", file=sys.stderr)
    return 2 if failures else 0


def output_names(paths: Sequence[Path]) -> list[str]:
    """A name for each image's results: its stem, and `<stem>-2`, `<stem>-3` for later ones of the same stem."""
    stems = {path.stem for path in paths}
    taken: set[str] = set()
    names = []
    for path in paths:
        name, number = path.stem, 2
        while name in taken:
            candidate = f"{path.stem}-{number}"
            name = candidate if candidate not in stems else name
            number += 1
        taken.add(name)
        names.append(name)
    return names


def _infer_one(estimator: DepthEstimator, path: Path, out: Path, name: str, ply: bool) -> str:
    """Write the results of one image; returns a line about them."""
    import numpy as np

    from dap_core.errors import InputError
    from dap_core.io.depth_files import write_range
    from dap_core.io.images import read_image
    from dap_core.io.ply import write_ply
    from dap_core.picture import save_range_png
    from dap_core.products.cloud import organised_points

    image = read_image(path)
    try:
        prepared = estimator.prepare(image)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    range_m, far = estimator.infer(prepared)
    depth = estimator.finish(range_m[0], far[0])
    write_range(out / f"{name}_range.npy", depth.range_m)
    save_range_png(out / f"{name}_range.png", depth.range_m, title=name, image=prepared[0])
    if ply:
        write_ply(out / f"{name}.ply", organised_points(depth)[depth.near], prepared[0][depth.near])
    near = depth.range_m[depth.near]
    seen = f"{near.min():.2f} to {near.max():.1f} m, median {np.median(near):.2f}" if near.size else "nothing near"
    return f"{name}: {seen}, far {100 * depth.far.mean():.0f} %" + ("" if name == path.stem else f" ({path})")
