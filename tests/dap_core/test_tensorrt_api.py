"""Every call that we make into TensorRT and CUDA, held to the real Python bindings of the versions that are served.

The bindings (from PyPI, by `make test`) want a few C symbols of TensorRT's libraries, which are gigabytes and of use
on a GPU alone. Three libraries with these symbols and nothing behind them let every real class, enum and signature be
imported; nothing of TensorRT runs here, and nothing here says that an engine works.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APIS = Path(sys.prefix) / "tensorrt-api"
SOURCES = [
    ROOT / "dap_core" / name for name in ("backends/tensorrt_engine.py", "export/tensorrt.py", "backends/tensorrt.py")
]
CUDA_SOURCES = [ROOT / "dap_core" / "backends" / "cuda.py", SOURCES[0], SOURCES[2]]
#: The oldest (JetPack 6), the last of 10, and the newest.
TENSORRT = (
    "tensorrt-cu12-bindings==10.3.0",
    "tensorrt-cu13-bindings==10.16.1.11",
    "tensorrt-cu13-bindings==11.4.0.106",
)
CUDA = {"cuda-python==12.6.0": "cuda.cudart", "cuda-bindings==13.4.4": "cuda.bindings.runtime"}
#: Library to its symbols, all of them functions that give nothing.
SYMBOLS = {
    "nvinfer": (
        "createInferBuilder_INTERNAL",
        "createInferRefitter_INTERNAL",
        "createInferRuntime_INTERNAL",
        "getBuilderPluginRegistry",
        "getPluginRegistry",
    ),
    "nvonnxparser": ("createNvOnnxParser_INTERNAL", "createNvOnnxParserRefitter_INTERNAL", "getNvOnnxParserVersion"),
    "nvinfer_plugin": ("initLibNvInferPlugins",),
}


def api(name: str) -> Path:
    """The folder that `make test` has installed a package into."""
    folder = APIS / name
    if not any(folder.glob("*/")):
        pytest.skip(f"{name} is not in {APIS}: `make test` installs it where PyPI has it for this Python")
    return folder


@pytest.fixture(scope="session", params=TENSORRT)
def tensorrt(request, tmp_path_factory):
    """Environment variables with which a subprocess imports the real bindings as `tensorrt`."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing, which makes the three libraries that the bindings want")
    bindings = api(request.param)
    folder = tmp_path_factory.mktemp("tensorrt")
    major = request.param.partition("==")[2].split(".")[0]
    for library, symbols in SYMBOLS.items():
        source = "".join(f"void *{symbol}(void) {{ return 0; }}\n" for symbol in symbols)
        command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", folder / f"lib{library}.so.{major}"]
        subprocess.run(command, input=source, text=True, check=True)
    (folder / "tensorrt").mkdir()
    # The package `tensorrt`, which comes with the libraries, is these two lines in essence.
    (folder / "tensorrt" / "__init__.py").write_text(
        "from tensorrt_bindings import *\nfrom tensorrt_bindings import __version__\n"
    )
    path = os.pathsep.join(map(str, (folder, bindings, ROOT)))
    return {**os.environ, "LD_LIBRARY_PATH": str(folder), "PYTHONPATH": path, "DAP_CACHE_DIR": str(folder / "cache")}


def run(environment, code, *more_paths):
    """What a Python process with these bindings prints."""
    path = os.pathsep.join([*map(str, more_paths), environment.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", code], env={**environment, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def stubs(environment, folder: Path) -> set[str]:
    """Type stubs of the real bindings in `folder`/tensorrt; the classes in them."""
    generate = "import sys; from pybind11_stubgen import main; main(sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", generate, "tensorrt_bindings.tensorrt", "--ignore-all-errors", "-o", folder / "raw"],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    text = (folder / "raw" / "tensorrt_bindings" / "tensorrt.pyi").read_text()
    kept = []
    for block in re.split(r"(?m)^(?=class |def |\w+\s*[:=]|from |import |@)", text):
        # A few docstrings (of plugins, and of the network's layers) are no valid signatures, and one name hides `bool`.
        if block.startswith("bool:"):
            continue
        try:
            ast.parse(block)
        except SyntaxError:
            block = re.match(r"(?:class|def) (\w+)", block)[1] + ": typing.Any\n"
        kept.append(block)
    (folder / "tensorrt").mkdir()
    (folder / "tensorrt" / "__init__.pyi").write_text("".join([*kept, "__version__: str\n"]))
    return set(re.findall(r"(?m)^class (\w+)", "".join(kept)))


def mypy(folder: Path, *files: Path) -> list[str]:
    """What mypy says of the files themselves, with the stubs in `folder`."""
    command = [sys.executable, "-m", "mypy", "--config-file", os.devnull, "--no-site-packages", "--no-error-summary"]
    options = ["--ignore-missing-imports", "--follow-imports=silent", "--check-untyped-defs", "--hide-error-context"]
    result = subprocess.run(
        [*command, *options, "--cache-dir", folder / "cache", *files],
        env={**os.environ, "MYPYPATH": os.pathsep.join([str(folder), str(ROOT)])},
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    names = tuple(str(f.relative_to(ROOT)) if f.is_relative_to(ROOT) else str(f) for f in files)
    assert "tensorrt/__init__.pyi" in result.stdout or result.returncode == 0, result.stdout + result.stderr
    return [line for line in result.stdout.splitlines() if line.startswith(names) and " error: " in line]


def test_every_call_fits_the_real_signatures(tensorrt, tmp_path):
    classes = stubs(tensorrt, tmp_path)
    used = {n.attr for s in SOURCES for n in ast.walk(ast.parse(s.read_text())) if is_name_of(n, "trt")}
    assert used >= {"Builder", "Runtime", "OnnxParser", "IProgressMonitor", "ICudaEngine"}
    assert used - classes == {"__version__"}, "a class that we use is not in the stubs, or not in this version"
    assert {"IBuilderConfig", "ITimingCache"} <= classes  # what our calls return
    # The check finds what it is there for: a name, a keyword and a flag that no or not every version has.
    broken = tmp_path / "broken.py"
    text = SOURCES[1].read_text()
    for right, wrong in (
        ("config.clear_flag(", "config.drop_flag("),
        ("ignore_mismatch=False", "mismatch=False"),
        ("trt.BuilderFlag.TF32", "trt.BuilderFlag.BF32"),
        ("parser.parse(graph)", "parser.parse(7)"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    broken.write_text(text)
    said = mypy(tmp_path, *SOURCES, broken)
    assert [line for line in said if not line.startswith(str(broken))] == []
    assert len(said) == 4, said


def is_name_of(node, module: str) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module


MONITORED = """
import tensorrt as trt
from dap_core.export.tensorrt import BuildMonitor
from dap_core.backends.tensorrt_engine import ErrorLog
log = ErrorLog()
for severity in (trt.ILogger.Severity.WARNING, trt.ILogger.Severity.ERROR):
    log.log(severity, f"of {severity.name}")
assert list(log.errors) == ["of ERROR"], log.errors
said = []
monitor = BuildMonitor(lambda what, share: said.append(share))
assert isinstance(monitor, trt.IProgressMonitor) and isinstance(log, trt.ILogger)
monitor.phase_start("build", None, 2)
assert monitor.step_complete("build", 0)
monitor.phase_start("tactics", "build", 4)
assert monitor.step_complete("tactics", 1)
monitor.phase_finish("tactics")
assert said == [0.0, 0.5, 0.5, 0.75, 0.75], said
def interrupted(what, share):
    raise KeyboardInterrupt
monitor = BuildMonitor(interrupted)
monitor.phase_start("build", None, 2)
assert not monitor.step_complete("build", 0) and isinstance(monitor.failure, KeyboardInterrupt)
print(trt.__version__)
"""


def test_our_classes_derive_from_the_real_ones(tensorrt):
    assert run(tensorrt, MONITORED)[:2] in ("10", "11")


WITHOUT_GPU = """
from dap_core.backends import BackendUnavailable, open_backend
from dap_core.commands.doctor import gpu_rows
said = []
try:
    open_backend("tensorrt", "dap-tiny")
except BackendUnavailable as error:
    assert len(str(error).splitlines()) == 1, error
    print(error)
(name, value, _), engines = gpu_rows()
assert (name, value, engines[0]) == ("gpu", "-", "engines")
backend = open_backend("auto", "dap-tiny", threads=1, progress=lambda what, share: said.append(what))
assert backend.name in ("onnxruntime", "openvino") and str(said[0]).endswith("trying the next backend")
print(backend.reason)
"""


def test_without_a_gpu_it_says_so_and_auto_goes_on(tensorrt):
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has an NVIDIA driver, and the libraries here are empty")
    # One version of TensorRT with each of cuda-python, one without.
    cuda = {"tensorrt-cu12": "cuda-python==12.6.0", "tensorrt-cu13": "cuda-bindings==13.4.4"}
    paths = [api(name) for wheel, name in cuda.items() if f"{wheel}-bindings" in tensorrt["PYTHONPATH"]]
    if "10.16" in tensorrt["PYTHONPATH"]:
        paths = []
    error, reason = run(tensorrt, WITHOUT_GPU, *paths).splitlines()
    expected = "CUDA does not start: " if paths else "needs cuda-python, which is not installed"
    assert expected in error and expected in reason and "chosen because" in reason


IN_TROUBLE = """
import dataclasses, os
from pathlib import Path
import numpy as np
import tensorrt as trt
from dap_core.backends import BackendUnavailable, ModelSpec, cuda, open_backend, tensorrt, tensorrt_engine
from dap_core.backends.engine_file import Engine, write_engine
from dap_core.export import tensorrt as export

gpu = cuda.Gpu("Orin", (8, 7), "CUDA 12.6", 100 << 20, 8000 << 20)
tensorrt.current_gpu = lambda: gpu
folder = Path(os.environ["DAP_CACHE_DIR"])
folder.mkdir(exist_ok=True)

def refused(path):
    try:
        open_backend("tensorrt", path)
    except BackendUnavailable as error:
        return str(error)

def engine_file(name, **changes):
    key = dataclasses.replace(tensorrt.engine_key("ab" * 32, gpu, "bf16", 1), **changes)
    some = np.zeros((1, 4, 8), np.float32)
    spec = ModelSpec("dap-tiny", 4, 8, 100.0, "cd" * 32)
    write_engine(folder / name, Engine(key, spec, (), np.zeros((1, 4, 8, 3), np.uint8), some, some, 1, b"plan"))
    return folder / name

foreign = engine_file("foreign.engine", tensorrt="8.6", gpu="Xavier")
different = f"tensorrt 8.6, here {trt.__version__}; gpu Xavier, here Orin"
assert refused(foreign) == f"{foreign} was built for another machine or version ({different}): build it again"

full = "the GPU is out of memory (100 of 8000 MB of GPU memory free)"
def load(self, engine, gpu):
    raise cuda.CudaError("cudaMalloc: out of memory", out_of_memory=True)
tensorrt_engine.TensorRtBackend._load = load
assert refused(engine_file("own.engine")) == f"tensorrt: loading the engine: {full}"

def build_plan(graph, timing, gpu, progress):
    log = tensorrt_engine.ErrorLog()
    log.log(trt.ILogger.Severity.ERROR, "[allocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)")
    raise log.unavailable("building the engine", gpu)
export.build_plan = build_plan
said = []
backend = open_backend("auto", "dap-tiny", threads=1, progress=lambda what, share: said.append(what))
assert said[-1] == f"tensorrt: building the engine: {full}: trying the next backend", said
assert backend.device == "cpu" and full in backend.reason
print(sorted(path.suffix for path in folder.iterdir()))
"""


def test_a_foreign_engine_and_a_full_gpu_are_said(tensorrt, tmp_path):
    """With the real bindings, and in the place of TensorRT's failures their texts: nothing of it runs here."""
    assert run({**tensorrt, "DAP_CACHE_DIR": str(tmp_path / "c")}, IN_TROUBLE) == "['.engine', '.engine', '.lock']\n"


WITHOUT_LIBRARIES = """
from dap_core.backends import BackendUnavailable, open_backend
try:
    open_backend("tensorrt", "dap-tiny")
except BackendUnavailable as error:
    print(error)
"""


def test_bindings_without_their_libraries_say_so(tensorrt):
    said = run({k: v for k, v in tensorrt.items() if k != "LD_LIBRARY_PATH"}, WITHOUT_LIBRARIES)
    assert said.startswith("backend tensorrt: tensorrt does not import: libnv") and said.count("\n") == 1


@pytest.mark.parametrize("package", CUDA)
def test_every_cuda_name_and_argument_count_is_real(package):
    names, calls = set(), set()
    for source in CUDA_SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if is_cuda(node):
                names.add(ast.unparse(node).replace("runtime()", "cudart").partition(".")[2])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "call" and is_cuda(node.args[0]):
                calls.add((node.args[0].attr, len(node.args) - 1))
    assert len(names) > 25 and ("cudaMemcpyAsync", 5) in calls and "cudaMemcpyKind.cudaMemcpyHostToDevice" in names
    code = f"""
import importlib, inspect, operator
module = importlib.import_module({CUDA[package]!r})
from dap_core.backends.cuda import runtime
assert runtime() is module
for name in {sorted(names)!r}:
    operator.attrgetter(name)(module)
int(module.cudaStream_t())
assert all(hasattr(module.cudaDeviceProp, field) for field in ("name", "major", "minor"))
for name, count in {sorted(calls)!r}:
    parameters = inspect.signature(getattr(module, name)).parameters.values()
    needed = sum(p.default is p.empty for p in parameters)
    assert needed <= count <= len(parameters), (name, count, str(inspect.signature(getattr(module, name))))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run(environment, code, api(package))


def is_cuda(node) -> bool:
    """`cudart.x`, `runtime().x`, and members of either's enums."""
    if not isinstance(node, ast.Attribute):
        return False
    if is_cuda(node.value):
        return True
    return is_name_of(node, "cudart") or ast.unparse(node.value) == "runtime()"
