"""Walks out of bags: pairing, order, and one line for whatever is wrong with the file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from dap_core.errors import InputError
from dap_core.io.bags import IMAGE_TOPIC, RANGE_TOPIC, load_walk, messages, topics

pytest.importorskip("rosbags")
sys.path.insert(0, str(Path(__file__).parents[1] / "dap_ros"))
from walk_bag import write_walk_bag


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = [np.random.default_rng(i).integers(0, 256, (16, 32, 3), np.uint8) for i in range(4)]
    ranges = [np.full((16, 32), i + 0.5, np.float32) for i in range(4)]
    ranges[2][0] = np.inf
    return write_walk_bag(tmp_path_factory.mktemp("bag"), images, ranges)


@pytest.mark.parametrize("form", ["file", "folder"])
def test_a_walk_comes_back_exactly(bag: Path, form: str) -> None:
    walk = load_walk(bag if form == "file" else bag.parent / "bag")
    assert walk.stamps_ns.tolist() == [0, 100_000_000, 200_000_000, 300_000_000]
    for i in range(4):
        np.testing.assert_array_equal(walk.images[i], np.random.default_rng(i).integers(0, 256, (16, 32, 3), np.uint8))
    assert np.isposinf(walk.ranges_m[2][0]).all() and (walk.ranges_m[2][1:] == 2.5).all()
    assert topics(bag) == {IMAGE_TOPIC: "sensor_msgs/msg/CompressedImage", RANGE_TOPIC: "sensor_msgs/msg/Image"}


def test_missing_damaged_and_foreign_files_are_one_line(bag: Path, tmp_path: Path) -> None:
    whole = bag.read_bytes()
    cases = {
        "empty.mcap": b"",
        "cut.mcap": whole[: len(whole) // 2],
        "noise.mcap": bytes(range(256)) * 20,
        "x.txt": b"hello",
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    for name in (*cases, "folder", "absent.mcap"):
        with pytest.raises(InputError) as caught:
            load_walk(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(InputError, match=f"has no topic /imu; it has {IMAGE_TOPIC}, {RANGE_TOPIC}"):
        list(messages(bag, ("/imu",)))


def test_the_shipped_walk_is_a_walk() -> None:
    path = Path(__file__).parents[2] / "dap_ros" / "data" / "walk.mcap"
    assert path.stat().st_size < 10e6
    walk = load_walk(path)
    assert len(walk.images) >= 20 and np.all(np.diff(walk.stamps_ns) == 100_000_000)
    for image, range_m in zip(walk.images, walk.ranges_m, strict=True):
        assert image.shape == (256, 512, 3) and range_m.shape == (256, 512)
        near = range_m[np.isfinite(range_m)]
        assert near.min() > 0.05 and not np.isnan(range_m).any()


def test_without_rosbags_it_says_what_to_install(bag: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rosbags.rosbag2", None)
    with pytest.raises(InputError, match="needs rosbags, which is not installed: pip install rosbags"):
        load_walk(bag)
