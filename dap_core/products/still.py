"""The robot in its own pictures: what stays the same in the panorama while everything else moves by."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core import panorama
from dap_core.errors import InputError

#: A pixel is still when its change is below this many times that of the seeds, within these bounds (relative).
_TIMES_SEEDS, _LEAST, _MOST = 4.0, 0.06, 0.2

#: The share of frames in which a still pixel is still: a shadow or a passing reflection may touch the rest.
_MOST_FRAMES = 90

#: Added to levels before their logarithm, so that noise in the dark counts little.
_DARK = 16.0

#: Holes up to this share of the sphere belong to the robot.
_HOLE = 0.002


def still_part(frames: NDArray[np.uint8], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(h, 2 h) bool, true where nothing changes over the frames, in one piece with the `seeds`, and two pixels around.

    `frames` (N, h, 2 h, 3) uint8, N >= 5, are panoramas from a camera that is fixed to a robot which drives; `seeds`
    (h, 2 h) bool is a part of the robot. Change is relative and free of what changes all seeds alike (exposure), and
    is measured against that of the seeds (noise, compression). A surface without any texture that touches the robot
    (a bare floor, a clear sky) does not change either: the result is a proposal to look at.

    Raises InputError for fewer than five frames, and where most of the seeds are not still themselves.
    """
    if len(frames) < 5:
        raise InputError(f"what stays still shows in five pictures or more, got {len(frames)}")
    if not seeds.any():
        raise InputError("what belongs to the robot is found from a part of it, and no part was given")
    change = _change(frames, seeds)
    still = change < np.clip(_TIMES_SEEDS * np.median(change[seeds]), _LEAST, _MOST)
    if still[seeds].mean() < 0.5:
        raise InputError("the part of the robot to begin with (straight down, cuts, polygons) changes between pictures")
    robot = connected(still, seeds & still)
    return _around(_without_holes(_around(robot, 1)), 1)


def connected(mask: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a panorama's mask (h, w) that touch the seeds, each with its continuation across the seam."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    kept = np.zeros(count, bool)
    kept[labels[seeds & mask]] = True
    touching = mask[:, 0] & mask[:, -1]
    pairs = np.unique(np.stack([labels[touching, 0], labels[touching, -1]]), axis=1)
    before = -1
    while before != (before := int(kept.sum())):
        joined = kept[pairs].any(0)
        kept[pairs[:, joined]] = True
    kept[0] = False
    return kept[labels]


def _change(frames: NDArray[np.uint8], seeds: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much each pixel differs from its median in all but the last tenth of the frames; relative, (h, w)."""
    levels = np.stack([np.log(cv2.blur(f, (3, 3)).astype(np.float32) + np.float32(_DARK)) for f in frames])
    on_seeds = levels[:, seeds]
    levels -= np.median(on_seeds - np.median(on_seeds, axis=0), axis=(1, 2))[:, None, None, None]
    levels -= np.median(levels, axis=0)
    return np.percentile(np.abs(levels, out=levels).max(-1), _MOST_FRAMES, axis=0).astype(np.float32)


def _around(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask and `pixels` around it, across the seam as well."""
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    wide = cv2.copyMakeBorder(mask.astype(np.uint8), 0, 0, pixels, pixels, cv2.BORDER_WRAP)
    return cv2.dilate(wide, kernel)[:, pixels:-pixels].astype(bool)


def _without_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels = cv2.connectedComponents((~mask).astype(np.uint8), connectivity=4)
    share = np.broadcast_to(panorama.solid_angles(len(mask))[:, None] / (4.0 * np.pi), mask.shape)
    shares = np.bincount(labels.ravel(), share.ravel(), count)
    return mask | (shares < _HOLE)[labels]
