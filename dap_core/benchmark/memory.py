"""Memory of a process, as Linux counts it, and how much of the machine's is free."""

from __future__ import annotations

import contextlib
from pathlib import Path

#: What is left to everybody else when a process is stopped for its memory (bytes).
RESERVE_BYTES = 512 << 20

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


def peak_bytes() -> int | None:
    """Largest resident memory of this process so far, or since `forget_peak`; None where it cannot be known.

    Not `getrusage`, which counts in what the parent had in memory when it started this process.
    """
    return _status_bytes("VmHWM")


def resident_bytes(pid: int) -> int | None:
    """Resident memory of a process now."""
    return _status_bytes("VmRSS", pid)


def forget_peak() -> bool:
    """Begin `peak_bytes` anew at what is resident now; whether that could be done."""
    try:
        (_PROC / "self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def total_bytes() -> int | None:
    """The machine's memory."""
    return _meminfo_bytes("MemTotal")


def available_bytes() -> int | None:
    """What a new process may take without others having to give up theirs, within the container's limit."""
    free = [value for value in (_meminfo_bytes("MemAvailable"), _within_cgroup()) if value is not None]
    return min(free) if free else None


def first_to_be_killed() -> None:
    """Have the kernel end this process before any other when memory runs out."""
    with contextlib.suppress(OSError):
        (_PROC / "self/oom_score_adj").write_text("1000")


def _within_cgroup() -> int | None:
    try:
        return int((_CGROUP / "memory.max").read_text()) - int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):  # no such files, or "max"
        return None


def _status_bytes(key: str, pid: int | str = "self") -> int | None:
    return _kilobytes(_PROC / str(pid) / "status", key)


def _meminfo_bytes(key: str) -> int | None:
    return _kilobytes(_PROC / "meminfo", key)


def _kilobytes(path: Path, key: str) -> int | None:
    try:
        for line in path.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == key:
                return int(value.split()[0]) << 10
    except (OSError, ValueError, IndexError):
        pass
    return None
