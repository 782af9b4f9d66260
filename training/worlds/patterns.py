"""From a material and a place on a surface to its look: one branch a pattern."""

# mypy: ignore-errors
# Warp compiles these functions and checks their types itself.
import warp as wp

from training.worlds import patterns_built as built
from training.worlds import patterns_facade as facade
from training.worlds import patterns_nature as nature
from training.worlds import patterns_things as things
from training.worlds.look import Look, Spot, Table
from training.worlds.materials import Pattern
from training.worlds.noise import hash3


@wp.func
def choose(kind: int, s: Spot) -> Look:
    if kind == wp.static(int(Pattern.NOISE)):
        return built.blotches(s)
    if kind == wp.static(int(Pattern.WOOD)):
        return built.wood(s)
    if kind == wp.static(int(Pattern.PLANKS)):
        return built.planks(s)
    if kind == wp.static(int(Pattern.TILES)):
        return built.tiles(s)
    if kind == wp.static(int(Pattern.BRICKS)):
        return built.bricks(s)
    if kind == wp.static(int(Pattern.STRIPES)):
        return built.stripes(s)
    if kind == wp.static(int(Pattern.CHECKER)):
        return built.checker(s)
    if kind == wp.static(int(Pattern.CONCRETE)):
        return built.concrete(s)
    if kind == wp.static(int(Pattern.MARBLE)):
        return built.marble(s)
    if kind == wp.static(int(Pattern.CARPET)):
        return built.carpet(s)
    if kind == wp.static(int(Pattern.BOOKS)):
        return things.books(s)
    if kind == wp.static(int(Pattern.PACKAGES)):
        return things.packages(s)
    if kind == wp.static(int(Pattern.PICTURE)):
        return things.picture(s)
    if kind == wp.static(int(Pattern.SCREEN)):
        return things.screen(s)
    if kind == wp.static(int(Pattern.PANELS)):
        return built.panels(s)
    if kind == wp.static(int(Pattern.FACADE)):
        return facade.facade(s)
    if kind == wp.static(int(Pattern.ROOF_TILES)):
        return built.roof_tiles(s)
    if kind == wp.static(int(Pattern.CORRUGATED)):
        return built.corrugated(s)
    if kind == wp.static(int(Pattern.GRASS)):
        return nature.grass(s)
    if kind == wp.static(int(Pattern.SOIL)):
        return nature.soil(s)
    if kind == wp.static(int(Pattern.GRAVEL)):
        return nature.gravel(s)
    if kind == wp.static(int(Pattern.ASPHALT)):
        return nature.asphalt(s)
    if kind == wp.static(int(Pattern.LANE_MARKS)):
        return nature.lane_marks(s)
    if kind == wp.static(int(Pattern.PAVING)):
        return built.paving(s)
    if kind == wp.static(int(Pattern.FOLIAGE)):
        return nature.foliage(s)
    if kind == wp.static(int(Pattern.BARK)):
        return nature.bark(s)
    if kind == wp.static(int(Pattern.WATER)):
        return nature.water(s)
    if kind == wp.static(int(Pattern.POSTER_TEXT)):
        return things.poster(s)
    if kind == wp.static(int(Pattern.FABRIC)):
        return things.fabric(s)
    if kind == wp.static(int(Pattern.WALLPAPER)):
        return built.wallpaper(s)
    if kind == wp.static(int(Pattern.RUG)):
        return things.rug(s)
    if kind == wp.static(int(Pattern.CURTAIN)):
        return things.curtain(s)
    if kind == wp.static(int(Pattern.METAL)):
        return built.metal(s)
    if kind == wp.static(int(Pattern.TERRAZZO)):
        return built.terrazzo(s)
    if kind == wp.static(int(Pattern.PARQUET)):
        return built.parquet(s)
    if kind == wp.static(int(Pattern.ROCK)):
        return nature.rock(s)
    if kind == wp.static(int(Pattern.SAND)):
        return nature.sand(s)
    if kind == wp.static(int(Pattern.SNOW)):
        return nature.snow(s)
    if kind == wp.static(int(Pattern.CROPS)):
        return nature.crops(s)
    if kind == wp.static(int(Pattern.KEYS)):
        return things.keys(s)
    if kind == wp.static(int(Pattern.GLASS_GRID)):
        return facade.glass_grid(s)
    if kind == wp.static(int(Pattern.SHUTTER)):
        return built.shutter(s)
    if kind == wp.static(int(Pattern.CAMOUFLAGE)):
        return things.camouflage(s)
    if kind == wp.static(int(Pattern.DOTS)):
        return built.dots(s)
    return built.unevenness(s)


@wp.func
def surface(table: Table, index: int, salt: int, u: float, v: float, blur: float) -> Look:
    """The material `index` at (u, v) metres on object `salt`, seen through a pixel `blur` metres wide.

    Gloss and emission are absolute here; emission still multiplies the albedo.
    """
    s = Spot()
    s.u = u
    s.v = v
    s.nu = u + 13.7 * hash3(salt, 1, 7)
    s.nv = v + 13.7 * hash3(salt, 2, 7)
    s.size = table.size[index]
    s.x = s.nu / s.size[0]
    s.y = s.nv / s.size[1]
    s.blur = wp.max(blur, 1.0e-5)
    s.px = s.blur / s.size[0]
    s.py = s.blur / s.size[1]
    s.salt = salt
    s.colour = table.colour[index]
    s.second = table.second[index]
    s.small = wp.min(s.size[0], s.size[1])
    s.contrast = table.contrast[index]
    look = choose(table.pattern[index], s)
    c = look.albedo
    look.albedo = wp.vec3(wp.clamp(c[0], 0.0, 1.0), wp.clamp(c[1], 0.0, 1.0), wp.clamp(c[2], 0.0, 1.0))
    look.gloss = wp.max(look.gloss * table.gloss[index], 0.9 * look.glass)
    look.emission = look.emission * table.emission[index]
    return look
