"""The range mask's threshold in training: what is far, what far means for the range, and a model without a mask."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pseudo_sets import HEIGHT, make_set
from torch import nn

from dap_core import DepthEstimator
from dap_core.backends.torch import spec_of
from dap_core.errors import InputError
from dap_core.export.onnx import export_onnx
from dap_core.model import load_checkpoint, save_checkpoint
from dap_core.model.released import Dap
from training.config import Phase, StageConfig, TrainingSet
from training.data.sample import Sample
from training.losses import Target, total_loss
from training.pseudo import labeler as labeler_module
from training.pseudo.labeler import Labeler
from training.stages.labeler import starting_model, train
from training.step import objective_of
from training.validation import Validation, measure, predict

TINY = {"stem": 8, "channels": [16, 16], "dim": 32, "coarse_dim": 32, "blocks": [1, 1, 1]}
SMALL = {"dim": 32, "depth": 4, "heads": 2, "taps": [0, 1, 2, 3], "features": 8, "out_channels": [4, 4, 8, 8]}


class Says(nn.Module):
    """A model that gives one range in metres everywhere, and far in the left half."""

    def __init__(self, metres: float) -> None:
        super().__init__()
        self.metres, self.config = nn.Parameter(torch.tensor(metres)), StageConfigLike()

    def forward(self, x):
        depth = torch.ones(x.shape[0], *x.shape[2:]) * self.metres / 100.0
        far = torch.zeros_like(depth)
        far[..., : x.shape[-1] // 2] = 0.9
        return depth, far


class StageConfigLike:
    max_range_m = 100.0


@pytest.mark.parametrize(("threshold", "left"), [(100.0, 100.0), (20.0, 30.0), (50.0, 50.0), (None, 30.0)])
def test_what_is_far_lies_beyond_the_threshold(threshold, left):
    image = np.zeros((8, 16, 3), np.uint8)
    range_m, far, probability = predict(Says(30.0), image, threshold)
    assert np.allclose(range_m[:, :8], left) and np.allclose(range_m[:, 8:], 30.0)
    assert far[:, :8].all() == (threshold is not None) and not far[:, 8:].any()
    assert probability.max() == pytest.approx(0.0 if threshold is None else 0.9)


def test_figures_of_one_panorama():
    truth = np.full((8, 16), 40.0, np.float32)
    truth[:, :4] = np.inf
    truth[:, 12:] = 8.0
    sample = Sample("x", np.zeros((8, 16, 3), np.uint8), truth, "g", "indoor")
    found = measure(Says(30.0), sample, "rooms", 100.0)
    # Left quarter sky; then 40 m taken for far: 100; then 40 m taken for 30; then 8 m taken for 30.
    assert found.all.absrel == pytest.approx((1.5 + 0.25 + 22 / 8) / 3, rel=1e-5)
    assert found.within_10m.absrel == pytest.approx(22 / 8, rel=1e-5)
    figures = Validation.of([found, measure(Says(40.0), sample, "streets", 100.0)])
    assert figures.far.iou == pytest.approx(0.5) and set(figures.by_group) == {"rooms", "streets"}
    assert figures.by_group["rooms"].absrel == pytest.approx(found.all.absrel)
    at_20 = measure(Says(30.0), sample, "rooms", 20.0)
    assert at_20.all.absrel == pytest.approx((0.25 + 0.25 + 22 / 8) / 3, rel=1e-5)
    assert at_20.mask.scores().recall == pytest.approx(2 / 3)  # of three quarters beyond 20 m two were called far


def test_without_a_mask_nothing_is_ever_far():
    config = StageConfig(shape=TINY, phases=(Phase(32, 2, 1),), far_beyond_m=None)
    objective = objective_of(config, 100.0)
    assert objective.far_beyond_m == math.inf and objective.weights.mask == 0.0
    target = Target(
        torch.full((2, 32, 64), 0.2), torch.zeros(2, 32, 64, dtype=torch.bool), torch.ones(2, 32, 64).bool()
    )
    for shape, preset in ((TINY, "dap-tiny"), (SMALL, "dap-s")):
        model = starting_model(StageConfig(preset=preset, shape=shape, phases=(Phase(32, 2, 1),), far_beyond_m=None))
        optimizer = torch.optim.AdamW(model.parameters(), 1e-2, weight_decay=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            total_loss(*model.logits(torch.randn(2, 3, 32, 64)), target, objective.weights)[0].backward()
            optimizer.step()
        with torch.no_grad():
            assert model.eval()(torch.randn(2, 3, 32, 64))[1].max() < 1e-12


@pytest.mark.parametrize(("preset", "shape"), [("dap-tiny", TINY), ("dap-s", SMALL)])
def test_a_model_carries_the_threshold_it_is_trained_with(preset, shape, tmp_path):
    one = StageConfig(preset=preset, shape=shape, phases=(Phase(32, 2, 1),))
    save_checkpoint(starting_model(one), tmp_path / "100.safetensors")
    for threshold in (10.0, None):
        other = dataclasses.replace(one, far_beyond_m=threshold, initial=str(tmp_path / "100.safetensors"))
        save_checkpoint(starting_model(other), tmp_path / "other.safetensors")
        model = load_checkpoint(tmp_path / "other.safetensors")
        assert model.config.far_beyond_m == threshold and model.config.max_range_m == 100.0
        spec = spec_of(model)
        assert spec.far_beyond_m == threshold and spec.limit_m == (threshold or 100.0)
        if preset == "dap-s":
            assert model.far_head.threshold_m == threshold
    with pytest.raises(InputError, match="key of the run"):
        starting_model(dataclasses.replace(one, shape={**shape, "far_beyond_m": 10.0}))


@pytest.mark.parametrize(
    ("threshold", "left", "right"),
    [(100.0, np.inf, 30.0), (20.0, 30.0, 20.0), (50.0, 50.0, 30.0), (None, 30.0, 30.0)],
)
def test_labels_say_as_much_as_the_labeler_knows(threshold, left, right, monkeypatch, tmp_path):
    """Far is +inf at the model's limit only: nearer, it is the depth's answer, beyond the threshold."""
    says = Says(30.0)
    says.config = SimpleNamespace(max_range_m=100.0, far_beyond_m=threshold)
    monkeypatch.setattr(labeler_module, "load_checkpoint", lambda path: says)
    (tmp_path / "x").touch()
    label = Labeler(tmp_path / "x", "cpu")(torch.zeros(1, 8, 16, 3, dtype=torch.uint8))[0].numpy()
    np.testing.assert_allclose(label[:, :8], left, rtol=3e-4)
    np.testing.assert_allclose(label[:, 8:], right, rtol=3e-4)
    if threshold is not None:
        assert (label[:, :8] > threshold).all() and (label[:, 8:] <= threshold * (1 + 1e-4)).all()


def test_a_threshold_goes_from_the_recipe_into_the_products(tmp_path):
    """Trained at 20 m, exported, opened: what the mask calls far is +inf, and nothing near lies beyond 20 m."""
    make_set(tmp_path / "set", "places", (4,))
    config = StageConfig(
        shape=TINY, phases=(Phase(HEIGHT, 2, 2),), sets=(TrainingSet(str(tmp_path / "set")),), far_beyond_m=20.0,
        precision="32-true", workers=0, validation_scenes=0, tensorboard=False,
    )  # fmt: skip
    path = train(config, tmp_path / "run", device="cpu")
    model = load_checkpoint(path)
    with torch.no_grad():
        model.head.bias[:4] = 0.0  # 50 m everywhere
        model.head.bias[4:] = torch.tensor([-9.0, 9.0, -9.0, 9.0])  # every second column is far
    export_onnx(model, tmp_path / "m.onnx", height=HEIGHT, half=False)
    with DepthEstimator.open(tmp_path / "m.onnx", "onnxruntime", threads=1) as estimator:
        assert estimator.spec.far_beyond_m == 20.0 and estimator.spec.max_range_m == 100.0
        depth = estimator(np.zeros((HEIGHT, 2 * HEIGHT, 3), np.uint8))
    assert depth.max_range_m == 20.0 and depth.far.mean() == 0.5 and np.isposinf(depth.range_m[depth.far]).all()
    np.testing.assert_allclose(depth.range_m[depth.near], 20.0)


def test_a_threshold_beyond_the_model_is_refused():
    with pytest.raises(InputError, match="within the model's 100 m, got 150"):
        objective_of(StageConfig(far_beyond_m=150.0), 100.0)
    with pytest.raises(InputError, match="above 0 metres"):
        StageConfig(far_beyond_m=0.0)
    assert objective_of(StageConfig(far_beyond_m=20.0), 100.0).far_beyond_m == 20.0


def test_what_a_run_starts_from(tmp_path):
    from dap_core.model import save_checkpoint
    from dap_core.model.dinov3 import _meta_shapes

    config = StageConfig(preset="dap-s", shape=SMALL, phases=(Phase(32, 2, 1),))
    first = starting_model(config)
    assert isinstance(first, Dap) and torch.equal(first.far_head.out.weight, starting_model(config).far_head.out.weight)
    state = {name: 0.1 * torch.randn(shape) for name, shape in _meta_shapes(first.config).items()}
    state["rope_embed.periods"] = first.backbone.rope.periods
    for block in range(4):
        state[f"blocks.{block}.attn.qkv.bias_mask"] = torch.tensor([1.0, 0.0, 1.0]).repeat_interleave(32)
    torch.save(state, tmp_path / "dinov3.pth")
    loaded = starting_model(StageConfig(**{**vars(config), "initial_backbone": str(tmp_path / "dinov3.pth")}))
    assert torch.equal(loaded.backbone.blocks[3].mlp.fc1.weight, state["blocks.3.mlp.fc1.weight"])
    assert torch.equal(loaded.backbone.blocks[0].attn.qkv.bias[32:64], torch.zeros(32))
    assert not torch.equal(first.backbone.cls_token, loaded.backbone.cls_token)
    save_checkpoint(loaded, tmp_path / "a.safetensors")
    again = starting_model(StageConfig(**{**vars(config), "initial": str(tmp_path / "a.safetensors")}))
    assert torch.equal(again.backbone.cls_token, loaded.backbone.cls_token)
    for wrong, message in (
        (
            {"shape": {**SMALL, "features": 16}, "initial": str(tmp_path / "a.safetensors")},
            "which is not dap-s as it is here",
        ),
        ({"initial": "a", "initial_backbone": "b"}, "not from both"),
        ({"preset": "dap-xl"}, "unknown preset"),
        ({"shape": {"wings": 2}}, "unknown key in a dap configuration: wings"),
        ({"preset": "dap-tiny", "shape": TINY, "initial_backbone": str(tmp_path / "dinov3.pth")}, "backbone of dap-s"),
    ):
        with pytest.raises(InputError, match=message):
            starting_model(StageConfig(**{**vars(config), **wrong}))
