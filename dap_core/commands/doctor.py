"""`dap doctor`: what is installed, what `auto` picks and why, and what DDS needs to carry large messages."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

HELP = "what is installed, which backend is picked and why, and DDS checks"

#: Shared memory that the shipped Fast DDS profile takes for one participant's segment, and a margin.
SHARED_MEMORY_BYTES = 20 << 20

Row = tuple[str, str, str]

_PACKAGES = {
    "numpy": ("numpy", "needed"),
    "cv2": ("opencv-python-headless", "needed"),
    "onnxruntime": ("onnxruntime", "the default backend"),
    "openvino": ("openvino", "backend, faster on CPUs with bfloat16"),
    "torch": ("torch", "checkpoints, export and training"),
    "tensorrt": ("tensorrt", "backend, on NVIDIA GPUs"),
    "cuda": ("cuda-python", "what the tensorrt backend calls CUDA with"),
    "rclpy": ("ros-rclpy", "the node; from the ROS 2 distribution, or the wheels"),
    "cv_bridge": ("cv_bridge", "optional: the node has its own path"),
    "sensor_msgs_py": ("sensor_msgs_py", "optional: the node has its own path"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--model", default="dap-tiny", help="the model to try (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="the backend to try (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Print the table; 0 when the model runs, 1 when it does not."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    with console.status("looking around"):
        model_rows, works = try_model(args.model, args.backend)
    for title, rows in (
        ("Installed", [*python_rows(), *package_rows()]),
        ("Machine", [*machine_rows(), *gpu_rows()]),
        ("Model", model_rows),
        ("DDS", dds_rows(os.environ)),
    ):
        table = Table("", "", "", title=title, title_justify="left", show_header=False)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    return 0 if works else 1


def python_rows() -> Iterator[Row]:
    """Python itself."""
    yield "python", platform.python_version(), platform.platform()


def package_rows() -> Iterator[Row]:
    """Every package that matters: version, and what it is for; found without importing the heavy ones."""
    for module, (distribution, purpose) in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            yield module, "-", f"not installed ({purpose})"
            continue
        note = purpose
        if module == "onnxruntime":
            import onnxruntime

            note = ", ".join(p.removesuffix("ExecutionProvider") for p in onnxruntime.get_available_providers())
        yield module, _version(module, distribution), note


def _version(module: str, distribution: str) -> str:
    # The distribution's name where it is the usual one, else whichever brought the module (onnxruntime-gpu, and so on).
    names = importlib.metadata.packages_distributions().get(module, [])
    name = distribution if distribution in names or not names else names[0]
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "installed"


def machine_rows() -> Iterator[Row]:
    """CPU, the threads that inference takes by default, the instructions that decide a precision."""
    from dap_core.backends.cpu import cpu_flags, cpu_name, cpu_threads

    wanted = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16")
    yield "cpu", cpu_name(), f"{cpu_threads()} threads for inference"
    yield "instructions", " ".join(flag for flag in wanted if flag in cpu_flags()) or "unknown", ""


def gpu_rows() -> Iterator[Row]:
    """The GPU as the tensorrt backend sees it, and its engines; nothing where that backend is not installed."""
    if importlib.util.find_spec("tensorrt") is None:
        return
    from dap_core.backends.cuda import CudaError, current_gpu
    from dap_core.backends.engine_cache import VARIABLE, EngineCache

    try:
        gpu = current_gpu()
        capability = ".".join(map(str, gpu.compute_capability))
        yield "gpu", gpu.name, f"compute capability {capability}, {gpu.driver}, {gpu.memory()}"
    except ImportError:
        yield "gpu", "-", "cuda-python is missing: pip install 'dap_ros[tensorrt]'"
    except CudaError as error:
        yield "gpu", "-", str(error)
    folder = EngineCache().folder
    sizes = [path.stat().st_size for path in folder.glob("*.engine")]
    yield "engines", f"{len(sizes)}, {sum(sizes) >> 20} MB", f"in {folder} ({VARIABLE} names another folder)"


def try_model(model: str, backend: str) -> tuple[list[Row], bool]:
    """Open the model and run it; rows about it, and whether it ran."""
    try:
        from dap_core.estimate import DepthEstimator
        from dap_core.export.parity import room

        started = time.perf_counter()
        with DepthEstimator.open(model, backend) as estimator:
            opened = time.perf_counter() - started
            spec = estimator.spec
            image = estimator.prepare(room(spec.height))
            range_m, far = estimator.infer(image)
            depth = estimator.finish(range_m[0], far[0])
            times = []
            for _ in range(5):
                started = time.perf_counter()
                estimator.infer(image)
                times.append(1e3 * (time.perf_counter() - started))
            reason = estimator.backend.reason
    except Exception as error:  # whatever is wrong with this machine is what the command is there to say
        return [(model, "does not run", str(error).splitlines()[0] if str(error) else type(error).__name__)], False
    known = f"{100 * depth.near.mean():.0f} % near, {100 * depth.far.mean():.0f} % far in a drawn room"
    return [
        (spec.name, f"{spec.width}x{spec.height}", f"up to {spec.limit_m:g} m, weights {spec.weights_sha256[:12]}"),
        (backend, f"{min(times):.1f} ms", reason),
        ("opened", f"{opened:.2f} s", known),
    ], True


def dds_rows(environment: Mapping[str, str]) -> Iterator[Row]:
    """The RMW, the Fast DDS profile, shared memory and socket buffers, each with advice where it needs any."""
    rmw = environment.get("RMW_IMPLEMENTATION", "")
    yield "RMW_IMPLEMENTATION", rmw or "default", "" if rmw else "the distribution's own: Fast DDS, mostly"
    profile = environment.get("FASTDDS_DEFAULT_PROFILES_FILE") or environment.get("FASTRTPS_DEFAULT_PROFILES_FILE")
    if rmw and "fastrtps" not in rmw:
        yield "Fast DDS profile", "-", "not used by this RMW"
    elif profile:
        found = Path(profile).is_file()
        yield "Fast DDS profile", profile, "yours is kept" if found else "no such file: correct or unset it"
    else:
        yield "Fast DDS profile", "none set", "the node sets its own, so that messages above 400 KB arrive best effort"
    try:
        usage = shutil.disk_usage("/dev/shm")
        note = "enough"
        if usage.free < SHARED_MEMORY_BYTES:
            note = f"below {SHARED_MEMORY_BYTES >> 20} MB: give the container more (docker run --shm-size=256m)"
        yield "/dev/shm", f"{usage.free >> 20} of {usage.total >> 20} MB free", note
    except OSError:
        yield "/dev/shm", "-", "no shared memory: large messages go through UDP and get lost best effort"
    try:
        received = int(Path("/proc/sys/net/core/rmem_max").read_text())
        small = "small for images between machines: sysctl -w net.core.rmem_max=8388608"
        note = "enough" if received >= 2 << 20 else small
        yield "net.core.rmem_max", f"{received >> 10} KB", note
    except (OSError, ValueError):
        yield "net.core.rmem_max", "-", "cannot be read"
