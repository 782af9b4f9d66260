import dataclasses
import json
from pathlib import Path

import pytest

from dap_core.benchmark.case import Against, Case, Difference, Latency, Memory, PeakShare, Result
from dap_core.benchmark.page import TABLES, tables, write_page
from dap_core.benchmark.plot import write_plot
from dap_core.benchmark.record import Record, load_record, open_record, this_machine
from dap_core.benchmark.table import backend_label, heading, percent, print_results
from dap_core.errors import InputError

MACHINE = {
    "name": "a machine",
    "cpu": "chip",
    "cores": 2,
    "memory_gb": 16.0,
    "gpu": None,
    "system": "Linux",
    "versions": {"numpy": "2"},
}


def result(backend="onnxruntime", precision="float32", height=256, batch=1, ms=100.0, model="dap-s", **more):
    return Result(
        Case(model, "random", height, batch, backend, 2),
        what=f"{backend} 1 ({precision})",
        precision=precision,
        native_height=256,
        latency=Latency(9, ms, 1.5 * ms, 0.9 * ms, 2.0),
        memory=Memory(400.0, 300.0),
        flops=batch * 20_000_000_000,
        elements=batch * 50_000_000,
        **more,
    )


@pytest.fixture
def record():
    off = Difference("torch", 0.0042, 0.02, 0.0)
    return Record(
        MACHINE,
        20.0,
        [
            result(peak=PeakShare(0.5, 390.0, 400.0)),
            result("openvino", "bf16", ms=40.0, difference=off, peak=PeakShare(0.625, 700.0, 800.0)),
            result("torch", "float32", ms=200.0, peak=PeakShare(0.6, 150.0, 160.0)),
            result(
                "openvino",
                "bf16",
                batch=2,
                ms=70.0,
                peak=PeakShare(0.75, 650.0, 660.0),
                against=Against("torch", 4.5, 4.4, 4.75, 320.0, off),
            ),
            result(height=512, ms=600.0, peak=PeakShare(0.4, 380.0, 410.0)),
            Result(
                Case("dap-s", "random", 512, 1, "openvino", 2),
                native_height=256,
                error="out of memory: stopped at 9.0 GB",
            ),
        ],
        {"scan": {"256x512": {"median_ms": 1.25, "p95_ms": 2.0}}},
    )


def test_a_record_survives_its_file_and_takes_a_case_once(record, tmp_path):
    record.save(tmp_path / "f.json")
    again = load_record(tmp_path / "f.json")
    assert again == record
    faster = dataclasses.replace(record.results[0], latency=Latency(5, 50.0, 60.0, 45.0, 1.0))
    again.add(faster)
    assert len(again.results) == len(record.results) and again.results[0].median_ms == 50.0
    assert again.has(record.results[0].case) and not again.has(record.results[5].case)  # a failure is tried again
    assert again.peaks() == {
        ("onnxruntime", "float32", 2): 410.0,
        ("openvino", "bf16", 2): 800.0,
        ("torch", "float32", 2): 160.0,
    }


def test_damaged_files_are_one_line(record, tmp_path):
    path = tmp_path / "f.json"
    for text, message in (
        ("{", "not JSON"),
        ("[]", "not the figures of `dap bench`"),
        ('{"format": 0}', "not the figures of `dap bench`"),
        ('{"format": 1, "machine": {}}', "damaged"),
        ('{"format": 1, "machine": {}, "copy_gb_per_s": 1, "products": {}, "results": [{"case": {}}]}', "missing in a"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message) as error:
            load_record(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InputError, match="cannot read"):
        load_record(tmp_path / "gone.json")


def test_figures_of_two_machines_are_not_mixed(record, tmp_path):
    here = this_machine()
    assert here["cores"] >= 1 and here["memory_gb"] > 0.5 and "numpy" in here["versions"]
    path = tmp_path / "f.json"
    record.save(path)
    with pytest.raises(InputError, match="holds figures of chip, not"):
        open_record(path, None)
    content = json.loads(path.read_text())
    content["machine"].update(cpu=here["cpu"], cores=here["cores"], gpu=here["gpu"])
    path.write_text(json.dumps(content))
    assert open_record(path, None).machine["name"] == "a machine"
    assert open_record(path, "mine").machine["name"] == "mine"
    assert open_record(path, None).machine["versions"] == here["versions"]
    assert open_record(tmp_path / "new.json", None).results == []


def test_words_for_the_table(record):
    plain, bf16, *_, failed = record.results
    assert heading(plain) == "dap-s (random weights), 256x512, 20 GFLOP"
    assert heading(dataclasses.replace(plain, flops=2_540_000_000_000)).endswith("2.54 TFLOP")
    assert backend_label(bf16) == "openvino bf16" and backend_label(failed) == "openvino"
    form = dataclasses.replace(bf16, case=dataclasses.replace(bf16.case, backend="torch:bf16-compiled"))
    assert backend_label(form) == "torch bf16 compiled"
    assert [percent(v) for v in (None, 0.0, 5e-5, 0.0042, 0.123)] == ["-", "0 %", "<.01 %", "0.42 %", "12 %"]


def test_the_terminal_needs_80_columns(record, capsys):
    from rich.console import Console

    print_results(Console(width=80), record, record.sorted_results())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    bf16 = next(line.split() for line in lines if line.startswith("openvino bf16"))
    assert bf16 == ["openvino", "bf16", "40", "60", "25.0", "400", "0.42", "%", "0", "%", "62", "%", "-"]
    assert any(line == "openvino: out of memory: stopped at 9.0 GB" for line in lines)
    assert "openvino bf16 800" in " ".join(lines)


def test_tables_of_a_page(record):
    def rows(name):
        return [line.strip("| ").split(" | ") for line in tables(name, [record]).strip().splitlines()[2:]]

    # 50 M numbers of two bytes in 40 ms are 2.5 GB/s, an eighth of what is copied.
    named = "dap-s*, 256x512, 20 GFLOP"
    assert rows("models")[1] == [
        named,
        "openvino bf16",
        "40",
        "60",
        "25.0",
        "400",
        "0.42 %",
        "0 %",
        "62 %",
        "62 %",
        "12 %",
    ]
    assert len(rows("models")) == 3
    assert rows("against") == [
        ["dap-s*, 256x512, batch 2", "openvino bf16", "70", "320", "**4.50** (4.40 to 4.75)", "0.42 %", "0 %"]
    ]
    assert rows("batches") == [
        ["dap-s*", "256x512", "openvino bf16", "1", "40", "40", "1.00", "400"],
        ["dap-s*", "256x512", "openvino bf16", "2", "70", "35", "0.83", "400"],
    ]
    assert rows("resolutions")[-1][3:5] == ["openvino", "out of memory: stopped at 9.0 GB"]
    assert [row[1] for row in rows("resolutions")] == ["256x512"] * 3 + ["512x1024"] * 2
    assert rows("products") == [["scan", "1.25 (2.00)"]]
    assert ["onnxruntime float32, 2 threads", "410 GFLOP/s in matrix products"] in rows("machine")
    assert tables("products", [Record(MACHINE)]).strip() == "Not measured."
    both = tables("models", [record, dataclasses.replace(record, machine={**MACHINE, "name": "another"})])
    assert "a machine:" in both and "another:" in both


def test_a_page_keeps_its_words(record, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Words\n\n<!-- dap bench: products -->\nold\n<!-- end -->\n\nmore words\n")
    write_page(page, [record])
    once = page.read_text()
    assert once.startswith("# Words\n\n<!-- dap bench: products -->\n") and once.endswith(
        "<!-- end -->\n\nmore words\n"
    )
    assert "old" not in once and "| scan | 1.25 (2.00) |" in once
    write_page(page, [record])
    assert page.read_text() == once
    for text, message in (
        ("no marks", "every table stands between"),
        ("<!-- dap bench: models -->\n", "every table stands between"),
        ("<!-- dap bench: speeds -->\n<!-- end -->", "no table 'speeds': use machine, models"),
    ):
        page.write_text(text)
        with pytest.raises(InputError, match=message):
            write_page(page, [record])
        assert page.read_text() == text
    write_page(tmp_path / "new.md", [record])
    assert all(f"<!-- dap bench: {name} -->" in (tmp_path / "new.md").read_text() for name in TABLES)


def test_the_documentation_shows_what_was_measured(tmp_path):
    docs = Path(__file__).resolve().parents[2] / "docs"
    page = tmp_path / "performance.md"
    page.write_text((docs / "performance.md").read_text())
    write_page(page, [load_record(docs / "performance.json")])
    assert page.read_text() == (docs / "performance.md").read_text()


def test_a_plot_of_times_and_memory(record, tmp_path):
    import cv2

    write_plot(tmp_path / "f.png", record)
    picture = cv2.imread(str(tmp_path / "f.png"))
    assert picture.shape[0] > 500 and picture.shape[1] == 960 and picture.std() > 10
    single = Record(MACHINE, None, record.results[:2])
    write_plot(tmp_path / "g.png", single)
    assert cv2.imread(str(tmp_path / "g.png")).shape[0] < picture.shape[0]
    with pytest.raises(InputError, match="no figures to draw"):
        write_plot(tmp_path / "h.png", Record(MACHINE, None, record.results[-1:]))
    assert not (tmp_path / "h.png").exists()
