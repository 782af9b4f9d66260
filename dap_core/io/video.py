"""Videos in and out, by the codecs that OpenCV brings: RGB frames of any usual file, and MPEG-4 in an .mp4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dap_core.errors import InputError
from dap_core.io.atomic import written_beside

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"})

#: Frames a second of a file that does not say.
_RATE_HZ = 30.0


@dataclass(frozen=True)
class VideoFacts:
    """Size in pixels, frames a second, and how many frames the file announces (0 where it does not)."""

    width: int
    height: int
    rate_hz: float
    frames: int


def is_video(path: str | Path) -> bool:
    """Whether a path is named like a video."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def video_facts(path: str | Path) -> VideoFacts:
    """What a video says about itself. Raises InputError for a file that is missing or cannot be decoded."""
    with _opened(path) as capture:
        rate = capture.get(cv2.CAP_PROP_FPS)
        return VideoFacts(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            float(rate) if 0.1 <= rate <= 1000.0 else _RATE_HZ,
            max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))),
        )


def frames_of(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) uint8 RGB of every frame, up to the end or to where the file is damaged. Raises InputError."""
    with _opened(path) as capture:
        while True:
            ok, frame = capture.read()
            if not ok or frame is None:
                return
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)


@contextmanager
def video_writer(
    path: str | Path, width: int, height: int, rate_hz: float
) -> Iterator[Callable[[NDArray[np.uint8]], None]]:
    """A function that adds one frame (height, width, 3) RGB; `path`, an .mp4, is there when the context is left.

    MPEG-4 part 2, which every OpenCV can write and most players play. Raises InputError where it cannot be written.
    """
    with written_beside(path) as beside:
        writer = cv2.VideoWriter(str(beside), cv2.VideoWriter.fourcc(*"mp4v"), rate_hz, (width, height))
        try:
            if not writer.isOpened():
                raise InputError(f"cannot write {path}: this OpenCV has no MPEG-4 encoder")

            def add(frame: NDArray[np.uint8]) -> None:
                if frame.shape != (height, width, 3):
                    raise ValueError(f"a frame is {(height, width, 3)}, got {frame.shape}")
                writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

            yield add
        finally:
            writer.release()


@contextmanager
def _opened(path: str | Path) -> Iterator[cv2.VideoCapture]:
    if not Path(path).is_file():
        raise InputError(f"no video {path}")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise InputError(f"{path}: not a video that can be decoded; a recording that was cut short may be one")
        yield capture
    finally:
        capture.release()
