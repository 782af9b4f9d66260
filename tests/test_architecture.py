"""The arrows between the rooms: dap_ros -> dap_core <- training, and torch only where a robot never goes."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "dap_core": {"dap_ros", "training", "rclpy", "sensor_msgs", "lightning", "warp"},
    "dap_ros": {"training", "torch", "lightning", "warp"},
    "training": {"dap_ros", "rclpy", "sensor_msgs"},
}
TORCH_ROOMS = ("dap_core/model/", "dap_core/export/", "dap_core/backends/torch.py", "dap_core/benchmark/torch_forms.py")


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def files(room: str) -> list[Path]:
    found = sorted((ROOT / room).rglob("*.py"))
    assert len(found) > 3
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_arrows(room):
    wrong = {str(p.relative_to(ROOT)): bad for p in files(room) if (bad := imported(p) & FORBIDDEN[room])}
    assert not wrong


def test_torch_stays_in_its_rooms():
    wrong = [
        name
        for p in files("dap_core")
        if not (name := str(p.relative_to(ROOT))).startswith(TORCH_ROOMS)
        and imported(p) & {"torch", "safetensors", "transformers"}
    ]
    assert not wrong
