"""The protocols that published panoramic depth figures use, by name, each a table of rules.

Figures of two protocols are never compared: the same model scores differently under each. The rules were read in each
project's evaluation code; where one is ours, a comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import MIN_RANGE_M, PanoramaDepth
from dap_core.evaluation.alignment import ALIGNMENTS, Alignment, apply, fit
from dap_core.evaluation.datasets.sample import Dataset, Sample
from dap_core.evaluation.metrics import comparable
from dap_core.evaluation.resampling import resize_linear, resize_nearest


@dataclass(frozen=True)
class Protocol:
    """Rules from which every number of a report follows.

    name, source    what a report calls it, and where the rules were read
    nearest, farthest
                    metres: truth counts in (nearest, farthest]
    floor           metres: truth below is raised to it
    clamp           rendered truth beyond `farthest`, sky included, counts as `farthest`; scanned truth never does
    height          rows to which truth is resized (nearest pixel): a number, by data set, or None for its own
    resize          how a prediction comes to the truth's size
    prediction      metres between which a prediction is clipped, None for not at all
    clip_first      the clip comes before the alignment, else after
    alignments      the protocol's own, the first by default
    poles           share of the rows left out at the top and at the bottom, by data set
    blacken_poles   data sets whose images lose those rows too
    skip_black      black pixels of the image (holes of a scan) are left out
    average         of what the figure is a mean: of images, or of all their pixels
    cube_seams      jumps across the edges of a cube are measured too
    """

    name: str
    source: str
    nearest: float
    farthest: float
    floor: float = 0.0
    clamp: bool = False
    height: int | Mapping[str, int] | None = None
    resize: Literal["nearest", "linear"] = "nearest"
    prediction: tuple[float, float] | None = None
    clip_first: bool = False
    alignments: tuple[Alignment, ...] = ("none",)
    poles: Mapping[str, float] = field(default_factory=dict)
    blacken_poles: tuple[str, ...] = ()
    skip_black: bool = False
    average: Literal["image", "pixel"] = "image"
    cube_seams: bool = False

    def rows(self, dataset: str) -> int | None:
        """Height to which truth of a data set is resized, None for its own."""
        return self.height.get(dataset) if isinstance(self.height, Mapping) else self.height


@dataclass(frozen=True)
class Prepared:
    """A sample as the protocol sees it: the image to predict from, truth (h, w) metres and where it counts, (h, w)."""

    image: NDArray[np.uint8]
    truth: NDArray[np.float32]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """A prediction (h, w) metres at the truth's size, aligned and clipped, nan where there is none; the fit; and the
    share of the counted pixels that have a prediction at all."""

    prediction: NDArray[np.float32]
    scale: float
    shift: float
    coverage: float


DAP = Protocol(
    name="dap",
    source="Depth Any Panoramas, test/eval.py and datasets/ (arXiv 2512.16913)",
    nearest=0.0,
    farthest=100.0,
    floor=0.1,
    clamp=True,
    height=512,
)

UNIFUSE = Protocol(
    name="unifuse",
    source="UniFuse, metrics.py and datasets/ (arXiv 2102.03550); PanDA evaluates alike",
    nearest=0.0,
    farthest=10.0,
    floor=0.1,
    height=512,
    # Its code writes 10 m into the truth where the prediction is beyond, which its own networks never are; the clip
    # that was meant gives the same figures for them, and does not let a wrong prediction correct the truth.
    prediction=(0.1, 10.0),
    clip_first=True,
    alignments=("none", "median"),
)

DA2 = Protocol(
    name="da2",
    source="DA-2, eval/ and configs/eval.json (arXiv 2509.26618)",
    nearest=1e-3,
    farthest=5.0,
    resize="linear",
    prediction=(1e-3, 5.0),
    alignments=("median",),
    skip_black=True,
)

PAGER = Protocol(
    name="pager",
    source="PaGeR, evaluation/ and dataloaders/ (arXiv 2605.26368)",
    nearest=1.01 * 0.01,
    farthest=0.99 * 75.0,
    height={"matterport3d": 1024, "stanford2d3d": 2048, "structured3d": 512},
    resize="linear",
    alignments=("none", "scale", "scale-and-shift"),
    poles={"matterport3d": 0.14, "stanford2d3d": 0.15},
    blacken_poles=("matterport3d",),
    cube_seams=True,
)

PROTOCOLS = {p.name: p for p in (DAP, UNIFUSE, DA2, PAGER)}


def protocol_named(name: str) -> Protocol:
    """The protocol; InputError for an unknown name."""
    if name not in PROTOCOLS:
        raise InputError(f"no protocol {name!r}: choose {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def alignment_of(protocol: Protocol, alignment: str | None) -> Alignment:
    """The protocol's first alignment, or the one that is asked for, its own or not; InputError for an unknown one."""
    if alignment is None:
        return protocol.alignments[0]
    found = next((a for a in ALIGNMENTS if a == alignment), None)
    if found is None:
        raise InputError(f"no alignment {alignment!r}: choose {', '.join(ALIGNMENTS)}")
    return found


def prepare(protocol: Protocol, dataset: Dataset, sample: Sample) -> Prepared:
    """Apply the rules about truth and image to one sample. Raises InputError where no pixel counts."""
    truth, image = sample.range_m, sample.image
    rows = protocol.rows(dataset.name)
    if rows is not None and rows != truth.shape[0]:
        truth = resize_nearest(truth, rows)
    height = truth.shape[0]
    with np.errstate(invalid="ignore"):
        beyond = truth > protocol.farthest
        mask = (truth > protocol.nearest) & ~beyond
    if protocol.clamp and not dataset.scanned:
        truth, mask = np.where(beyond, np.float32(protocol.farthest), truth), mask | beyond
    truth = np.maximum(truth, np.float32(protocol.floor))
    crop = int(protocol.poles.get(dataset.name, 0.0) * height)
    if crop:
        mask[:crop] = mask[-crop:] = False
        if dataset.name in protocol.blacken_poles:
            lines = round(crop * image.shape[0] / height)
            image = image.copy()
            image[:lines] = image[-lines:] = 0
    if protocol.skip_black:
        black = (image == 0).all(-1)
        mask &= ~(black if black.shape == mask.shape else resize_nearest(black, height))
    if not mask.any():
        raise InputError(f"{sample.name}: no pixel of the truth counts under the protocol {protocol.name}")
    return Prepared(image, truth, mask)


def score(protocol: Protocol, prepared: Prepared, depth: PanoramaDepth, alignment: Alignment) -> Scored:
    """Bring a prediction to the truth: far as `farthest`, resized, aligned, clipped.

    Raises InputError where no counted pixel has a prediction, or the alignment cannot be fitted.
    """
    answer = np.where(depth.far, np.float32(protocol.farthest), depth.range_m)
    height = prepared.truth.shape[0]
    if answer.shape[0] != height:
        answer = resize_nearest(answer, height) if protocol.resize == "nearest" else resize_linear(answer, height)
    if protocol.clip_first:
        answer = _clip(answer, protocol)
    use = prepared.mask & comparable(answer, prepared.truth)
    if not use.any():
        raise InputError("not one counted pixel has a prediction")
    scale, shift = fit(answer, prepared.truth, use, alignment)
    if alignment != "none":
        # A shift can turn a range negative, whose ratio to the truth would then pass for a good one.
        answer = np.maximum(apply(answer, scale, shift, alignment), np.float32(MIN_RANGE_M))
    if not protocol.clip_first:
        answer = _clip(answer, protocol)
    return Scored(answer, scale, shift, float(use.sum() / prepared.mask.sum()))


def rules(protocol: Protocol, dataset: Dataset, alignment: Alignment) -> dict[str, str]:
    """The protocol's rules for a data set, in words, as a report prints them."""
    rows, poles = protocol.rows(dataset.name), protocol.poles.get(dataset.name, 0.0)
    clamped = protocol.clamp and not dataset.scanned
    own = alignment in protocol.alignments
    return {
        "truth counts": f"above {protocol.nearest:g} m, up to {protocol.farthest:g} m"
        + (
            f"; beyond, sky included, it counts as {protocol.farthest:g} m"
            if clamped
            else "; what is beyond is left out"
        )
        + (f"; raised to {protocol.floor:g} m" if protocol.floor else ""),
        "resolution": (f"truth resized to {2 * rows}x{rows}, nearest pixel" if rows else "the truth's own")
        + f"; prediction resized to it, {protocol.resize}",
        "prediction": f"far counts as {protocol.farthest:g} m"
        + ("; clipped to {:g} .. {:g} m".format(*protocol.prediction) if protocol.prediction else "")
        + (" before the alignment" if protocol.clip_first else ""),
        "alignment": alignment + ("" if own else f" (not the protocol's own: {', '.join(protocol.alignments)})"),
        "left out": ", ".join(
            [f"{100 * poles:g} % of the rows at either pole"] * bool(poles) + ["black pixels"] * protocol.skip_black
        )
        or "nothing",
        "weighting": "every pixel counts the same",
        "mean": "per image, then over images" if protocol.average == "image" else "over all pixels",
        "source": protocol.source,
    }


def _clip(answer: NDArray[np.float32], protocol: Protocol) -> NDArray[np.float32]:
    return answer if protocol.prediction is None else np.clip(answer, *protocol.prediction).astype(np.float32)
