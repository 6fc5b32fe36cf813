"""The whole gate by a virtual clock: no window exceeded, nobody starved, nothing wasted."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from virtual_time import virtually

import volcv_async as volcv
from volcv_async.governor import Gate, Governor
from volcv_async.governor.pace import GUARD
from volcv_async.outage import Outage

PLENTY = 10**6


@attrs.frozen
class Arrival:
    """A call that comes: how long after the one before, and after how long it is cancelled.

    Both in intervals of the rate; one that is not cancelled has None.
    """

    gap: float
    patience: float | None


@attrs.frozen
class Run:
    """When calls that were not cancelled left, by their place, and what was left in the end."""

    left: dict[int, float]
    came: dict[int, float]
    gate: Gate

    @property
    def departures(self) -> list[float]:
        return sorted(self.left.values())


async def through_the_gate(limits: volcv.Limits, arrivals: list[Arrival]) -> Run:
    """Let all come; each that is let go is back at once, and took its departure."""
    loop = asyncio.get_running_loop()
    gate = Gate({Governor(limits): Outage(1, 1)}, clock=loop.time)
    assert limits.calls_a_second is not None
    interval = 1 / limits.calls_a_second
    run = Run({}, {}, gate)

    async def call(nth: int, arrival: Arrival) -> None:
        run.came[nth] = loop.time()
        patience = None if arrival.patience is None else arrival.patience * interval
        try:
            async with asyncio.timeout(patience):
                turn = await gate.turn()
        except TimeoutError:
            return
        run.left[nth] = turn.left
        gate.over(turn)

    async with asyncio.TaskGroup() as calls:
        for nth, arrival in enumerate(arrivals):
            if arrival.gap:
                await asyncio.sleep(arrival.gap * interval)
            calls.create_task(call(nth, arrival))
    return run


def most_within(left: list[float], seconds: float) -> int:
    """Count the most departures in any window of so many seconds, its end left out."""
    return max(
        (bisect_left(left, start + seconds) - at for at, start in enumerate(left)), default=0
    )


def rates() -> st.SearchStrategy[float]:
    """Give rates from 0.2 to 5,000 a second, slow and fast ones alike."""
    return st.floats(math.log(0.2), math.log(5000)).map(math.exp)


ARRIVALS = st.builds(
    Arrival,
    gap=st.sampled_from([0.0, 0.0, 0.0, 0.4, 1.0, 7.0]),
    patience=st.sampled_from([None, None, None, 0.0, 0.5, 3.0]),
)


@given(rates(), st.integers(1, 20), st.lists(ARRIVALS, min_size=1, max_size=60), st.integers(1, 8))
@example(5000.0, 20, [Arrival(0.0, None)], 11_000)
@example(1000.0, 1, [Arrival(0.0, None), Arrival(0.0, 0.0)], 1500)
def test_no_window_is_exceeded_and_nobody_starves(
    rate: float, burst: int, arrivals: list[Arrival], times: int
) -> None:
    """Whatever comes and goes, no window holds too many, and all who stay leave in their order."""
    arrivals = arrivals * times
    limits = volcv.Limits(rate=rate, burst=burst, concurrency=PLENTY)
    run = virtually(through_the_gate(limits, arrivals))
    window = max(1.0, 1 / rate)
    assert most_within(run.departures, window) <= math.ceil(rate * window - 1e-9)
    stay = {nth for nth, arrival in enumerate(arrivals) if arrival.patience is None}
    assert stay <= run.left.keys()
    order = sorted(run.left, key=lambda nth: (run.left[nth], nth))
    assert order == sorted(run.left)
    assert (run.gate.waiting, run.gate.in_flight) == (0, 0)
    _nobody_waits_longer_than_the_rate_asks(run, rate)


def _nobody_waits_longer_than_the_rate_asks(run: Run, rate: float) -> None:
    """Each leaves at the latest when all before it, one interval each, would have left."""
    interval, free = (1 + GUARD) / rate, -math.inf
    window = max(1.0, 1 / rate) * (1 + GUARD)
    for nth in sorted(run.left):
        free = max(free + interval, run.came[nth])
        assert run.left[nth] <= free + window + 1e-6


@given(
    rates(),
    st.integers(1, 20),
    st.lists(st.sampled_from([None, None, 0.0, 0.5, 3.0, 20.0]), min_size=30, max_size=90),
)
@example(5000.0, 1, [None] * 11_000)
@example(0.2, 1, [None] * 50)
def test_the_guarded_rate_is_used_while_work_waits(
    rate: float, burst: int, patience: list[float | None]
) -> None:
    """While calls wait, and some give up, at least 99.9 % of the rate less its guard is used."""
    arrivals = [Arrival(0.0, one) for one in patience]
    limits = volcv.Limits(rate=rate, burst=burst, concurrency=PLENTY)
    left = virtually(through_the_gate(limits, arrivals)).departures
    if len(left) > 1:
        guarded = rate / (1 + GUARD)
        assert len(left) - 1 >= 0.999 * guarded * (left[-1] - left[0]) - 1e-9


@pytest.mark.parametrize("rate", [0.2, 5.0, 50.0, 5000.0])
def test_two_models_share_a_stated_rate_fairly(rate: float) -> None:
    """Two models that are asked for by turns leave by turns; neither waits for the other's end."""

    async def by_turns() -> list[str | None]:
        loop = asyncio.get_running_loop()
        limits = volcv.Limits(rate=rate, concurrency=PLENTY)
        gate = Gate({Governor(limits): Outage(1, 1)}, clock=loop.time)
        order: list[str | None] = []

        async def call(model: str) -> None:
            turn = await gate.turn(model)
            order.append(turn.model)
            gate.over(turn)

        async with asyncio.TaskGroup() as calls:
            for nth in range(40):
                calls.create_task(call("one" if nth % 2 else "two"))
        return order

    assert virtually(by_turns()) == ["two", "one"] * 20
