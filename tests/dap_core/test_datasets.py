"""Data sets: a tiny one of each, written in its published layout, reads back as the metres that were put in."""

import importlib.util
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.evaluation.datasets import open_dataset
from dap_core.evaluation.datasets.deep360 import cassini_to_equirectangular
from dap_core.evaluation.datasets.depth_formats import metres_per_unit, read_depth
from dap_core.evaluation.datasets.folder import read_pairs
from dap_core.evaluation.datasets.matterport3d import TEST_SCENES
from dap_core.evaluation.datasets.unit_check import doubt_about_unit
from dap_core.panorama import azimuths, elevations

H = 16
needs_exr = pytest.mark.skipif(
    importlib.util.find_spec("OpenEXR") is None, reason="the package OpenEXR, which reads EXR files, is not installed"
)


def metres(seed=0, low=0.8, high=9.0, height=H):
    return np.random.default_rng(seed).uniform(low, high, (height, 2 * height)).astype(np.float32)


def picture(path, height=H, width=None, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width or 2 * height, 3)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, shape, np.uint8))


def png16(path, steps):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.rint(steps).astype(np.uint16))


def exr(path, range_m):
    import OpenEXR

    path.parent.mkdir(parents=True, exist_ok=True)
    channels = {
        name: np.ascontiguousarray(v, np.float32)
        for name, v in zip("RGB", (range_m, range_m + 50, range_m), strict=True)
    }
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(str(path))


def dpt(path, range_m):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<fii", 202021.25, *range_m.shape[::-1]) + range_m.astype("<f4").tobytes())


def loaded(dataset):
    return [dataset.load(entry) for entry in dataset.entries]


def test_stanford2d3d(tmp_path):
    truth = metres()
    for area, room in (("area_5a", "office_1"), ("area_5b", "hallway_2")):
        stem = f"camera_0123abcd_{room}_frame_equirectangular_domain"
        picture(tmp_path / area / "pano" / "rgb" / f"{stem}_rgb.png")
        steps = truth * 512
        steps[0], steps[1] = 65535, 0
        png16(tmp_path / area / "pano" / "depth" / f"{stem}_depth.png", steps)
    picture(tmp_path / "area_5a" / "data" / "rgb" / "camera_0123abcd_office_1_frame_3_domain_rgb.png")  # not a panorama
    dataset = open_dataset("stanford2d3d", tmp_path)
    assert [e.name.split("_domain")[0].rsplit("camera_", 1)[1] for e in dataset.entries] == [
        "0123abcd_office_1_frame_equirectangular",
        "0123abcd_hallway_2_frame_equirectangular",
    ]
    sample = loaded(dataset)[0]
    assert np.isnan(sample.range_m[:2]).all()
    np.testing.assert_allclose(sample.range_m[2:], truth[2:], atol=0.5 / 512)
    assert dataset.published == 373 and not dataset.complete and dataset.scanned


def test_stanford2d3d_by_unifuses_list_and_da2s_unit(tmp_path):
    truth = metres(1)
    stem = "camera_77_office_3_frame_equirectangular_domain"
    picture(tmp_path / "area_5a" / "rgb_" / f"{stem}_rgb.png")
    png16(tmp_path / "area_5a" / "depth" / f"{stem}_depth.png", truth * 1000)
    line = f"area_5a/rgb_/{stem}_rgb.png area_5a/depth/{stem}_depth.png\n"
    (tmp_path / "test.txt").write_text(line + line.replace("office_3", "office_4") + "\n")
    dataset = open_dataset("stanford2d3d", tmp_path, list_file=tmp_path / "test.txt", unit_m=metres_per_unit("mm"))
    np.testing.assert_allclose(dataset.load(dataset.entries[0]).range_m, truth, atol=5e-4)
    with pytest.raises(InputError, match=r"office_4.*its image is missing: .*office_4"):
        dataset.load(dataset.entries[1])
    assert [e.name for e in open_dataset("stanford2d3d", tmp_path).entries] == [dataset.entries[0].name]


def test_matterport3d_stitched(tmp_path):
    truth = metres(2)
    scene = TEST_SCENES[3]
    picture(tmp_path / scene / "pano_skybox_color" / "a1.jpg")
    png16(tmp_path / scene / "pano_depth" / "a1.png", np.where(truth > 8, 0, truth * 4000))
    png16(tmp_path / scene / "pano_depth" / "a2.png", truth * 4000)  # its image is gone
    picture(tmp_path / "notATestScene" / "pano_skybox_color" / "a1.jpg")
    dataset = open_dataset("matterport3d", tmp_path)
    assert [e.name for e in dataset.entries] == [f"{scene}/pano_skybox_color/{i}" for i in ("a1", "a2")]
    sample = dataset.load(dataset.entries[0])
    assert (np.isnan(sample.range_m) == (truth > 8)).all()
    np.testing.assert_allclose(sample.range_m[truth <= 8], truth[truth <= 8], atol=1 / 4000)
    with pytest.raises(InputError, match="its image is missing"):
        dataset.load(dataset.entries[1])


@needs_exr
def test_matterport3d_rendered_again(tmp_path):
    truth = metres(3)
    truth[0] = 0.0
    scene = tmp_path / TEST_SCENES[0]
    picture(scene / "10_spherical_1_emission_center_0.png")
    exr(scene / "10_spherical_1_depth_center_0.exr", truth)
    dataset = open_dataset("matterport3d", tmp_path)
    (sample,) = loaded(dataset)
    assert np.isnan(sample.range_m[0]).all() and "rendered again" in dataset.layout
    np.testing.assert_array_equal(sample.range_m[1:], truth[1:])
    damaged = scene / "10_spherical_1_depth_center_0.exr"
    damaged.write_bytes(damaged.read_bytes()[:200])
    with pytest.raises(InputError, match="not a sound EXR file"):
        dataset.load(dataset.entries[0])


def test_matterport3d_360(tmp_path):
    truth = metres(4)
    folder = tmp_path / "part2" / "data" / TEST_SCENES[0]
    picture(folder / "0a_rgb.png")
    dpt(folder / "0a_depth.dpt", truth)
    dataset = open_dataset("matterport3d", tmp_path)
    np.testing.assert_array_equal(loaded(dataset)[0].range_m, truth)
    png16(tmp_path / TEST_SCENES[0] / "pano_depth" / "a1.png", truth)
    with pytest.raises(InputError, match="two packagings of Matterport3D in one"):
        open_dataset("matterport3d", tmp_path)


def test_deep360(tmp_path):
    cassini = metres(5, height=64).T.copy()[:64, :32]  # 64 rows of 32 columns
    cassini[:4, :4] = 900.0
    frame = tmp_path / "ep3_500frames" / "testing"
    picture(frame / "rgb" / "002505_12_rgb1.png", 64, 32)
    picture(frame / "rgb" / "002505_12_rgb2.png", 64, 32)
    (frame / "depth").mkdir()
    np.savez_compressed(frame / "depth" / "002505_depth.npz", cassini)
    dataset = open_dataset("deep360", tmp_path)
    (sample,) = loaded(dataset)
    assert sample.image.shape == (32, 64, 3) and sample.range_m.shape == (32, 64) and not dataset.scanned
    assert set(np.unique(sample.range_m)) <= set(np.unique(cassini)) and sample.range_m.max() == 900.0
    leading_slash = "/ep3_500frames/testing/rgb/002505_12_rgb1.png /ep3_500frames/testing/depth/002505_depth.npz"
    (tmp_path / "list.txt").write_text(leading_slash)
    listed = open_dataset("deep360", tmp_path, list_file=tmp_path / "list.txt")
    np.testing.assert_array_equal(loaded(listed)[0].range_m, sample.range_m)


def test_cassini_shows_every_direction_where_it_is():
    height, width = 128, 64
    # Angles of a Cassini pixel's centre, and the ray they mean: about the left axis, then to the left.
    about = (0.5 - (np.arange(height) + 0.5) / height) * 2 * np.pi
    left = (0.5 - (np.arange(width) + 0.5) / width) * np.pi
    x = np.cos(left)[None] * np.cos(about)[:, None]
    y = np.broadcast_to(np.sin(left)[None], x.shape)
    z = np.cos(left)[None] * np.sin(about)[:, None]
    e, a = elevations(64)[:, None], azimuths(128)[None]
    for cassini, expected in ((x, np.cos(e) * np.cos(a)), (y, np.cos(e) * np.sin(a)), (z, np.sin(e) + 0 * a)):
        for interpolation, error in (("nearest", 0.06), ("linear", 0.03)):
            found = cassini_to_equirectangular(np.ascontiguousarray(cassini, np.float32), interpolation)
            assert np.abs(found - expected).max() < error


def test_dap_test(tmp_path):
    truth = metres(6, 2.0, 400.0)
    pairs = (
        ("raw_data_0630/sfc_raw_images_panorama", "raw_data_0630/sfc_distance_panorama_npy", 3251),
        ("raw_data_0701/raw_images_panorama", "raw_data_0701/erp_distance_npy", 7),
    )
    for images, ranges, number in pairs:
        picture(tmp_path / images / f"panorama_{number}.png")
        (tmp_path / ranges).mkdir(parents=True)
        np.save(tmp_path / ranges / f"erp_distance_{number}.npy", truth.astype(np.float64))
    dataset = open_dataset("dap-test", tmp_path)
    assert len(dataset) == 2 and "the split needs DAP's list file" in dataset.layout and dataset.published == 1343
    for sample in loaded(dataset):
        np.testing.assert_allclose(sample.range_m, truth, rtol=1e-6)


def test_structured3d(tmp_path):
    truth = metres(7)
    for scene in (3249, 3250, 3499, 3500):
        room = tmp_path / f"scene_{scene:05d}" / "2D_rendering" / "859972" / "panorama" / "full"
        picture(room / "rgb_rawlight.png")
        png16(room / "depth.png", np.where(truth < 1, 0, truth * 1000))
    dataset = open_dataset("structured3d", tmp_path)
    assert [e.name for e in dataset.entries] == ["scene_03250/859972", "scene_03499/859972"]
    sample = loaded(dataset)[0]
    np.testing.assert_allclose(sample.range_m, np.where(truth < 1, np.nan, truth), atol=5e-4)


@pytest.mark.parametrize("kind", ["npy", "npz", "png", "dpt", pytest.param("exr", marks=needs_exr)])
def test_folder(tmp_path, kind):
    truth = metres(8)
    truth[0], truth[1] = 0.0, 9.5
    picture(tmp_path / "hall_rgb.png")
    path = tmp_path / f"hall_depth.{kind}"
    if kind == "npy":
        np.save(path, np.where(truth == 9.5, np.inf, truth))
    elif kind == "npz":
        np.savez(path, other=np.zeros(3), range_m=truth)
    elif kind == "png":
        png16(path, truth * 256)
    else:
        (exr if kind == "exr" else dpt)(path, truth)
    unit = metres_per_unit("1/256") if kind == "png" else None
    (sample,) = loaded(open_dataset("folder", tmp_path, unit_m=unit))
    assert sample.name == "hall" and np.isnan(sample.range_m[0]).all()
    expected = np.inf if kind == "npy" else 9.5
    np.testing.assert_allclose(sample.range_m[1], expected)
    np.testing.assert_allclose(sample.range_m[2:], truth[2:], atol=1 / 256 if kind == "png" else 0)
    (sky,) = loaded(open_dataset("folder", tmp_path, unit_m=unit, zero_is_far=True))
    assert np.isposinf(sky.range_m[0]).all()


def test_folder_layouts(tmp_path):
    truth = metres()
    beside, apart = tmp_path / "beside", tmp_path / "apart"
    picture(beside / "a.jpg")
    np.save(beside / "a.npy", truth)
    picture(beside / "b.png")
    np.save(beside / "b_range.npy", truth)
    picture(beside / "alone.png")
    np.save(beside / "orphan_depth.npy", truth)
    dataset = open_dataset("folder", beside)
    assert [e.name for e in dataset.entries] == ["a", "alone", "b", "orphan"]
    for name, reason in (("alone", "its range is missing"), ("orphan", "its image is missing")):
        with pytest.raises(InputError, match=f"{name}: {reason}"):
            dataset.load(next(e for e in dataset.entries if e.name == name))
    picture(apart / "rgb" / "walk" / "0001.png")
    png16(apart / "depth" / "walk" / "0001.png", truth * 1000)
    (sample,) = loaded(open_dataset("folder", apart, unit_m=0.001))
    assert sample.name == "walk/0001"
    with pytest.raises(InputError, match=r"0001.png: what is a step of this PNG\? say --unit"):
        open_dataset("folder", apart)


def test_pairs(tmp_path):
    truth = metres()
    truth[0] = 0
    picture(tmp_path / "room_0_rgb.png")
    np.savez(tmp_path / "room_0_depth.npz", range_m=truth)
    (pair,) = read_pairs(tmp_path)
    assert pair.name == "room_0" and np.isnan(pair.range_m[0]).all()
    np.testing.assert_array_equal(pair.range_m[1:], truth[1:])
    (tmp_path / "room_0_depth.npz").write_bytes(b"PK damaged")
    with pytest.raises(InputError, match=r"room_0_depth.npz: not a sound npz file"):
        list(read_pairs(tmp_path))


def damage(kind, path):
    """(what is wrong, what the line says)"""
    truth = metres()
    if kind == "truncated image":
        path.with_name("x_rgb.png").write_bytes(path.with_name("x_rgb.png").read_bytes()[:400])
    elif kind == "sizes":
        np.save(path, metres(height=8))
    elif kind == "square":
        np.save(path, truth[:, :H])
        picture(path.with_name("x_rgb.png"), H, H)
    elif kind == "millimetres":
        np.save(path, truth * 1000)
    elif kind == "normalised":
        np.save(path, truth / 9.0)
    elif kind == "empty":
        np.save(path, np.zeros_like(truth))
    elif kind == "colour":
        np.save(path, np.zeros((H, 2 * H, 3), np.float32))
    elif kind == "pickle":
        np.save(path, np.array([{}]), allow_pickle=True)
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "nothing":
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("truncated image", "x_rgb.png: corrupt PNG"),
        ("sizes", "range is 16x8, its image 32x16 .width x height.; they must agree"),
        ("square", "a panorama is twice as wide as high, got 16x16"),
        ("millimetres", "looks like millimetres: its nearest hundredth lies at 8[0-9][0-9] and .*say --unit mm"),
        ("normalised", "looks normalised, or in a larger unit than metres: nothing lies beyond"),
        ("empty", "not one pixel has a range"),
        ("colour", r"range is one number a pixel, \(H, W\), got float32 \(16, 32, 3\)"),
        ("pickle", "not a sound npy file"),
        ("truncated", "not a sound npy file"),
        ("nothing", "not a sound npy file"),
    ],
)
def test_bad_files_are_one_line(tmp_path, kind, line):
    picture(tmp_path / "x_rgb.png")
    np.save(tmp_path / "x_depth.npy", metres())
    damage(kind, tmp_path / "x_depth.npy")
    dataset = open_dataset("folder", tmp_path)
    with pytest.raises(InputError, match=line) as caught:
        dataset.load(dataset.entries[0])
    assert "\n" not in str(caught.value)


def test_a_doubtful_unit_can_be_trusted(tmp_path):
    picture(tmp_path / "x_rgb.png")
    np.save(tmp_path / "x_depth.npy", 1000 * metres())
    dataset = open_dataset("folder", tmp_path, trust_unit=True)
    assert dataset.load(dataset.entries[0]).range_m.min() > 700


@settings(max_examples=60, deadline=None)
@given(ground=st.floats(0.1, 30.0), far=st.floats(3.0, 400.0), seed=st.integers(0, 99))
def test_metres_are_never_doubted_and_millimetres_always(ground, far, seed):
    """A ground plane, a wall around, sky above: as a rover, a car or a drone sees them."""
    down = -np.sin(elevations(64))[:, None]
    with np.errstate(divide="ignore"):
        plane = np.where(down > 0, ground / down, np.inf)
    wall = far * np.random.default_rng(seed).uniform(0.5, 1.5, (64, 128))
    range_m = np.where(np.arange(64)[:, None] < 20, np.inf, np.minimum(plane, wall))
    assert doubt_about_unit(range_m) is None
    if ground > 0.2:
        assert "looks like millimetres" in doubt_about_unit(1000 * range_m)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x89PNG\r\n\x1a\n", b"v/1\x01" + b"\0" * 40]
)
@pytest.mark.parametrize("suffix", ["npy", "npz", "png", "dpt", pytest.param("exr", marks=needs_exr)])
def test_any_bytes_are_read_or_refused(tmp_path, content, suffix):
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_depth(path)
    assert "\n" not in str(caught.value) and "x." in str(caught.value)


def test_formats_that_are_not_range(tmp_path):
    cv2.imwrite(str(tmp_path / "grey8.png"), np.zeros((4, 8), np.uint8))
    cv2.imwrite(str(tmp_path / "colour16.png"), np.zeros((4, 8, 3), np.uint16))
    np.savez(tmp_path / "two.npz", first=np.zeros((4, 8)), second=np.zeros((4, 8)))
    dpt(tmp_path / "short.dpt", metres())
    (tmp_path / "short.dpt").write_bytes((tmp_path / "short.dpt").read_bytes()[:-4])
    for name, line in (
        ("grey8.png", "range is a 16-bit grey PNG, this one is 8-bit"),
        ("colour16.png", "16-bit, 3 channels"),
        ("two.npz", "which of first, second is range"),
        ("short.dpt", "32x16 pixels need 2060 bytes, not 2056"),
        ("x.tiff", "range is read from .npy, .npz, .png, .exr, .dpt, not .tiff"),
    ):
        with pytest.raises(InputError, match=line):
            read_depth(tmp_path / name)


def test_units():
    assert [metres_per_unit(u) for u in ("m", "cm", "mm", "0.001", "1/512")] == [1.0, 0.01, 0.001, 0.001, 1 / 512]
    for wrong in ("inch", "0", "-1", "1/0", "", "nan"):
        with pytest.raises(InputError, match="a unit is m, cm, mm"):
            metres_per_unit(wrong)


@pytest.mark.parametrize("name", ["stanford2d3d", "matterport3d", "deep360", "dap-test", "structured3d", "folder"])
def test_nothing_found_is_one_line(tmp_path, name):
    with pytest.raises(InputError, match=r"nothing to evaluate under .*: expected") as caught:
        open_dataset(name, tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        open_dataset(name, tmp_path / "nowhere")
    for text, line in (("", "an empty list"), ("only_one.png\n", "line 1: an image and its range are expected")):
        (tmp_path / "list.txt").write_text(text)
        with pytest.raises(InputError, match=line):
            open_dataset(name, tmp_path, list_file=tmp_path / "list.txt")
    with pytest.raises(InputError, match="no list file"):
        open_dataset(name, tmp_path, list_file=tmp_path / "gone.txt")
    if name != "folder":
        with pytest.raises(InputError, match="--zero far is for folders"):
            open_dataset(name, tmp_path, zero_is_far=True)


def test_no_such_data_set(tmp_path):
    with pytest.raises(InputError, match="no data set 'kitti': choose stanford2d3d"):
        open_dataset("kitti", tmp_path)
