"""Mixtures and streams: exact shares, every sample once an epoch, the same whatever the workers, ranks and restarts."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dap_core.errors import InputError
from training.config import Augment
from training.data.mixture import CYCLE, Mixture
from training.data.sample import Sample
from training.data.sets.worlds import StoreSet, Worlds
from training.data.streaming import MixedBatches
from training.worlds.store import WorldsStore


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0.05, 20.0)), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.integers(0, 5000),
)
@settings(max_examples=25, deadline=None)
def test_shares_and_epochs(sets, seed, start):
    sizes, shares = zip(*sets, strict=True)
    mixture = Mixture(sizes, shares, seed)
    drawn = [mixture[n] for n in range(start, start + CYCLE)]
    wanted = np.array(shares) / sum(shares)
    counts = np.bincount([which for which, _ in drawn], minlength=len(sizes))
    assert np.abs(counts / CYCLE - wanted).max() < 1.01 / CYCLE * len(sizes)
    assert all(0 <= index < sizes[which] for which, index in drawn)
    assert [mixture[n] for n in range(start, start + 20)] == drawn[:20]


def test_every_sample_once_an_epoch():
    mixture = Mixture([7, 13], [1.0, 3.0], 5)
    mine = [[i for w, i in (mixture[n] for n in range(4 * CYCLE)) if w == which] for which in (0, 1)]
    for size, indices in zip((7, 13), mine, strict=True):
        epochs = [tuple(indices[k : k + size]) for k in range(0, len(indices) - size, size)]
        assert all(sorted(epoch) == list(range(size)) for epoch in epochs)
        assert len(set(epochs)) > 0.9 * len(epochs)
    # Turns are spread: in any hundred draws a quarter is of the first set.
    which = np.array([mixture[n][0] for n in range(2000)])
    quarter = np.convolve(which == 0, np.ones(100), "valid")
    assert quarter.min() >= 24 and quarter.max() <= 26
    twin = pickle.loads(pickle.dumps(mixture))
    assert [mixture[n] for n in range(50)] == [twin[n] for n in range(50)]
    assert [mixture[n] for n in range(50)] != [Mixture([7, 13], [1.0, 3.0], 6)[n] for n in range(50)]


def test_what_cannot_be_mixed_says_so():
    for sizes, shares, said in (
        ([3], [1.0, 2.0], "a share for each set"),
        ([3, 0], [1.0, 1.0], "must have samples"),
        ([3, 3], [1.0, -1.0], "positive shares"),
        ([3, 3], [1.0, 1e-6], "never drawn"),
    ):
        with pytest.raises(InputError, match=said):
            Mixture(sizes, shares, 0)


class Counted:
    """A set whose sample i is a panorama of value i."""

    def __init__(self, size, first=0, height=8, labelled=True):
        self.size, self.first, self.height, self.labelled, self.name = size, first, height, labelled, f"counted {first}"

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        shape = (self.height, 2 * self.height)
        range_m = np.full(shape, 1.0 + self.first + index, np.float32) if self.labelled else None
        return Sample(str(index), np.full((*shape, 3), self.first + index, np.uint8), range_m, "g", "indoor")


def stream(rank=0, world=1, **more):
    return MixedBatches([Counted(5), Counted(9, 100)], [1.0, 2.0], 12, 6, 3, Augment(), rank, world, **more)


def test_ranks_share_the_same_batch():
    whole = stream()
    for step in (0, 3):
        images, ranges = whole[step]
        assert images.shape == (12, 8, 16, 3) and ranges.dtype == torch.float32
        parts = [stream(rank, 3)[step] for rank in range(3)]
        assert torch.equal(torch.cat([p[0] for p in parts]), images)
        assert torch.equal(torch.cat([p[1] for p in parts]), ranges)
    assert sum(whole.mixture[n][0] == 1 for n in whole.numbers(0)) == 8
    with pytest.raises(InputError, match="12 cannot be shared by 5"):
        stream(0, 5)


def test_the_same_from_any_step_with_any_workers():
    straight = list(stream().loader())
    assert len(straight) == 6
    for start, workers in ((4, 0), (2, 1)):
        resumed = list(stream().loader(start, workers))
        assert len(resumed) == 6 - start
        for (image, range_m), (image_again, range_again) in zip(straight[start:], resumed, strict=True):
            assert torch.equal(image, image_again) and torch.equal(range_m, range_again)


def test_what_cannot_be_streamed_says_so():
    with pytest.raises(InputError, match=r"counted 100: \d has no label to train on"):
        MixedBatches([Counted(5), Counted(9, 100, labelled=False)], [1, 2], 12, 6, 3, Augment())[0]
    with pytest.raises(InputError, match="have one height, these have 16x8, 8x4"):
        MixedBatches([Counted(5), Counted(9, 100, height=4)], [1, 2], 12, 6, 3, Augment())[0]


def test_worlds_are_one_more_set(tmp_path):
    scenes = StoreSet(WorldsStore(tmp_path / "store", 500, 32), 2)
    images, _ = MixedBatches([scenes, Counted(3, height=32)], [1, 1], 4, 2, 0, Augment())[0]
    assert images.shape == (4, 32, 64, 3) and len(scenes) == 2 and scenes[1].domain in ("indoor", "outdoor")
    reader = Worlds(2, 500)
    (made,) = reader.read("501", 32)
    assert np.array_equal(made.image, scenes[1].image) and made.domain == scenes[1].domain
    (bare,) = Worlds(2, 500, "real-like", labels=False).read("501", 32)
    assert bare.range_m is None and not Worlds(2, 500, labels=False).labelled
    with pytest.raises(InputError, match="synthetic or real-like, got 'real'"):
        Worlds(2, look="real")
