"""Levelling: the panorama that an upright camera would see at the same place.

The levelled frame has its origin at the camera, z against gravity, and x the camera's forward axis projected to the
horizontal. The network sees the levelled panorama, so its depth is in the levelled frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError
from dap_core.products.gravity import Vector
from dap_core.settings import setting


@dataclass(frozen=True)
class LevellingConfig:
    """Where the direction of gravity comes from, and how it is used."""

    source: str = setting(
        "none",
        "Where the direction of gravity comes from: none (the camera is taken for upright), imu (orientation, or "
        "gyroscope and accelerometer where the IMU gives no orientation), tf, or parameters (roll and pitch).",
        "configure",
        choices=("none", "imu", "tf", "parameters"),
    )
    roll: float = setting(
        0.0,
        "Roll of the camera in degrees, for source parameters: positive when its left side is up.",
        low=-180.0,
        high=180.0,
    )
    pitch: float = setting(
        0.0,
        "Pitch of the camera in degrees, for source parameters: positive when it looks down.",
        low=-90.0,
        high=90.0,
    )
    fixed_frame: str = setting(
        "odom",
        "Frame whose z axis points against gravity, for source tf.",
        "configure",
    )
    imu_roll: float = setting(
        0.0,
        "Roll in degrees of the IMU's frame in the camera's body frame, for source imu where no TF connects them.",
        low=-180.0,
        high=180.0,
    )
    imu_pitch: float = setting(
        0.0,
        "Pitch in degrees of the IMU's frame in the camera's body frame, for source imu where no TF connects them.",
        low=-90.0,
        high=90.0,
    )
    imu_yaw: float = setting(
        0.0,
        "Yaw in degrees of the IMU's frame in the camera's body frame, for source imu where no TF connects them.",
        low=-180.0,
        high=180.0,
    )
    time_constant: float = setting(
        2.0,
        "Seconds over which the accelerometer corrects the gyroscope where the IMU gives no orientation. Longer "
        "resists braking and turning better; the gyroscope's bias times this is the angle by which it is wrong.",
        low=0.05,
        high=60.0,
    )
    max_age: float = setting(
        0.2,
        "Seconds between a picture's stamp and the nearest IMU sample beyond which the direction of gravity is not "
        "known at the time of the picture.",
        low=0.001,
        high=10.0,
    )
    tolerance: float = setting(
        0.25,
        "Tilt in degrees up to which a camera is taken for upright, so that its picture is not resampled.",
        low=0.0,
        high=10.0,
    )


def camera_from_level(up: Vector) -> NDArray[np.float64]:
    """Rotation (3, 3) that takes directions in the levelled frame to the camera's body frame.

    `up` (3,) points against gravity in the camera's body frame. A camera that looks straight up or down (to 0.1
    degrees) has no forward direction: x is then where its top points when it looks down, and the opposite when it looks
    up, as for one that was pitched there from the horizontal. Raises InputError unless `up` has a length.
    """
    z = _unit(up)
    vertical = math.hypot(z[1], z[2]) < math.sin(math.radians(0.1))
    forward = np.array([0.0, 0.0, -math.copysign(1.0, z[0])]) if vertical else np.array([1.0, 0.0, 0.0])
    x = forward - (forward @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


class Leveller:
    """Panoramas of `height` rows to the levelled frame and back, by tables that are kept while the rotation is.

    Taking the nearest pixel moves a point across its ray by up to 0.71 pixels (0.5 degrees at 256 rows), and not along
    it. Not for use from several threads at once.
    """

    #: A new rotation may be this far (pixels of turn) from that of the tables before they are made again.
    REUSE = 0.05

    def __init__(self, height: int) -> None:
        panorama.check_erp_shape(height, 2 * height)
        self.height = height
        self._upright, self._back = _Table(height), _Table(height)
        self._continued: dict[tuple[np.dtype, int], NDArray] = {}

    def upright(self, values: NDArray, camera_from_level: NDArray[np.floating]) -> NDArray:
        """What a levelled camera at the same place would see of the camera's panorama.

        (h, 2 h, 3) uint8 is interpolated; (h, 2 h) float32, uint8 or bool (a range, a mask) is taken from the nearest
        pixel. The identity gives the argument itself. Raises InputError for another shape or type.
        """
        return self._resampled(self._upright, values, camera_from_level)

    def back(self, values: NDArray, camera_from_level: NDArray[np.floating]) -> NDArray:
        """The way back: the camera's panorama of what is given in the levelled frame; otherwise as `upright`."""
        return self._resampled(self._back, values, np.transpose(camera_from_level))

    def _resampled(self, table: _Table, values: NDArray, rotation: NDArray[np.floating]) -> NDArray:
        shape = (self.height, 2 * self.height)
        colours = values.shape == (*shape, 3) and values.dtype == np.uint8
        if not colours and not (values.shape == shape and values.dtype in (np.float32, np.uint8, np.bool_)):
            raise InputError(
                f"levelling takes float32, uint8 or bool of shape {shape} or uint8 of shape {(*shape, 3)}, "
                f"got {values.dtype} of shape {values.shape}"
            )
        r = np.asarray(rotation, np.float64)
        if r.shape != (3, 3) or not np.abs(r @ r.T - np.eye(3)).max() < 1e-6 or np.linalg.det(r) < 0:
            raise InputError(f"camera_from_level is a proper (3, 3) rotation matrix, got {r.tolist()}")
        if (r == np.eye(3)).all():
            return values
        # The Frobenius norm of the difference of two rotations is sqrt(2) times the (small) angle between them.
        if not np.linalg.norm(r - table.rotation) <= math.sqrt(2.0) * self.REUSE * math.pi / self.height:
            table.make(r)
        if colours:  # as four channels, for which OpenCV has the faster code
            source = self._with_margins(cv2.cvtColor(values, cv2.COLOR_RGB2RGBA))
            return cv2.cvtColor(cv2.remap(source, table.u, table.v, cv2.INTER_LINEAR), cv2.COLOR_RGBA2RGB)
        source = self._with_margins(values.view(np.uint8) if values.dtype == np.bool_ else values)
        return cv2.remap(source, table.u, table.v, cv2.INTER_NEAREST).view(values.dtype)

    def _with_margins(self, values: NDArray) -> NDArray:
        """`values` continued by half a turn and a pixel to the right, by a pixel elsewhere, over the poles too."""
        half = self.height
        key = (values.dtype, values.ndim)
        out = self._continued.setdefault(key, np.empty((half + 2, 3 * half + 2, *values.shape[2:]), values.dtype))
        cv2.copyMakeBorder(values, 1, 1, 1, half + 1, cv2.BORDER_WRAP, out)
        for pole, nearest in ((0, values[0]), (-1, values[-1])):
            over = np.concatenate([nearest[half:], nearest[:half]])
            out[pole] = np.concatenate([over[-1:], over, over[: half + 1]])
        return out


class _Table:
    """Where the pixels of a rotated panorama lie in the old one, `_with_margins`: `u` and `v`, (h, 2 h) float32."""

    def __init__(self, height: int) -> None:
        self.rotation = np.full((3, 3), np.inf)
        self.u, self.v = np.empty((2, height, 2 * height), np.float32)
        rows = (height + 1) // 2
        a, e = panorama.azimuths(2 * height), panorama.elevations(height)[:rows, None]
        self._level = np.stack([np.cos(a), np.sin(a)])
        self._elevations = np.concatenate([np.cos(e), np.sin(e)], axis=1).astype(np.float32)
        self._scratch = np.empty((6, rows, 2 * height), np.float32)

    def make(self, rotation: NDArray[np.float64]) -> None:
        """Fill the table for new rays that `rotation` takes to the old frame; agrees with `panorama.rotate`."""
        x, y, z, length, *scratch = self._scratch
        for out, axis in ((x, -rotation[0]), (y, rotation[1]), (z, rotation[2])):
            # cos e (r0 cos a + r1 sin a) + sin e r2, as a product of (rows, 2) and (2, columns)
            columns = np.stack([axis[:2] @ self._level, np.full(x.shape[1], axis[2])])
            np.matmul(self._elevations, columns.astype(np.float32), out=out)
        cv2.magnitude(x, y, length)
        height, rows = self.u.shape[0], len(x)
        # Angles as pixels count them: to the right from behind the camera (x is turned round), downwards from the top.
        _angle(x, y, length, self.u[:rows], *scratch)
        _angle(z, length, None, self.v[:rows], *scratch)
        for upper in (self.u[:rows], self.v[:rows]):
            upper *= np.float32(height / np.pi)
            upper += np.float32(0.5)
        # Opposite rays stay opposite: the lower half follows from the upper one.
        u, v = self.u[: height - rows][::-1], self.v[: height - rows][::-1]
        for here, opposite in ((slice(height), slice(height, None)), (slice(height, None), slice(height))):
            np.add(u[:, opposite], np.float32(height), out=self.u[rows:, here])
            np.subtract(np.float32(height + 1), v[:, opposite], out=self.v[rows:, here])
        self.rotation = rotation


def _angle(x: NDArray, y: NDArray, length: NDArray | None, out: NDArray, cos: NDArray, sin: NDArray) -> None:
    """atan2(y, x) in [0, 2 pi) to single precision, of vectors of this length (None: 1); `cos` and `sin` are scratch.

    OpenCV's is fast on every processor and 2e-4 off, which one step of Newton's method makes good.
    """
    cv2.phase(x, y, out)
    cv2.polarToCart(None, out, cos, sin)  # type: ignore[call-overload]  # no length is a length of 1
    np.multiply(y, cos, out=cos)
    np.multiply(x, sin, out=sin)
    np.subtract(cos, sin, out=cos)
    if length is not None:
        np.divide(cos, np.maximum(length, np.float32(1e-9), out=sin), out=cos)
    np.add(out, cos, out=out)


def _unit(vector: Vector) -> NDArray[np.float64]:
    v = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(v)) if v.shape == (3,) else math.nan
    if not 1e-6 < length < math.inf:
        raise InputError(f"up is a vector of three finite numbers with a length, got {vector}")
    return v / length
