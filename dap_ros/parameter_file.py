"""The commented parameter file and the page about parameters, written from the settings themselves."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator
from typing import Any

from dap_core.settings import fields

_WIDTH = 118

_PAGE = """\
# Parameters of depth_node

Written by `dap parameters --markdown`; `config/dap.yaml` holds the same set. `when`: `start` is fixed when the process
starts, `configure` is read when the node is configured (to change it: cleanup, set, configure), `dynamic` takes effect
with the next frame. With `cameras`, those of the mount ({mount})
exist once more for each camera: `front.camera_height`.

"""

_HEADER = """\
# Parameters of depth_node with their defaults, written by `dap parameters`. Any name and namespace of the node matches.
#
#   [start]      fixed when the process starts
#   [configure]  read when the node is configured; to change it: cleanup, set, configure
#   [dynamic]    takes effect with the next frame
"""


def parameter_file(kind: type) -> str:
    """YAML for `--params-file`: every parameter with its default, described, bounded, grouped."""
    lines = [_HEADER.rstrip(), "/**:", "  ros__parameters:"]
    group: list[str] = []
    for name, f in _ordered(kind):
        *groups, last = name.split(".")
        for depth, part in enumerate(groups):
            if groups[: depth + 1] != group[: depth + 1]:
                lines += ["", f"{'  ' * (depth + 2)}{part}:"]
        group = groups
        indent = "  " * (len(groups) + 2)
        lines += [f"{indent}# {line}" for line in _wrapped(f, len(indent) + 2)]
        lines.append(f"{indent}{last}: {yaml_value(f.default)}")
    return "\n".join(lines) + "\n"


def parameter_page(kind: type, mount: type) -> str:
    """Markdown page with a table of every parameter; `mount` are those of one camera."""
    of_mount = dict.fromkeys(f"{name.split('.')[0]}.*" if "." in name else name for name, _ in _ordered(mount))
    return _PAGE.format(mount=", ".join(f"`{name}`" for name in of_mount)) + parameter_table(kind)


def parameter_table(kind: type) -> str:
    """Markdown table of every parameter."""
    rows = ["| parameter | type | default | allowed | when | what |", "| --- | --- | --- | --- | --- | --- |"]
    for name, f in _ordered(kind):
        m = f.metadata
        kind_name = "string[]" if isinstance(f.default, tuple) else type(f.default).__name__
        cells = (f"`{name}`", kind_name, f"`{yaml_value(f.default)}`", allowed(f), m["when"], m["description"])
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def allowed(f: dataclasses.Field[Any]) -> str:
    """What a setting may be, in words: its choices or its range; empty where anything goes."""
    m = f.metadata
    if m["choices"]:
        return ", ".join(m["choices"])
    return f"{_number(m['low'])} to {_number(m['high'])}" if m["low"] is not None else ""


def yaml_value(value: Any) -> str:
    """A default as YAML; an empty list is a list of one empty string, since YAML gives an empty one no type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(yaml_value(v) for v in value or ("",)) + "]"
    if isinstance(value, str):
        return value if value.replace("-", "").replace("_", "").isalpha() and value != "none" else f'"{value}"'
    return repr(value)


def _ordered(kind: type) -> list[tuple[str, dataclasses.Field[Any]]]:
    """The node's own settings, then the groups."""
    return sorted(fields(kind), key=lambda named: "." in named[0])


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _wrapped(f: dataclasses.Field[Any], indent: int) -> Iterator[str]:
    bounds = allowed(f)
    text = f"[{f.metadata['when']}] {f.metadata['description']}" + (f" ({bounds})" if bounds else "")
    yield from textwrap.wrap(text, _WIDTH - indent)
