"""The hand-over keeps the newest frame of each camera, is fair, blocks only the taker, and ends when closed."""

from __future__ import annotations

import threading

from dap_ros.newest_frame import NewestFrames


def test_newest_wins_and_displacement_is_reported() -> None:
    slots: NewestFrames[int] = NewestFrames([""])
    assert [slots.put("", 1), slots.put("", 2), slots.put("", 3)] == [False, True, True]
    assert slots.take() == ("", 3)
    assert slots.put("", 4) is False


def test_cameras_take_turns_whatever_their_rates() -> None:
    slots: NewestFrames[int] = NewestFrames(["a", "b", "c"])
    served = []
    for i in range(30):
        for camera in ("a", "a", "b", "c") if i % 10 else ("a", "b"):
            slots.put(camera, i)
        served.append(slots.take()[0])  # type: ignore[index]
    assert {served.count(c) for c in "abc"} == {10}
    slots.put("c", 99)
    assert slots.take() is not None


def test_close_wakes_the_taker_and_discards() -> None:
    slots: NewestFrames[int] = NewestFrames(["a", "b"])
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(slots.take()))
    thread.start()
    slots.close()
    thread.join(timeout=5.0)
    assert not thread.is_alive() and taken == [None]
    slots.put("b", 5)
    assert slots.take() is None


def test_nothing_is_lost_or_reordered_between_threads() -> None:
    slots: NewestFrames[int] = NewestFrames(["a", "b"])
    taken: dict[str, list[int]] = {"a": [], "b": []}

    def take() -> None:
        while (frame := slots.take()) is not None:
            taken[frame[0]].append(frame[1])
            if frame == ("b", 20_000):
                return

    thread = threading.Thread(target=take)
    thread.start()
    displaced = sum(slots.put(c, i) for i in range(1, 20_001) for c in "ab")
    thread.join(timeout=10.0)
    for camera in "ab":
        assert taken[camera] == sorted(set(taken[camera]))
    left = 0 if taken["a"][-1] == 20_000 else 1
    assert len(taken["a"]) + len(taken["b"]) + left + displaced == 40_000
