"""What the topics of a bag are: panoramas, range images, lidar and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dap_core.errors import InputError
from dap_core.io.bag_reader import Bag, Topic
from dap_core.io.image_messages import ENCODINGS, ShapeRule, decode_compressed
from dap_core.panorama import check_erp_shape

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CLOUD, SCAN = "sensor_msgs/msg/PointCloud2", "sensor_msgs/msg/LaserScan"
IMU, TF, ODOMETRY = "sensor_msgs/msg/Imu", "tf2_msgs/msg/TFMessage", "nav_msgs/msg/Odometry"

_ROLES = {CLOUD: "cloud", SCAN: "scan", IMU: "imu", TF: "transforms", ODOMETRY: "odometry"}

#: Topics of the node itself, which look like panoramas, lidar or scans and are none.
_OWN_IMAGES = ("depth/image", "depth/color", "mask/near", "mask/far")
#: Others have such names too: these are the node's where its images are beside them.
_OWN_OTHERS = ("points", "points/clearing", "points/full", "scan")

_RANGE_ENCODINGS = ("32FC1", "16UC1")


@dataclass(frozen=True)
class Role:
    """What a topic is: panorama, range (image), image, cloud, scan, imu, transforms, odometry, or ""; of the node's
    own outputs depth (the range image) or own.

    `detail` says more in words: size and encoding of images.
    """

    name: str
    detail: str = ""


def role_of(bag: Bag, topic: Topic, check_shape: ShapeRule = check_erp_shape) -> Role:
    """The role of a topic, by its type, name and, for images, its first message."""
    if topic.type in (IMAGE, COMPRESSED) and topic.count:
        return _image_role(bag, topic, check_shape)
    return Role("own" if own_output(bag, topic.name) else _ROLES.get(topic.type, ""))


def own_output(bag: Bag, name: str) -> str:
    """Which of the node's outputs a topic is, by its name and its neighbours' names; "" where it is none."""
    if "/faces/" in name:
        return "faces"
    for own in (*_OWN_IMAGES, *_OWN_OTHERS):
        prefix = f"/{name}".removesuffix(f"/{own}")
        if prefix != f"/{name}":
            beside = any(f"{prefix}/{image}"[1:] in bag.topics for image in _OWN_IMAGES)
            return own if own in _OWN_IMAGES or beside else ""
    return ""


def _image_role(bag: Bag, topic: Topic, check_shape: ShapeRule) -> Role:
    own = own_output(bag, topic.name)
    try:
        message = bag.first(topic.name)
        width, height, encoding = _size(message, topic.type)
    except InputError as error:
        return Role("image", str(error).removeprefix(f"{bag.path}: "))
    detail = f"{width}x{height} {encoding}"
    if own:
        return Role("depth" if own == "depth/image" else "own", detail)
    if encoding in _RANGE_ENCODINGS:
        return Role("range" if width == 2 * height else "image", detail)
    colours = topic.type == COMPRESSED or encoding in ENCODINGS
    try:
        check_shape(height, width)
    except InputError:
        return Role("image", detail)
    return Role("panorama" if colours else "image", detail)


def _size(message: Any, kind: str) -> tuple[int, int, str]:
    if kind == IMAGE:
        return message.width, message.height, message.encoding
    pixels = decode_compressed(message, lambda height, width: None)
    return pixels.shape[1], pixels.shape[0], message.format.split(";")[-1].strip()[:32] or "compressed"


def roles(bag: Bag, check_shape: ShapeRule = check_erp_shape) -> dict[str, Role]:
    """The role of every topic; `check_shape` says which sizes a camera's images can have."""
    return {name: role_of(bag, topic, check_shape) for name, topic in bag.topics.items()}


def panoramas(bag: Bag, wanted: tuple[str, ...] = (), check_shape: ShapeRule = check_erp_shape) -> tuple[str, ...]:
    """The topics of panoramas: those that are named, else every one, of raw and compressed the raw one.

    `check_shape` says which sizes a camera's images can have (`PanoramaInput.check_shape`).

    Raises InputError where a topic that is named is missing, empty or no image, and where there is none at all.
    """
    if wanted:
        for name in wanted:
            bag.need(name, IMAGE, COMPRESSED)
        return wanted
    found = roles(bag, check_shape)
    names = [name for name, role in found.items() if role.name == "panorama"]
    names = [n for n in names if not (n.endswith("/compressed") and n.removesuffix("/compressed") in names)]
    if not names:
        images = [f"{name} ({role.detail})" for name, role in found.items() if role.name == "image"]
        raise InputError(
            f"{bag.path}: no topic has panoramas, images twice as wide as high (unless parameters say otherwise)"
            + (f"; it has {', '.join(images)}" if images else "; it has no images")
        )
    return tuple(names)


def base_of(image_topic: str) -> str:
    """An image topic's name without `/compressed`."""
    return image_topic.removesuffix("/compressed")


def namespace_of(image_topic: str) -> str:
    """The namespace of an image topic, where its outputs go: /camera for /camera/image/compressed."""
    return base_of(image_topic).rpartition("/")[0]
