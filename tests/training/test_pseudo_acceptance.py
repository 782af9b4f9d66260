"""The acceptance test: rank correlations that can be counted by hand, and the same answer after a kill."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pseudo_sets import make_labeler, make_set

from dap_core.errors import InputError
from dap_core.evaluation.metrics import depth_metrics
from dap_core.io.images import read_image
from training.data.prepared import PreparedSet
from training.pseudo.acceptance import WANTED, Acceptance, accept, label_error
from training.pseudo.discriminator import DiscriminatorConfig, PatchDiscriminator, save_discriminator
from training.pseudo.rank_correlation import ranks, spearman


def test_ranks_and_their_correlation():
    assert ranks(np.array([3.0, -1.0, 3.0, 10.0])).tolist() == [2.5, 1.0, 2.5, 4.0]
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert spearman(x, np.exp(x)) == pytest.approx(1.0) and spearman(x, -(x**3)) == pytest.approx(-1.0)
    # 1 - 6 sum d^2 / (n (n^2 - 1)) with d = 0 1 1 1 1
    assert spearman(x, np.array([1.0, 3.0, 2.0, 5.0, 4.0])) == pytest.approx(1 - 6 * 4 / 120)
    # With ties: ranks 1 2.5 2.5 4 5 against 1 2 3 4 5.
    assert spearman(np.array([1.0, 2.0, 2.0, 3.0, 4.0]), x) == pytest.approx(9.5 / np.sqrt(9.5 * 10))
    assert np.isnan(spearman(x[:2], x[:2])) and np.isnan(spearman(x, np.ones(5)))


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=12))
@settings(max_examples=50, deadline=None)
def test_only_the_order_matters(pairs):
    a, b = np.array(pairs, np.float64).T
    r = spearman(a, b)
    if np.isnan(r):
        assert np.ptp(a) == 0 or np.ptp(b) == 0
    else:
        assert -1 - 1e-12 <= r <= 1 + 1e-12
        assert spearman(np.exp(a), b**3) == pytest.approx(r) and spearman(b, -a) == pytest.approx(-r)


def test_the_error_of_a_label():
    truth = np.array([[2.0, 4.0, np.inf, np.nan]])
    assert label_error(np.array([[2.2, 3.0, 5.0, 5.0]]), truth) == pytest.approx((0.1 + 0.25) / 2)
    assert label_error(np.array([[np.inf, 4.0, 1.0, 1.0]]), truth) == pytest.approx(49.0 / 2)
    assert np.isnan(label_error(np.ones((1, 2)), np.full((1, 2), np.inf)))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A held-out set, a discriminator and a ladder of two."""
    folder = tmp_path_factory.mktemp("accept")
    torch.manual_seed(2)
    save_discriminator(PatchDiscriminator(DiscriminatorConfig(layers=2, channels=4)), folder / "d.safetensors")
    images = make_set(folder / "set", "held out", (6, 6))
    return images, folder / "d.safetensors", [make_labeler(folder / f"{k}.safetensors", k) for k in range(2)]


@pytest.fixture(scope="module")
def accepted(made, tmp_path_factory):
    images, discriminator, ladder = made
    folder = tmp_path_factory.mktemp("accepted")
    return folder, accept(discriminator, ladder, [images], folder)


def test_scores_and_errors_of_every_label(made, accepted):
    images, _, _ = made
    folder, found = accepted
    assert np.shape(found.scores) == np.shape(found.absrel) == (2, 12)
    assert found.scene_domains == ("outdoor", "indoor") * 6
    labels = list((folder / "labels" / "held out").iterdir())
    assert {path.name for path in labels} == {sha256[:16] for sha256 in found.labelers}
    from training.data.labels import LabelledSet

    last = LabelledSet(images, found.labelers[-1], folder / "labels" / "held out")
    assert last.scores().tolist() == list(found.scores[-1])
    said, truth = last[5].range_m, images[5].range_m
    assert found.absrel[-1][5] == depth_metrics(np.minimum(said, 100.0), truth).absrel
    indoor = found.domains["indoor"]
    mine = np.arange(12) % 2 == 1
    scores, errors = np.array(found.scores)[:, mine], -np.array(found.absrel)[:, mine]
    assert indoor.scenes == 6
    assert indoor.labelers == tuple(spearman(scores[k], errors[k]) for k in range(2))
    assert indoor.last == indoor.labelers[-1] and indoor.pooled == spearman(scores.ravel(), errors.ravel())


def test_it_is_written_drawn_and_read(accepted, tmp_path):
    folder, found = accepted
    assert dataclasses.replace(Acceptance.read(folder / "acceptance.json"), domains={}) == dataclasses.replace(
        found, domains={}
    )
    assert json.loads((folder / "acceptance.json").read_text())["passed"] is found.passed
    picture = read_image(folder / "acceptance.png")
    assert picture.shape[1] > 600 and len(np.unique(picture)) > 20
    (tmp_path / "wrong.json").write_text('{"format": 3}')
    with pytest.raises(InputError, match="not an acceptance test"):
        Acceptance.read(tmp_path / "wrong.json")


def test_every_domain_must_reach_what_is_wanted(accepted):
    _, found = accepted
    one = found.domains["indoor"]
    for values, passed in (((0.5, 0.9), True), ((0.9, 0.49), False), ((0.9, float("nan")), False)):
        domains = {d: dataclasses.replace(one, last=v) for d, v in zip(("indoor", "outdoor"), values, strict=True)}
        assert dataclasses.replace(found, domains=domains).passed is passed
    assert WANTED == 0.5


def test_what_was_labelled_is_not_labelled_again(made, accepted, monkeypatch):
    images, discriminator, ladder = made
    folder, found = accepted
    monkeypatch.setattr("training.pseudo.labelling.Labeler", None)
    again = accept(discriminator, ladder, [PreparedSet(images.folder)], folder)
    assert (again.scores, again.absrel) == (found.scores, found.absrel)


def test_what_cannot_be_tested_with(made, tmp_path):
    images, discriminator, ladder = made
    with pytest.raises(InputError, match="wants labelers and held-out sets"):
        accept(discriminator, [], [images], tmp_path)
    blind = make_set(tmp_path / "blind", "blind", (3,), labelled=False)
    with pytest.raises(InputError, match="blind has no ground truth"):
        accept(discriminator, ladder, [blind], tmp_path)
    with pytest.raises(InputError, match="two sets are called 'held out'"):
        accept(discriminator, ladder, [images, images], tmp_path)
