"""`dap parameters`: the parameter file of depth_node, or the page about it, from the settings in the code."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write the node's commented parameter file, or the page with a table of all parameters"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dap parameters`."""
    parser.add_argument("--markdown", action="store_true", help="docs/parameters.md instead of a YAML file")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Write or print."""
    from dap_core.io.atomic import written_beside
    from dap_core.pipeline import MountConfig
    from dap_ros.parameter_file import parameter_file, parameter_page
    from dap_ros.parameters import NodeParameters

    text = parameter_page(NodeParameters, MountConfig) if args.markdown else parameter_file(NodeParameters)
    if args.out is None:
        print(text, end="")
        return 0
    with written_beside(args.out) as beside:
        beside.write_text(text)
    print(args.out)
    return 0
