"""A slot that holds the newest frame only, so that a slow model drops frames and never lags."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestFrame(Generic[T]):
    """Hand-over from the executor's thread to the worker's; `put` never blocks."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frame: T | None = None
        self._closed = False

    def put(self, frame: T) -> bool:
        """Leave a frame; returns whether it displaced one that nobody had taken."""
        with self._condition:
            displaced = self._frame is not None
            self._frame = frame
            self._condition.notify()
            return displaced

    def take(self) -> T | None:
        """Wait for a frame and take it; None once the slot is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._frame is not None)
            frame, self._frame = self._frame, None
            return None if self._closed else frame

    def close(self) -> None:
        """Let `take` return None from now on."""
        with self._condition:
            self._closed = True
            self._frame = None
            self._condition.notify_all()
