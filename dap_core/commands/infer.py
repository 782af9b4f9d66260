"""`dap infer`: depth of panoramas."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.commands.input_option import add_input_option, panorama_input

if TYPE_CHECKING:
    from rich.progress import Progress

    from dap_core.estimate import DepthEstimator
    from dap_core.panorama_input import PanoramaInput

HELP = "metric depth of panoramas: images, folders and videos"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="equirectangular images or videos (2:1), or folders of images"
    )
    parser.add_argument("--model", default="dap-tiny", help="a preset, an .onnx or a checkpoint (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="auto, onnxruntime, openvino or torch (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results (default: %(default)s)")
    parser.add_argument("--ply", action="store_true", help="write a coloured point cloud of each, too")
    parser.add_argument("--threads", type=int, help="CPU threads (default: the physical cores)")
    add_input_option(parser)


def run(args: argparse.Namespace) -> int:
    """For every image write OUT/<stem>_range.npy and _range.png, for every video OUT/<stem>_depth.mp4; 0, or 2 where
    one could not be used.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dap_core.errors import InputError
    from dap_core.estimate import DepthEstimator
    from dap_core.io.images import find_images
    from dap_core.io.video import is_video

    source = panorama_input(args.input)
    videos = [Path(path) for path in args.images if is_video(path) and not Path(path).is_dir()]
    paths = find_images(path for path in args.images if Path(path) not in videos)
    work = [*zip(paths, output_names(paths), strict=True), *zip(videos, output_names(videos), strict=True)]
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
            task = bar.add_task("panoramas", total=len(work))
            for path, name in work:
                bar.update(task, description=name)
                try:
                    if path in videos:
                        line = _film_of(estimator, source, path, args.out / f"{name}_depth.mp4", bar)
                    else:
                        line = _infer_one(estimator, source, path, args.out, name, args.ply)
                    bar.console.print(line, highlight=False, soft_wrap=True)
                except InputError as error:
                    failures.append(str(error))
                bar.advance(task)
    what = "panoramas" if not videos else "panoramas and videos" if paths else "videos"
    done = len(work) - len(failures)
    console.print(f"{done} of {len(work)} {what} written to {args.out}", highlight=False, soft_wrap=True)
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


def _infer_one(estimator: DepthEstimator, source: PanoramaInput, path: Path, out: Path, name: str, ply: bool) -> str:
    """Write the results of one image; returns a line about them."""
    import numpy as np

    from dap_core.errors import InputError
    from dap_core.io.depth_files import write_range
    from dap_core.io.images import read_image
    from dap_core.io.ply import write_ply
    from dap_core.picture import save_range_png
    from dap_core.products.cloud import organised_points
    from dap_core.products.edges import without

    image = read_image(path)
    try:
        panorama, unknown = source.panorama(image, estimator.spec.height)
        prepared = estimator.prepare(panorama)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    range_m, far = estimator.infer(prepared)
    depth = estimator.finish(range_m[0], far[0])
    if unknown is not None:
        depth = without(depth, unknown)
    write_range(out / f"{name}_range.npy", depth.range_m)
    save_range_png(out / f"{name}_range.png", depth.range_m, title=name, image=prepared[0])
    if ply:
        write_ply(out / f"{name}.ply", organised_points(depth)[depth.near], prepared[0][depth.near])
    near = depth.range_m[depth.near]
    seen = f"{near.min():.2f} to {near.max():.1f} m, median {np.median(near):.2f}" if near.size else "nothing near"
    return f"{name}: {seen}, far {100 * depth.far.mean():.0f} %" + ("" if name == path.stem else f" ({path})")


def _film_of(estimator: DepthEstimator, source: PanoramaInput, path: Path, out: Path, bar: Progress) -> str:
    """Write the film of one video; returns a line about it."""
    from dap_core.offline.film import make_film

    task = bar.add_task(path.name, total=None)

    def advance(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total or None)

    report = make_film(path, out, estimator, source, advance)
    before = f", {report.resumed} of them from an earlier run" if report.resumed else ""
    short = f"; it announced {report.announced}" if report.frames < report.announced else ""
    return f"{out.name}: {report.frames} frames{before}{short}"
