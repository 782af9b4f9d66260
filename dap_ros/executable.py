"""Running a node as a process: DDS profile, start, spin, and an end without noise on SIGINT and SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from dap_core.errors import InputError
from dap_ros.transport import apply_profile


def run(program: str, make_node: Callable[[], Any], args: Sequence[str] | None = None) -> NoReturn:
    """Spin the node of `make_node` until a signal; ends the process, with 2 after one line on stderr for bad input.

    The node has `start()`, called once it exists, and `close()`, which ends its threads.
    """
    node: Any = None
    code = 0
    try:
        apply_profile()
        rclpy.init(args=None if args is None else list(args))
        node = make_node()
        node.start()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        # RuntimeError without a context: what rclpy raises for arguments that it cannot use.
        if isinstance(error, InputError) or (node is None and isinstance(error, RuntimeError) and not rclpy.ok()):
            print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
            code = 2
        elif rclpy.ok():  # a callback that a signal overtook fails in many ways, and that is no fault
            raise
    finally:
        # An interpreter that exits with live threads in rcl aborts, so the end is not to be interrupted.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        # The executor is left as it is: rclpy's signal thread triggers executors' guard conditions without a lock, and
        # one that `shutdown` had freed meanwhile ended nodes by signal 11, in rcl_trigger_guard_condition.
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    # Everything that matters is closed; what is left would be freed in no particular order beside live threads.
    os._exit(code)
