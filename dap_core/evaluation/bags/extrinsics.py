"""Where the truth's sensor is, seen from the camera: from a file, or from the bag's transforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dap_core.errors import InputError
from dap_core.frames import OPTICAL, FrameNames
from dap_core.io.frame_tree import Pose
from dap_core.io.yaml_table import read_yaml
from dap_core.offline.sensors import Sensors
from dap_core.panorama import BODY_FROM_OPTICAL, yaw_pitch_roll


def read_extrinsics(path: str | Path) -> Pose:
    """The pose of a sensor in the camera's body frame (x forward, y left, z up) from a YAML file.

    `translation: [x, y, z]` in metres, and `rotation: [x, y, z, w]` (a quaternion) or `rpy: [roll, pitch, yaw]` in
    degrees. Raises InputError.
    """
    table = read_yaml(path)
    translation = np.array(table.numbers("translation", 3))
    if "rotation" in table and "rpy" in table:
        raise table.fault("rotation", "and rpy are two ways to say the same: give one")
    if "rpy" in table:
        roll, pitch, yaw = np.radians(table.numbers("rpy", 3))
        pose = Pose(yaw_pitch_roll(yaw, pitch, roll), translation)
    else:
        xyzw = np.array(table.numbers("rotation", 4))
        if abs(float(np.linalg.norm(xyzw)) - 1.0) > 0.01:
            raise table.fault("rotation", f"is a unit quaternion (x, y, z, w), got {xyzw.tolist()}")
        pose = Pose.of_quaternion(xyzw, translation)
    table.done()
    return pose


class Extrinsics:
    """`pose(...)` takes points of the truth's frame to the camera's body frame, at the times of both.

    `given` is a pose from a file, None to go by transforms; `fixed_frame` a frame of /tf that stands still in the
    world, through which motion between the two stamps is undone, "" to leave it.
    """

    def __init__(self, given: Pose | None, sensors: Sensors, fixed_frame: str = "") -> None:
        self._given, self._sensors, self._fixed = given, sensors, fixed_frame

    def pose(self, truth_frame: str, frames: FrameNames, truth_s: float, image_s: float) -> Pose:
        """Raises InputError, naming both frames, where the bag does not say it."""
        still = self.still(truth_frame, frames, image_s)
        if not self._fixed:
            return still
        body = self._body(frames)
        now, then = (self._sensors.pose(self._fixed, body, at) for at in (image_s, truth_s))
        moved = now.inverse @ then
        if body != frames.link:
            moved = _BODY @ moved @ _BODY.inverse
        return moved @ still

    def still(self, truth_frame: str, frames: FrameNames, at_s: float) -> Pose:
        """The same where nothing moves."""
        if self._given is not None:
            return self._given
        if truth_frame == frames.link:
            return Pose()
        if truth_frame == frames.image:
            return _BODY if frames.image.endswith(OPTICAL) else Pose()
        body = self._body(frames)
        try:
            pose = self._sensors.pose(body, truth_frame, at_s)
        except InputError as error:
            raise InputError(f"extrinsics: {error}; --extrinsics FILE gives them") from None
        return pose if body == frames.link else _BODY @ pose

    def _body(self, frames: FrameNames) -> str:
        """The link where transforms know it, else the image's own frame."""
        optical = frames.image.endswith(OPTICAL) and frames.image in self._sensors.tree
        return frames.image if optical and frames.link not in self._sensors.tree else frames.link


_BODY = Pose(rotation=BODY_FROM_OPTICAL)
