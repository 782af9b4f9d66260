from dap_core.cli import main
from dap_core.commands.doctor import dds_rows, machine_rows, package_rows, try_model


def test_doctor_says_what_auto_picks(small_onnx, capsys):
    assert main(["doctor", "--model", str(small_onnx)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for word in ("numpy", "onnxruntime", "128x64", "chosen", "/dev/shm", "RMW_IMPLEMENTATION", " ms "):
        assert word in printed


def test_doctor_fails_where_the_model_does_not_run(capsys):
    assert main(["doctor", "--model", "nothing.onnx"]) == 1
    printed = capsys.readouterr()
    assert "does not run" in printed.out and "Traceback" not in printed.out + printed.err


def test_a_model_that_runs(small_onnx):
    rows, works = try_model(str(small_onnx), "onnxruntime")
    assert works and rows[0][:2] == ("dap-tiny", "128x64")
    assert rows[1][0] == "onnxruntime" and "float32" in rows[1][2]


def test_packages_have_versions():
    import numpy

    rows = {name: version for name, version, _ in package_rows()}
    assert rows["numpy"] == numpy.__version__ and rows["onnxruntime"][0].isdigit() and rows["cv2"][0].isdigit()
    assert all(rows.values())


def test_machine_says_threads():
    from dap_core.backends.cpu import cpu_threads

    assert f"{cpu_threads()} threads" in next(iter(machine_rows()))[2]


def test_dds_advice(tmp_path):
    profile = tmp_path / "profile.xml"
    profile.touch()

    def advice(**environment):
        return {name: (value, note) for name, value, note in dds_rows(environment)}

    assert advice()["Fast DDS profile"][0] == "none set"
    assert advice(FASTDDS_DEFAULT_PROFILES_FILE=str(profile))["Fast DDS profile"] == (str(profile), "yours is kept")
    assert "no such file" in advice(FASTDDS_DEFAULT_PROFILES_FILE=str(profile) + "x")["Fast DDS profile"][1]
    assert "not used" in advice(RMW_IMPLEMENTATION="rmw_cyclonedds_cpp")["Fast DDS profile"][1]
    assert advice(RMW_IMPLEMENTATION="rmw_fastrtps_cpp")["RMW_IMPLEMENTATION"][0] == "rmw_fastrtps_cpp"
