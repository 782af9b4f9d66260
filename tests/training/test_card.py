"""The model card: what counts, what it is compared with, and what it refuses to praise."""

import json

import cv2
import numpy as np
import pytest

from dap_core import DepthEstimator
from dap_core.cli import main
from training.card import Scene, evaluate, losses_to_prior, markdown, roll_difference


@pytest.fixture(scope="module")
def estimator():
    with DepthEstimator.open("dap-tiny", "onnxruntime") as opened:
        yield opened


def write_pair(folder, name, height=64, seed=0):
    rng = np.random.default_rng(seed)
    cv2.imwrite(str(folder / f"{name}_rgb.png"), rng.integers(0, 255, (height, 2 * height, 3), np.uint8))
    range_m = rng.uniform(1, 9, (height, 2 * height)).astype(np.float32)
    range_m[0] = 0.0
    np.savez(folder / f"{name}_depth.npz", range_m=range_m)
    return range_m


def test_baselines_are_measured_beside_the_model(estimator):
    image = np.random.default_rng(0).integers(0, 255, (256, 512, 3), np.uint8)
    truth = np.repeat(np.linspace(2.0, 6.0, 256, dtype=np.float32)[:, None], 512, 1)
    truth[:20] = np.inf
    prior = truth[:, 0].copy()
    prior[:20] = 100.0
    figures = evaluate(estimator, prior, [Scene("rows", image, truth)])["rows"]
    assert figures["image-blind prior"]["all raw"].absrel == pytest.approx(0.0, abs=1e-6)
    assert figures["oracle row median"]["band raw"].absrel == pytest.approx(0.0, abs=1e-6)
    valid = truth[20:]
    constant = np.median(valid)
    expected = float((np.abs(constant - valid) / valid).mean())
    assert figures["oracle constant"]["all raw"].absrel == pytest.approx(expected, rel=1e-5)
    assert losses_to_prior({"rows": figures}) == ["rows all", "rows band"]
    assert figures["model"]["all aligned"].absrel != figures["model"]["all raw"].absrel
    table = markdown({"rows": figures}, {"rows": 1})
    assert table.count("| image-blind prior |") == 2 and "**rows** (1)" in table


def test_what_is_far_counts_at_the_limit(estimator):
    image = np.zeros((256, 512, 3), np.uint8)
    depth = estimator(image)
    truth = np.full((256, 512), 50.0, np.float32)
    figures = evaluate(estimator, np.full(256, 50.0, np.float32), [Scene("g", image, truth)])
    answer = np.where(depth.far, 100.0, depth.range_m)
    expected = np.abs(answer - 50.0).mean() / 50.0
    assert figures["g"]["model"]["all raw"].absrel == pytest.approx(float(expected), rel=1e-5)


def test_bundled_model_rolls(estimator):
    image = cv2.resize(np.random.default_rng(1).integers(0, 255, (32, 64, 3), np.uint8), (512, 256))
    median, largest = roll_difference(estimator, image, 96)
    assert median < 1e-4 and largest < 1e-2


def test_command(tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    phases = [{"height": 32, "batch": 1, "steps": 1, "scenes": 3}]
    (run / "config.json").write_text(json.dumps({"phases": phases, "data": {"folder": str(tmp_path / "worlds")}}))
    rendered = tmp_path / "rendered"
    rendered.mkdir()
    for name in ("hall_0", "hall_1"):
        write_pair(rendered, name)
    card = tmp_path / "card.md"
    arguments = ["card", "dap-tiny", "--run", run, "--scenes", 8, "--rendered", rendered, "--out", card]
    code = main(list(map(str, arguments)))
    output = capsys.readouterr()
    assert code in (0, 2)  # noise for images: whether the model beats the prior is not this test's matter
    assert (code == 2) == ("does not beat the image-blind prior" in output.err)
    figures = json.loads(card.with_suffix(".json").read_text())
    assert figures["counts"]["rendered hall"] == 2 and sum(figures["counts"].values()) == 10
    assert "rendered hall" in card.read_text() and "Rolling the input by 160 columns" in card.read_text()
