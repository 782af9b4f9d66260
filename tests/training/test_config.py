"""The configuration: strict keys and types, and the schedule that follows from it."""

import json
from dataclasses import asdict

import pytest
import torch

from dap_core.errors import InputError
from dap_core.model.tiny import DapTiny
from training.checkpoint import TrainingState, load_state, save_state
from training.config import Optimizer, Phase, StageConfig, load_config
from training.ema import Ema
from training.losses import LossWeights
from training.schedule import rate_factor


def test_phases():
    config = StageConfig(phases=(Phase(128, 32, 10), Phase(256, 8, 5)))
    assert config.steps == 15
    assert config.phase_at(9) == (Phase(128, 32, 10), 9) and config.phase_at(10) == (Phase(256, 8, 5), 0)
    assert Phase(128, 1, 9, scenes=10, start=4, growth=1.5).available(2) == 7
    assert Phase(128, 1, 9, scenes=10, start=4, growth=1.5).available(8) == 10
    assert config.samples_before(12) == 10 * 32 + 2 * 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("presett: dap-tiny", "unknown key 'presett'"),
        ("phases: [{height: 128, batch: big, steps: 1}]", r"phases\[0\]: batch: expected int, got 'big'"),
        ("phases: []", "non-empty list"),
        ("optimizer: {learning_rate: true}", "expected float, got True"),
        ("data: 3", "expected a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_errors_name_the_key(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        load_config(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_rungs_of_the_ladder():
    config = StageConfig(phases=(Phase(128, 32, 10),), ladder=4)
    assert config.rungs == (3, 5, 8, 10) and StageConfig().rungs == ()
    with pytest.raises(InputError, match="at most a rung for each of the 10 steps, got 11"):
        StageConfig(phases=(Phase(128, 32, 10),), ladder=11)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        load_config(tmp_path / "none.yaml")


def test_rate():
    config = Optimizer(warmup=10, final=0.1)
    assert rate_factor(0, 110, config) == pytest.approx(0.1)
    assert rate_factor(9, 110, config) == 1.0
    assert rate_factor(60, 110, config) == pytest.approx(0.55)
    assert rate_factor(110, 110, config) == pytest.approx(0.1)


def test_a_state_from_before_a_setting_existed_continues(tmp_path):
    model = DapTiny()
    training = TrainingState(model, Ema(model, 0.9), torch.optim.SGD(model.parameters(), 0.1), step=3, losses=[1.5])
    save_state(tmp_path / "state.ckpt", training, StageConfig())
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)
    older = asdict(StageConfig())
    del older["loss"]["normal"], older["loss"]["points"], older["loss"]["dense_fidelity"]
    del older["sets"], older["far_beyond_m"], older["accumulate"], older["ladder"], older["tensorboard"], older["shape"]
    torch.save({**state, "config": json.dumps(older)}, tmp_path / "state.ckpt")
    again = TrainingState(model, training.ema, training.optimizer)
    assert load_state(tmp_path / "state.ckpt", again, StageConfig()) == []
    assert (again.step, again.losses, again.skipped) == (3, [1.5], 0)
    with pytest.raises(InputError, match="started with another loss"):
        load_state(tmp_path / "state.ckpt", again, StageConfig(loss=LossWeights(normal=2.0)))
