"""The `dap` command: sub-commands are found through the entry-point group `dap.commands`.

Each entry point names a module with `HELP` (one line), `configure(parser)` and `run(args) -> int`. The modules import
nothing heavy at the top, so that `dap --help` is quick and a missing extra is reported by the command that needs it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Sequence

from dap_core.errors import InputError

GROUP = "dap.commands"

#: Which extra brings a module that a command may lack.
EXTRAS = {
    "torch": "torch",
    "safetensors": "torch",
    "openvino": "openvino",
    "onnx": "export",
    "onnxscript": "export",
    "warp": "train",
    "lightning": "train",
    "rclpy": "ros-wheels",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one `dap` command; returns the exit code. Bad input is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="dap", description="Metric depth from 360-degree panoramas.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda e: e.name):
        try:
            module = entry.load()
        except ImportError as error:
            _add_unavailable(commands, entry.name, error)
            continue
        sub = commands.add_parser(entry.name, help=module.HELP, description=module.HELP)
        module.configure(sub)
        sub.set_defaults(run_command=module.run)
    args = parser.parse_args(argv)
    try:
        return args.run_command(args) or 0
    except InputError as error:
        print(f"dap {args.command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        print(
            f"dap {args.command}: needs {error.name}, which is not installed: pip install 'dap_ros[{extra}]'",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"dap {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _add_unavailable(commands: argparse._SubParsersAction, name: str, error: ImportError) -> None:
    """A command whose module does not import: the others still work, and it says why when it is called."""

    def run(args: argparse.Namespace) -> int:
        if isinstance(error, ModuleNotFoundError):
            raise error
        raise InputError(f"not available here: {error}")

    # No character begins an option, so whatever is given is taken.
    sub = commands.add_parser(name, help=f"not available here: {error}", add_help=False, prefix_chars="\0")
    sub.add_argument("rest", nargs="*")
    sub.set_defaults(run_command=run)


if __name__ == "__main__":
    sys.exit(main())
