"""Two cameras share one engine: names, mounts and turns of their own."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import Image, PointCloud2


def test_two_cameras_share_an_engine(known_model: Path) -> None:
    parameters = {
        "model": str(known_model),
        "backend": "onnxruntime",
        "diagnostics_period": 0.1,
        "cameras": ["front", "rear"],
        "rear.camera_height": 2.0,
        "rear.mask.nadir": 60.0,
    }
    picture = np.full((32, 64, 3), (20, 0, 0), np.uint8)
    with (
        RosProcess("dap_ros.depth_node", parameters, {"rear/image": "/back/pano"}) as process,
        Peer("/depth_node") as peer,
    ):
        clouds = {name: peer.listen(f"/{name}/points", PointCloud2, depth=200) for name in ("front", "rear")}
        depths = {name: peer.listen(f"/{name}/depth/image", Image, depth=200) for name in ("front", "rear")}
        topics = {"front": "/front/image", "rear": "/back/pano"}

        def send(stamp: int) -> None:
            for name, topic in topics.items():
                peer.publish(topic, raw_image(picture, stamp=stamp, frame=f"{name}_optical_frame"))

        assert peer.wait(lambda: send(1) or (all(clouds.values()) and all(depths.values()))), process.log()
        for name in clouds:
            clouds[name].clear()
        began = time.monotonic()
        for stamp in range(100, 160):
            send(stamp)
            peer.spin(0.02)
        peer.spin(0.5)
        took = time.monotonic() - began
        counts = {name: len(messages) for name, messages in clouds.items()}
        assert min(counts.values()) >= 0.8 * max(counts.values()) > 5, (counts, took)
        for name, height in (("front", 0.0), ("rear", 2.0)):
            cloud = clouds[name][-1]
            assert cloud.header.frame_id == f"{name}_link"
            xyzh = np.frombuffer(cloud.data, np.float32).reshape(-1, 4)
            np.testing.assert_allclose(xyzh[:, 3] - xyzh[:, 2], height, atol=1e-5)
        unknown = {n: np.isnan(np.frombuffer(m[-1].data, np.float32)).mean() for n, m in depths.items()}
        assert unknown["front"] == 0.0 and 0.2 < unknown["rear"] < 0.4
        assert peer.wait(lambda: peer.diagnostics("rear depth") and peer.diagnostics("front input"))
        assert peer.diagnostics("front depth")["backend"] == "onnxruntime"
        assert int(peer.diagnostics("rear input")["received"]) > 20
