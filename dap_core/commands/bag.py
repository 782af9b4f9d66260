"""`dap bag`: what a recording holds, the model over it, and how good its depth is."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dap_core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dap_core.estimate import DepthEstimator
    from dap_core.io.bag_reader import Bag
    from dap_core.offline.settings import OfflineSettings

HELP = "recorded bags without ROS: what is in one, the model over it, depth against lidar or a depth topic"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    info = actions.add_parser("info", help="topics, rates, sizes, and what `run` and `eval` would take")
    info.add_argument("bag", type=Path, help="bag folder, .mcap or .db3")
    info.add_argument("--full", action="store_true", help="read every message: bytes of each topic, longest pause")

    what = "write depth, masks, points and scan for every panorama, the rest as it is"
    run = actions.add_parser("run", help=what, description=f"{what}; stopped, the same command goes on where it was")
    run.add_argument("bag", type=Path, metavar="IN", help="bag folder, .mcap or .db3")
    run.add_argument("out", type=Path, metavar="OUT", help="bag folder, or a name that ends in .mcap or .db3")
    _model_arguments(run)
    run.add_argument("--namespace", help="namespace of the outputs (default: the image topic's own)")
    run.add_argument("--storage", choices=("mcap", "sqlite3"), help="default: by OUT's suffix, else mcap")
    run.add_argument("--no-compression", action="store_true", help="do not pack the output with zstd")
    run.add_argument("--exclude", action="append", default=[], metavar="TOPIC", help="do not pass this topic on")
    run.add_argument("--replace", action="store_true", help="leave out recorded topics that the outputs are named like")

    measure = actions.add_parser("eval", help="depth against a depth topic or lidar of the same bag")
    measure.add_argument("bag", type=Path, help="bag folder, .mcap or .db3")
    measure.add_argument("--truth", required=True, metavar="TOPIC", help="range image, PointCloud2 or LaserScan")
    measure.add_argument("--depth", metavar="TOPIC", help="recorded range image (default: run the model on --topic)")
    _model_arguments(measure)
    measure.add_argument(
        "--extrinsics", type=Path, metavar="FILE", help="YAML pose of the truth's sensor (default: TF)"
    )
    measure.add_argument("--fixed-frame", default="", help="odometry frame of /tf that undoes motion between stamps")
    measure.add_argument(
        "--max-dt", type=float, default=0.05, help="seconds between the stamps of a pair at most (default: %(default)s)"
    )
    measure.add_argument(
        "--time-offset", type=float, default=0.0, help="seconds added to the truth's stamps (default: %(default)s)"
    )
    measure.add_argument(
        "--min-range", type=float, default=0.3, help="metres; nearer returns are the robot (default: %(default)s)"
    )
    measure.add_argument("--max-range", type=float, help="metres to compare to (default: the model's limit, or 100)")
    measure.add_argument("--truth-unit", choices=("m", "mm"), default="m", help="of the truth (default: %(default)s)")
    measure.add_argument("--out", type=Path, default=Path("bag_eval"), help="report's folder (default: %(default)s)")


def _model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", action="append", default=[], help="panoramas (default: every topic that has them)")
    parser.add_argument("--model", help="a preset, an .onnx or a checkpoint (default: --params', else dap-tiny)")
    parser.add_argument("--backend", help="what runs it (default: --params', else auto)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: the physical cores)")
    parser.add_argument("--params", type=Path, metavar="YAML", help="the node's parameter file")
    parser.add_argument(
        "--imu", default="", metavar="TOPIC", help="of the camera (default: beside it, or the only one)"
    )


def run(args: argparse.Namespace) -> int:
    """Do one of the three; 0, or 2 where a panorama could not be used."""
    from rich.console import Console

    return {"info": _info, "run": _run, "eval": _eval}[args.action](args, Console())


def _info(args: argparse.Namespace, console: Console) -> int:
    from rich.table import Table

    from dap_core.io.bag_reader import open_bag
    from dap_core.offline.topics import roles

    with open_bag(args.bag) as bag:
        found, read = roles(bag), _read_through(bag) if args.full else {}
        compressed = f", compressed ({bag.compression})" if bag.compression else ""
        console.print(
            f"{args.bag}: {bag.storage}{compressed}, {_bytes(bag.size_bytes)}, {bag.count} messages in "
            f"{bag.duration_s:.2f} s",
            highlight=False,
            soft_wrap=True,
        )
        table = Table()
        table.add_column("topic", no_wrap=True)
        table.add_column("type", overflow="fold")
        table.add_column("what", overflow="fold")
        for heading in ("messages", "Hz", *(("bytes", "longest pause") if read else ())):
            table.add_column(heading, justify="right")
        for name, topic in bag.topics.items():
            rate = f"{(topic.count - 1) / bag.duration_s:.1f}" if topic.count > 1 and bag.duration_s else ""
            what = " ".join(part for part in (_WHAT.get(found[name].name, ""), found[name].detail) if part)
            extra = [_bytes(read[name][0]), f"{read[name][1]:.2f} s"] if read else []
            table.add_row(name, topic.type.replace("/msg/", "/"), what, str(topic.count), rate, *extra)
        console.print(table)
        for line in _uses(bag, found):
            console.print(line, highlight=False, soft_wrap=True)
    return 0


#: Roles of topics in words.
_WHAT = {
    "panorama": "panorama",
    "range": "range image",
    "image": "image",
    "cloud": "lidar",
    "scan": "laser scan",
    "imu": "IMU",
    "transforms": "TF",
    "odometry": "odometry",
    "depth": "depth of depth_node",
    "own": "output of depth_node",
}


def _uses(bag: Bag, found: dict[str, Any]) -> list[str]:
    """What `run` and `eval` would take of a bag."""
    from dap_core.offline.topics import namespace_of, panoramas

    try:
        topics = panoramas(bag)
        below = ", ".join(namespace_of(t) or "/" for t in topics)
        run = f"dap bag run takes {', '.join(topics)} and writes below {below}"
    except InputError as error:
        run = f"dap bag run: {str(error).removeprefix(f'{bag.path}: ')}"
    truths, depths = (
        [name for name, role in found.items() if role.name in names and bag.topics[name].count]
        for names in (("cloud", "scan", "range"), ("depth",))
    )
    if not truths:
        return [run, "dap bag eval: no lidar, laser scan or range image to compare with"]
    recorded = f", --depth {' or '.join(depths)}" if depths else ""
    return [run, f"dap bag eval can take --truth {' or '.join(truths)}{recorded}"]


def _read_through(bag: Bag) -> dict[str, tuple[int, float]]:
    """Bytes and longest pause (seconds) of every topic, from reading all of the bag."""
    sizes, last, pauses = dict.fromkeys(bag.topics, 0), dict[str, int](), dict.fromkeys(bag.topics, 0.0)
    for raw in bag.raw():
        sizes[raw.topic] += len(raw.data)
        pauses[raw.topic] = max(pauses[raw.topic], 1e-9 * (raw.stamp_ns - last.get(raw.topic, raw.stamp_ns)))
        last[raw.topic] = raw.stamp_ns
    return {name: (sizes[name], pauses[name]) for name in bag.topics}


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _run(args: argparse.Namespace, console: Console) -> int:
    from dap_core.offline.run import RunOptions, run_bag

    options = RunOptions(
        topics=tuple(args.topic),
        namespace=args.namespace,
        imu=args.imu,
        exclude=tuple(args.exclude),
        replace=args.replace,
        storage=args.storage,
        compressed=not args.no_compression,
    )
    settings = _settings(args, console)
    with _opened(args, settings, console) as estimator, _Bar(console) as bar:
        report = run_bag(args.bag, args.out, estimator, settings, options, bar)
    if report.started_anew:
        console.print(f"{args.out}.part was of another run and has been started anew", highlight=False, soft_wrap=True)
    if report.resumed:
        console.print(f"went on after {report.resumed} segments that were done", highlight=False)
    below = ", ".join(namespace or "/" for namespace in report.namespaces.values())
    console.print(
        f"{report.frames} panoramas, outputs below {below}: wrote {args.out}", highlight=False, soft_wrap=True
    )
    for fault in report.faults:
        print(f"dap bag run: {fault}", file=sys.stderr)
    if report.refused > len(report.faults):
        print(f"dap bag run: {report.refused} panoramas could not be used in all", file=sys.stderr)
    return 2 if report.refused else 0


def _eval(args: argparse.Namespace, console: Console) -> int:
    from dap_core.evaluation.bags.evaluate import EvalOptions, evaluate_bag
    from dap_core.evaluation.bags.report import print_report, write_report

    if len(args.topic) > 1:
        raise InputError(f"eval takes one --topic, got {', '.join(args.topic)}")
    options = EvalOptions(
        truth=args.truth,
        depth=args.depth or "",
        topic=args.topic[0] if args.topic else "",
        imu=args.imu,
        extrinsics=args.extrinsics,
        fixed_frame=args.fixed_frame,
        max_dt_s=args.max_dt,
        time_offset_s=args.time_offset,
        scale=0.001 if args.truth_unit == "mm" else 1.0,
        min_range_m=args.min_range,
        max_range_m=args.max_range,
    )
    settings = _settings(args, console)
    if args.depth:
        with _Bar(console) as bar:
            found = evaluate_bag(args.bag, None, settings, options, bar)
    else:
        with _opened(args, settings, console) as estimator, _Bar(console) as bar:
            found = evaluate_bag(args.bag, estimator, settings, options, bar)
    print_report(console, found)
    for path in write_report(args.out, found):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    return 2 if found.faults else 0


def _settings(args: argparse.Namespace, console: Console) -> OfflineSettings:
    from dap_core.offline.settings import read_settings

    settings = read_settings(args.params)
    if settings.unused:
        console.print(
            f"{args.params}: for the node alone, not used here: {', '.join(settings.unused)}",
            highlight=False,
            soft_wrap=True,
        )
    return settings


def _opened(args: argparse.Namespace, settings: OfflineSettings, console: Console) -> DepthEstimator:
    from dap_core.estimate import DepthEstimator

    config = settings.config
    threads = args.threads or config.threads or None
    estimator = DepthEstimator.open(args.model or config.model, args.backend or config.backend, threads=threads)
    spec = estimator.spec
    console.print(f"{spec.name} at {spec.width}x{spec.height}, {estimator.backend.reason}", highlight=False)
    return estimator


class _Bar(AbstractContextManager["_Bar"]):
    """A progress bar, called with what is being done, the steps that are done, and how many there are."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("reading", total=None)

    def __call__(self, what: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=what, completed=done, total=total)

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
