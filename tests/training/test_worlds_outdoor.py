"""Outdoor worlds: deterministic, cameras free and at their height, ground up to the horizon, things at true size."""

from __future__ import annotations

import numpy as np
import pytest

from training.worlds.materials import Pattern
from training.worlds.mesh import Mesh, MeshBuilder
from training.worlds.outdoor import KINDS, buildings, facade, machines, palette, street_furniture, vegetation, vehicles
from training.worlds.outdoor.clearance import Footprints, Surroundings, distance_to_triangles
from training.worlds.outdoor.stage import Stage, camera_height
from training.worlds.outdoor.terrain import EXTENT_M, Terrain, graded, mountains, rolling, slope, together
from training.worlds.outdoor.weather import MOODS, weather
from training.worlds.world import World

FLAT = ("crossing", "market", "courtyard", "industrial_yard", "container_yard", "filling_station", "sports_court")


def rng_of(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def first_hit(mesh: Mesh, origin: np.ndarray, direction: np.ndarray) -> float:
    """Distance along a ray to the mesh by testing every triangle (Moeller and Trumbore), inf for none."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(np.float64), 1, 0)
    e1, e2 = b - a, c - a
    h = np.cross(direction, e2)
    det = np.einsum("mi,mi->m", e1, h)
    ok = np.abs(det) > 1e-12
    inverse = 1.0 / np.where(ok, det, 1.0)
    s = origin - a
    u = np.einsum("mi,mi->m", s, h) * inverse
    q = np.cross(s, e1)
    v = q @ direction * inverse
    t = np.einsum("mi,mi->m", e2, q) * inverse
    hit = ok & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (t > 1e-6)
    return float(t[hit].min()) if hit.any() else np.inf


@pytest.fixture(scope="module")
def worlds() -> dict[str, list[World]]:
    return {kind: [build(rng_of(100 * k + len(kind))) for k in range(2)] for kind, build in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_world(kind: str, worlds: dict[str, list[World]]) -> None:
    again, first = KINDS[kind](rng_of(len(kind))), worlds[kind][0]
    assert again.kind == kind
    for name in ("vertices", "faces", "uv", "material", "salt"):
        assert np.array_equal(getattr(again.mesh, name), getattr(first.mesh, name)), name
    assert again.mesh.materials == first.mesh.materials
    assert (again.cameras, again.walk, again.lights, again.sky) == (first.cameras, first.walk, first.lights, first.sky)


@pytest.mark.parametrize("kind", KINDS)
def test_meshes_are_sound_and_of_a_size_that_renders_quickly(kind: str, worlds: dict[str, list[World]]) -> None:
    for world in worlds[kind]:
        mesh = world.mesh
        assert np.isfinite(mesh.vertices).all() and np.isfinite(mesh.uv).all()
        assert 1000 <= len(mesh.faces) <= 200_000
        assert mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
        assert mesh.material.max() < len(mesh.materials) <= 450


@pytest.mark.parametrize("kind", KINDS)
def test_cameras_are_free_and_stand_at_their_height(kind: str, worlds: dict[str, list[World]]) -> None:
    for world in worlds[kind]:
        triangles = world.mesh.vertices[world.mesh.faces].astype(np.float64)
        assert 1 <= len(world.cameras) <= 2
        rigged = False
        for camera in world.cameras:
            p = np.array(camera.position)
            assert 0.2 <= camera.height <= 2.5
            below = first_hit(world.mesh, p, np.array([1e-4, 2e-4, -1.0]))
            near = np.abs(triangles - p).max((1, 2)) < 40.0
            clearance = float(distance_to_triangles(p, triangles[near]).min())
            # Only what carries the camera may come nearer, and only from below.
            if below < camera.height - 0.02:
                rigged = True
                assert len(world.cameras) == 1
                assert below > 0.1
            else:
                assert below == pytest.approx(camera.height, abs=0.02)
                assert clearance >= min(0.28, 0.9 * camera.height)
        assert not (rigged and len(world.cameras) > 1)


@pytest.mark.parametrize("kind", KINDS)
def test_walks_are_level_with_the_ground_and_continuous(kind: str, worlds: dict[str, list[World]]) -> None:
    for world in worlds[kind]:
        if not world.walk:
            continue
        p = np.array([c.position for c in world.walk])
        steps = np.linalg.norm(np.diff(p, axis=0), axis=1)
        assert len(p) >= 5 and steps.max() < 1.6
        assert all(c.height == pytest.approx(1.4) for c in world.walk)


@pytest.mark.parametrize("kind", FLAT)
def test_ground_reaches_the_horizon(kind: str, worlds: dict[str, list[World]]) -> None:
    for world in worlds[kind]:
        p = np.array(world.cameras[0].position)
        for azimuth in np.linspace(-np.pi, np.pi, 8, endpoint=False):
            e = np.radians(-0.5)
            ray = np.array([np.cos(e) * np.cos(azimuth), np.cos(e) * np.sin(azimuth), np.sin(e)])
            assert first_hit(world.mesh, p, ray) <= 400.0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_surface_lies_well_below_the_horizon(kind: str, worlds: dict[str, list[World]]) -> None:
    p = np.array(worlds[kind][0].cameras[0].position)
    for elevation in (-4.0, -20.0, -60.0):
        for azimuth in np.linspace(-3.0, 3.0, 5):
            e = np.radians(elevation)
            ray = np.array([np.cos(e) * np.cos(azimuth), np.cos(e) * np.sin(azimuth), np.sin(e)])
            assert np.isfinite(first_hit(worlds[kind][0].mesh, p, ray))


def test_three_quarters_of_the_cameras_stand_at_eye_height() -> None:
    rng = rng_of(3)
    heights = np.array([camera_height(rng) for _ in range(4000)])
    eye = np.mean((heights >= 1.2) & (heights <= 1.7))
    assert 0.72 < eye < 0.78
    assert heights.min() >= 0.2 and heights.max() <= 2.5
    assert 0.09 < np.mean(heights < 0.8) < 0.15


SIZES = {
    "car": (lambda r: vehicles.car(r)[0], (2.7, 5.1), (1.4, 2.3), (1.38, 1.9)),
    "distant car": (vehicles.distant_car, (3.7, 5.0), (1.6, 2.0), (1.4, 1.85)),
    "van": (vehicles.van, (4.4, 7.0), (1.8, 2.6), (1.8, 2.9)),
    "truck": (machines.truck, (6.9, 16.2), (2.3, 3.1), (2.6, 4.1)),
    "bus": (machines.bus, (10.8, 16.2), (2.5, 2.7), (3.0, 4.4)),
    "tractor": (machines.tractor, (3.0, 4.6), (1.8, 2.4), (2.5, 3.0)),
    "bicycle": (vehicles.bicycle, (1.6, 1.9), (0.4, 0.7), (0.9, 1.15)),
    "person": (lambda r: street_furniture.person(r).mesh, (0.2, 1.0), (0.25, 0.8), (0.94, 2.05)),
    "bench": (lambda r: street_furniture.bench(r).mesh, (1.3, 2.3), (0.35, 0.7), (0.4, 0.95)),
    "bollard": (lambda r: street_furniture.bollard(r).mesh, (0.08, 0.5), (0.08, 0.5), (0.45, 1.15)),
}


@pytest.mark.parametrize("name", SIZES)
def test_things_have_true_sizes(name: str) -> None:
    make, *bounds = SIZES[name]
    for seed in range(12):
        mesh = make(rng_of(seed))
        size = np.ptp(mesh.vertices, axis=0)
        for value, (low, high) in zip(size, bounds, strict=True):
            assert low <= value <= high, (name, size)
        assert abs(float(mesh.vertices[:, 2].min())) < 0.06


@pytest.mark.parametrize("species", vegetation.SPECIES)
def test_trees_have_the_height_of_their_kind(species: str) -> None:
    low, high = vegetation.HEIGHTS[species]
    for detail in (1.0, 0.3):
        mesh = vegetation.tree(rng_of(5), species, "summer", detail).mesh
        assert 0.6 * low <= float(mesh.vertices[:, 2].max()) <= 1.4 * high
        assert len(mesh.faces) < (9000 if detail == 1.0 else 2500)


def test_storeys_and_bays_are_those_of_houses() -> None:
    for seed in range(40):
        style = facade.look(rng_of(seed), shop=seed % 2 == 0)
        assert 2.65 <= style.storey <= 3.55
        assert 2.65 <= style.ground_storey <= 4.45
        assert 0.5 <= style.window[0] < style.bay
        assert style.sill + 1e-9 >= 0.5 or style.window[1] > 1.7
        b = MeshBuilder()
        rng = rng_of(seed)
        width, height = buildings.town_house(b, rng, 4, 3, 10.0, "door")
        assert width == pytest.approx(4 * round(width / 4 / 0.25) * 0.25)
        assert 2 * 2.65 + 2.65 <= height <= 2 * 3.55 + 4.45


def test_texture_runs_on_from_bay_to_bay() -> None:
    rng = rng_of(1)
    style = facade.look(rng)
    b = MeshBuilder()
    facade.tile(b, facade.blank_bay(style, 3.0), [[0, 0, 0], [style.bay, 0, 0], [0, 0, 3.0]])
    mesh = b.build()
    flat = mesh.vertices[mesh.faces].reshape(-1, 3)
    assert np.allclose(mesh.uv.reshape(-1, 2), flat[:, [0, 2]], atol=1e-5)


def test_terrain_height_is_that_of_the_drawn_triangles() -> None:
    rng = rng_of(2)
    relief = together(rolling(rng, 2.0, 20.0), slope(9.0, 0.7), mountains(rng, 200.0, 900.0, 150.0))
    terrain = Terrain(relief, 0.6, 40)
    b = MeshBuilder()
    terrain.draw(b, palette.grass(rng), lambda x, y, z: z > 0, (palette.rock(rng),))
    mesh = b.build()
    around = Surroundings(mesh)
    for x, y in rng.uniform(-30, 30, (12, 2)):
        z = float(terrain.height(x, y))
        assert around.below(x, y, 500.0) == pytest.approx(z, abs=2e-3)
        assert first_hit(mesh, np.array([x, y, 500.0]), np.array([0.0, 0.0, -1.0])) == pytest.approx(
            500.0 - z, abs=2e-3
        )


def test_graded_lines_are_fine_in_the_middle_and_reach_out() -> None:
    x = graded(0.5, 50)
    assert x[0] == -EXTENT_M and x[-1] == EXTENT_M
    assert np.diff(x)[50] == pytest.approx(0.5, rel=0.01)
    assert np.all(np.diff(x) > 0)


def test_slope_has_its_angle_under_the_camera() -> None:
    terrain = Terrain(slope(12.0, 0.3, 100.0), 0.5, 40)
    n = terrain.normal(0.0, 0.0)
    assert np.degrees(np.arccos(n[2])) == pytest.approx(12.0, abs=0.1)


def test_distance_to_triangles_in_closed_form() -> None:
    triangle = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]])
    points = {(0.5, 0.5, 3.0): 3.0, (-1.0, 0.5, 0.0): 1.0, (3.0, 0.0, 0.0): 1.0, (2.0, 2.0, 0.0): 2.0**0.5}
    for p, expected in points.items():
        assert distance_to_triangles(np.array(p), triangle)[0] == pytest.approx(expected)


def test_footprints_overlap_as_turned_rectangles_do() -> None:
    f = Footprints()
    f.add(0.0, 0.0, 2.0, 1.0, np.pi / 2)
    assert not f.clear(0.0, 1.9, 0.2, 0.2)
    assert f.clear(1.3, 0.0, 0.2, 0.2)
    assert f.clear(1.9, 1.9, 1.0, 0.5, np.pi / 4 + np.pi / 2)
    assert f.distance(np.array([[2.0, 0.0], [0.0, 3.0], [0.0, 0.0]])) == pytest.approx([1.0, 1.0, 0.0])


def test_weather_covers_its_moods_with_the_sun_where_it_may_be() -> None:
    seen = [weather(rng_of(s)) for s in range(300)]
    assert {w.mood for w in seen} == set(MOODS)
    elevation = np.degrees(np.arcsin([w.sky.sun_direction[2] for w in seen]))
    assert elevation.min() >= -5.01 and elevation.max() <= 75.01
    assert all(w.lamps == (w.mood in ("dusk", "night")) for w in seen)


def test_a_thing_is_not_put_where_another_stands() -> None:
    rng = rng_of(0)
    stage = Stage(rng, weather(rng))
    stage.terrain.draw(stage.builder, palette.asphalt(rng))
    pole = street_furniture.bollard(rng)
    assert stage.put(pole, 1.0, 0.0)
    assert not stage.put(pole, 1.05, 0.0)
    stage.reserve([[-5.0, 3.0], [5.0, 3.0]], 1.0)
    assert not stage.put(pole, 0.0, 3.5)
    assert stage.put(pole, 0.0, 4.5)


def test_bricks_are_bricks() -> None:
    for seed in range(20):
        m = palette.bricks(rng_of(seed))
        assert m.pattern == Pattern.BRICKS and m.size_m == (0.25, 0.075)
