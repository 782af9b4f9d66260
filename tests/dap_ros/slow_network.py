"""depth_node with a network that takes a known time, whatever else the machine does: `slow_node` starts one.

SLOW_NETWORK_S=0.08 python slow_network.py --ros-args ...
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ros_process import RosProcess

from dap_core.estimate import DepthEstimator
from dap_ros.depth_node import main

_VARIABLE = "SLOW_NETWORK_S"


def slow_node(network_s: float, parameters: Mapping[str, Any], remap: Mapping[str, str]) -> RosProcess:
    """A depth_node whose network takes `network_s` seconds."""
    words = [w for k, v in parameters.items() for w in ("-p", f"{k}:={json.dumps(v)}")]
    words += [w for k, v in remap.items() for w in ("-r", f"{k}:={v}")]
    command = [sys.executable, str(Path(__file__).resolve()), "--ros-args", *words]
    return RosProcess("", {}, command=command, env=os.environ | {_VARIABLE: str(network_s)})


def slow(infer: Any, network_s: float) -> Any:
    """`infer`, which takes the known time and like a real network leaves the interpreter to others meanwhile."""

    def run(self: DepthEstimator, batch: Any) -> Any:
        until = time.perf_counter() + network_s
        result = infer(self, batch)
        time.sleep(max(0.0, until - time.perf_counter()))
        return result

    return run


if __name__ == "__main__":
    DepthEstimator.infer = slow(DepthEstimator.infer, float(os.environ[_VARIABLE]))  # type: ignore[method-assign]
    sys.exit(main())
