"""Slots that hold the newest frame of each camera only, so that a slow model drops frames and never lags."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestFrames(Generic[T]):
    """Hand-over from the executor's thread to a worker's; only that waits, and `take` gives the cameras fair turns."""

    def __init__(self, cameras: Sequence[str]) -> None:
        self._condition = threading.Condition()
        self._frames: dict[str, T | None] = dict.fromkeys(cameras)
        self._closed = False

    def put(self, camera: str, frame: T) -> bool:
        """Leave a frame; returns whether it displaced one that nobody had taken."""
        with self._condition:
            displaced = self._frames[camera] is not None
            self._frames[camera] = frame
            self._condition.notify_all()
            return displaced

    def offer(self, camera: str, frame: T) -> None:
        """Leave a frame, unless one waits already."""
        with self._condition:
            if self._frames[camera] is None:
                self._frames[camera] = frame
                self._condition.notify_all()

    def wait(self) -> bool:
        """Wait until there is a frame to take; false once the slots are closed."""
        with self._condition:
            while not self._closed and not any(frame is not None for frame in self._frames.values()):
                self._condition.wait()
            return not self._closed

    def take(self) -> tuple[str, T] | None:
        """Wait for a frame and take it, of the camera served longest ago; None once the slots are closed."""
        with self._condition:
            while not self._closed:
                for camera, frame in self._frames.items():
                    if frame is not None:
                        del self._frames[camera]
                        self._frames[camera] = None  # at the end of the order now
                        return camera, frame
                self._condition.wait()
            return None

    def close(self) -> None:
        """Let `take` return None from now on."""
        with self._condition:
            self._closed = True
            self._frames = dict.fromkeys(self._frames)
            self._condition.notify_all()
