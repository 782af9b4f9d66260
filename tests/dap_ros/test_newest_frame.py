"""The hand-over keeps the newest frame, blocks only the taker, and ends when closed."""

from __future__ import annotations

import threading

from dap_ros.newest_frame import NewestFrame


def test_newest_wins_and_displacement_is_reported() -> None:
    slot: NewestFrame[int] = NewestFrame()
    assert [slot.put(1), slot.put(2), slot.put(3)] == [False, True, True]
    assert slot.take() == 3
    assert slot.put(4) is False


def test_close_wakes_the_taker_and_discards() -> None:
    slot: NewestFrame[int] = NewestFrame()
    taken: list[int | None] = []
    thread = threading.Thread(target=lambda: taken.append(slot.take()))
    thread.start()
    slot.close()
    thread.join(timeout=5.0)
    assert not thread.is_alive() and taken == [None]
    slot.put(5)
    assert slot.take() is None


def test_nothing_is_lost_or_reordered_between_threads() -> None:
    slot: NewestFrame[int] = NewestFrame()
    taken: list[int] = []

    def take() -> None:
        while (frame := slot.take()) is not None:
            taken.append(frame)
            if frame == 20_000:
                return

    thread = threading.Thread(target=take)
    thread.start()
    displaced = sum(slot.put(i) for i in range(1, 20_001))
    thread.join(timeout=10.0)
    assert taken == sorted(set(taken)) and taken[-1] == 20_000
    assert len(taken) + displaced == 20_000
