import numpy as np
import pytest

from dap_core.errors import InputError
from dap_core.io.depth_files import read_range, write_range

RANGE = np.array([[1.5, np.inf, np.nan, 0.01]] * 2, np.float32)


def test_round_trip_is_exact(tmp_path):
    write_range(tmp_path / "a.npy", RANGE)
    back = read_range(tmp_path / "a.npy")
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, RANGE)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), RANGE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (RANGE.astype(np.float64), "float32, got float64"),
        (RANGE[0], "float32"),
        (RANGE[:, :3], "3x2"),
        (RANGE - 1.0, "positive metres"),
        (np.zeros_like(RANGE), "positive metres"),
    ],
)
def test_the_contract_is_checked_both_ways(array, message, tmp_path):
    with pytest.raises(InputError, match=message):
        write_range(tmp_path / "a.npy", array)
    assert list(tmp_path.iterdir()) == []
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        read_range(tmp_path / "a.npy")


def test_wrong_files(tmp_path):
    with pytest.raises(InputError, match="no range file"):
        read_range(tmp_path / "a.npy")
    np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "two.npz", a=RANGE, b=RANGE)
    (tmp_path / "text.npy").write_text("1 2 3")
    write_range(tmp_path / "cut.npy", RANGE)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-5])
    for name in ("object.npy", "two.npz", "text.npy", "cut.npy"):
        with pytest.raises(InputError, match=r"not a \.npy file") as error:
            read_range(tmp_path / name)
        assert "\n" not in str(error.value)
