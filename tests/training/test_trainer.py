"""The trainer from the command line: it learns, it stops on SIGTERM, and it resumes to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dap_core.errors import InputError
from dap_core.model.tiny import DapTiny, TinyConfig
from training.config import Augment, Optimizer, Phase, StageConfig, WorldsData
from training.data.augment import augment, hue_rotation
from training.data.batches import SceneBatches, to_network
from training.ema import Ema
from training.losses import LossWeights
from training.trainer import fit

CONFIG = """
preset: dap-tiny
phases:
  - {{height: 32, batch: 4, steps: 4, scenes: 6, start: 3, growth: 0.5}}
  - {{height: 64, batch: 2, steps: 4, scenes: 3}}
data: {{folder: {folder}}}
optimizer: {{learning_rate: 1.0e-3, warmup: 2}}
precision: 32-true
workers: 1
validation_scenes: 2
validate_every: 100
checkpoint_every: 100
log_every: 1
"""


def dap_train(config: Path, out: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "dap_core.cli", "train", "stage1", "--config", config, "--out", out, *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    config = folder / "c.yaml"
    config.write_text(CONFIG.format(folder=folder / "worlds"))
    process = dap_train(config, folder / "run")
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    return config, folder / "run"


def test_log_and_checkpoint(straight):
    _, run = straight
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 9))
    assert [line["samples"] for line in steps] == [4, 8, 12, 16, 18, 20, 22, 24]
    assert steps[1]["rate"] == pytest.approx(1e-3)
    figures = lines[-1]["validation"]
    assert 0 < figures["all"]["absrel"] < 10 and 0 <= figures["all"]["delta1"] <= 1
    assert len(load_file(run / "dap-tiny.safetensors")) > 50


def test_stopped_and_resumed_gives_the_same_bytes(straight, tmp_path):
    config, run = straight
    process = dap_train(config, tmp_path)
    deadline = time.monotonic() + 120
    while not (tmp_path / "log.jsonl").exists() or len((tmp_path / "log.jsonl").read_text().splitlines()) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 3 and "the same command continues" in output, output
    resumed = dap_train(config, tmp_path)
    output, _ = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, output
    assert (tmp_path / "dap-tiny.safetensors").read_bytes() == (run / "dap-tiny.safetensors").read_bytes()


def test_another_configuration_is_refused(straight, tmp_path):
    config, run = straight
    other = tmp_path / "other.yaml"
    other.write_text(config.read_text().replace("seed: 0", "") + "\nseed: 7\n")
    process = dap_train(other, run)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2 and "another seed" in output and "Traceback" not in output, output
    assert output.count("\n") <= 2
    accepted = dap_train(other, run, "--accept-changes")
    output, _ = accepted.communicate(timeout=120)
    assert accepted.returncode == 0, output
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    assert last == {"step": 8, "configuration_changed": ["seed"]}


def small(folder: Path, **changes) -> StageConfig:
    values = dict(
        phases=(Phase(32, 4, 100, scenes=4),),
        data=WorldsData(folder=str(folder)),
        augment=Augment(roll=False, flip=False, brightness=0, contrast=0, saturation=0, hue=0, blur=0, noise=0, grey=0),
        loss=LossWeights(gradient=0.0),
        optimizer=Optimizer(learning_rate=3e-3, warmup=3, ema=0.5),
        precision="32-true",
        workers=0,
        validation_scenes=0,
        log_every=1,
    )
    return StageConfig(**{**values, **changes})


def test_it_learns(tmp_path):
    torch.manual_seed(0)
    model = DapTiny(TinyConfig(stem=8, channels=(16, 16), dim=32, coarse_dim=32, blocks=(1, 1, 1)))
    fit(model, small(tmp_path / "worlds"), tmp_path / "run", device="cpu")
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert np.mean(losses[-20:]) < 0.75 * np.mean(losses[:5])


def test_a_loss_that_is_never_finite_aborts(tmp_path):
    model = DapTiny(TinyConfig(stem=8, channels=(16, 16), dim=32, coarse_dim=32, blocks=(1, 1, 1)))
    with torch.no_grad():
        model.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="not finite 3 times in a row"):
        fit(model, small(tmp_path / "worlds"), tmp_path / "run", device="cpu")


def test_batches_are_a_function_of_the_step(tmp_path):
    config = small(tmp_path, phases=(Phase(32, 4, 30, scenes=50, start=5, growth=2.0),))
    whole = SceneBatches(config)
    halves = [SceneBatches(config, rank, 2) for rank in (0, 1)]
    for step in (0, 7, 29):
        assert whole.scenes(step).max() < min(50, 5 + 2 * step)
        np.testing.assert_array_equal(whole.scenes(step), np.concatenate([h.scenes(step) for h in halves]))
    a, b = whole[3], SceneBatches(config)[3]
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_augment_moves_image_and_range_together():
    rng = np.random.default_rng(0)
    range_m = rng.uniform(1, 9, (8, 16)).astype(np.float32)
    image = np.repeat((range_m * 20).astype(np.uint8)[..., None], 3, -1)
    plain = Augment(brightness=0, contrast=0, saturation=0, hue=0, blur=0, noise=0, grey=0)
    moved = [augment(image, range_m, plain, np.random.default_rng(seed)) for seed in range(8)]
    for picture, depth in moved:
        np.testing.assert_array_equal(picture[..., 0], (depth * 20).astype(np.uint8))
    assert len({depth.tobytes() for _, depth in moved}) > 4


def test_hue_keeps_grey():
    np.testing.assert_allclose(hue_rotation(0.1) @ np.ones(3), np.ones(3), atol=1e-6)
    np.testing.assert_allclose(hue_rotation(1 / 3) @ [1, 0, 0], [0, 1, 0], atol=1e-6)


def test_target():
    ranges = torch.tensor([[[0.0, 50.0], [np.inf, float("nan")]]])
    x, target = to_network(torch.full((1, 2, 2, 3), 255, dtype=torch.uint8), ranges, 100.0)
    assert x[0, 0, 0, 0].item() == pytest.approx((1 - 0.485) / 0.229)
    assert target.far.tolist() == [[[False, False], [True, False]]]
    assert target.valid.tolist() == [[[False, True], [True, False]]]
    assert target.depth[0, 0, 1].item() == 0.5 and target.depth[0, 1, 0].item() == 1.0


def test_ema():
    module = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(0.0)
    ema = Ema(module, 0.9)
    with torch.no_grad():
        module.weight.fill_(1.0)
    ema.update(module, 10_000)
    assert ema.module.weight.item() == pytest.approx(0.1)
    ema.update(module, 0)  # early steps are forgotten quickly
    assert ema.module.weight.item() == pytest.approx(0.1 + 0.9 * 0.9)
