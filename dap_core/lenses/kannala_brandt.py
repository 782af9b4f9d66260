"""The Kannala-Brandt model, an odd polynomial of the angle: OpenCV's fisheye module and Kalibr's `equidistant`.

Kannala and Brandt, A Generic Camera Model and Calibration Method for Conventional, Wide-Angle, and Fish-Eye Lenses,
PAMI 2006, without its asymmetric terms. Without coefficients it is the ideal equidistant lens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dap_core.lenses.model import Floats, LensModel
from dap_core.lenses.odd_polynomial import odd_polynomial, odd_polynomial_inverse, odd_polynomial_limit


@dataclass(frozen=True)
class KannalaBrandt(LensModel):
    """radius = theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8), theta in radians."""

    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0

    @classmethod
    def equidistant(cls, fov: float, radius: float, cx: float, cy: float) -> KannalaBrandt:
        """The ideal lens whose field of view of `fov` degrees fills a circle of `radius` pixels."""
        f = radius / math.radians(0.5 * fov)
        return cls(f, f, cx, cy)

    @property
    def max_angle(self) -> float:
        """Where the polynomial ends to grow, at most pi."""
        return min(math.pi, odd_polynomial_limit(self._coefficients))

    def radius(self, angle: Floats) -> Floats:
        """The polynomial."""
        return odd_polynomial(angle, self._coefficients)

    def angle(self, radius: Floats) -> Floats:
        """The polynomial's inverse, by iteration."""
        return odd_polynomial_inverse(radius, self._coefficients, self.max_angle)

    @property
    def _coefficients(self) -> tuple[float, float, float, float]:
        return self.k1, self.k2, self.k3, self.k4
