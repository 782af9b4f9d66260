import pytest

from dap_core.benchmark.turns import Effort, in_turns, of_runner, ratio


class Scripted:
    """A runner that takes what it is told, and writes down when it is called."""

    def __init__(self, name, times, log):
        self.name, self.times, self.log = name, iter(times), log

    def __call__(self, seconds):
        self.log.append((self.name, seconds))
        return next(self.times)


def test_everyone_has_a_turn_before_anyone_has_the_next():
    log = []
    runners = [Scripted("a", [[0.1]] * 9, log), Scripted("b", [[0.3, 0.4]] * 9, log)]
    turns = in_turns(runners, Effort(seconds=0.0, turns=3, slice_s=0.25))
    # Three turns and the first, which was quick and only a warm-up.
    assert log == [("a", 0.25), ("b", 0.25)] * 4
    assert turns == [[[0.1], [0.3, 0.4]]] * 3
    assert of_runner(turns, 1) == [0.3, 0.4] * 3


def test_a_slow_first_turn_counts():
    log = []
    turns = in_turns([Scripted("a", [[5.0], [4.0], [3.0]], log)], Effort(seconds=0.0, turns=2))
    assert turns == [[[5.0]], [[4.0]]]


def test_it_goes_on_until_the_time_is_over():
    import time

    def nap(seconds):
        time.sleep(0.02)
        return [0.02]

    shares = []
    began = time.perf_counter()
    turns = in_turns([nap], Effort(seconds=0.3, turns=2), shares.append)
    assert time.perf_counter() - began >= 0.3
    assert 5 <= len(turns) <= 16
    assert shares[-1] == 1.0 and shares == sorted(shares)


def test_a_ratio_is_of_neighbours_so_that_a_slow_minute_cancels():
    slow = [1.0, 1.0, 10.0, 1.0, 1.0]  # the machine was ten times slower in the third turn
    turns = [[[3.0 * s, 3.2 * s, 2.8 * s], [1.5 * s]] for s in slow]
    found = ratio(turns, 0, 1)
    assert (found.median, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
    assert ratio(turns, 1, 0).median == pytest.approx(0.5)
    assert ratio([[[1.0, 1.0, 4.0], [1.0]]], 0, 1).median == pytest.approx(2.0)  # the mean within a turn
    spread = [[[float(t)], [1.0]] for t in (1, 2, 3, 4, 5)]
    found = ratio(spread, 0, 1)
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)
