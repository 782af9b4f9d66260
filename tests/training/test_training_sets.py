"""The sets that a run names: at the phase's height, with a labeler's labels, a selection of them, and what is wrong."""

import numpy as np
import pytest
import torch

from dap_core.errors import InputError
from training.config import Augment, Phase, StageConfig, TrainingSet
from training.data.batches import open_batches
from training.data.labels import LabelledSet
from training.data.prepare import Preparation, prepare
from training.data.prepared import PreparedSet
from training.data.sets.worlds import Worlds
from training.data.training_sets import open_held_out, open_training_set
from training.pseudo.selection import SelectionConfig, select
from training.validation import held_out_samples

LABELER, JUDGE = "ab" * 32, "cd" * 32
STILL = Augment(roll=False, flip=False, brightness=0, contrast=0, saturation=0, hue=0, blur=0, noise=0, grey=0)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Six scenes of 64 rows with ranges and six without, those labelled 1 m, 2 m, ... with growing scores."""
    root = tmp_path_factory.mktemp("sets")
    prepare(Worlds(6), root / "known", "known", Preparation(64, 3))
    prepare(Worlds(6, 50, labels=False), root / "bare", "bare", Preparation(64, 3))
    labels = LabelledSet(PreparedSet(root / "bare"), LABELER, discriminator=JUDGE)
    for shard in (0, 1):
        metres = [np.full((64, 128), 3.0 * shard + k + 1.0, np.float32) for k in range(3)]
        labels.write(shard, metres, [3.0 * shard + k for k in range(3)])
    select([labels], SelectionConfig(0.5, 0.5)).write(root / "selection.json")
    return root


def config(sets, **changes):
    described = (
        TrainingSet(str(sets / "known"), 1.0),
        TrainingSet(str(sets / "bare"), 1.0, LABELER, selection=str(sets / "selection.json")),
    )
    phases = (Phase(32, 4, 2), Phase(64, 8, 2))
    return StageConfig(sets=described, phases=phases, augment=STILL, seed=5, **changes)


def test_phases_of_two_heights_draw_from_one_mixture(sets):
    whole = open_batches(config(sets))
    assert len(whole) == 4
    low, high = whole[1], whole[3]
    assert low[0].shape == (4, 32, 64, 3) and high[0].shape == (8, 64, 128, 3) and high[1].shape == (8, 64, 128)
    # The labels are constant, so their half of the batch is known by it: above the median score of their domain.
    constant = [float(r[0, 0]) for r in high[1] if bool((r == r[0, 0]).all())]
    assert len(constant) == 4 and set(np.round(constant)) <= {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}
    halves = [open_batches(config(sets), rank, 2) for rank in (0, 1)]
    for step in range(4):
        for part in (0, 1):
            assert torch.equal(torch.cat([half[step][part] for half in halves]), whole[step][part])
    # Every sample once an epoch: the known ones of 24 drawn are 12, each of the 6 twice.
    images = [image for step in range(2, 4) for image in whole[step][0]]
    assert len({image.numpy().tobytes() for image in images}) > 8


def test_what_is_wrong_with_a_set_is_said(sets):
    known, bare = str(sets / "known"), str(sets / "bare")
    for described, message in (
        (TrainingSet(bare), "a set without ranges"),
        (TrainingSet(known, labels="somewhere"), "sha256 is missing"),
        (TrainingSet(bare, labeler="ef" * 32), "no such shard"),
        (TrainingSet(bare, labeler="x"), "sha256 in hex"),
        (TrainingSet(bare, labeler=LABELER, selection=str(sets / "none.json")), "cannot read"),
        (TrainingSet(str(sets / "none")), "not a prepared data set"),
    ):
        with pytest.raises(InputError, match=message):
            open_training_set(described)
    other = StageConfig(sets=(TrainingSet(known),), phases=(Phase(48, 2, 1),))
    with pytest.raises(InputError, match="64 rows, from which 48 cannot be made"):
        open_batches(other)[0]
    with pytest.raises(InputError, match="8 cannot be shared by 3 processes"):
        open_batches(StageConfig(sets=(TrainingSet(known),), phases=(Phase(64, 8, 1),)), 0, 3)
    with pytest.raises(InputError, match="8 cannot be shared by 2 processes in 3 parts each"):
        open_batches(StageConfig(sets=(TrainingSet(known),), phases=(Phase(64, 8, 1),), accumulate=3), 0, 2)


def test_held_out_sets(sets):
    held_out = StageConfig(held_out=(str(sets / "known"),), validation_scenes=4)
    samples = held_out_samples(held_out, 32)
    assert [(name, index) for name, _, index in samples] == [("known", k) for k in range(4)]
    assert samples[2][1][2].image.shape == (32, 64, 3)
    with pytest.raises(InputError, match="cannot be validated on"):
        open_held_out([str(sets / "bare")], 32)
