import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from dap_core import DepthEstimator, backends
from dap_core.backends import BackendUnavailable, ModelSpec, open_backend
from dap_core.backends.models import BUNDLED, RELEASED, resolve_model
from dap_core.benchmark.matmul_model import write_matmul_model
from dap_core.errors import InputError
from dap_core.export.parity import parity_images

SPEC = ModelSpec("constant", 4, 8, 50.0, "ab" * 32)


def constant_model(path, metadata=None, outputs=("range_m", "far"), channels=3):
    """A model without weights: range 2 m plus the mean colour, far 0.25."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axis"], ["m"], keepdims=0),
        helper.make_node("Add", ["m", "two"], [outputs[0]]),
        helper.make_node("Mul", ["m", "nought"], ["z"]),
        helper.make_node("Add", ["z", "quarter"], [outputs[1]]),
    ]
    constants = {"two": 2.0, "nought": 0.0, "quarter": 0.25}
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["B", 4, 8, channels])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", 4, 8]) for name in outputs],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [-1]),
            *(helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in constants.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, SPEC.to_metadata() if metadata is None else metadata)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_model_in_closed_form(name, tmp_path):
    backend = open_backend(name, constant_model(tmp_path / "m.onnx"), threads=1)
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 8, 3), dtype=np.uint8)
    range_m, far = backend(images)
    np.testing.assert_allclose(range_m, 2.0 + images.mean(-1), rtol=1e-2 if backend.precision == "bf16" else 1e-6)
    np.testing.assert_array_equal(far, np.full((3, 4, 8), 0.25, np.float32))
    assert backend.spec == SPEC and backend.name == name and "1 thread)" in backend.reason
    backend.close()
    with pytest.raises(RuntimeError, match="closed"):
        backend(images[:2])


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_results_are_the_callers_own(name, tmp_path):
    backend = open_backend(name, constant_model(tmp_path / "m.onnx"))
    first = backend(np.zeros((1, 4, 8, 3), np.uint8))[0]
    backend(np.full((1, 4, 8, 3), 200, np.uint8))
    np.testing.assert_allclose(first, 2.0)


def test_all_backends_agree_with_torch(small_checkpoint, small_onnx):
    reference = open_backend("torch", small_checkpoint, threads=1)
    images = np.concatenate(list(parity_images(64).values()))
    expected_range, expected_far = reference(images)
    # The comparison says something only where the outputs vary.
    assert expected_range.std() > 0.3 * expected_range.mean() and 0.05 < (expected_far > 0.5).mean() < 0.95
    from dap_core.backends.openvino import open_model

    for backend, limit in (
        (open_backend("onnxruntime", small_onnx), 2e-2),
        (open_model(small_onnx, 1, "f32"), 2e-2),
        (open_model(small_onnx, 1, "bf16"), 1e-1),
    ):
        range_m, far = backend(images)
        assert range_m.dtype == far.dtype == np.float32 and range_m.shape == (2, 64, 128)
        assert np.percentile(np.abs(range_m / expected_range - 1), 99) < limit, backend.reason
        assert ((far > 0.5) != (expected_far > 0.5)).mean() < 0.02
        assert backend.spec.weights_sha256 == reference.spec.weights_sha256
        assert dataclasses.replace(backend.spec, weights_precision="float32") == reference.spec


def test_bf16_does_not_come_in_steps(small_onnx):
    from dap_core.backends.openvino import open_model

    range_m, _ = open_model(small_onnx, 1, "bf16")(parity_images(64)["a room"])
    # 8 significant bits of the logit would leave a few dozen different values.
    assert len(np.unique(range_m)) > 4000


def test_a_backend_says_where_and_in_what_it_runs(small_onnx, small_checkpoint):
    from dap_core.backends import openvino

    found = {
        "onnxruntime": open_backend("onnxruntime", small_onnx),
        "openvino bf16": openvino.open_model(small_onnx, 1, "bf16"),
        "openvino f32": openvino.open_model(small_onnx, 1, "f32"),
        "torch": open_backend("torch", small_checkpoint),
    }
    expected = {name: ("cpu", "bf16" if name.endswith("bf16") else "float32") for name in found}
    assert {name: (b.device, b.precision) for name, b in found.items()} == expected
    assert all(b.precision in b.reason for b in found.values())


def test_onnxruntime_without_cuda_does_not_pass_for_it(small_onnx):
    from dap_core.backends import onnxruntime

    assert onnxruntime.CUDA not in onnxruntime.ort.get_available_providers()
    with (
        pytest.warns(UserWarning, match="not in available"),
        pytest.raises(BackendUnavailable, match="onnxruntime: CUDAExecutionProvider does not start on this machine"),
    ):
        onnxruntime.open_model(small_onnx, 1, onnxruntime.CUDA)


def test_products_left_to_the_cpu_are_found(small_onnx, tmp_path):
    """A real profile, held to what it is and to what it is not."""
    from dap_core.backends import onnxruntime

    options = onnxruntime.ort.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "profile")
    session = onnxruntime.ort.InferenceSession(small_onnx, options, providers=[onnxruntime.CPU])
    session.run(None, {"image": parity_images(64)["noise"]})
    events = json.loads(Path(session.end_profiling()).read_text())
    onnxruntime.check_products(events, onnxruntime.CPU, quantised=False)
    products = r"CPUExecutionProvider computes (\d\d) of \1 products \((Fused)?(Conv|MatMul)"
    with pytest.raises(BackendUnavailable, match=f"asked for CUDAExecutionProvider, and {products}"):
        onnxruntime.check_products(events, onnxruntime.CUDA, quantised=False)
    with pytest.raises(BackendUnavailable, match="is quantised to int8, and its products run in float32 here"):
        onnxruntime.check_products(events, onnxruntime.CPU, quantised=True)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_int8_is_what_it_says(name, tmp_path):
    write_matmul_model(tmp_path / "int8.onnx", "int8", 64, 2)
    backend = open_backend(name, tmp_path / "int8.onnx", threads=1)
    assert (backend.device, backend.precision) == ("cpu", "int8")
    # Float products in a file that says int8: what a runtime that does not fuse Q and DQ makes of a quantised one.
    model = onnx.load(write_float_model(tmp_path / "float.onnx"))
    next(p for p in model.metadata_props if p.key == "dap.weights_precision").value = "int8"
    onnx.save(model, tmp_path / "not.onnx")
    with pytest.raises(BackendUnavailable, match="int8, and") as error:
        open_backend(name, tmp_path / "not.onnx", threads=1)
    assert "\n" not in str(error.value)


def write_float_model(path):
    write_matmul_model(path, "float32", 64, 2)
    return path


def test_openvino_in_another_precision_is_an_error(tmp_path, monkeypatch):
    from dap_core.backends import openvino

    path = write_float_model(tmp_path / "float.onnx")
    core = openvino.ov.Core()
    model = core.read_model(str(path))
    model.reshape({"image": [1, 32, 64, 3]})
    ran = openvino.executed_products(core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}))
    assert ran == {"float32": 3}
    openvino.check_products(ran, "float32")
    with pytest.raises(BackendUnavailable, match="openvino: asked for bf16, and of 3 products it computes 3 in float"):
        openvino.check_products(ran, "bf16")
    # OpenVINO in the place of one that does not heed the hint, and `auto`, which goes on and says so.
    monkeypatch.setattr(openvino, "bf16_flag", lambda: "bf16")
    monkeypatch.setattr(openvino, "executed_products", lambda compiled: ran)
    monkeypatch.setattr(backends, "_order", lambda: [("openvino", None, "best"), ("onnxruntime", None, "next")])
    said = []
    backend = open_backend("auto", path, progress=lambda what, share: said.append(what))
    assert backend.name == "onnxruntime" and "asked for bf16" in backend.reason
    assert said == [f"{backend.reason.rpartition('; ')[2]}: trying the next backend"]


def test_batches_do_not_depend_on_their_neighbours(small_onnx):
    backend = open_backend("onnxruntime", small_onnx)
    images = np.concatenate(list(parity_images(64).values()))
    together, alone = backend(images)[0], np.concatenate([backend(i[None])[0] for i in images])
    np.testing.assert_allclose(together, alone, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (64, 128, 3), (1, 128, 256, 3), (1, 64, 128, 4)])
def test_wrong_batches(shape, small_onnx):
    with pytest.raises(InputError, match="takes uint8"):
        open_backend("onnxruntime", small_onnx)(np.zeros(shape, np.uint8))


def test_auto_runs_an_export_and_says_why(small_onnx):
    backend = open_backend("auto", small_onnx, threads=1)
    assert backend.name in ("onnxruntime", "openvino")
    assert "chosen because" in backend.reason and "1 thread" in backend.reason


def test_auto_without_bf16_takes_the_default(small_onnx, monkeypatch):
    monkeypatch.setattr(backends, "bf16_flag", lambda: None)
    backend = open_backend("auto", small_onnx)
    assert backend.name == "onnxruntime" and backend.reason.endswith("chosen because it is the default")


def test_auto_passes_over_what_does_not_start(small_onnx, monkeypatch):
    monkeypatch.setitem(backends.BACKENDS, "openvino", ("no_such_package", "openvino"))
    monkeypatch.setattr(backends, "_order", lambda: [("openvino", None, "best"), ("onnxruntime", None, "next")])
    backend = open_backend("auto", small_onnx)
    assert backend.name == "onnxruntime"
    assert "no_such_package, which is not installed: pip install 'dap_ros[openvino]'" in backend.reason


def test_auto_goes_on_where_cuda_is_built_in_and_does_not_start(small_onnx, monkeypatch):
    monkeypatch.setattr(backends, "_onnxruntime_has_cuda", lambda: True)
    monkeypatch.setattr(backends, "bf16_flag", lambda: None)
    said = []
    with pytest.warns(UserWarning, match="not in available"):
        backend = open_backend("auto", small_onnx, progress=lambda what, share: said.append(what))
    assert (backend.name, backend.device) == ("onnxruntime", "cpu")
    assert said == ["onnxruntime: CUDAExecutionProvider does not start on this machine: trying the next backend"]
    assert "CUDAExecutionProvider does not start" in backend.reason


def test_a_gpu_that_runs_out_of_memory_is_passed_over(small_onnx, monkeypatch):
    """A session on a GPU fails as ONNX Runtime says it does there, when it is made or when it first runs."""
    from dap_core.backends import onnxruntime

    real = onnxruntime.ort.InferenceSession
    full = RuntimeError("CUDA failure 2: out of memory ; GPU=0\nand more")

    def at_start(path, options, providers):
        if providers[0] == onnxruntime.CUDA:
            raise full
        return real(path, options, providers=providers)

    class AtRun:
        def __init__(self, path, options, providers):
            self.session, self.providers = real(path, options, providers=[onnxruntime.CPU]), providers

        def __getattr__(self, name):
            return getattr(self.session, name)

        def get_providers(self):
            return self.providers

        def run(self, names, feed):
            if self.providers[0] == onnxruntime.CUDA:
                raise full
            return self.session.run(names, feed)

    monkeypatch.setattr(backends, "_onnxruntime_has_cuda", lambda: True)
    monkeypatch.setattr(backends, "bf16_flag", lambda: None)
    for session in (at_start, AtRun):
        monkeypatch.setattr(onnxruntime.ort, "InferenceSession", session)
        said = []
        backend = open_backend("auto", small_onnx, progress=lambda what, share, said=said: said.append(what))
        assert backend.device == "cpu" and backend(parity_images(64)["noise"])[0].shape == (1, 64, 128)
        assert len(said) == 1 and said[0].endswith("out of memory ; GPU=0: trying the next backend")


def test_auto_runs_a_checkpoint_in_torch(small_checkpoint):
    backend = open_backend("auto", small_checkpoint, threads=1)
    assert backend.name == "torch" and "a checkpoint runs in torch" in backend.reason


def test_a_missing_package_is_named(small_onnx, monkeypatch):
    monkeypatch.setitem(backends.BACKENDS, "onnxruntime", ("no_such_package", ""))
    with pytest.raises(BackendUnavailable, match="pip install 'no_such_package'"):
        open_backend("onnxruntime", small_onnx)


def test_bundled_model_opens():
    backend = open_backend("onnxruntime", "dap-tiny", threads=2)
    assert (backend.spec.name, backend.spec.height, backend.spec.width) == ("dap-tiny", 256, 512)
    assert backend.spec.max_range_m == 100.0


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_the_bundled_int8_is_the_bundled_model_within_a_percent(name):
    image = parity_images(256)["a room"][0]
    with DepthEstimator.open("dap-tiny", "onnxruntime") as exact, DepthEstimator.open("dap-tiny-int8", name) as int8:
        assert int8.spec.weights_precision == "int8" and int8.spec.weights_sha256 == exact.spec.weights_sha256
        one, other = exact(image), int8(image)
    both = np.isfinite(one.range_m) & np.isfinite(other.range_m)
    assert 1e-5 < np.median(np.abs(other.range_m[both] / one.range_m[both] - 1)) < 0.01
    assert np.mean(one.far != other.far) < 0.01
    with pytest.raises(InputError, match=r"dap-tiny-int8 is an export, .* give dap-tiny$"):
        open_backend("torch", "dap-tiny-int8")


def write(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "missing.onnx", "no model file"),
        (lambda p: write(p / "empty.onnx", b""), "empty"),
        (lambda p: write(p / "noise.onnx", b"not a model at all" * 9), "cannot read it"),
        (lambda p: p / "model.engine", "no model"),
        (lambda p: "dap-huge", "give a preset"),
        (lambda p: constant_model(p / "m.onnx", {}), "not a DAP export"),
        (lambda p: constant_model(p / "m.onnx", {**SPEC.to_metadata(), "dap.format": "9"}), "this version reads 1"),
        (lambda p: constant_model(p / "m.onnx", {**SPEC.to_metadata(), "dap.height": "tall"}), "damaged metadata"),
        (lambda p: constant_model(p / "m.onnx", {**SPEC.to_metadata(), "dap.width": "9"}), "not 2:1"),
        (lambda p: constant_model(p / "m.onnx", {**SPEC.to_metadata(), "dap.max_range_m": "nan"}), "max_range_m nan"),
        (lambda p: constant_model(p / "m.onnx", {**SPEC.to_metadata(), "dap.far_beyond_m": "-1"}), "far_beyond_m -1"),
        (lambda p: constant_model(p / "m.onnx", None, ("range_m", "near")), "not a DAP export"),
    ],
)
@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "auto"])
def test_wrong_models_are_one_line(make, message, name, tmp_path):
    with pytest.raises(InputError, match=message) as error:
        open_backend(name, make(tmp_path))
    assert "\n" not in str(error.value)


def test_a_cut_model_is_one_line(small_onnx, tmp_path):
    cut = write(tmp_path / "cut.onnx", small_onnx.read_bytes()[:-2000])
    for name in ("onnxruntime", "openvino"):
        with pytest.raises(InputError, match=r"cut\.onnx") as error:
            open_backend(name, cut)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("preset", RELEASED)
@pytest.mark.parametrize("backend", ["auto", "onnxruntime", "torch"])
def test_released_presets_say_how_to_get_them(preset, backend):
    with pytest.raises(InputError) as error:
        open_backend(backend, preset)
    for hint in (
        "github.com/Insta360-Research-Team/DAP",
        f"dap convert RELEASED.pth {preset}.safetensors",
        "dap export",
    ):
        assert hint in str(error.value)


def test_kinds_of_file_belong_to_backends(small_onnx, small_checkpoint):
    with pytest.raises(InputError, match="the torch backend reads a checkpoint"):
        open_backend("torch", small_onnx)
    with pytest.raises(InputError, match="dap export onnx"):
        open_backend("onnxruntime", small_checkpoint)
    assert resolve_model(BUNDLED[0], for_torch=True).suffix == ".safetensors"


def test_wrong_backend_and_threads(small_onnx):
    with pytest.raises(InputError, match="no backend 'tpu': choose auto, tensorrt, onnxruntime, openvino, torch"):
        open_backend("tpu", small_onnx)
    with pytest.raises(InputError, match="at least 1, got 0"):
        open_backend("auto", small_onnx, threads=0)


@given(
    st.builds(
        ModelSpec,
        name=st.text(min_size=1),
        height=st.integers(2, 4096),
        width=st.none(),
        max_range_m=st.floats(0.1, 1e4),
        weights_sha256=st.just("0" * 64),
        far_threshold=st.floats(0.01, 0.99),
        far_beyond_m=st.none() | st.floats(0.1, 1e4),
    ).map(lambda s: dataclasses.replace(s, width=2 * s.height))
)
def test_metadata_round_trip(spec):
    assert ModelSpec.from_metadata(spec.to_metadata(), "x") == spec


def test_an_export_that_names_no_threshold_has_it_at_its_limit():
    metadata = SPEC.to_metadata()
    del metadata["dap.far_beyond_m"]
    assert ModelSpec.from_metadata(metadata, "x").far_beyond_m == 50.0
    for threshold, limit in ((None, 50.0), (10.0, 10.0), (50.0, 50.0)):
        assert dataclasses.replace(SPEC, far_beyond_m=threshold).limit_m == limit


@given(st.dictionaries(st.sampled_from(sorted(SPEC.to_metadata())), st.text(), max_size=4))
def test_metadata_parser_raises_only_input_errors(changes):
    try:
        ModelSpec.from_metadata({**SPEC.to_metadata(), **changes}, "x")
    except InputError as error:
        assert len(str(error).splitlines()) == 1
