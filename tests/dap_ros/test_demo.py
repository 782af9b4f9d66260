"""`dap demo` as a person runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np


def demo(*arguments: str, timeout: float = 150.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dap_core.cli", "demo", *arguments], capture_output=True, text=True, timeout=timeout
    )


def test_table_and_picture(tmp_path: Path) -> None:
    done = demo("--seconds", "3", "--out", str(tmp_path / "a" / "b"))
    assert done.returncode == 0, done.stdout + done.stderr
    for topic in ("depth/image", "mask/near", "mask/far", "points", "scan", "depth/color"):
        row = next(line for line in done.stdout.splitlines() if f" {topic} " in line)
        cells = [c.strip() for c in re.split("[│|]", row) if c.strip()]
        assert float(cells[1]) > 1.0 and 0.0 < float(cells[2]) <= float(cells[3]), row
    assert re.search(r"network \d+\.\d+ ms, everything else \d+\.\d+ ms", done.stdout)
    picture = cv2.imread(str(tmp_path / "a" / "b" / "demo.png"))
    assert picture is not None and picture.shape[1] > 1000 and np.unique(picture.reshape(-1, 3), axis=0).shape[0] > 1000


def test_sustained(tmp_path: Path) -> None:
    done = demo("--sustained", "3", "--height", "256", "--rate", "20", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    rate, median, p95 = re.search(  # type: ignore[union-attr]
        r"([\d.]+) clouds/s; stamp to cloud, .* median ([\d.]+) ms, p95 ([\d.]+) ms", done.stdout
    ).groups()
    assert 0.5 < float(rate) < 20.5 and 5.0 < float(median) <= float(p95)
    network, beyond = re.search(r"network ([\d.]+) ms, beyond it ([\d.]+) ms", done.stdout).groups()  # type: ignore[union-attr]
    assert float(network) > 5.0 and float(beyond) > 0.2
    assert 100 < float(re.search(r"memory of the node (\d+) MB", done.stdout)[1]) < 3000  # type: ignore[index]
    assert cv2.imread(str(tmp_path / "sustained.png")).shape[1] > 500


def test_wrong_arguments_are_one_line(tmp_path: Path) -> None:
    for arguments, text in (
        (("--seconds", "-1"), "--seconds lies between"),
        (("--sustained", "0"), "--sustained lies between"),
        (("--height", "-1"), "--height lies between"),
        (("--rate", "0"), "--rate lies between"),
        (("--model", str(tmp_path / "none.onnx"), "--out", str(tmp_path)), "the node says: cannot configure"),
        (("--bag", str(tmp_path / "none.mcap"), "--out", str(tmp_path)), "no such bag"),
        (("--out", "/proc/demo"), "cannot make the folder /proc/demo"),
    ):
        done = demo(*arguments)
        assert done.returncode == 2 and text in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
    assert not list(tmp_path.iterdir())
