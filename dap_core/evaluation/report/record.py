"""What a run leaves behind for programs: `report.json` and `per_image.csv`."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dap_core.errors import InputError
from dap_core.evaluation.metrics import METRICS
from dap_core.evaluation.protocols import rules
from dap_core.evaluation.published import published_figures
from dap_core.evaluation.regions import REGIONS, WEIGHTINGS
from dap_core.evaluation.run import Evaluation, ImageResult
from dap_core.io.atomic import written_beside

#: The first key of every report; a reader of another version refuses it.
FORMAT = "dap-eval 1"


@dataclass(frozen=True)
class ModelFacts:
    """Who made the predictions: name, hash of the weights, rows and columns, metres beyond which it says far, where it
    ran, and the version of this package."""

    name: str
    weights_sha256: str
    height: int
    width: int
    max_range_m: float
    backend: str
    version: str


def report_of(run: Evaluation, model: ModelFacts, root: Path) -> dict[str, Any]:
    """Everything a run found, as plain values (nan for what cannot be said; JSON gets null)."""
    dataset = run.dataset
    return {
        "format": FORMAT,
        "dataset": {
            "name": dataset.name,
            "layout": dataset.layout,
            "root": str(root),
            "entries": len(dataset),
            "measured": len(run.images),
            "published": dataset.published,
            "complete": dataset.complete and not run.faults,
        },
        "protocol": {
            "name": run.protocol.name,
            "alignment": run.alignment,
            "own_alignment": run.alignment in run.protocol.alignments,
            "average": run.protocol.average,
            "rules": rules(run.protocol, dataset, run.alignment),
        },
        "model": asdict(model),
        "summary": {
            region: {
                weighting: {average: run.mean(region, weighting, average).as_dict() for average in ("image", "pixel")}
                for weighting in WEIGHTINGS
            }
            for region in REGIONS
        },
        "pixels": {region: float(run.sums[i, 0, 0]) for i, region in enumerate(REGIONS)},
        "coverage": _mean([i.coverage for i in run.images]),
        "mask": _mask(run),
        "edges": {k: _mean([i.edges.as_dict()[k] for i in run.images]) for k in ("precision", "recall", "f1")},
        "seam": {
            k: _mean([i.seam.as_dict()[k] for i in run.images if i.seam]) for k in ("mean", "at_seam", "far_flip")
        },
        "cube_seams": {
            k: _mean([i.cube.as_dict()[k] for i in run.images if i.cube]) for k in ("density", "prevalence", "severity")
        },
        "flicker": _mean([i.flicker for i in run.images if i.flicker is not None]),
        "published": [asdict(p) for p in published_figures(run.protocol.name, run.alignment, dataset.name)],
        "images": [_image(image) for image in run.images],
        "faults": [{"name": name, "reason": reason} for name, reason in run.faults],
    }


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report, nan and infinities as null."""
    with written_beside(path) as temporary:
        temporary.write_text(json.dumps(_plain(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_csv(path: Path, report: dict[str, Any]) -> None:
    """One line per panorama; empty cells for what cannot be said."""
    text = io.StringIO()
    rows = [_flat(image) for image in report["images"]]
    # The first frame of a sequence has no flicker, so that no single row has all columns.
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with written_beside(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def read_report(path: Path) -> dict[str, Any]:
    """A report as `write_json` wrote it, null as nan; InputError for anything else."""
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no report {path}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a report of `dap eval` ({type(error).__name__})") from None
    found = report.get("format") if isinstance(report, dict) else None
    if found != FORMAT:
        raise InputError(f"{path}: not a report of this `dap eval` (format {found!r}, expected {FORMAT!r})")
    for image in report["images"]:
        for metrics in image["metrics"].values():
            metrics.update({k: math.nan if metrics.get(k) is None else metrics[k] for k in METRICS})
    return report


def _image(image: ImageResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": image.name,
        "truth_crc": image.truth_crc,
        "coverage": image.coverage,
        "scale": image.scale,
        "shift": image.shift,
        "metrics": {
            "all": image.metrics["all", "plain"].as_dict(),
            "sphere": image.metrics["all", "sphere"].as_dict(),
            "band": image.metrics["band", "plain"].as_dict(),
        },
        "mask": image.mask.scores().as_dict(),
        "edges": image.edges.as_dict(),
    }
    for name, measured in (("seam", image.seam), ("cube_seams", image.cube)):
        if measured:
            found[name] = measured.as_dict()
    if image.flicker is not None:
        found["flicker"] = image.flicker
    return found


def _mask(run: Evaluation) -> dict[str, Any]:
    return {
        "limit_m": run.max_range_m,
        "has_far": run.mask.has_far,
        **{weighting: run.mask.scores(weighting).as_dict() for weighting in WEIGHTINGS},
        "expected_calibration_error": run.mask.expected_calibration_error(),
        "reliability": np.stack(run.mask.calibration(), -1).tolist(),
    }


def _flat(image: dict[str, Any]) -> dict[str, Any]:
    """One row of the CSV: `absrel`, ..., then `sphere_absrel`, `band_absrel`, ..., then the rest."""
    row: dict[str, Any] = {k: image[k] for k in ("name", "coverage", "scale", "shift", "truth_crc")}
    for region, metrics in image["metrics"].items():
        row |= {k if region == "all" else f"{region}_{k}": v for k, v in metrics.items()}
    for group in ("mask", "edges", "seam", "cube_seams"):
        row |= {f"{group}_{k}": v for k, v in image.get(group, {}).items()}
    if "flicker" in image:
        row["flicker"] = image["flicker"]
    return {k: "" if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _mean(values: list[float]) -> float:
    kept = [v for v in values if math.isfinite(v)]
    return float(np.mean(kept)) if kept else math.nan


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
