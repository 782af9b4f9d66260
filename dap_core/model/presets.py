"""Every model by name: its configuration, and the module that a configuration describes."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from dap_core.errors import InputError
from dap_core.model.released import Dap, DapConfig
from dap_core.model.tiny import DapTiny, TinyConfig

ModelConfig = DapConfig | TinyConfig

#: The word that a stored configuration begins with, and the kind of configuration it announces.
FAMILIES: dict[str, type[DapConfig] | type[TinyConfig]] = {"dap": DapConfig, "dap-tiny": TinyConfig}

#: The released DAP is `dap-l`; `dap-s` and `dap-b` have the widths that the reference's table gives for the smaller
#: backbones, which are Depth Anything's.
PRESETS: dict[str, ModelConfig] = {
    "dap-s": DapConfig("dap-s", 384, 12, 6, (2, 5, 8, 11), 64, (48, 96, 192, 384)),
    "dap-b": DapConfig("dap-b", 768, 12, 12, (2, 5, 8, 11), 128, (96, 192, 384, 768)),
    "dap-l": DapConfig("dap-l", 1024, 24, 16, (4, 11, 17, 23), 256, (256, 512, 1024, 1024)),
    "dap-tiny": TinyConfig(),
}


def build(config: ModelConfig | str) -> Dap | DapTiny:
    """A freshly initialised module for a configuration or a preset's name; InputError for an unknown name."""
    if isinstance(config, str):
        if config not in PRESETS:
            raise InputError(f"no preset {config!r}: use one of {', '.join(PRESETS)}")
        config = PRESETS[config]
    return Dap(config) if isinstance(config, DapConfig) else DapTiny(config)


def config_to_json(config: ModelConfig) -> str:
    """The configuration as it is written into a checkpoint: JSON, `family` first."""
    family = next(name for name, kind in FAMILIES.items() if isinstance(config, kind))
    return json.dumps({"family": family, **dataclasses.asdict(config)})


def config_from_json(text: str) -> ModelConfig:
    """Read what `config_to_json` wrote; InputError for an unknown family, an unknown or missing key, a wrong value."""
    try:
        values: dict[str, Any] = dict(json.loads(text))
    except (ValueError, TypeError):
        raise InputError(f"the model's configuration must be a JSON object, got {text[:60]!r}") from None
    family = values.pop("family", None)
    if family not in FAMILIES:
        raise InputError(f"model family {family!r} is unknown: use one of {', '.join(FAMILIES)}")
    fields = {field.name: field for field in dataclasses.fields(FAMILIES[family])}
    if unknown := sorted(values.keys() - fields.keys()):
        raise InputError(f"unknown key in a {family} configuration: {', '.join(unknown)}")
    if "max_range_m" in values:
        values.setdefault("far_beyond_m", values["max_range_m"])  # files that do not say have the mask at their limit
    for name, field in fields.items():
        if name in values:
            values[name] = _field_value(family, name, str(field.type), values[name])
        elif field.default is dataclasses.MISSING:
            raise InputError(f"missing key in a {family} configuration: {name}")
    try:
        return FAMILIES[family](**values)
    except ValueError as error:
        raise InputError(str(error)) from None


def _field_value(family: str, name: str, kind: str, value: Any) -> Any:
    """The value as a field of type `kind` takes it: str, positive int or float, a tuple of ints, or None if it may."""
    if value is None and kind.endswith("| None"):
        return None
    if kind.startswith("tuple"):
        value = tuple(value) if isinstance(value, list) else value
        good = isinstance(value, tuple) and [type(item) for item in value] == [int] * kind.count("int")
    elif kind == "str":
        good = isinstance(value, str)
    else:
        good = isinstance(value, (int, float) if kind.startswith("float") else int) and value > 0
    if not good:
        raise InputError(f"{name} in a {family} configuration must be {kind}, got {value!r}")
    return value
