"""Primitives: volumes and areas in closed form, metric texture coordinates, transforms, instances."""

import numpy as np
import pytest

from training.worlds.materials import Material, Pattern
from training.worlds.mesh import MeshBuilder, poses
from training.worlds.polygon import triangulate

GREY = Material((0.5, 0.5, 0.5))
L_SHAPE = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], float)


def volume(mesh):
    t = mesh.vertices[mesh.faces].astype(float)
    return np.einsum("ij,ij->i", t[:, 0], np.cross(t[:, 1], t[:, 2])).sum() / 6.0


def areas(mesh):
    t = mesh.vertices[mesh.faces].astype(float)
    return 0.5 * np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1)


def uv_areas(mesh):
    a, b = mesh.uv[:, 1] - mesh.uv[:, 0], mesh.uv[:, 2] - mesh.uv[:, 0]
    return 0.5 * np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def built(add):
    builder = MeshBuilder()
    add(builder)
    return builder.build()


N = 64
GON = 0.5 * N * np.sin(2 * np.pi / N)


@pytest.mark.parametrize(
    ("add", "expected"),
    [
        (lambda b: b.box((1, 2, 3), GREY), 6.0),
        (lambda b: b.boxes([[0, 0, 0], [5, 0, 1]], (1, 2, 3), GREY, [0.3, 1.1]), 12.0),
        (lambda b: b.cylinder(1, 2, GREY, segments=N), 2 * GON),
        (lambda b: b.cylinder(1, 2, GREY, segments=N, axis="x", base=(1, 2, 3)), 2 * GON),
        (lambda b: b.cylinder(1, 2, GREY, segments=N, axis="y"), 2 * GON),
        (lambda b: b.cylinder(1, 3, GREY, segments=N, top_radius=0), GON),
        (lambda b: b.cylinder(1, 3, GREY, segments=N, top_radius=0.5), 3 * GON * (1 + 0.5 + 0.25) / 3),
    ],
)
def test_solids_enclose_their_volume(add, expected):
    mesh = built(add)
    assert volume(mesh) == pytest.approx(expected, rel=1e-5)


def test_prism_has_walls_and_the_caps_that_are_asked_for():
    assert areas(built(lambda b: b.prism(L_SHAPE, 0.5, 2.5, GREY))).sum() == pytest.approx(8 * 2)
    closed = built(lambda b: b.prism(L_SHAPE, 0.5, 2.5, GREY, top=GREY, bottom=GREY))
    assert areas(closed).sum() == pytest.approx(8 * 2 + 2 * 3)
    assert (closed.vertices[:, 2].min(), closed.vertices[:, 2].max()) == (0.5, 2.5)


def test_sphere_and_its_squash():
    round_one = built(lambda b: b.sphere(2.0, GREY, rings=48, segments=96))
    flat = built(lambda b: b.sphere(2.0, GREY, centre=(3, 1, 2), squash=(1, 1.5, 0.5), rings=48, segments=96))
    assert volume(round_one) == pytest.approx(4 / 3 * np.pi * 8, rel=3e-3)
    assert volume(flat) == pytest.approx(0.75 * volume(round_one), rel=1e-4)


def test_cylinder_lies_where_its_axis_says():
    for axis, (low, high) in {
        "x": ([1, -0.5, -0.5], [3, 0.5, 0.5]),
        "y": ([0.5, 0, -0.5], [1.5, 2, 0.5]),
        "z": ([0.5, -0.5, 0], [1.5, 0.5, 2]),
    }.items():
        v = built(lambda b, a=axis: b.cylinder(0.5, 2, GREY, base=(1, 0, 0), axis=a, segments=32)).vertices
        assert np.allclose(v.min(0), low, atol=1e-6) and np.allclose(v.max(0), high, atol=1e-6)


@pytest.mark.parametrize(
    "add",
    [
        lambda b: b.box((1, 2, 3), GREY),
        lambda b: b.quad([[0, 0, 0], [3, 0, 0], [3, 0, 2], [0, 0, 2]], GREY),
        lambda b: b.polygon(L_SHAPE, 1.0, GREY),
        lambda b: b.prism(L_SHAPE, 0, 3, GREY),
        lambda b: b.wall_with_openings((1, 1), (4, 5), 0, 3, [(1, 2, 0, 2.1), (3, 4, 0.9, 2)], GREY, 0.2),
        lambda b: b.heightfield(np.arange(4.0), np.arange(5.0), np.zeros((5, 4)), GREY),
    ],
)
def test_texture_coordinates_are_metres_on_flat_surfaces(add):
    mesh = built(add)
    assert np.allclose(uv_areas(mesh), areas(mesh), rtol=1e-5, atol=1e-6)

    def scaled(builder):
        with builder.at((1, 2, 3), yaw=0.4, pitch=-0.3, roll=1.0, scale=2.5):
            add(builder)

    big = built(scaled)
    assert np.allclose(uv_areas(big), areas(big), rtol=1e-4, atol=1e-5)
    assert areas(big).sum() == pytest.approx(6.25 * areas(mesh).sum(), rel=1e-5)


def test_wall_area_leaves_the_openings_out():
    mesh = built(lambda b: b.wall_with_openings((0, 0), (5, 0), 0, 3, [(1, 2, 0, 2), (3, 4.5, 1, 2)], GREY, 0.0))
    assert areas(mesh).sum() == pytest.approx(15 - 2 - 1.5)
    thick = built(lambda b: b.wall_with_openings((0, 0), (5, 0), 0, 3, [(3, 4.5, 1, 2)], GREY, 0.2))
    assert areas(thick).sum() == pytest.approx(2 * (15 - 1.5) + 0.2 * (16 + 5))
    assert np.ptp(thick.vertices[:, 1]) == pytest.approx(0.2)


def test_triangulation_covers_concave_polygons_in_both_orientations():
    star = np.array([[np.cos(a), np.sin(a)] for a in np.arange(10) * np.pi / 5]) * np.array([[2.0], [0.7]] * 5)
    for outline in (L_SHAPE, L_SHAPE[::-1], star, star[::-1]):
        t = outline[triangulate(outline)]
        a, b = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
        doubled = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        x, y = outline.T
        shoelace = abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
        assert len(t) == len(outline) - 2
        assert np.all(doubled > 0) and doubled.sum() == pytest.approx(shoelace)


def test_tube_keeps_its_radius_round_corners():
    mesh = built(lambda b: b.tube([[0, 0, 0], [0, 0, 1], [0, 0, 2]], 0.1, GREY, segments=8))
    assert np.allclose(np.hypot(mesh.vertices[:, 0], mesh.vertices[:, 1]), 0.1, atol=1e-6)
    bent = built(lambda b: b.tube([[0, 0, 0], [0, 0, 1], [1, 0, 1]], [0.1, 0.1, 0.05], GREY, segments=8))
    assert bent.vertices[:, 1].max() == pytest.approx(0.1, abs=1e-6)
    assert np.ptp(bent.vertices[-9:, 0]) == pytest.approx(0.0, abs=1e-6)


def test_transforms_nest_and_end_with_their_context():
    builder = MeshBuilder()
    with builder.at((1, 0, 0), yaw=np.pi / 2), builder.at((2, 0, 0), scale=0.5):
        builder.box((2, 2, 2), GREY, centre=(1, 0, 0))
    builder.box((1, 1, 1), GREY)
    v = builder.build().vertices
    assert np.allclose(v[:8].mean(0), [1, 2.5, 0], atol=1e-6) and np.allclose(np.ptp(v[:8], 0), 1.0, atol=1e-6)
    assert np.allclose(v[8:].mean(0), 0)


def test_instances_are_the_prototype_moved_each_an_object_of_its_own():
    proto = MeshBuilder()
    proto.box((1, 2, 3), GREY)
    proto.sphere(0.5, Material((1, 0, 0)), centre=(0, 0, 2))
    proto_mesh = proto.build()
    builder = MeshBuilder()
    builder.box((1, 1, 1), Material((0, 1, 0)))
    builder.instances(proto_mesh, poses([[5, 0, 0], [0, 7, 1]], [0.0, np.pi / 2], [1.0, 2.0]))
    mesh = builder.build()
    n, f = len(proto_mesh.vertices), len(proto_mesh.faces)
    assert np.allclose(mesh.vertices[8 : 8 + n], proto_mesh.vertices + np.array([5, 0, 0]), atol=1e-5)
    x, y, z = (2 * proto_mesh.vertices).T
    assert np.allclose(mesh.vertices[8 + n :], np.stack([-y, x + 7, z + 1], -1), atol=1e-5)
    assert len(mesh.faces) == 12 + 2 * f and np.allclose(mesh.uv[12 + f :], 2 * proto_mesh.uv, atol=1e-5)
    assert len(np.unique(mesh.salt)) == 5
    assert [mesh.materials[i] for i in np.unique(mesh.material[12:])] == list(proto_mesh.materials)


def test_materials_are_kept_once_and_checked():
    builder = MeshBuilder()
    for _ in range(3):
        builder.box((1, 1, 1), Material(np.array([0.1, 0.2, 0.3]), pattern=Pattern.WOOD), sides={"z+": GREY})
    mesh = builder.build()
    assert len(mesh.materials) == 2 and np.bincount(mesh.material).tolist() == [30, 6]
    with pytest.raises(ValueError, match="size_m must be positive"):
        Material((0, 0, 0), size_m=(0.0, 1.0))
    with pytest.raises(ValueError, match="empty"):
        MeshBuilder().build()
