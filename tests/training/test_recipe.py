"""Recipes: those that are shipped load and cost what they say, and mistakes are named."""

import re
from pathlib import Path

import pytest
import yaml

from dap_core.errors import InputError
from training.config import load_config
from training.cost import costs
from training.recipe import build_recipe, find, is_recipe, load_recipe, merged
from training.stages.labeler import model_shape

ROOT = Path(__file__).resolve().parents[2] / "config" / "training"
FILES = sorted(ROOT.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_shipped_files_load(path):
    if not is_recipe(path):
        assert path.parent == ROOT and load_config(path).steps > 0
        return
    recipe = load_recipe(path)
    assert [model_shape(stage).name for stage in recipe.stages.values()] == [recipe.stages["stage1"].preset] * 3
    assert len({stage.seed for stage in recipe.stages.values()}) == 3 and len(recipe.stages["stage1"].rungs) > 3
    made = {one.path for one in recipe.prepare}
    used = {one.path for one in (*recipe.labelled, *recipe.unlabelled)} | {*recipe.held_out, *recipe.acceptance}
    assert made in (set(), used) and set(recipe.acceptance) <= set(recipe.held_out)
    scenes = [(one.look, range(one.seed, one.seed + one.count)) for one in recipe.prepare]
    for look, seeds in scenes:  # nothing that is measured on is trained on
        assert sum(look == other and bool(set(seeds) & set(others)) for other, others in scenes) == 1


@pytest.mark.parametrize(("name", "gpus"), [("h20/8gpu", 8), ("h20/64gpu", 64)])
def test_cost_is_what_the_comment_says(name, gpus):
    path = find(name)
    said = re.search(r"# (\d+) GPU-hours at 45 % of the peak, ([\d.]+) hours, ([\d,]+) at 2.00", path.read_text())
    assert said is not None
    recipe = load_recipe(path)
    rows = costs(recipe.name, recipe.stages, recipe.machine)
    hours = sum(row.gpu_hours for row in rows)
    assert round(hours) == int(said[1]) and round(hours / gpus, 1) == pytest.approx(float(said[2]), abs=0.5)
    assert round(2.0 * hours) == pytest.approx(int(said[3].replace(",", "")), abs=1)
    # By hand: 2.2 million panoramas of 7.63 TFLOP at 66.6 TFLOP/s.
    assert rows[0].gpu_hours == pytest.approx(20 * 108_298 * 7.63 / 66.6 / 3600, rel=1e-3)
    assert recipe.stages["stage2"].samples_before(10**9) == pytest.approx(5 * 708_298, rel=1e-3)
    assert recipe.stages["stage3"].samples_before(10**9) == pytest.approx(5 * 2_008_298, rel=1e-3)


def test_the_cost_of_what_was_not_counted():
    with pytest.raises(InputError, match="no section `machine`"):
        mini = load_recipe(find("mini"))
        costs(mini.name, mini.stages, mini.machine)
    values = yaml.safe_load(find("h20/8gpu").read_text())
    with pytest.raises(InputError, match="dap-s at 512 rows"):
        tiny = build_recipe({**values, "preset": "dap-tiny"}, "here", "x")
        costs(tiny.name, tiny.stages, tiny.machine)


def test_names():
    assert find("mini") == ROOT / "mini" / "default.yaml" and find("mini/study") == ROOT / "mini" / "study.yaml"
    assert find("dap-tiny") == ROOT / "dap-tiny.yaml" and find(str(ROOT / "smoke.yaml")) == ROOT / "smoke.yaml"
    with pytest.raises(InputError, match=r"no configuration 'maxi'; .* h20/8gpu, mini/default"):
        find("maxi")
    with pytest.raises(InputError, match=r"none.yaml: cannot read"):
        find("none.yaml")


MINI = yaml.safe_load((ROOT / "mini" / "default.yaml").read_text())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage4": {}}, "unknown key 'stage4'"),
        ({"stage2": {"pseudo_share": 1.5}}, "pseudo_share lies between 0 and 1, got 1.5"),
        ({"stage2": {"start": "anywhere"}}, "previous or scratch, got 'anywhere'"),
        ({"stage1": {"pseudo_share": 0.5}}, "stage1: unknown key 'pseudo_share'"),
        ({"stage1": {"ladder": 0}}, "wants checkpoints of the way"),
        ({"stage3": {"phases": [{"height": 64, "batch": 8}]}}, r"stage3: phases\[0\]: missing key 'steps'"),
        ({"stage1": {"accumulate": 0}}, "accumulate must be at least 1"),
        ({"every_stage": {"far_beyond_m": "ten"}}, "far_beyond_m: expected float, got 'ten'"),
        ({"labelled": [{"share": 1.0}]}, r"labelled\[0\]: missing key 'path'"),
        ({"unlabelled": [{"path": "a", "labeler": "b"}]}, "a: the labels of unlabelled sets"),
        ({"selection": {"indoor": -1.0}}, "indoor"),
        ({"prepare": [{"path": "a", "count": 3}]}, r"prepare\[0\]: missing key 'height'"),
        ({"discriminator": {"layers": 0}}, "layers must be at least 1"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(InputError, match=message) as error:
        build_recipe(merged(MINI, changes), "here", "x")
    assert "\n" not in str(error.value)


def test_what_stages_share():
    recipe = build_recipe(merged(MINI, {"seed": 4, "every_stage": {"far_beyond_m": "none"}}), "here", "x")
    assert [stage.seed for stage in recipe.stages.values()] == [41, 42, 43] and recipe.discriminator.seed == 4
    assert all(stage.far_beyond_m is None and stage.loss.normal == 2.0 for stage in recipe.stages.values())
    assert recipe.stages["stage1"].ladder == 5 and recipe.stages["stage2"].ladder == 0
    assert recipe.stages["stage1"].optimizer.weight_decay == 0.05
    assert recipe.stages["stage1"].optimizer.learning_rate == 2 * recipe.stages["stage2"].optimizer.learning_rate
    assert recipe.mixes["stage3"].pseudo_share == 0.5 and recipe.acceptance == ("runs/sets/mini/held-out-synthetic",)
