"""Whether extrinsics and clock can be believed: would another rotation, or another offset, fit clearly better?

The misfit of a set of pairs is the mean square of |ln p - ln t - m|, cut off at `CUT`, over points: p what the camera's
depth says along the point, t its distance, m the median of ln p - ln t, so that a wrong scale of the depth is not taken
for a wrong place.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dap_core.evaluation.bags.visibility import range_along
from dap_core.io.frame_tree import Pose
from dap_core.panorama import yaw_pitch_roll

#: |ln p - ln t - m| that counts as plainly wrong, whatever is more.
CUT = 0.4
#: A correction is clear where it takes this share of the misfit away, in this share of the frames.
CLEAR_GAIN, CLEAR_FRAMES = 0.35, 0.65
#: Smaller corrections (degrees, seconds) are within what calibrations and stamps are good for.
LEAST_TURN, LEAST_OFFSET = 0.7, 0.01
#: Points of each frame that are used, and in the first, coarse search.
POINTS, COARSE_POINTS = 3000, 800


@dataclass(frozen=True)
class Probe:
    """One frame for the checks.

    range_m   (h, 2 h) the camera's depth
    pose      of the truth's sensor in the camera's body frame
    offsets   (K,) seconds to add to the truth's stamps so that each of `points` would be of the picture's moment
    points    K arrays (N, 3) in the truth's frame
    """

    range_m: NDArray[np.float32]
    pose: Pose
    offsets: NDArray[np.float64]
    points: tuple[NDArray[np.float32], ...]

    def at(self, offset_s: float) -> NDArray[np.float32]:
        """The points that an offset of the clock pairs with this frame."""
        return self.points[int(np.abs(self.offsets - offset_s).argmin())]


@dataclass(frozen=True)
class Correction:
    """A change of the extrinsics or of the clock, and what it does.

    before, after  root of the misfit
    better         share of the frames that fit better with it
    clear          whether that is enough to say so
    """

    before: float
    after: float
    better: float
    clear: bool


@dataclass(frozen=True)
class Turn(Correction):
    """`rotation` (3, 3) turns the sensor about its own place, in the camera's body frame; `pose` is then its pose."""

    rotation: NDArray[np.float64]
    pose: Pose

    @property
    def degrees(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll of the rotation (REP 103)."""
        r = self.rotation
        angles = np.arctan2(r[1, 0], r[0, 0]), -np.arcsin(np.clip(r[2, 0], -1, 1)), np.arctan2(r[2, 1], r[2, 2])
        yaw, pitch, roll = (float(np.degrees(angle)) for angle in angles)
        return yaw, pitch, roll

    @property
    def angle(self) -> float:
        """Degrees about one axis."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.rotation) - 1.0) / 2.0, -1.0, 1.0))))


@dataclass(frozen=True)
class Shift(Correction):
    """`offset_s` is to be added to the truth's stamps; `curve` (n, 2) is root misfit by offset; `at_edge`: or more."""

    offset_s: float
    curve: NDArray[np.float64]
    at_edge: bool


@dataclass(frozen=True)
class Checks:
    """The best correction of each kind; None where there was too little to say."""

    turn: Turn | None = None
    shift: Shift | None = None


def check(probes: Sequence[Probe]) -> Checks:
    """The better of the two corrections, and the other one on top of it where that is clear as well."""
    probes = [p for p in probes if any(len(points) >= 20 for points in p.points)]
    if not probes:
        return Checks()
    turn, shift = best_turn(probes), best_shift(probes)
    if turn.clear and (shift is None or not shift.clear or turn.after <= shift.after):
        second = best_shift(probes, turn.rotation)
        return Checks(turn, second if second is None or second.clear or shift is None else _unclear(shift))
    if shift is not None and shift.clear:
        second_turn = best_turn(probes, shift.offset_s)
        return Checks(second_turn if second_turn.clear else _unclear(turn), shift)
    return Checks(turn, shift)


def best_turn(probes: Sequence[Probe], offset_s: float = 0.0) -> Turn:
    """The rotation of the sensor about its own place that fits best: coarsely anything, then finely from the best."""
    sets = [_thinned(p.at(offset_s), POINTS) for p in probes]
    few = [_thinned(points, COARSE_POINTS) for points in sets]
    candidates = [np.eye(3), *_axis_rotations(), *(yaw_pitch_roll(np.radians(a)) for a in range(-175, 181, 5))]
    costs = [_misfits(probes, few, r).mean() for r in candidates]
    # Far from the truth the misfit is flat and rough: go on from what is given unless another is clearly better.
    best = candidates[int(np.argmin(costs))] if min(costs) < (1.0 - CLEAR_GAIN) * costs[0] else candidates[0]
    rotation, step = best, 4.0
    cost = _misfits(probes, sets, rotation).mean()
    while step > 0.04:
        trials = [_turned(rotation, axis, sign * step) for axis in range(3) for sign in (-1.0, 1.0)]
        trial_costs = [_misfits(probes, sets, r).mean() for r in trials]
        least = int(np.argmin(trial_costs))
        if trial_costs[least] < cost * (1.0 - 1e-3):
            rotation, cost = trials[least], trial_costs[least]
        else:
            step /= 2.0
    before, after = _misfits(probes, sets, np.eye(3)), _misfits(probes, sets, rotation)
    pose = probes[len(probes) // 2].pose
    corrected = Pose(rotation @ pose.rotation, pose.translation)
    turn = Turn(*_verdict(before, after), rotation, corrected)
    return turn if turn.angle >= LEAST_TURN else _unclear(turn)


def best_shift(probes: Sequence[Probe], rotation: NDArray[np.float64] | None = None) -> Shift | None:
    """The offset of the truth's clock that fits best; None where the truth does not come before and after pictures."""
    turn = np.eye(3) if rotation is None else rotation
    offsets = [p.offsets for p in probes]
    costs = [
        np.array([float(_misfits([p], [_thinned(points, POINTS)], turn)[0]) for points in p.points]) for p in probes
    ]
    every = np.concatenate(offsets)
    steps = np.concatenate([np.diff(np.sort(o)) for o in offsets if len(o) > 1] or [np.zeros(0)])
    if not steps.size or every.min() > 0.0 or every.max() < 0.0:
        return None
    period = max(float(np.median(steps)), 1e-3)
    grid = np.arange(np.ceil(every.min() / period), np.floor(every.max() / period) + 1) * period
    curve = np.array([_at(offsets, costs, g).mean() for g in grid])
    tried = np.array([_at(offsets, offsets, g).mean() for g in grid])
    coarse = int(curve.argmin())
    best = _vertex(offsets, costs, float(grid[coarse]), max(2.0 * period, 0.1))
    best = float(np.clip(best, grid[coarse] - period, grid[coarse] + period))
    before, after = _at(offsets, costs, 0.0), _at(offsets, costs, best)
    at_edge = coarse in (0, len(grid) - 1)
    shift = Shift(*_verdict(before, after), best, np.column_stack([tried, np.sqrt(curve)]), at_edge)
    return shift if abs(best) >= max(LEAST_OFFSET, 0.25 * period) else _unclear(shift)


def _verdict(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float, float, bool]:
    """Root misfits, share of frames that gain, and whether that is clear."""
    better = float((after < before).mean())
    clear = after.mean() < (1.0 - CLEAR_GAIN) * before.mean() and better >= CLEAR_FRAMES
    return float(np.sqrt(before.mean())), float(np.sqrt(after.mean())), better, bool(clear)


C = TypeVar("C", bound=Correction)


def _unclear(correction: C) -> C:
    return dataclasses.replace(correction, clear=False)


def _misfits(
    probes: Sequence[Probe], sets: Sequence[NDArray[np.float32]], rotation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Misfit of every frame, with one median for all."""
    logs = []
    for probe, points in zip(probes, sets, strict=True):
        placed = points @ (rotation @ probe.pose.rotation).T + probe.pose.translation
        with np.errstate(divide="ignore", invalid="ignore"):
            logs.append(np.log(range_along(probe.range_m, placed) / np.linalg.norm(placed, axis=1)))
    all_logs = np.concatenate(logs)
    finite = all_logs[np.isfinite(all_logs)]
    middle = float(np.median(finite)) if finite.size else 0.0
    # What the camera calls far, or does not know, fits as badly as can be.
    squares = [np.minimum(np.nan_to_num(np.abs(log - middle), nan=CUT, posinf=CUT), CUT) ** 2 for log in logs]
    return np.array([s.mean() if s.size else CUT**2 for s in squares])


def _at(offsets: Sequence[NDArray], costs: Sequence[NDArray], offset_s: float) -> NDArray[np.float64]:
    """Every frame's value for the truth that an offset pairs with it."""
    return np.array([c[int(np.abs(o - offset_s).argmin())] for o, c in zip(offsets, costs, strict=True)])


def _vertex(offsets: Sequence[NDArray], costs: Sequence[NDArray], near: float, reach: float) -> float:
    """Vertex of the parabola through all misfits within `reach` of an offset, each frame with a level of its own."""
    rows, values = [], []
    for o, c in zip(offsets, costs, strict=True):
        use = np.abs(o - near) <= reach
        if use.sum() >= 2:
            x = np.column_stack([o[use] ** 2, o[use]])
            rows.append(x - x.mean(0))
            values.append(c[use] - c[use].mean())
    if not rows:
        return near
    (square, linear), *_ = np.linalg.lstsq(np.concatenate(rows), np.concatenate(values), rcond=None)
    return float(-linear / (2.0 * square)) if square > 0.0 else near


def _thinned(points: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    return points if len(points) <= count else points[np.linspace(0, len(points) - 1, count).astype(np.int64)]


def _turned(rotation: NDArray[np.float64], axis: int, degrees: float) -> NDArray[np.float64]:
    angles = [0.0, 0.0, 0.0]
    angles[axis] = np.radians(degrees)
    return yaw_pitch_roll(*angles) @ rotation


def _axis_rotations() -> list[NDArray[np.float64]]:
    """The 23 rotations that exchange axes, which is what a wrong convention makes of a pose."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            r = np.zeros((3, 3))
            r[range(3), order] = signs
            if np.linalg.det(r) > 0 and not np.array_equal(r, np.eye(3)):
                found.append(r)
    return found
