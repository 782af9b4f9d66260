"""What a process holds of the machine, to see whether it leaks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Resources:
    """Resident memory in MB, threads, and open file descriptors."""

    memory_mb: float
    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Resources:
        """Those of a process now."""
        proc = Path(f"/proc/{pid}")
        pages = int((proc / "statm").read_text().split()[1])
        memory_mb = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return cls(memory_mb, len(list((proc / "task").iterdir())), len(list((proc / "fd").iterdir())))
