"""The model card: what counts, what it is compared with, and what it refuses to praise."""

import json
import re

import cv2
import numpy as np
import pytest

from dap_core import DepthEstimator
from dap_core.cli import main
from dap_core.evaluation.baselines import FloorPlane
from dap_core.evaluation.metrics import DepthMetrics
from dap_core.evaluation.published import PUBLISHED
from training.accuracy_page import accuracy_page, published_tables
from training.card import Measured, Scene, behind_priors, evaluate, losses_to_prior, markdown, roll_difference


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
    assert table.count("| image-blind prior |") == 2 and table.count("| floor-plane prior |") == 2
    assert "**rows** (1)" in table


def test_the_floor_plane_prior_comes_from_the_rows_of_the_prior(estimator):
    down = np.sin((np.arange(256) + 0.5) / 256 * np.pi - np.pi / 2)
    rows = (1.5 / np.maximum(down, 1.5 / 6.0)).astype(np.float32)  # a floor 1.5 m below, and 6 m to all else
    truth = np.repeat(2.0 * rows[:, None], 512, 1)
    figures = evaluate(estimator, rows, [Scene("g", np.zeros((256, 512, 3), np.uint8), truth)])["g"]
    floor = figures["floor-plane prior"]
    assert floor["all raw"].absrel == pytest.approx(0.5, abs=1e-6) and floor["all raw"].delta1 == 0.0
    assert floor["band aligned"].absrel == pytest.approx(0.0, abs=1e-6)


def figures_with(model, floor):
    """One group, where every metric of the row prior is 1 and delta1 0.5, with changes for the model and the floor."""
    level = dict.fromkeys(DepthMetrics.__dataclass_fields__, 1.0) | {"delta1": 0.5}
    cells = [f"{region} {alignment}" for region in ("all", "band") for alignment in ("raw", "aligned")]
    changes = {"model": model, "image-blind prior": {}, "floor-plane prior": floor}
    oracles = {n: {c: DepthMetrics(**dict.fromkeys(level, 0.0)) for c in cells} for n in ("oracle constant",)}
    return {"g": {n: {c: DepthMetrics(**(level | x)) for c in cells} for n, x in changes.items()} | oracles}


def test_columns_where_a_prior_is_better_are_named():
    better = {"absrel": 0.5, "delta1": 0.7, "rmse": 0.9, "mae": 0.9}
    assert behind_priors(figures_with(better, {})) == "The model is better than both priors in every column.\n"
    text = behind_priors(figures_with(better, {"delta1": 0.8}))
    assert text.count("delta1") == 4 and "g, all pixels (delta1; delta1, aligned)" in text
    assert "RMSE" in behind_priors(figures_with(better | {"rmse": 1.1}, {}))


def test_every_published_figure_stands_below_its_own_protocol():
    sections = re.split(r"^### Protocol ", published_tables(), flags=re.MULTILINE)[1:]
    assert len(sections) == len({(p.protocol, p.alignment) for p in PUBLISHED})
    rows = 0
    for section in sections:
        name, alignment = re.match(r"`([^`]+)`, alignment (\S+)", section).groups()
        for row in PUBLISHED:
            absrel = f"{row.metrics['absrel']:.4f}" if "absrel" in row.metrics else "not given"
            line = f"| {row.dataset} | {row.method} | {absrel} | {row.metrics['delta1']:.4f} | {row.source} |"
            assert (line in section) == ((row.protocol, row.alignment) == (name, alignment))
        rows += len(re.findall(r"^\| (?!data set|---)", section, re.MULTILINE))
    assert rows == len(PUBLISHED)
    assert "10 m; what is beyond is left out" in sections[1] and "truth resized to 1024x512" in sections[0]


def test_the_accuracy_page_holds_the_measurement():
    figures = figures_with({"absrel": 0.123}, {"absrel": 0.456})
    measured = Measured("net", "abc", "a backend", 80.0, figures, {"g": 3}, 7, FloorPlane(1.23, 4.56))
    page = accuracy_page(measured, "../net.md", "dap card net")
    assert "3 g." in page and "over 7 training scenes" in page
    assert "a level floor 1.23 m below the camera out to 4.56 m" in page and "up to 80 m" in page
    assert "| **g** (3) | model | 0.123 |" in page and "| floor-plane prior | 0.456 |" in page
    assert page.count("](../net.md)") == 2 and "```console\ndap card net\n```" in page


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
    card, page = tmp_path / "card.md", tmp_path / "docs" / "accuracy.md"
    page.parent.mkdir()
    arguments = ["card", "dap-tiny", "--run", run, "--scenes", 8, "--rendered", rendered, "--out", card]
    arguments += ["--accuracy", page]
    code = main(list(map(str, arguments)))
    output = capsys.readouterr()
    assert code in (0, 2)  # noise for images: whether the model beats the prior is not this test's matter
    assert (code == 2) == ("does not beat the image-blind prior" in output.err)
    figures = json.loads(card.with_suffix(".json").read_text())
    assert figures["counts"]["rendered hall"] == 2 and sum(figures["counts"].values()) == 10
    assert "rendered hall" in card.read_text() and "Rolling the input by 160 columns" in card.read_text()
    floor = figures["floor_plane"]
    assert 0.3 < floor["camera_height_m"] < 4.0 and floor["surroundings_m"] > 1.0
    tables = [
        re.findall(r"^\|.*\| (?:model|.* prior|oracle .*) \|.*$", p.read_text(), re.MULTILINE) for p in (card, page)
    ]
    assert len(tables[0]) == 2 * 5 * len(figures["counts"]) and tables[0] == tables[1]
    text = page.read_text()
    assert "](../card.md)" in text and "--rendered RENDERED" in text and str(rendered) not in text
    assert f"--accuracy {page}" in text and "--notes" not in text and "--backend" not in text
