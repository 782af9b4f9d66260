"""The way from an export to an engine as far as it goes without a GPU: typed graphs, what the parser takes, the gate.

Precision is judged by a float32 graph that rounds where the typed one does (`rounded_graph`), in ONNX Runtime. That is
no TensorRT: it says what the precision costs, not what TensorRT's kernels do.
"""

import copy
import functools

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from rounded_graph import rounded

from dap_core.backends import BackendUnavailable
from dap_core.backends.models import MODELS
from dap_core.backends.spec import ModelSpec
from dap_core.cli import main
from dap_core.errors import InputError
from dap_core.export.build_phases import BuildPhases
from dap_core.export.engine_gate import TOLERANCES, judge, recheck
from dap_core.export.parity import parity_images
from dap_core.export.static_graph import load, make_static
from dap_core.export.tensorrt_operators import OPERATORS, check_operators
from dap_core.export.typed_graph import to_bfloat16, typed_graph

LOW = {"bf16": TensorProto.BFLOAT16, "fp16": TensorProto.FLOAT16}


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def runner(model: onnx.ModelProto):
    run = session(model)
    return lambda images: tuple(run.run(["range_m", "far"], {"image": images}))


@pytest.fixture(scope="module")
def tiny():
    return load(MODELS / "dap-tiny.onnx")


@pytest.fixture(scope="module", params=["tiny", "small_released_graph"])
def exported(request) -> onnx.ModelProto:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def typed_in(exported):
    """The typed graph in a precision, made once."""
    return functools.cache(lambda precision: typed_graph(exported, precision))


def element_types(model: onnx.ModelProto) -> dict[str, int]:
    """Types by ONNX's own strict inference; operator set 22 is the first whose convolutions have bfloat16."""
    later = copy.deepcopy(model)
    later.opset_import[0].version, later.ir_version = 22, 10
    onnx.checker.check_model(later, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(later, strict_mode=True, data_prop=True).graph
    types = {v.name: v.type.tensor_type.elem_type for v in [*inferred.value_info, *inferred.input, *inferred.output]}
    return types | {t.name: t.data_type for t in inferred.initializer}


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_types_are_where_the_rules_put_them(typed_in, precision):
    typed = typed_in(precision)
    types, low = element_types(typed), LOW[precision]
    outputs = {o.name for o in typed.graph.output}
    assert {types[o] for o in outputs} == {TensorProto.FLOAT} and types["image"] == TensorProto.UINT8
    producers = {o: n for n in typed.graph.node for o in n.output}
    count = {"low": 0, "wide": 0}
    for node in typed.graph.node:
        kinds = {types[i] for i in node.input if i and types[i] in (TensorProto.FLOAT, low)}
        if node.op_type in ("Conv", "ConvTranspose", "MatMul"):
            assert len(kinds) == 1
            count["low" if kinds == {low} else "wide"] += 1
        elif node.op_type in ("LayerNormalization", "Log", "Exp", "Sigmoid", "ReduceMean", "Cos", "Sin"):
            assert kinds == {TensorProto.FLOAT}, node.name
        elif node.op_type == "Softmax":
            assert kinds == {low}
        if node.op_type == "LayerNormalization":
            assert (
                producers[node.input[0]].op_type != "Cast"
                or types[producers[node.input[0]].input[0]] != low
                or (
                    # The first norm may read the patch embedding; every sum before a norm is float32.
                    producers[producers[node.input[0]].input[0]].op_type != "Add"
                )
            )
    # One head for both outputs in dap-tiny, which alone measures exposure, two in the others.
    assert count["wide"] == (1 if "Exp" in {n.op_type for n in typed.graph.node} else 2)
    assert count["low"] > 20
    stored = sum(t.data_type == low for t in typed.graph.initializer)
    assert stored >= count["low"] - 10
    if precision == "fp16":
        session(typed)  # ONNX Runtime checks every type itself, and has float16 for all of these


def test_a_static_graph_is_the_same_function(exported):
    static = make_static(exported, 2)
    assert static.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2
    used = {n.op_type for n in static.graph.node}
    assert not used & {"Shape", "ConstantOfShape", "Range", "Gather"}, "shapes are numbers"
    first = static.graph.node[0]
    assert first.op_type == "Cast" and list(first.input) == ["image"]
    assert sum("image" in n.input for n in static.graph.node) == 1, "nothing else touches uint8"
    height = static.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    images = np.concatenate(list(parity_images(height).values()))
    for ours, theirs in zip(runner(static)(images), runner(exported)(images), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_what_the_precision_costs(tiny):
    for precision, median, p99 in (("fp16", 4e-4, 3e-3), ("bf16", 4e-3, 2.5e-2)):
        levels = []
        run = runner(rounded(typed_graph(tiny, precision)))

        def counted(images, run=run, levels=levels):
            outputs = run(images)
            levels.append(len(np.unique(outputs[0])))
            return outputs

        judgement = judge(counted, MODELS / "dap-tiny.onnx", precision)
        assert [c.image for c in judgement.comparisons] == ["a room", "noise"]
        for c in judgement.comparisons:
            assert 1e-5 < c.median <= median and c.p99 <= p99, c.line()
        assert min(levels) > 100_000, "range comes in steps: the last product is not float32"


def test_the_gate_refuses_with_figures(small_onnx):
    model = load(small_onnx)
    good = runner(rounded(typed_graph(model, "bf16")))
    judgement = judge(good, small_onnx, "bf16", images={"mine": parity_images(64)["noise"]})
    assert [c.image for c in judgement.comparisons] == ["a room", "noise", "mine"]
    spec = ModelSpec.from_metadata({p.key: p.value for p in model.metadata_props}, small_onnx)
    kept = (judgement.image, judgement.range_m, judgement.far, judgement.stride)
    assert recheck(good, spec, "bf16", *kept).passed

    def off_by_a_tenth(images):
        range_m, far = good(images)
        return 1.1 * range_m, far

    def never_far(images):
        range_m, far = good(images)
        return range_m, far * 0

    def not_a_number(images):
        range_m, far = good(images)
        return range_m * np.float32(np.nan), far

    for wrong in (off_by_a_tenth, never_far, not_a_number):
        with pytest.raises(BackendUnavailable, match=r"is not used.*median .* \(at most 1e-02\).*far flips") as error:
            judge(wrong, small_onnx, "bf16")
        assert "\n" not in str(error.value)
        with pytest.raises(BackendUnavailable, match="the loaded bf16 engine"):
            recheck(wrong, spec, "bf16", *kept)
    # An engine of a lower precision than its name does not pass for it.
    with pytest.raises(BackendUnavailable, match="the float32 engine"):
        judge(good, small_onnx, "float32")


def test_tolerances_widen_with_the_precision():
    widths = [(t.median, t.p99, t.far_flips) for t in (TOLERANCES[p] for p in ("float32", "fp16", "bf16"))]
    assert widths == sorted(widths) and all(t.median <= 1e-2 for t in TOLERANCES.values())


@pytest.mark.parametrize("precision", ["bf16", "fp16", "float32"])
def test_the_parser_takes_our_graphs(typed_in, precision):
    typed = typed_in(precision)
    check_operators(typed)
    assert {n.op_type for n in typed.graph.node} <= set(OPERATORS)


def graph_of(nodes, kind=TensorProto.FLOAT, opset=20, constants=()):
    return helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", kind, [1, 4, 8, 8])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            list(constants),
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (graph_of([helper.make_node("Det", ["x"], ["y"], "d")]), r"Det \(d\): the operator is not supported"),
        (
            graph_of([helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1])], TensorProto.UINT8),
            "Transpose .*with .*uint8",
        ),
        (
            graph_of([helper.make_node("Resize", ["x", "", "s"], ["y"], mode="cubic")]),
            "mode cubic",
        ),
        (graph_of([helper.make_node("ReduceMean", ["x", "x"], ["y"])]), "input 1 must be constant"),
        (graph_of([helper.make_node("Gelu", ["x"], ["y"])], opset=23), "operator sets 9 to 20, this model has 23"),
        (graph_of([helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")]), "not supported"),
    ],
)
def test_graphs_that_the_parser_would_refuse(model, message):
    with pytest.raises(InputError, match=message) as error:
        check_operators(model)
    assert "\n" not in str(error.value)


def test_attention_is_as_fused_kernels_want_it(typed_in):
    typed = typed_in("bf16")
    types = element_types(typed)
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in onnx.shape_inference.infer_shapes(typed, data_prop=True).graph.value_info
    }
    producers = {o: n for n in typed.graph.node for o in n.output}
    softmaxes = [n for n in typed.graph.node if n.op_type == "Softmax"]
    assert len(softmaxes) in (4, 5)
    for softmax in softmaxes:
        scores = producers[softmax.input[0]]
        assert scores.op_type == "MatMul", "nothing stands between the first product and the softmax"
        assert {types[i] for i in scores.input} == {TensorProto.BFLOAT16}
        for name in scores.input:
            cast = producers[name]
            rotated = producers[cast.input[0]]
            if rotated.op_type == "Transpose":
                rotated = producers[rotated.input[0]]
            # The scale is in the queries' weights or, in exports before it was, between rotation and product.
            assert cast.op_type == "Cast" and rotated.op_type in ("Add", "Mul")
            assert types[rotated.output[0]] == TensorProto.FLOAT, "rotated and scaled in float32"
        head_size = shapes[scores.input[0]][-1]
        assert 16 <= head_size <= 256 and head_size % 8 == 0
        (product,) = [n for n in typed.graph.node if softmax.output[0] in n.input]
        assert product.op_type == "MatMul" and types[product.output[0]] == TensorProto.BFLOAT16


def test_unknown_precision_and_weights_beyond_float16(tiny):
    with pytest.raises(InputError, match="choose bf16, fp16 or float32"):
        typed_graph(tiny, "int4")
    large = copy.deepcopy(tiny)
    weight = next(t for t in large.graph.initializer if "fuse2.refine" in t.name and t.name.endswith("bias"))
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) + np.float32(1e5), weight.name))
    typed_graph(large, "bf16")
    with pytest.raises(InputError, match=r"weights .* reach 1e\+05, beyond float16: choose bf16"):
        typed_graph(large, "fp16")


@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_bfloat16_is_the_nearest(values):
    import torch

    exact = np.array(values, np.float32)
    theirs = torch.from_numpy(exact).to(torch.bfloat16).view(torch.uint16).numpy()
    np.testing.assert_array_equal(to_bfloat16(exact), theirs)


def test_phases_nest():
    phases = BuildPhases()
    phases.start("all", None, 2)
    phases.start("tactics", "all", 4)
    phases.step("tactics", 0)
    assert phases.fraction == pytest.approx(1 / 8) and phases.innermost == "tactics"
    phases.finish("tactics")
    assert phases.fraction == pytest.approx(1 / 8), "never back"
    phases.step("all", 0)
    assert phases.fraction == 0.5
    phases.start("again", "all", 10)
    phases.finish("all")
    assert phases.fraction == 0.5 and phases.innermost == ""


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("start"), names, st.one_of(st.none(), names), st.integers(-3, 9)),
            st.tuples(st.just("step"), names, st.integers(-3, 99)),
            st.tuples(st.just("finish"), names),
        )
    )
)
def test_any_report_gives_a_fraction_that_grows(reports):
    phases, before = BuildPhases(), 0.0
    for what, *arguments in reports:
        getattr(phases, what)(*arguments)
        assert before <= phases.fraction <= 1.0
        before = phases.fraction


def test_export_without_tensorrt_is_one_line(small_onnx, small_checkpoint, tmp_path, capsys):
    for arguments, message in (
        ([str(small_onnx)], "needs tensorrt, which is not installed: pip install 'dap_ros[tensorrt]'"),
        ([str(small_onnx), "--precision", "fp16"], "name a file"),
        ([str(small_onnx), "--batch", "0"], "--batch must be at least 1"),
        ([str(small_onnx), str(tmp_path / "m.trt")], "ends in .engine"),
        ([str(small_onnx), str(tmp_path / "no" / "m.engine")], "no such folder"),
        ([str(small_checkpoint)], "dap export onnx"),
        (["gone.onnx"], "no model file"),
    ):
        assert main(["export", "tensorrt", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1, error
    assert list(tmp_path.iterdir()) == []
