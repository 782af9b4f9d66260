"""Opening the sets that a configuration names: with their own ranges or a labeler's, the whole or a selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dap_core.errors import InputError
from training.config import TrainingSet
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet
from training.data.resize import resized, resized_range
from training.data.sample import Sample, SampleSet


def open_training_set(described: TrainingSet) -> SampleSet:
    """The samples to train on; InputError where labels are missing or not that labeler's, or the selection is empty."""
    images = PreparedSet(described.path)
    if described.labeler is None:
        if described.labels is not None or described.selection is not None:
            raise InputError(f"{described.path}: labels and a selection go with a labeler, whose sha256 is missing")
        if not images.labelled:
            raise InputError(f"{described.path}: a set without ranges; label it, and name the labeler")
        return images
    labelled = LabelledSet(images, described.labeler, described.labels)
    labelled.check()
    if described.selection is None:
        return labelled
    from training.pseudo.selection import Selection

    chosen: SampleSet = Selection.read(Path(described.selection)).subset(labelled)
    if not len(chosen):
        raise InputError(f"{described.selection}: nothing of {labelled.name} was selected; leave the set out")
    return chosen


def open_held_out(folders: Sequence[str], height: int) -> list[SampleSet]:
    """Prepared sets to validate on, brought to `height`; InputError where one has no ranges."""
    sets = [PreparedSet(folder) for folder in folders]
    for one in sets:
        if not one.labelled:
            raise InputError(f"{one.folder}: a set without ranges cannot be validated on")
    return [AtHeight(one, height) for one in sets]


def at_height(sample: Sample, height: int) -> Sample:
    """The sample with `height` rows, a whole fraction of its own; InputError otherwise."""
    rows = sample.image.shape[0]
    if rows == height:
        return sample
    if rows % height:
        raise InputError(f"{sample.name} has {rows} rows, from which {height} cannot be made; prepare the set again")
    range_m = None if sample.range_m is None else resized_range(sample.range_m, height)
    return replace(sample, image=resized(sample.image, height), range_m=range_m)


class AtHeight:
    """A set whose samples are brought to one height."""

    def __init__(self, whole: SampleSet, height: int) -> None:
        self.whole, self.height = whole, height

    @property
    def name(self) -> str:
        """The set's name."""
        return self.whole.name

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int) -> Sample:
        return at_height(self.whole[index], self.height)
