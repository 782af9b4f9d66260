"""Building triangle meshes: primitives with metric texture coordinates under nested transforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dap_core.panorama import yaw_pitch_roll
from training.worlds import surfaces
from training.worlds.materials import Material, Pattern
from training.worlds.polygon import triangulate

Float = NDArray[np.float32]
Int = NDArray[np.int32]

SIDES = ("x-", "x+", "y-", "y+", "z-", "z+")
_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
#: Corners of each side, counter-clockwise from outside, starting at u = v = 0; u and v run along these axes.
_SIDE_QUADS = np.array([[2, 0, 1, 3], [4, 6, 7, 5], [0, 4, 5, 1], [6, 2, 3, 7], [2, 6, 4, 0], [1, 5, 7, 3]])
_SIDE_AXES = ((1, 2), (1, 2), (0, 2), (0, 2), (0, 1), (0, 1))
_BOX_FACES = np.concatenate([[q[[0, 1, 2]], q[[0, 2, 3]]] for q in _SIDE_QUADS]).astype(np.int32)
_QUAD_UV = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float64)
_BOX_UV = np.tile(_QUAD_UV, (6, 1, 1))
_BOX_U = np.repeat([a for a, _ in _SIDE_AXES], 2)
_BOX_V = np.repeat([b for _, b in _SIDE_AXES], 2)


@dataclass(frozen=True)
class Mesh:
    """vertices (N, 3) f32 metres, faces (M, 3) i32, uv (M, 3, 2) f32 metres on the surface, material (M,) i32 into
    `materials`, salt (M,) i32: one number an object, so that equal materials vary from object to object.
    """

    vertices: Float
    faces: Int
    uv: Float
    material: Int
    salt: Int
    materials: tuple[Material, ...]


class MeshBuilder:
    """Collects primitives. Surfaces are shaded from both sides, so orientation is not critical."""

    def __init__(self) -> None:
        self._vertices: list[NDArray] = []
        self._faces: list[NDArray] = []
        self._uv: list[NDArray] = []
        self._material: list[NDArray] = []
        self._salt: list[NDArray] = []
        self._materials: dict[Material, int] = {}
        self._count = 0
        self._objects = 0
        self._linear = np.eye(3)
        self._offset = np.zeros(3)
        self._scale = 1.0

    @property
    def face_count(self) -> int:
        """Triangles added so far."""
        return sum(len(f) for f in self._faces)

    @contextmanager
    def at(
        self, position: ArrayLike, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, scale: float = 1.0
    ) -> Iterator[MeshBuilder]:
        """Within the context everything is scaled, rotated (Rz(yaw) Ry(pitch) Rx(roll)) and moved to `position`."""
        saved = self._linear, self._offset, self._scale
        self._offset = self._linear @ np.asarray(position, np.float64) + self._offset
        if yaw or pitch or roll:
            self._linear = self._linear @ yaw_pitch_roll(yaw, pitch, roll)
        if scale != 1.0:
            self._linear, self._scale = self._linear * scale, self._scale * scale
        try:
            yield self
        finally:
            self._linear, self._offset, self._scale = saved

    def _index(self, material: Material) -> int:
        return self._materials.setdefault(material, len(self._materials))

    def _add(self, vertices: NDArray, faces: NDArray, uv: NDArray, material: Material | NDArray) -> None:
        """Append local vertices; `material` is one for all or an index a face."""
        index = np.full(len(faces), self._index(material)) if isinstance(material, Material) else material
        self._objects += 1
        self._vertices.append(vertices @ self._linear.T + self._offset)
        self._faces.append(np.asarray(faces) + self._count)
        self._uv.append(uv * self._scale)
        self._material.append(index)
        self._salt.append(np.full(len(faces), self._objects))
        self._count += len(vertices)

    def quad(self, corners: ArrayLike, material: Material) -> None:
        """A planar (or bent) quad, corners (4, 3) counter-clockwise; u runs along the first edge, v along the last."""
        c = np.asarray(corners, np.float64)
        width = 0.5 * (np.linalg.norm(c[1] - c[0]) + np.linalg.norm(c[2] - c[3]))
        height = 0.5 * (np.linalg.norm(c[3] - c[0]) + np.linalg.norm(c[2] - c[1]))
        faces = np.array([[0, 1, 2], [0, 2, 3]])
        self._add(c, faces, _QUAD_UV * (width, height), material)

    def triangles(self, vertices: ArrayLike, faces: ArrayLike, material: Material, uv: ArrayLike | None = None) -> None:
        """Any triangles: vertices (N, 3), faces (M, 3), uv (N, 2) in metres (default: projected along the main axis
        of each face's normal)."""
        v, f = np.asarray(vertices, np.float64).reshape(-1, 3), np.asarray(faces, np.int64).reshape(-1, 3)
        if uv is not None:
            self._add(v, f, np.asarray(uv, np.float64)[f], material)
            return
        p = v[f]
        axis = np.abs(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])).argmax(-1)
        first, second = np.array([1, 0, 0])[axis], np.array([2, 2, 1])[axis]
        rows = np.arange(len(f))[:, None]
        corner = np.arange(3)[None, :]
        self._add(v, f, np.stack([p[rows, corner, first[:, None]], p[rows, corner, second[:, None]]], -1), material)

    def box(
        self,
        size: ArrayLike,
        material: Material,
        centre: ArrayLike = (0.0, 0.0, 0.0),
        sides: Mapping[str, Material] | None = None,
    ) -> None:
        """An axis-aligned box; `sides` overrides the material of 'x+', 'x-', 'y+', 'y-', 'z+', 'z-'.

        u, v start at the lower left corner of each side seen from outside; wood grain follows the longer edge.
        """
        s = np.asarray(size, np.float64)
        uv = _BOX_UV * np.stack([s[_BOX_U], s[_BOX_V]], -1)[:, None, :]
        index = np.full(12, self._index(material))
        wood = np.full(12, material.pattern == Pattern.WOOD)
        for name, side in (sides or {}).items():
            k = SIDES.index(name)
            index[2 * k : 2 * k + 2] = self._index(side)
            wood[2 * k : 2 * k + 2] = side.pattern == Pattern.WOOD
        if wood.any():
            turn = wood & (s[_BOX_V] > s[_BOX_U])
            uv[turn] = uv[turn][..., ::-1]
        self._add(_CORNERS * s + np.asarray(centre, np.float64), _BOX_FACES, uv, index)

    def boxes(self, centres: ArrayLike, sizes: ArrayLike, material: Material, yaws: ArrayLike | None = None) -> None:
        """Many boxes of one material in one call: centres (K, 3), sizes (K, 3) or (3,), yaws (K,) about each centre.

        Every box is an object of its own, as if added one by one.
        """
        c = np.asarray(centres, np.float64).reshape(-1, 3)
        s = np.broadcast_to(np.asarray(sizes, np.float64), c.shape)
        k = len(c)
        if k == 0:
            return
        v = _CORNERS[None] * s[:, None, :]
        if yaws is not None:
            cos, sin = np.cos(np.asarray(yaws, np.float64))[:, None], np.sin(np.asarray(yaws, np.float64))[:, None]
            v = np.stack([cos * v[..., 0] - sin * v[..., 1], sin * v[..., 0] + cos * v[..., 1], v[..., 2]], -1)
        v = v + c[:, None, :]
        uv = _BOX_UV[None] * np.stack([s[:, _BOX_U], s[:, _BOX_V]], -1)[:, :, None, :]
        if material.pattern == Pattern.WOOD:
            turn = s[:, _BOX_V] > s[:, _BOX_U]
            uv[turn] = uv[turn][..., ::-1]
        faces = _BOX_FACES[None] + 8 * np.arange(k)[:, None, None]
        self._add(v.reshape(-1, 3), faces.reshape(-1, 3), uv.reshape(-1, 3, 2), material)
        self._salt[-1] = self._objects + np.repeat(np.arange(k), 12)
        self._objects += k - 1

    def cylinder(
        self,
        radius: float,
        height: float,
        material: Material,
        base: ArrayLike = (0.0, 0.0, 0.0),
        segments: int = 16,
        top_radius: float | None = None,
        axis: str = "z",
        caps: bool = True,
    ) -> None:
        """A cylinder, or a cone or its stump with `top_radius`, from `base` along +`axis`."""
        top = radius if top_radius is None else top_radius
        profile = [(radius, 0.0), (top, height)]
        if caps:
            profile = [(0.0, 0.0), *profile, (0.0, height)]
        turn = {"z": (0.0, 0.0), "x": (np.pi / 2, 0.0), "y": (0.0, -np.pi / 2)}[axis]
        with self.at(base, pitch=turn[0], roll=turn[1]):
            self.lathe([p for i, p in enumerate(profile) if i == 0 or p != profile[i - 1]], material, segments)

    def sphere(
        self,
        radius: float,
        material: Material,
        centre: ArrayLike = (0.0, 0.0, 0.0),
        squash: ArrayLike = (1.0, 1.0, 1.0),
        rings: int = 8,
        segments: int = 12,
    ) -> None:
        """A sphere, or an ellipsoid with half axes radius * squash."""
        t = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
        profile = np.stack([radius * np.cos(t), radius * np.sin(t)], -1)
        v, f, uv = surfaces.lathe(profile, segments)
        self._add(v * np.asarray(squash, np.float64) + np.asarray(centre, np.float64), f, uv, material)

    def prism(
        self,
        polygon: ArrayLike,
        z0: float,
        z1: float,
        material: Material,
        top: Material | None = None,
        bottom: Material | None = None,
        inward: bool = False,
    ) -> None:
        """Walls over a simple polygon (N, 2) from z0 to z1; floor and ceiling only where `bottom` and `top` are given.

        On walls u runs along the perimeter and v = z - z0; on the caps (u, v) = (x, y). `inward` turns the walls'
        orientation to the inside, as for a room.
        """
        p = np.asarray(polygon, np.float64).reshape(-1, 2)
        v, faces, uv = surfaces.prism_walls(p, z0, z1)
        if inward:
            faces, uv = faces[:, ::-1], uv[:, ::-1]
        self._add(v, faces, uv, material)
        for cap, z in ((top, z1), (bottom, z0)):
            if cap is not None:
                self.polygon(p, z, cap)

    def polygon(self, outline: ArrayLike, z: float, material: Material) -> None:
        """A horizontal simple polygon (N, 2) at height z, convex or not; (u, v) = (x, y)."""
        p = np.asarray(outline, np.float64).reshape(-1, 2)
        self.triangles(np.c_[p, np.full(len(p), z)], triangulate(p), material, p)

    def wall_with_openings(
        self,
        start: ArrayLike,
        end: ArrayLike,
        z0: float,
        z1: float,
        openings: Sequence[tuple[float, float, float, float]],
        material: Material,
        thickness: float = 0.1,
        reveal: Material | None = None,
    ) -> None:
        """A straight wall from `start` to `end` (2,) with rectangular holes (s0, s1, z_low, z_high).

        s is metres from `start`, z absolute. The wall's middle plane lies on the line; the inner faces of the holes
        (reveals) are `reveal` or the wall's material. Holes must not overlap; they are clipped to the wall.
        """
        faces_of_wall, rims = surfaces.wall(start, end, z0, z1, openings, thickness)
        self._quads(*faces_of_wall, material)
        self._quads(*rims, reveal or material)

    def _quads(self, corners: NDArray, uv: NDArray, material: Material) -> None:
        """Many quads (K, 4, 3) with uv (K, 4, 2), one object."""
        k = len(corners)
        if k == 0:
            return
        order = np.array([[0, 1, 2], [0, 2, 3]])
        faces = (order[None] + 4 * np.arange(k)[:, None, None]).reshape(-1, 3)
        self._add(corners.reshape(-1, 3), faces, uv[:, order].reshape(-1, 3, 2), material)

    def heightfield(self, x: ArrayLike, y: ArrayLike, z: ArrayLike, material: Material) -> None:
        """Terrain z (ny, nx) over the grid x (nx,), y (ny,); (u, v) = (x, y)."""
        xs, ys, zs = np.asarray(x, np.float64), np.asarray(y, np.float64), np.asarray(z, np.float64)
        gx, gy = np.meshgrid(xs, ys)
        faces = surfaces.grid_faces(len(ys), len(xs))
        xy = np.stack([gx.ravel(), gy.ravel()], -1)
        self._add(np.c_[xy, zs.ravel()], faces, xy[faces], material)

    def lathe(self, profile: ArrayLike, material: Material, segments: int = 16) -> None:
        """A surface of revolution about z: profile (N, 2) of (radius, z); u around the widest ring, v along it."""
        v, f, uv = surfaces.lathe(np.asarray(profile, np.float64), segments)
        self._add(v, f, uv, material)

    def tube(self, points: ArrayLike, radius: float | ArrayLike, material: Material, segments: int = 6) -> None:
        """A round tube along a polyline (N, 3); `radius` is one number or one a point (N,). Open ends."""
        self._add(*surfaces.tube(points, radius, segments), material)

    def instances(self, prototype: Mesh, transforms: ArrayLike) -> None:
        """Copies of a mesh at poses (K, 4, 4), in one call; every copy varies as an object of its own.

        uv grow with the mean scale of each transform.
        """
        t = np.asarray(transforms, np.float64).reshape(-1, 4, 4)
        k, n = len(t), len(prototype.vertices)
        if k == 0 or n == 0:
            return
        v = np.einsum("kij,nj->kni", t[:, :3, :3], prototype.vertices.astype(np.float64)) + t[:, None, :3, 3]
        faces = prototype.faces[None] + n * np.arange(k)[:, None, None]
        scale = np.cbrt(np.abs(np.linalg.det(t[:, :3, :3])))
        uv = prototype.uv[None] * scale[:, None, None, None]
        lookup = np.array([self._index(m) for m in prototype.materials])
        material = np.tile(lookup[prototype.material], k)
        self._add(v.reshape(-1, 3), faces.reshape(-1, 3), uv.reshape(-1, 3, 2), material)
        objects = int(prototype.salt.max()) + 1
        self._salt[-1] = (self._objects + objects * np.arange(k)[:, None] + prototype.salt[None]).ravel()
        self._objects += objects * k

    def build(self) -> Mesh:
        """The mesh of everything added so far (the builder may go on)."""
        if not self._vertices:
            raise ValueError("the mesh is empty: add something before build()")
        return Mesh(
            np.concatenate(self._vertices).astype(np.float32),
            np.concatenate(self._faces).astype(np.int32),
            np.concatenate(self._uv).astype(np.float32),
            np.concatenate(self._material).astype(np.int32),
            np.concatenate(self._salt).astype(np.int32),
            tuple(self._materials),
        )


def poses(positions: ArrayLike, yaws: ArrayLike | float = 0.0, scales: ArrayLike | float = 1.0) -> NDArray[np.float64]:
    """Transforms (K, 4, 4) for `MeshBuilder.instances`: positions (K, 3), yaws (K,), scales (K,) or (K, 3)."""
    p = np.asarray(positions, np.float64).reshape(-1, 3)
    k = len(p)
    yaw = np.broadcast_to(np.asarray(yaws, np.float64), (k,))
    scale = np.asarray(scales, np.float64)
    scale = np.broadcast_to(scale[:, None] if scale.ndim == 1 else scale, (k, 3))
    c, s, zero = np.cos(yaw), np.sin(yaw), np.zeros(k)
    rotation = np.stack([c, -s, zero, s, c, zero, zero, zero, zero + 1.0], -1).reshape(k, 3, 3)
    out = np.zeros((k, 4, 4))
    out[:, :3, :3] = rotation * scale[:, None, :]
    out[:, :3, 3] = p
    out[:, 3, 3] = 1.0
    return out
