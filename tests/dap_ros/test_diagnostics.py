"""Rates, percentiles, drops and advice as numbers."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus

from dap_ros.diagnostics import (
    STAGES,
    FrameStatistics,
    Timings,
    input_status,
    pipeline_status,
    transport_status,
    values_of,
)

FACTS = {"topic": "/pano", "publishers": "1"}


def timings(network: float, publish: float) -> Timings:
    result = Timings()
    result.seconds = {"network": network, "publish": publish}
    return result


def test_latencies_and_overhead() -> None:
    statistics = FrameStatistics()
    for i in range(1, 101):
        statistics.received(0.002, "64x32 rgb8", 6144, "pano")
        statistics.finished(timings(0.040, i * 1e-3), 0.050, {"points": 10})
    snapshot = statistics.snapshot()
    assert set(snapshot.latencies) == {*STAGES, "age", "overhead", "total"}
    assert abs(snapshot.latencies["network"][0] - 40.0) < 1e-9
    assert abs(snapshot.latencies["overhead"][0] - 50.5) < 1e-9
    assert abs(snapshot.latencies["overhead"][1] - 95.05) < 1e-9
    assert abs(snapshot.latencies["total"][0] - 90.5) < 1e-9
    assert snapshot.counts["processed"] == snapshot.counts["received"] == 100
    values = values_of(pipeline_status("n: depth", "", snapshot, {"model": "m"}))
    assert values["overhead_ms_median"] == "50.50" and values["model"] == "m" and values["processed"] == "100"


def test_laps_add_up() -> None:
    t = Timings()
    t.lap("messages")
    t.lap("publish")
    first = t.seconds["messages"]
    t.lap("messages")
    assert t.seconds["messages"] >= first >= 0.0 and set(t.seconds) == {"messages", "publish"}


def test_input_levels() -> None:
    statistics = FrameStatistics()
    statistics.received(0.001, "64x32 rgb8", 6144, "pano")
    assert input_status("n", statistics.snapshot(), FACTS, 0, "").level == DiagnosticStatus.OK
    statistics.dropped("newer_frame")
    assert input_status("n", statistics.snapshot(), FACTS, 0, "").level == DiagnosticStatus.OK
    statistics.dropped("step", "step 1 is less")
    status = input_status("n", statistics.snapshot(), FACTS, 0, "")
    assert status.level == DiagnosticStatus.WARN and "step 1 is less" in status.message
    assert values_of(status)["dropped_step"] == "1" and values_of(status)["dropped_newer_frame"] == "1"
    assert input_status("n", statistics.snapshot(), FACTS, 1, "").level == DiagnosticStatus.OK
    nobody = input_status("n", statistics.snapshot(), FACTS | {"publishers": "0"}, 1, "")
    assert nobody.level == DiagnosticStatus.WARN and "nobody publishes /pano" in nobody.message


def test_images_without_a_frame_or_with_a_strange_clock_are_a_warning() -> None:
    for age_s, frame_id, frame, text in (
        (0.2, "pano", "", ""),
        (0.2, "", "mast", ""),
        (0.2, "", "", "without a frame_id: give the driver one, or set the parameter frame"),
        (3600.04, "pano", "", ", 3600.0 s old by this node's clock"),
        (-1.0, "pano", "", ", 1.0 s ahead by this node's clock"),
    ):
        statistics = FrameStatistics()
        statistics.received(age_s, "64x32 rgb8", 6144, frame_id)
        status = input_status("n", statistics.snapshot(), FACTS | {"frame": frame}, 0, "")
        assert status.message.endswith(text or "images/s") and values_of(status)["frame_id"] == frame_id
        assert status.level == (DiagnosticStatus.WARN if text else DiagnosticStatus.OK)


def test_lost_images_are_a_warning_with_advice_where_they_are_large() -> None:
    for nbytes, lost, level, text in (
        (6144, 1, DiagnosticStatus.OK, "images/s"),
        (6144, 10, DiagnosticStatus.WARN, "20 % of the images from /pano are lost on their way"),
        (0, 10, DiagnosticStatus.WARN, "100 % of the images from /pano are lost on their way; ask for more"),
        (400 << 10, 10, DiagnosticStatus.WARN, "20 % of the images from /pano are lost on their way; ask for more"),
    ):
        statistics = FrameStatistics()
        for _ in range(40 if nbytes else 0):
            statistics.received(0.001, "size", nbytes, "pano")
        statistics.lost(lost)
        status = input_status("n", statistics.snapshot(), FACTS, 0, "ask for more")
        assert (status.level, values_of(status)["lost"]) == (level, str(lost))
        assert status.message == text or (level == DiagnosticStatus.OK and status.message.endswith(text))


def test_problem_is_an_error() -> None:
    status = pipeline_status("n", "cannot configure: no model x", None, {})
    assert status.level == DiagnosticStatus.ERROR and "no model x" in status.message
    assert pipeline_status("n", "", None, {}).level == DiagnosticStatus.OK


def test_transport_advice_only_for_large_messages_without_profile() -> None:
    sizes = {"points": 384_000, "depth/image": 524_288}
    for large_carried, best_effort, level in (
        (False, {"depth/image": 1}, DiagnosticStatus.WARN),
        (True, {"depth/image": 1}, DiagnosticStatus.OK),
        (False, {"points": 2}, DiagnosticStatus.OK),
        (False, {}, DiagnosticStatus.OK),
    ):
        status = transport_status("n", "p", large_carried, sizes, best_effort)
        assert status.level == level
        assert ("depth/image" in status.message) == (level == DiagnosticStatus.WARN)
