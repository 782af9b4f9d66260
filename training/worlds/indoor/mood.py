"""Time of day and light of an interior: sky, daylight, whether the lamps are lit, and how warm they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from training.worlds.indoor.colours import Colour, dim, pick
from training.worlds.world import Sky, Vector


@dataclass(frozen=True)
class Mood:
    """`daylight` scales what windows let in (0 at night); `lamps` scales lamps (0: off); `lamp` is their tint."""

    sky: Sky
    daylight: float
    lamps: float
    lamp: Colour
    ambient: Vector

    @staticmethod
    def draw(rng: np.random.Generator, windows: bool = True, lit_by_day: float = 0.5) -> Mood:
        """A mood; without windows the lamps are always lit, by day with the probability `lit_by_day`."""
        kind = pick(rng, {"sun": 4, "overcast": 3.5, "dusk": 1, "night": 1.5})
        if not windows:
            kind = pick(rng, {"night": 1, "overcast": 1})
        elevation = {"sun": rng.uniform(0.15, 1.1), "overcast": 0.8, "dusk": 0.06, "night": -0.5}[kind]
        azimuth = rng.uniform(-pi, pi)
        direction = (cos(elevation) * cos(azimuth), cos(elevation) * sin(azimuth), sin(elevation))
        bright = {"sun": 1.0, "overcast": 0.9, "dusk": 0.15, "night": 0.008}[kind] * rng.uniform(0.6, 1.6)
        sun = {"sun": 3.5, "overcast": 0.0, "dusk": 0.5, "night": 0.0}[kind] * rng.uniform(0.6, 1.3)
        warmth = 1.0 if elevation > 0.4 else 0.75
        grey = kind == "overcast"
        zenith = (0.7, 0.75, 0.8) if grey else (0.22, 0.42, 0.9)
        horizon = (0.85, 0.87, 0.9) if grey else ((0.9, 0.6, 0.4) if kind == "dusk" else (0.75, 0.85, 1.0))
        sky = Sky(
            direction,
            (sun, sun * (0.8 + 0.15 * warmth), sun * (0.5 + 0.35 * warmth)),
            float(rng.uniform(0.005, 0.03)),
            dim(zenith, bright),
            dim(horizon, bright),
            (0.25 * bright, 0.23 * bright, 0.2 * bright),
            1.0 if grey else float(rng.uniform(0.0, 0.7)),
            float("inf") if rng.random() < 0.8 else float(rng.uniform(200.0, 1500.0)),
        )
        daylight = 0.0 if kind == "night" else min(1.0, bright) if windows else 0.0
        lit = kind in ("night", "dusk") or not windows or rng.random() < lit_by_day
        lamps = float(np.exp(rng.uniform(np.log(0.35), np.log(1.8)))) if lit else 0.0
        tint = pick(rng, {"warm": 4, "neutral": 4, "cold": 1.5})
        lamp = {"warm": (1.0, 0.74, 0.46), "neutral": (1.0, 0.92, 0.8), "cold": (0.86, 0.94, 1.0)}[tint]
        # light bounced about: between a lamp-lit dim room and a bright white one
        level = float(np.exp(rng.uniform(np.log(0.05), np.log(0.5)))) * max(daylight, 0.6 * lamps, 0.08)
        sky_part, lamp_part = daylight / (daylight + lamps + 1e-6), lamps / (daylight + lamps + 1e-6)
        day = (0.92, 0.97, 1.0)
        r, g, b = (level * (sky_part * day[i] + lamp_part * lamp[i] + 0.02) for i in range(3))
        return Mood(sky, float(daylight), lamps, lamp, (r, g, b))
