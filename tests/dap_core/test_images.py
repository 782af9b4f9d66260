import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from dap_core.io.images import decode_image, find_images, read_image, write_image

RGB = np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_lossless_round_trip(suffix, tmp_path):
    write_image(tmp_path / f"a{suffix}", RGB)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), RGB)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_channels_are_rgb(suffix, tmp_path):
    red = np.zeros((16, 32, 3), np.uint8)
    red[..., 0] = 250
    write_image(tmp_path / f"a{suffix}", red)
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - red).max() < 12


def encode(array, suffix=".png", *options):
    return cv2.imencode(suffix, array, list(options))[1].tobytes()


def test_sixteen_bits_grey_and_alpha():
    grey = np.arange(0, 65536, 257, dtype=np.uint16)[:128].reshape(8, 16)
    np.testing.assert_array_equal(
        decode_image(encode(grey)), np.repeat((grey // 257).astype(np.uint8)[..., None], 3, 2)
    )
    bgra = np.dstack([RGB[..., ::-1], np.zeros((16, 32), np.uint8)])
    np.testing.assert_array_equal(decode_image(encode(bgra)), RGB)
    deep = RGB[..., ::-1].astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_image(encode(deep)), RGB)


def jpeg_with_thumbnail():
    """A JPEG whose application segment holds a whole smaller JPEG, as cameras write them."""
    whole, thumbnail = encode(RGB, ".jpg"), encode(RGB[::4, ::4], ".jpg")
    return whole[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + whole[2:]


@pytest.mark.parametrize(
    "data",
    [
        encode(RGB, ".jpg"),
        encode(RGB, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encode(RGB, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
        jpeg_with_thumbnail(),
        encode(RGB, ".png"),
    ],
    ids=["jpeg", "progressive", "restarts", "thumbnail", "png"],
)
def test_an_image_that_is_cut_short_is_an_error(data):
    assert decode_image(data).shape == (16, 32, 3)
    assert decode_image(data + b"\x00" * 20).shape == (16, 32, 3)
    for end in (len(data) - 12, len(data) // 2, 30, 1):
        with pytest.raises(InputError, match=r"cut short|decoded|corrupt"):
            decode_image(data[:end])


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xda", b"\x89PNG\r\n\x1a\n", b"BM"]))
def test_noise_is_an_input_error_of_one_line(noise, start):
    try:
        decode_image(start + noise, "x")
    except InputError as error:
        assert str(error).startswith("x: ") and "\n" not in str(error)


def test_wrong_files(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not an image")
    cv2.imwrite(str(tmp_path / "float.tiff"), np.ones((8, 16, 3), np.float32))
    for name, message in (
        ("missing.png", "no image"),
        ("empty.png", "empty"),
        ("text.png", "not an image"),
        ("float.tiff", "float32"),
        ("", "cannot read"),
    ):
        with pytest.raises(InputError, match=message):
            read_image(tmp_path / name)


def test_find_images(tmp_path):
    for name in ("b.jpg", "a.PNG", "notes.txt", "a_range.png", "a_range.npy", "c_range.png", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    names = [p.name for p in find_images([tmp_path / "notes.txt", tmp_path])]
    # A file that is named is taken as it is; of a folder, the images that are not results.
    assert names == ["notes.txt", "a.PNG", "b.jpg", "c_range.png"]
    with pytest.raises(InputError, match="no images in"):
        find_images([tmp_path / "inner"])
    with pytest.raises(InputError, match="no image or folder"):
        find_images([tmp_path / "gone"])


def test_written_beside_leaves_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_beside(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with written_beside(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(InputError, match="cannot write"), written_beside(tmp_path / "no" / "a.txt"):
        pass
