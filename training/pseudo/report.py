"""The report of a round of pseudo-labels: what the scores were, what was kept, the best and the worst in pictures."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.evaluation.report.page import Section, chart, page, picture, table, text_cell
from dap_core.io.atomic import written_beside
from dap_core.io.images import write_image
from dap_core.picture import auto_limits, colourise
from training.data.labels import LabelledSet
from training.data.prepared import About
from training.data.sample import DOMAINS
from training.pseudo.acceptance import WANTED, Acceptance
from training.pseudo.charts import score_histograms
from training.pseudo.selection import Selection

#: Rows of the table of groups.
MOST_GROUPS = 20
#: Columns of a case's image, and of its label beside it.
CASE_WIDTH = 512


@dataclass(frozen=True)
class _Scored:
    """All labels of all sets: which set and sample, what is known of it, its score, whether it was kept."""

    places: list[tuple[LabelledSet, int]]
    about: list[About]
    scores: NDArray[np.float64]
    kept: NDArray[np.bool_]

    def of(self, domain: str) -> NDArray[np.bool_]:
        """(N,) which are of a domain."""
        return np.array([one.domain == domain for one in self.about], bool)


def write_report(
    sets: Sequence[LabelledSet],
    selection: Selection,
    folder: Path,
    acceptance: Acceptance | None = None,
    cases: int = 8,
) -> Path:
    """Write `index.html`, which holds all it shows, and its pictures as PNGs into `folder`; returns the page.

    Score histograms by domain, what was kept by domain, set and group, the `cases` best and worst labels of each
    domain, and, where it is given, what the acceptance test found. Raises InputError for sets that the selection was
    not made of, and where `folder` cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}") from None
    scored = _scored(sets, selection)
    domains = [domain for domain in DOMAINS if scored.of(domain).any()]
    histogram = folder / "scores.png"
    score_histograms(
        histogram, {d: scored.scores[scored.of(d)] for d in domains}, {d: scored.kept[scored.of(d)] for d in domains}
    )
    sections = [
        Section("scores", "Scores", chart(_uri(histogram), "histogram of scores by domain, those kept in colour")),
        Section("kept", "What was kept", _kept(sets, selection, scored)),
    ]
    if acceptance is not None:
        sections.append(Section("acceptance", "Does the score tell the error?", _acceptance(acceptance, folder)))
    for domain in domains:
        ranked = np.flatnonzero(scored.of(domain))[np.argsort(-scored.scores[scored.of(domain)], kind="stable")]
        best, worst = ranked[:cases], ranked[::-1][: min(cases, max(len(ranked) - cases, 0))]
        for which, chosen in (("best", best), ("worst", worst)):
            shown = _cases(scored, chosen, folder, f"{which}-{domain}")
            sections.append(Section(f"{which}-{domain}", f"{which.capitalize()}, {domain}", shown))
    lead = (
        f"<p>Labels by {selection.labeler[:16]}, scored by the discriminator {selection.discriminator[:16]}: "
        f"{len(selection)} of {len(scored.scores)} kept.</p>"
    )
    path = folder / "index.html"
    with written_beside(path) as beside:
        beside.write_text(page("Pseudo-labels", lead, sections))
    return path


def _scored(sets: Sequence[LabelledSet], selection: Selection) -> _Scored:
    kept = [np.zeros(len(labelled), bool) for labelled in sets]
    for mask, labelled in zip(kept, sets, strict=True):
        mask[selection.subset(labelled).indices] = True
    return _Scored(
        [(labelled, index) for labelled in sets for index in range(len(labelled))],
        [about for labelled in sets for about in labelled.images.about()],
        np.concatenate([labelled.scores() for labelled in sets]),
        np.concatenate(kept),
    )


def _kept(sets: Sequence[LabelledSet], selection: Selection, scored: _Scored) -> str:
    domains = [
        (text_cell(name), str(one.candidates), str(one.kept), f"{100 * one.kept / one.candidates:.1f} %",
         "-" if one.threshold is None else f"{one.threshold:.3f}", str(one.capped))
        for name, one in selection.domains.items()
    ]  # fmt: skip
    names = [labelled.images.name for labelled, _ in scored.places]
    groups = [f"{name}: {about.group}" for name, about in zip(names, scored.about, strict=True)]
    head = ("candidates", "kept", "share")
    most = "" if selection.config.per_group is None else f", {selection.config.per_group} of each at most"
    return (
        table(("domain", *head, "lowest score kept", "passed over, group full"), domains)
        + "<h3>By set</h3>"
        + table(("set", *head), _counted(names, scored.kept, len(sets)))
        + f"<h3>By group{most}: {len({g for g, k in zip(groups, scored.kept, strict=True) if k})} of "
        f"{len(set(groups))} groups have labels that were kept; the largest</h3>"
        + table(("group", *head), _counted(groups, scored.kept, MOST_GROUPS))
    )


def _counted(names: Sequence[str], kept: NDArray[np.bool_], most: int) -> list[tuple[str, ...]]:
    """Rows of the names with most candidates."""
    candidates = Counter(names)
    chosen = Counter(name for name, one in zip(names, kept, strict=True) if one)
    ranked = sorted(candidates, key=lambda name: (-candidates[name], name))[:most]
    return [
        (text_cell(n, "name"), str(candidates[n]), str(chosen[n]), f"{100 * chosen[n] / candidates[n]:.1f} %")
        for n in ranked
    ]


def _cases(scored: _Scored, chosen: Iterable[int], folder: Path, stem: str) -> str:
    """Image and label side by side, each pair a PNG of its own too."""
    shown = []
    for place, number in enumerate(chosen, 1):
        labelled, index = scored.places[number]
        sample = labelled[index]
        assert sample.range_m is not None
        size = (CASE_WIDTH, CASE_WIDTH // 2)
        label = cv2.resize(
            colourise(sample.range_m, auto_limits(sample.range_m)), size, interpolation=cv2.INTER_NEAREST
        )
        pair = np.concatenate([cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA), label], 1)
        path = folder / f"{stem}-{place}.png"
        write_image(path, pair)
        kept = "kept" if scored.kept[number] else "left out"
        caption = f"{scored.scores[number]:.3f}, {kept}: {labelled.images.name}, {sample.name}"
        shown.append(picture(_uri(path), caption))
    return f'<div class="four">{"".join(shown)}</div>' if shown else '<p class="soft">No more labels to show.</p>'


def _acceptance(acceptance: Acceptance, folder: Path) -> str:
    path = folder / "acceptance.png"
    acceptance.draw(path)
    rows = [
        (text_cell(d), str(one.scenes), f"{one.last:.3f}", f"{one.pooled:.3f}", f"{one.in_scene:.3f}")
        for d, one in acceptance.domains.items()
    ]
    head = ("domain", "scenes", "across scenes, last labeler", "over all labelers", "within a scene, across labelers")
    verdict = "passed" if acceptance.passed else "not passed"
    return (
        f"<p>Rank correlation of the score with -AbsRel on held-out scenes, {WANTED} wanted across scenes: "
        f"<b>{verdict}</b>.</p>" + table(head, rows) + chart(_uri(path), escape("true AbsRel over score"))
    )


def _uri(png: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode()
