"""Sky, sun and haze: the light that an outdoor world stands in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.worlds.materials import Colour
from training.worlds.world import Sky

MOODS = ("clear", "fair", "cloudy", "overcast", "hazy", "golden", "dusk", "night")
_WEIGHTS = (0.2, 0.17, 0.15, 0.16, 0.09, 0.11, 0.05, 0.07)


@dataclass(frozen=True)
class Weather:
    """`lamps`: street lamps and windows are lit. `wet`: gloss of the roads, 0 dry. `ambient`: fill radiance."""

    mood: str
    sky: Sky
    lamps: bool
    wet: float
    ambient: Colour


def _direction(elevation: float, azimuth: float) -> Colour:
    e = math.radians(elevation)
    return (math.cos(e) * math.cos(azimuth), math.cos(e) * math.sin(azimuth), math.sin(e))


def _tinted(rng: np.random.Generator, colour: Colour, gain: float = 1.0) -> Colour:
    r, g, b = np.asarray(colour) * gain * np.exp(rng.normal(scale=0.06, size=3))
    return (float(r), float(g), float(b))


def weather(rng: np.random.Generator, mood: str | None = None) -> Weather:
    """A sky in one of `MOODS`; the sun stands anywhere, from just below the horizon to 75 degrees."""
    if mood is None:
        mood = str(rng.choice(MOODS, p=_WEIGHTS))
    azimuth = float(rng.uniform(-np.pi, np.pi))
    elevation = float(rng.uniform(12.0, 75.0))
    haze = float(np.exp(rng.uniform(np.log(900.0), np.log(12000.0))))
    sun: Colour = (3.2, 3.0, 2.7)
    zenith: Colour = (0.07, 0.16, 0.38)
    horizon: Colour = (0.3, 0.38, 0.48)
    clouds, radius = float(rng.uniform(0.0, 0.25)), 0.008
    lamps = False
    if mood == "fair":
        clouds, horizon = float(rng.uniform(0.3, 0.6)), (0.34, 0.4, 0.48)
    elif mood == "cloudy":
        clouds, sun, radius = float(rng.uniform(0.55, 0.85)), (1.3, 1.25, 1.2), 0.05
        zenith, horizon = (0.24, 0.3, 0.4), (0.46, 0.5, 0.55)
    elif mood == "overcast":
        clouds, sun, radius = float(rng.uniform(0.85, 1.0)), (0.22, 0.22, 0.22), 0.06
        zenith, horizon = (0.62, 0.65, 0.7), (0.72, 0.75, 0.79)
        haze = float(np.exp(rng.uniform(np.log(300.0), np.log(5000.0))))
    elif mood == "hazy":
        haze = float(np.exp(rng.uniform(np.log(120.0), np.log(900.0))))
        zenith, horizon, sun = (0.17, 0.24, 0.38), (0.44, 0.47, 0.5), (2.2, 2.0, 1.8)
    elif mood == "golden":
        elevation = float(rng.uniform(3.0, 14.0))
        sun, zenith, horizon = (2.2, 1.3, 0.6), (0.08, 0.13, 0.26), (0.5, 0.36, 0.24)
        clouds = float(rng.uniform(0.0, 0.6))
    elif mood == "dusk":
        elevation = float(rng.uniform(-5.0, 2.0))
        sun, zenith, horizon = (0.1, 0.06, 0.035), (0.07, 0.1, 0.2), (0.4, 0.26, 0.2)
        clouds, lamps, radius = float(rng.uniform(0.0, 0.7)), True, 0.05
    elif mood == "night":
        elevation = float(rng.uniform(20.0, 60.0))
        sun, zenith, horizon = (0.012, 0.014, 0.02), (0.006, 0.008, 0.016), (0.03, 0.028, 0.032)
        clouds, lamps = float(rng.uniform(0.0, 0.5)), True
    gain = float(np.exp(rng.uniform(-0.15, 0.15)))
    horizon = _tinted(rng, horizon, gain)
    sky = Sky(
        sun_direction=_direction(elevation, azimuth),
        sun_colour=_tinted(rng, sun, gain),
        sun_radius=radius,
        zenith=_tinted(rng, zenith, gain),
        horizon=horizon,
        ground=(horizon[0] * 0.35, horizon[1] * 0.35, horizon[2] * 0.33),
        cloudiness=clouds,
        haze_m=haze,
    )
    rain = mood in ("overcast", "cloudy", "night", "dusk") and rng.random() < 0.3
    wet = float(rng.uniform(0.15, 0.5)) if rain else 0.0
    fill = 0.05 if mood == "night" else 0.0
    return Weather(mood, sky, lamps, wet, (0.010 * fill, 0.010 * fill, 0.013 * fill))
