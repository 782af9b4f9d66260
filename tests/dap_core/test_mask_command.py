import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_still import drive, robot

from dap_core.cli import main
from dap_core.commands.mask import HEIGHT, evenly
from dap_core.export.parity import room
from dap_core.io.images import read_image, write_image
from dap_core.mask_picture import save_mask_preview
from dap_core.products.self_mask import MaskConfig, self_mask


@pytest.fixture
def picture(tmp_path):
    write_image(tmp_path / "hall.jpg", room(64))
    return tmp_path / "hall.jpg"


def share(printed):
    return float(re.search(r"([\d.]+) % of the sphere", printed).group(1))


def test_the_mask_that_is_written_is_the_mask_that_is_read(picture, tmp_path, capsys):
    out, polygon = tmp_path / "robot.png", "-30 -60, 30 -60, 20 10, -20 10"
    assert main(["mask", str(picture), "--out", str(out), "--polygon", polygon, "--nadir", "30"]) == 0
    expected = self_mask(MaskConfig(polygons=(polygon,), nadir=30.0), HEIGHT)
    written = read_image(out)
    assert set(np.unique(written)) == {0, 255}
    np.testing.assert_array_equal(written[..., 0] > 0, expected)
    for height in (64, 256, HEIGHT):
        from_picture = self_mask(MaskConfig(image=str(out)), height)
        from_outline = self_mask(MaskConfig(polygons=(polygon,), nadir=30.0), height)
        assert (from_picture >= from_outline).all() and (from_picture != from_outline).mean() < 2e-3
    # A share of the sphere, not of the pixels: that of a row is the cosine of its elevation.
    weights = np.cos((0.5 - (np.arange(HEIGHT) + 0.5) / HEIGHT) * np.pi)
    printed = share(capsys.readouterr().out)
    assert printed == pytest.approx(100 * np.average(expected.mean(1), weights=weights), abs=0.051)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hall.jpg", "robot.png", "robot_preview.png"]
    # Begun with that mask, a cone of half angle t above adds its (1 - cos t) / 2 of the sphere.
    more = ["--image", str(out), "--zenith", "60", "--out", str(tmp_path / "more.png")]
    assert main(["mask", str(picture), *more]) == 0
    assert share(capsys.readouterr().out) == pytest.approx(printed + 100 * (1 - np.cos(np.radians(60))) / 2, abs=0.2)


def test_the_preview_shows_the_mask_where_it_is(tmp_path):
    mask = self_mask(MaskConfig(polygons=("30 0, 60 0, 60 -40, 30 -40",)), 64)
    save_mask_preview(tmp_path / "masked.png", np.full((64, 128, 3), 255, np.uint8), mask)
    masked = read_image(tmp_path / "masked.png").astype(int)
    height, width = masked.shape[:2]

    def at(azimuth, elevation):
        # The panorama's place in the figure; between the lines of the grid.
        u = (0.03 + 0.94 * (180 - azimuth) / 360) * width
        v = (1 - 0.435 - 0.5 * (elevation + 90) / 180) * height
        return masked[int(v) - 3 : int(v) + 3, int(u) - 3 : int(u) + 3].mean((0, 1))

    for azimuth, elevation in ((35, -5), (55, -35), (45, -15)):
        r, g, _ = at(azimuth, elevation)
        assert r < 190 and g < r - 20
    for azimuth, elevation in ((25, -5), (65, -35), (45, 5), (45, -45), (-45, -15), (175, 85)):
        assert at(azimuth, elevation).min() > 240
    # Of the views straight down and up it fills a part of the first; in the other only lines are red.
    red = (masked[..., 0] > masked[..., 1] + 20)[int(0.65 * height) :]
    assert red[:, : width // 2].mean() > 0.02 and red[:, width // 2 :].mean() < 0.004


def test_still_parts_of_a_drive(tmp_path, capsys):
    folder = tmp_path / "drive"
    folder.mkdir()
    for i, frame in enumerate(drive(12)):
        write_image(folder / f"{i:02d}.png", frame)
    # Results of an earlier run in the folder are no pictures of the drive.
    out = folder / "mask.png"
    write_image(out, np.zeros((8, 16), np.uint8))
    write_image(folder / "mask_preview.png", np.zeros((8, 8), np.uint8))
    assert main(["mask", str(folder), "--still", "--out", str(out)]) == 0
    assert "compared 12 pictures" in capsys.readouterr().out
    found = self_mask(MaskConfig(image=str(out)), 64)
    assert found[robot()].mean() > 0.995 and found.mean() < robot().mean() + 0.12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{picture}", "{picture}"], "one picture to draw over; --still takes several"),
        (["{folder}"], "one picture to draw over"),
        (["{folder}", "--still"], "five pictures or more, got 1"),
        (["{folder}/gone.png"], "no image"),
        (["{folder}/gone", "--still"], "no image or folder"),
        (["{picture}", "--out", "{folder}/mask.jpg"], "written as PNG"),
        (["{picture}", "--out", "{folder}/gone/mask.png"], "cannot write"),
        (["{picture}", "--nadir", "120"], "nadir lies between 0 and 90, got 120"),
        (["{picture}", "--polygon", "-5 -5, 5 5"], "polygon '-5 -5, 5 5': three corners or more"),
        (["{picture}", "--image", "gone.png"], "no image gone.png"),
        (["{walk}", "--still"], "give --topic, one of /camera/image/compressed, /camera/range"),
        (["{walk}", "--still", "--topic", "/nothing"], "has no topic /nothing"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, picture, tmp_path, monkeypatch, capsys, walk):
    monkeypatch.chdir(tmp_path)
    names = {"picture": picture, "folder": tmp_path, "walk": walk}
    assert main(["mask", *(a.format(**names) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["hall.jpg"]


def test_not_a_panorama(tmp_path, capsys):
    write_image(tmp_path / "square.png", np.zeros((64, 64, 3), np.uint8))
    assert main(["mask", str(tmp_path / "square.png"), "--out", str(tmp_path / "mask.png")]) == 2
    assert "square.png: a panorama is twice as wide as high, got 64x64" in capsys.readouterr().err


def test_a_bag(walk, tmp_path, capsys):
    out = tmp_path / "mask.png"
    assert main(["mask", str(walk), "--still", "--topic", "/camera/image/compressed", "--out", str(out)]) == 0
    # No robot is in these pictures; the bare floor straight down passes for one, and nothing above it.
    assert "compared 50 pictures" in capsys.readouterr().out
    mask = self_mask(MaskConfig(image=str(out)), 64)
    assert mask[-2:].all() and not mask[:36].any()


@pytest.fixture
def walk():
    import dap_ros

    return f"{dap_ros.__path__[0]}/data/walk.mcap"


@given(st.integers(0, 300), st.integers(1, 20).map(lambda n: 2 * n))
def test_evenly_takes_few_and_far_between(count, most):
    calls = []
    kept = evenly(range(count), most, lambda i: calls.append(i) or i)
    assert len(kept) == min(count, len(kept)) <= most and (count <= most or len(kept) >= most // 2)
    if len(kept) > 1:
        assert len(set(np.diff(kept))) == 1 and kept[0] == 0 and count - kept[-1] <= kept[1] - kept[0]
    assert len(calls) <= most * (2 + np.log2(max(count, 1)))
