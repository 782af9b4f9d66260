"""Worker processes of a command on this machine: a thread each, and none goes on when the command has ended."""

from __future__ import annotations

import os
import threading
from multiprocessing import connection, parent_process


def begin() -> None:
    """What a pool's worker begins with (its initializer)."""
    import cv2

    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """Killed, a command tells its workers nothing, and they would go on beside the one that continues it."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
