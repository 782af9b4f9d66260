"""depth_node with a network that takes a known time, whatever else the machine does: `slow_node` starts one.

It notes every call: the green and the blue value of its image's first pixel, which say whose it is, and when it began
and ended. SLOW_NETWORK_S=0.08 SLOW_NETWORK_LOG=calls.txt python slow_network.py --ros-args ...
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ros_process import RosProcess

from dap_core.estimate import DepthEstimator
from dap_ros.depth_node import main

_SECONDS, _LOG = "SLOW_NETWORK_S", "SLOW_NETWORK_LOG"


@dataclass(frozen=True)
class Call:
    """One call of the network: two values of the image's first pixel, and seconds by the clock of stamps."""

    green: int
    blue: int
    began: float
    ended: float


def slow_node(
    network_s: float, parameters: Mapping[str, Any], remap: Mapping[str, str], log: Path = Path(os.devnull)
) -> RosProcess:
    """A depth_node whose network takes `network_s` seconds, and notes its calls in `log`."""
    words = [w for k, v in parameters.items() for w in ("-p", f"{k}:={json.dumps(v)}")]
    words += [w for k, v in remap.items() for w in ("-r", f"{k}:={v}")]
    command = [sys.executable, str(Path(__file__).resolve()), "--ros-args", *words]
    return RosProcess("", {}, command=command, env=os.environ | {_SECONDS: str(network_s), _LOG: str(log)})


def calls_in(log: Path) -> list[Call]:
    """What was noted."""
    rows = (line.split() for line in log.read_text().splitlines())
    return [Call(int(green), int(blue), float(began), float(ended)) for green, blue, began, ended in rows]


def slow(infer: Any, network_s: float, log: Any) -> Any:
    """`infer`, which takes the known time and like a real network leaves the interpreter to others meanwhile."""

    def run(self: DepthEstimator, batch: Any) -> Any:
        began, until = time.time(), time.perf_counter() + network_s
        result = infer(self, batch)
        time.sleep(max(0.0, until - time.perf_counter()))
        _, green, blue = batch[0, 0, 0]
        log.write(f"{green} {blue} {began:.6f} {time.time():.6f}\n")
        return result

    return run


if __name__ == "__main__":
    with open(os.environ[_LOG], "w", buffering=1) as log:
        made = slow(DepthEstimator.infer, float(os.environ[_SECONDS]), log)
        DepthEstimator.infer = made  # type: ignore[method-assign]
        main()
