"""Scenes from seeds, photographs, stores, contact sheets and walks."""

import json
import time

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from dap_core.cli import main
from dap_core.errors import InputError
from dap_core.io.images import decode_image
from training.worlds.contact import range_colours
from training.worlds.kinds import BUILDERS, INDOOR_SHARE, make_world, probabilities
from training.worlds.photograph import CameraSettings, photograph
from training.worlds.render import Renderer
from training.worlds.sample import make_sample
from training.worlds.store import MANIFEST, WorldsStore, decode_range, encode_range
from training.worlds.walk import coarse, poses_along, write_walk
from training.worlds.world import Camera

HEIGHT = 64


def test_a_seed_gives_the_same_bytes():
    first, again, other = make_sample(11, HEIGHT), make_sample(11, HEIGHT), make_sample(12, HEIGHT)
    assert first.image.shape == (HEIGHT, 2 * HEIGHT, 3) and first.image.dtype == np.uint8
    assert first.range_m.shape == (HEIGHT, 2 * HEIGHT) and first.range_m.dtype == np.float32
    assert first.jpeg == again.jpeg and first.range_m.tobytes() == again.range_m.tobytes()
    assert np.array_equal(first.image, decode_image(first.jpeg))
    assert first.jpeg != other.jpeg
    assert 0.1 < first.camera_height < 5.0 and first.range_m.min() > 0.02 and not np.isnan(first.range_m).any()


def test_kinds_are_drawn_by_their_shares():
    shares = probabilities()
    assert set(shares) == set(BUILDERS) and sum(shares.values()) == pytest.approx(1.0)
    from training.worlds import indoor

    assert sum(shares[k] for k in indoor.KINDS) == pytest.approx(INDOOR_SHARE)
    kind = next(iter(BUILDERS))
    assert make_world(3, kind).kind == make_sample(3, 32, kind=kind).kind
    with pytest.raises(InputError, match="no kind of world 'moon'"):
        make_world(0, "moon")


def test_exposure_meters_the_scene_and_obeys_stops():
    rng = np.random.default_rng(0)
    radiance = rng.uniform(0.5, 1.5, (HEIGHT, 2 * HEIGHT, 3)).astype(np.float32)
    plain = CameraSettings(0.0, grey_world=0.0, glare=0.0, shot=0.0, read=0.0, curve="gamma", contrast=0.0, sharpen=0.0)
    picture = photograph(radiance, rng, plain)
    expected = 255 * (0.16 * np.exp(-np.log(radiance.mean(-1)).mean())) ** (1 / 2.2)
    assert picture.mean() == pytest.approx(expected, rel=0.03)
    assert np.array_equal(photograph(1e4 * radiance, rng, plain), picture) or (
        np.abs(photograph(50 * radiance, rng, plain).astype(int) - picture).max() <= 2
    )
    darker = photograph(radiance, rng, CameraSettings(**{**plain.__dict__, "exposure_ev": -2.2}))
    assert darker.mean() == pytest.approx(picture.mean() / 2, rel=0.05)


def test_cameras_differ_and_stay_in_bounds():
    drawn = [CameraSettings.draw(np.random.default_rng(k)) for k in range(400)]
    stops = np.array([s.exposure_ev for s in drawn])
    assert (stops < -1.0).mean() > 0.1 and np.median(stops) == pytest.approx(0.2, abs=0.2)
    assert {s.curve for s in drawn} == {"gamma", "filmic", "log"}
    assert all(60 <= s.jpeg_quality <= 97 for s in drawn)


def test_range_codes_keep_one_part_in_ten_thousand():
    r = np.geomspace(0.01, 100.0, 200_001).astype(np.float32)
    back = decode_range(encode_range(r))
    assert np.abs(back / r - 1).max() < 0.75e-4
    special = np.array([0.0, 0.005, 100.01, 1e5, np.inf], np.float32)
    assert encode_range(special).tolist() == [1, 1, 0, 0, 0]
    assert decode_range(encode_range(special)).tolist() == pytest.approx([0.01, 0.01, np.inf, np.inf, np.inf])


def test_store_makes_keeps_and_reads_scenes(tmp_path):
    store = WorldsStore(tmp_path / "s", 40, HEIGHT)
    assert 2 not in store
    image, range_m, kind = store[2]
    sample = make_sample(42, HEIGHT)
    assert 2 in store and np.array_equal(image, sample.image) and kind == sample.kind
    near = sample.range_m <= 100
    assert np.array_equal(np.isfinite(range_m), near)
    assert np.abs(range_m[near] / sample.range_m[near] - 1).max() < 1e-4
    written = store.path(2).stat().st_mtime_ns
    again = WorldsStore(tmp_path / "s", 40, HEIGHT)[2]
    assert np.array_equal(again[1], range_m) and store.path(2).stat().st_mtime_ns == written
    with pytest.raises(IndexError):
        store[-1]


def test_store_reads_quickly(tmp_path):
    store = WorldsStore(tmp_path, 0, 256)
    store.make(0)
    store[0]
    start = time.process_time()
    for _ in range(10):
        store[0]
    assert (time.process_time() - start) / 10 < 0.02


def test_store_refuses_other_generators_and_damage(tmp_path):
    store = WorldsStore(tmp_path, 1, HEIGHT)
    for seed, height in ((2, HEIGHT), (1, 32)):
        with pytest.raises(InputError, match="give another folder"):
            WorldsStore(tmp_path, seed, height)
    store.make(0)
    blob = store.path(0).read_bytes()
    for damaged in (blob[:-5], b"", b"x" * 100):
        store.path(0).write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            store[0]
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "generator": -1}))
    with pytest.raises(InputError, match="'generator': -1"):
        WorldsStore(tmp_path, 1, HEIGHT)


def test_walk_starts_softly_and_stays_on_the_path():
    corner = (Camera((0, 0, 1.4)), Camera((4, 0, 1.4)), Camera((4, 4, 1.4)))
    cameras = poses_along(corner, 41, 10.0)
    p = np.array([c.position for c in cameras])
    speed = np.linalg.norm(np.diff(p, axis=0), axis=1) * 10
    assert speed.max() <= 1.21 and speed[0] < 0.2 and speed[-1] < 0.2
    off = np.minimum(np.hypot(p[:, 1], np.maximum(p[:, 0] - 4, 0)), np.abs(p[:, 0] - 4) + np.maximum(-p[:, 1], 0))
    assert off.max() < 0.15 and np.allclose(p[:, 2], 1.4)
    assert abs(cameras[0].yaw) < 0.05
    with pytest.raises(InputError, match="no walk"):
        poses_along(corner[:1], 10, 10.0)


def test_coarse_range_is_within_its_bound():
    r = np.geomspace(0.05, 500, 100_000).astype(np.float32)
    assert np.abs(coarse(r) / r - 1).max() <= 2.0**-14
    assert np.all(coarse(np.array([np.inf], np.float32)) == np.inf)


def test_a_walk_is_a_bag_with_images_and_exact_ranges(tmp_path):
    seed, place = next((s, w) for s in range(50) if (w := make_world(s)).walk)
    report = write_walk(tmp_path / "walk", place, frames=3, rate_hz=10.0, height=32, samples=1, seed=seed)
    assert report.frames == 3 and report.size_bytes > 1000
    cameras = poses_along(place.walk, 3, 10.0)
    with AnyReader([tmp_path / "walk"]) as reader:
        got = {"/camera/range": [], "/camera/image/compressed": []}
        for connection, stamp, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            assert message.header.frame_id == "camera_link"
            assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == stamp
            got[connection.topic].append((stamp, message))
    assert [s for s, _ in got["/camera/range"]] == [0, 100_000_000, 200_000_000]
    exact = Renderer("cpu").render(place, cameras[1], 32, 1).range_m
    message = got["/camera/range"][1][1]
    assert (message.encoding, message.step, message.height, message.width) == ("32FC1", 256, 32, 64)
    played = message.data.view("<f4").reshape(32, 64)
    assert np.array_equal(np.isinf(played), np.isinf(exact))
    assert np.allclose(played[np.isfinite(exact)], exact[np.isfinite(exact)], rtol=2.0**-13)
    assert decode_image(got["/camera/image/compressed"][2][1].data.tobytes()).shape == (32, 64, 3)
    with pytest.raises(InputError, match="exists already"):
        write_walk(tmp_path / "walk", place)


def test_commands(tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert main(["worlds", "sheet", "--out", str(out), "--count", "2", "--height", "32", "--workers", "1"]) == 0
    assert out.stat().st_size > 1000
    args = ["worlds", "render", "--out", str(tmp_path / "s"), "--count", "2", "--height", "32", "--workers", "1"]
    assert main(args) == 0 and main(args) == 0
    assert "0 scenes made, 2 were there" in capsys.readouterr().out
    assert main(["worlds", "sheet", "--kind", "moon", "--out", str(out), "--workers", "1"]) == 2
    assert "no kind of world 'moon'" in capsys.readouterr().err


def test_range_colours_show_far_as_black():
    colours = range_colours(np.array([[0.3, 99.0, 101.0, np.inf]], np.float32))
    assert colours[0, 0, 0] > colours[0, 0, 2] and colours[0, 1, 2] > colours[0, 1, 0]
    assert not colours[0, 2:].any()


def test_pairs_are_a_plain_folder_of_unseen_scenes(tmp_path, capsys):
    from dap_core.evaluation.datasets.folder import read_pairs
    from training.data.stores import SPLITS, split_seed

    assert main(["worlds", "pairs", "--out", str(tmp_path), "--count", "2", "--height", "32", "--workers", "1"]) == 0
    assert "scene" in capsys.readouterr().out
    pairs = list(read_pairs(tmp_path))
    assert [p.name.rpartition("_")[0] in ("indoors", "outdoors") for p in pairs] == [True, True]
    seed = split_seed(0, 32, "calibration")
    assert len({split_seed(0, 32, split) // 10**12 for split in SPLITS}) == len(SPLITS)
    for pair in pairs:
        scene = make_sample(seed + int(pair.name.rpartition("_")[2]), 32)
        np.testing.assert_array_equal(pair.image, scene.image)
        np.testing.assert_array_equal(pair.range_m, scene.range_m)
