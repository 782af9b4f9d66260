"""Real DDS on a domain of this process's own, on this machine only; a model whose output is known; a small walk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("ROS_LOG_DIR", f"/tmp/dap_ros_test_log_{os.getuid()}")


@pytest.fixture(scope="session", autouse=True)
def ros() -> Iterator[None]:
    """rclpy for the whole session."""
    import rclpy

    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope="session")
def known_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 32x64 model with range = 1 + red / 10 metres and far probability = blue / 255."""
    from known_model import write_known_model

    return write_known_model(tmp_path_factory.mktemp("model") / "known.onnx", 32)


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five 64x128 frames: frame i has red 10 i and the range 1 + i metres, +inf in the top row."""
    from walk_bag import write_walk_bag

    images = [np.full((64, 128, 3), (10 * i, 128, 0), np.uint8) for i in range(5)]
    ranges = [np.full((64, 128), 1.0 + i, np.float32) for i in range(5)]
    for r in ranges:
        r[0] = np.inf
    return write_walk_bag(tmp_path_factory.mktemp("walk"), images, ranges)
