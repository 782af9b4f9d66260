"""The node's settings for work without the node, from the node's own parameter file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dap_core.errors import InputError
from dap_core.pipeline import MountConfig
from dap_core.run_config import RunConfig
from dap_core.settings import build, fields, flat

NODE = "depth_node"


@dataclass(frozen=True)
class OfflineSettings:
    """Settings of a run.

    config  of the run; `mounts` holds those of the cameras that are named
    unused  parameters of the file that are the node's alone and change nothing here
    """

    config: RunConfig = field(default_factory=RunConfig)
    mounts: Mapping[str, MountConfig] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def mount(self, namespace: str) -> MountConfig:
        """The mount of the camera whose topics are below a namespace: that of its last part, if it is one's name."""
        return self.mounts.get(namespace.rpartition("/")[2], self.config)


def read_settings(path: str | Path | None) -> OfflineSettings:
    """Settings of a ROS parameter file (`/**: ros__parameters: ...`, sections of depth_node), or of a plain mapping.

    Without a file: the defaults. Names that this module does not know are the node's alone, and are listed in
    `unused`. Raises InputError for a file that cannot be read and for values that are not allowed.
    """
    if path is None:
        return OfflineSettings()
    values = {
        name: tuple(v for v in value if v != "") if isinstance(value, list) else value
        for name, value in flat(_parameters(_document(Path(path)))).items()
    }
    try:
        return _settings(values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _settings(values: Mapping[str, Any]) -> OfflineSettings:
    own, of_mount = ({name for name, _ in fields(kind)} for kind in (RunConfig, MountConfig))
    config = build(RunConfig, {name: value for name, value in values.items() if name in own})
    mounts, taken = {}, set(own)
    for camera in config.cameras:
        known = {f"{camera}.{name}" for name in of_mount}
        mounts[camera] = build(MountConfig, {n: values[n] for n in known if n in values}, f"{camera}.")
        taken |= known
    return OfflineSettings(config, mounts, tuple(name for name in values if name not in taken))


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no file {path}") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(document, Mapping):
        raise InputError(f"{path}: a mapping of names to values is expected, got {type(document).__name__}")
    return document


def _parameters(document: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that depth_node would take of a file, later sections over earlier ones."""
    sections = {name: s for name, s in document.items() if isinstance(s, Mapping) and "ros__parameters" in s}
    if not sections:
        return dict(document)
    merged: dict[str, Any] = {}
    for name, section in sections.items():
        if str(name).rpartition("/")[2] not in (NODE, "*", "**"):
            continue
        if not isinstance(section["ros__parameters"], Mapping):
            raise InputError(f"{name}: ros__parameters is a mapping of names to values")
        merged |= flat(section["ros__parameters"])
    return merged
