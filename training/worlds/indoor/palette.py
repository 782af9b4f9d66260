"""What one interior is made of: drawn once a world, so that a room holds together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.worlds.indoor.colours import Style, linear, pick_one, vary, warm
from training.worlds.indoor.surfaces import (
    book_spines,
    ceiling,
    fabric,
    floor,
    lacquer,
    metal,
    package_fronts,
    wall,
    wood,
)
from training.worlds.materials import Material, Pattern


@dataclass(frozen=True)
class Palette:
    """What one world is made of."""

    style: Style
    floor: Material
    wall: Material
    accent: Material
    ceiling: Material
    trim: Material
    frame: Material
    door: Material
    wood: Material
    lacquer: Material
    metal: Material
    fabric: Material
    fabric_two: Material
    worktop: Material
    leather: Material
    books: tuple[Material, ...]
    packages: tuple[Material, ...]

    @staticmethod
    def draw(rng: np.random.Generator, style: Style) -> Palette:
        """A palette for a style; one in ten has plain or oddly scaled textures, so that geometry is learnt too."""
        white = Material(warm(rng, (0.85, 0.97), (0.0, 0.1)), (0.8, 0.8, 0.8), Pattern.PLAIN, gloss=0.1)
        trim = white if rng.random() < 0.6 else pick_one(rng, [wood(rng), lacquer(rng)])
        frame = pick_one(rng, [white, metal(rng), wood(rng)])
        door = pick_one(rng, [white, wood(rng), wood(rng), lacquer(rng)])
        one, two = fabric(rng), fabric(rng)
        leather_colour = pick_one(
            rng, [linear((0.2, 0.14, 0.1)), linear((0.08, 0.08, 0.09)), linear((0.55, 0.32, 0.18))]
        )
        worktop = pick_one(
            rng,
            [
                wood(rng),
                Material(linear((0.2,) * 3), (0.1,) * 3, Pattern.MARBLE, (0.4, 0.4), 0.3, 0.3),
                white,
                lacquer(rng),
            ],
        )
        palette = Palette(
            style,
            floor(rng, style),
            wall(rng, style),
            wall(rng, style),
            ceiling(rng, style),
            trim,
            frame,
            door,
            wood(rng),
            lacquer(rng),
            metal(rng),
            one,
            two,
            worktop,
            Material(leather_colour, vary(rng, leather_colour, 0.3), Pattern.NOISE, (0.2, 0.2), 0.2, 0.15),
            book_spines(rng),
            package_fronts(rng),
        )
        if rng.random() < 0.1:
            palette = palette.disguised(rng)
        return palette

    def disguised(self, rng: np.random.Generator) -> Palette:
        """The same palette with floor, walls and ceiling plain or at a wrong scale."""

        def odd(material: Material) -> Material:
            if rng.random() < 0.4:
                return replace(material, pattern=Pattern.PLAIN)
            scale = float(np.exp(rng.uniform(np.log(0.4), np.log(2.5))))
            return replace(material, size_m=(material.size_m[0] * scale, material.size_m[1] * scale))

        return replace(
            self, floor=odd(self.floor), wall=odd(self.wall), accent=odd(self.accent), ceiling=odd(self.ceiling)
        )
