"""A world: one triangle mesh, its lights and sky, and the places where a camera may stand.

World frame: x and y horizontal, z up, metres. Yaw is counter-clockwise from +x seen from above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dap_core.panorama import yaw_pitch_roll
from training.worlds.mesh import Mesh

Vector = tuple[float, float, float]
MAX_LIGHTS = 16


def _vector(value: object) -> Vector:
    x, y, z = (float(v) for v in value)  # type: ignore[attr-defined]
    return (x, y, z)


class Crowded(RuntimeError):
    """A world came out so full that no place for a camera was found."""


@dataclass(frozen=True)
class Light:
    """A small lamp: `colour` is radiant intensity (irradiance = colour cos / distance^2), `radius` softens shadows.

    No geometry comes with it: add an emissive surface at the same place to the mesh. What lies within 1.25 `radius`
    of the centre is taken for the lamp itself and casts no shadow.
    """

    position: Vector
    colour: Vector
    radius: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", _vector(self.position))
        object.__setattr__(self, "colour", _vector(self.colour))


@dataclass(frozen=True)
class Sky:
    """Radiance of what lies behind every surface, and the sun.

    `sun_direction` points to the sun (any length); `sun_colour` is the irradiance on a surface facing it (zero: no
    sun); `sun_radius` in radians. `haze_m`: distance at which 63 % of a surface's light is replaced by the horizon's.
    """

    sun_direction: Vector = (0.4, 0.3, 0.8)
    sun_colour: Vector = (3.0, 2.8, 2.5)
    sun_radius: float = 0.006
    zenith: Vector = (0.25, 0.45, 0.9)
    horizon: Vector = (0.75, 0.85, 1.0)
    ground: Vector = (0.25, 0.22, 0.2)
    cloudiness: float = 0.3
    haze_m: float = math.inf

    def __post_init__(self) -> None:
        direction = np.asarray(_vector(self.sun_direction))
        if not np.linalg.norm(direction) > 0.0:
            raise ValueError("Sky.sun_direction must not be zero")
        object.__setattr__(self, "sun_direction", _vector(direction / np.linalg.norm(direction)))
        for name in ("sun_colour", "zenith", "horizon", "ground"):
            object.__setattr__(self, name, _vector(getattr(self, name)))


@dataclass(frozen=True)
class PlainLight:
    """Light as robot simulators draw it: no shadows, nothing bounced about, the same everywhere.

    A surface of albedo a and normal n shows a (`ambient` + `key` max(0, n . `direction`)).
    """

    ambient: Vector = (0.5, 0.5, 0.5)
    key: Vector = (0.4, 0.4, 0.4)
    direction: Vector = (0.4, 0.3, 0.8)

    def __post_init__(self) -> None:
        for name in ("ambient", "key", "direction"):
            object.__setattr__(self, name, _vector(getattr(self, name)))


@dataclass(frozen=True)
class Camera:
    """A panoramic camera: position in metres; yaw, pitch, roll in radians as `panorama.yaw_pitch_roll`.

    `height` is the height above the floor or ground under it, where the builder knows it (nan otherwise).
    """

    position: Vector
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    height: float = math.nan

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", _vector(self.position))

    @property
    def world_from_body(self) -> NDArray[np.float64]:
        """Rotation (3, 3) from the camera's body frame (x forward, y left, z up) to the world."""
        return yaw_pitch_roll(self.yaw, self.pitch, self.roll)


@dataclass(frozen=True)
class World:
    """Everything the renderer needs. `cameras` are free places (>= 0.25 m from every surface); `walk` are waypoints
    of a path in free space, or empty. `ambient` is fill radiance, reaching what ambient occlusion leaves open
    (indoors: light bounced about; outdoors usually zero, since the sky lights by itself). `plain` replaces sun, lamps
    and haze.
    """

    kind: str
    mesh: Mesh
    lights: tuple[Light, ...]
    sky: Sky
    ambient: Vector
    cameras: tuple[Camera, ...]
    walk: tuple[Camera, ...] = ()
    plain: PlainLight | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lights", tuple(self.lights))
        object.__setattr__(self, "cameras", tuple(self.cameras))
        object.__setattr__(self, "walk", tuple(self.walk))
        object.__setattr__(self, "ambient", _vector(self.ambient))
        if len(self.lights) > MAX_LIGHTS:
            raise ValueError(f"a world has at most {MAX_LIGHTS} lights, got {len(self.lights)}")
        if not self.cameras:
            raise ValueError("a world needs at least one camera")
