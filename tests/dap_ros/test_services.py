"""`~/enable` and `~/save_snapshot` of the real node."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import yaml
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger

from dap_core.io.depth_files import read_range
from dap_core.io.images import read_image
from dap_core.io.ply import read_ply


def test_enable_and_snapshot(known_model: Path, tmp_path: Path) -> None:
    parameters = {
        "model": str(known_model), "backend": "onnxruntime", "diagnostics_period": 0.1, "camera_height": 1.0,
        "snapshot_folder": str(tmp_path / "shots"), "mask.nadir": 20.0,
    }  # fmt: skip
    picture = np.full((32, 64, 3), (30, 0, 0), np.uint8)
    with RosProcess("dap_ros.depth_node", parameters, {"image": "/pano"}), Peer("/depth_node") as peer:
        answer = peer.call(Trigger, "save_snapshot", Trigger.Request())
        assert (answer.success, answer.message) == (False, "no image has arrived yet")
        # Nobody listens to any output: the snapshot is taken all the same.
        peer.publish("/pano", raw_image(picture, stamp=7))
        peer.spin(0.3)
        answer = peer.call(Trigger, "save_snapshot", Trigger.Request())
        assert answer.success, answer.message
        folder = Path(answer.message)
        assert folder.parent == tmp_path / "shots"
        assert {p.name for p in folder.iterdir()} == {
            "image.png", "range.npy", "range.png", "points.ply", "scan.json", "settings.yaml", "facts.json"
        }  # fmt: skip
        np.testing.assert_array_equal(read_image(folder / "image.png"), picture)
        range_m = read_range(folder / "range.npy")
        np.testing.assert_allclose(range_m[:20], 4.0, rtol=1e-6)
        assert np.isnan(range_m[-1]).all()
        np.testing.assert_allclose(np.linalg.norm(read_ply(folder / "points.ply")[0], axis=1), 4.0, rtol=1e-5)
        assert yaml.safe_load((folder / "settings.yaml").read_text())["mask"]["nadir"] == 20.0
        facts = json.loads((folder / "facts.json").read_text())
        assert facts["stamp"] == 7.0 and facts["model"] == "known"
        ranges = [float(r) for r in json.loads((folder / "scan.json").read_text())["ranges"]]
        np.testing.assert_allclose(ranges, 4.0, rtol=5e-3)

        got = peer.listen("/depth/image", Image)
        assert peer.wait(lambda: peer.publish("/pano", raw_image(picture)) or got)
        assert peer.call(SetBool, "enable", SetBool.Request(data=False)).success
        peer.spin(0.3)
        got.clear()
        for _ in range(5):
            peer.publish("/pano", raw_image(picture))
            peer.spin(0.05)
        assert peer.wait(lambda: int(peer.diagnostics("input").get("dropped_disabled", "0")) >= 3)
        assert not got

        # While images are dropped the newest one is still to be had, at once, and is not published.
        peer.publish("/pano", raw_image(picture, stamp=99))
        peer.spin(0.3)
        began = time.monotonic()
        answers = [peer.call(Trigger, "save_snapshot", Trigger.Request()) for _ in range(3)]
        assert all(a.success for a in answers), answers
        assert time.monotonic() - began < 10.0
        folders = {Path(a.message) for a in answers}
        assert len(folders) == 3
        assert {json.loads((f / "facts.json").read_text())["stamp"] for f in folders} == {99.0}
        assert not got
        assert peer.call(SetBool, "enable", SetBool.Request(data=True)).success
        assert peer.wait(lambda: peer.publish("/pano", raw_image(picture)) or got)
