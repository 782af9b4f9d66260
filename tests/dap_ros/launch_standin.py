"""A small stand-in for `launch` and `launch_ros`, which PyPI does not have: it runs a real launch file.

Written from their public API, with the signatures that dap.launch.py keeps to, so that a misspelt argument fails here
as it would there. `execute` gives the command lines, with the executables of an ament install, and the environment.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass
class LaunchContext:
    """What substitutions and actions see."""

    install: Path
    environment: dict[str, str]
    launch_configurations: dict[str, str] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)


def perform(value: Any, context: LaunchContext) -> str:
    """Text of a string, a substitution, or a sequence of both."""
    if isinstance(value, str):
        return value
    if hasattr(value, "perform"):
        return value.perform(context)
    return "".join(perform(v, context) for v in value)


class LaunchConfiguration:
    def __init__(self, variable_name: str, *, default: Any = None) -> None:
        self.name, self.default = variable_name, default

    def perform(self, context: LaunchContext) -> str:
        if self.name in context.launch_configurations:
            return context.launch_configurations[self.name]
        if self.default is None:
            raise RuntimeError(f"launch configuration {self.name!r} does not exist")
        return perform(self.default, context)


class EnvironmentVariable:
    def __init__(self, name: str, *, default_value: Any = None) -> None:
        self.name, self.default = name, default_value

    def perform(self, context: LaunchContext) -> str:
        return context.environment.get(self.name) or perform(self.default, context)


class IfCondition:
    def __init__(self, predicate_expression: Any) -> None:
        self.expression = predicate_expression

    def evaluate(self, context: LaunchContext) -> bool:
        text = perform(self.expression, context).lower()
        if text not in ("true", "false", "1", "0"):
            raise ValueError(f"{text!r} is not a condition")
        return text in ("true", "1")


class DeclareLaunchArgument:
    def __init__(self, name: str, *, default_value: Any = None, description: str = "", choices: Any = None) -> None:
        assert description, f"argument {name} lacks a description"
        self.name, self.default = name, default_value

    def execute(self, context: LaunchContext) -> None:
        if self.name not in context.launch_configurations:
            assert self.default is not None, f"required argument {self.name} is missing"
            context.launch_configurations[self.name] = perform(self.default, context)


class SetEnvironmentVariable:
    def __init__(self, name: Any, value: Any) -> None:
        self.name, self.value = name, value

    def execute(self, context: LaunchContext) -> None:
        context.environment[perform(self.name, context)] = perform(self.value, context)


class OpaqueFunction:
    def __init__(self, *, function: Callable[[LaunchContext], Iterable[Any] | None]) -> None:
        self.function = function

    def execute(self, context: LaunchContext) -> None:
        for action in self.function(context) or ():
            action.execute(context)


class Node:
    def __init__(
        self,
        *,
        package: str,
        executable: str,
        name: str | None = None,
        namespace: Any = None,
        parameters: Sequence[Any] | None = None,
        remappings: Sequence[tuple[Any, Any]] | None = None,
        arguments: Sequence[Any] | None = None,
        condition: IfCondition | None = None,
        output: str = "log",
    ) -> None:
        self.package, self.executable, self.name, self.namespace = package, executable, name, namespace
        self.parameters, self.remappings, self.arguments = parameters or (), remappings or (), arguments or ()
        self.condition = condition

    def execute(self, context: LaunchContext) -> None:
        if self.condition is not None and not self.condition.evaluate(context):
            return
        path = context.install / self.package / "lib" / self.package / self.executable
        command = [str(path) if path.exists() else self.executable]
        command += [perform(a, context) for a in self.arguments]
        command += ["--ros-args"]
        if self.name is not None:
            command += ["-r", f"__node:={self.name}"]
        if self.namespace is not None:
            command += ["-r", f"__ns:={perform(self.namespace, context)}"]
        for entry in self.parameters:
            if isinstance(entry, Mapping):
                plain = (bool, int, float, list)
                values = {k: v if isinstance(v, plain) else perform(v, context) for k, v in entry.items()}
                with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="launch_params_", delete=False) as file:
                    yaml.safe_dump({"/**": {"ros__parameters": values}}, file)
                command += ["--params-file", file.name]
            else:
                command += ["--params-file", perform(entry, context)]
        for old, new in self.remappings:
            command += ["-r", f"{perform(old, context)}:={perform(new, context)}"]
        context.commands.append(command)


class ExecuteProcess:
    def __init__(
        self, *, cmd: Iterable[Any], condition: IfCondition | None = None, output: str = "log", **kwargs: Any
    ) -> None:
        assert set(kwargs) <= {"cwd", "env", "additional_env", "name", "shell", "sigterm_timeout", "sigkill_timeout"}
        self.cmd, self.condition = list(cmd), condition

    def execute(self, context: LaunchContext) -> None:
        if self.condition is None or self.condition.evaluate(context):
            context.commands.append([perform(word, context) for word in self.cmd])


class LifecycleNode(Node):
    def __init__(self, *, name: str, namespace: Any, **kwargs: Any) -> None:
        super().__init__(name=name, namespace=namespace, **kwargs)


class LaunchDescription:
    def __init__(self, initial_entities: Iterable[Any] = ()) -> None:
        self.entities = list(initial_entities)


def execute(path: Path, arguments: Mapping[str, str], install: Path, environment: Mapping[str, str]) -> LaunchContext:
    """Run a launch file's `generate_launch_description` and all that it describes, up to the command lines."""
    context = LaunchContext(install, dict(environment), dict(arguments))
    modules = {
        "launch": {"LaunchDescription": LaunchDescription},
        "launch.actions": {
            c.__name__: c for c in (DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, SetEnvironmentVariable)
        },
        "launch.conditions": {"IfCondition": IfCondition},
        "launch.substitutions": {c.__name__: c for c in (EnvironmentVariable, LaunchConfiguration)},
        "launch_ros": {},
        "launch_ros.actions": {"Node": Node, "LifecycleNode": LifecycleNode},
    }
    hidden = {name: sys.modules.pop(name, None) for name in modules}
    try:
        for name, members in modules.items():
            sys.modules[name] = types.ModuleType(name)
            vars(sys.modules[name]).update(members)
        description = runpy.run_path(str(path))["generate_launch_description"]()
    finally:
        for name, module in hidden.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module
    for entity in description.entities:
        entity.execute(context)
    return context
