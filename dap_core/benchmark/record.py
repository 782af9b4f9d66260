"""The figures of one machine in a JSON file, to which every case is added as it is measured."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dap_core.backends.cpu import cpu_flags, cpu_name, cpu_threads
from dap_core.benchmark import memory
from dap_core.benchmark.case import Case, Result
from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

_FORMAT = 1
_INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI",
    "avx512_bf16": "BF16",
    "amx_bf16": "AMX",
    "asimd": "NEON",
    "bf16": "BF16",
}
_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "torch", "numpy")

#: Of a product: by size, its times.
Products = dict[str, dict[str, dict[str, float]]]


@dataclass
class Record:
    """machine: name, cpu, cores, memory_gb, gpu, system, versions; copies in GB/s; results; times of the products."""

    machine: dict[str, Any]
    copy_gb_per_s: float | None = None
    results: list[Result] = field(default_factory=list)
    products: Products = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Add a case, in the place of an earlier measurement of the same one."""
        for place, other in enumerate(self.results):
            if other.case == result.case:
                self.results[place] = result
                return
        self.results.append(result)

    def has(self, case: Case) -> bool:
        """Whether a case was measured (and did not fail)."""
        return any(result.case == case and result.error is None for result in self.results)

    def sorted_results(self) -> list[Result]:
        """By model in the order they came, then height, batch, and backend in the order they came."""
        models = list(dict.fromkeys(result.case.model for result in self.results))
        return sorted(self.results, key=lambda r: (models.index(r.case.model), r.case.height, r.case.batch))

    def peaks(self) -> dict[tuple[str, str, int], float]:
        """Best rate of matrix products (GFLOP/s) by library, precision and threads."""
        best: dict[tuple[str, str, int], float] = {}
        for result in self.results:
            if result.peak is not None:
                key = result.case.backend.partition(":")[0], result.precision, result.case.threads
                best[key] = max(best.get(key, 0.0), result.peak.best_gflops)
        return best

    def save(self, path: Path) -> None:
        """Write it; InputError where that cannot be done."""
        content = {
            "format": _FORMAT,
            "machine": self.machine,
            "copy_gb_per_s": self.copy_gb_per_s,
            "results": [result.to_json() for result in self.results],
            "products": self.products,
        }
        with written_beside(path) as beside:
            beside.write_text(json.dumps(_rounded(content), indent=1) + "\n")


def load_record(path: Path) -> Record:
    """Read what `Record.save` wrote; InputError, naming the file, for anything else."""
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: not JSON: give what `dap bench` wrote with --out") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InputError(f"{path}: not the figures of `dap bench` (format {_FORMAT}): measure again with --out")
    try:
        results = [Result.from_json(values) for values in content["results"]]
        return Record(dict(content["machine"]), content["copy_gb_per_s"], results, dict(content["products"]))
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error}): measure again with --out") from None


def open_record(path: Path | None, name: str | None) -> Record:
    """The record that lies at `path`, or a new one of this machine, which people call `name`.

    InputError where the file is of another processor: figures of two machines do not belong into one table.
    """
    here = this_machine()
    if name:
        here["name"] = name
    if path is None or not path.exists():
        return Record(here)
    record = load_record(path)
    for what in ("cpu", "cores", "gpu"):
        if record.machine.get(what) != here[what]:
            raise InputError(f"{path} holds figures of {record.machine.get(what)}, not {here[what]}: name another file")
    here["name"] = name or record.machine.get("name", here["name"])
    record.machine = here
    return record


def this_machine() -> dict[str, Any]:
    """What the figures hang on."""
    flags = list(dict.fromkeys(name for flag, name in _INSTRUCTIONS.items() if flag in cpu_flags()))
    cores, gpu = cpu_threads(), gpu_name()
    memory_bytes = memory.total_bytes()
    cpu = f"{cores} core{'s' if cores > 1 else ''} of {cpu_name()}"
    return {
        "name": gpu or f"{cpu} ({', '.join(flags)})",
        "cpu": cpu_name(),
        "cores": cores,
        "memory_gb": None if memory_bytes is None else round(memory_bytes / 1e9, 1),
        "gpu": gpu,
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version for name in _DISTRIBUTIONS if (version := _version(name))},
    }


def gpu_name() -> str | None:
    """The GPU's name, where cuda-python and a driver are there to say it."""
    try:
        from dap_core.backends.cuda import CudaError, current_gpu
    except ImportError:
        return None
    try:
        return current_gpu().name
    except (ImportError, CudaError):
        return None


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _rounded(content: Any) -> Any:
    """Numbers to five digits: no measurement here has more."""
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_rounded(value) for value in content]
    return float(f"{content:.5g}") if isinstance(content, float) else content
