from dap_core.backends import open_backend
from dap_core.cli import main


def test_export_from_the_command_line(small_checkpoint, tmp_path, capsys):
    out = tmp_path / "out.onnx"
    assert main(["export", "onnx", str(small_checkpoint), str(out), "--no-half"]) == 0
    printed = capsys.readouterr().out
    assert "onnxruntime and torch" in printed and "far flips" in printed and "out.onnx" in printed
    assert open_backend("onnxruntime", out).spec.weights_precision == "float32"


def test_wrong_arguments_are_one_line(small_onnx, small_checkpoint, tmp_path, capsys):
    for arguments, message in (
        (["dap-b", "o.onnx"], "the weights of dap-b are not shipped"),
        ([str(small_onnx), "o.onnx"], "reads a checkpoint"),
        (["gone.safetensors", "o.onnx"], "no model file"),
        ([str(small_checkpoint), "o.onnx", "--height", "-3"], "--height must be positive"),
        ([str(small_checkpoint), "o.onnx", "--opset", "9"], "--opset must be 18 to 23"),
        ([str(small_checkpoint), str(tmp_path / "o.txt")], "ends in .onnx"),
    ):
        assert main(["export", "onnx", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1, error
