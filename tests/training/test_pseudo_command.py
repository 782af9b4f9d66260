"""`dap pseudo`, from sets and checkpoints to the report, as one types it."""

import json

import pytest
from pseudo_sets import make_labeler, make_set

from dap_core.cli import main
from training.data.labels import LabelledSet
from training.data.prepared import PreparedSet
from training.data.shards import file_sha256

CONFIG = "{layers: 2, channels: 4, steps: 4, batch: 2, workers: 0, checkpoint_every: 2, log_every: 1}"


def dap(*arguments):
    return main(["pseudo", *map(str, arguments)])


def test_the_whole_way(tmp_path, capsys, monkeypatch):
    for name, labelled in (("labelled", True), ("held", True), ("wild", False)):
        make_set(tmp_path / name, name, (6, 4, 2), seed=len(name), labelled=labelled)
    ladder = tmp_path / "ladder"
    ladder.mkdir()
    labeler = [make_labeler(ladder / f"step-{k}.safetensors", k) for k in range(2)][-1]
    (tmp_path / "d.yaml").write_text(CONFIG)
    fit = ("discriminator", tmp_path / "labelled", "--ladder", ladder, "--config", tmp_path / "d.yaml")
    assert dap(*fit, "--out", tmp_path / "run") == 0
    discriminator = tmp_path / "run" / "discriminator.safetensors"
    assert f"wrote {discriminator}" in capsys.readouterr().out

    accept = ("accept", tmp_path / "held", "--discriminator", discriminator, "--ladder", ladder)
    code = dap(*accept, "--out", tmp_path / "accept")
    said, found = capsys.readouterr().out, json.loads((tmp_path / "accept" / "acceptance.json").read_text())
    assert code == (0 if found["passed"] else 1)
    assert f"correlation of score with -AbsRel {found['domains']['indoor']['last']:.3f} across" in " ".join(
        said.split()
    )

    label = ("label", tmp_path / "wild", "--labeler", labeler, "--discriminator", discriminator)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert dap(*label, "--out", tmp_path / "labels") == 0
    assert "rank 1 of 2 is done; wild still lacks 2 of 3 shards, of other ranks" in capsys.readouterr().out
    labels = LabelledSet(PreparedSet(tmp_path / "wild"), file_sha256(labeler), tmp_path / "labels" / "wild")
    assert labels.missing() == [0, 2]
    select = ("select", tmp_path / "wild", "--labeler", labeler, "--labels", tmp_path / "labels")
    keep = ("--indoor", 0.5, "--outdoor", 2, "--per-group", 1, "--out", tmp_path / "selection.json")
    assert dap(*select, *keep) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "2 of 3 shards of wild lack labels of step-1.safetensors, the first is" in error
    assert dap(*label, "--out", tmp_path / "labels", "--rank", 0, "--world", 2) == 0
    assert labels.missing() == []
    assert dap(*select, *keep) == 0
    said = capsys.readouterr().out
    assert "indoor: kept 3 of 6" in said and "outdoor: kept 2 of 6" in said and "5 labels" in said

    report = ("report", tmp_path / "wild", "--labeler", labeler, "--labels", tmp_path / "labels")
    more = ("--selection", tmp_path / "selection.json", "--acceptance", tmp_path / "accept" / "acceptance.json")
    assert dap(*report, *more, "--out", tmp_path / "report") == 0
    assert "5 of 12 kept" in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("discriminator", "set", "--ladder", "empty", "--out", "run"), "no checkpoints (*.safetensors) in empty"),
        (("discriminator", "set", "--ladder", "a", "--config", "bad.yaml", "--out", "run"), "unknown key 'layer'"),
        (("label", "nowhere", "--labeler", "a"), "nowhere is not a prepared data set"),
        (("select", "set", "--labeler", "none", "--out", "s.json"), "no checkpoint none"),
        (("select", "set", "--labeler", "a", "--indoor", "1.5", "--out", "s.json"), "indoor: a share up to 1"),
        (("report", "set", "--labeler", "a", "--selection", "none", "--out", "r"), "3 of 3 shards of places lack"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    make_set(tmp_path / "set", "places", (2, 1, 1), labelled=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("layer: 3")
    (tmp_path / "a").write_bytes(b"not a checkpoint")
    assert dap(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("dap pseudo: ") and said in error


def test_what_torchrun_says_must_be_a_number(tmp_path, monkeypatch, capsys):
    make_set(tmp_path / "set", "places", (2,), labelled=False)
    monkeypatch.setenv("RANK", "first")
    assert dap("label", tmp_path / "set", "--labeler", make_labeler(tmp_path / "a.safetensors")) == 2
    assert "RANK must be a whole number, got 'first'" in capsys.readouterr().err
