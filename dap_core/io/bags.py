"""Walks out of recorded bags: panoramas with the exact range of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.bag_reader import open_bag, stamp_ns
from dap_core.io.image_messages import decode_compressed, decode_image, decode_range

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


def topics(path: str | Path) -> dict[str, str]:
    """Message type of every topic of a bag. Raises InputError."""
    with open_bag(path) as bag:
        return {topic.name: topic.type for topic in bag.topics.values()}


def messages(path: str | Path, wanted: Sequence[str]) -> Iterator[tuple[str, int, Any]]:
    """(topic, receive stamp in nanoseconds, message) of the wanted topics, in the order of recording.

    Raises InputError for a missing or damaged bag and for a topic that it does not have.
    """
    with open_bag(path) as bag:
        for topic in wanted:
            bag.need(topic)
        for raw, message in bag.messages(wanted):
            yield raw.topic, raw.stamp_ns, message


def image_of(message: Any) -> NDArray[np.uint8]:
    """RGB panorama (H, W, 3) uint8 of an Image or a CompressedImage read from a bag. Raises InputError."""
    return decode_image(message) if hasattr(message, "encoding") else decode_compressed(message)


def load_walk(path: str | Path, image_topic: str = IMAGE_TOPIC, range_topic: str = RANGE_TOPIC) -> Walk:
    """All frames of a walk into memory, images and ranges paired by header stamp.

    Raises InputError for a bag that cannot be read, lacks a topic, or pairs no image with a range.
    """
    images: dict[int, NDArray[np.uint8]] = {}
    ranges: dict[int, NDArray[np.float32]] = {}
    for topic, _, message in messages(path, (image_topic, range_topic)):
        stamp = stamp_ns(message)
        if topic == image_topic:
            images[stamp] = image_of(message)
        else:
            ranges[stamp] = decode_range(message)
    stamps = sorted(images.keys() & ranges.keys())
    if not stamps:
        raise InputError(f"{path}: no image on {image_topic} has a range with its stamp on {range_topic}")
    return Walk(np.array(stamps, np.int64), [images[s] for s in stamps], [ranges[s] for s in stamps])
