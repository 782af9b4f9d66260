import dataclasses

import numpy as np
import pytest

from dap_core.backends import backend_module, open_backend
from dap_core.benchmark.case import Case, Result
from dap_core.benchmark.operations import count_operations
from dap_core.benchmark.session import Session
from dap_core.benchmark.source import Source
from dap_core.benchmark.turns import Effort
from dap_core.errors import InputError
from dap_core.export.parity import room

QUICK = Effort(seconds=0.0, turns=2, slice_s=0.01)


def case_of(source, backend="onnxruntime", batch=1, height=None):
    return Case(source.name, source.weights, height or source.spec.height, batch, backend, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


def test_a_case_has_its_time_memory_accuracy_and_share(small_onnx, folder):
    source = Source(str(small_onnx), folder)
    assert (source.name, source.weights, source.spec.height) == ("small", "own", 64)
    told = []
    session = Session(folder, effort=QUICK, reference=source, tell=lambda what, share: told.append((what, share)))
    result = session.measure(source, case_of(source, "openvino:bf16", batch=2))
    assert result.error is None and result.note is None
    assert result.precision == "bf16" and result.what.startswith("openvino") and result.native_height == 64
    assert result.latency.frames >= 2 and 0.0 < result.latency.min_ms <= result.median_ms <= result.p95_ms
    assert result.images_per_s == pytest.approx(2000.0 / result.median_ms)
    assert 30.0 < result.memory.open_mb < 3000.0 and 30.0 < result.memory.run_mb < 3000.0
    counted = count_operations(small_onnx, 2)
    assert (result.flops, result.elements) == (counted.flops, counted.elements)
    # A model this small runs far below the peak, which for one thread is at least a GFLOP/s.
    assert 0.0 < result.peak.share < 0.9 and 1.0 < result.peak.peak_gflops <= result.peak.best_gflops
    expected = open_backend("onnxruntime", small_onnx)(room(64)[None])[0]
    got = backend_module("openvino").open_model(small_onnx, 1, "bf16")(room(64)[None])[0]
    assert result.off_by == pytest.approx(np.median(np.abs(got / expected - 1.0)), rel=0.2)
    assert result.difference.reference == "onnxruntime float32 of small"
    assert told[-1] == ("timing", 1.0) and ("opening", None) in told


def test_against_torch_at_another_resolution_which_is_exported_once(small_checkpoint, folder):
    source = Source(str(small_checkpoint), folder)
    assert source.file("torch", 96) == small_checkpoint
    result = Session(folder, effort=QUICK, against=True).measure(source, case_of(source, height=96))
    against = result.against
    assert against.what.startswith("torch") and "eager" in against.what
    assert 0.05 < against.ratio_low <= against.ratio <= against.ratio_high < 1000.0
    # The export has halved weights, the checkpoint has not: they differ, and hardly.
    assert 0.0 < against.difference.median < 5e-3 and against.difference.far_flips < 0.01
    assert result.native_height == 64 and result.difference is None  # ONNX Runtime in float32 is the reference itself
    path = source.file("openvino", 96)
    assert open_backend("onnxruntime", path).spec.width == 192
    written = path.stat().st_mtime_ns
    assert Source(str(small_checkpoint), folder).file("onnxruntime", 96) == path
    assert path.stat().st_mtime_ns == written


def test_what_cannot_be_run_is_a_result_that_says_why(small_onnx, folder):
    source = Source(str(small_onnx), folder)
    session = Session(folder, effort=QUICK)
    for case, message in (
        (case_of(source, "torch"), "torch runs checkpoints: give the checkpoint of small.onnx"),
        (case_of(source, height=96), "an export runs at its own resolution, 64x128: give the checkpoint"),
        (case_of(source, "tensorrt"), "needs tensorrt, which is not installed|CUDA does not start"),
    ):
        result = session.measure(source, case)
        assert result.latency is None and result.case == case
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(result.error)


def test_models_that_are_not_there(folder):
    with pytest.raises(InputError, match=r"weights of dap-s are not shipped.*or measure its speed.*--random-weights"):
        Source("dap-s", folder)
    with pytest.raises(InputError, match="no model 'dap-x'"):
        Source("dap-x", folder, random_weights=True)
    made_up = Source("dap-s", folder, random_weights=True)
    assert (made_up.name, made_up.weights) == ("dap-s", "random")
    assert Source("dap-tiny", folder).weights == "bundled"


def test_results_survive_json():
    case = Case("dap-s", "random", 512, 2, "openvino:f32", 2)
    assert Result.from_json(Result(case, error="crashed").to_json()) == Result(case, error="crashed")
    values = Result(case).to_json()
    for change, message in (
        ({"latency": {"frames": 3}}, "missing in a Latency: median_ms, p95_ms, min_ms, open_s"),
        ({"flops": "many"}, "flops of a Result is a int, got 'many'"),
        ({"flops": True}, "flops of a Result is a int"),
        ({"speed": 3}, "unknown key in a Result: speed"),
        ({"case": 4}, "a Case is an object, got '4'"),
    ):
        with pytest.raises(InputError, match=message):
            Result.from_json(values | change)
    assert dataclasses.replace(case, batch=1).subject == ("dap-s", "random", 512, 1)


def test_an_export_runs_against_the_checkpoint_of_its_reference(small_onnx, small_checkpoint, folder):
    """As a quantised file does, which has no checkpoint."""
    source = Source(str(small_onnx), folder)
    alone = Session(folder, effort=QUICK, against=True).measure(source, case_of(source))
    assert alone.against is None and "torch not run" in alone.note
    reference = Source(str(small_checkpoint), folder)
    result = Session(folder, effort=QUICK, against=True, reference=reference).measure(source, case_of(source))
    assert result.against.ratio > 0.05 and result.note is None
    assert 0.0 < result.against.difference.median < 5e-3
