"""Checkpoints: what is read, what is refused and in which words, and what `dap convert` writes."""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from released_weights import keys, released_state
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dap_core.commands import convert
from dap_core.errors import InputError
from dap_core.model import PRESETS, build, load_checkpoint, save_checkpoint
from dap_core.model.checkpoint import read_checkpoint
from dap_core.model.presets import config_from_json, config_to_json
from dap_core.model.reference_layout import BLOCKS, BLOCKS_AGAIN, released_shapes
from dap_core.model.released import Dap, DapConfig
from dap_core.model.tiny import TinyConfig

SMALL = DapConfig(
    "small", 32, 4, 2, (0, 1, 2, 3), 16, (8, 8, 16, 16), height=64, width=128, max_range_m=20.0, far_beyond_m=10.0
)
QKV_BIAS = "core.pretrained.model.blocks.3.attn.qkv.bias"

State = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def weights() -> State:
    return released_state("vits", 1)


@pytest.fixture(scope="module")
def pth(weights: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("released") / "vits.pth"
    torch.save({key: torch.from_numpy(value) for key, value in weights.items()}, path)
    return path


@pytest.fixture(scope="module")
def model(weights: State) -> Dap:
    loaded = load_checkpoint(weights)
    assert isinstance(loaded, Dap)
    return loaded


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    x, y = a.state_dict(), b.state_dict()
    return x.keys() == y.keys() and all(torch.equal(x[key], y[key]) for key in x)


def refusal(source: object) -> str:
    with pytest.raises(InputError) as error:
        load_checkpoint(source)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("variant", "preset"), [("vits", "dap-s"), ("vitb", "dap-b"), ("vitl", "dap-l")])
def test_the_layout_is_the_references(variant: str, preset: str) -> None:
    config = PRESETS[preset]
    assert isinstance(config, DapConfig)
    once = {name: shape for name, shape in keys(variant).items() if not name.startswith(BLOCKS_AGAIN)}
    assert released_shapes(config) == once


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda s: s, id="bare"),
        pytest.param(lambda s: {f"module.{k}": v for k, v in s.items()}, id="module prefix"),
        pytest.param(lambda s: {"model": s}, id="model"),
        pytest.param(lambda s: {"state_dict": s, "epoch": 3}, id="state_dict"),
        pytest.param(lambda s: {k: torch.from_numpy(v) for k, v in s.items()}, id="tensors"),
        pytest.param(lambda s: {k: v for k, v in s.items() if not k.startswith(BLOCKS)}, id="second names alone"),
        pytest.param(lambda s: {k: v for k, v in s.items() if not k.startswith(BLOCKS_AGAIN)}, id="first names alone"),
    ],
)
def test_every_form_of_a_released_state_dict_loads(wrap: Callable, weights: State, model: Dap) -> None:
    loaded = load_checkpoint(wrap(weights))
    assert loaded.config == PRESETS["dap-s"] and not loaded.training
    assert same(loaded, model)


def test_files_load_as_state_dicts_do(pth: Path, weights: State, model: Dap, tmp_path: Path) -> None:
    assert same(load_checkpoint(pth), model)
    assert same(load_checkpoint(str(pth)), model)
    once = {key: torch.from_numpy(value) for key, value in weights.items() if not key.startswith(BLOCKS_AGAIN)}
    save_file(once, tmp_path / "released.safetensors")
    assert same(load_checkpoint(tmp_path / "released.safetensors"), model)
    torch.save(once, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    assert same(load_checkpoint(tmp_path / "legacy.pth"), model)


def test_half_precision_is_read_as_float32(weights: State, model: Dap) -> None:
    for dtype, bound in ((torch.float16, 2**-11), (torch.bfloat16, 2**-8)):
        loaded = load_checkpoint({key: torch.from_numpy(value).to(dtype) for key, value in weights.items()})
        for name, value in loaded.state_dict().items():
            assert value.dtype == torch.float32
            torch.testing.assert_close(value, model.state_dict()[name], rtol=bound, atol=1e-6)


def test_the_key_bias_is_masked_out_whatever_it_holds(weights: State, model: Dap) -> None:
    bias = weights[QKV_BIAS].copy()
    bias[384:768] = np.nan
    names = (QKV_BIAS, QKV_BIAS.replace(BLOCKS, BLOCKS_AGAIN))
    loaded = load_checkpoint(weights | dict.fromkeys(names, bias))
    assert same(loaded, model)
    folded = loaded.state_dict()["backbone.blocks.3.attn.qkv.bias"].numpy()
    assert (folded[384:768] == 0).all()
    np.testing.assert_array_equal(folded[:384], bias[:384])


def test_a_loaded_model_does_not_share_memory_with_its_source(weights: State) -> None:
    state = {key: value.copy() for key, value in weights.items() if not key.startswith(BLOCKS_AGAIN)}
    loaded = load_checkpoint(state)
    before = loaded.state_dict()["adapter.norm.weight"].clone()
    state["core.pretrained.norm.weight"][:] = 0
    assert torch.equal(loaded.state_dict()["adapter.norm.weight"], before)


@pytest.mark.parametrize(
    "key",
    [
        "core.pretrained.model.cls_token",
        "core.pretrained.model.mask_token",
        "core.pretrained.model.rope_embed.periods",
        "core.pretrained.norm.bias",
        "core.depth_head.scratch.refinenet4.resConfUnit1.conv1.bias",
        "core.mask_head.scratch.output_conv2.2.bias",
    ],
)
def test_one_missing_or_misshapen_key_is_named(key: str, weights: State) -> None:
    assert f"dap-s: 1 missing ({key})" in refusal({k: v for k, v in weights.items() if k != key})
    shape = list(weights[key].shape)
    message = refusal(weights | {key: weights[key][None]})
    assert f"1 misshapen ({key} {[1, *shape]} instead of {shape})" in message


def test_a_block_missing_under_both_names_is_named(weights: State) -> None:
    message = refusal({k: v for k, v in weights.items() if ".blocks.5.mlp" not in k})
    assert "4 missing (core.pretrained.model.blocks.5.mlp.fc1.weight, " in message and ", ...)" in message


def test_an_unexpected_key_is_named(weights: State) -> None:
    message = refusal(weights | {"core.depth_head.extra": np.zeros(1, np.float32)})
    assert "dap-s: 1 unexpected (core.depth_head.extra)" in message
    message = refusal(weights | {"optimizer.step": np.zeros(1, np.float32)})
    assert "1 unexpected (optimizer.step)" in message


def test_two_names_that_disagree_are_refused(weights: State) -> None:
    key = f"{BLOCKS_AGAIN}2.norm1.weight"
    assert f"disagree: {key}" in refusal(weights | {key: weights[key] + 1})


def test_values_that_are_not_weights_are_refused(weights: State) -> None:
    key = "core.depth_head.projects.1.bias"
    broken = weights[key].copy()
    broken[3] = np.nan
    assert f"1 not finite ({key})" in refusal(weights | {key: broken})
    assert f"{key} is torch.int8" in refusal(weights | {key: np.zeros(96, np.int8)})
    assert "'epoch' is a int" in refusal(weights | {"epoch": 3})
    assert "no tensors" in refusal({})
    assert "no key begins with 'core.'" in refusal({"blocks.0.norm1.weight": torch.zeros(384)})


def test_files_that_are_not_checkpoints_are_refused(pth: Path, tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.pth")
    assert "is a folder" in refusal(tmp_path)
    whole = pth.read_bytes()
    samples = {
        "truncated.pth": whole[: len(whole) // 2],
        "empty.pth": b"",
        "text.pth": b"<!DOCTYPE html><html>not found</html>",
        "lfs.pth": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "short.safetensors": b"\x08\x00",
        "header.safetensors": (200).to_bytes(8, "little") + b"{",
    }
    for name, content in samples.items():
        (tmp_path / name).write_bytes(content)
        assert "damaged" in refusal(tmp_path / name), name
        assert name in refusal(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    assert "holds a list" in refusal(tmp_path / "list.pth")
    torch.save({"model": {"a": "b"}}, tmp_path / "words.pth")
    assert "'a' is a str" in refusal(tmp_path / "words.pth")


class Payload:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_with_more_than_weights_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    torch.save({"model": Payload(trap)}, tmp_path / "zip.pth")
    assert "more than weights" in refusal(tmp_path / "zip.pth")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    assert "more than weights" in refusal(tmp_path / "module.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Payload(trap)))
    assert "more than weights" in refusal(tmp_path / "plain.pth")
    assert not trap.exists()


def test_own_checkpoints_come_back_as_they_were(tmp_path: Path) -> None:
    for config in (SMALL, PRESETS["dap-tiny"]):
        module = build(config).eval()
        path = tmp_path / f"{config.name}.safetensors"
        save_checkpoint(module, path)
        loaded = load_checkpoint(path)
        assert loaded.config == config and same(loaded, module) and not loaded.training
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        assert metadata.keys() == {"dap"}
        assert json.loads(metadata["dap"])["max_range_m"] == config.max_range_m
        (tmp_path / "plain").touch()
        assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
        (tmp_path / "plain").unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dap-tiny.safetensors", "small.safetensors"]


def test_half_stores_weights_in_half_and_keeps_the_rest(tmp_path: Path) -> None:
    module = build(SMALL)
    save_checkpoint(module, tmp_path / "half.safetensors", half=True)
    stored = read_checkpoint(tmp_path / "half.safetensors").tensors
    assert stored["backbone.blocks.0.attn.qkv.weight"].dtype == torch.float16
    assert stored["backbone.blocks.0.ls1.gamma"].dtype == torch.float32  # 1e-5 would lose digits
    loaded = load_checkpoint(tmp_path / "half.safetensors").state_dict()
    for name, value in module.state_dict().items():
        assert loaded[name].dtype == value.dtype
        torch.testing.assert_close(loaded[name], value, rtol=2**-11, atol=1e-7)
    with torch.no_grad():
        module.state_dict()["depth_head.out.weight"].fill_(1e6)
    with pytest.raises(InputError, match=r"depth_head\.out\.weight has values beyond float16"):
        save_checkpoint(module, tmp_path / "over.safetensors", half=True)
    assert [path.name for path in tmp_path.iterdir()] == ["half.safetensors"]


def test_own_checkpoints_are_checked_too(tmp_path: Path) -> None:
    state: dict[str, Tensor] = dict(build(SMALL).state_dict())
    path = tmp_path / "own.safetensors"

    def stored(tensors: dict[str, Tensor], configuration: str = config_to_json(SMALL)) -> str:
        save_file(tensors, path, metadata={"dap": configuration, "format": "pt"})
        return refusal(path)

    assert "1 missing (adapter.norm.bias)" in stored({k: v for k, v in state.items() if k != "adapter.norm.bias"})
    assert "1 unexpected (more)" in stored(state | {"more": torch.zeros(1)})
    assert "[3] instead of [32]" in stored(state | {"adapter.norm.bias": torch.zeros(3)})
    assert "not finite (adapter.norm.bias)" in stored(state | {"adapter.norm.bias": torch.full((32,), torch.inf)})
    assert "must be a JSON object" in stored(state, "words")
    own = json.loads(config_to_json(SMALL))
    assert "family 'other' is unknown" in stored(state, json.dumps(own | {"family": "other"}))
    assert "unknown key in a dap configuration: colour" in stored(state, json.dumps(own | {"colour": 1}))
    assert "missing key in a dap configuration: heads" in stored(
        state, json.dumps({k: v for k, v in own.items() if k != "heads"})
    )
    assert "max_range_m in a dap configuration" in stored(state, json.dumps(own | {"max_range_m": -1}))
    assert "taps in a dap configuration" in stored(state, json.dumps(own | {"taps": [1, 2]}))


def test_configurations_survive_json() -> None:
    for config in (*PRESETS.values(), SMALL, replace(SMALL, far_beyond_m=None), TinyConfig(far_beyond_m=50.0)):
        assert config_from_json(config_to_json(config)) == config


def test_a_configuration_without_a_threshold_has_it_at_its_limit() -> None:
    values = json.loads(config_to_json(SMALL))
    del values["far_beyond_m"]
    assert config_from_json(json.dumps(values)).far_beyond_m == 20.0
    assert config_from_json(json.dumps({"family": "dap-tiny"})).far_beyond_m == 100.0
    for wrong, message in (
        (21, r"lies in \(0, 20\] metres, got 21"),
        ("x", "far_beyond_m in a dap configuration must be"),
    ):
        with pytest.raises(InputError, match=message):
            config_from_json(json.dumps(values | {"far_beyond_m": wrong}))
    with pytest.raises(InputError, match="must be int, got None"):
        config_from_json(json.dumps(values | {"heads": None}))


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="dap-s, dap-b, dap-l, dap-tiny"):
        build("dap-xl")


def run_convert(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    convert.configure(parser)
    return convert.run(parser.parse_args([str(argument) for argument in arguments]))


def test_convert(pth: Path, model: Dap, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "dap-s.safetensors"
    assert run_convert(pth, out) == 0
    text = capsys.readouterr().out
    assert same(load_checkpoint(out), model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert f"dap-s: {parameters / 1e6:.1f} M parameters" in text
    assert "core.pretrained.model.mask_token" in text and "core.pretrained.model.blocks.*  (12 tensors)" in text

    before = out.read_bytes()
    with pytest.raises(InputError, match="--force"):
        run_convert(pth, out)
    assert out.read_bytes() == before
    assert run_convert(pth, out, "--force", "--half") == 0
    assert out.stat().st_size < 0.51 * len(before)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_convert_refuses_in_one_line_and_leaves_nothing(pth: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(pth.read_bytes()[:100_000])
    for source, destination, words in (
        (bad, "out.safetensors", "damaged"),
        (tmp_path / "absent.pth", "out.safetensors", "no such file"),
        (pth, "out.pth", "must end in .safetensors"),
        (pth, "no/such/out.safetensors", "no such folder"),
    ):
        with pytest.raises(InputError, match=words) as error:
            run_convert(source, tmp_path / destination)
        assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pth"]
