"""`dap data`: what is prepared, what is left out, and that neither a kill nor the number of workers changes a byte."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from dap_core.cli import main
from dap_core.errors import InputError
from dap_core.io.images import write_image
from dap_core.panorama import rotate, yaw_pitch_roll
from training.data.labels import LabelledSet
from training.data.plausible import Plausible
from training.data.prepare import LEFT_OUT, Preparation, prepare
from training.data.prepared import PreparedSet
from training.data.sets.unlabelled import Unlabelled
from training.data.sets.worlds import Worlds
from training.worlds.sample import make_sample

HEIGHT = 128


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of pictures: 7 good ones, a damaged, a tilted, a square one, and one twice."""
    root = tmp_path_factory.mktemp("pictures")
    for number, kind in enumerate(("closet", "corridor", "hangar", "desert", "bathroom", "beach")):
        write_image(root / f"{number:02d}.png", make_sample(number, HEIGHT, kind=kind, samples=1).image)
    alley = make_sample(3, HEIGHT, kind="alley", samples=1).image
    write_image(root / "20 alley.png", alley)
    write_image(root / "21 tilted.png", rotate(alley, yaw_pitch_roll(0.3, np.deg2rad(30.0))))
    write_image(root / "22 again.jpg", alley)
    write_image(root / "23 square.png", alley[:, :HEIGHT])
    (root / "24 damaged.png").write_bytes((root / "00.png").read_bytes()[:900])
    return root


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_what_is_left_out_is_listed(pictures, tmp_path, capsys):
    out = tmp_path / "set"
    command = ["data", "prepare", "unlabelled", str(pictures), "--out", str(out), "--height", str(HEIGHT)]
    assert main([*command, "--per-shard", "5", "--workers", "1"]) == 0
    prepared = PreparedSet(out)
    assert [a.name for a in prepared.about()] == [*(f"{k:02d}.png" for k in range(6)), "20 alley.png"]
    assert prepared[3].range_m is None and prepared[3].image.shape == (HEIGHT, 2 * HEIGHT, 3)
    left_out = {e["name"]: e["why"] for e in map(json.loads, (out / LEFT_OUT).read_text().splitlines())}
    assert set(left_out) == {"21 tilted.png", "22 again.jpg", "23 square.png", "24 damaged.png"}
    assert "implausible horizon" in left_out["21 tilted.png"] and "nearly the same" in left_out["22 again.jpg"]
    assert "128x128" in left_out["23 square.png"] and "corrupt PNG" in left_out["24 damaged.png"]
    told = capsys.readouterr().out
    assert "7 samples in 3 shards" in told and "4 left out" in told

    before = contents(out)
    assert main([*command, "--per-shard", "5", "--workers", "1"]) == 0
    assert contents(out) == before
    assert main([*command, "--per-shard", "8"]) == 2
    assert "was begun with preparation = {" in capsys.readouterr().err
    labels = LabelledSet(prepared, "ab" * 32)
    labels.write(0, [np.ones((HEIGHT, 2 * HEIGHT), np.float32)] * 5)
    sheet = tmp_path / "sheet.png"
    assert main(["data", "info", str(out), "--verify", "--sheet", str(sheet)]) == 0
    told = capsys.readouterr().out
    assert "7 panoramas of 256x128, without ranges, 3 shards" in told and "7 unknown" in told
    assert "labels: abababababababab, 2 of 3 shards missing" in told and "every byte is as it was" in told
    assert "1 damaged" in told and "1 implausible horizon" in told and sheet.stat().st_size > 1000
    (out / "shard-00001.tar").unlink()
    assert main(["data", "info", str(out)]) == 2
    assert "shard-00001.tar is missing" in capsys.readouterr().err


def test_killed_and_resumed_and_any_number_of_workers_give_the_same_bytes(pictures, tmp_path):
    how = Preparation(HEIGHT, 1, 95, Plausible(), 6)
    prepare(Unlabelled(pictures), tmp_path / "straight" / "set", "set", how) if (
        tmp_path / "straight"
    ).mkdir() is None else 0
    out = tmp_path / "killed" / "set"
    out.parent.mkdir()
    command = [sys.executable, "-m", "dap_core.cli", "data", "prepare", "unlabelled", pictures, "--out", out]
    command += ["--height", HEIGHT, "--per-shard", 1, "--workers"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    first = subprocess.Popen([*map(str, command), "1"], stdout=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 120
    while len(list(out.glob("shard-*.json"))) < 3:
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = {path.name: path.stat().st_mtime_ns for path in out.glob("shard-*.json")}
    assert 3 <= len(done) < 11
    with pytest.raises(InputError, match="no such shard, or an unfinished one"):
        PreparedSet(out)

    subprocess.run([*map(str, command), "2"], check=True, stdout=subprocess.DEVNULL, env=environment)
    assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in done.items())
    straight, resumed = contents(tmp_path / "straight" / "set"), contents(out)
    assert straight.keys() == resumed.keys()
    assert all(straight[name] == resumed[name] for name in straight if name != "set.json")
    assert json.loads(straight["set.json"]) == json.loads(resumed["set.json"])


def test_workers_end_with_a_command_that_is_ended(tmp_path):
    """By SIGTERM, of which they are told nothing."""
    command = [sys.executable, "-m", "dap_core.cli", "data", "prepare", "worlds", "--out", str(tmp_path / "set")]
    command += ["--height", "256", "--count", "400", "--per-shard", "200", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "set").glob(".shard-*.tar"))) < 2:  # both are at work
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(workers) >= 2
    process.terminate()
    process.wait()
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_worlds_with_and_without_labels(tmp_path, capsys):
    out = tmp_path / "worlds"
    common = ["--height", "32", "--count", "3", "--workers", "1"]
    assert main(["data", "prepare", "worlds", "--look", "real-like", "--out", str(out), *common]) == 0
    prepared = PreparedSet(out)
    assert prepared.labelled and len(prepared) == 3
    (made,) = Worlds(3, look="real-like").read("2", 32)
    assert prepared[2].name == made.name and prepared[2].domain == made.domain
    near = made.range_m <= 100
    assert np.abs(prepared[2].range_m[near] / made.range_m[near] - 1).max() < 1e-4
    assert main(["data", "prepare", "worlds", "--no-labels", "--look", "real-like", "--out", f"{out}2", *common]) == 0
    bare = PreparedSet(f"{out}2")
    assert bare[2].range_m is None and np.array_equal(bare[2].image, prepared[2].image)
    assert main(["data", "prepare", "worlds", "--seed", "9", "--look", "real-like", "--out", str(out), *common]) == 2
    assert "was begun with reader = " in capsys.readouterr().err


def test_nothing_left_and_a_worker_that_dies(tmp_path, pictures):
    root = tmp_path / "bad"
    root.mkdir()
    (root / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="nothing was left of 1 sources"):
        prepare(Unlabelled(root), tmp_path / "out", "bad", Preparation(HEIGHT))
    with pytest.raises(InputError, match="a worker died"):
        prepare(Deadly(), tmp_path / "dead", "dead", Preparation(HEIGHT, per_shard=1), workers=2)


@dataclass(frozen=True)
class Deadly:
    """A reader that takes its process down."""

    kind: ClassVar[str] = "deadly"
    labelled: ClassVar[bool] = False

    def sources(self):
        return ["a", "b"]

    def read(self, source, height):
        os.kill(os.getpid(), signal.SIGKILL)
        yield
