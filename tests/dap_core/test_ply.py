import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dap_core.errors import InputError
from dap_core.io.ply import read_ply, write_ply

XYZ = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
RGB = np.random.default_rng(1).integers(0, 256, (7, 3), dtype=np.uint8)


@pytest.mark.parametrize("colours", [None, RGB])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_round_trip_is_exact(colours, count, tmp_path):
    colours = None if colours is None else colours[:count]
    write_ply(tmp_path / "a.ply", XYZ[:count], colours)
    xyz, rgb = read_ply(tmp_path / "a.ply")
    np.testing.assert_array_equal(xyz, XYZ[:count])
    assert (rgb is None) == (colours is None)
    if colours is not None:
        np.testing.assert_array_equal(rgb, colours)


def test_bytes_are_those_of_the_format(tmp_path):
    write_ply(tmp_path / "a.ply", np.array([[1.0, -2.0, 0.5]]), np.array([[1, 2, 255]], np.uint8))
    head, _, body = (tmp_path / "a.ply").read_bytes().partition(b"end_header\n")
    assert head.splitlines()[:2] == [b"ply", b"format binary_little_endian 1.0"]
    assert head.splitlines()[-7:] == [
        b"element vertex 1",
        b"property float x",
        b"property float y",
        b"property float z",
        b"property uchar red",
        b"property uchar green",
        b"property uchar blue",
    ]
    assert body == np.array([1.0, -2.0, 0.5], "<f4").tobytes() + b"\x01\x02\xff"


def test_wrong_arrays(tmp_path):
    for xyz, rgb in ((XYZ[:, :2], None), (XYZ, RGB[:3]), (XYZ, RGB.astype(float))):
        with pytest.raises(InputError):
            write_ply(tmp_path / "a.ply", xyz, rgb)
    assert list(tmp_path.iterdir()) == []


def test_wrong_files(tmp_path):
    path = tmp_path / "a.ply"
    with pytest.raises(InputError, match="cannot read"):
        read_ply(path)
    write_ply(path, XYZ, RGB)
    whole = path.read_bytes()
    for data in (b"", b"ply\n", whole[:-1], whole + b"x", whole.replace(b"vertex 7", b"vertex -7")):
        path.write_bytes(data)
        with pytest.raises(InputError) as error:
            read_ply(path)
        assert "\n" not in str(error.value)


@given(st.binary(max_size=300))
def test_noise_is_an_input_error(tmp_path_factory, noise):
    path = tmp_path_factory.getbasetemp() / "noise.ply"
    path.write_bytes(b"ply\n" + noise)
    with pytest.raises(InputError):
        read_ply(path)
