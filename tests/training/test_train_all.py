"""`dap train all` on a tiny model and tiny sets: killed in the middle of every step and resumed, the same bytes."""

import json
import os
import shutil
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
import yaml

from dap_core.cli import main
from dap_core.errors import InputError
from dap_core.model import load_checkpoint
from training.display import Display
from training.processes import Rank
from training.recipe import build_recipe

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["training.stages.pipeline", "lightning.fabric", "matplotlib.figure", "scipy"])


def values(folder: Path) -> dict:
    common = {"height": 32, "per_shard": 4}
    sets = folder / "sets"
    return {
        "prepare": [
            {"path": str(sets / "synthetic"), "count": 8, **common},
            {"path": str(sets / "real-like"), "count": 8, "seed": 100, "look": "real-like", "labels": False, **common},
            {"path": str(sets / "held-out"), "count": 4, "seed": 50, **common},
        ],
        "labelled": [{"path": str(sets / "synthetic")}],
        "unlabelled": [{"path": str(sets / "real-like")}],
        "held_out": [str(sets / "held-out")],
        "shape": {"stem": 8, "channels": [16, 16], "dim": 32, "coarse_dim": 32, "blocks": [1, 1, 1]},
        "every_stage": {
            "phases": [{"height": 32, "batch": 4, "steps": 6}],
            "loss": {"dense_fidelity": 0.4, "normal": 2.0, "points": 2.0},
            "optimizer": {"learning_rate": 1e-3, "warmup": 2},
            "precision": "32-true",
            "workers": 0,
            "validation_scenes": 2,
            "validate_every": 4,
            "checkpoint_every": 2,
            "log_every": 1,
            "tensorboard": False,
        },
        "stage1": {"ladder": 2},
        "discriminator": {
            **{"steps": 4, "batch": 4, "channels": 8, "layers": 2, "workers": 0, "checkpoint_every": 2},
            "log_every": 1,
        },
        "selection": {"indoor": 0.6, "outdoor": 0.6},
        "stage3": {"pseudo_share": 0.6},
    }


class Killed(Display):
    """Kills its own process, as a power cut would, when the work has come so far."""

    def __init__(self, what: str, done: int) -> None:
        super().__init__(shown=False)
        self.what, self.done = what, done

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        if (what, done) == (self.what, self.done):
            os.kill(os.getpid(), signal.SIGKILL)

    def say(self, text: str) -> None:
        if text.startswith(self.what):
            os.kill(os.getpid(), signal.SIGKILL)


def run_pipeline(folder: Path, what: str, done: int) -> None:
    from training.stages.pipeline import Pipeline

    torch.set_num_threads(1)
    Pipeline(build_recipe(values(folder), "here", "tiny"), folder / "run", "cpu", display=Killed(what, done)).all()


def process(folder: Path, what: str = "", done: int = 0) -> int | None:
    child = CONTEXT.Process(target=run_pipeline, args=(folder, what or "nothing", done))
    child.start()
    child.join(120)
    return child.exitcode


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    assert process(folder) == 0
    return folder


#: What is being done, and how much of it, when the process is killed.
KILLS = (
    ("shards of real-like", 1),
    ("stage1", 4),
    ("discriminator", 3),
    ("labels of held-out", 2),
    ("labels of real-like by stage 1", 6),
    ("selected", 0),
    ("stage2", 4),
    ("labels of real-like by stage 2", 6),
    ("stage3", 4),
)


def comparable(path: Path, folder: Path) -> object:
    """The bytes of a result; of a log what was not measured by a clock, of a configuration what is not its place."""
    if path.name == "log.jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [{k: v for k, v in line.items() if k != "samples_per_second"} for line in lines]
    if path.name == "config.json":
        return path.read_text().replace(str(folder), "")
    return path.read_bytes()


def results(folder: Path) -> dict[str, object]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "state.ckpt")
    return {str(p.relative_to(folder)): comparable(p, folder) for p in files}


def test_killed_in_every_step_and_resumed_gives_the_same_bytes(straight, tmp_path):
    for kill in KILLS:
        assert process(tmp_path, *kill) == -signal.SIGKILL, kill
        reached = {p.name for p in (tmp_path / "run").glob("*")}
    assert reached >= {"stage1", "discriminator", "labels1", "selection.json", "stage2", "labels2", "stage3"}
    assert process(tmp_path) == 0
    expected, found = results(straight), results(tmp_path)
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert sum(name.startswith("run/stage1/ladder") for name in expected) == 2


def command(step: str, folder: Path, *more: str) -> int:
    """`dap train` on the run in `folder`."""
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(values(folder)))
    return main(["train", step, "--config", str(config), "--out", str(folder / "run"), "--device", "cpu", *more])


def test_what_is_done_is_left_alone(straight, capsys):
    before = {p: p.stat().st_mtime_ns for p in straight.rglob("*.safetensors")}
    assert command("all", straight) == 0
    trained = {p: when for p, when in before.items() if p.parts[-2] != "discriminator"}
    assert {p: p.stat().st_mtime_ns for p in trained} == trained
    assert "next: dap export onnx" in capsys.readouterr().out
    assert command("stage1", straight, "--resume", "auto") == 0 and command("stage2", straight) == 0
    assert {p: p.stat().st_mtime_ns for p in trained} == trained
    depth, far = load_checkpoint(straight / "run" / "stage3" / "dap-tiny.safetensors")(torch.zeros(1, 3, 32, 64))
    assert depth.shape == far.shape == (1, 32, 64)


def test_two_processes_label_what_one_does(straight, tmp_path, capsys):
    shutil.copytree(straight, tmp_path, dirs_exist_ok=True)
    expected = results(straight)
    shutil.rmtree(tmp_path / "run" / "labels1")
    assert command("label", tmp_path, "--rank", "1", "--world", "2") == 0
    assert "this process's shards are labelled" in capsys.readouterr().out
    assert command("select", tmp_path) == 2
    assert "run the command that makes it again" in capsys.readouterr().err
    assert command("label", tmp_path, "--rank", "0", "--world", "2") == 0
    assert "every panorama is labelled" in capsys.readouterr().out
    assert command("select", tmp_path) == 0
    found = results(tmp_path)
    mine = [name for name in expected if name.startswith(("run/labels1", "run/selection"))]
    assert len(mine) == 5 and all(found[name] == expected[name] for name in mine)


def test_steps_out_of_order_say_what_comes_first(straight, tmp_path, capsys):
    shutil.copytree(straight / "sets", tmp_path / "sets")
    for step, missing in (
        ("discriminator", "run dap train stage1 first, or dap train all"),
        ("label", "run dap train discriminator first"),
        ("select", "run dap train stage1 first"),
        ("stage2", "run dap train select first"),
        ("relabel", "run dap train stage2 first"),
        ("stage3", "run dap train stage2 first"),
    ):
        assert command(step, tmp_path) == 2
        said = capsys.readouterr().err
        assert missing in said and said.count("\n") == 1, said
    assert (
        command("label", tmp_path, "--rank", "0") == 2
        and command("label", tmp_path, "--rank", "3", "--world", "2") == 2
    )
    with pytest.raises(InputError, match="are 0 to 2, got 3"):
        Rank(3, 3)
