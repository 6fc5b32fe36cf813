"""Where calls wait: first come, first served, and what is held is given back."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

import pytest

import volcv_async as volcv
from volcv_async.governor import Gate, Governor, Turn
from volcv_async.outage import Outage


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def gate_of(*governors: Governor, clock: Callable[[], float] = time.monotonic) -> Gate:
    return Gate({governor: Outage(1, 1) for governor in governors}, clock=clock)


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


async def test_a_repetition_goes_before_new_work() -> None:
    """A call that goes out again has the next slot, though others came before."""
    gate = gate_of(Governor(volcv.Limits(concurrency=1)), clock=Clock())
    first = await gate.turn()
    order: list[str] = []

    async def wait(name: str, *, again: bool) -> None:
        turn = await gate.turn(again=again)
        order.append(name)
        gate.over(turn)

    tasks = [asyncio.create_task(wait("new", again=False))]
    await settled()
    tasks.append(asyncio.create_task(wait("again", again=True)))
    await settled()
    gate.over(first)
    await asyncio.gather(*tasks)
    assert order == ["again", "new"]


async def test_one_model_holds_back_none_of_another() -> None:
    """While calls for one model wait for what it refused, those for another go."""
    governor = Governor(volcv.Limits(concurrency=4))
    gate = gate_of(governor, clock=Clock())
    turns = [await gate.turn("slow"), await gate.turn("slow")]
    gate.over(turns[1])
    governor.refused("slow", "concurrency", turns[1].left, 0.0)
    waiting = asyncio.create_task(gate.turn("slow"))
    await settled()
    other = await gate.turn("quick")
    assert (waiting.done(), gate.waiting) == (False, 1)
    gate.over(turns[0])
    gate.over(await waiting)
    gate.over(other)


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
    gate = Gate(outages, clock=clock)
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
    assert governor.held_up(None, 10.0)[0] <= 10.0


async def test_one_cancelled_just_before_its_turn_lets_the_next_go() -> None:
    """A turn that comes to one who was cancelled, and has not run since, goes to the next."""
    gate = gate_of(Governor(volcv.Limits(concurrency=1)), clock=Clock())
    first = await gate.turn()
    cancelled, waiting = (asyncio.create_task(gate.turn()) for _ in range(2))
    await settled()
    cancelled.cancel()
    gate.over(first)
    gate.update()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    gate.over(await waiting)
    assert gate.in_flight == 0


async def test_a_timer_wakes_the_gate_when_the_rate_allows() -> None:
    """A call that must wait for the rate leaves by itself when its time has come."""
    gate = gate_of(Governor(volcv.Limits(rate=50, concurrency=3)))
    turns = [await gate.turn() for _ in range(3)]
    assert turns[2].left - turns[0].left >= 0.03
    for turn in turns:
        gate.over(turn)


async def test_a_vacancy_takes_nothing_but_a_number() -> None:
    """Who only asks whether a call could leave takes neither slot nor rate, and keeps the order."""
    governor = Governor(volcv.Limits(rate=1, concurrency=1))
    gate = gate_of(governor, clock=Clock())
    await gate.vacancy()
    number = await gate.vacancy()
    turn = await gate.turn()
    order: list[str] = []

    async def wait(name: str, number: int | None) -> None:
        granted = await gate.turn(number=number)
        order.append(name)
        gate.undo(granted)

    tasks = [asyncio.create_task(wait("came later", None))]
    await settled()
    tasks.append(asyncio.create_task(wait("had a number", number)))
    asking = asyncio.create_task(gate.vacancy())
    await settled()
    assert (gate.waiting, asking.done()) == (2, False)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert gate.waiting == 2
    gate.undo(turn)
    await asyncio.gather(*tasks)
    assert order == ["had a number", "came later"]


async def test_a_closed_gate_turns_away_who_waits() -> None:
    """Without a governor calls wait for ever, until they are told why they cannot go."""
    governor = Governor(volcv.Limits())
    gate = gate_of(governor, clock=Clock())
    gate.close(governor)
    waiting, cancelled = (asyncio.create_task(gate.turn()) for _ in range(2))
    await settled()
    assert not waiting.done()
    cancelled.cancel()
    gate.turn_away(lambda: volcv.NotSentError("closed"))
    with pytest.raises(volcv.NotSentError, match="closed"):
        await waiting
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert gate.waiting == 0


async def test_one_turned_away_and_cancelled_at_once_is_cancelled() -> None:
    """Who is turned away and cancelled before it can run holds nothing to give back."""
    governor = Governor(volcv.Limits(concurrency=1))
    gate = gate_of(governor, clock=Clock())
    turn = await gate.turn()
    waiting = asyncio.create_task(gate.turn())
    await settled()
    gate.turn_away(lambda: volcv.NotSentError("closed"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.over(turn)
    assert gate.in_flight == 0


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


async def test_the_gate_tells_what_holds_up_who_waits() -> None:
    """It counts the seconds for which anybody waited, by what held it up, and none in between."""
    clock = Clock()
    governor = Governor(volcv.Limits(rate=1, concurrency=1))
    gate = gate_of(governor, clock=clock)
    turns: list[Turn] = [await gate.turn()]
    clock.now = 5.0
    assert gate.watch.read(clock.now) == {}
    waiting = asyncio.create_task(gate.turn())
    await settled()
    causes = [gate.watch.cause]
    clock.now = 8.0
    gate.over(turns[0])
    turns[0] = await waiting
    causes.append(gate.watch.cause)
    waiting = asyncio.create_task(gate.turn())
    await settled()
    gate.over(turns[0])
    await settled()
    causes.append(gate.watch.cause)
    clock.now = 8.5
    governor.pause(1.0, 8.5)
    gate.update()
    causes.append(gate.watch.cause)
    assert causes == ["concurrency", None, "rate", "pause"]
    clock.now = 10.0
    gate.update()
    gate.over(await waiting)
    assert gate.watch.read(99.0) == {"concurrency": 3.0, "rate": 0.5, "pause": 1.5}
    gate.stop_timer()


async def test_two_calls_that_end_together_let_two_go() -> None:
    """However many end in one step, the gate looks once, and all who may go do."""
    gate = gate_of(Governor(volcv.Limits(concurrency=2)), clock=Clock())
    turns = [await gate.turn(), await gate.turn()]
    waiting = [asyncio.create_task(gate.turn()) for _ in range(3)]
    await settled()
    for turn in turns:
        gate.over(turn)
    gate.update()
    await settled()
    assert [task.done() for task in waiting] == [True, True, False]
    waiting[2].cancel()


async def test_a_call_that_can_leave_at_once_passes_nobody() -> None:
    """It takes its turn without waiting where nobody waits, and not where somebody does."""
    clock = Clock()
    gate = gate_of(Governor(volcv.Limits(concurrency=1)), clock=clock)
    turn = gate.turn_now("a")
    assert turn is not None
    assert gate.turn_now("a") is None
    waiting = asyncio.create_task(gate.turn("a"))
    await settled()
    gate.over(turn)
    assert gate.turn_now("a") is None
    gate.over(await waiting)
    assert gate.turn_now("b") is not None


async def test_calls_that_can_leave_at_once_take_turns_over_governors() -> None:
    """Of several accounts that are free, the one that has rested longest is next."""
    clock = Clock()
    one, other = Governor(volcv.Limits(concurrency=9)), Governor(volcv.Limits(concurrency=1))
    gate = gate_of(one, other, clock=clock)
    taken: list[Governor] = []
    for now in range(4):
        clock.now = now
        turn = gate.turn_now()
        assert turn is not None
        taken.append(turn.governor)
    assert taken == [one, other, one, one]
