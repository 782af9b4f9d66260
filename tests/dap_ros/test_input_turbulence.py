"""Cameras that fall silent, restart, change and compete, subscribers that come and go, clocks that jump."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from resources import Resources
from ros_process import Peer, RosProcess, raw_image
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image, LaserScan, PointCloud2

from dap_ros.messages import byte_array
from dap_ros.transport import qos

SIZES = ((32, 64), (64, 128), (20, 40), (96, 192))
CHANNELS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2, 2), "mono8": (0,)}
STAMPS = (0, 5, 2**31 - 1, 4, -(2**31), 6, 7, -1, 8, 1000, 9)


def plain(red: int, size: tuple[int, int] = (32, 64), encoding: str = "rgb8", stamp: int = 1) -> Image:
    """An image of one colour: the model's range is 1 + red / 10 everywhere."""
    colour = np.array((red, red if encoding == "mono8" else 9, 0), np.uint8)
    pixels = np.broadcast_to(colour[list(CHANNELS[encoding])], (*size, len(CHANNELS[encoding])))
    return raw_image(np.ascontiguousarray(pixels), encoding, stamp)


def compressed(red: int, stamp: int = 1) -> CompressedImage:
    """The same as a PNG."""
    bgr = np.full((32, 64, 3), (0, 9, red), np.uint8)
    message = CompressedImage(format="png", data=byte_array(cv2.imencode(".png", bgr)[1]))
    message.header.stamp.sec, message.header.frame_id = stamp, "pano_optical_frame"
    return message


def red_of(depth: Image) -> int:
    """The colour that a depth image was made of, the same everywhere."""
    range_m = np.frombuffer(depth.data, np.float32)
    assert range_m.size == 32 * 64 and np.ptp(range_m) < 1e-3, (range_m.min(), range_m.max())
    return round(10 * (float(range_m[0]) - 1.0))


class Scene:
    """A node, a peer, and the depth that comes back."""

    def __init__(self, process: RosProcess, peer: Peer, topic: str) -> None:
        self.process, self.peer, self.topic = process, peer, topic
        self.depths = peer.listen("/depth/image", Image, depth=100)
        self.now = 0

    @contextmanager
    def camera(self, kind: type = Image, reliability: str = "reliable") -> Iterator[Any]:
        """A publisher, on the topic that image_transport gives the type."""
        topic = self.topic if kind is Image else f"{self.topic}/compressed"
        publisher = self.peer.node.create_publisher(kind, topic, qos(reliability, 5))
        try:
            yield publisher
        finally:
            self.peer.node.destroy_publisher(publisher)

    def shows(self, publisher: Any, red: int, image: Callable[[int], Any] = plain) -> None:
        """Publish images of a colour until it comes out."""
        self.depths.clear()
        found = lambda: any(red_of(m) == red for m in self.depths)  # noqa: E731
        send = lambda: publisher.publish(image(red)) or self.peer.spin(0.01)  # noqa: E731
        assert self.peer.wait(lambda: send() or found()), (red, self.process.log())

    def told(self, key: str, text: str) -> None:
        """Wait until the input's diagnostics have a text below a key."""
        ok = self.peer.wait(lambda: text in self.peer.diagnostics("input").get(key, ""))
        assert ok, (key, text, self.peer.diagnostics("input"), self.process.log())

    # What happens to inputs; each leaves the node without a camera.

    def restarts(self) -> None:
        for red in (10, 20, 30):
            with self.camera(reliability="best_effort" if red == 20 else "reliable") as publisher:
                self.shows(publisher, red)
            self.told("message", "nobody publishes")

    def changes_size_and_encoding(self) -> None:
        kinds = [(size, encoding) for size in SIZES for encoding in CHANNELS]
        with self.camera() as publisher:
            self.shows(publisher, 3)
            for i, (size, encoding) in enumerate(kinds):
                stamp, red = 100 + i, 40 + 5 * i
                of_stamp = lambda: [m for m in self.depths if m.header.stamp.sec == stamp]  # noqa: B023, E731
                image = plain(red, size, encoding, stamp)
                assert self.peer.wait(lambda: publisher.publish(image) or of_stamp()), (size, encoding)  # noqa: B023
                assert {red_of(m) for m in of_stamp()} == {red}, (size, encoding)

    def two_publishers(self) -> None:
        with self.camera() as one, self.camera(reliability="best_effort") as other:
            self.depths.clear()
            both = lambda: {red_of(m) for m in self.depths} >= {50, 60}  # noqa: E731
            images = plain(50), plain(60)

            def send() -> None:
                # Only the newest image counts: of two at the same moment the first might never come through.
                for publisher, image in zip((one, other), images, strict=True):
                    publisher.publish(image)
                    self.peer.spin(0.03)

            assert self.peer.wait(lambda: send() or both()), self.process.log()
            self.told("publishers", "2")
            self.told("reliability", "best_effort")

    def raw_to_compressed_and_back(self) -> None:
        with self.camera(CompressedImage) as small:
            with self.camera() as raw:
                self.shows(raw, 70)
            self.shows(small, 80, compressed)
            self.told("type", "CompressedImage")
        with self.camera() as raw:
            self.shows(raw, 90)

    def stamps_jump(self) -> None:
        with self.camera() as publisher:
            self.shows(publisher, 100)
            for i, stamp in enumerate(STAMPS * 2):
                red = 110 + i
                self.shows(publisher, red, lambda red: plain(red, stamp=stamp))  # noqa: B023
                assert {m.header.stamp.sec for m in self.depths if red_of(m) == red} == {stamp}

    def subscribers_come_and_go(self) -> None:
        """Thirty, at up to twenty a second."""
        kinds = {"/points": PointCloud2, "/scan": LaserScan, "/mask/far": Image, "/points/clearing": PointCloud2}
        with self.camera() as publisher:
            self.shows(publisher, 140)
            image = plain(141, (200, 400))  # large enough to be noticed, where they are kept
            timer = self.peer.node.create_timer(0.02, lambda: publisher.publish(image))
            for count in range(30):
                topic = list(kinds)[count % len(kinds)]
                reliability = "reliable" if count % 3 else "best_effort"
                subscription = self.peer.node.create_subscription(
                    kinds[topic], topic, lambda _: None, qos(reliability, 1)
                )
                self.peer.spin(0.05)
                self.peer.node.destroy_subscription(subscription)
            self.peer.node.destroy_timer(timer)
            self.shows(publisher, 142)

    def everything(self) -> None:
        self.restarts()
        self.changes_size_and_encoding()
        self.two_publishers()
        self.raw_to_compressed_and_back()
        self.stamps_jump()
        self.subscribers_come_and_go()


@contextmanager
def scene(model: Path, **more: Any) -> Iterator[Scene]:
    parameters = {"model": str(model), "backend": "onnxruntime", "diagnostics_period": 0.1, **more}
    name = "turbulence"
    with (
        RosProcess("dap_ros.depth_node", parameters, {"image": "/turbulent", "__node": name}) as process,
        Peer(f"/{name}") as peer,
    ):
        yield Scene(process, peer, "/turbulent")
        assert process.stop() == 0, process.log()
        log = process.log()
        assert "Traceback" not in log and "frame lost" not in log and "refused" not in log, log


def test_whatever_happens_to_inputs_the_node_goes_on_and_leaks_nothing(known_model: Path) -> None:
    # Filters that remember, so that they meet the jumping stamps; one scale only, so that colours come out as they are.
    filters = {"temporal.enabled": True, "temporal.gate": 0.01, "scale.enabled": True, "camera_height": 1.0}
    filters |= {"scale.min_factor": 1.0, "scale.max_factor": 1.0}
    with scene(known_model, **filters) as s:
        s.everything()
        before = Resources.of(s.process.process.pid)
        s.everything()
        after = Resources.of(s.process.process.pid)
        print(f"\ninputs: {before} -> {after}")
        assert (after.threads, after.files) == (before.threads, before.files)
        assert after.memory_mb < before.memory_mb + 5.0


def test_a_silent_camera_is_reported_and_taken_up_again(known_model: Path) -> None:
    with scene(known_model) as s, s.camera() as publisher:
        s.shows(publisher, 10)
        s.told("message", "images/s")
        s.told("message", "no image from /turbulent")
        assert s.peer.diagnostics("input")["level"] == "01"
        s.shows(publisher, 11, lambda red: plain(red, stamp=int(time.time())))
        s.told("level", "00")


@pytest.mark.parametrize("at_start", [True, False])
def test_simulated_time_stands_still_runs_and_jumps_back(known_model: Path, at_start: bool) -> None:
    with scene(known_model, use_sim_time=at_start) as s:
        reports: list[DiagnosticArray] = s.peer.listen("/diagnostics", DiagnosticArray)
        clock = s.peer.node.create_publisher(Clock, "/clock", qos("best_effort", 1))
        if not at_start:
            assert s.peer.set_parameter("use_sim_time", True) == (True, "")
        with s.camera() as publisher:  # no clock yet: the camera is found all the same
            s.shows(publisher, 10)
        s.told("message", "nobody publishes")
        assert s.peer.wait(lambda: clock.get_subscription_count() > 0)
        with s.camera() as publisher:
            for red, now in enumerate((1000, 1001, 5000, 10, 11), start=20):
                tick = Clock(clock=Time(sec=now))
                reports.clear()
                at = lambda: any(m.header.stamp.sec == now for m in reports)  # noqa: B023, E731
                assert s.peer.wait(lambda: clock.publish(tick) or at()), (now, s.process.log())  # noqa: B023
                s.shows(publisher, red, lambda red: plain(red, stamp=now))  # noqa: B023
                s.told("input_age_ms", "0.0")
        if not at_start:
            assert s.peer.set_parameter("use_sim_time", False) == (True, "")
            with s.camera() as publisher:
                s.shows(publisher, 30)
