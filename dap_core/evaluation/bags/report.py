"""The report of a bag's evaluation: a table for the terminal, JSON, CSV by frame, and pictures."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transforms3d.quaternions import mat2quat

from dap_core.errors import InputError
from dap_core.evaluation.bags.charts import write_figures, write_overlay
from dap_core.evaluation.bags.checks import Shift, Turn
from dap_core.evaluation.bags.evaluate import BagEvaluation
from dap_core.evaluation.metrics import metrics_of
from dap_core.evaluation.regions import RANGE_BINS, REGIONS, WEIGHTINGS
from dap_core.io.atomic import written_beside

if TYPE_CHECKING:
    from rich.console import Console


def print_report(console: Console, found: BagEvaluation) -> None:
    """Figures by range, and what the checks found."""
    from rich.table import Table

    title = f"{found.source} against {found.options.truth}: {len(found.frames)} frames"
    table = Table(title=title, title_justify="left")
    for heading in ("truth", "points", "AbsRel", "RMSE m", "delta1"):
        table.add_column(heading, justify="left" if heading == "truth" else "right")
    for name in ("all", *RANGE_BINS):
        sums = found.sums[REGIONS.index(name), 0]
        m = metrics_of(sums)
        if sums[0] > 0:
            table.add_row(name, f"{sums[0]:.0f}", f"{m.absrel:.4f}", f"{m.rmse:.3f}", f"{m.delta1:.3f}")
    console.print(table)
    for line in summary(found):
        console.print(line, highlight=False, soft_wrap=True)


def summary(found: BagEvaluation) -> Iterator[str]:
    """What is to be said in words, line by line."""
    count = len(found.frames)
    hidden, missed = (sum(getattr(f, name) for f in found.frames) / count for name in ("hidden", "missed"))
    yield (
        f"depth / truth {found.ratio:.4f} (median); hidden from the camera {100 * hidden:.1f} % of the truth; "
        f"called far though seen by the truth {100 * missed:.1f} %"
    )
    if found.unpaired:
        yield f"{found.unpaired} frames have no truth within {found.options.max_dt_s:g} s"
    if found.faults:
        yield f"{len(found.faults)} frames could not be used, the first: {found.faults[0]}"
    turn, shift = found.checks.turn, found.checks.shift
    if turn is not None and turn.clear:
        yield from _turn_lines(turn)
    if shift is not None and shift.clear:
        yield _shift_line(shift, found.options.time_offset_s)
    if turn is not None and shift is not None and not (turn.clear or shift.clear):
        yield "extrinsics and clock: no other rotation or offset would fit clearly better"


def _turn_lines(turn: Turn) -> Iterator[str]:
    yaw, pitch, roll = turn.degrees
    yield (
        f"the extrinsics look wrong: turned by yaw {yaw:+.1f}, pitch {pitch:+.1f}, roll {roll:+.1f} degrees the misfit "
        f"falls from {turn.before:.3f} to {turn.after:.3f} ({100 * turn.better:.0f} % of the frames gain)"
    )
    pose = pose_values(turn)
    yield f"with that, an extrinsics file says: translation: {pose['translation']}, rotation: {pose['rotation']}"


def _shift_line(shift: Shift, given_s: float) -> str:
    bound = "at least " if shift.at_edge else ""
    return (
        f"the clock looks wrong: with {bound}{shift.offset_s:+.3f} s added to the truth's stamps the misfit falls from "
        f"{shift.before:.3f} to {shift.after:.3f} ({100 * shift.better:.0f} % of the frames gain): "
        f"--time-offset {given_s + shift.offset_s:.3f}"
    )


def pose_values(turn: Turn) -> dict[str, list[float]]:
    """The corrected pose as an extrinsics file has it."""
    w, x, y, z = (round(float(v), 6) for v in mat2quat(turn.pose.rotation))
    return {"translation": [round(float(v), 4) for v in turn.pose.translation], "rotation": [x, y, z, w]}


def report_of(found: BagEvaluation) -> dict[str, Any]:
    """Everything but the pictures, as JSON has it: nan is null."""
    o = asdict(found.options) | {"extrinsics": found.options.extrinsics and str(found.options.extrinsics)}
    turn, shift = found.checks.turn, found.checks.shift
    regions = {
        name: {w: asdict(metrics_of(found.sums[i, j])) for j, w in enumerate(WEIGHTINGS)}
        | {"points": float(found.sums[i, 0, 0])}
        for i, name in enumerate(REGIONS)
    }
    checks: dict[str, Any] = {"extrinsics": None, "clock": None}
    if turn is not None:
        keys = ("before", "after", "better", "clear")
        checks["extrinsics"] = {k: getattr(turn, k) for k in keys} | pose_values(turn)
        checks["extrinsics"] |= dict(zip(("yaw_deg", "pitch_deg", "roll_deg"), turn.degrees, strict=True))
    if shift is not None:
        facts = ("before", "after", "better", "clear", "offset_s", "at_edge")
        checks["clock"] = {k: getattr(shift, k) for k in facts} | {"curve": shift.curve.tolist()}
    frames = [asdict(f) | {"metrics": asdict(f.metrics)} for f in found.frames]
    values = {
        "bag": found.bag,
        "depth": found.source,
        "truth_type": found.truth_type,
        "options": o,
        "ratio": found.ratio,
        "regions": regions,
        "checks": checks,
        "unpaired": found.unpaired,
        "faults": found.faults,
        "frames": frames,
    }
    return _plain(values)


def write_report(folder: Path, found: BagEvaluation) -> list[Path]:
    """Write report.json, frames.csv, figures.png and overlay.png; the paths. Raises InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None
    paths = [folder / name for name in ("report.json", "frames.csv", "figures.png", "overlay.png")]
    with written_beside(paths[0]) as beside:
        beside.write_text(json.dumps(report_of(found), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    with written_beside(paths[1]) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        rows = [asdict(f) for f in found.frames]
        rows = [{k: v for k, v in r.items() if k != "metrics"} | r["metrics"] for r in rows]
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    write_figures(paths[2], found)
    write_overlay(paths[3], found)
    return [path for path in paths if path.exists()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
