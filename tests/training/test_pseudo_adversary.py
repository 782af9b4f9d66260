"""Fitting the discriminator: it learns to tell, and a run that was killed gives the same bytes."""

import json
import multiprocessing
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from pseudo_sets import make_labeler, make_set

from dap_core.errors import InputError
from training.data.prepared import PreparedSet
from training.pseudo.acceptance import label_error
from training.pseudo.adversary import fit_discriminator
from training.pseudo.discriminator import DiscriminatorConfig, PatchDiscriminator, load_discriminator
from training.pseudo.labeler import Labeler

CONFIG = DiscriminatorConfig(
    layers=2, channels=8, steps=30, batch=4, learning_rate=2e-3, workers=0, checkpoint_every=10, log_every=5
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set of rooms and two untrained labelers."""
    folder = tmp_path_factory.mktemp("adversary")
    make_set(folder / "set", "rooms", (6, 6))
    return folder / "set", [make_labeler(folder / f"step-{k}.safetensors", k) for k in range(2)]


@pytest.fixture(scope="module")
def straight(made, tmp_path_factory):
    """The folder of a run that nothing disturbed, and what it told of its progress."""
    images, ladder = made
    folder, told = tmp_path_factory.mktemp("straight"), []
    path = fit_discriminator([PreparedSet(images)], ladder, CONFIG, folder, progress=lambda *args: told.append(args))
    assert path == folder / "discriminator.safetensors"
    return folder, told


def test_it_tells_how_wrong_a_labeler_is(made, straight):
    _, ladder = made
    folder, told = straight
    assert told == [("discriminator", step, 30) for step in range(31)]
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 15, 20, 25, 30]
    assert all(-1.0 <= line["ranks"] <= 1.0 and line["loss"] > 0.0 for line in lines)
    judge, labeler = load_discriminator(folder / "discriminator.safetensors"), Labeler(ladder[0])
    unseen = make_set(folder / "unseen", "unseen", (6,), seed=9)
    samples = [unseen[k] for k in range(6)]
    labels = labeler(torch.from_numpy(np.stack([s.image for s in samples])))
    with torch.no_grad():
        expected = -judge.score(labels).numpy()
    true = np.array([label_error(label, s.range_m) for label, s in zip(labels.numpy(), samples, strict=True)])
    untrained = -PatchDiscriminator(CONFIG).eval().score(labels).detach().numpy()
    found, before = (np.abs(np.log(e / true)).mean() for e in (expected, untrained))
    assert found < 0.6 and found < 0.8 * before


def die_at(images, ladder, folder, config, last):
    """In a process of its own: train, and be killed after a step."""

    def progress(what, done, total):
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    fit_discriminator([PreparedSet(images)], ladder, config, folder, progress=progress)


def test_killed_and_resumed_gives_the_same_bytes(made, straight, tmp_path):
    images, ladder = made
    process = multiprocessing.get_context("spawn").Process(target=die_at, args=(images, ladder, tmp_path, CONFIG, 17))
    process.start()
    process.join(100)
    assert process.exitcode == -signal.SIGKILL and not (tmp_path / "discriminator.safetensors").exists()
    told = []
    config = replace(CONFIG, checkpoint_every=7, log_every=5)
    path = fit_discriminator(
        [PreparedSet(images)], ladder, config, tmp_path, progress=lambda *args: told.append(args[1])
    )
    assert told[0] == 10
    assert path.read_bytes() == (straight[0] / "discriminator.safetensors").read_bytes()
    assert (tmp_path / "log.jsonl").read_text() == (straight[0] / "log.jsonl").read_text()
    before = path.read_bytes()
    assert fit_discriminator([PreparedSet(images)], ladder, config, tmp_path).read_bytes() == before


def test_it_is_continued_with_what_it_was_begun_with(made, straight, tmp_path):
    images, ladder = made
    prepared, folder = PreparedSet(images), straight[0]
    for ladder_, config, said in (
        (ladder[:1], CONFIG, "another ladder"),
        (ladder, replace(CONFIG, learning_rate=1e-3, seed=4), "another learning_rate, seed"),
    ):
        with pytest.raises(InputError, match=said) as error:
            fit_discriminator([prepared], ladder_, config, folder)
        assert "\n" not in str(error.value) and "--restart" in str(error.value)
    # Afresh, in a folder of another run.
    (tmp_path / "state.ckpt").write_bytes((folder / "state.ckpt").read_bytes())
    short = replace(CONFIG, steps=3, seed=4)
    with pytest.raises(InputError, match="another steps, seed"):
        fit_discriminator([prepared], ladder, short, tmp_path)
    told = []
    fit_discriminator([prepared], ladder, short, tmp_path, restart=True, progress=lambda *args: told.append(args[1]))
    assert told == [0, 1, 2, 3]
    (tmp_path / "state.ckpt").write_bytes(b"half a st")
    with pytest.raises(InputError, match=r"state\.ckpt: damaged"):
        fit_discriminator([prepared], ladder, short, tmp_path)


def kill_workers_at(images, ladder, folder, config, step):
    """In a process of its own: train, and kill the processes that prepare batches after a step."""

    def progress(what, done, total):
        if done == step:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)

    try:
        fit_discriminator([PreparedSet(images)], ladder, config, folder, progress=progress)
    except InputError as error:
        (folder / "said.txt").write_text(str(error))


def test_a_worker_that_dies_is_said_so(made, straight, tmp_path):
    images, ladder = made
    config = replace(CONFIG, steps=400, workers=1, checkpoint_every=2)
    process = multiprocessing.get_context("spawn").Process(
        target=kill_workers_at, args=(images, ladder, tmp_path, config, 3)
    )
    process.start()
    process.join(100)
    said = (tmp_path / "said.txt").read_text()
    assert said.startswith("a data worker died") and said.endswith("state.ckpt") and "\n" not in said
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["step"] >= 2


def test_what_it_cannot_be_made_of(made, tmp_path, monkeypatch):
    images, ladder = made
    prepared = PreparedSet(images)
    with pytest.raises(InputError, match="got 1 sets, 0 checkpoints"):
        fit_discriminator([prepared], [], CONFIG, tmp_path)
    blind = make_set(tmp_path / "blind", "blind", (3,), labelled=False)
    with pytest.raises(InputError, match="blind has no ground truth"):
        fit_discriminator([blind], ladder, CONFIG, tmp_path)
    with pytest.raises(InputError, match=r"no checkpoint .*none"):
        fit_discriminator([prepared], [tmp_path / "none"], CONFIG, tmp_path)

    def full(state, path):
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr("training.pseudo.adversary.torch.save", full)
    with pytest.raises(InputError, match=r"cannot write .*state\.ckpt"):
        fit_discriminator([prepared], ladder, replace(CONFIG, steps=10), tmp_path / "full")
    assert not list((tmp_path / "full").glob(".*"))
