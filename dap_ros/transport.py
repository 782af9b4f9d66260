"""Getting large messages through: the Fast DDS profile, quality of service, and what publishers offer.

Measured with Fast DDS 3.2: without a profile a best-effort message above about 400 KB is mostly lost between processes;
a larger shared-memory segment at the publisher alone delivers everything.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dap_core.errors import InputError
from dap_ros.distribution import PROFILE_VARIABLES, profile_variable
from dap_ros.share import share_file

#: Set to `none` to leave DDS alone, or to the path of another profile; unset or `auto` is the shipped one.
SWITCH = "DAP_ROS_DDS_PROFILE"

SHIPPED_PROFILE = "config/fastdds_large_messages.xml"

#: Profiles that Fast DDS reads by itself from the working directory.
_LOCAL_PROFILES = ("DEFAULT_FASTDDS_PROFILES.xml", "DEFAULT_FASTRTPS_PROFILES.xml")

#: Free bytes that /dev/shm must have for the shipped profile, which takes 16 MB a process (containers often have 64).
_SHARED_MEMORY_FREE = 20 << 20

#: Bytes up to which a best-effort message arrives without a profile.
BEST_EFFORT_LIMIT = 384 * 1024


@dataclass(frozen=True)
class Profile:
    """Which DDS profile is in force, and whether large best-effort messages can be expected to arrive with it."""

    large_messages: bool
    reason: str


def apply_profile(environment: MutableMapping[str, str] | None = None, rmw: str | None = None) -> Profile:
    """Put the large-message profile into the environment; call before `rclpy.init()`.

    Nothing is changed when the user has a profile or a choice of transports of their own, when the middleware is not
    Fast DDS, or when `DAP_ROS_DDS_PROFILE` is `none`. Raises InputError when it names a file that is not there.
    """
    environment = os.environ if environment is None else environment
    found = current_profile(environment, rmw)
    if found is not None:
        return found
    switch = environment.get(SWITCH, "auto")
    if switch in ("", "auto") and _shared_memory_free() < _SHARED_MEMORY_FREE:
        return Profile(False, f"/dev/shm has less than {_SHARED_MEMORY_FREE >> 20} MB free")
    path = share_file(SHIPPED_PROFILE) if switch in ("", "auto") else Path(switch)
    if not path.is_file():
        raise InputError(f"{SWITCH}={switch}: no such file; auto, none or the path of a Fast DDS profile is expected")
    environment[profile_variable()] = str(path)
    return Profile(True, str(path))


def _shared_memory_free() -> int:
    """Bytes free in /dev/shm; 0 where there is none."""
    try:
        status = os.statvfs("/dev/shm")
    except OSError:
        return 0
    return status.f_bavail * status.f_frsize


def current_profile(environment: MutableMapping[str, str] | None = None, rmw: str | None = None) -> Profile | None:
    """What the environment already settles, or None where `apply_profile` would set the shipped profile."""
    environment = os.environ if environment is None else environment
    if rmw is None:
        rmw = rmw_name()
    if not rmw.startswith("rmw_fastrtps"):
        return Profile(True, f"{rmw} has its own settings for large messages")
    for variable in PROFILE_VARIABLES:
        if environment.get(variable):
            there = Path(environment[variable]).is_file()
            return Profile(there, f"{variable}={environment[variable]}{'' if there else ', which is not there'}")
    if environment.get("FASTDDS_BUILTIN_TRANSPORTS"):
        return Profile(False, f"FASTDDS_BUILTIN_TRANSPORTS={environment['FASTDDS_BUILTIN_TRANSPORTS']}")
    for name in _LOCAL_PROFILES:
        if Path(name).is_file():
            return Profile(True, f"{name} in the working directory")
    if environment.get(SWITCH) == "none":
        return Profile(False, f"turned off by {SWITCH}=none")
    return None


def loss_advice() -> str:
    """What to do where large messages of a best-effort publisher do not arrive; "" where nothing is known."""
    if not rmw_name().startswith("rmw_fastrtps"):
        return ""
    return (
        "its publisher is best effort, and Fast DDS by default loses large best-effort messages: start it with "
        f"{profile_variable()}={share_file(SHIPPED_PROFILE)}, or have it publish reliably, or compressed images"
    )


def rmw_name() -> str:
    """The middleware in use, for example rmw_fastrtps_cpp."""
    from rclpy.utilities import get_rmw_implementation_identifier

    return str(get_rmw_implementation_identifier())


def qos(reliability: str, depth: int) -> Any:
    """Volatile keep-last profile; `reliability` is reliable or best_effort."""
    from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
    )


def offered_reliability(publishers: Sequence[Any]) -> str:
    """`reliable` when every publisher (TopicEndpointInfo) offers it, else `best_effort`, which matches all of them."""
    from rclpy.qos import ReliabilityPolicy

    best_effort = any(p.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT for p in publishers)
    return "best_effort" if best_effort else "reliable"


def best_effort_subscribers(node: Any, topic: str) -> int:
    """How many best-effort subscriptions a topic (resolved name) has."""
    from rclpy.qos import ReliabilityPolicy

    return sum(
        s.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT for s in node.get_subscriptions_info_by_topic(topic)
    )
