"""Where one coordinate frame is in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from transforms3d.quaternions import quat2mat

from dap_core.errors import InputError


class Unconnected(InputError):
    """No transforms connect two frames."""


@dataclass(frozen=True)
class Pose:
    """`rotation` (3, 3) and `translation` (3,) metres; `pose(points)` takes (..., 3) of one frame to the other."""

    rotation: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    translation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def __call__(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        return points @ self.rotation.T + self.translation

    def __matmul__(self, other: Pose) -> Pose:
        """First `other`, then this one."""
        return Pose(self.rotation @ other.rotation, self.rotation @ other.translation + self.translation)

    @property
    def inverse(self) -> Pose:
        """The way back."""
        return Pose(self.rotation.T, -self.rotation.T @ self.translation)

    @classmethod
    def of_quaternion(cls, xyzw: NDArray[np.floating], translation: NDArray[np.floating]) -> Pose:
        """From a quaternion (x, y, z, w), as ROS has it. Raises InputError unless it has a length and all is finite."""
        q, t = np.asarray(xyzw, np.float64), np.asarray(translation, np.float64)
        if not (np.isfinite(t).all() and np.isfinite(q).all() and np.linalg.norm(q) > 1e-6):
            raise InputError(f"a pose is a finite translation and a quaternion with a length, got {t}, {q}")
        return cls(quat2mat(q[[3, 0, 1, 2]]), t)


#: `lookup(target, source)`: pose of `source` in `target` when a picture was taken. Raises Unconnected, or InputError.
Lookup: TypeAlias = Callable[[str, str], Pose]
