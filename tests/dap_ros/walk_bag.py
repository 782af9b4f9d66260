"""Bags in the format of the shipped walk, for tests."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore


def write_walk_bag(folder: Path, images: Sequence[np.ndarray], ranges: Sequence[np.ndarray]) -> Path:
    """An mcap file with RGB images (as lossless PNG) and ranges at 10 Hz from stamp 0."""
    store = get_typestore(Stores.ROS2_JAZZY)
    header, time = store.types["std_msgs/msg/Header"], store.types["builtin_interfaces/msg/Time"]
    compressed, image = store.types["sensor_msgs/msg/CompressedImage"], store.types["sensor_msgs/msg/Image"]
    with Writer(folder / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        first = writer.add_connection("/camera/image/compressed", compressed.__msgtype__, typestore=store)
        second = writer.add_connection("/camera/range", image.__msgtype__, typestore=store)
        for i, (rgb, range_m) in enumerate(zip(images, ranges, strict=True)):
            stamp = i * 100_000_000
            head = header(time(stamp // 10**9, stamp % 10**9), "camera_link")
            png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].reshape(-1)
            writer.write(first, stamp, store.serialize_cdr(compressed(head, "png", png), compressed.__msgtype__))
            height, width = range_m.shape
            message = image(head, height, width, "32FC1", 0, 4 * width, range_m.view(np.uint8).reshape(-1))
            writer.write(second, stamp, store.serialize_cdr(message, image.__msgtype__))
    return Path(shutil.copy(next((folder / "bag").glob("*.mcap")), folder / "walk.mcap"))
