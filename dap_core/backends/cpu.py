"""What the CPU offers: threads worth using, and the instructions that decide a precision."""

from __future__ import annotations

import math
import os
import platform
from functools import lru_cache
from pathlib import Path


def cpu_threads() -> int:
    """Threads for one inference: the physical cores that this process may use, within its container's CPU quota."""
    if not hasattr(os, "sched_getaffinity"):
        return max(1, os.cpu_count() or 1)
    cores = set()
    for cpu in os.sched_getaffinity(0):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text().strip())
        except OSError:
            cores.add(str(cpu))
    return max(1, min(len(cores), _quota()))


def _quota() -> int:
    """Whole CPUs of the cgroup's quota (`docker run --cpus`), or a large number where there is none."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, math.floor(int(limit) / int(period)))
    except (OSError, ValueError):
        return 1 << 16


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """Instruction set flags as the kernel names them; empty where they cannot be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def bf16_flag() -> str | None:
    """The flag of native bfloat16 products (AMX before AVX-512), or None."""
    return next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in cpu_flags()), None)


def cpu_name() -> str:
    """The processor's name, for reports."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
