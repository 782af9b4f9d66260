"""x (1 + c1 x^2 + c2 x^4 + ...), by which lens models distort radii and angles: its value, its limit, its inverse."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dap_core.lenses.model import Floats

#: Radii (in focal lengths) and angles beyond this are nobody's: a limit there is none.
_ENDLESS = 1e6


def odd_polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """The value, coefficients (c1, c2, ...)."""
    return x * _even(x, (1.0, *coefficients))


def odd_polynomial_limit(coefficients: Sequence[float]) -> float:
    """The smallest positive x where it ends to grow; inf where it always does."""
    # Roots in 1 / x^2: the leading coefficient is 1, which none that is nearly zero can spoil.
    inverse = np.roots(_derivative(coefficients))
    real = inverse.real[(np.abs(inverse.imag) <= 1e-9 * np.abs(inverse)) & (inverse.real > 0.0)]
    limit = 1.0 / math.sqrt(float(real.max())) if real.size else math.inf
    return limit if limit < _ENDLESS else math.inf


def odd_polynomial_inverse(value: Floats, coefficients: Sequence[float], limit: float) -> Floats:
    """The x in [0, limit] with this value (not negative); nan where there is none.

    `limit` is at most `odd_polynomial_limit`. Newton's method, kept in its bracket and to steps that halve.
    """
    target = np.asarray(value, np.float64)
    if math.isinf(limit):
        limit = _bound(target, coefficients)
    known = target <= odd_polynomial(np.array(limit), coefficients)
    target = np.where(known, target, 0.0)
    slope = _derivative(coefficients)
    low, high = np.zeros_like(target), np.full_like(target, limit)
    x, moved = np.minimum(target, limit), high
    for _ in range(100):
        error = odd_polynomial(x, coefficients) - target
        low, high = np.where(error < 0.0, x, low), np.where(error > 0.0, x, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = x - error / _even(x, slope)
            fast = (newton >= low) & (newton <= high) & (np.abs(newton - x) <= 0.5 * moved)
        following = np.where(error == 0.0, x, np.where(fast, newton, 0.5 * (low + high)))
        x, moved = following, np.abs(following - x)
        if not np.any(moved > 4e-16 * x):
            break
    return np.where(known, x, np.nan)


def _even(x: Floats, coefficients: Sequence[float]) -> Floats:
    """c0 + c1 x^2 + c2 x^4 + ..."""
    x2, total = np.square(x), np.zeros_like(x)
    for c in reversed(coefficients):
        total = c + x2 * total
    return total


def _derivative(coefficients: Sequence[float]) -> list[float]:
    return [1.0, *((2 * i + 3) * c for i, c in enumerate(coefficients))]


def _bound(target: Floats, coefficients: Sequence[float]) -> float:
    """An x whose value is at least the greatest finite target, or else `_ENDLESS`, for a polynomial without limit."""
    greatest = float(np.max(target, initial=0.0, where=np.isfinite(target)))
    bound = 1.0
    while bound < _ENDLESS and float(odd_polynomial(np.array(bound), coefficients)) < greatest:
        bound *= 2.0
    return bound
