"""Starting Warp without its banner, and checking that a device is there."""

from __future__ import annotations

import os
import sys
import tempfile

import warp as wp

from dap_core.errors import InputError

NO_DRIVER = "Could not find or load the NVIDIA CUDA driver"


def start(device: str) -> None:
    """Initialise Warp and make sure that it has `device` ("cpu", "cuda:0"); InputError if not."""
    wp.config.log_level = wp.LOG_WARNING
    _without_driver_warning()
    devices = [str(d) for d in wp.get_devices()]
    if device not in devices:
        raise InputError(f"Warp has no device {device!r} here: use one of {', '.join(devices)}")


def _without_driver_warning() -> None:
    """wp.init(), whose native part writes to stderr that a machine without a GPU has none."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            wp.init()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        told.seek(0)
        for line in told.read().decode(errors="replace").splitlines():
            if NO_DRIVER not in line:
                print(line, file=sys.stderr)
