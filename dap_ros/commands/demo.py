"""`dap demo`: a synthetic 360 camera and the node as two real processes over DDS, measured from a third."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dap_core.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress

    from dap_ros.listener import Listener, Scene
    from dap_ros.sustained import Memory

HELP = "a synthetic 360 camera and the node over real ROS 2: rates, latencies, error against the exact range, a picture"

_NAMESPACE = "/camera"
_START_TIMEOUT_S = 90.0
_WARM_UP_S = 1.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dap demo`."""
    parser.add_argument("--seconds", type=float, default=8.0, help="time measured (default: %(default)g)")
    parser.add_argument("--rate", type=float, default=30.0, help="camera frames per second (default: %(default)g)")
    parser.add_argument(
        "--out", type=Path, default=Path("demo_out"), help="folder of the picture (default: %(default)s)"
    )
    parser.add_argument("--model", default="dap-tiny", help="bundled model, .onnx or checkpoint (default: %(default)s)")
    parser.add_argument("--backend", default="onnxruntime", help="backend, or auto (default: %(default)s)")
    parser.add_argument("--height", type=int, default=0, help="rows of the camera's images (default: as recorded)")
    parser.add_argument(
        "--sustained",
        type=float,
        metavar="SECONDS",
        help="listen to the cloud alone for so long, and say how fast the node stays and what memory it takes",
    )
    parser.add_argument("--bag", type=Path, default=None, help="another walk to play (default: the shipped one)")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 only when frames arrived on every topic."""
    for option, seconds in (("--seconds", args.seconds), ("--sustained", args.sustained)):
        if seconds is not None and not 0 < seconds <= 3600:
            raise InputError(f"{option} lies between 0 and 3600, got {seconds:g}")
    if not 0 <= args.height <= 8192:
        raise InputError(f"--height lies between 0 and 8192, got {args.height}")
    if not 0.1 <= args.rate <= 240:
        raise InputError(f"--rate lies between 0.1 and 240 Hz, got {args.rate:g}")
    if args.bag is not None and not args.bag.exists():
        raise InputError(f"{args.bag}: no such bag; a bag folder or an .mcap or .db3 file is expected")
    _make_folder(args.out)
    # A domain of its own, on this machine only, so that neither a robot nor another demo is disturbed.
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from dap_ros.distribution import stay_on_this_machine
    from dap_ros.listener import Listener
    from dap_ros.sustained import TOPIC, Memory
    from dap_ros.transport import apply_profile

    stay_on_this_machine(os.environ)
    apply_profile()
    camera: dict[str, object] = {"rate": float(args.rate), "height": args.height}
    camera |= {"bag": str(args.bag.resolve())} if args.bag else {}
    rclpy.init()
    listener = Listener(_NAMESPACE) if args.sustained is None else Listener(_NAMESPACE, (TOPIC,), truth=False)
    try:
        with (
            _process("dap_ros.synthetic_camera", camera) as camera_process,
            _process(
                "dap_ros.depth_node", {"autostart": True, "model": args.model, "backend": args.backend}
            ) as node_process,
            Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), transient=True
            ) as progress,
        ):
            processes, memory = [camera_process, node_process], Memory(node_process.pid)
            _wait_for_frames(listener, processes, progress)
            _measure(listener, processes, args.sustained or args.seconds, memory, progress)
        if args.sustained is not None:
            return _report_sustained(listener, memory, args.out, args.rate)
        return _report(listener, args.out, args.rate)
    except ExternalShutdownException:  # SIGTERM
        return 143
    finally:
        listener.destroy_node()
        rclpy.try_shutdown()


@contextmanager
def _process(module: str, parameters: Mapping[str, object]) -> Iterator[subprocess.Popen]:
    """A node as a child process in the demo's namespace; ended by SIGINT, as from a terminal."""
    # JSON is YAML, and its quotes keep a path or a name from being read as a number.
    values = [word for name, value in parameters.items() for word in ("-p", f"{name}:={json.dumps(value)}")]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--ros-args", "-r", f"__ns:={_NAMESPACE}", *values],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            ended = process.poll()
            if ended is None:
                process.send_signal(signal.SIGINT)
            try:
                code = process.wait(timeout=15.0)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if ended is not None or code != 0:
                log.seek(0)
                print(f"{module} ended with {code}:\n{log.read()[-4000:]}", file=sys.stderr)


def _wait_for_frames(listener: Listener, processes: list[subprocess.Popen], progress: Progress) -> None:
    task = progress.add_task("starting camera and node", total=None)
    until = time.monotonic() + _START_TIMEOUT_S
    while not all(record.arrivals for record in listener.topics.values()):
        _spin(listener, processes)
        if listener.problem():
            raise InputError(f"the node says: {listener.problem()}")
        if time.monotonic() > until:
            silent = [topic for topic, record in listener.topics.items() if not record.arrivals]
            raise InputError(
                f"nothing on {', '.join(silent)} after {_START_TIMEOUT_S:g} s; `dap doctor` checks the set-up"
            )
    progress.remove_task(task)


def _measure(
    listener: Listener, processes: list[subprocess.Popen], seconds: float, memory: Memory, progress: Progress
) -> None:
    for name, length in (("warming up", _WARM_UP_S), ("measuring", seconds)):
        listener.reset()
        task = progress.add_task(name, total=length)
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < length:
            _spin(listener, processes)
            progress.update(task, completed=elapsed)
            if name == "measuring":
                memory.sample(began + elapsed)
        progress.remove_task(task)


def _spin(listener: Listener, processes: list[subprocess.Popen]) -> None:
    import rclpy

    rclpy.spin_once(listener, timeout_sec=0.1)
    for process in processes:
        if process.poll() is not None:
            raise InputError(f"a process of the demo ended early, with exit code {process.returncode}")


def _report_sustained(listener: Listener, memory: Memory, out: Path, camera_rate: float) -> int:
    """Print the figures and write the picture; the exit code."""
    from dap_ros.sustained import Sustained, write_picture

    print(f"camera {camera_rate:g} Hz", *Sustained.of(listener, memory).lines(), sep="\n")
    write_picture(out / "sustained.png", listener, memory)
    print(f"wrote {out / 'sustained.png'}")
    return 0


def _report(listener: Listener, out: Path, camera_rate: float) -> int:
    """Print the table and the node's own figures, write the picture; the exit code."""
    from rich.console import Console
    from rich.table import Table

    from dap_ros.diagnostics import STAGES

    metrics, frames = listener.metrics()
    console = Console()
    table = Table(title="stamp to receipt, in another process")
    for column in ("topic", "rate Hz", "median ms", "p95 ms", "bytes", "AbsRel", "delta1"):
        table.add_column(column, justify="left" if column == "topic" else "right")
    for topic, record in listener.topics.items():
        row = [topic, f"{record.rate():.1f}", f"{record.latency_ms(50):.1f}", f"{record.latency_ms(95):.1f}"]
        row.append(f"{record.nbytes:,}".replace(",", " "))
        row += [f"{metrics.absrel:.3f}", f"{metrics.delta1:.3f}"] if topic == "depth/image" else ["", ""]
        table.add_row(*row)
    console.print(table)
    values = listener.values()

    def milliseconds(stage: str) -> str:
        return values.get(f"{stage}_ms_median", "nan")

    parts = ", ".join(f"{stage} {milliseconds(stage)}" for stage in STAGES if stage != "network")
    for line in (
        f"camera {camera_rate:g} Hz; node {values.get('output_rate_hz', '0')} frames/s with {values.get('model', '?')}",
        f"on {values.get('backend_reason', '?')}",
        f"network {milliseconds('network')} ms, everything else {milliseconds('overhead')} ms (medians: {parts})",
        f"errors against the exact range: mean of {frames} frames by solid angle, where both have a range",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    scene = listener.scene()
    silent = [topic for topic, record in listener.topics.items() if not record.arrivals]
    if silent or scene is None or not frames:
        print(f"dap demo: no frames on {', '.join(silent) or 'all topics with one stamp'}", file=sys.stderr)
        return 1
    _write_sheet(out / "demo.png", scene, f"AbsRel {metrics.absrel:.3f}, delta1 {metrics.delta1:.3f}")
    console.print(f"wrote {out / 'demo.png'}", highlight=False, soft_wrap=True)
    return 0


def _write_sheet(path: Path, scene: Scene, score: str) -> None:
    import numpy as np

    from dap_core.estimate import PanoramaDepth
    from dap_core.picture import auto_limits, cloud_panel, error_panel, image_panel, range_panel, save_sheet
    from dap_core.products.cloud import sampled_cloud

    limits = auto_limits(scene.truth_m)
    exact = sampled_cloud(PanoramaDepth.from_range(scene.truth_m)).xyz
    radius = float(np.percentile(np.abs(exact[:, :2]).max(1), 98)) * 1.1 if len(exact) else 10.0
    panels = [
        image_panel(scene.image, "image"),
        error_panel(scene.range_m, scene.truth_m, f"error: {score}"),
        range_panel(scene.range_m, "depth/image", limits),
        range_panel(scene.truth_m, "exact range", limits),
        cloud_panel(scene.points, title=f"points, from above: {len(scene.points)}", radius=radius),
        cloud_panel(exact, title="exact points, from above", radius=radius),
    ]
    save_sheet(path, panels, title="dap demo")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None
