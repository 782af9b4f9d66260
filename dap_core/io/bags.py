"""Recorded ROS 2 bags (mcap or sqlite3), read without ROS through `rosbags`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.image_messages import decode_compressed, decode_image, decode_range

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader

#: Topics of the sample walk (`dap worlds walk` writes them).
IMAGE_TOPIC = "/camera/image/compressed"
RANGE_TOPIC = "/camera/range"


@dataclass(frozen=True)
class Walk:
    """Panoramas of a recorded walk with the exact range of each.

    Attributes:
        stamps_ns: (N,) int64, header stamps, nanoseconds, increasing.
        images: N arrays (H, W, 3) uint8 RGB.
        ranges_m: N arrays (h, w) float32, metres along the ray, +inf where there is nothing.
    """

    stamps_ns: NDArray[np.int64]
    images: list[NDArray[np.uint8]]
    ranges_m: list[NDArray[np.float32]]


@contextmanager
def _opened(path: Path) -> Iterator[AnyReader]:
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    if not path.exists():
        raise InputError(f"{path}: no such bag; a bag folder or an .mcap or .db3 file is expected")
    try:
        reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY))
        reader.open()
    except Exception as error:  # rosbags lets struct, assertion, OS and decompression errors of damaged files through
        raise InputError(
            f"{path}: not a readable ROS 2 bag: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    try:
        yield reader
    finally:
        reader.close()


def topics(path: str | Path) -> dict[str, str]:
    """Message type of every topic of a bag. Raises InputError."""
    with _opened(Path(path)) as reader:
        return {c.topic: c.msgtype for c in reader.connections}


def messages(path: str | Path, wanted: Sequence[str]) -> Iterator[tuple[str, int, Any]]:
    """(topic, receive stamp in nanoseconds, message) of the wanted topics, in the order of recording.

    Raises InputError for a missing or damaged bag and for a topic that it does not have.
    """
    path = Path(path)
    with _opened(path) as reader:
        have = {c.topic for c in reader.connections}
        for topic in wanted:
            if topic not in have:
                raise InputError(f"{path}: has no topic {topic}; it has {', '.join(sorted(have)) or 'none'}")
        try:
            for connection, stamp, raw in reader.messages([c for c in reader.connections if c.topic in wanted]):
                yield connection.topic, stamp, reader.deserialize(raw, connection.msgtype)
        except InputError:
            raise
        except Exception as error:  # as above: a damaged chunk surfaces as whatever its decoder raises
            raise InputError(f"{path}: damaged bag: {_one_line(error)}") from None


def image_of(message: Any) -> NDArray[np.uint8]:
    """RGB panorama (H, W, 3) uint8 of an Image or a CompressedImage read from a bag. Raises InputError."""
    return decode_image(message) if hasattr(message, "encoding") else decode_compressed(message)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def load_walk(path: str | Path, image_topic: str = IMAGE_TOPIC, range_topic: str = RANGE_TOPIC) -> Walk:
    """All frames of a walk into memory, images and ranges paired by header stamp.

    Raises InputError for a bag that cannot be read, lacks a topic, or pairs no image with a range.
    """
    images: dict[int, NDArray[np.uint8]] = {}
    ranges: dict[int, NDArray[np.float32]] = {}
    for topic, _, message in messages(path, (image_topic, range_topic)):
        stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
        if topic == image_topic:
            images[stamp] = image_of(message)
        else:
            ranges[stamp] = decode_range(message)
    stamps = sorted(images.keys() & ranges.keys())
    if not stamps:
        raise InputError(f"{path}: no image on {image_topic} has a range with its stamp on {range_topic}")
    return Walk(np.array(stamps, np.int64), [images[s] for s in stamps], [ranges[s] for s in stamps])
