"""Where built engines are kept between starts, and who builds when several processes want the same one."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dap_core.backends import BackendUnavailable, Progress
from dap_core.backends.engine_file import Engine, EngineKey, read_engine, write_engine, write_whole
from dap_core.errors import InputError

#: Names a folder for engines in place of ~/.cache/dap_ros.
VARIABLE = "DAP_CACHE_DIR"
#: Seconds between looks at a lock that another process holds.
_POLL = 0.5
_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """$DAP_CACHE_DIR, or dap_ros in $XDG_CACHE_HOME or ~/.cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache"
    return Path(base) / "dap_ros"


class EngineCache:
    """A folder of engines, each named by its model, its precision and its key."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()

    def path(self, key: EngineKey, name: str) -> Path:
        """Where the engine of this key lies, whether it is there or not."""
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip(".") or "model"
        batch = f"-batch{key.batch}" if key.batch > 1 else ""
        return self.folder / f"{plain}{batch}-{key.precision}-{key.digest()[:16]}.engine"

    def find(self, key: EngineKey, name: str, progress: Progress) -> Engine | None:
        """The engine of exactly this key, or None; one that is damaged or foreign is said so and not used."""
        path = self.path(key, name)
        if not path.is_file():
            return None
        try:
            engine = read_engine(path)
        except InputError as error:
            progress(f"an engine is there but cannot be used: {error}", None)
            return None
        if different := engine.key.differences(key):
            progress(f"{path} is another engine ({different})", None)
            return None
        return engine

    def obtain(self, key: EngineKey, name: str, build: Callable[[], Engine], progress: Progress) -> tuple[Engine, str]:
        """The engine of this key, built by `build` and kept if it is not there, and in words where it lies.

        While another process builds the same one, wait for it and say which. An engine that cannot be kept (a full
        disk) is used all the same, and the words say why it will be built again. Raises BackendUnavailable where the
        folder cannot be written at all, and whatever `build` raises.
        """
        path = self.path(key, name)
        kept = f"engine {path}"
        if (engine := self.find(key, name, progress)) is not None:
            return engine, kept
        with self._lock(path, progress):
            if (engine := self.find(key, name, progress)) is not None:
                return engine, kept
            progress(f"building {path}: this takes minutes, once", None)
            engine = build()
            try:
                write_engine(path, engine)
            except InputError as error:
                kept = f"the engine is not kept and will be built again: {error}"
                progress(kept, None)
            return engine, kept

    def timing(self, key: EngineKey) -> bytes:
        """What the builder measured on this machine before; nothing where there is none or it is damaged."""
        try:
            data = self._timing_path(key).read_bytes()
        except OSError:
            return b""
        return data[_DIGEST:] if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST] else b""

    def keep_timing(self, key: EngineKey, data: bytes) -> None:
        """Keep the builder's measurements; raises InputError where they cannot be written."""
        write_whole(self._timing_path(key), [hashlib.sha256(data).digest(), data])

    def _timing_path(self, key: EngineKey) -> Path:
        machine = json.dumps([key.tensorrt, key.gpu, key.compute_capability, key.driver])
        return self.folder / f"timing-{hashlib.sha256(machine.encode()).hexdigest()[:16]}.cache"

    @contextmanager
    def _lock(self, path: Path, progress: Progress) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # The lock lives as long as the file. Without a buffer, so that on a full disk no error comes at the end.
            file = open(path.with_suffix(".lock"), "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise BackendUnavailable(
                f"tensorrt: cannot keep engines in {self.folder}: {error.strerror}: name another folder in {VARIABLE}"
            ) from None
        with file:
            _wait(file.fileno(), lambda: progress(f"{_holder(path)} is building this engine: waiting", None))
            file.truncate(0)
            with suppress(OSError):  # who builds is for people; what a full disk means for the engine is said later
                file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            yield
            file.truncate(0)


def _wait(handle: int, waiting: Callable[[], None]) -> None:
    """Take the lock; `waiting` is called once if another process has it. The kernel frees it when that one dies."""
    if _taken(handle):
        return
    waiting()
    while not _taken(handle):
        time.sleep(_POLL)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        return path.with_suffix(".lock").read_text() or "another process"
    except OSError:
        return "another process"
