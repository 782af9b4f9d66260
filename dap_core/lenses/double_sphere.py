"""The double sphere model: Usenko, Demmel and Cremers, The Double Sphere Camera Model, 3DV 2018."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dap_core.errors import InputError
from dap_core.lenses.model import Floats, LensModel


@dataclass(frozen=True)
class DoubleSphere(LensModel):
    """Points go to a unit sphere, then to a second one `xi` behind its centre, then to the plane, shifted by `alpha`.

    xi in (-1, 1], alpha in [0, 1]; alpha = 0 is the unified model, xi = 0 as well the pinhole. Basalt calls it `ds`.
    """

    xi: float
    alpha: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (-1.0 < self.xi <= 1.0 and 0.0 <= self.alpha <= 1.0):
            raise InputError(
                f"a double sphere has -1 < xi <= 1 and 0 <= alpha <= 1, got xi {self.xi:g} and alpha {self.alpha:g}"
            )

    @property
    def max_angle(self) -> float:
        """Where the radius ends to grow (alpha above one half) or goes to infinity.

        Both are at the cosine -w1 about the second sphere's centre, w1 as in the paper's equation 44. Here the ray's
        own cosine is where that direction meets the first sphere; equation 45 gives a bound a little below it.
        """
        w1 = self.alpha / (1.0 - self.alpha) if self.alpha <= 0.5 else (1.0 - self.alpha) / self.alpha
        cosine = -self.xi * (1.0 - w1 * w1) - w1 * math.sqrt(1.0 - self.xi**2 * (1.0 - w1 * w1))
        return math.acos(max(-1.0, min(1.0, cosine)))

    def radius(self, angle: Floats) -> Floats:
        """Equation 40 for a ray of length 1."""
        sine, z = np.sin(angle), self.xi + np.cos(angle)
        with np.errstate(divide="ignore"):
            return sine / (self.alpha * np.hypot(sine, z) + (1.0 - self.alpha) * z)

    def angle(self, radius: Floats) -> Floats:
        """Equations 46 to 51."""
        r2 = np.square(radius)
        with np.errstate(invalid="ignore"):
            root = np.sqrt(1.0 - (2.0 * self.alpha - 1.0) * r2)
            mz = (1.0 - self.alpha**2 * r2) / (self.alpha * root + 1.0 - self.alpha)
            k = (mz * self.xi + np.sqrt(mz * mz + (1.0 - self.xi**2) * r2)) / (mz * mz + r2)
        return np.arctan2(k * radius, k * mz - self.xi)
