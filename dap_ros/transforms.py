"""Transforms of the robot from TF, where `tf2_ros` is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transforms3d.quaternions import quat2mat

from dap_core.errors import InputError


@dataclass(frozen=True)
class Pose:
    """`rotation` (3, 3) and `translation` (3,) metres that take points of one frame to another."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]


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

    def lookup(self, target: str, source: str, stamp: Any) -> Pose:
        """Pose of `source` in `target` at a stamp, or the newest where the buffer does not reach the stamp yet.

        Waits for nothing. Raises InputError, with tf2's reason, where the frames are not connected.
        """
        from rclpy.time import Time

        try:
            found = self._buffer.lookup_transform(target, source, Time.from_msg(stamp))
        except self._missing:
            try:
                found = self._buffer.lookup_transform(target, source, Time())
            except self._missing as error:
                reason = " ".join(str(error).split())
                raise InputError(f"no transform from {source} to {target}: {reason}") from None
        q, t = found.transform.rotation, found.transform.translation
        return Pose(quat2mat([q.w, q.x, q.y, q.z]), np.array([t.x, t.y, t.z]))

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
