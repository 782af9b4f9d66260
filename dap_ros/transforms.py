"""Transforms of the robot from TF, where `tf2_ros` is installed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from rclpy.time import Time

from dap_core.errors import InputError
from dap_core.pose import Lookup, Pose, Unconnected


class Transforms:
    """Looks transforms up in a tf2 buffer that listens from now on.

    Raises InputError where `tf2_ros` is not installed; `why` names the parameter that asked for it.
    """

    def __init__(self, node: Any, why: str) -> None:
        try:
            import tf2_ros
        except ImportError:
            raise InputError(f"{why} needs tf2_ros, which is not installed here (ros-$ROS_DISTRO-tf2-ros-py)") from None
        self._buffer = tf2_ros.Buffer(node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)
        self._missing = tf2_ros.TransformException

    def at(self, stamp: Any) -> Lookup:
        """`lookup` at one stamp (builtin_interfaces/Time)."""
        return partial(self.lookup, stamp=stamp)

    def lookup(self, target: str, source: str, stamp: Any) -> Pose:
        """Pose of `source` in `target` at a stamp, or the newest where the buffer does not reach the stamp yet.

        Waits for nothing. Raises Unconnected, with tf2's reason, where the frames are not connected, and InputError
        where the transform is none.
        """
        at = Time.from_msg(stamp) if stamp.sec >= 0 else Time()  # rclpy knows no time before 1970
        try:
            found = self._buffer.lookup_transform(target, source, at)
        except self._missing:
            try:
                found = self._buffer.lookup_transform(target, source, Time())
            except self._missing as error:
                reason = " ".join(str(error).split())
                raise Unconnected(f"no transform from {source} to {target}: {reason}") from None
        q, t = found.transform.rotation, found.transform.translation
        return Pose.of_quaternion(np.array([q.x, q.y, q.z, q.w]), np.array([t.x, t.y, t.z]))

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
