"""A bag recorded from the real node and one made offline from its pictures hold the same, and evaluate alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from known_model import write_known_model
from rclpy.serialization import deserialize_message, serialize_message
from recorded_world import IMAGE, LIDAR, Recording
from ros_process import Peer, RosProcess
from rosbags.rosbag2 import StoragePlugin, Writer
from sensor_msgs.msg import Image, LaserScan, PointCloud2

from dap_core.estimate import DepthEstimator
from dap_core.evaluation.bags.evaluate import EvalOptions, evaluate_bag
from dap_core.io.bag_reader import open_bag, stamp_ns
from dap_core.io.bag_writer import ros_types
from dap_core.offline.outputs import OUTPUTS
from dap_core.offline.run import run_bag
from dap_core.offline.settings import OfflineSettings

H, FRAMES = 32, 4
TYPES = dict(zip(OUTPUTS, (Image, Image, Image, PointCloud2, LaserScan), strict=True))
KINDS = {
    Image: "sensor_msgs/msg/Image",
    PointCloud2: "sensor_msgs/msg/PointCloud2",
    LaserScan: "sensor_msgs/msg/LaserScan",
}


def _recorded_live(inputs: Path, live: Path, model: Path) -> None:
    """The inputs, and what the node makes of their pictures, written down as a recorder does."""
    parameters = {"model": str(model), "backend": "onnxruntime", "diagnostics_period": 0.1}
    writer = Writer(live, version=9, storage_plugin=StoragePlugin.MCAP)
    with (
        open_bag(inputs) as bag,
        writer,
        RosProcess("dap_ros.depth_node", parameters, {"__ns": "/camera"}) as process,
        Peer("/camera/depth_node") as peer,
    ):
        ids: dict[str, Any] = {}

        def write(topic: str, kind: str, stamp: int, data: bytes) -> None:
            if topic not in ids:
                ids[topic] = writer.add_connection(topic, kind, typestore=ros_types())
            writer.write(ids[topic], stamp, data)

        lists = {name: peer.listen(f"/camera/{name}", kind) for name, kind in TYPES.items()}
        for raw in bag.raw():
            write(raw.topic, raw.type, raw.stamp_ns, raw.data)
            if raw.topic != IMAGE:
                continue
            message = deserialize_message(raw.data, Image)
            due = 1 + sum(1 for _ in lists["depth/image"])
            peer.publish(IMAGE, message)
            whole = peer.wait(lambda due=due: all(len(got) >= due for got in lists.values()))
            assert whole, process.log()
            for name, got in lists.items():
                late = raw.stamp_ns + 25_000_000
                write(f"/camera/{name}", KINDS[TYPES[name]], late, serialize_message(got[-1]))


def _messages(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Header stamp and message of every output."""
    with open_bag(path) as bag:
        found: dict[str, list[tuple[int, Any]]] = {}
        for raw, message in bag.messages([f"/camera/{name}" for name in OUTPUTS]):
            found.setdefault(raw.topic, []).append((stamp_ns(message), message))
        return found


def _same(a: Any, b: Any) -> bool:
    """Whether two messages have the same fields, to the bit."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    fields = getattr(a, "__dataclass_fields__", None)
    return a == b if fields is None else all(_same(getattr(a, name), getattr(b, name)) for name in fields)


def test_live_and_offline_are_the_same_and_evaluate_alike(tmp_path: Path) -> None:
    inputs, live, offline = (tmp_path / name for name in ("inputs", "live", "offline"))
    Recording(frames=FRAMES, height=H, with_image=True, with_depth=False).write(inputs)
    model = write_known_model(tmp_path / "known.onnx", H)
    _recorded_live(inputs, live, model)
    with DepthEstimator.open(model, "onnxruntime", threads=1) as estimator:
        assert run_bag(inputs, offline, estimator, OfflineSettings()).frames == FRAMES
    ours, theirs = _messages(offline), _messages(live)
    assert ours.keys() == theirs.keys() == {f"/camera/{name}" for name in OUTPUTS}
    for topic, messages in ours.items():
        assert [stamp for stamp, _ in messages] == [stamp for stamp, _ in theirs[topic]]
        for (_, a), (_, b) in zip(messages, theirs[topic], strict=True):
            assert _same(a, b), topic
    options = EvalOptions(truth=LIDAR, depth="/camera/depth/image")
    one, other = (evaluate_bag(path, None, OfflineSettings(), options) for path in (live, offline))
    assert len(one.frames) == FRAMES and one.frames == other.frames
    assert np.array_equal(one.sums, other.sums) and abs(one.ratio - 1.0) < 0.01
