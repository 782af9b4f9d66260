from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from dap_core.errors import InputError
from training.worlds import indoor
from training.worlds.indoor.clearance import Solid, point_triangle_distance
from training.worlds.indoor.plan import Footprint, Plan, overlap, path_through
from training.worlds.indoor.rooms import ceiling_height, finish_room
from training.worlds.indoor.shell import Opening, Room, chords, outline, rectangle
from training.worlds.indoor.stage import Stage, camera_height
from training.worlds.world import World

Builder = Callable[[np.random.Generator], World]


def make(kind: str, seed: int) -> World:
    return indoor.KINDS[kind](np.random.Generator(np.random.PCG64(seed)))


def vertical_hits(world: World, x: float, y: float) -> np.ndarray:
    """Heights at which the vertical line through (x, y) meets the mesh, by brute force."""
    t = world.mesh.vertices[world.mesh.faces].astype(np.float64)
    a, b, c = (t[:, i, :2] - (x, y) for i in range(3))

    def cross(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]

    u, v, w = cross(b, c), cross(c, a), cross(a, b)
    area = u + v + w
    hit = (np.abs(area) > 1e-9) & (((u >= 0) & (v >= 0) & (w >= 0)) | ((u <= 0) & (v <= 0) & (w <= 0)))
    return (u * t[:, 0, 2] + v * t[:, 1, 2] + w * t[:, 2, 2])[hit] / area[hit]


@pytest.mark.parametrize("kind", list(indoor.KINDS))
def test_a_world_is_the_same_for_the_same_seed_and_its_cameras_stand_free(kind: str) -> None:
    one, two = make(kind, 5), make(kind, 5)
    for name in ("vertices", "faces", "uv", "material", "salt"):
        np.testing.assert_array_equal(getattr(one.mesh, name), getattr(two.mesh, name))
    assert one.mesh.materials == two.mesh.materials
    assert (one.lights, one.sky, one.ambient, one.cameras, one.walk) == (
        two.lights,
        two.sky,
        two.ambient,
        two.cameras,
        two.walk,
    )
    for world in (one, make(kind, 6)):
        assert world.kind == kind
        assert np.isfinite(world.mesh.vertices).all() and np.isfinite(world.mesh.uv).all()
        assert 100 < len(world.mesh.faces) < 150_000
        assert len(world.lights) <= 16
        solid = Solid(world.mesh)
        for camera in world.cameras:
            x, y, z = camera.position
            assert solid.distance(camera.position) >= 0.25
            assert 0.2 <= camera.height <= 2.5
            heights = vertical_hits(world, x, y)
            # a floor (or a rug on it) lies where the camera's height says; a ceiling not beyond 20 m
            assert np.abs(heights - (z - camera.height)).min() < 0.03
            below = heights[heights < z]
            assert z - below.max() <= camera.height + 0.001
            above = heights[heights > z]
            assert not len(above) or 0.25 <= above.min() - z < 20.0


def escapes(world: World, origin: tuple[float, float, float], directions: np.ndarray) -> int:
    """How many rays meet no triangle (Moeller and Trumbore, brute force)."""
    t = world.mesh.vertices[world.mesh.faces].astype(np.float64)
    edge_one, edge_two, to = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0], np.asarray(origin) - t[:, 0]
    missed = 0
    for d in directions:
        p = np.cross(d, edge_two)
        det = (edge_one * p).sum(-1)
        safe = np.where(np.abs(det) < 1e-14, 1.0, det)
        u = (to * p).sum(-1) / safe
        q = np.cross(to, edge_one)
        v = (q @ d) / safe
        distance = (edge_two * q).sum(-1) / safe
        missed += not ((np.abs(det) >= 1e-14) & (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)).any()
    return missed


@pytest.mark.parametrize(
    "ceiling", ["plain", "cove", "tray", "gable", "shed", "barrel", "mansard", "segment", "pointed"]
)
def test_no_ray_slips_out_of_a_closed_room(ceiling: str) -> None:
    rng = np.random.Generator(np.random.PCG64(11))
    stage = Stage(rng, "home", windows=False)
    room = finish_room(stage, rectangle(4.0, 3.0), 2.4, windows=0, doors=1, ceiling=ceiling)
    world = stage.finish("closed")
    origin = world.cameras[0].position
    anywhere = rng.normal(size=(120, 3))
    # and at the seams: along the upper and lower edges of the walls
    corners = [edge.at(s * edge.length) for edge in room.edges for s in (0.0, 0.31, 0.77)]
    seams = np.array([(x, y, z) for x, y in corners for z in (0.0, 2.4)]) - origin
    directions = np.concatenate([anywhere, seams])
    assert escapes(world, origin, directions / np.linalg.norm(directions, axis=1, keepdims=True)) == 0


def test_two_seeds_give_two_worlds() -> None:
    assert len(make("shop", 1).mesh.vertices) != len(make("shop", 2).mesh.vertices)


@pytest.mark.parametrize("kind", ["apartment", "bookshop", "living_room", "office"])
def test_walks_keep_clear_of_everything(kind: str) -> None:
    checked = 0
    for seed in range(4):
        world = make(kind, seed)
        solid = Solid(world.mesh)
        for a, b in pairwise(world.walk):
            for t in np.linspace(0.0, 1.0, 6):
                point = (1 - t) * np.array(a.position) + t * np.array(b.position)
                assert solid.distance(point) >= 0.25, (seed, point)
                checked += 1
    assert checked > 12


def test_camera_heights_are_those_of_panoramas() -> None:
    rng = np.random.default_rng(0)
    heights = np.array([camera_height(rng, (0.2, 2.5)) for _ in range(4000)])
    assert heights.min() >= 0.2 and heights.max() <= 2.5
    assert 0.71 < ((heights >= 1.2) & (heights <= 1.7)).mean() < 0.79
    assert (heights < 0.6).mean() > 0.02


@pytest.mark.parametrize(
    ("style", "low", "high", "median"),
    [
        ("home", 2.2, 4.2, (2.5, 2.8)),
        ("office", 2.35, 4.0, (2.7, 3.0)),
        ("shop", 2.4, 6.0, (2.9, 3.5)),
        ("industrial", 3.0, 12.0, (5, 6)),
    ],
)
def test_ceilings_are_as_built(style: str, low: float, high: float, median: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    heights = np.array([ceiling_height(rng, style) for _ in range(2000)])
    assert low <= heights.min() and heights.max() <= high
    assert median[0] < np.median(heights) < median[1]


def test_distance_to_a_triangle_is_exact() -> None:
    triangle = np.array([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    for point, distance in (
        ((0.2, 0.2, 0.7), 0.7),
        ((-3.0, 0.0, 4.0), 5.0),
        ((1.0, 1.0, 0.0), np.sqrt(0.5)),
        ((0.5, -2.0, 0.0), 2.0),
    ):
        assert point_triangle_distance(point, triangle)[0] == pytest.approx(distance, abs=1e-12)


def test_oriented_footprints_overlap_only_where_they_do() -> None:
    one = Footprint(0.0, 0.0, 1.0, 0.5)
    assert overlap(one, Footprint(1.9, 0.0, 1.0, 0.5))
    assert not overlap(one, Footprint(2.1, 0.0, 1.0, 0.5))
    # the corner of a square turned by 45 degrees reaches sqrt(2) / 2
    assert overlap(one, Footprint(1.0 + 0.70, 0.0, 0.5, 0.5, np.pi / 4))
    assert not overlap(one, Footprint(1.0 + 0.72, 0.0, 0.5, 0.5, np.pi / 4))
    assert not overlap(one, Footprint(1.45, 0.95, 0.5, 0.5, np.pi / 4))


def test_clearance_is_the_distance_to_the_nearest_obstacle_of_those_heights() -> None:
    plan = Plan()
    plan.add_region(rectangle(10.0, 10.0))
    plan.add(Footprint(5.0, 5.0, 1.0, 0.5, np.pi / 2, 0.0, 0.8))
    points = np.array([[5.0, 8.0], [7.5, 5.0], [8.5, 9.0], [11.0, 5.0]])
    np.testing.assert_allclose(plan.clearance(points, 0.0, 2.0)[[0, 1, 3]], [2.0, 2.0, 0.0], atol=1e-5)
    assert plan.clearance(points, 0.0, 2.0)[2] == pytest.approx(np.hypot(3.0, 3.0), abs=1e-5)
    assert plan.clearance(points, 1.0, 2.0)[0] > 100.0


def test_a_path_goes_round_an_obstacle() -> None:
    plan = Plan()
    plan.add_region(rectangle(8.0, 6.0))
    plan.add(Footprint(4.0, 2.0, 0.3, 2.0, 0.0, 0.0, 2.0))
    path = np.array(path_through(plan, np.random.default_rng(3), 0.1, 1.7))
    assert len(path) >= 3
    for a, b in pairwise(path):
        samples = a + np.linspace(0, 1, 30)[:, None] * (b - a)
        assert plan.clearance(samples, 0.1, 1.7).min() > 0.3
    assert path[:, 0].min() < 3.7 and path[:, 0].max() > 4.3


def test_openings_never_overlap_and_rooms_run_counter_clockwise() -> None:
    room = Room(rectangle(4.0, 3.0), 2.5)
    assert room.area == pytest.approx(12.0)
    assert room.cut(room.edges[0], Opening(1.0, 2.0, 0.0, 2.05, "door"))
    assert not room.cut(room.edges[0], Opening(1.5, 2.5, 0.9, 2.0))
    assert not room.cut(room.edges[0], Opening(3.0, 3.5, 0.9, 2.6))
    assert room.cut(room.edges[0], Opening(2.3, 3.5, 0.9, 2.0))
    assert room.edges[1].at(1.0, 0.5) == pytest.approx((3.5, 1.0))
    with pytest.raises(InputError, match="counter-clockwise"):
        Room(rectangle(4.0, 3.0)[::-1].copy(), 2.5)


@pytest.mark.parametrize("kind", ["box", "L", "T", "U", "chamfer", "oblique", "polygon", "round"])
def test_outlines_are_simple_and_fill_their_box(kind: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        room = Room(outline(rng, 6.0, 4.0, kind), 2.6)
        assert 0.3 * 24.0 < room.area <= 24.0 + 1e-6
        x0, y0, x1, y1 = room.box
        assert x0 >= -1e-9 and y0 >= -1e-9 and x1 <= 6.0 + 1e-9 and y1 <= 4.0 + 1e-9
        # the area again, by integrating chords
        ys = (np.arange(2000) + 0.5) * 4.0 / 2000
        area = sum(b - a for y in ys for a, b in chords(room.outline, 1, float(y))) * 4.0 / 2000
        assert area == pytest.approx(room.area, rel=2e-3)
