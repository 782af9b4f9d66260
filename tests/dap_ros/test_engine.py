"""The engine's steps: in turn or overlapped, in order, never more than one frame to a step, and as late as can be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from dap_ros.engine import Engine, Handover, Pace, off_cpu

#: Seconds for what happens at once on an idle machine.
PATIENCE_S = 10.0


@dataclass
class Camera:
    """Notes what is done with its images, which are numbers, and stops where it is told to."""

    name: str
    events: list[tuple[str, str, int]]
    at: dict[str, Callable[[int], None]] = field(default_factory=dict)
    refused: frozenset[int] = frozenset()
    failing: frozenset[int] = frozenset()
    active: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    def _step(self, step: str, image: int) -> None:
        self.active[step] = self.active.get(step, 0) + 1
        self.most[step] = max(self.most.get(step, 0), self.active[step])
        self.events.append((self.name, step, image))
        if step in self.at:
            self.at[step](image)
        self.active[step] -= 1

    def prepare(self, arrival: int) -> int | None:
        """Of `Steps`."""
        self._step("prepare", arrival)
        return None if arrival in self.refused else arrival

    def infer(self, job: int) -> bool:
        """Of `Steps`."""
        self._step("infer", job)
        return job not in self.failing

    def complete(self, job: int) -> None:
        """Of `Steps`."""
        self._step("complete", job)

    def done(self, step: str = "complete") -> list[int]:
        """Images that a step has begun with."""
        return [image for name, s, image in self.events if (name, s) == (self.name, step)]


def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens on another thread."""
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.001)


@pytest.mark.parametrize("overlap", [False, True])
def test_frames_go_through_in_order_and_what_fails_ends_alone(overlap: bool) -> None:
    camera = Camera("", [], refused=frozenset({1}), failing=frozenset({2}))
    engine = Engine({"": camera}, overlap)
    for image in range(5):
        engine.put("", image)
        until(lambda: camera.done("prepare")[-1:] == [image])  # noqa: B023
    until(lambda: camera.done()[-1:] == [4])
    engine.close()
    assert (camera.done("prepare"), camera.done("infer")) == ([0, 1, 2, 3, 4], [0, 2, 3, 4])
    assert camera.done() == [0, 3, 4] and set(camera.most.values()) == {1}


@pytest.mark.parametrize("overlap", [False, True])
def test_close_lets_what_is_begun_end_and_drops_the_rest(overlap: bool) -> None:
    camera, go_on = Camera("", []), threading.Event()
    camera.at["infer"] = lambda image: assert_(go_on.wait(PATIENCE_S))
    engine = Engine({"": camera}, overlap)
    assert engine.put("", 0) is False
    until(lambda: camera.done("infer") == [0])
    closing = threading.Thread(target=engine.close)
    closing.start()
    time.sleep(0.05)
    assert closing.is_alive()
    engine.put("", 1)
    go_on.set()
    closing.join(PATIENCE_S)
    assert not closing.is_alive() and camera.done() == [0] and 1 not in camera.done("infer")


def test_overlapped_the_network_runs_while_the_last_frame_is_published_and_the_next_prepared() -> None:
    camera, second, third = Camera("", []), threading.Event(), threading.Event()

    def infer(image: int) -> None:
        if image == 1:
            second.set()
            assert third.wait(PATIENCE_S)

    camera.at |= {
        "infer": infer,
        "complete": lambda image: assert_(image != 0 or second.wait(PATIENCE_S)),
        "prepare": lambda image: third.set() if image == 2 else None,
    }
    engine = Engine({"": camera}, overlap=True)
    for image in range(3):
        engine.put("", image)
        until(lambda: camera.done("prepare")[-1:] == [image])  # noqa: B023
    until(lambda: camera.done() == [0, 1, 2])
    engine.close()
    assert set(camera.most.values()) == {1}


def test_an_image_is_not_taken_long_before_the_network_is_free() -> None:
    """At a network of 50 ms, of images every 5 ms the one that is taken last before it ends is the newest by far."""
    behind: list[int] = []
    newest = [0]

    def infer(image: int) -> None:
        behind.append(newest[0] - image)
        time.sleep(0.05)

    camera = Camera("", [], at={"infer": infer})
    engine = Engine({"": camera}, overlap=True)
    for image in range(200):
        newest[0] = image
        engine.put("", image)
        time.sleep(0.005)
    engine.close()
    # Taken as soon as the network had begun with the one before, an image would be ten behind.
    assert len(behind) > 5 and sorted(behind[2:])[len(behind[2:]) // 2] <= 2, behind


def test_overlapped_cameras_take_turns() -> None:
    events: list[tuple[str, str, int]] = []
    cameras = {name: Camera(name, events, at={"infer": lambda image: time.sleep(0.01)}) for name in "ab"}
    engine = Engine(cameras, overlap=True)
    for image in range(60):
        for name in "aab":
            engine.put(name, image)
        time.sleep(0.005)
    engine.close()
    order = [name for name, step, _ in events if step == "infer"]
    assert len(order) > 10 and abs(order.count("a") - order.count("b")) <= 2, order


def test_a_handover_returns_when_the_thing_is_taken() -> None:
    handover: Handover[int] = Handover()
    giving = threading.Thread(target=handover.put, args=(7,))
    giving.start()
    giving.join(0.05)
    assert giving.is_alive() and handover.take() == 7
    giving.join(PATIENCE_S)
    assert not giving.is_alive()
    handover.close()
    assert handover.take() is None


def test_the_pace_is_that_of_the_network_less_the_preparation() -> None:
    pace = Pace()
    pace.wait()  # an idle network waits for nobody
    for _ in range(3):
        with pace.network():
            time.sleep(0.05)
        pace.prepared(0.02)
    began = time.perf_counter()
    with pace.network():
        pace.wait()
        assert time.perf_counter() - began > 0.5 * (0.05 - 0.02)
    # A network that is done early lets nobody wait.
    waiting = threading.Thread(target=pace.wait)
    with pace.network():
        waiting.start()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()


def test_backends_that_leave_the_cpu_alone() -> None:
    @dataclass
    class On:
        device: str

    assert [off_cpu(On(device)) for device in ("cuda", "cpu")] == [True, False]


def assert_(condition: bool) -> None:
    """An assertion in a lambda."""
    assert condition
