"""A strict rate by a virtual clock: no window exceeded, nothing wasted; and a slow start."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.governor.pace import Meter, Pace, Ramp


def departures(
    pace: Pace, count: int, *, late: Callable[[int], float] = lambda _: 0.0
) -> list[float]:
    """Let calls leave as soon as they may, each woken a little late."""
    now = 0.0
    left: list[float] = []
    for nth in range(count):
        now = max(now, pace.earliest(now)) + late(nth)
        pace.leave(now)
        left.append(now)
    return left


def most_within(left: list[float], seconds: float) -> int:
    """Count the most departures in any window of so many seconds, its end left out."""
    return max(bisect_left(left, start + seconds) - at for at, start in enumerate(left))


@given(
    st.floats(0.2, 500),
    st.integers(1, 20),
    st.lists(st.floats(0, 0.02), min_size=1, max_size=50),
    st.lists(st.floats(0, 3), max_size=5),
)
def test_no_window_ever_holds_more_than_the_rate(
    rate: float, burst: int, lateness: list[float], rests: list[float]
) -> None:
    """In any w seconds at most ⌈rate·w⌉ calls leave, whatever the burst, rests and late timers."""
    pace, now = Pace(rate, burst), 0.0
    left: list[float] = []
    window = max(1.0, 1 / rate)
    for nth in range(min(400, 4 * math.ceil(rate * window))):
        if rests and nth % 37 == 36:
            now += rests[nth % len(rests)] * window
        now = max(now, pace.earliest(now)) + lateness[nth % len(lateness)]
        pace.leave(now)
        left.append(now)
    assert most_within(left, window) <= math.ceil(rate * window - 1e-9)


@pytest.mark.parametrize("rate", [0.2, 0.7, 2, 5, 50, 500])
def test_the_rate_is_used(rate: float) -> None:
    """While work waits, at least 98.5 % of the rate is used, with timers 1 ms late."""
    count = max(20, int(rate * 10))
    left = departures(Pace(rate), count, late=lambda _: 0.001)
    assert (count - 1) / (left[-1] - left[0]) >= 0.985 * rate


def test_a_burst_leaves_together_and_no_more() -> None:
    """``burst`` calls may leave at once, the next one not."""
    left = departures(Pace(5, burst=3), 4)
    assert left[:3] == [0.0, 0.0, 0.0]
    assert left[3] > 0.15


def test_a_departure_that_did_not_happen_is_taken_back() -> None:
    """Undoing a departure frees its place in the window and its spacing."""
    pace = Pace(1)
    pace.leave(0.0)
    assert pace.earliest(0.0) > 0.9
    pace.undo(0.0)
    assert pace.earliest(0.0) <= 0.0
    pace.undo(0.0)  # what is not there cannot be taken back twice
    assert pace.earliest(0.0) <= 0.0


def test_one_taken_back_before_others_leaves_their_spacing() -> None:
    """A departure that others followed frees its place in the window and moves nobody closer."""
    pace = Pace(10)
    for now in (0.0, 0.11):
        pace.leave(now)
    before = pace.earliest(0.11)
    pace.undo(0.0)
    assert pace.earliest(0.11) == before > 0.2


def test_a_departure_that_was_late_counts_from_when_it_was() -> None:
    """The window counts a departure from when it took place; an unknown one changes nothing."""
    pace = Pace(1)
    pace.leave(0.0)
    pace.moved(0.0, 0.5)
    assert pace.earliest(0.5) == pytest.approx(0.5 + 1.01)
    pace.moved(-7.0, 3.0)
    assert pace.earliest(0.5) == pytest.approx(0.5 + 1.01)


def climb(ramp: Ramp, *, most: int, rate: float | None) -> list[float]:
    """Let calls leave as soon as the ramp lets them, none of them coming back."""
    now = 0.0
    left: list[float] = []
    for in_flight in range(most):
        now = max(now, ramp.earliest(now, in_flight, most, rate))
        ramp.leave(now, in_flight)
        left.append(now)
    return left


def test_slots_open_one_by_one_over_the_ramp() -> None:
    """With a ramp of 10 s and 5 slots, one more call goes out every 2 s; without, all at once."""
    assert climb(Ramp(10.0), most=5, rate=None) == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert climb(Ramp(0.0), most=5, rate=None) == [0.0] * 5


def test_the_rate_rises_evenly_over_the_ramp() -> None:
    """Half of a ramp of 10 s at 4/s lets out a quarter of its 20 calls; then the rate is full."""
    left = climb(Ramp(10.0), most=1000, rate=4.0)
    assert sum(departure < 5.0 for departure in left) == 5
    assert sum(departure < 10.0 for departure in left) == 20
    assert max(left) == 10.0  # from there on the ramp holds nothing back


def test_after_a_rest_the_ramp_begins_anew() -> None:
    """A rest as long as the ramp, with nothing in flight, begins it again; no shorter one does."""
    ramp = Ramp(10.0)
    climb(ramp, most=5, rate=None)
    assert ramp.earliest(17.0, 3, 5, None) <= 17.0
    ramp.leave(17.0, 3)
    assert ramp.earliest(26.0, 0, 5, None) <= 26.0
    ramp.leave(28.0, 0)
    assert ramp.earliest(28.0, 1, 5, None) == 30.0


def test_the_meter_tells_how_fast_calls_leave_of_late() -> None:
    """The rate of late is that of the last 30 s, and sinks when nothing leaves."""
    meter = Meter()
    assert meter.rate(0.0) == 0.0
    meter.leave(0.0)
    assert meter.rate(0.0) == 0.0
    for nth in range(1, 100):
        meter.leave(nth / 2)
    assert meter.rate(49.5) == pytest.approx(2.0)
    assert 0 < meter.rate(70.0) < 1.0
    assert meter.rate(99.0) == 0.0


def test_what_did_not_leave_is_not_measured() -> None:
    """A departure that is taken back is in no rate, and moves no ramp on."""
    meter, ramp = Meter(), Ramp(10.0)
    for nth in range(5):
        meter.leave(float(nth))
        ramp.leave(float(nth), nth)
    meter.undo(2.0)
    meter.undo(99.0)  # one that is unknown changes nothing
    assert meter.rate(4.0) == pytest.approx(0.75)
    before = ramp.earliest(4.0, 1, 1000, 1.0)
    ramp.undo()
    assert ramp.earliest(4.0, 1, 1000, 1.0) < before
