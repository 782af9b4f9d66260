"""What differs between ROS 2 distributions, Humble to Kilted; everything else is written for all of them alike."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from lifecycle_msgs.srv import ChangeState

#: Variables with the path of a profile, that Fast DDS 3 reads, and Fast DDS 2.
PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")


def profile_variable() -> str:
    """The variable that the loaded Fast DDS reads: 2 (libfastrtps, to Jazzy) and 3 (libfastdds) each have their own.

    Setting both makes 3 warn at every start.
    """
    try:
        old = "libfastrtps.so" in Path("/proc/self/maps").read_text()
    except OSError:
        old = os.environ.get("ROS_DISTRO") in ("humble", "iron", "jazzy")
    return PROFILE_VARIABLES[1] if old else PROFILE_VARIABLES[0]


def stay_on_this_machine(environment: MutableMapping[str, str]) -> None:
    """Let discovery reach no other machine; before `rclpy.init()`."""
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if environment.get("ROS_DISTRO") == "humble":  # newer ones warn about it
        environment["ROS_LOCALHOST_ONLY"] = "1"


def subscribe(
    node: Any, kind: type, topic: str, callback: Callable[[Any], None], profile: Any, lost: Callable[[int], None]
) -> Any:
    """A subscription; `lost` is told of messages that went missing on their way, where the middleware notices that."""
    try:
        from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
    except ImportError:  # Humble
        from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError

    events = SubscriptionEventCallbacks(message_lost=lambda info: lost(info.total_count_change))
    try:
        return node.create_subscription(kind, topic, callback, profile, event_callbacks=events)
    except UnsupportedEventTypeError:
        return node.create_subscription(kind, topic, callback, profile)


def refuse_impossible_transitions(node: Any) -> None:
    """Answer requests for transitions that the lifecycle node's state does not have with no success.

    Kilted does so by itself. Up to Jazzy, rclpy's service raises, which ends the process: a lifecycle manager that
    configures a node which has configured itself is enough for that.
    """
    from rclpy.impl.implementation_singleton import rclpy_implementation

    service = next(s for s in node.services if s.srv_type is ChangeState)
    change_state = service.callback

    def answer(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        try:
            return change_state(request, response)
        except rclpy_implementation.RCLError:
            asked = request.transition.label or request.transition.id
            node.get_logger().error(f"no transition {asked} in this state: the lifecycle stays as it is")
            response.success = False
            return response

    service.callback = answer
