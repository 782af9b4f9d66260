"""Shards, prepared sets and their labels: bytes back as they went in, and one clear line for whatever is wrong."""

import json
import pickle
import subprocess
import tarfile

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dap_core.errors import InputError
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet, Subset, shard_path, write_manifest
from training.data.range_code import FAR, UNKNOWN, decode_label, encode_label
from training.data.shards import Record, Shard, is_finished, write_shard
from training.worlds import store

HEIGHT = 16
LABELER, OTHER = "a1" * 32, "b2" * 32


def picture(seed):
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 256, (4, 8, 3), np.uint8), (2 * HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    range_m = np.exp(rng.uniform(-2, 5, (HEIGHT, 2 * HEIGHT))).astype(np.float32)
    range_m[0], range_m[1] = np.nan, np.inf
    return image, range_m


def record(seed, labelled=True):
    image, range_m = picture(seed)
    jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    about = {"name": f"place {seed}.png", "group": f"walk {seed // 3}", "domain": "indoor" if seed % 2 else "outdoor"}
    return Record({"jpg": jpeg} | ({"range.png": encode_label(range_m)} if labelled else {}), about)


@pytest.fixture
def prepared(tmp_path):
    """A set of 3 + 4 + 2 samples in three shards."""
    folder = tmp_path / "set"
    write_manifest(folder, {"name": "places", "kind": "test", "labelled": True, "height": HEIGHT, "shards": 3})
    for number, seeds in enumerate((range(3), range(3, 7), range(7, 9))):
        write_shard(shard_path(folder, number), map(record, seeds), {"left_out": []})
    return folder


@given(arrays(np.float32, (4, 8), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
@settings(max_examples=60, deadline=None)
def test_any_range_becomes_a_label(range_m):
    back = decode_label(encode_label(range_m))
    known = (range_m > 0) & (range_m <= 100)
    assert np.isnan(back[~(range_m > 0)]).all()
    assert np.isposinf(back[range_m > 100]).all()
    plain = known & (range_m > 0.0101)
    assert np.abs(back[plain] / range_m[plain] - 1).max(initial=0) < 0.75e-4
    assert not np.isposinf(back[known]).any()


def test_worlds_keep_their_code():
    assert store.encode_range.__module__ == "training.data.range_code"
    codes = store.encode_range(np.array([0.01, 1.0, 10.0, 100.0, np.inf], np.float32))
    assert codes.tolist() == [1, 32768, 49151, 65535, 0] and (FAR, UNKNOWN) == (0, 1)
    for damaged in (b"", b"no", encode_label(np.ones((2, 4), np.float32))[:-20]):
        with pytest.raises(InputError, match="my label: not a 16-bit PNG"):
            decode_label(damaged, "my label")


def test_samples_come_back(prepared):
    places = PreparedSet(prepared)
    assert len(places) == 9 and places.height == HEIGHT and places.name == "places"
    assert [places.place(i) for i in (0, 2, 3, 6, 7, 8)] == [(0, 0), (0, 2), (1, 0), (1, 3), (2, 0), (2, 1)]
    for index in (0, 4, 8):
        sample = places[index]
        image, range_m = picture(index)
        assert (sample.name, sample.group) == (f"place {index}.png", f"walk {index // 3}")
        assert sample.domain == ("indoor" if index % 2 else "outdoor")
        assert np.abs(sample.image.astype(int) - image).mean() < 8
        assert np.isnan(sample.range_m[0]).all() and np.isinf(sample.range_m[1]).all()
        near = range_m < 100
        assert np.abs(sample.range_m[near] / range_m[near] - 1).max() < 1e-4
    assert [a.name for a in places.about()] == [f"place {k}.png" for k in range(9)]
    twin = pickle.loads(pickle.dumps(places))
    assert np.array_equal(twin[5].image, places[5].image)
    for outside in (-1, 9):
        with pytest.raises(IndexError):
            places[outside]
    some = Subset(places, np.array([7, 2]))
    assert len(some) == 2 and some[0].name == "place 7.png" and some.name == "places"
    with pytest.raises(InputError, match="has 9 samples, a selection names 9"):
        Subset(places, np.array([9]))


def test_a_shard_is_a_tar_like_any_other(prepared):
    path = shard_path(prepared, 0)
    listed = subprocess.run(["tar", "tf", path], capture_output=True, text=True, check=True).stdout.split()
    assert listed == [f"{k:06d}.{suffix}" for k in range(3) for suffix in ("jpg", "range.png", "json")]
    with tarfile.open(path) as tar:
        assert tar.extractfile("000001.jpg").read() == record(1).parts["jpg"] == Shard(path).read(1, "jpg")
    before = path.read_bytes()
    write_shard(path, map(record, range(3)), {"left_out": []})
    assert path.read_bytes() == before


def test_a_killed_writer_leaves_no_shard(tmp_path):
    path = tmp_path / "shard-00000.tar"

    def dying():
        yield record(0)
        raise KeyboardInterrupt

    (tmp_path / ".shard-00000-abc.tar").write_bytes(b"left by one that was killed")
    with pytest.raises(KeyboardInterrupt):
        write_shard(path, dying(), {})
    assert list(tmp_path.iterdir()) == [] and not is_finished(path)

    def full():
        yield record(0)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"cannot write .*shard-00000\.tar: No space left on device"):
        write_shard(path, full(), {})
    assert not is_finished(path)
    write_shard(path, [record(0)], {})
    assert is_finished(path) and list(tmp_path.glob(".*")) == []


def break_shard(folder, how):
    path = shard_path(folder, 1)
    index = path.with_suffix(".json")
    if how == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "missing":
        path.unlink()
    elif how == "unfinished":
        index.unlink()
    elif how == "garbage":
        index.write_text("{")
    elif how == "format":
        index.write_text(json.dumps({**json.loads(index.read_text()), "format": 99}))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("truncated", r"shard-00001\.tar has \d+ bytes, its index says \d+"),
        ("missing", r"shard-00001\.tar is missing"),
        ("unfinished", r"shard-00001\.tar: no such shard, or an unfinished one"),
        ("garbage", r"shard-00001\.json: damaged index"),
        ("format", r"shard-00001\.json: an index of format 99, this program reads 1"),
    ],
)
def test_what_is_wrong_with_a_shard_is_one_line(prepared, how, said):
    break_shard(prepared, how)
    with pytest.raises(InputError, match=said) as error:
        PreparedSet(prepared)
    assert "\n" not in str(error.value)


def test_what_changes_later_is_noticed(prepared):
    places = PreparedSet(prepared)
    break_shard(prepared, "truncated")
    with pytest.raises(InputError, match="sample 3 is cut short"):
        places[6]
    path = shard_path(prepared, 2)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"shard-00002\.tar: its bytes have changed"):
        Shard(path).verify()
    Shard(shard_path(prepared, 0)).verify()


def test_manifests(tmp_path, prepared):
    with pytest.raises(InputError, match="is not a prepared data set"):
        PreparedSet(tmp_path)
    with pytest.raises(InputError, match="was begun with height = 16, now it is 32"):
        write_manifest(prepared, {"name": "places", "kind": "test", "labelled": True, "height": 32, "shards": 3})
    (prepared / "set.json").write_text("[]")
    with pytest.raises(InputError, match=r"set\.json: not a manifest"):
        PreparedSet(prepared)


def constant(value, count):
    return [np.full((HEIGHT, 2 * HEIGHT), value, np.float32) for _ in range(count)]


def test_labels_in_shards_of_their_own(prepared):
    places = PreparedSet(prepared)
    labels = LabelledSet(places, LABELER)
    assert labels.missing() == [0, 1, 2] and labels.folder == prepared / "labels" / LABELER[:16]
    with pytest.raises(InputError, match=r"labels-00000\.tar: no such shard"):
        labels[0]
    labels.write(1, constant(5.0, 4), [0.1, 0.2, 0.3, 0.4])
    assert labels.missing() == [0, 2]
    labels.write(0, constant(4.0, 3))
    labels.write(2, constant(np.inf, 2))
    assert labels.missing() == [] and len(labels) == 9
    labels.check()
    sample = labels[5]
    assert sample.name == "place 5.png" and np.allclose(sample.range_m, 5.0, rtol=1e-4)
    assert np.array_equal(sample.image, places[5].image) and np.isinf(labels[8].range_m).all()
    scores = labels.scores()
    assert scores[3:7].tolist() == [0.1, 0.2, 0.3, 0.4] and np.isnan(scores[[0, 8]]).all()
    before = labels.path(1).read_bytes()
    labels.write(1, constant(5.0, 4), [0.1, 0.2, 0.3, 0.4])
    assert labels.path(1).read_bytes() == before
    assert np.allclose(pickle.loads(pickle.dumps(labels))[5].range_m, 5.0, rtol=1e-4)


def test_labels_that_do_not_fit_are_refused(prepared):
    places = PreparedSet(prepared)
    labels = LabelledSet(places, LABELER)
    for count, said in ((3, "got fewer"), (5, "got more")):
        with pytest.raises(InputError, match=f"4 labels are wanted, {said}"):
            labels.write(1, constant(5.0, count))
    assert labels.missing() == [0, 1, 2]
    for number, count in enumerate((3, 4, 2)):
        labels.write(number, constant(5.0, count))
    # Another labeler's shard in this one's place.
    other = LabelledSet(places, OTHER)
    other.write(1, constant(6.0, 4))
    for suffix in (".tar", ".json"):
        labels.path(1).with_suffix(suffix).write_bytes(other.path(1).with_suffix(suffix).read_bytes())
    again = LabelledSet(places, LABELER)
    assert again.missing() == [1]
    with pytest.raises(InputError, match=r"labels-00001\.tar was labelled by b2b2\w+, asked for a1a1"):
        again[3]
    assert np.allclose(again[0].range_m, 5.0, rtol=1e-4)
    # The pictures were prepared anew, and are others.
    write_shard(shard_path(prepared, 0), map(record, (20, 21, 22)), {"left_out": []})
    anew = LabelledSet(PreparedSet(prepared), LABELER)
    assert anew.missing() == [0, 1]
    with pytest.raises(InputError, match=r"labels-00000\.tar labels other images than .*shard-00000\.tar"):
        anew.check()
    labels.path(2).write_bytes(labels.path(2).read_bytes()[:-1])
    with pytest.raises(InputError, match=r"labels-00002\.tar has \d+ bytes"):
        LabelledSet(PreparedSet(prepared), LABELER)[8]
    with pytest.raises(InputError, match="known by its sha256"):
        LabelledSet(places, "stage1.ckpt")
