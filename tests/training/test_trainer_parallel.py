"""The trainer in two processes: the same losses as in one, whatever the parts that a batch is gone through in."""

import json
import os
import socket
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from dap_core.model import load_checkpoint
from training.config import Optimizer, Phase, StageConfig, WorldsData
from training.losses import LossWeights

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["training.stages.labeler"])
STEPS = 20


def config(folder: Path, **changes) -> StageConfig:
    values = StageConfig(
        shape={"stem": 8, "channels": [16, 16], "dim": 32, "coarse_dim": 32, "blocks": [1, 1, 1]},
        phases=(Phase(32, 8, STEPS, scenes=6),),
        data=WorldsData(folder=str(folder)),
        loss=LossWeights(dense_fidelity=0.4, normal=2.0, points=2.0),
        optimizer=Optimizer(learning_rate=3e-5, warmup=3, ema=0.9),
        precision="32-true",
        workers=0,
        validation_scenes=3,
        log_every=1,
        tensorboard=False,
    )
    return replace(values, **changes)


def train_one(described: StageConfig, folder: Path, rank: int, world: int, port: int) -> None:
    if world > 1:
        ours = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world, "MASTER_PORT": port}
        os.environ |= {key: str(value) for key, value in ours.items()}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_RUN_ID": "test"}
    from training.stages.labeler import train

    torch.set_num_threads(1)
    train(described, folder, device="cpu")


def train_in(described: StageConfig, folder: Path, world: int) -> list[dict]:
    """Train in so many processes; the lines of the log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = [CONTEXT.Process(target=train_one, args=(described, folder, rank, world, port)) for rank in range(world)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * world
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    return folder, train_in(config(folder / "worlds"), folder / "run", 1)


def test_two_processes_and_one_give_the_same_losses(alone, tmp_path):
    folder, expected = alone
    found = train_in(config(folder / "worlds"), tmp_path / "run", 2)
    steps = [line for line in expected if "loss" in line]
    assert len(steps) == STEPS
    for name in ("loss", "silog", "mask", "dense_fidelity", "normal"):
        ours, theirs = (np.array([line[name] for line in lines if "loss" in line]) for lines in (expected, found))
        print(name, np.abs(theirs / ours - 1.0).max())
        assert np.abs(theirs / ours - 1.0).max() < 1e-5, name
    a, b = (line[-1]["validation"]["all"] for line in (expected, found))
    assert a["absrel"] == pytest.approx(b["absrel"], rel=1e-4)
    ours, theirs = (load_checkpoint(f / "run" / "dap-tiny.safetensors").state_dict() for f in (folder, tmp_path))
    assert ours.keys() == theirs.keys()
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
