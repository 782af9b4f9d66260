"""Readers, on small fixtures in each data set's own format, and the projections and depth files that they need."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.io.images import write_image
from dap_core.panorama import rays
from training.data.cassini import cassini_to_erp
from training.data.depth_images import read_depth
from training.data.resize import resized_range
from training.data.sets.deep360 import Deep360
from training.data.sets.pair_list import PairList
from training.data.sets.structured3d import Structured3D
from training.data.sets.unlabelled import Unlabelled

HEIGHT = 32


def scene(ray):
    """A picture and a range that are smooth over the sphere, and not the same anywhere twice."""
    x, y, z = np.moveaxis(ray, -1, 0)
    colour = np.stack([0.5 + 0.45 * x, 0.5 + 0.45 * y, 0.5 + 0.45 * z], -1)
    return np.rint(255 * colour).astype(np.uint8), (5.0 + 2.0 * x - 1.5 * y + z).astype(np.float32)


def cassini_rays(width):
    """Rays of a Cassini image (2 width, width, 3), from its definition."""
    left = (0.5 - (np.arange(width) + 0.5) / width) * np.pi
    turn = (0.5 - (np.arange(2 * width) + 0.5) / (2 * width)) * 2 * np.pi
    cos = np.cos(left)[None]
    return np.stack(
        [cos * np.cos(turn)[:, None], np.broadcast_to(np.sin(left), (2 * width, width)), cos * np.sin(turn)[:, None]],
        -1,
    )


@pytest.mark.parametrize("height", [HEIGHT, 2 * HEIGHT])
def test_cassini(height):
    image, range_m = scene(cassini_rays(64))
    expected, expected_range = scene(rays(height))
    assert np.abs(cassini_to_erp(image, height).astype(int) - expected).max() <= 2
    assert np.abs(cassini_to_erp(range_m, height) - expected_range).max() < 0.02
    nearest = cassini_to_erp(range_m, height, nearest=True)
    assert np.isin(nearest, range_m).all() and np.abs(nearest - expected_range).max() < 0.15
    # Straight ahead, to the left and up, by name: the middle, the middle of the first column, a quarter down.
    marked = np.zeros((64, 32), np.uint8)
    marked[31:33, 15:17] = 255
    marked[15:17, 15:17] = 128
    erp = cassini_to_erp(marked, HEIGHT)
    assert (erp[15:17, 31:33] == 255).all() and (erp[0] == 128).all()
    with pytest.raises(InputError, match="twice as high as wide, got 64x32"):
        cassini_to_erp(marked.T, HEIGHT)


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_ranges_are_never_mixed(source, target):
    range_m = np.random.default_rng(source).permutation(2 * source * source).reshape(source, 2 * source)
    small = resized_range(range_m.astype(np.float32), target)
    assert small.shape == (target, 2 * target) and np.isin(small, range_m).all()
    if source % target == 0:  # the pixel in the middle of each block, or one beside it
        step = source // target
        assert np.isin(small, range_m[step // 2 :: step, step // 2 :: step]).all() or step % 2 == 0


def test_depth_files(tmp_path):
    metres = np.array([[1.5, 0.0, np.nan, 200.0]], np.float32)
    np.save(tmp_path / "a.npy", metres)
    np.savez(tmp_path / "b.npz", metres)
    np.savez(tmp_path / "c.npz", other=metres[..., None].astype(np.float64))
    cv2.imwrite(str(tmp_path / "d.png"), np.array([[1500, 0, 0, 65535]], np.uint16))
    for name in ("a.npy", "b.npz", "c.npz"):
        assert np.array_equal(read_depth(tmp_path / name), [[1.5, np.nan, np.nan, 200.0]], equal_nan=True), name
    assert np.array_equal(read_depth(tmp_path / "d.png"), np.float32([[1.5, np.nan, np.nan, 65.535]]), equal_nan=True)
    assert read_depth(tmp_path / "d.png", 512.0)[0, 0] == np.float32(1500 / 512)
    (tmp_path / "e.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-4])
    (tmp_path / "f.npz").write_bytes((tmp_path / "b.npz").read_bytes()[:60])
    np.savez(tmp_path / "g.npz", x=metres, y=metres)
    np.save(tmp_path / "h.npy", np.array(["depth"]))
    np.save(tmp_path / "o.npy", np.array([None]), allow_pickle=True)
    cv2.imwrite(str(tmp_path / "i.png"), np.zeros((2, 4), np.uint8))
    (tmp_path / "j.png").write_bytes(b"")
    (tmp_path / "k.exr").write_bytes(b"exr")
    for name, said in (
        ("e.npy", "not a NumPy array"),
        ("f.npz", "not a NumPy array"),
        ("g.npz", "holds x, y; one array, or arr_0, is wanted"),
        ("h.npy", "a 2-D array of numbers"),
        ("o.npy", "not a NumPy array"),
        ("i.png", "one channel of 16 bits, got uint8"),
        ("j.png", "not a PNG"),
        ("k.exr", r"read from \.png, \.npy and \.npz"),
        ("z.npy", "no depth file"),
    ):
        with pytest.raises(InputError, match=said):
            read_depth(tmp_path / name)


@pytest.fixture
def structured(tmp_path):
    """Three scenes of Structured3D: two rooms of the training split, one of the test split."""
    image, range_m = scene(rays(2 * HEIGHT))
    millimetres = np.rint(1000 * range_m).astype(np.uint16)
    millimetres[:3] = 0
    for name, room in (("scene_00012", "455"), ("scene_00012", "9"), ("scene_03251", "7")):
        folder = tmp_path / name / "2D_rendering" / room / "panorama" / "full"
        folder.mkdir(parents=True)
        write_image(folder / "rgb_rawlight.png", image)
        cv2.imwrite(str(folder / "depth.png"), millimetres)
        (folder.parent / "camera_xyz.txt").write_text("1 2 3\n")
    return tmp_path


def test_structured3d(structured):
    reader = Structured3D(structured)
    assert list(reader.sources()) == ["scene_00012/455", "scene_00012/9"]
    (sample,) = reader.read("scene_00012/455", HEIGHT)
    image, range_m = scene(rays(HEIGHT))
    assert (sample.group, sample.domain) == ("scene_00012", "indoor")
    assert np.abs(sample.image.astype(int) - image).max() <= 2
    assert np.isnan(sample.range_m[0]).all() and np.abs(sample.range_m[3:] - range_m[3:]).max() < 0.2
    assert list(Structured3D(structured, split="test").sources()) == ["scene_03251/7"]
    assert len(Structured3D(structured, split="all").sources()) == 3
    (structured / "errata.txt").write_text("# invalid\nscene_03251\nscene_00012_room_9\n")
    assert list(Structured3D(structured, "all", exclude=structured / "errata.txt").sources()) == ["scene_00012/455"]
    with pytest.raises(InputError, match="no full panoramas of the validation split"):
        Structured3D(structured, "validation").sources()
    with pytest.raises(InputError, match="light of Structured3D is one of raw, cold, warm, got 'dim'"):
        Structured3D(structured, light="dim")
    with pytest.raises(InputError, match=r"no image .*rgb_coldlight\.png"):
        list(Structured3D(structured, light="cold").read("scene_00012/9", HEIGHT))


def test_lists_of_dap_2m(tmp_path):
    image, range_m = scene(rays(2 * HEIGHT))
    range_m[:10] = 1e4
    for folder in ("raw_data_0701/raw_images_panorama", "raw_data_0701/erp_distance_npy"):
        (tmp_path / folder).mkdir(parents=True)
    lines = []
    for number in (7, 12):
        pair = (
            f"raw_data_0701/raw_images_panorama/panorama_{number}.png",
            f"raw_data_0701/erp_distance_npy/erp_distance_{number}.npy",
        )
        write_image(tmp_path / pair[0], image)
        np.save(tmp_path / pair[1], range_m.astype(np.float64))
        lines.append(" ".join(pair))
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n\n")
    reader = PairList(tmp_path, tmp_path / "list.txt")
    first, second = reader.sources()
    assert first.endswith("panorama_7.png") and second.endswith("panorama_12.png")
    (sample,) = reader.read(second, HEIGHT)
    assert (sample.group, sample.domain) == ("raw_data_0701/raw_images_panorama", "outdoor")
    assert (sample.range_m[0] == 1e4).all() and np.abs(sample.range_m[16:] - scene(rays(HEIGHT))[1][16:]).max() < 0.2
    for text, said in (
        ("a.png\n", "line 1: an image and its depth are wanted, got 1"),
        ("a.png b.npy\n/a.png c.npy\n", r"line 2: a\.png is listed twice"),
        ("\n", "an empty list"),
    ):
        (tmp_path / "bad.txt").write_text(text)
        with pytest.raises(InputError, match=said):
            PairList(tmp_path, tmp_path / "bad.txt").sources()
    with pytest.raises(InputError, match="cannot read the list"):
        PairList(tmp_path, tmp_path / "none.txt").sources()


def test_deep360(tmp_path):
    image, range_m = scene(cassini_rays(2 * HEIGHT))
    split = tmp_path / "ep2_500frames" / "training"
    for folder in ("rgb", "depth"):
        (split / folder).mkdir(parents=True)
    for pair in ("12_rgb1", "12_rgb2", "34_rgb3"):
        write_image(split / "rgb" / f"002505_{pair}.png", image)
    np.savez_compressed(split / "depth" / "002505_depth.npz", range_m)
    reader = Deep360(tmp_path)
    assert list(reader.sources()) == ["ep2_500frames/training/rgb/002505_12_rgb1.png"]
    (sample,) = reader.read(reader.sources()[0], HEIGHT)
    expected, expected_range = scene(rays(HEIGHT))
    assert (sample.group, sample.domain) == ("ep2_500frames", "outdoor")
    assert np.abs(sample.image.astype(int) - expected).max() <= 3
    assert np.abs(sample.range_m - expected_range).max() < 0.15
    # The reference's list names the same files, with a slash before them.
    (tmp_path / "deep360.txt").write_text(
        "/ep2_500frames/training/rgb/002505_12_rgb1.png /ep2_500frames/training/depth/002505_depth.npz\n"
    )
    listed = PairList(tmp_path, tmp_path / "deep360.txt", cassini=True)
    (same,) = listed.read(listed.sources()[0], HEIGHT)
    assert np.array_equal(same.image, sample.image) and np.array_equal(same.range_m, sample.range_m)
    with pytest.raises(InputError, match="training, validation, testing, got 'test'"):
        Deep360(tmp_path, "test")
    with pytest.raises(InputError, match=r"no ep\*/testing/rgb/"):
        Deep360(tmp_path, "testing").sources()


def classify(image):
    return "outdoor" if image[:4].mean() > 128 else "indoor"


@pytest.fixture
def unlabelled(tmp_path):
    """A folder with a picture, a video of 5 s at 10 frames a second whose brightness is the time, and other files."""
    root = tmp_path / "pictures"
    (root / "walks").mkdir(parents=True)
    write_image(root / "room.png", scene(rays(HEIGHT))[0])
    video = cv2.VideoWriter(str(root / "walks" / "a.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (128, 64))
    for number in range(50):
        video.write(np.full((64, 128, 3), 4 * number, np.uint8))
    video.release()
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"")
    return root


def test_unlabelled_pictures_and_videos(unlabelled, tmp_path):
    reader = Unlabelled(unlabelled, every_s=1.5)
    assert list(reader.sources()) == ["room.png", "walks/a.mp4"]
    (picture,) = reader.read("room.png", HEIGHT)
    assert picture.range_m is None and (picture.group, picture.domain) == (".", "unknown")
    frames = list(reader.read("walks/a.mp4", HEIGHT))
    assert [f.name for f in frames] == [f"walks/a.mp4@{t}s" for t in (0.0, 1.5, 3.0, 4.5)]
    assert [round(f.image.mean() / 40, 1) for f in frames] == pytest.approx([0.0, 1.5, 3.0, 4.5], abs=0.15)
    assert {f.group for f in frames} == {"walks/a.mp4"} and frames[0].image.shape == (HEIGHT, 2 * HEIGHT, 3)
    assert len(list(Unlabelled(unlabelled, 1.5, per_video=2).read("walks/a.mp4", HEIGHT))) == 2

    (tmp_path / "domains.csv").write_text("walks/,outdoor\n")
    listed = Unlabelled(unlabelled, domains=tmp_path / "domains.csv", classifier=f"{__name__}:classify")
    assert next(iter(listed.read("walks/a.mp4", HEIGHT))).domain == "outdoor"
    assert next(iter(listed.read("room.png", HEIGHT))).domain == classify(picture.image)


def test_unlabelled_complaints(unlabelled, tmp_path):
    (unlabelled / "bad.mp4").write_bytes(b"not a video")
    with pytest.raises(InputError, match=r"bad\.mp4: not a video"):
        list(Unlabelled(unlabelled).read("bad.mp4", HEIGHT))
    (tmp_path / "bad.csv").write_text("room.png,inside\n")
    with pytest.raises(InputError, match=r"bad\.csv, line 1: `path,indoor`"):
        Unlabelled(unlabelled, domains=tmp_path / "bad.csv").sources()
    with pytest.raises(InputError, match=r"no classifier 'nowhere:f' \(.*; name it package\.module:function"):
        Unlabelled(unlabelled, classifier="nowhere:f").sources()
    with pytest.raises(InputError, match=r"must answer indoor, outdoor, unknown, got 'FUNCTION'"):
        list(Unlabelled(unlabelled, classifier=f"{__name__}:shout").read("room.png", HEIGHT))
    with pytest.raises(InputError, match="no pictures or videos in"):
        Unlabelled(tmp_path / "pictures" / "empty").sources()
    with pytest.raises(InputError, match="a frame each N > 0 seconds"):
        Unlabelled(unlabelled, every_s=0.0)


def shout(image):
    return "FUNCTION"
