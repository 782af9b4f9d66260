"""`dap worlds`: contact sheets, stores, image and range pairs, and walks of procedural worlds."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELP = (
    "Render procedural panoramas with exact range: a contact sheet, a store of scenes, a plain folder, a walk as a bag."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

    sheet = commands.add_parser("sheet", help="a PNG with many scenes, each over its range in colour")
    sheet.add_argument("--out", type=Path, default=Path("worlds.png"), help="the PNG (default: %(default)s)")
    sheet.add_argument("--count", type=_positive, default=40, help="scenes (default: %(default)s)")
    sheet.add_argument("--kind", help="only this kind of world")
    sheet.add_argument("--seed", type=int, default=0, help="seed of the first scene (default: %(default)s)")
    sheet.add_argument("--columns", type=_positive, default=8, help="scenes in a row (default: %(default)s)")
    sheet.add_argument("--tile", type=_positive, default=256, help="width of a scene in pixels (default: %(default)s)")

    render = commands.add_parser("render", help="fill a store of scenes; goes on where an earlier run stopped")
    render.add_argument("--config", type=Path, help="fill the stores of this training configuration, instead of --out")
    render.add_argument("--out", type=Path, help="folder of the store")
    render.add_argument("--count", type=_positive, help="scenes to have")
    render.add_argument("--start", type=int, default=0, help="first scene (default: %(default)s)")
    render.add_argument("--seed", type=int, default=0, help="base seed of the store (default: %(default)s)")

    pairs = commands.add_parser("pairs", help="a plain folder of images and ranges, for dap export int8 and dap eval")
    pairs.add_argument("--out", type=Path, required=True, help="the folder")
    pairs.add_argument("--count", type=_positive, default=48, help="scenes (default: %(default)s)")
    pairs.add_argument(
        "--seed", type=int, help="seed of the first scene (default: one of scenes that no training or test has seen)"
    )

    walk = commands.add_parser("walk", help="a walk through one world as a bag of images and ranges")
    walk.add_argument("--out", type=Path, required=True, help="folder of the bag, not there yet")
    walk.add_argument("--kind", help="kind of world")
    walk.add_argument("--seed", type=int, default=0, help="seed of the world (default: %(default)s)")
    walk.add_argument("--frames", type=_positive, default=40, help="frames (default: %(default)s)")
    walk.add_argument("--rate", type=float, default=10.0, help="frames a second (default: %(default)s)")
    walk.add_argument("--samples", type=_positive, default=4, help="colour samples a pixel (default: %(default)s)")

    for command in (sheet, render, pairs, walk):
        command.add_argument("--height", type=_positive, default=256, help="rows of a panorama (default: %(default)s)")
        command.add_argument("--device", default="cpu", help="cpu or cuda:0 (default: %(default)s)")
    for command in (sheet, render, pairs):
        command.add_argument("--workers", type=_positive, default=workers, help="processes (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Run one sub-command."""
    actions: dict[str, Callable[[argparse.Namespace], None]] = {
        "sheet": _sheet,
        "render": _render,
        "pairs": _pairs,
        "walk": _walk,
    }
    actions[args.action](args)
    return 0


def _sheet(args: argparse.Namespace) -> None:
    import cv2

    from training.worlds.contact import sheet

    jobs = [(args.seed + k, args.height, args.device, args.kind, args.tile) for k in range(args.count)]
    tiles = list(_progress("scenes", _spread(_tile, jobs, args.workers), len(jobs)))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    beside = args.out.with_name(f".{os.getpid()}.{args.out.stem}.png")
    cv2.imwrite(str(beside), sheet(tiles, args.columns)[..., ::-1])
    os.replace(beside, args.out)
    print(f"{args.out}: {len(tiles)} scenes, seeds {args.seed} to {args.seed + args.count - 1}")


def _tile(job: tuple[int, int, str, str | None, int]) -> NDArray[np.uint8]:
    from training.worlds.contact import tile
    from training.worlds.sample import make_sample

    seed, height, device, kind, width = job
    return tile(make_sample(seed, height, device, kind), width)


def _render(args: argparse.Namespace) -> None:
    from training.worlds.store import WorldsStore

    if args.start < 0:
        raise InputError(f"--start must be 0 or more, got {args.start}")
    if (args.config is None) == (args.out is None) or (args.out is not None and args.count is None):
        raise InputError("give either --config FILE, or --out FOLDER with --count N")
    if args.config is not None:
        from training.config import load_config
        from training.data.stores import training_store

        config = load_config(args.config)
        stores = [(training_store(config.data, phase.height), phase.scenes) for phase in config.phases]
    else:
        stores = [(WorldsStore(args.out, args.seed, args.height), args.count)]
    for store, count in stores:
        missing = [k for k in range(args.start, args.start + count) if k not in store]
        jobs = [(str(store.folder), store.base_seed, store.height, args.device, store.kinds, k) for k in missing]
        for _ in _progress("scenes", _spread(_make, jobs, args.workers), len(jobs)):
            pass
        print(f"{store.folder}: {len(missing)} scenes made, {count - len(missing)} were there")


def _make(job: tuple[str, int, int, str, tuple[str, ...], int]) -> None:
    from training.worlds.store import WorldsStore

    folder, seed, height, device, kinds, index = job
    WorldsStore(folder, seed, height, device, kinds).make(index)


def _pairs(args: argparse.Namespace) -> None:
    from training.data.stores import split_seed

    first = split_seed(0, args.height, "calibration") if args.seed is None else args.seed
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write into {args.out}: {error.strerror}") from None
    jobs = [(str(args.out), first + k, k, args.height, args.device) for k in range(args.count)]
    groups = Counter(_progress("scenes", _spread(_pair, jobs, args.workers), len(jobs)))
    print(f"{args.out}: {', '.join(f'{n} scenes {group}' for group, n in sorted(groups.items()))}")


def _pair(job: tuple[str, int, int, int, str]) -> str:
    """Write one scene as image and range, named by its group; returns that."""
    from dap_core.io.depth_files import write_range
    from dap_core.io.images import write_image
    from training.worlds import indoor
    from training.worlds.sample import make_sample

    folder, seed, index, height, device = job
    sample = make_sample(seed, height, device)
    group = "indoors" if sample.kind in indoor.KINDS else "outdoors"
    stem = Path(folder) / f"{group}_{index:04d}"
    write_image(stem.with_name(f"{stem.name}_rgb.png"), sample.image)
    write_range(stem.with_name(f"{stem.name}_range.npy"), sample.range_m)
    return group


def _walk(args: argparse.Namespace) -> None:
    from training.worlds.kinds import make_world
    from training.worlds.walk import write_walk

    if not args.rate > 0.0:
        raise InputError(f"--rate must be above 0, got {args.rate}")
    world = make_world(args.seed, args.kind)
    with _bar() as bar:
        task = bar.add_task("frames", total=args.frames)
        report = write_walk(
            args.out,
            world,
            frames=args.frames,
            rate_hz=args.rate,
            height=args.height,
            samples=args.samples,
            device=args.device,
            seed=args.seed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(
        f"{args.out}: {report.frames} frames through {world.kind} {args.seed}, {report.metres:.1f} m, "
        f"{report.size_bytes / 1e6:.1f} MB, nearest surface {report.nearest_m:.2f} m"
    )


def _spread(function: Callable[[Any], Any], jobs: list[Any], workers: int) -> Iterator[Any]:
    """Results in order, from as many processes; in this one when there is one worker or one job."""
    if min(workers, len(jobs)) <= 1:
        yield from map(function, jobs)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from training.workers import begin

    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), initializer=begin) as pool:
        try:
            yield from pool.map(function, jobs)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _bar() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )


def _progress(name: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    """The items, with a bar, the rate and the time left."""
    from time import monotonic

    with _bar() as bar:
        task = bar.add_task(name, total=total)
        start = monotonic()
        for k, item in enumerate(items, 1):
            bar.update(task, completed=k, description=f"{name} {k / (monotonic() - start):.1f}/s")
            yield item


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value
