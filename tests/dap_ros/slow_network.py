"""depth_node with a network that takes a known time: SLOW_NETWORK_S seconds a frame, whatever else the machine does."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from dap_core.estimate import DepthEstimator
from dap_ros.depth_node import main

NETWORK_S = float(os.environ["SLOW_NETWORK_S"])


def slow(infer: Any) -> Any:
    """`infer`, which takes the known time and like a real network leaves the interpreter to others meanwhile."""

    def run(self: DepthEstimator, batch: Any) -> Any:
        until = time.perf_counter() + NETWORK_S
        result = infer(self, batch)
        time.sleep(max(0.0, until - time.perf_counter()))
        return result

    return run


if __name__ == "__main__":
    DepthEstimator.infer = slow(DepthEstimator.infer)  # type: ignore[method-assign]
    sys.exit(main())
