"""The study: its cells differ in what they are meant to, its tables are right, and a killed one goes on."""

import json
import os
import signal
import time
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import pytest
import yaml
from test_train_all import values

from dap_core.cli import main
from dap_core.errors import InputError
from training.recipe import find
from training.study import cells, run, tables
from training.study.cells import TABLES, VARIANTS, Cell, Row, Table, Variant
from training.study.tables import COLUMNS, markdown, values_of, write_study

STUDY = yaml.safe_load(find("mini/study").read_text())
WITH_DISTORTION = [v for v in VARIANTS if "distortion" not in v.changes.get("loss", {})]


def test_every_row_has_its_variant():
    names = {variant.name: variant for variant in VARIANTS}
    assert len(names) == len(VARIANTS)
    for table in TABLES:
        for row in table.rows:
            assert row.stage == "stage1" or names[row.variant].whole


def test_variants_differ_in_what_they_say():
    recipes = {v.name: v.recipe(STUDY, "here", 2) for v in WITH_DISTORTION}
    base = asdict(recipes["pipeline"].stages["stage1"])

    def changed(name: str) -> dict:
        mine = asdict(recipes[name].stages["stage1"])
        differing = {key: value for key, value in mine.items() if value != base[key]}
        if "loss" in differing:
            differing["loss"] = {k: v for k, v in mine["loss"].items() if v != base["loss"][k]}
        return differing

    assert changed("mask-10m") == {"far_beyond_m": 10.0} and changed("no-mask") == {"far_beyond_m": None}
    assert changed("distortion") == {"loss": {"normal": 0.0, "points": 0.0, "dense_fidelity": 0.0, "gradient": 0.0}}
    assert changed("distortion-geometry") == {"loss": {"dense_fidelity": 0.0, "gradient": 0.0}}
    assert changed("distortion-sharpness") == {"loss": {"normal": 0.0, "points": 0.0}}
    (phase,) = changed("stage1-longer")["phases"]
    assert phase["steps"] == sum(stage.steps for stage in recipes["pipeline"].stages.values())
    assert base["seed"] == 21 and recipes["pipeline"].discriminator.seed == 2


def figures_of(absrel: dict[str, list[float]]) -> dict[Cell, run.Figures]:
    """Cells of a variant and seed, whose every metric is the given AbsRel, stage 2 a tenth less."""
    return {
        Cell(Variant(name, whole=True), seed): {
            stage: {"held-out": dict.fromkeys(COLUMNS, value - less)}
            for stage, less in (("stage1", 0), ("stage2", 0.1))
        }
        for name, values in absrel.items()
        for seed, value in enumerate(values)
    }


def test_tables_by_hand(tmp_path, monkeypatch):
    table = Table("t", "A table", (Row("first", "a"), Row("second", "a", "stage2"), Row("other", "b")))
    figures = figures_of({"a": [0.5, 0.6, 0.7], "b": [0.4, 0.6, 0.5]})
    first, second, other = values_of(table, figures, range(3), "held-out")
    assert first["absrel"].mean == pytest.approx(0.6) and first["absrel"].spread == pytest.approx(0.1)
    assert first["absrel"].difference == 0.0 and second["absrel"].difference == pytest.approx(-0.1)
    assert second["absrel"].difference_spread == pytest.approx(0.0, abs=1e-12) and second["absrel"].better_in == 3
    # Differences are seed by seed: -0.1, 0, -0.2.
    assert other["absrel"].difference == pytest.approx(-0.1) and other["absrel"].difference_spread == pytest.approx(0.1)
    assert other["absrel"].better_in == 2 and other["delta1"].better_in == 0
    monkeypatch.setattr(tables, "TABLES", (table,))
    text = markdown(figures, range(3), ["held-out"], "Run so.")
    assert "| other | 0.500 ± 0.100 (-0.100 ± 0.100; 2 of 3) |" in text and "| *first* | 0.600 ± 0.100 |" in text
    paths = write_study(tmp_path, figures, range(3), ["held-out"], "Run so.")
    found = json.loads(paths[0].read_text())
    assert found["tables"]["t"]["held-out"][1]["absrel"]["mean"] == pytest.approx(0.5)
    assert paths[2].read_bytes().startswith(b"\x89PNG") and len(found["cells"]) == 6


def start(folder: Path) -> None:
    """`dap train study` of two variants with one seed, one process."""
    variants = (Variant("pipeline", whole=True), Variant("mask-10m", {"far_beyond_m": 10.0}))
    run.VARIANTS = variants
    tables.TABLES = cells.TABLES = (
        Table("t", "A table", (Row("1", "pipeline"), Row("3", "pipeline", "stage3"), Row("10 m", "mask-10m"))),
    )
    config = folder / "tiny.yaml"
    config.write_text(yaml.safe_dump(values(folder)))
    command = ["train", "study", "--config", str(config), "--out", str(folder / "study"), "--seeds", "1"]
    raise SystemExit(main(command))


def test_killed_and_run_again(tmp_path):
    child = get_context("forkserver").Process(target=start, args=(tmp_path,))
    child.start()
    cell = tmp_path / "study" / "cells" / "pipeline-seed0"
    deadline = time.monotonic() + 120
    while not (cell / "stage2" / "log.jsonl").exists():
        assert time.monotonic() < deadline and child.is_alive()
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    child = get_context("forkserver").Process(target=start, args=(tmp_path,))
    child.start()
    child.join(120)
    assert child.exitcode == 0
    found = json.loads((tmp_path / "study" / "study.json").read_text())
    assert set(found["cells"]) == {"pipeline-seed0", "mask-10m-seed0"}
    assert set(found["cells"]["pipeline-seed0"]) == {"stage1", "stage2", "stage3"}
    assert 0 < found["cells"]["mask-10m-seed0"]["stage1"]["held-out"]["absrel"] < 20
    assert not list((tmp_path / "study").rglob("stage*/state.ckpt"))
    assert "## A table" in (tmp_path / "study" / "study.md").read_text()


def test_a_mistake_is_said_before_anything_is_trained(tmp_path):
    wrong = {**STUDY, "stage3": {"phases": [{"height": 64}]}}
    with pytest.raises(InputError, match="missing key"):
        run.run_cells(wrong, "here", tmp_path, range(1), 1)
    assert not list(tmp_path.iterdir())
