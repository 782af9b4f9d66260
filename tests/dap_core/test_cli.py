import importlib.metadata
import subprocess
import sys

import pytest

from dap_core import cli
from dap_core.errors import InputError


class Entry:
    """An entry point whose module is a class body."""

    def __init__(self, name, module):
        self.name, self._module = name, module

    def load(self):
        if isinstance(self._module, Exception):
            raise self._module
        return self._module


def command(error=None, code=None):
    class Module:
        HELP = "does something"

        @staticmethod
        def configure(parser):
            parser.add_argument("--n", type=int)

        @staticmethod
        def run(args):
            if error is not None:
                raise error
            return code

    return Module


@pytest.fixture
def commands(monkeypatch):
    def install(**modules):
        entries = [Entry(name, module) for name, module in modules.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: entries if group == cli.GROUP else [])

    return install


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (0, 0), (3, 3)])
def test_exit_codes(commands, code, expected):
    commands(go=command(code=code))
    assert cli.main(["go", "--n", "3"]) == expected


def test_bad_input_is_one_line_and_two(commands, capsys):
    commands(go=command(InputError("wrong; this would be right")))
    assert cli.main(["go"]) == 2
    assert capsys.readouterr().err == "dap go: wrong; this would be right\n"


def test_a_missing_extra_is_named(commands, capsys):
    commands(go=command(ModuleNotFoundError("No module named 'openvino'", name="openvino.runtime")))
    assert cli.main(["go"]) == 2
    assert "pip install 'dap_ros[openvino]'" in capsys.readouterr().err


def test_an_unknown_missing_module_is_a_bug(commands):
    commands(go=command(ModuleNotFoundError("No module named 'xyz'", name="xyz")))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["go"])


def test_interrupt(commands, capsys):
    commands(go=command(KeyboardInterrupt()))
    assert cli.main(["go"]) == 130
    assert capsys.readouterr().err == "dap go: interrupted\n"


def test_a_command_that_does_not_import_leaves_the_others(commands, capsys):
    lacks = ModuleNotFoundError("No module named 'torch'", name="torch")
    commands(good=command(code=0), lacks=lacks, broken=ImportError("libGL.so.1: cannot open"))
    assert cli.main(["good"]) == 0
    assert cli.main(["lacks", "--any", "-x", "argument"]) == 2
    assert "pip install 'dap_ros[torch]'" in capsys.readouterr().err
    assert cli.main(["broken", "--help"]) == 2
    assert capsys.readouterr().err == "dap broken: not available here: libGL.so.1: cannot open\n"


def test_every_installed_command_has_help():
    entries = importlib.metadata.entry_points(group=cli.GROUP)
    assert {"infer", "doctor", "export", "convert"} <= {e.name for e in entries}


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['dap', '--help']\n"
        "from dap_core.cli import main\n"
        "try: main()\n"
        "except SystemExit as e: assert e.code == 0\n"
        "heavy = {'torch', 'cv2', 'onnxruntime', 'openvino', 'matplotlib', 'rclpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "infer" in done.stdout
