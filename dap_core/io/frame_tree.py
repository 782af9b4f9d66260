"""Coordinate frames out of a bag's /tf_static and /tf: the pose of one frame in another at a moment."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

import numpy as np
from transforms3d.quaternions import mat2quat, quat2mat

from dap_core.errors import InputError
from dap_core.pose import Pose, Unconnected

#: A moving transform is not carried on for longer than this (seconds) beyond its first and last stamps.
HOLD_S = 1.0
#: Seconds of moving transforms that are kept behind the newest of each.
KEPT_S = 30.0


class FrameTree:
    """Transforms as they come; `lookup` interpolates between those of one child frame."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._static: dict[str, Pose] = {}
        self._moving: dict[str, tuple[list[float], list[Pose]]] = {}

    def __bool__(self) -> bool:
        return bool(self._parents)

    def __contains__(self, frame: str) -> bool:
        return frame in self._parents or frame in self._parents.values()

    def add(self, message: Any, static: bool) -> None:
        """Take in a tf2_msgs/TFMessage; transforms that are not numbers are left out."""
        for stamped in message.transforms:
            q, t = stamped.transform.rotation, stamped.transform.translation
            try:
                pose = Pose.of_quaternion(np.array([q.x, q.y, q.z, q.w]), np.array([t.x, t.y, t.z]))
            except InputError:
                continue
            child = stamped.child_frame_id.lstrip("/")
            self._parents[child] = stamped.header.frame_id.lstrip("/")
            if static:
                self._static[child] = pose
            else:
                self._insert(child, stamped.header.stamp.sec + 1e-9 * stamped.header.stamp.nanosec, pose)

    def lookup(self, target: str, source: str, at_s: float) -> Pose:
        """Pose of `source` in `target` at a time (seconds).

        Raises Unconnected where nothing connects the two, and InputError where nothing does at that time.
        """
        up, down = self._to_root(source.lstrip("/")), self._to_root(target.lstrip("/"))
        common = next((frame for frame in up if frame in down), None)
        if common is None:
            known = f"; frames: {', '.join(sorted({*self._parents, *self._parents.values()}))}" if self else ""
            raise Unconnected(f"no transform from {source} to {target} in the bag{known}")
        return self._chain(down[: down.index(common)], at_s).inverse @ self._chain(up[: up.index(common)], at_s)

    def _to_root(self, frame: str) -> list[str]:
        path = [frame]
        while (parent := self._parents.get(path[-1])) is not None:
            if parent in path:
                raise InputError(f"the transforms form a loop: {' -> '.join([*path, parent])}")
            path.append(parent)
        return path

    def _chain(self, frames: list[str], at_s: float) -> Pose:
        pose = Pose()
        for frame in frames:
            pose = self._at(frame, at_s) @ pose
        return pose

    def _at(self, child: str, at_s: float) -> Pose:
        if child in self._static:
            return self._static[child]
        times, poses = self._moving[child]
        after = bisect_left(times, at_s)
        if after == len(times) or times[after] == at_s or after == 0:
            nearest = min(after, len(times) - 1)
            if abs(times[nearest] - at_s) > HOLD_S:
                raise InputError(
                    f"the transform of {child} in {self._parents[child]} is known at {times[nearest]:.3f} s, "
                    f"{abs(times[nearest] - at_s):.3g} s away"
                )
            return poses[nearest]
        before = after - 1
        share = (at_s - times[before]) / (times[after] - times[before])
        return _between(poses[before], poses[after], share)

    def _insert(self, child: str, at_s: float, pose: Pose) -> None:
        times, poses = self._moving.setdefault(child, ([], []))
        place = bisect_left(times, at_s)
        if place < len(times) and times[place] == at_s:
            poses[place] = pose
            return
        times.insert(place, at_s)
        poses.insert(place, pose)
        old = bisect_left(times, times[-1] - KEPT_S)
        del times[:old], poses[:old]


def _between(a: Pose, b: Pose, share: float) -> Pose:
    """The pose `share` of the way from a to b: positions along a line, rotation about one axis (slerp)."""
    p, q = mat2quat(a.rotation), mat2quat(b.rotation)
    if p @ q < 0.0:
        q = -q
    angle = math.acos(min(1.0, float(p @ q)))
    if angle < 1e-6:
        mixed = (1.0 - share) * p + share * q
    else:
        mixed = (math.sin((1.0 - share) * angle) * p + math.sin(share * angle) * q) / math.sin(angle)
    return Pose(quat2mat(mixed), a.translation + share * (b.translation - a.translation))
