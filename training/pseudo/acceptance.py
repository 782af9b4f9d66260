"""The acceptance test of a discriminator: on scenes nobody trained on, its score ranks maps by their true error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.metrics import depth_metrics
from dap_core.io.atomic import written_beside
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256
from training.pseudo.charts import error_scatter
from training.pseudo.identity import check_names
from training.pseudo.labelling import label_set
from training.pseudo.progress import Progress, silent
from training.pseudo.rank_correlation import spearman

#: What the rank correlation must reach in every domain.
WANTED = 0.5
FORMAT = "dap-acceptance 1"


@dataclass(frozen=True)
class DomainAcceptance:
    """Rank correlation of score with -AbsRel over the held-out scenes of one domain.

    last       across scenes, labels of the last labeler: what a selection is made of, and what `WANTED` is held to
    labelers   the same for each labeler
    pooled     over all labels of all labelers together
    in_scene   mean over scenes of the correlation across the labelers
    """

    scenes: int
    last: float
    labelers: tuple[float, ...]
    pooled: float
    in_scene: float


@dataclass(frozen=True)
class Acceptance:
    """What the test found: by domain, and for each label of each labeler its score and its error."""

    discriminator: str
    labelers: tuple[str, ...]
    domains: dict[str, DomainAcceptance]
    scene_domains: tuple[str, ...]
    scores: tuple[tuple[float, ...], ...]  #: labelers x scenes
    absrel: tuple[tuple[float, ...], ...]  #: labelers x scenes

    @property
    def passed(self) -> bool:
        """Whether every domain reaches what is wanted."""
        return all(one.last >= WANTED for one in self.domains.values())

    def draw(self, path: Path) -> None:
        """A PNG of error over score, a panel for each domain."""
        scores, absrel, domains = np.array(self.scores), np.array(self.absrel), np.array(self.scene_domains)
        error_scatter(
            path,
            {d: (scores[:, domains == d], absrel[:, domains == d]) for d in self.domains},
            {d: f"{d}: {one.last:.2f} across scenes, {one.pooled:.2f} pooled" for d, one in self.domains.items()},
        )

    def write(self, path: Path) -> None:
        """As JSON, beside and renamed."""
        try:
            with written_beside(path) as beside:
                beside.write_text(json.dumps({"format": FORMAT, "passed": self.passed, **asdict(self)}) + "\n")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}") from None

    @classmethod
    def read(cls, path: Path) -> Acceptance:
        """What `write` wrote; InputError for anything else."""
        try:
            values = json.loads(path.read_text())
            if values.pop("format") != FORMAT:
                raise ValueError
            return cls(
                values["discriminator"],
                tuple(values["labelers"]),
                {
                    domain: DomainAcceptance(**{**one, "labelers": tuple(one["labelers"])})
                    for domain, one in values["domains"].items()
                },
                tuple(values["scene_domains"]),
                tuple(map(tuple, values["scores"])),
                tuple(map(tuple, values["absrel"])),
            )
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: damaged, or not an acceptance test ({type(error).__name__})") from None


def accept(
    discriminator: Path,
    labelers: Sequence[Path],
    held_out: Sequence[PreparedSet],
    folder: Path,
    device: str = "auto",
    progress: Progress = silent,
) -> Acceptance:
    """Label and score the `held_out` sets with every labeler, early to late, and compare the scores with the errors.

    `folder` receives the labels (so a killed run goes on), `acceptance.json` and `acceptance.png`. Raises InputError
    for sets without ground truth and for what `label_set` refuses.
    """
    if not labelers or not held_out:
        raise InputError("an acceptance test wants labelers and held-out sets")
    for images in held_out:
        if not images.labelled:
            raise InputError(f"{images.name} has no ground truth to tell errors by")
    check_names(held_out)
    domains = [about.domain for images in held_out for about in images.about()]
    rows = [_row(path, discriminator, held_out, folder, device, progress) for path in labelers]
    scores, absrel = (np.array([row[k] for row in rows]) for k in (0, 1))
    acceptance = Acceptance(
        file_sha256(discriminator),
        tuple(file_sha256(path) for path in labelers),
        {d: _of_domain(scores, absrel, np.array(domains) == d) for d in sorted(set(domains))},
        tuple(domains),
        tuple(map(tuple, scores.tolist())),
        tuple(map(tuple, absrel.tolist())),
    )
    acceptance.write(folder / "acceptance.json")
    acceptance.draw(folder / "acceptance.png")
    return acceptance


def _row(
    labeler: Path,
    discriminator: Path,
    held_out: Sequence[PreparedSet],
    folder: Path,
    device: str,
    progress: Progress,
) -> tuple[list[float], list[float]]:
    """Scores and errors of one labeler's labels of all scenes."""
    scores: list[float] = []
    errors: list[float] = []
    for images in held_out:
        labels = label_set(
            images, labeler, folder / "labels" / images.name, discriminator, device=device, progress=progress
        )
        assert labels is not None  # one process labels all shards
        scores += labels.scores().tolist()
        errors += [label_error(labels.range_m(k), images[k].range_m) for k in range(len(images))]
    return scores, errors


def label_error(label: NDArray[np.floating], truth: NDArray[np.floating] | None) -> float:
    """AbsRel of a label (H, W), 100 m where it says far, where the truth is near; nan without any."""
    assert truth is not None
    said = np.where(np.isposinf(label), 100.0, label)
    return depth_metrics(said, np.where(np.isfinite(truth), truth, np.nan)).absrel


def _of_domain(scores: NDArray[np.float64], absrel: NDArray[np.float64], mine: NDArray[np.bool_]) -> DomainAcceptance:
    measured = mine & np.isfinite(absrel).all(0)
    s, e = scores[:, measured], -absrel[:, measured]
    each = tuple(spearman(*pair) for pair in zip(s, e, strict=True))
    within = [r for r in (spearman(s[:, k], e[:, k]) for k in range(s.shape[1])) if np.isfinite(r)]
    return DomainAcceptance(
        int(measured.sum()),
        each[-1],
        each,
        spearman(s.ravel(), e.ravel()),
        float(np.mean(within)) if within else float("nan"),
    )
