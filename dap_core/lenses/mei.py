"""The unified omnidirectional model with radial and tangential distortion: Mei and Rives, ICRA 2007.

What camodocal writes as MEI, Kalibr as `omni` with `radtan`, and OpenCV's omnidir module uses (without its skew).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dap_core.errors import InputError
from dap_core.lenses.model import Floats, LensModel
from dap_core.lenses.odd_polynomial import odd_polynomial_inverse, odd_polynomial_limit


@dataclass(frozen=True)
class Mei(LensModel):
    """Points go to a unit sphere, are seen from `xi` behind its centre, and the plane is distorted by k1, k2, p1, p2.

    xi is not negative; above 1 the sphere's far side is hidden, which ends the field of view.
    """

    xi: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.xi < 0.0:
            raise InputError(f"the mirror parameter xi is not negative, got {self.xi:g}")

    @property
    def max_angle(self) -> float:
        """Where the sphere hides itself or the plane ends, or where the radial distortion folds it back."""
        mirror = math.acos(-self.xi if self.xi <= 1.0 else -1.0 / self.xi)
        fold = odd_polynomial_limit((self.k1, self.k2))
        # fmin: a sphere that hides itself before the fold has no angle for the fold's radius.
        return mirror if math.isinf(fold) else float(np.fmin(mirror, self.angle(np.array(fold))))

    def radius(self, angle: Floats) -> Floats:
        """On the plane before its distortion."""
        with np.errstate(divide="ignore"):
            return np.sin(angle) / (np.cos(angle) + self.xi)

    def angle(self, radius: Floats) -> Floats:
        """The ray from the centre of projection, cut with the sphere."""
        r2 = np.square(radius)
        with np.errstate(invalid="ignore"):
            k = (self.xi + np.sqrt(1.0 + (1.0 - self.xi**2) * r2)) / (r2 + 1.0)
        return np.arctan2(k * radius, k - self.xi)

    def distort(self, plane: Floats) -> Floats:
        """Radial and tangential distortion, as for a pinhole."""
        x, y = np.moveaxis(plane, -1, 0)
        # At the edge of the field the plane may be infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            r2 = x * x + y * y
            radial = 1.0 + r2 * (self.k1 + r2 * self.k2)
            u = x * radial + 2.0 * self.p1 * x * y + self.p2 * (r2 + 2.0 * x * x)
            v = y * radial + 2.0 * self.p2 * x * y + self.p1 * (r2 + 2.0 * y * y)
        return np.stack([u, v], -1)

    def undistort(self, plane: Floats) -> Floats:
        """The radial distortion's inverse, then Newton's method in two dimensions; nan where that finds nothing."""
        target = np.asarray(plane, np.float64)
        radius = np.linalg.norm(target, axis=-1, keepdims=True)
        fold = odd_polynomial_limit((self.k1, self.k2))
        inner = odd_polynomial_inverse(radius, (self.k1, self.k2), fold)
        point = target * (inner / np.where(radius > 0.0, radius, 1.0))
        if not (self.p1 or self.p2):
            return point
        with np.errstate(all="ignore"):
            # What the tangential part has carried beyond the fold's image comes from near the fold.
            point = np.where(np.isnan(inner), target * (fold / radius), point)
            for _ in range(30):
                step = self._newton_step(point, target)
                point = point - step
                if not np.any(np.abs(step) > 4e-16 * np.abs(point)):
                    break
            found = np.abs(self.distort(point) - target).max(-1, keepdims=True) <= 1e-12 * (1.0 + radius)
            found &= np.linalg.norm(point, axis=-1, keepdims=True) <= fold
        return np.where(found, point, np.nan)

    def _newton_step(self, point: Floats, target: Floats) -> Floats:
        x, y = np.moveaxis(point, -1, 0)
        r2 = x * x + y * y
        radial, slope = 1.0 + r2 * (self.k1 + r2 * self.k2), 2.0 * self.k1 + 4.0 * self.k2 * r2
        xx = radial + x * x * slope + 2.0 * self.p1 * y + 6.0 * self.p2 * x
        yy = radial + y * y * slope + 2.0 * self.p2 * x + 6.0 * self.p1 * y
        xy = x * y * slope + 2.0 * self.p1 * x + 2.0 * self.p2 * y
        ex, ey = np.moveaxis(self.distort(point) - target, -1, 0)
        determinant = xx * yy - xy * xy
        return np.stack([(yy * ex - xy * ey) / determinant, (xx * ey - xy * ex) / determinant], -1)
