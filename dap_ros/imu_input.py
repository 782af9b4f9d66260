"""The IMU subscription of a camera."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Imu

from dap_core.products.attitude import Attitude
from dap_ros.transport import qos


class ImuInput:
    """Subscribes to `<prefix>imu`, best effort, which matches every publisher, and gives what comes to `attitude`."""

    def __init__(self, node: Any, prefix: str, attitude: Attitude) -> None:
        self._node = node
        self._subscription = node.create_subscription(Imu, f"{prefix}imu", attitude.add, qos("best_effort", 50))

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)
