"""A `Worker` in a process of its own, seen from here: asked, watched for its memory, and ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from dap_core.benchmark import memory
from dap_core.benchmark.worker import DONE, serve
from dap_core.errors import InputError

#: Seconds between looks at the process's memory while it works.
_POLL = 0.05
#: Seconds that a process without work has to end by itself; killed, it would leave its libraries' semaphores behind.
_FAREWELL = 5.0
#: Seconds after which a request is given up.
PATIENCE = 1800.0


class Failed(InputError):
    """A request was refused, or its process ended; the text is one line."""


class Child:
    """Starts the process. `memory_limit` in bytes (default: what is free now, less a reserve) ends it when passed.

    Raises Failed from `ask`; after that, unless the request was merely refused, the process is gone.
    """

    def __init__(self, memory_limit: int | None = None, patience: float = PATIENCE) -> None:
        free = memory.available_bytes()
        self._limit = memory_limit or (None if free is None else max(free - memory.RESERVE_BYTES, 1))
        self._patience = patience
        self._working = False
        handle, log = tempfile.mkstemp(prefix="dap-bench-", suffix=".log")
        os.close(handle)
        self._log = Path(log)
        # Forking would hand this process's memory and threads on.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, log), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, request: str, **arguments: Any) -> Any:
        """The answer of a method of `Worker`."""
        until = time.monotonic() + self._patience
        self._working = True
        try:
            self._connection.send((request, arguments))
            while not self._connection.poll(_POLL):
                self._watch(until)
            status, answer = self._connection.recv()
            self._working = False
        except (EOFError, OSError):
            raise Failed(self._how_it_ended()) from None
        if status != DONE:
            raise Failed(answer)
        return answer

    def _watch(self, until: float) -> None:
        resident = memory.resident_bytes(self._process.pid or 0) or 0
        if self._limit is not None and resident > self._limit:
            self.close()
            raise Failed(
                f"out of memory: stopped at {resident / 1e9:.1f} GB, and {self._limit / 1e9:.1f} GB were free for it"
            )
        # Others may take theirs meanwhile, and the system would then end whichever process it likes.
        free = memory.available_bytes()
        if free is not None and free < memory.RESERVE_BYTES // 2:
            self.close()
            raise Failed(f"out of memory: stopped at {resident / 1e9:.1f} GB, when the machine had none left")
        if time.monotonic() > until:
            self.close()
            raise Failed(f"no answer within {self._patience:.0f} s")

    def _how_it_ended(self) -> str:
        self._process.join(5.0)
        code = self._process.exitcode
        said = self._last_words()
        self.close()
        if code == -signal.SIGKILL:
            return "out of memory: the system ended the process"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"crashed with {signal.Signals(-code).name}{said}"
        return f"ended with code {code}{said}"

    def _last_words(self) -> str:
        try:
            lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        except OSError:
            return ""
        return f": {lines[-1][:200]}" if lines else ""

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._connection.close()
        if not self._working:
            self._process.join(_FAREWELL)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._log.unlink(missing_ok=True)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ask_once(request: str, **arguments: Any) -> Any:
    """The answer of a process that does nothing else."""
    with Child() as child:
        return child.ask(request, **arguments)
