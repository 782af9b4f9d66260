"""Rendering a world from a camera: linear radiance and exact range, with the same Warp kernels on CPU and CUDA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp
from numpy.typing import NDArray

from dap_core.errors import InputError
from training.worlds import device as devices
from training.worlds import kernels
from training.worlds.lighting import Scene
from training.worlds.look import Table
from training.worlds.world import Camera, World


@dataclass(frozen=True)
class Rendering:
    """radiance (H, 2 H, 3) f32, linear and unbounded; range_m (H, 2 H) f32 metres, +inf where the ray meets nothing."""

    radiance: NDArray[np.float32]
    range_m: NDArray[np.float32]


class Renderer:
    """Renders worlds on one device: "cpu" (one thread) or "cuda:0". Keeps the last world's mesh on the device."""

    def __init__(self, device: str = "cpu") -> None:
        devices.start(device)
        self.device = device
        self._world: World | None = None
        self._mesh: wp.Mesh | None = None
        self._scene: Scene | None = None
        self._buffers: dict[int, dict[str, wp.array]] = {}

    def render(self, world: World, camera: Camera, height: int = 256, samples: int = 2, seed: int = 0) -> Rendering:
        """One panorama as `dap_core.panorama` defines it, in the camera's body frame.

        The range is that of the ray through each pixel's centre, to about 1e-6; colour averages `samples` rays, the
        first through the centre. The same arguments give the same bytes on the same kind of device.
        """
        if height < 2 or samples < 1:
            raise InputError(f"height must be at least 2 and samples at least 1, got {height} and {samples}")
        with wp.ScopedDevice(self.device):
            scene = self._load(world)
            rotation = wp.mat33(*camera.world_from_body.astype(np.float32).ravel().tolist())
            origin = wp.vec3(*camera.position)
            scene.openness = self._openness(origin)
            scene.sky_salt = int(seed) & 0xFFFF
            b = self._buffer(height)
            pixels = 2 * height * height
            out = [b[k] for k in ("range_m", "place", "normal", "direct", "albedo", "lamp", "indirect")]
            wp.launch(kernels.trace, pixels, [scene, origin, rotation, height, samples, int(seed) & 0x7FFFFFFF, *out])
            if world.plain is not None:
                light = world.plain
                parts = [wp.vec3(*light.ambient), wp.vec3(*light.key), wp.normalize(wp.vec3(*light.direction))]
                wp.launch(kernels.compose_plain, pixels, [b["direct"], b["albedo"], b["normal"], *parts, b["radiance"]])
            else:
                self._compose(b, scene, height)
            radiance = b["radiance"].numpy().reshape(height, 2 * height, 3).copy()
            range_m = b["range_m"].numpy().reshape(height, 2 * height).copy()
        return Rendering(radiance, range_m)

    def _compose(self, b: dict[str, wp.array], scene: Scene, height: int) -> None:
        pixels = 2 * height * height
        for name, reaches in (("indirect", (1, 2, 4, 8)), ("lamp", (1, 2, 4)[: scene.lamps])):
            for reach in reaches:
                wp.launch(kernels.smooth, pixels, [height, reach, b["place"], b["normal"], b[name], b["other"]])
                b[name], b["other"] = b["other"], b[name]
        wp.launch(kernels.compose, pixels, [b["direct"], b["albedo"], b["lamp"], b["indirect"], b["radiance"]])

    def cast(
        self, world: World, origins: NDArray[np.floating], directions: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Distance (N,) along unit directions (N, 3) from origins (N, 3), world frame; +inf where nothing is met."""
        with wp.ScopedDevice(self.device):
            self._load(world)
            o: wp.array = wp.array(np.ascontiguousarray(origins, np.float32), dtype=wp.vec3)
            d: wp.array = wp.array(np.ascontiguousarray(directions, np.float32), dtype=wp.vec3)
            out = wp.zeros(len(o), dtype=float)
            assert self._mesh is not None
            wp.launch(kernels.cast, len(o), [self._mesh.id, o, d, out])
            return out.numpy().copy()

    def _load(self, world: World) -> Scene:
        if self._world is world and self._scene is not None:
            return self._scene
        mesh = world.mesh
        self._mesh = wp.Mesh(
            points=wp.array(mesh.vertices, dtype=wp.vec3),
            indices=wp.array(mesh.faces.ravel(), dtype=int),
            bvh_constructor="sah",
        )
        table = Table()
        materials = mesh.materials
        table.colour = wp.array(np.array([m.colour for m in materials], np.float32), dtype=wp.vec3)
        table.second = wp.array(np.array([m.second for m in materials], np.float32), dtype=wp.vec3)
        table.pattern = wp.array(np.array([int(m.pattern) for m in materials], np.int32), dtype=int)
        table.size = wp.array(np.array([m.size_m for m in materials], np.float32), dtype=wp.vec2)
        for name in ("contrast", "gloss", "emission"):
            setattr(table, name, wp.array(np.array([getattr(m, name) for m in materials], np.float32), dtype=float))
        scene = Scene()
        scene.mesh = self._mesh.id
        scene.uv = wp.array(mesh.uv.reshape(-1, 2), dtype=wp.vec2)
        scene.material = wp.array(mesh.material, dtype=int)
        scene.salt = wp.array(mesh.salt, dtype=int)
        scene.table = table
        lights = () if world.plain is not None else world.lights
        scene.lamps = len(lights)
        none = np.zeros((1, 3), np.float32)
        positions = np.array([x.position for x in lights], np.float32) if lights else none
        colours = np.array([x.colour for x in lights], np.float32) if lights else none
        radii = np.array([x.radius for x in lights] or [0.0], np.float32)
        scene.lamp_position = wp.array(positions, dtype=wp.vec3)
        scene.lamp_colour = wp.array(colours, dtype=wp.vec3)
        scene.lamp_radius = wp.array(radii, dtype=float)
        sky = world.sky
        for name in ("sun_direction", "sun_colour", "zenith", "horizon", "ground"):
            setattr(scene, name, wp.vec3(*getattr(sky, name)))
        scene.sun_radius = float(sky.sun_radius)
        scene.cloudiness = float(sky.cloudiness)
        scene.haze = float(min(sky.haze_m, 1e12))
        if world.plain is not None:
            scene.sun_colour, scene.haze = wp.vec3(0.0, 0.0, 0.0), 1e12
        scene.ambient = wp.vec3(*world.ambient)
        scene.glow = 0.02 + 4.0 * max(world.ambient) if lights else 3.0
        self._world, self._scene = world, scene
        return scene

    def _openness(self, origin: wp.vec3) -> float:
        """Share of the upper half space that is open sky, weighted towards the zenith."""
        n = 192
        z = np.sqrt((np.arange(n) + 0.5) / n)
        a = np.arange(n) * (np.pi * (3.0 - np.sqrt(5.0)))
        r = np.sqrt(1.0 - z * z)
        rays: wp.array = wp.array(np.stack([r * np.cos(a), r * np.sin(a), z], -1).astype(np.float32), dtype=wp.vec3)
        found = wp.zeros(1, dtype=int)
        assert self._mesh is not None
        wp.launch(kernels.count_open, n, [self._mesh.id, origin, rays, found])
        return float(found.numpy()[0]) / n

    def _buffer(self, height: int) -> dict[str, wp.array]:
        if height not in self._buffers:
            pixels = 2 * height * height
            triples = ("place", "normal", "direct", "albedo", "radiance")
            buffers = {name: wp.zeros(pixels, dtype=wp.vec3) for name in triples}
            buffers.update({name: wp.zeros(pixels, dtype=wp.vec4) for name in ("lamp", "indirect", "other")})
            buffers["range_m"] = wp.zeros(pixels, dtype=float)
            self._buffers = {height: buffers}
        return self._buffers[height]
