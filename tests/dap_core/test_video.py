"""Films: what is in them, that a run goes on where it was, and one line for what cannot be read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from known_backend import known_estimator

from dap_core.cli import main
from dap_core.errors import InputError
from dap_core.io.video import frames_of, video_facts, video_writer
from dap_core.offline.film import ROWS, SCALE_COLUMNS, make_film
from dap_core.picture import colourise

FRAMES, H = 12, 64


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame i is red 20 i: 1 + 2 i metres."""
    path = tmp_path_factory.mktemp("video") / "walk.mp4"
    with video_writer(path, 2 * H, H, 12.5) as add:
        for i in range(FRAMES):
            add(np.full((H, 2 * H, 3), (20 * i, 40, 0), np.uint8))
    return path


def test_a_video_comes_back(video: Path) -> None:
    facts = video_facts(video)
    assert (facts.width, facts.height, facts.rate_hz, facts.frames) == (2 * H, H, 12.5, FRAMES)
    for i, frame in enumerate(frames_of(video)):
        np.testing.assert_allclose(frame.mean((0, 1)), (20 * i, 40, 0), atol=4)


def test_the_film_has_the_picture_and_its_depth_side_by_side(video: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = make_film(video, tmp_path / "f.mp4", known_estimator(), progress=lambda *step: seen.append(step))
    assert (report.frames, report.resumed, report.announced) == (FRAMES, 0, FRAMES)
    assert seen == [(i + 1, FRAMES) for i in range(FRAMES)]
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]
    facts = video_facts(tmp_path / "f.mp4")
    assert (facts.width, facts.height, facts.rate_hz) == (4 * ROWS + SCALE_COLUMNS, ROWS, 12.5)
    for i, frame in enumerate(frames_of(tmp_path / "f.mp4")):
        inner = frame[100:400]
        np.testing.assert_allclose(inner[:, 100:900].mean((0, 1)), (20 * i, 40, 0), atol=6)
        expected = colourise(np.full((1, 1), 1.0 + 2.0 * i, np.float32))[0, 0]
        np.testing.assert_allclose(inner[:, 1124:1900].mean((0, 1)), expected, atol=25)


def test_a_run_that_was_stopped_goes_on_with_the_next_frame(video: Path, tmp_path: Path) -> None:
    def stop(call: int) -> None:
        if call == 8:
            raise KeyboardInterrupt

    out = tmp_path / "f.mp4"
    with pytest.raises(KeyboardInterrupt):
        make_film(video, out, known_estimator(before=stop))
    assert not out.exists() and len(list((tmp_path / "f.mp4.part").glob("*.png"))) == 7
    estimator = known_estimator()
    report = make_film(video, out, estimator)
    assert (report.resumed, estimator.backend.calls) == (7, FRAMES - 7)
    make_film(video, tmp_path / "whole.mp4", known_estimator())
    pairs = zip(frames_of(out), frames_of(tmp_path / "whole.mp4"), strict=True)
    assert sum(np.array_equal(a, b) for a, b in pairs) == FRAMES


def test_frames_of_another_model_are_not_taken_for_ours(video: Path, tmp_path: Path) -> None:
    def stop(call: int) -> None:
        if call == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_film(video, tmp_path / "f.mp4", known_estimator(before=stop))
    other = known_estimator(height=16)
    object.__setattr__(other.backend.spec, "weights_sha256", "1" * 64)
    assert make_film(video, tmp_path / "f.mp4", other).resumed == 0


def test_what_cannot_be_read_is_one_line(video: Path, tmp_path: Path) -> None:
    square = tmp_path / "square.mp4"
    with video_writer(square, H, H, 10.0) as add:
        add(np.zeros((H, H, 3), np.uint8))
    (tmp_path / "cut.mp4").write_bytes(video.read_bytes()[:2000])
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 8)
    for name, text in (
        ("absent.mp4", "no video"),
        ("cut.mp4", "cannot be decoded|can be decoded"),
        ("noise.mp4", "can be decoded"),
        ("square.mp4", "twice as wide as high, got 64x64"),
    ):
        with pytest.raises(InputError, match=text) as caught:
            make_film(tmp_path / name, tmp_path / "out.mp4", known_estimator())
        assert name in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.glob("out*"))


def test_infer_takes_images_and_videos(video: Path, small_onnx: Path, tmp_path: Path, capsys) -> None:
    image = tmp_path / "a.png"
    assert cv2.imwrite(str(image), np.full((64, 128, 3), 90, np.uint8))
    words = ["infer", str(image), str(video), str(tmp_path / "no.mp4"), "--model", str(small_onnx)]
    assert main([*words, "--backend", "onnxruntime", "--out", str(tmp_path / "out")]) == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a_range.npy", "a_range.png", "walk_depth.mp4"]
    said = capsys.readouterr()
    assert "walk_depth.mp4: 12 frames" in said.out and "2 of 3 panoramas and videos written" in said.out
    assert "no video" in said.err and len(said.err.strip().splitlines()) == 1
