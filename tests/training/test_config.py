"""The configuration: strict keys and types, and the schedule that follows from it."""

from pathlib import Path

import pytest

from dap_core.errors import InputError
from training.config import Optimizer, Phase, StageConfig, load_config
from training.schedule import rate_factor

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "config/training").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_files_load(path):
    assert load_config(path).steps > 0


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


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        load_config(tmp_path / "none.yaml")


def test_rate():
    config = Optimizer(warmup=10, final=0.1)
    assert rate_factor(0, 110, config) == pytest.approx(0.1)
    assert rate_factor(9, 110, config) == 1.0
    assert rate_factor(60, 110, config) == pytest.approx(0.55)
    assert rate_factor(110, 110, config) == pytest.approx(0.1)
