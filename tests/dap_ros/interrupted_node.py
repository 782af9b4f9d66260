"""depth_node that sends itself a signal at a moment of its start.

python interrupted_node.py MOMENT SIGNAL --ros-args ...
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from rclpy.task import Future

from dap_core.estimate import DepthEstimator
from dap_ros.depth_node import DepthNode, main
from dap_ros.parameters import NodeSettings

#: What is called at each moment.
MOMENTS: dict[str, tuple[type, str]] = {
    "construction": (NodeSettings, "__init__"),
    "model": (DepthEstimator, "open"),
    "activation": (DepthNode, "on_activate"),
    "first callback": (Future, "__init__"),  # left half made, its destructor fails
}


def interrupted(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """The call, with the signal before it."""

    def call_after_signal(*args: Any, **kwargs: Any) -> Any:
        os.kill(os.getpid(), number)
        return call(*args, **kwargs)

    return call_after_signal


if __name__ == "__main__":
    owner, name = MOMENTS[sys.argv[1]]
    setattr(owner, name, interrupted(getattr(owner, name), int(sys.argv[2])))
    main(sys.argv[3:])
