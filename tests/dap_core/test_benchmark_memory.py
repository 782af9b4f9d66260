import os
from pathlib import Path

import numpy as np
import pytest

from dap_core.benchmark import memory

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="counted from Linux's /proc")

MB = 1 << 20


def test_the_peak_remembers_what_was_given_back_until_it_is_told_to_forget():
    before = memory.peak_bytes()
    block = np.ones(max(200 * MB, before - memory.resident_bytes(os.getpid()) + 200 * MB), np.uint8)
    held = memory.resident_bytes(os.getpid())
    del block
    after = memory.resident_bytes(os.getpid())
    assert held - after > 190 * MB
    assert memory.peak_bytes() > held - 8 * MB and memory.peak_bytes() > before  # the kernel counts in lumps
    assert memory.forget_peak()
    assert memory.peak_bytes() < held - 150 * MB


def test_what_is_free_is_less_than_what_there_is():
    assert 0 < memory.available_bytes() < memory.total_bytes()


def test_a_container_has_what_its_limit_leaves(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal:  8000000 kB\nMemAvailable:  6000000 kB\n")
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available_bytes() == 6000000 << 10
    (tmp_path / "memory.max").write_text("2000000000\n")
    (tmp_path / "memory.current").write_text("500000000\n")
    assert memory.available_bytes() == 1500000000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() == 6000000 << 10


def test_what_cannot_be_known_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_PROC", tmp_path / "gone")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "gone")
    assert memory.peak_bytes() is None and memory.total_bytes() is None and memory.available_bytes() is None
    assert not memory.forget_peak()
