"""A film of a panoramic video: the picture and its depth side by side, with a scale in metres.

The depth of every frame is kept as a picture in `OUT.part` until the film is whole, so that a run that was stopped, or
killed, goes on with the next frame; frames that are there are only read again.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.estimate import DepthEstimator
from dap_core.io.atomic import written_beside
from dap_core.io.images import read_image, write_image
from dap_core.io.video import VideoFacts, frames_of, video_facts, video_writer
from dap_core.panorama_input import InputConfig, PanoramaInput
from dap_core.picture import LIMITS, colourise
from dap_core.products.edges import without

#: Rows of the film, and columns of its scale.
ROWS, SCALE_COLUMNS = 512, 64

_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class FilmReport:
    """Frames of the film, how many of them were there from an earlier run, and how many the video announced."""

    frames: int
    resumed: int
    announced: int


def make_film(
    source: Path,
    out: Path,
    estimator: DepthEstimator,
    camera: PanoramaInput | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FilmReport:
    """Write `out` (.mp4); calls progress(frames done, frames announced). `camera` says what its images are.

    Raises InputError for a video that cannot be decoded, has no frames, or whose frames are not what `camera` sends.
    """
    camera = camera or PanoramaInput(InputConfig())
    facts = video_facts(source)
    try:
        camera.check_shape(facts.height, facts.width)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    part = out.with_name(f"{out.name}.part")
    resumed = _prepare(part, _job(source, facts, estimator, camera))
    count = used = 0
    with video_writer(out, 4 * ROWS + SCALE_COLUMNS, ROWS, facts.rate_hz) as add:
        for count, frame in enumerate(frames_of(source), 1):
            kept = part / f"{count - 1:08d}.png"
            if kept in resumed:
                colours = read_image(kept)
                used += 1
            else:
                colours = _depth(estimator, camera, frame)
                write_image(kept, colours)
            add(_side_by_side(camera.panorama(frame, ROWS)[0], colours))
            progress(count, facts.frames)
        if not count:
            shutil.rmtree(part)
            raise InputError(f"{source}: no frame of it can be decoded")
    shutil.rmtree(part)
    return FilmReport(count, used, facts.frames)


def _depth(estimator: DepthEstimator, camera: PanoramaInput, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The range of a frame in colours, at the model's resolution."""
    panorama, unknown = camera.panorama(frame, estimator.spec.height)
    depth = estimator(panorama)
    return colourise(depth.range_m if unknown is None else without(depth, unknown).range_m)


def _prepare(part: Path, job: Mapping[str, Any]) -> frozenset[Path]:
    """The frames in `part` that are of this job; those of another are removed."""
    note = part / "job.json"
    try:
        same = json.loads(note.read_text(encoding="utf-8")) == job
    except (OSError, ValueError):
        same = False
    if same:
        return frozenset(part.glob("*.png"))
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot write {part}: {error.strerror}") from None
    with written_beside(note) as beside:
        beside.write_text(json.dumps(job) + "\n", encoding="utf-8")
    return frozenset()


def _job(source: Path, facts: VideoFacts, estimator: DepthEstimator, camera: PanoramaInput) -> dict[str, Any]:
    """Everything that the frames depend on."""
    file = source.stat()
    return {
        "source": str(source.resolve()),
        "file": [file.st_size, file.st_mtime_ns],
        "size": [facts.width, facts.height],
        "model": estimator.spec.weights_sha256,
        "input": json.loads(json.dumps(dataclasses.asdict(camera.config))),
        "limits": list(LIMITS),
    }


def _side_by_side(picture: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture (ROWS, 2 ROWS, 3), its depth in colours, and the scale: (ROWS, 4 ROWS + SCALE_COLUMNS, 3)."""
    depth = cv2.resize(colours, (2 * ROWS, ROWS), interpolation=cv2.INTER_NEAREST)
    return np.concatenate([picture, np.asarray(depth, np.uint8), _scale()], axis=1)


@lru_cache(maxsize=1)
def _scale() -> NDArray[np.uint8]:
    """The colours of range with metres beside them, near at the bottom."""
    low, high = LIMITS
    metres = np.geomspace(high, low, ROWS)[:, None]
    image = np.full((ROWS, SCALE_COLUMNS, 3), 255, np.uint8)
    image[:, :20] = colourise(np.broadcast_to(metres, (ROWS, 20)))
    for tick in _TICKS:
        row = round((ROWS - 1) * np.log(high / tick) / np.log(high / low))
        image[row, 20:25] = 0
        text = (27, min(max(row + 4, 12), ROWS - 4))
        cv2.putText(image, f"{tick:g}", text, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(image, "m", (48, ROWS - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return image
