"""What a surface looks like: two colours, a procedural pattern with its size in metres, gloss and emission."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

Colour = tuple[float, float, float]


class Pattern(IntEnum):
    """Procedural patterns over (u, v) in metres; v is up on vertical surfaces. `size_m` is (along u, along v).

    The comment says what `colour`, `second` and `size_m` mean; `contrast` scales the variation between cells and the
    fine structure everywhere.
    """

    PLAIN = 0  # colour, with a trace of large-scale unevenness
    NOISE = 1  # blotches between colour and second, size: blotch
    WOOD = 2  # grain along u, second: dark grain, size: (length of streaks, distance of rings)
    PLANKS = 3  # boards along u with joints in second, size: (board length, board width)
    TILES = 4  # tiles with grout in second, size: tile
    BRICKS = 5  # running bond with mortar in second, size: brick
    STRIPES = 6  # stripes along v of colour and second, size[0]: period
    CHECKER = 7  # colour and second alternate, size: cell
    CONCRETE = 8  # fine and coarse stains, formwork joints every size when size > 0.5
    MARBLE = 9  # veins in second, size: distance of veins
    CARPET = 10  # fibre noise with faint figures, size: figure
    BOOKS = 11  # one row of coloured spines per size[1], mean spine width size[0]; second: shadow between them
    PACKAGES = 12  # coloured boxes with labels, size: package; second: background
    PICTURE = 13  # abstract painting, one per size; second: frame
    SCREEN = 14  # windows and lines of text on a lit screen, one per size; second: text
    PANELS = 15  # ceiling panels with fissures, joints in second, size: panel
    FACADE = 16  # wall in colour, a window with frame and sill in each size (bay width, storey height); second: frames
    ROOF_TILES = 17  # overlapping rows, size: tile; second: shadow
    CORRUGATED = 18  # waves along u, size[0]: period
    GRASS = 19  # blades and patches, second: dry patches
    SOIL = 20  # clods and stones, second: wet patches
    GRAVEL = 21  # pebbles of size, second: other pebbles
    ASPHALT = 22  # grain, patches and cracks; second: repairs
    LANE_MARKS = (
        23  # asphalt in colour with dashes along u in second, size: (dash period, lane width), line at v = 0 mod lane
    )
    PAVING = 24  # slabs with joints in second, half shifted rows, size: slab
    FOLIAGE = 25  # leaves in light and shade, size: leaf; second: shade
    BARK = 26  # ridges along v, size: (ridge distance, ridge length)
    WATER = 27  # ripples, sky reflected with gloss; size: ripple
    POSTER_TEXT = 28  # heading, lines of text and a picture block, one per size; second: ink
    FABRIC = 29  # weave, size: thread group
    WALLPAPER = 30  # ornaments in second on colour, size: ornament
    RUG = 31  # border and medallion, one per size; second: border
    CURTAIN = 32  # folds along v, size[0]: fold
    METAL = 33  # brushed along u
    TERRAZZO = 34  # chips of second and others in colour, size: chip
    PARQUET = 35  # basket weave of small boards, size: (board length, board width)
    ROCK = 36  # strata and cracks, size: block
    SAND = 37  # ripples and grain, size: ripple
    SNOW = 38  # soft unevenness
    CROPS = 39  # rows along u of plants (colour) on soil (second), size[1]: row distance
    KEYS = 40  # buttons of colour on second, size: key
    GLASS_GRID = 41  # curtain wall: panes reflecting the sky, mullions in second, size: pane
    SHUTTER = 42  # horizontal slats, size[1]: slat
    CAMOUFLAGE = 43  # three tones of blotches, size: blotch
    DOTS = 44  # dots of second on colour, size: distance


@dataclass(frozen=True)
class Material:
    """A surface. Colours are linear albedo in 0..1; `emission` is radiance per unit of colour.

    `gloss` 0..1 adds a reflection of sun, lamps and surroundings. `size_m` as `Pattern` says.
    """

    colour: Colour
    second: Colour = (0.1, 0.1, 0.1)
    pattern: Pattern = Pattern.PLAIN
    size_m: tuple[float, float] = (1.0, 1.0)
    contrast: float = 0.3
    gloss: float = 0.0
    emission: float = 0.0

    def __post_init__(self) -> None:
        for name, length in (("colour", 3), ("second", 3), ("size_m", 2)):
            value = tuple(float(x) for x in getattr(self, name))
            if len(value) != length or not all(0.0 <= x < 1e6 for x in value):
                raise ValueError(f"Material.{name} must be {length} finite numbers >= 0, got {getattr(self, name)}")
            object.__setattr__(self, name, value)
        if min(self.size_m) <= 0.0:
            raise ValueError(f"Material.size_m must be positive, got {self.size_m}")
        for name in ("contrast", "gloss", "emission"):
            object.__setattr__(self, name, float(getattr(self, name)))
