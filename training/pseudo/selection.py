"""Selection: of all pseudo-labels those that the discriminator finds most plausible, each domain by itself."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside
from training.data.labels import LabelledSet
from training.data.prepared import Subset
from training.data.sample import DOMAINS
from training.pseudo.identity import check_names, set_sha256

FORMAT = "dap-selection 1"


@dataclass(frozen=True)
class SelectionConfig:
    """How much of each domain is kept: up to 1 a share of it, above 1 a number of samples, 0 nothing; and at most
    `per_group` samples of a source video or scene, whose next best then make room for others.
    """

    indoor: float = 1.0
    outdoor: float = 1.0
    unknown: float = 0.0
    per_group: int | None = None

    def __post_init__(self) -> None:
        for domain in DOMAINS:
            wanted = getattr(self, domain)
            if not wanted >= 0 or (wanted > 1 and wanted != int(wanted)):
                raise InputError(f"{domain}: a share up to 1, or a number of samples, got {wanted}")
        if self.per_group is not None and self.per_group < 1:
            raise InputError(f"per_group: at least 1 sample of a group, got {self.per_group}")

    def most(self, domain: str, candidates: int) -> int:
        """Samples kept of a domain that has so many."""
        wanted = getattr(self, domain)
        return min(candidates, int(wanted)) if wanted > 1 else int(wanted * candidates)


@dataclass(frozen=True)
class DomainSelection:
    """What became of a domain: how many there were, were kept, and were passed over because their group was full; the
    lowest score that was kept, None where nothing was.
    """

    candidates: int
    kept: int
    capped: int
    threshold: float | None


@dataclass(frozen=True)
class SelectedSet:
    """What was kept of a set: its name and hash, its number of samples, and the indices of those kept, in order."""

    name: str
    sha256: str
    samples: int
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Selection:
    """Which labels of which labeler were kept, by the scores of which discriminator (sha256 of both)."""

    labeler: str
    discriminator: str
    config: SelectionConfig
    sets: tuple[SelectedSet, ...]
    domains: dict[str, DomainSelection]

    def __len__(self) -> int:
        return sum(len(one.indices) for one in self.sets)

    def subset(self, labelled: LabelledSet) -> Subset:
        """The kept samples of a set; InputError if the labels are of another labeler, or the set is another."""
        if labelled.labeler != self.labeler:
            raise InputError(
                f"the selection is of labels by {self.labeler[:16]}, those of {labelled.images.name} are by "
                f"{labelled.labeler[:16]}; select again"
            )
        mine = next((one for one in self.sets if one.name == labelled.images.name), None)
        if mine is None:
            raise InputError(
                f"the selection has no set {labelled.images.name!r}, only {', '.join(s.name for s in self.sets)}"
            )
        if mine.sha256 != set_sha256(labelled.images):
            raise InputError(f"{labelled.images.folder} is not the set {mine.name!r} that was selected from")
        return Subset(labelled, np.array(mine.indices, np.int64))

    def write(self, path: Path) -> None:
        """As JSON, beside and renamed; the same selection gives the same bytes."""
        values = {"format": FORMAT, **dataclasses.asdict(self)}
        try:
            with written_beside(path) as beside:
                beside.write_text(json.dumps(values, sort_keys=True) + "\n")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}") from None

    @classmethod
    def read(cls, path: Path) -> Selection:
        """What `write` wrote; InputError for anything else."""
        try:
            values: dict[str, Any] = json.loads(path.read_text())
            if values.pop("format") != FORMAT:
                raise ValueError
            return cls(
                values["labeler"],
                values["discriminator"],
                SelectionConfig(**values["config"]),
                tuple(SelectedSet(**{**one, "indices": tuple(one["indices"])}) for one in values["sets"]),
                {domain: DomainSelection(**one) for domain, one in values["domains"].items()},
            )
        except OSError as error:
            raise InputError(f"cannot read the selection {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: damaged, or not a selection ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class _Candidate:
    score: float
    which: int
    index: int
    name: str
    group: str
    domain: str


def select(sets: Sequence[LabelledSet], config: SelectionConfig) -> Selection:
    """Keep the highest scores of each domain over all `sets`; equal scores go by name of set and sample.

    Raises InputError for labels that are missing, without scores, or of several labelers or discriminators, and for
    sets of one name.
    """
    labeler, discriminator = _made_by(sets)
    candidates = [one for which, labelled in enumerate(sets) for one in _candidates(which, labelled)]
    candidates.sort(key=lambda one: (-one.score, sets[one.which].images.name, one.name, one.index))
    kept: list[_Candidate] = []
    domains: dict[str, DomainSelection] = {}
    for domain in DOMAINS:
        ranked = [one for one in candidates if one.domain == domain]
        if ranked:
            best, capped = _best(ranked, config.most(domain, len(ranked)), config.per_group)
            domains[domain] = DomainSelection(len(ranked), len(best), capped, best[-1].score if best else None)
            kept += best
    return Selection(
        labeler,
        discriminator,
        config,
        tuple(
            SelectedSet(
                labelled.images.name,
                set_sha256(labelled.images),
                len(labelled),
                tuple(sorted(one.index for one in kept if one.which == which)),
            )
            for which, labelled in enumerate(sets)
        ),
        domains,
    )


def _best(ranked: Sequence[_Candidate], most: int, per_group: int | None) -> tuple[list[_Candidate], int]:
    """The first `most` with no more than `per_group` of one group, and how many were passed over for that."""
    taken: Counter[tuple[int, str]] = Counter()
    best: list[_Candidate] = []
    capped = 0
    for one in ranked:
        if len(best) == most:
            break
        group = (one.which, one.group)
        if per_group is not None and taken[group] == per_group:
            capped += 1
            continue
        taken[group] += 1
        best.append(one)
    return best, capped


def _candidates(which: int, labelled: LabelledSet) -> Iterator[_Candidate]:
    scores = labelled.scores()
    for index, (about, score) in enumerate(zip(labelled.images.about(), scores.tolist(), strict=True)):
        if not np.isfinite(score):
            raise InputError(f"{labelled.name}: {about.name} has no score; label the set with a discriminator")
        yield _Candidate(score, which, index, about.name, about.group, about.domain)


def _made_by(sets: Sequence[LabelledSet]) -> tuple[str, str]:
    """Labeler and discriminator of all sets."""
    if not sets:
        raise InputError("nothing to select from: no labelled sets")
    check_names(labelled.images for labelled in sets)
    labelers = sorted({labelled.labeler for labelled in sets})
    if len(labelers) > 1:
        raise InputError(f"labels of several labelers: {', '.join(one[:16] for one in labelers)}; select from one's")
    judges = sorted({labelled.scored_by() for labelled in sets})
    if len(judges) > 1:
        raise InputError(f"scores of several discriminators: {', '.join(one[:16] for one in judges)}; score by one")
    return labelers[0], judges[0]
