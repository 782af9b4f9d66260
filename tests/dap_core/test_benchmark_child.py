import os
import signal
import threading
import time

import numpy as np
import pytest

from dap_core.backends.models import resolve_model
from dap_core.benchmark.child import Child, Failed, ask_once


def test_answers_come_back_and_refusals_are_one_line(tmp_path):
    with Child() as child:
        with pytest.raises(Failed, match="no model file") as error:
            child.ask("describe", path=tmp_path / "gone.onnx")
        assert len(str(error.value).splitlines()) == 1
        # It goes on after a refusal.
        spec = child.ask("describe", path=resolve_model("dap-tiny"))
        assert (spec.name, spec.height, spec.width) == ("dap-tiny", 256, 512)
        with pytest.raises(Failed, match="AssertionError"):
            child.ask("run", seconds=0.0)
    assert child._process.exitcode == 0  # ended by itself: killed, it leaves its libraries' semaphores behind


@pytest.mark.parametrize(
    ("number", "text"),
    [(signal.SIGSEGV, "crashed with SIGSEGV"), (signal.SIGKILL, "out of memory: the system ended the process")],
)
def test_a_crash_takes_only_the_child(number, text):
    child = Child()

    def end():
        time.sleep(0.5)
        os.kill(child._process.pid, number)

    threading.Thread(target=end).start()
    with pytest.raises(Failed, match=text):
        child.ask("copy_rate", threads=1)
    assert not child._process.is_alive() and not child._log.exists()
    with pytest.raises(Failed):
        child.ask("copy_rate", threads=1)


def test_too_much_memory_and_too_much_time_end_it(monkeypatch):
    with pytest.raises(Failed, match=r"out of memory: stopped at 0\.\d GB, and 0\.2 GB were free for it"):
        Child(memory_limit=200_000_000).ask("copy_rate", threads=1)  # copies 256 MB
    child = Child()
    with monkeypatch.context() as patch, pytest.raises(Failed, match=r"stopped at 0\.\d GB, when the machine had none"):
        patch.setattr("dap_core.benchmark.memory.available_bytes", lambda: 100_000_000)  # others have taken the rest
        child.ask("copy_rate", threads=1)
    assert not child._process.is_alive()
    with pytest.raises(Failed, match="no answer within 0 s"):
        Child(patience=0.1).ask("copy_rate", threads=1)


def test_copies_are_as_fast_as_memory_is():
    assert 0.5 < ask_once("copy_rate", threads=1) < 2000.0


def test_frames_of_a_model():
    with Child() as child:
        images = np.zeros((2, 256, 512, 3), np.uint8)
        opened = child.ask("open", backend="onnxruntime", path=resolve_model("dap-tiny"), threads=1, images=images)
        assert opened["precision"] == "float32" and "onnxruntime" in opened["what"]
        range_m, far = opened["outputs"]
        assert range_m.shape == far.shape == (256, 512)
        times = child.ask("run", seconds=0.0)
        assert len(times) == 1 and 0.0 < times[0] < 60.0
        memory = child.ask("memory")
        # The interpreter alone takes 30 MB, the weights in float32 take 23.
        assert 50.0 < memory["open_mb"] < 2000.0 and 50.0 < memory["run_mb"] <= memory["open_mb"] + 200.0
        with pytest.raises(Failed, match="an export runs at its own resolution, 256x512"):
            images = np.zeros((1, 512, 1024, 3), np.uint8)
            child.ask("open", backend="onnxruntime", path=resolve_model("dap-tiny"), threads=1, images=images)
