"""Limits by a virtual clock: no window exceeded, nobody starved, nothing wasted."""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_left
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import volcv_async as volcv
from volcv_async.governor import Gate, Governor, Pace, Room
from volcv_async.outage import Outage


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


def test_an_unstated_cap_starts_low_and_grows_with_answers() -> None:
    """Without a stated limit two go out, then ever more, up to 16."""
    room = Room(None, adaptive=True)
    assert room.cap == 2
    for _ in range(100):
        room.succeeded()
    assert room.cap == room.most == 16


def test_a_refusal_says_how_many_fit() -> None:
    """After a refusal, as many fit as were still in flight; then single ones are tried again."""
    room = Room(8, adaptive=True)
    room.in_flight = 3
    room.refused()
    assert room.cap == 3
    grown = [_grown(room) for _ in range(30)]
    assert sorted(grown) == grown
    assert grown[-1] > 3
    room.in_flight = 0
    room.refused()
    assert room.cap == 1


def _grown(room: Room) -> int:
    room.succeeded()
    return room.cap


def test_without_learning_the_cap_stays() -> None:
    """With ``adaptive=False`` the cap is what is stated, or 16, whatever comes."""
    for stated, cap in ((4, 4), (None, 16)):
        room = Room(stated, adaptive=False)
        room.refused()
        room.succeeded()
        assert room.cap == cap


def test_a_governor_grants_slot_and_rate_together() -> None:
    """A call may leave when both are there, and takes both."""
    governor = Governor(volcv.Limits(rate=10, concurrency=1))
    assert governor.earliest(0.0) <= 0.0
    governor.leave(0.0)
    assert governor.earliest(0.0) == math.inf
    governor.came_back()
    assert 0.05 < governor.earliest(0.0) < 0.2
    governor.leave(0.2)
    governor.undo(0.2)
    assert governor.in_flight == 0


def test_a_refusal_for_rate_slows_down_and_time_speeds_up() -> None:
    """A refusal cuts the rate a little under what was asked for; without more it climbs back."""
    governor = Governor(volcv.Limits(rate=10, concurrency=10))
    assert governor.rate == 10
    for nth in range(6):
        governor.leave(nth * 0.1)
    rates = [governor.rate]
    for _ in range(10):
        governor.refused_rate(0.5)
        rates.append(governor.rate)
    assert rates == [pytest.approx(10 * 0.93**nth) for nth in range(11)]
    slower = governor.rate
    assert slower is not None
    governor.came_back()
    governor.earliest(1000.0)
    assert slower < (governor.rate or 0) <= 10
    governor.earliest(1e9)
    assert governor.rate == 10


def test_an_unstated_rate_is_known_after_a_refusal() -> None:
    """Where no rate is stated there is none until a refusal; ``adaptive=False`` ignores that."""
    governor = Governor(volcv.Limits())
    assert governor.rate is None
    for _ in range(2):
        governor.leave(0.0)
    governor.refused_rate(0.0)
    assert governor.rate == pytest.approx(0.93)
    governor.came_back()
    assert governor.earliest(0.0) >= 1.0
    stubborn = Governor(volcv.Limits(adaptive=False))
    stubborn.refused_rate(0.0)
    assert stubborn.rate is None


def test_a_slow_connection_holds_back_those_that_follow() -> None:
    """A call that left later than it was granted counts from when it left, at its best."""
    governor = Governor(volcv.Limits(rate=1, concurrency=99))
    now = 0.0
    for _ in range(10):  # what is usual is not known yet: each counts from when it left
        governor.leave(now)
        governor.departed(now, now + 0.1)
        assert governor.earliest(now) == pytest.approx(now + 0.1 + 1.01)
        now = governor.earliest(now)
    governor.leave(now)
    governor.departed(now, now + 0.6)  # half a second longer than usual
    assert governor.earliest(now) == pytest.approx(now + 0.5 + 1.01)
    governor.departed(now - 99, now)  # one that is forgotten already changes nothing
    assert governor.earliest(now) == pytest.approx(now + 0.5 + 1.01)


def test_retry_after_closes_the_governor() -> None:
    """A pause that the provider asks for holds everything back until it is over."""
    governor = Governor(volcv.Limits(rate=10))
    governor.pause_until(7.0)
    governor.pause_until(3.0)
    assert governor.earliest(0.0) == 7.0
    assert governor.earliest(8.0) <= 8.0


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def gate_of(*governors: Governor, clock: Callable[[], float] = time.monotonic) -> Gate:
    return Gate({governor: Outage(1, 1) for governor in governors}, clock)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_calls_go_first_come_first_served() -> None:
    """Those who wait go in the order in which they came, each when there is room."""
    clock = Clock()
    gate = gate_of(Governor(volcv.Limits(concurrency=1)), clock=clock)
    first = await gate.turn()
    order: list[int] = []

    async def wait(nth: int) -> None:
        turn = await gate.turn()
        order.append(nth)
        gate.over(turn)

    tasks = [asyncio.create_task(wait(nth)) for nth in range(5)]
    await settled()
    assert (gate.waiting, gate.in_flight, order) == (5, 1, [])
    gate.over(first)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]
    assert (gate.waiting, gate.in_flight) == (0, 0)


async def test_a_call_goes_where_it_can_leave_soonest() -> None:
    """Of several governors the one that is free first takes the call."""
    busy, free = (Governor(volcv.Limits(concurrency=1)) for _ in range(2))
    gate = gate_of(busy, free, clock=Clock())
    turns = [await gate.turn(), await gate.turn()]
    assert [turn.governor for turn in turns] == [busy, free]
    for turn in turns:
        gate.over(turn)


async def test_governors_that_are_equally_soon_take_turns() -> None:
    """One that fails at once, and so is free at once, does not get all the calls."""
    clock = Clock()
    first, second = (Governor(volcv.Limits(concurrency=4)) for _ in range(2))
    gate = gate_of(first, second, clock=clock)
    took: list[Governor] = []
    for _ in range(4):
        clock.now += 1.0
        turn = await gate.turn()
        took.append(turn.governor)
        gate.over(turn)
    assert took == [first, second, first, second]


async def test_an_outage_holds_back_its_own_governor_alone() -> None:
    """What one governor's caution holds back goes by another, until that one is full."""
    out, well = (Governor(volcv.Limits(concurrency=2)) for _ in range(2))
    outages, clock = {out: Outage(1, 1), well: Outage(1, 1)}, Clock()
    gate = Gate(outages, clock)
    gate.over(await gate.turn())
    for _ in range(5):
        outages[out].silent(1, 0.0, sent=True)
    turns = [await gate.turn() for _ in range(2)]
    assert [(turn.governor, turn.number) for turn in turns] == [(well, 1), (well, 2)]
    waiting = asyncio.create_task(gate.turn())
    await settled()
    assert not waiting.done()
    outages[out].probed(0.0, answered=False)
    outages[out].probed(0.0, answered=True)  # a sign of recovery, for one call alone
    gate.update()
    trial = await waiting
    assert (trial.governor, trial.number) == (out, 2)
    more = asyncio.create_task(gate.turn())
    await settled()
    assert not more.done()
    gate.over(turns[0])
    turns[0] = await more
    assert turns[0].governor is well
    gate.undo(trial)
    assert outages[out].earliest(0) == -math.inf  # another trial may go
    for turn in turns:
        gate.over(turn)


async def test_a_cancelled_waiter_gives_back_what_it_held() -> None:
    """Cancelled while waiting it gives back its place; granted at that moment, slot and rate."""
    governor = Governor(volcv.Limits(rate=1, concurrency=1))
    clock = Clock()
    gate = gate_of(governor, clock=clock)
    first = await gate.turn()
    granted, waiting = (asyncio.create_task(gate.turn()) for _ in range(2))
    await settled()
    clock.now = 10.0
    gate.over(first)
    await asyncio.sleep(0)  # the next is granted now, and has not run since
    granted.cancel()
    waiting.cancel()
    for task in (granted, waiting):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (gate.waiting, governor.in_flight) == (0, 0)
    assert governor.earliest(10.0) <= 10.0


async def test_a_timer_wakes_the_gate_when_the_rate_allows() -> None:
    """A call that must wait for the rate leaves by itself when its time has come."""
    gate = gate_of(Governor(volcv.Limits(rate=50, concurrency=3)))
    turns = [await gate.turn() for _ in range(3)]
    assert turns[2].left - turns[0].left >= 0.03
    for turn in turns:
        gate.over(turn)


async def test_a_vacancy_takes_nothing() -> None:
    """Who only asks whether a call could leave takes neither slot nor rate, and keeps the order."""
    governor = Governor(volcv.Limits(rate=1, concurrency=1))
    gate = gate_of(governor, clock=Clock())
    await gate.vacancy()
    await gate.vacancy()
    turn = await gate.turn()
    asking = asyncio.create_task(gate.vacancy())
    await settled()
    assert (gate.waiting, asking.done()) == (0, False)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.over(turn)


async def test_a_closed_gate_turns_away_who_waits() -> None:
    """Without a governor calls wait for ever, until they are told why they cannot go."""
    governor = Governor(volcv.Limits())
    gate = gate_of(governor, clock=Clock())
    gate.close(governor)
    waiting = asyncio.create_task(gate.turn())
    await settled()
    assert not waiting.done()
    gate.turn_away(lambda: volcv.NotSentError("closed"))
    with pytest.raises(volcv.NotSentError, match="closed"):
        await waiting


async def test_emptied_waits_for_the_last_call() -> None:
    """Waiting for the end of all calls ends with the last of them."""
    gate = gate_of(Governor(volcv.Limits(concurrency=2)), clock=Clock())
    turns = [await gate.turn(), await gate.turn()]
    emptied = asyncio.create_task(gate.emptied())
    gate.over(turns[0])
    await settled()
    assert not emptied.done()
    gate.over(turns[1])
    await emptied
