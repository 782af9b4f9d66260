"""What goes wrong around the trainer: a full disk, a worker that dies, a log that is ahead of the state."""

import json
import multiprocessing
import os
import re
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dap_core.errors import InputError
from dap_core.model import load_checkpoint
from training.config import Optimizer, Phase, StageConfig, WorldsData
from training.data.loading import worker_died
from training.display import Display
from training.journal import Journal, cut
from training.stages.labeler import train


def config(folder: Path, **changes) -> StageConfig:
    values = StageConfig(
        shape={"stem": 8, "channels": [16, 16], "dim": 32, "coarse_dim": 32, "blocks": [1, 1, 1]},
        phases=(Phase(32, 2, 6, scenes=2),),
        data=WorldsData(folder=str(folder)),
        optimizer=Optimizer(learning_rate=1e-3, warmup=2),
        precision="32-true",
        workers=0,
        validation_scenes=0,
        log_every=1,
        checkpoint_every=2,
        tensorboard=False,
    )
    return replace(values, **changes)


class At(Display):
    """Does something when a step is done."""

    def __init__(self, step: int, deed) -> None:
        super().__init__(shown=False)
        self.step, self.deed = step, deed

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        if done == self.step:
            self.deed()


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    torch.set_num_threads(1)
    train(config(folder / "worlds"), folder / "run", device="cpu")
    return folder


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]


def test_a_full_disk_loses_nothing(straight, tmp_path):
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = At(3, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard)))
    try:
        with pytest.raises(InputError, match=r"cannot write .*state.ckpt .*; the state before it is kept") as error:
            train(config(straight / "worlds"), tmp_path, device="cpu", display=limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert "\n" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.jsonl", "state.ckpt"]
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["step"] == 2 and steps(tmp_path) == [1, 2, 3, 4]
    train(config(straight / "worlds"), tmp_path, device="cpu")
    assert steps(tmp_path) == [1, 2, 3, 4, 5, 6]
    name = "dap-tiny.safetensors"
    assert (tmp_path / name).read_bytes() == (straight / "run" / name).read_bytes()


def train_and_kill_workers(described: StageConfig, folder: Path) -> None:
    """In a process of its own, since torch goes on raising for a dead worker as long as anything holds its loader."""

    def kill_workers() -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)

    try:
        train(described, folder, device="cpu", display=At(3, kill_workers))
    except InputError as error:
        (folder / "said.txt").write_text(str(error))


def test_a_worker_that_dies_is_said_so(straight, tmp_path):
    with_worker = config(straight / "worlds", workers=1, phases=(Phase(32, 2, 500, scenes=2),))
    child = multiprocessing.get_context("forkserver").Process(
        target=train_and_kill_workers, args=(with_worker, tmp_path)
    )
    child.start()
    child.join(120)
    said = (tmp_path / "said.txt").read_text()
    assert re.match(r"a data worker died .* goes on from .*state.ckpt$", said) and "\n" not in said
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["step"] >= 2


def test_how_one_learns_of_it():
    assert worker_died(RuntimeError("DataLoader worker (pid(s) 17) exited unexpectedly"))
    assert worker_died(RuntimeError("DataLoader worker (pid 17) is killed by signal: Killed."))
    assert worker_died(ConnectionResetError(104, "Connection reset by peer")) and worker_died(EOFError())
    assert not worker_died(RuntimeError("Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback"))
    assert not worker_died(RuntimeError("out of memory"))


def test_what_a_worker_raises_is_one_line(straight, tmp_path):
    data = WorldsData(folder=str(tmp_path / "worlds"))
    broken = config(straight / "worlds", workers=1, data=data, phases=(Phase(32, 2, 6, scenes=1),))
    train(replace(broken, workers=0, phases=(Phase(32, 2, 1, scenes=1),)), tmp_path / "first", device="cpu")
    (scene,) = (tmp_path / "worlds").rglob("*.world")
    scene.write_bytes(scene.read_bytes()[:100])
    with pytest.raises(InputError, match=r"world is damaged") as error:
        train(broken, tmp_path / "run", device="cpu")
    assert "\n" not in str(error.value) and str(error.value).startswith(str(scene))


def test_a_step_that_is_not_finite_is_skipped_and_counted(straight, tmp_path, monkeypatch):
    from training import step

    real, calls = step.total_loss, []

    def sometimes(*args):
        loss, terms = real(*args)
        calls.append(loss)
        return (loss * float("nan"), terms) if len(calls) in (2, 3, 5) else (loss, terms)

    monkeypatch.setattr(step, "total_loss", sometimes)
    path = train(config(straight / "worlds"), tmp_path, device="cpu")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["skipped"] for line in lines] == [0, 1, 2, 2, 3, 3]
    assert [line["loss"] is None for line in lines] == [False, True, True, False, True, False]
    assert all(torch.isfinite(value).all() for value in load_checkpoint(path).state_dict().values())


def test_parts_of_a_batch_add_up_to_it(straight, tmp_path):
    """Where no batch norm sees the parts one by one."""
    shape = {"dim": 32, "depth": 4, "heads": 2, "taps": [0, 1, 2, 3], "features": 8, "out_channels": [4, 4, 8, 8]}
    whole = config(straight / "worlds", preset="dap-s", shape=shape, phases=(Phase(32, 4, 3, scenes=2),))
    checkpoints = [
        load_checkpoint(train(replace(whole, accumulate=parts), tmp_path / str(parts), device="cpu")).state_dict()
        for parts in (1, 4)
    ]
    logs = [
        [json.loads(line)["loss"] for line in (tmp_path / str(parts) / "log.jsonl").read_text().splitlines()]
        for parts in (1, 4)
    ]
    assert logs[0] == pytest.approx(logs[1], rel=1e-4) and logs[0][0] != logs[0][1]
    torch.testing.assert_close(*checkpoints, rtol=0, atol=2e-3)  # Adam's first steps are as long for tiny gradients


def test_a_finished_run_is_left_alone(straight):
    run = straight / "run"
    before = {p.name: p.stat().st_mtime_ns for p in run.iterdir()}
    train(config(straight / "worlds", log_every=3), run, device="cpu")
    assert {p.name: p.stat().st_mtime_ns for p in run.iterdir()} == before
    with pytest.raises(InputError, match="started with another seed"):
        train(config(straight / "worlds", seed=3), run, device="cpu")


def test_the_log_is_cut_back_to_the_state(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\nnot JSON\n{"loss": 3}\n{"step": 3}\n{"step": 2, "vali')
    cut(path, 2)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'
    with Journal(tmp_path, 1) as journal:
        journal.write({"step": 2, "loss": 0.5})
    assert path.read_text() == '{"step": 1}\n{"step": 2, "loss": 0.5}\n'
    with Journal(tmp_path, 9, written=False) as journal:
        journal.write({"step": 9})
    assert "9" not in path.read_text()


def test_tensorboard_has_curves_and_pictures(straight, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = config(straight / "worlds", tensorboard=True, validation_scenes=2, ladder=2)
    train(shown, tmp_path, device="cpu")
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    losses = events.Scalars("loss")
    assert [e.step for e in losses] == [1, 2, 3, 4, 5, 6]
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[3].value == pytest.approx(logged[3]["loss"], rel=1e-5)
    assert events.Scalars("validation/all/absrel")[-1].value == pytest.approx(
        logged[-1]["validation"]["all"]["absrel"], rel=1e-5
    )
    pictures = events.Tags()["images"]
    assert len(pictures) == 2
    image = events.Images(pictures[0])[0]
    assert (image.height, image.width) == (32, 3 * 64)
    assert sorted(p.name for p in (tmp_path / "ladder").iterdir()) == [
        "step-00000003.safetensors",
        "step-00000006.safetensors",
    ]
    final = (tmp_path / "dap-tiny.safetensors").read_bytes()
    assert (tmp_path / "ladder" / "step-00000006.safetensors").read_bytes() == final
