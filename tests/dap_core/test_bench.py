import json

import pytest

from dap_core.benchmark.record import load_record
from dap_core.cli import main


def test_one_model_on_one_backend_and_what_it_leaves_behind(small_onnx, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out, plot = tmp_path / "f.json", tmp_path / "f.png"
    quick = ["--backends", "onnxruntime", "--seconds", "0.1", "--turns", "2", "--threads", "1", "--out", str(out)]
    assert main(["bench", "models", str(small_onnx), *quick, "--plot", str(plot)]) == 0
    printed = capsys.readouterr().out
    assert "small, 64x128" in printed and "onnxruntime float32" in printed and plot.stat().st_size > 5000
    (measured,) = load_record(out).results
    assert measured.median_ms > 0.0 and measured.error is None
    # Nothing is measured again where --resume finds it.
    before = out.read_bytes()
    assert main(["bench", "models", str(small_onnx), *quick, "--resume"]) == 0
    assert out.read_bytes() == before
    page = tmp_path / "page.md"
    assert main(["bench", "report", str(out), "--markdown", str(page)]) == 0
    assert "| small, 64x128, " in page.read_text()


def test_what_fails_is_a_line_and_the_others_go_on(small_onnx, tmp_path, capsys):
    out = tmp_path / "f.json"
    quick = ["--seconds", "0", "--turns", "1", "--threads", "1", "--out", str(out)]
    assert main(["bench", "models", str(small_onnx), "--backends", "torch", "openvino", *quick]) == 0
    assert "torch: torch runs checkpoints: give the checkpoint of small.onnx" in capsys.readouterr().out
    assert [result.error is None for result in load_record(out).results] == [False, True]
    assert main(["bench", "models", str(small_onnx), "--backends", "torch", *quick]) == 2


def test_without_a_word_it_measures_the_bundled_model_everywhere(monkeypatch, capsys):
    from dap_core.benchmark import opening, session
    from dap_core.benchmark.case import Result

    asked = []

    def measure(self, source, case):
        asked.append((case.model, case.height, case.batch, case.backend))
        return Result(case, error="not now")

    monkeypatch.setattr(session.Session, "measure", measure)
    monkeypatch.setattr("dap_core.benchmark.child.ask_once", lambda request, **_: 20.0)
    assert main(["bench"]) == 2
    assert asked == [("dap-tiny", 256, 1, name) for name in opening.installed_backends()]
    assert "openvino: not now" in capsys.readouterr().out


def test_products_do_not_wrap_at_80_columns(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = tmp_path / "f.json"
    assert main(["bench", "products", "--heights", "32", "64", "--repeats", "3", "--out", str(out)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert max(map(len, lines)) <= 80 and len(lines) == 14  # a heading and 13 products
    row = next(line for line in lines if line.startswith("all default outputs and scan"))
    assert len(row.split()) == 5 + 4
    products = json.loads(out.read_text())["products"]
    assert 0.0 < products["scan"]["64x128"]["median_ms"] <= products["scan"]["64x128"]["p95_ms"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "dap-s"], "the weights of dap-s are not shipped"),
        (["models", "gone.onnx"], "no model file gone.onnx"),
        (["models", "--backends", "cuda"], "no backend 'cuda'"),
        (["models", "--seconds", "-1"], "--seconds is 0 or more, got -1"),
        (["models", "--turns", "0"], "--turns is 1 or more, got 0"),
        (["models", "--threads", "0"], "--threads is 1 or more, got 0"),
        (["models", "--batches", "0"], "--batches is 1 or more, got 0"),
        (["models", "--resume"], "--resume needs --out"),
        (["models", "--out", "nowhere/f.json"], "no such folder"),
        (["report", "gone.json"], "cannot read gone.json"),
        (["products", "--repeats", "1"], "--repeats is at least 3"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, capsys):
    assert main(["bench", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1
