"""YAML mappings taken key by key (faults of whole files are in test_lens_calibration)."""

from __future__ import annotations

import pytest

from dap_core.errors import InputError
from dap_core.io.yaml_table import Table, read_yaml


def test_values_of_every_kind(tmp_path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "%YAML:1.0\n---\na: 1e-3\nb: [1, 2.5]\nc: {d: x}\ne:\n- {f: 1}\ng: [[1, 2]]\nh: [3, 4]\n7: no name\n"
    )
    table = read_yaml(path)
    assert table.number("a") == 0.001 and table.number("z", 4.0) == 4.0
    assert table.numbers("b", 2) == (1.0, 2.5) and table.whole("h", 2, 3) == (3, 4)
    assert table.table("c").text("d") == "x" and table.tables("e")[0].number("f") == 1.0
    assert table.matrix("g", 1, 2) == ((1.0, 2.0),) and table.is_list("g") and not table.is_list("c")
    assert "a" in table and "z" not in table and table.names() == ["a", "b", "c", "e", "g", "h"]
    with pytest.raises(InputError, match=r"a.yaml: unknown key 7; known are a, b, c, e, g, h, z$"):
        table.done()


def test_faults_name_the_place() -> None:
    table = Table({"a": "x" * 200, "b": [1, None]}, "file: part")
    with pytest.raises(InputError, match=r"^file: part: a takes finite numbers, got 'x{56}\.\.\.$"):
        table.number("a")
    with pytest.raises(InputError, match=r"^file: part: b takes finite numbers, got None$"):
        table.numbers("b", 2)
    with pytest.raises(InputError, match=r"^file: part: c is missing$"):
        table.text("c")
