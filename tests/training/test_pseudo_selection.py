"""Selection: the best of each domain, a cap for each source, ties by name, and nothing that is not what it says."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pseudo_sets import HEIGHT, make_set

from dap_core.errors import InputError
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet
from training.pseudo.selection import Selection, SelectionConfig, select

LABELER, OTHER, JUDGE = "a1" * 32, "b2" * 32, "c3" * 32
#: Of 9 samples: even ones outdoor, three in a row of one video.
SCORES = [0.9, 0.1, 0.5, 0.7, 0.5, 0.3, -2.0, 0.8, 0.6]


def labelled(images, folder, scores=SCORES, labeler=LABELER, judge=JUDGE):
    labels = LabelledSet(images, labeler, folder, judge)
    for number, shard in enumerate(images.shards):
        first = int(images.ends[number])
        ranges = [np.full((HEIGHT, 2 * HEIGHT), 5.0, np.float32)] * len(shard)
        labels.write(number, ranges, scores[first : first + len(shard)])
    return labels


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("places") / "set", "places", labelled=False)


@pytest.fixture
def labels(places, tmp_path):
    return labelled(places, tmp_path / "labels")


def indices(selection, which=0):
    return list(selection.sets[which].indices)


def test_the_best_of_each_domain(labels):
    # Outdoor: 0 (.9), 8 (.6), 2 and 4 (.5), 6 (-2); indoor: 7 (.8), 3 (.7), 5 (.3), 1 (.1).
    selection = select([labels], SelectionConfig(indoor=0.5, outdoor=2))
    assert indices(selection) == [0, 3, 7, 8] and len(selection) == 4
    outdoor, indoor = selection.domains["outdoor"], selection.domains["indoor"]
    assert (outdoor.candidates, outdoor.kept, outdoor.capped, outdoor.threshold) == (5, 2, 0, 0.6)
    assert (indoor.candidates, indoor.kept, indoor.capped, indoor.threshold) == (4, 2, 0, 0.7)
    assert indices(select([labels], SelectionConfig(indoor=0, outdoor=3))) == [0, 2, 8]  # 2 and 4 tie, by name
    assert len(select([labels], SelectionConfig())) == 9
    assert len(select([labels], SelectionConfig(indoor=1000, outdoor=0.99))) == 4 + 4
    assert select([labels], SelectionConfig(0, 0)).domains["indoor"].threshold is None
    assert (selection.labeler, selection.discriminator) == (LABELER, JUDGE)


def test_a_cap_for_each_source(labels):
    # Videos: 0-2, 3-5, 6-8. Outdoor takes 0 and 8, passes over 2 (of 0's video), takes 4.
    selection = select([labels], SelectionConfig(indoor=0, outdoor=3, per_group=1))
    assert indices(selection) == [0, 4, 8]
    assert selection.domains["outdoor"].capped == 1 and selection.domains["outdoor"].threshold == 0.5
    assert len(select([labels], SelectionConfig(per_group=1))) == 3 + 3
    assert select([labels], SelectionConfig(indoor=0, outdoor=5, per_group=2)) == select(
        [labels], SelectionConfig(indoor=0, outdoor=5, per_group=2)
    )


def test_several_sets_are_ranked_together(places, labels, tmp_path):
    more = make_set(tmp_path / "more", "more", (2, 2), seed=1, labelled=False)
    others = labelled(more, tmp_path / "labels-more", [0.55, 0.75, 0.9, 0.2])
    config = SelectionConfig(indoor=2, outdoor=3, per_group=2)
    selection = select([labels, others], config)
    assert indices(selection, 0) == [0, 7, 8] and indices(selection, 1) == [1, 2]
    assert [len(selection.subset(one)) for one in (labels, others)] == [3, 2]
    turned = select([others, labels], config)
    assert indices(turned, 1) == indices(selection, 0) and turned.domains == selection.domains
    # 0 of one and 2 of the other score 0.9: the set's name decides.
    assert [indices(select([labels, others], SelectionConfig(0, 0.15)), k) for k in (0, 1)] == [[], [2]]
    with pytest.raises(InputError, match="two sets are called 'places'"):
        select([labels, labels], config)


@given(st.lists(st.sampled_from([-1.5, 0.0, 0.25, 3.0]), min_size=9, max_size=9), st.integers(1, 3), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_nothing_better_is_left_out(places, tmp_path_factory, scores, per_group, most):
    labels = labelled(places, tmp_path_factory.mktemp("labels"), scores)
    selection = select(
        [labels], SelectionConfig(indoor=float(most) if most > 1 else 0.25, outdoor=0, per_group=per_group)
    )
    kept, indoor = set(indices(selection)), {1, 3, 5, 7}
    assert len(kept) <= most and kept <= indoor
    for left in indoor - kept:
        as_good = {k for k in kept if scores[k] >= scores[left]}
        of_its_group = {k for k in as_good if k // 3 == left // 3}
        assert len(as_good) == most or len(of_its_group) == per_group


def test_it_is_written_and_read(labels, tmp_path):
    selection = select([labels], SelectionConfig(indoor=0.5, outdoor=2, per_group=2))
    selection.write(tmp_path / "selection.json")
    again = Selection.read(tmp_path / "selection.json")
    assert again == selection
    again.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "selection.json").read_bytes()
    values = json.loads((tmp_path / "selection.json").read_text())
    assert values["sets"][0]["indices"] == [0, 3, 7, 8] and values["domains"]["indoor"]["threshold"] == 0.7
    for wrong, said in (
        ("{", "damaged"),
        ("[]", "not a selection"),
        ('{"format": "dap-selection 9"}', "not a selection"),
    ):
        (tmp_path / "wrong.json").write_text(wrong)
        with pytest.raises(InputError, match=said):
            Selection.read(tmp_path / "wrong.json")
    with pytest.raises(InputError, match=r"cannot read the selection .*none\.json: No such file"):
        Selection.read(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"cannot write .*nowhere"):
        selection.write(tmp_path / "nowhere" / "selection.json")


def test_a_subset_of_the_right_labels_only(places, labels, tmp_path):
    selection = select([labels], SelectionConfig(indoor=0.5, outdoor=2))
    some = selection.subset(LabelledSet(places, LABELER, tmp_path / "labels"))
    assert [some[k].name for k in range(len(some))] == ["place 0", "place 3", "place 7", "place 8"]
    assert np.allclose(some[0].range_m, 5.0, rtol=1e-4)
    with pytest.raises(InputError, match="the selection is of labels by a1a1a1a1a1a1a1a1, those of places are by b2b2"):
        selection.subset(LabelledSet(places, OTHER, tmp_path / "labels"))
    elsewhere = make_set(tmp_path / "else", "elsewhere", labelled=False)
    with pytest.raises(InputError, match="has no set 'elsewhere', only places"):
        selection.subset(LabelledSet(elsewhere, LABELER))
    renewed = make_set(tmp_path / "renewed", "places", seed=7, labelled=False)
    with pytest.raises(InputError, match="renewed is not the set 'places' that was selected from"):
        selection.subset(LabelledSet(renewed, LABELER))


def test_what_cannot_be_selected_from(places, labels, tmp_path):
    with pytest.raises(InputError, match="no labelled sets"):
        select([], SelectionConfig())
    config = SelectionConfig()
    lone = labelled(places, tmp_path / "nan", [*SCORES[:4], float("nan"), *SCORES[5:]])
    with pytest.raises(InputError, match="places by a1a1a1a1: place 4 has no score"):
        select([lone], config)
    more = make_set(tmp_path / "more", "more", (2, 2), labelled=False)
    for labeler, judge, said in ((OTHER, JUDGE, "several labelers: a1a1"), (LABELER, OTHER, "several discriminators")):
        with pytest.raises(InputError, match=said):
            select([labels, labelled(more, tmp_path / judge[:2], SCORES, labeler, judge)], config)
    labels.path(2).unlink()
    with pytest.raises(InputError, match=r"labels-00002\.tar is missing"):
        select([LabelledSet(PreparedSet(places.folder), LABELER, tmp_path / "labels")], config)
    for name, wrong in (("indoor", 2.5), ("outdoor", -1), ("unknown", float("nan")), ("per_group", 0)):
        with pytest.raises(InputError, match=f"{name}: (a share|at least 1)"):
            SelectionConfig(**{name: wrong})
