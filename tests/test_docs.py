"""The documentation: links lead somewhere, and what it tells a reader to type or to set exists."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from dap_core.settings import fault, fields
from dap_ros.parameters import NodeParameters

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PARAMETERS = dict(fields(NodeParameters))
GROUPS = {name.split(".")[0] for name in PARAMETERS if "." in name}

page = pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(), re.DOTALL)


def commands(path: Path) -> list[str]:
    """Lines of console blocks without comments, continuations joined."""
    text = "\n".join(blocks(path, "console")).replace("\\\n", " ")
    return [line.split(" #")[0].strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def flat(values: dict, prefix: str = "") -> dict[str, object]:
    result: dict[str, object] = {}
    for name, value in values.items():
        result |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return result


@page
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@page
def test_parameters_that_are_named_exist(path):
    named = re.findall(r"`((?:%s)\.[a-z_*]+)" % "|".join(sorted(GROUPS)), path.read_text())  # noqa: UP031
    assert not {n for n in named if not n.endswith((".*", ".json")) and n not in PARAMETERS}


@page
def test_parameter_files_are_taken_by_the_node(path):
    for text in blocks(path, "yaml"):
        document = yaml.safe_load(text)
        values = flat(document["/**"]["ros__parameters"] if "/**" in document else document)
        for name, value in values.items():
            known = name if name in PARAMETERS else name.partition(".")[2]  # below a camera's name
            assert known in PARAMETERS, name
            taken = tuple(value) if isinstance(value, list) else value
            assert not fault(known, PARAMETERS[known], taken), name


@page
def test_commands_exist(path):
    ours = set(re.findall(r'"(\w+) = \w+\.commands', (ROOT / "setup.py").read_text()))
    launch = (ROOT / "launch" / "dap.launch.py").read_text()
    arguments = set(re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', launch))
    for line in commands(path):
        words = line.split()
        if words[0] == "dap":
            assert words[1] in ours, line
        if words[:4] == ["ros2", "launch", "dap_ros", "dap.launch.py"]:
            assert {w.split(":=")[0] for w in words[4:] if ":=" in w} <= arguments, line
        if words[:3] == ["ros2", "param", "set"]:
            assert words[4] in PARAMETERS, line


def test_launch_files_that_include_ours_give_arguments_that_it_has():
    launch = (ROOT / "launch" / "dap.launch.py").read_text()
    arguments = set(re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', launch))
    texts = [t for path in PAGES for t in blocks(path, "python") if "IncludeLaunchDescription" in t]
    assert texts
    for text in texts:
        dictionaries = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Dict)]
        given = {ast.literal_eval(key) for node in dictionaries for key in node.keys if key is not None}
        assert given and given <= arguments


def test_pictures_are_small_and_shown():
    pictures = {p for p in (ROOT / "docs" / "images").glob("*.png") if p.name != "demo.png"}
    text = "".join(p.read_text() for p in PAGES)
    assert {p.name for p in pictures} == {Path(name).name for name in re.findall(r"\(images/([^)]+)\)", text)}
    sizes = [p.stat().st_size for p in pictures]
    assert max(sizes) < 300_000 and sum(sizes) < 1_500_000
