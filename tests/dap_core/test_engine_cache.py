"""The engine file and the cache, with real files, processes and limits. The plans are bytes: no engine is built."""

import dataclasses
import os
import resource
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.backends import BackendUnavailable, ModelSpec, open_backend
from dap_core.backends.engine_cache import EngineCache, cache_folder
from dap_core.backends.engine_file import Engine, EngineKey, file_sha256, read_engine, write_engine
from dap_core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
KEY = EngineKey("ab" * 32, "bf16", 1, 1, "10.3.0", "Orin", "8.7", "CUDA 12.6, driver 540.4.0")
SPEC = ModelSpec("dap-tiny", 8, 16, 100.0, "cd" * 32)


def engine(key=KEY, plan=b"plan" * 1000):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 8, 16, 3), np.uint8)
    range_m, far = rng.random((2, 1, 4, 8), np.float32)
    return Engine(key, SPEC, ("compared",), image, range_m, far, 2, plan)


def same(a: Engine, b: Engine) -> bool:
    arrays = all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("image", "range_m", "far"))
    facts = (a.key, a.spec, a.report, a.stride, bytes(a.plan)) == (b.key, b.spec, b.report, b.stride, bytes(b.plan))
    return arrays and facts


def silent(what, share):
    pass


def test_round_trip(tmp_path):
    path = tmp_path / "e.engine"
    write_engine(path, engine())
    assert same(read_engine(path), engine()) and read_engine(path).range_m.dtype == np.float32
    assert [p.name for p in tmp_path.iterdir()] == ["e.engine"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_change_is_found(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("e") / "e.engine"
    write_engine(path, engine())
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "add", "other"]))
    flipped = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    path.write_bytes({"flip": flipped, "cut": good[:at], "add": good + b"x", "other": data.draw(st.binary())}[kind])
    with pytest.raises(InputError, match=r"e\.engine: (damaged|not an engine|cannot be read)") as error:
        read_engine(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(EngineKey)])
def test_every_part_of_the_key_counts(field, tmp_path):
    value = getattr(KEY, field)
    other = dataclasses.replace(KEY, **{field: value + 1 if isinstance(value, int) else value + "x"})
    assert other.digest() != KEY.digest()
    assert KEY.differences(other) == f"{field} {value}, here {getattr(other, field)}"
    cache = EngineCache(tmp_path)
    said = []
    # Found under its own name, and refused under the other's, even if the file was renamed to it.
    write_engine(cache.path(KEY, "m"), engine())
    assert cache.find(other, "m", silent) is None
    os.replace(cache.path(KEY, "m"), cache.path(other, "m"))
    assert cache.find(other, "m", lambda what, share: said.append(what)) is None
    assert f"another engine ({field} " in said[0]


def test_built_once_and_found_again(tmp_path):
    cache = EngineCache(tmp_path / "new" / "folder")
    built, where = cache.obtain(KEY, "dap tiny/é", engine, silent)
    path = cache.path(KEY, "dap tiny/é")
    assert path.parent == tmp_path / "new" / "folder" and path.name.startswith("dap_tiny_-bf16-")
    assert where == f"engine {path}" and same(built, engine())
    again, where = cache.obtain(KEY, "dap tiny/é", lambda: pytest.fail("built twice"), silent)
    assert same(again, built) and where == f"engine {path}"


def test_a_damaged_engine_is_said_and_built_again(tmp_path):
    cache, said = EngineCache(tmp_path), []
    cache.obtain(KEY, "m", lambda: engine(plan=b"old"), silent)
    path = cache.path(KEY, "m")
    path.write_bytes(path.read_bytes()[:-1])
    found, _ = cache.obtain(KEY, "m", lambda: engine(plan=b"new"), lambda what, share: said.append(what))
    assert bytes(found.plan) == bytes(read_engine(path).plan) == b"new"
    assert "its checksum does not fit" in said[0]


def test_a_failed_build_leaves_nothing_and_frees_the_lock(tmp_path):
    cache = EngineCache(tmp_path)

    def fails():
        raise BackendUnavailable("no memory")

    with pytest.raises(BackendUnavailable, match="no memory"):
        cache.obtain(KEY, "m", fails, silent)
    assert list(tmp_path.glob("*.engine")) == []
    cache.obtain(KEY, "m", engine, silent)


BUILDER = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_engine_cache import EngineCache, KEY, engine
folder = Path(sys.argv[1])
def build():
    with open(folder / "builds", "a") as f:
        f.write("x")
    (folder / "started").touch()
    time.sleep(1.0)
    return engine(plan=b"built in " + sys.argv[2].encode())
said = []
found, where = EngineCache(folder).obtain(KEY, "m", build, lambda what, share: said.append(what))
print(bytes(found.plan).decode(), "|", *said)
"""


def test_two_processes_build_one_engine(tmp_path):
    code = BUILDER.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(name):
        command = [sys.executable, "-c", code, str(tmp_path), name]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    first = start("first")
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    second = start("second")
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (tmp_path / "builds").read_text() == "x"
    assert all(output.startswith("built in first |") for output in outputs)
    # On a slow machine the second may come when the first is through; then it has nothing to wait for.
    assert "waiting" not in outputs[1] or f"process {first.pid} on " in outputs[1]


def test_waiting_names_the_process_that_builds(tmp_path):
    cache = EngineCache(tmp_path)
    code = textwrap.dedent(f"""
        import fcntl, time
        file = open({str(cache.path(KEY, "m").with_suffix(".lock"))!r}, "a+")
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("process 4711 on robot"); file.flush()
        print("locked", flush=True)
        time.sleep(60)
    """)
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "locked\n"

    said = []

    def progress(what, share):
        said.append(what)
        holder.kill()  # and with it goes its lock

    found, _ = cache.obtain(KEY, "m", engine, progress)
    assert same(found, engine()) and holder.wait() != 0
    waiting = "process 4711 on robot is building this engine: waiting"
    assert said == [waiting, f"building {cache.path(KEY, 'm')}: this takes minutes, once"]


@pytest.mark.parametrize("room", [100_000, 0])
def test_a_full_disk_keeps_nothing_and_the_engine_is_used(room, tmp_path):
    """Full while the engine is written, and so full that not even the lock can say whose it is."""
    cache, said = EngineCache(tmp_path), []
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = engine(plan=bytes(1 << 20))
    try:  # The kernel refuses to write more than this into any file, as a full disk would.
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limit[1]))
        found, where = cache.obtain(KEY, "m", lambda: large, lambda what, share: said.append(what))
        with pytest.raises(InputError, match=r"cannot write .*: File too large") as error:
            write_engine(tmp_path / "mine.engine", large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert found is large and "not kept and will be built again: cannot write" in where and said[1:] == [where]
    assert "\n" not in where + str(error.value)
    assert [p.suffix for p in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_had(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BackendUnavailable, match="Not a directory: name another folder in DAP_CACHE_DIR"):
        EngineCache(tmp_path / "file" / "cache").obtain(KEY, "m", lambda: pytest.fail("built in vain"), silent)


def test_where_the_cache_is(monkeypatch, tmp_path):
    for name in ("DAP_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/robot")
    assert cache_folder() == Path("/home/robot/.cache/dap_ros")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache_folder() == Path("/var/cache/dap_ros")
    monkeypatch.setenv("DAP_CACHE_DIR", str(tmp_path))
    assert EngineCache().folder == tmp_path


def test_timing_measurements_are_kept_per_machine(tmp_path):
    cache = EngineCache(tmp_path)
    assert cache.timing(KEY) == b""
    cache.keep_timing(KEY, b"measured")
    assert cache.timing(dataclasses.replace(KEY, precision="fp16", onnx_sha256="0")) == b"measured"
    assert cache.timing(dataclasses.replace(KEY, tensorrt="11.4.0")) == b""
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b"!")
    assert cache.timing(KEY) == b""


def test_the_hash_covers_weights_beside_the_file(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"graph")
    alone = file_sha256(path)
    (tmp_path / "m.onnx.data").write_bytes(b"weights")
    assert file_sha256(path) != alone


def test_an_engine_file_belongs_to_its_backend(tmp_path):
    write_engine(tmp_path / "m.engine", engine())
    for backend in ("onnxruntime", "openvino"):
        with pytest.raises(InputError, match="runs in the tensorrt backend only"):
            open_backend(backend, tmp_path / "m.engine")
    with pytest.raises(InputError, match="reads a checkpoint"):
        open_backend("torch", tmp_path / "m.engine")
