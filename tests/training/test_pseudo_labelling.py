"""Labelling: the same bytes however the shards were dealt and whenever a run was killed; one line for what is wrong."""

import json
import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from pseudo_sets import HEIGHT, make_labeler, make_set

from dap_core.errors import InputError
from dap_core.model import load_checkpoint
from training.data import shards as shard_files
from training.data.batches import to_network
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256
from training.pseudo.discriminator import (
    DiscriminatorConfig,
    PatchDiscriminator,
    load_discriminator,
    save_discriminator,
)
from training.pseudo.labelling import label_set
from training.pseudo.selection import SelectionConfig, select

SHARDS = (3, 4, 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set without ground truth, a labeler and a discriminator."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(5)
    discriminator = PatchDiscriminator(DiscriminatorConfig(layers=2, channels=4))
    save_discriminator(discriminator, folder / "discriminator.safetensors")
    make_set(folder / "set", "places", SHARDS, labelled=False)
    return folder / "set", make_labeler(folder / "a.safetensors"), folder / "discriminator.safetensors"


@pytest.fixture(scope="module")
def straight(made, tmp_path_factory):
    """The same set labelled and scored by one process."""
    folder = tmp_path_factory.mktemp("straight")
    images, labeler, discriminator = made
    return label_set(PreparedSet(images), labeler, folder, discriminator, batch=2)


def contents(labels):
    return [
        path.read_bytes() for k in range(len(SHARDS)) for path in (labels.path(k), labels.path(k).with_suffix(".json"))
    ]


def test_labels_are_what_the_model_says(made, straight):
    _, labeler, discriminator = made
    model, judge = load_checkpoint(labeler), load_discriminator(discriminator)
    scores = straight.scores()
    for index in (0, 4, 8):
        picture = torch.from_numpy(straight.images[index].image)[None]
        x, _ = to_network(picture, torch.ones(1, HEIGHT, 2 * HEIGHT), 100.0)
        with torch.no_grad():
            depth, far = model(x)
        label = straight[index].range_m
        near = np.isfinite(label)
        assert np.array_equal(near, (far[0] <= 0.5).numpy())
        assert np.abs(label[near] / (100.0 * depth[0].numpy()[near]) - 1).max() < 1e-3
        with torch.no_grad():
            assert float(judge.score(torch.from_numpy(label)[None])) == pytest.approx(scores[index], abs=1e-5)
    assert len(set(scores.tolist())) == 9
    assert straight.scored_by() == file_sha256(discriminator) and straight.labeler == file_sha256(labeler)


def test_one_worker_and_three(made, straight, tmp_path):
    images, labeler, discriminator = made
    prepared, said = PreparedSet(images), []

    def rank(k):
        return label_set(
            prepared, labeler, tmp_path, discriminator, k, 3, 2, progress=lambda *told: said.append((k, *told))
        )

    assert rank(2) is None and rank(0) is None
    with pytest.raises(InputError, match=r"labels-00001\.tar: no such shard"):
        select([LabelledSet(prepared, straight.labeler, tmp_path)], SelectionConfig())
    labels = rank(1)
    assert contents(labels) == contents(straight)
    assert [told for told in said if told[0] == 1] == [(1, "labels of places", k, 4) for k in range(5)]
    for number, labelled in enumerate((labels, straight)):
        select([labelled], SelectionConfig(indoor=0.5, outdoor=3, per_group=2)).write(tmp_path / f"{number}.json")
    assert (tmp_path / "0.json").read_bytes() == (tmp_path / "1.json").read_bytes()


def die_at(images, labeler, folder, discriminator, sample):
    """In a process of its own: label, and be killed at a sample."""

    def progress(what, done, total):
        if done == sample:
            os.kill(os.getpid(), signal.SIGKILL)

    label_set(PreparedSet(images), labeler, folder, discriminator, batch=2, progress=progress)


def test_killed_and_restarted_gives_the_same_bytes(made, straight, tmp_path):
    images, labeler, discriminator = made
    process = multiprocessing.get_context("spawn").Process(
        target=die_at, args=(images, labeler, tmp_path, discriminator, 5)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    labels = LabelledSet(PreparedSet(images), straight.labeler, tmp_path, file_sha256(discriminator))
    assert labels.missing() == [1, 2] and len(list(labels.folder.glob(".labels-*"))) == 1
    first = labels.path(0).stat().st_mtime_ns
    done = label_set(PreparedSet(images), labeler, tmp_path, discriminator, batch=2)
    assert contents(done) == contents(straight) and done.path(0).stat().st_mtime_ns == first
    assert not list(labels.folder.glob(".*"))


def test_labels_that_are_there_are_scored_not_computed(made, straight, tmp_path, monkeypatch):
    images, labeler, discriminator = made
    plain = label_set(PreparedSet(images), labeler, tmp_path, batch=2)
    assert np.isnan(plain.scores()).all()
    with pytest.raises(InputError, match="these labels have no scores"):
        plain.scored_by()
    monkeypatch.setattr("training.pseudo.labelling.Labeler", None)
    scored = label_set(PreparedSet(images), labeler, tmp_path, discriminator, batch=2)
    assert contents(scored) == contents(straight)
    # Asked for without scores, what is scored is done.
    before = scored.path(0).stat().st_mtime_ns
    assert label_set(PreparedSet(images), labeler, tmp_path, batch=2).path(0).stat().st_mtime_ns == before


def break_labels(labels, how):
    path = labels.path(1)
    index = path.with_suffix(".json")
    data = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(data[:-700])
    elif how == "missing":
        path.unlink()
    elif how == "unfinished":
        index.unlink()
    elif how == "changed":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    elif how == "another labeler":
        index.write_text(json.dumps({**json.loads(index.read_text()), "labeler": "b" * 64}))
    elif how == "another discriminator":
        index.write_text(json.dumps({**json.loads(index.read_text()), "discriminator": "c" * 64}))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("truncated", r"labels-00001\.tar has \d+ bytes, its index says"),
        ("missing", r"labels-00001\.tar is missing"),
        ("unfinished", r"labels-00001\.tar: no such shard, or an unfinished one"),
        ("another labeler", r"labels-00001\.tar was labelled by bbbb\w+, asked for"),
        ("another discriminator", r"not all their scores from one discriminator"),
        ("changed", None),
    ],
)
def test_what_is_wrong_is_said_by_the_reader_and_mended_by_the_labeler(made, straight, tmp_path, how, said):
    images, labeler, discriminator = made
    broken = label_set(PreparedSet(images), labeler, tmp_path, discriminator, batch=2)
    break_labels(broken, how)
    anew = LabelledSet(PreparedSet(images), straight.labeler, tmp_path)
    if said is not None:
        with pytest.raises(InputError, match=said) as error:
            select([anew], SelectionConfig())
        assert "\n" not in str(error.value)
    kept = broken.path(2).stat().st_mtime_ns
    mended = label_set(PreparedSet(images), labeler, tmp_path, discriminator, batch=2)
    assert contents(mended) == contents(straight) and mended.path(2).stat().st_mtime_ns == kept


def test_a_full_disk(made, straight, tmp_path, monkeypatch):
    images, labeler, discriminator = made
    whole = shard_files.tarfile.TarFile.addfile
    written = []

    def addfile(self, member, data=None):
        if len(written) == 9:  # 3 samples of 2 parts in the first shard, then the second's
            raise OSError(28, "No space left on device")
        written.append(member.name)
        whole(self, member, data)

    monkeypatch.setattr(shard_files.tarfile.TarFile, "addfile", addfile)
    with pytest.raises(InputError, match=r"cannot write .*labels-00001\.tar: No space left on device$"):
        label_set(PreparedSet(images), labeler, tmp_path, discriminator, batch=2)
    monkeypatch.undo()
    labels = LabelledSet(PreparedSet(images), straight.labeler, tmp_path)
    assert labels.missing() == [1, 2] and not list(labels.folder.glob(".*"))
    assert contents(label_set(PreparedSet(images), labeler, tmp_path, discriminator, batch=2)) == contents(straight)


def test_what_cannot_be_labelled(made, tmp_path):
    images, labeler, _ = made
    prepared = PreparedSet(images)
    with pytest.raises(InputError, match="ranks of 3 processes are 0 to 2, got 3"):
        label_set(prepared, labeler, tmp_path, rank=3, world=3)
    with pytest.raises(InputError, match="at least 1 panorama, got 0"):
        label_set(prepared, labeler, tmp_path, batch=0)
    for wrong in ({"labeler": tmp_path / "none"}, {"labeler": labeler, "discriminator": tmp_path / "none"}):
        with pytest.raises(InputError, match=r"no checkpoint .*none"):
            label_set(prepared, folder=tmp_path, **wrong)
    with pytest.raises(InputError, match="is not a discriminator: its metadata"):
        label_set(prepared, labeler, tmp_path, labeler)
    # A picture of the set that is lost in the middle: the shards before it are kept.
    damaged = make_set(tmp_path / "set", "damaged", SHARDS, labelled=False)
    tar = damaged.shards[1].path
    tar.write_bytes(tar.read_bytes().replace(b"\xff\xd8\xff\xe0", b"\x00\x00\x00\x00"))
    with pytest.raises(InputError, match=r"shard-00001\.tar: place 3: not an image"):
        label_set(damaged, labeler, tmp_path / "labels")
    assert LabelledSet(damaged, file_sha256(labeler), tmp_path / "labels").missing() == [1, 2]
