"""Running a node as a process: DDS profile, start, spin, and an end without noise on SIGINT and SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.utilities import remove_ros_args

from dap_core.errors import InputError
from dap_ros.transport import apply_profile


def run(program: str, make_node: Callable[[], Any], args: Sequence[str] | None = None) -> NoReturn:
    """Spin the node of `make_node` until a signal; ends the process, with 2 after one line on stderr for bad input.

    The node has `start()`, called once it exists, and `close()`, which ends its threads.
    """
    node: Any = None
    initialised = False
    code = 0
    try:
        apply_profile()
        rclpy.init(args=None if args is None else list(args))
        initialised = True
        _refuse_others(sys.argv if args is None else [program, *args])
        # Made before anything takes time: its constructor fails, with noise, once a signal has ended the context.
        executor = SingleThreadedExecutor()
        node = make_node()
        node.start()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        # What rclpy was making when the signal came (a Future, say) is freed half made, and its destructor complains.
        sys.unraisablehook = lambda unraisable: None
    except Exception as error:
        # RuntimeError from `init`: what rclpy raises for arguments that it cannot use.
        if isinstance(error, InputError) or (not initialised and isinstance(error, RuntimeError)):
            print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
            code = 2
        elif not initialised or rclpy.ok():  # what a signal overtook fails in many ways, and that is no fault
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


def _refuse_others(arguments: Sequence[str]) -> None:
    """Raise InputError for arguments that are not for ROS, which would be ignored: mostly `--ros-args` is missing."""
    others = remove_ros_args(args=list(arguments))[1:]
    if others:
        raise InputError(
            f"unexpected argument {others[0]}: parameters and remappings follow --ros-args, as in "
            "--ros-args -p NAME:=VALUE -r image:=/topic --params-file FILE"
        )
