"""Colours as linear albedo, and drawing one thing of several."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]
Choice = TypeVar("Choice")
#: "home", "office", "shop", "industrial", "grand", "raw" or "wet": what surfaces, ceilings and lamps go together.
Style = str


def hue(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """Random hue with saturation and value in the given intervals, as linear albedo."""
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return linear(rgb)


def linear(rgb: tuple[float, float, float]) -> Colour:
    """sRGB in 0..1 to linear albedo, kept within what real paint reflects (2 % to 88 %)."""
    r, g, b = (min(max(float(channel) ** 2.2, 0.02), 0.88) for channel in rgb)
    return (r, g, b)


def warm(rng: np.random.Generator, value: tuple[float, float], saturation: tuple[float, float] = (0.0, 0.22)) -> Colour:
    """A colour between white and cream, grey and brown."""
    rgb = colorsys.hsv_to_rgb(rng.uniform(0.04, 0.14), rng.uniform(*saturation), rng.uniform(*value))
    return linear(rgb)


def dim(colour: Colour, factor: float) -> Colour:
    """The colour times a factor."""
    return (factor * colour[0], factor * colour[1], factor * colour[2])


def vary(rng: np.random.Generator, colour: Colour, amount: float = 0.25) -> Colour:
    """The same colour, lighter or darker by up to `amount`."""
    factor = 1.0 + rng.uniform(-amount, amount)
    r, g, b = (min(max(float(channel * factor), 0.01), 0.9) for channel in colour)
    return (r, g, b)


def pick(rng: np.random.Generator, weighted: Mapping[str, float]) -> str:
    """One key of `weighted` with probability proportional to its value."""
    names = list(weighted)
    weights = np.cumsum([weighted[name] for name in names])
    return names[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]


def pick_one(rng: np.random.Generator, options: Sequence[Choice]) -> Choice:
    """One element, each as likely."""
    return options[int(rng.integers(len(options)))]
