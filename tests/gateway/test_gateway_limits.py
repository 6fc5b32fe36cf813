"""The gateway's own limits: a strict sliding window, and slots."""

import asyncio

import pytest
from gateway_caller import V21, calling
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.gateway import LocalGateway, Received
from volcv_async.gateway.limits import CONCURRENCY_LIMITED, RATE_LIMITED, Limiter


def accepted(limiter: Limiter, times: list[float]) -> list[float]:
    taken: list[float] = []
    for now in times:
        if limiter.refusal(now) is None:
            limiter.accept(now)
            taken.append(now)
    return taken


def most_within(times: list[float], seconds: float) -> int:
    return max((sum(a <= b < a + seconds for b in times) for a in times), default=0)


@given(
    rate=st.sampled_from([0.25, 0.5, 1, 1.5, 2, 5]),
    steps=st.lists(st.integers(0, 8), max_size=60),
)
def test_no_window_ever_holds_more_than_the_rate(rate: float, steps: list[int]) -> None:
    """However requests come, a sliding window has at most ⌈rate·w⌉; the log agrees."""
    times = [sum(steps[: i + 1]) / 8 for i in range(len(steps))]
    limiter = Limiter(rate, None)
    taken = accepted(limiter, times)
    window = max(1.0, 1 / rate)
    assert most_within(taken, window) <= -(-rate * window // 1)
    assert limiter.worst_window(window) == most_within(taken, window)


def test_a_refused_request_counts_for_nothing() -> None:
    """Hammering does not lengthen the wait: the window slides over accepted ones only."""
    limiter = Limiter(2, None)
    assert accepted(limiter, [0, 0.1, 0.2, 0.9, 0.99, 1.0, 1.05, 1.1]) == [0, 0.1, 1.0, 1.1]
    assert limiter.refusal(1.2) == RATE_LIMITED


def test_a_rate_under_one_is_judged_over_its_own_interval() -> None:
    """One in four seconds means four seconds apart."""
    assert accepted(Limiter(0.25, None), [0, 1, 3.9, 4, 7, 8]) == [0, 4, 8]


def test_slots_are_refused_apart_from_the_rate() -> None:
    """In flight has a code of its own, and a slot that is given back can be taken."""
    limiter = Limiter(100, 2)
    assert accepted(limiter, [0, 0.1, 0.2]) == [0, 0.1]
    assert limiter.refusal(0.2) == CONCURRENCY_LIMITED
    limiter.release()
    assert limiter.refusal(0.2) is None
    assert (limiter.in_flight, limiter.most_in_flight) == (1, 2)


def test_without_limits_everything_is_accepted() -> None:
    """None means none, and the worst window of nothing is empty."""
    limiter = Limiter(None, None)
    assert limiter.worst_window(1) == 0
    assert len(accepted(limiter, [0.0] * 50)) == limiter.worst_window(1) == 50


@pytest.mark.parametrize("limits", [{"rate": 0}, {"rate": -1}, {"concurrency": 0}])
def test_limits_that_cannot_be_are_refused(limits: dict[str, int]) -> None:
    """A gateway that would accept nothing is a mistake."""
    with pytest.raises(ValueError, match=next(iter(limits))):
        LocalGateway(rate=limits.get("rate"), concurrency=limits.get("concurrency"))


async def test_over_the_rate_the_gateway_answers_50429() -> None:
    """HTTP 429 with the code of the rate, and nothing is paid."""
    async with LocalGateway(rate=0.01, latency=0) as gateway, calling(gateway) as caller:
        assert (await caller.post()).json["code"] == 10000
        refused = await caller.post()
        assert (refused.status, refused.json["code"]) == (429, 50429)
        assert (gateway.paid, gateway.worst_window()) == (1, 1)


async def test_over_its_slots_the_gateway_answers_50430() -> None:
    """HTTP 429 with the code of calls in flight while others are being generated."""
    full, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_: Received) -> None:
        if gateway.in_flight == 2:
            full.set()
        await go_on.wait()

    async with LocalGateway(concurrency=2, latency=0, answer=hold) as gateway:
        async with calling(gateway) as caller, asyncio.TaskGroup() as tasks:
            held = [tasks.create_task(caller.post()) for _ in range(2)]
            await full.wait()
            refused = await caller.post()
            assert (refused.status, refused.json["code"]) == (429, 50430)
            go_on.set()
        assert all(task.result().json["code"] == 10000 for task in held)
        assert (gateway.in_flight, gateway.most_in_flight, gateway.paid) == (0, 2, 2)


async def test_a_slot_is_free_before_its_reply_is_written() -> None:
    """Whoever has an answer can send the next request at once, for ever."""
    async with LocalGateway(concurrency=1, latency=0) as gateway, calling(gateway) as caller:
        for _ in range(20):
            assert (await caller.post(V21 | {"return_url": True})).json["code"] == 10000
