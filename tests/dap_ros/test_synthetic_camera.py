"""The camera's frames, stamps, order and options."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ros_process import Peer, RosProcess
from sensor_msgs.msg import CompressedImage, Image

from dap_core.io.image_messages import decode_compressed, decode_range
from dap_ros.synthetic_camera import there_and_back


def test_there_and_back() -> None:
    assert there_and_back(4) == [0, 1, 2, 3, 2, 1]
    assert there_and_back(1) == [0] and there_and_back(2) == [0, 1]


def test_plays_back_and_forth_with_equal_stamps(walk: Path) -> None:
    with (
        RosProcess("dap_ros.synthetic_camera", {"bag": str(walk), "rate": 40.0, "frame_id": "head_link"}) as process,
        Peer("/synthetic_camera") as peer,
    ):
        images, ranges = peer.listen("/image", Image), peer.listen("/range", Image)
        assert peer.wait(lambda: len(images) > 45 and len(ranges) > 45), process.log()
        by_stamp = {(m.header.stamp.sec, m.header.stamp.nanosec): m for m in ranges}
        pairs = [(m, by_stamp.get((m.header.stamp.sec, m.header.stamp.nanosec))) for m in images]
        pairs = [(a, b) for a, b in pairs if b is not None]
        assert len(pairs) > 40
        indices = []
        for image, range_image in pairs:
            assert (image.header.frame_id, image.encoding, image.height, image.width) == ("head_link", "rgb8", 64, 128)
            index = image.data[0] // 10
            values = decode_range(range_image)
            assert np.isposinf(values[0]).all() and (values[1:] == 1.0 + index).all()
            indices.append(index)
        # Reliable, but a loaded machine may still skip: neighbours differ by one as a rule.
        steps = np.abs(np.diff(indices))
        assert set(indices) == {0, 1, 2, 3, 4} and np.mean(steps == 1) > 0.9
        stamps = np.array([m.header.stamp.sec + 1e-9 * m.header.stamp.nanosec for m in images])
        assert abs(np.median(np.diff(stamps)) - 1 / 40) < 0.005
        assert process.stop() == 0


def test_compressed_larger_and_best_effort(walk: Path) -> None:
    parameters = {"bag": str(walk), "rate": 10.0, "compressed": True, "height": 128, "reliability": "best_effort"}
    with RosProcess("dap_ros.synthetic_camera", parameters) as process, Peer("/synthetic_camera") as peer:
        got = peer.listen("/image/compressed", CompressedImage, "best_effort")
        assert peer.wait(lambda: len(got) > 3), process.log()
        pixels = decode_compressed(got[-1])
        assert pixels.shape == (128, 256, 3) and "jpeg" in got[-1].format
        assert abs(int(pixels[5, 5, 1]) - 128) <= 2


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"bag": "/nowhere/walk.mcap"}, "synthetic_camera: /nowhere/walk.mcap: no such bag"),
        ({"rate": 0.0}, "synthetic_camera: parameter rate"),
        ({"reliability": "maybe"}, "synthetic_camera: parameter reliability is one of"),
    ],
)
def test_wrong_parameters_end_with_one_line(parameters: dict[str, object], line: str, walk: Path) -> None:
    with RosProcess("dap_ros.synthetic_camera", {"bag": str(walk)} | parameters) as process:
        assert process.process.wait(timeout=30) == 2
        assert process.log().startswith(line) and process.log().count("\n") == 1, process.log()
