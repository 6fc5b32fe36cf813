"""Accounts and their limits through the front door: what is learned, set aside, shared and told."""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from provider import FAST, UNAUTHORISED, Held, Said, always, cat, one_by_one, refusal

import volcv_async as volcv
from volcv_async.call import Call
from volcv_async.gateway import Canned, LocalGateway, Received

ONE = volcv.Limits(concurrency=1)
MODEL = "high_aes_general_v21_L"
SPENT = Canned(
    status=403,
    body=b'{"error":{"message":"no balance","type":"new_api_error",'
    b'"code":"insufficient_user_quota"}}',
    headers={"Content-Type": "application/json"},
)


def after(calls: int, said: Said) -> Callable[[Received], Awaitable[Said]]:
    """Go on as usual for so many calls, then say the same to all."""

    async def answer(received: Received) -> Said:
        return said if received.number >= calls else None

    return answer


# Setting aside


@pytest.mark.parametrize(
    ("said", "why"), [(UNAUTHORISED, "key is refused"), (SPENT, "quota is gone")]
)
async def test_an_account_that_turns_bad_costs_one_warning_and_no_request(
    said: Canned, why: str
) -> None:
    """One of two accounts is refused in mid-run: all 500 end completed, and it is said once."""
    events: list[volcv.Event] = []
    async with (
        LocalGateway(latency=0.0, answer=after(100, said)) as turning,
        LocalGateway(latency=0.0) as well,
    ):
        limits = volcv.Limits(concurrency=8)
        accounts = [gateway.account(limits=limits) for gateway in (turning, well)]
        with pytest.warns(volcv.VolcvWarning, match=why) as warned:
            async with volcv.Client(accounts, retry=FAST, on_event=events.append) as client:
                outcomes = await client.generate_many(cat(nth) for nth in range(500))
        paid = turning.paid + well.paid
    assert Counter(type(outcome) for outcome in outcomes) == {volcv.Completed: 500}
    assert [outcome.request for outcome in outcomes] == [cat(nth) for nth in range(500)]
    assert (len(warned), paid) == (1, 500)
    assert sum(isinstance(event, volcv.AccountSetAside) for event in events) == 1


async def test_a_quota_that_is_gone_is_its_group_s() -> None:
    """Of two keys of one group, whose quota is gone, neither is asked again."""
    async with (
        LocalGateway(answer=always(SPENT)) as spent,
        LocalGateway(latency=0.0) as well,
    ):
        limits = volcv.Limits(concurrency=1)
        accounts = [
            spent.account(limits=limits, group="studio"),
            spent.account(limits=limits, group="studio"),
            well.account(limits=limits),
        ]
        with pytest.warns(volcv.VolcvWarning, match="studio is set aside"):
            async with volcv.Client(accounts, retry=FAST) as client:
                outcomes = await client.generate_many(cat(nth) for nth in range(6))
        assert (len(spent.requests), well.paid) == (1, 6)
    assert {type(outcome) for outcome in outcomes} == {volcv.Completed}


async def test_the_last_account_s_quota_is_an_outcome() -> None:
    """Where no other account is left, a quota that is gone fails the request and ends nothing."""
    async with LocalGateway(answer=always(SPENT)) as spent:
        async with volcv.Client(spent.account(), retry=FAST) as client:
            outcomes = await client.generate_many([cat(0), cat(1)])
        assert len(spent.requests) == 2
    assert [type(outcome.error) for outcome in outcomes if isinstance(outcome, volcv.Failed)] == [
        volcv.QuotaError,
        volcv.QuotaError,
    ]


async def test_two_keys_of_one_group_share_its_rate() -> None:
    """Two keys at 4/s, of one group, make 4/s in all, over both of their addresses."""
    async with (
        LocalGateway(latency=0.0, key="one") as one,
        LocalGateway(latency=0.0, key="two") as two,
    ):
        limits = volcv.Limits(rate=4, concurrency=8)
        accounts = [gateway.account(limits=limits, group="studio") for gateway in (one, two)]
        async with volcv.Client(accounts) as client:
            await client.generate_many(cat(nth) for nth in range(9))
        came = sorted(received.at for gateway in (one, two) for received in gateway.requests)
        assert min(one.paid, two.paid) > 2
    assert came[-1] - came[0] > 1.5  # eight intervals; of 8/s they would be one second


# Learning


async def test_what_a_refusal_teaches_can_be_read_told_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refusal for calls in flight is told as an event, logged, and stands in the statistics."""
    caplog.set_level(logging.INFO, "volcv_async")
    events: list[volcv.Event] = []
    held = Held()

    async def answer(received: Received) -> Said:
        return refusal(50430) if received.number == 2 else await held(received)

    async with LocalGateway(answer=answer) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=3), group="studio")
        async with volcv.Client(account, retry=FAST, on_event=events.append) as client:
            calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(3)]
            while client.statistics().rejected < 1:
                await asyncio.sleep(0.001)
            learned = volcv.Learned(account="studio", model=MODEL, rate=None, concurrency=2)
            assert client.statistics().learned == (learned,)
            assert (client.statistics().slots, client.statistics().in_flight) == (2, 2)
            held.let_go()
            await asyncio.gather(*calls)
    told = [event for event in events if isinstance(event, volcv.LimitLearned)]
    assert told == [volcv.LimitLearned(learned=learned, of="concurrency")]
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "concurrency" in caplog.text
    assert "local-key" not in caplog.text


async def test_a_refusal_for_rate_teaches_a_rate() -> None:
    """A 50429 lowers the rate beneath what is stated, and leaves the slots alone."""
    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50429))) as gateway:
        account = gateway.account(limits=volcv.Limits(rate=100, concurrency=3))
        async with volcv.Client(account, retry=FAST) as client:
            await client.generate(cat())
            now = client.statistics()
    assert now.allowed_rate is not None
    assert now.allowed_rate < 100
    assert now.slots == 3


async def test_what_was_learned_is_recalled() -> None:
    """A client begins with what another has learned of the same account, and with no other's."""
    async with LocalGateway(latency=0.0) as gateway:
        account = gateway.account(group="studio")
        lessons = [
            volcv.Learned(account="studio", model=MODEL, rate=3.0, concurrency=5),
            volcv.Learned(account="elsewhere", model=MODEL, rate=1.0, concurrency=1),
        ]
        async with volcv.Client(account) as client:
            client.recall(lessons)
            assert client.statistics().learned == (lessons[0],)
            now = client.statistics()
    assert (now.slots, now.allowed_rate) == (5, 3.0)


def test_nothing_can_be_recalled_before_the_accounts_are_known() -> None:
    """A client that reads its accounts when it is entered says so."""
    with pytest.raises(volcv.ConfigurationError, match="not entered"):
        volcv.Client().recall([])


async def test_a_retry_after_pauses_the_whole_account_group() -> None:
    """A pause that is asked for is told, and holds back calls for other models, too."""
    events: list[volcv.Event] = []
    body = refusal(50429)
    asks = Canned(status=429, body=body.body, headers={**body.headers, "Retry-After": "1"})
    async with LocalGateway(latency=0.0, answer=one_by_one(asks)) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=3), group="studio")
        async with volcv.Client(account, retry=FAST, on_event=events.append) as client:
            refused = asyncio.create_task(client.generate(cat()))
            while client.statistics().rejected < 1:
                await asyncio.sleep(0.001)
            other = asyncio.create_task(client.generate(volcv.GeneralV14(prompt="a dog")))
            while not client.statistics().waiting:
                await asyncio.sleep(0.001)
            assert client.statistics().limited_by == "pause"
            await asyncio.gather(refused, other)
        times = [received.at for received in gateway.requests]
    assert volcv.AccountPaused(account="studio", seconds=1.0) in events
    assert min(times[1:]) - times[0] >= 1.0


# What limits


async def test_the_pool_says_its_state_in_one_line() -> None:
    """The repr has accounts, calls in flight of those that may be, who waits, rates, and why."""
    held = Held()
    async with LocalGateway(answer=held) as gateway:
        client = volcv.Client(gateway.account(limits=volcv.Limits(rate=500, concurrency=2)))
        state = [repr(client)]
        async with client:
            calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(5)]
            await held.until(2)
            state.append(repr(client))
            held.let_go()
            await asyncio.gather(*calls)
    assert state[0].startswith(
        "<Client <SessionPool 1 account | in flight 0/2 | waiting 0 | 0.00/s"
    )
    assert "| in flight 2/2 | waiting 3 | " in state[1]
    assert state[1].endswith("/s of 500.0/s | limited by concurrency>>")


async def test_without_a_known_rate_none_is_shown() -> None:
    """Two accounts without a stated rate have a measured one, and none that is allowed."""
    async with LocalGateway(latency=0.0) as gateway:
        async with volcv.Client([gateway.account(), gateway.account()]) as client:
            await client.generate(cat())
            now = client.statistics()
            assert repr(client) == (
                "<Client <SessionPool 2 accounts | in flight 0/4 | waiting 0 | 0.00/s>>"
            )
    assert (now.allowed_rate, now.limited_by) == (None, None)


async def taken(stream: volcv.OutcomeStream, *, pause: float = 0.0) -> volcv.StreamStatistics:
    """Take all outcomes, with a rest after each, and count."""
    async with stream as outcomes:
        async for _ in outcomes:
            if pause:
                await asyncio.sleep(pause)
        return outcomes.statistics()


async def test_a_stream_says_that_the_rate_limits_it(gateway: LocalGateway) -> None:
    """Where calls wait for the rate, most time goes to that."""
    limits = volcv.Limits(rate=20, concurrency=8)
    async with volcv.Client(gateway.account(limits=limits)) as client:
        counts = await taken(client.stream(cat(nth) for nth in range(12)))
        now = client.statistics()
    assert counts.limited_by == "rate"
    assert counts.waited["rate"] > 0.4
    assert now.waited == counts.waited
    assert now.throughput is not None
    assert now.throughput <= 20


async def test_a_stream_says_that_its_consumer_limits_it(gateway: LocalGateway) -> None:
    """Where outcomes wait to be taken, most time goes to that, and the client says so, too."""
    async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=4))) as client:
        async with client.stream(cat(nth) for nth in range(8)) as outcomes:
            lately: list[volcv.Cause | None] = []
            async for _ in outcomes:
                await asyncio.sleep(0.1)
                lately.append(client.statistics().limited_by)
            counts = outcomes.statistics()
    assert counts.limited_by == lately[-1] == "consumer"


async def test_a_stream_says_that_one_slot_limits_it() -> None:
    """With one slot, or a window of one, most time goes to calls in flight."""
    async with LocalGateway(latency=0.05) as gateway:
        for limits, window in ((volcv.Limits(concurrency=1), None), (volcv.Limits(), 1)):
            async with volcv.Client(gateway.account(limits=limits)) as client:
                requests = (cat(nth) for nth in range(6))
                counts = await taken(client.stream(requests, concurrency=window))
            assert counts.limited_by == "concurrency"


async def test_a_stream_says_that_the_provider_s_latency_limits_it() -> None:
    """Where all there is to send is out, what remains is waiting for the provider."""
    async with LocalGateway(latency=0.2) as gateway:
        async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=8))) as client:
            counts = await taken(client.stream([cat(0), cat(1)]))
    assert counts.limited_by == "latency"


async def test_a_stream_says_that_its_source_limits_it(gateway: LocalGateway) -> None:
    """Where the next request is long in coming, most time goes to that."""

    async def slow() -> AsyncIterator[volcv.Request]:
        for nth in range(4):
            await asyncio.sleep(0.1)
            yield cat(nth)

    async with volcv.Client(gateway.account()) as client:
        counts = await taken(client.stream(slow()))
    assert counts.limited_by == "source"


async def test_a_consumer_can_say_what_it_waits_for(gateway: LocalGateway) -> None:
    """A job's consumer names its disk; what it does without awaiting counts as its own."""
    async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=2))) as client:
        async with client.stream(cat(nth) for nth in range(4)) as outcomes:
            await anext(outcomes)
            while outcomes.statistics().ready < 2:
                await asyncio.sleep(0.001)
            with outcomes.consumer_waits_for("disk"):
                await asyncio.sleep(0.15)
            with outcomes.consumer_at_work():
                time.sleep(0.3)  # noqa: ASYNC251 - that is what it is about
            waited = outcomes.statistics().waited
            assert outcomes.limited_by == "consumer"
            assert waited["consumer"] >= 0.3
            assert waited["disk"] >= 0.1
            async for _ in outcomes:
                pass


# Shared between processes


async def test_two_clients_share_a_rate_by_a_file(tmp_path: Path) -> None:
    """Two clients that name one file hold to its rate together."""
    async with LocalGateway(latency=0.0) as gateway:
        shared = volcv.SharedRate(f"sqlite:///{tmp_path / 'limits.sqlite'}", 10)
        limits = volcv.Limits(rate=shared, concurrency=8)
        clients = [volcv.Client(gateway.account(limits=limits)) for _ in range(2)]
        async with clients[0], clients[1]:
            each = [
                client.generate_many(cat(nth + 100 * at) for nth in range(7))
                for at, client in enumerate(clients)
            ]
            outcomes = [outcome for some in await asyncio.gather(*each) for outcome in some]
        assert {type(outcome) for outcome in outcomes} == {volcv.Completed}
        came = sorted(received.at for received in gateway.requests)
        assert came[-1] - came[0] > 0.9  # 13 intervals; of 20/s they would be 0.65 s
        assert clients[0].statistics().allowed_rate == 10


async def test_two_clients_share_slots_by_a_file(tmp_path: Path) -> None:
    """Two clients that name one file hold no more calls in flight than it allows; all finish."""
    async with LocalGateway(latency=0.02) as gateway:
        url = f"sqlite:///{tmp_path / 'limits.sqlite'}"
        limits = volcv.Limits(concurrency=volcv.SharedConcurrency(url, 2))
        clients = [volcv.Client(gateway.account(limits=limits)) for _ in range(2)]
        async with clients[0], clients[1]:
            each = [client.generate_many(cat(nth) for nth in range(5)) for client in clients]
            outcomes = [outcome for some in await asyncio.gather(*each) for outcome in some]
        assert {type(outcome) for outcome in outcomes} == {volcv.Completed}
        assert gateway.most_in_flight <= 2


async def test_a_store_that_is_lost_makes_calls_wait_and_is_said_once(tmp_path: Path) -> None:
    """While the shared limit cannot be reached nothing is sent or fails; then calls go on."""
    told: list[volcv.Event] = []
    folder = tmp_path / "not-there-yet"
    async with LocalGateway(latency=0.0) as gateway:
        limits = volcv.Limits(rate=volcv.SharedRate(f"sqlite:///{folder / 'file'}", 100))
        client = volcv.Client(gateway.account(limits=limits, group="studio"), on_event=told.append)
        with pytest.warns(volcv.VolcvWarning, match="shared limit of studio") as warned:
            async with client:
                calls = asyncio.create_task(client.generate_many([cat(0), cat(1)]))
                while not any(isinstance(event, volcv.SharedLimitLost) for event in told):
                    await asyncio.sleep(0.001)
                while client.statistics().limited_by != "store":
                    await asyncio.sleep(0.001)
                assert gateway.requests == []
                folder.mkdir()
                outcomes = await calls
    assert {type(outcome) for outcome in outcomes} == {volcv.Completed}
    assert len(warned) == 1
    stores = (volcv.SharedLimitLost, volcv.SharedLimitBack)
    kinds = [type(event) for event in told if isinstance(event, stores)]
    assert kinds == [volcv.SharedLimitLost, volcv.SharedLimitBack]


async def test_waiting_for_a_store_ends_with_the_deadline(tmp_path: Path) -> None:
    """A request whose deadline passes while the shared limit is out of reach was not sent."""
    async with LocalGateway() as gateway:
        limits = volcv.Limits(rate=volcv.SharedRate(f"sqlite:///{tmp_path}", 100))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", volcv.VolcvWarning)
            async with volcv.Client(gateway.account(limits=limits)) as client:
                with pytest.raises(volcv.NotSentError, match="deadline"):
                    await client.generate(cat(), timeouts=volcv.Timeouts(deadline=0.2))
        assert gateway.requests == []


async def test_a_request_that_is_always_refused_takes_no_turn_from_others() -> None:
    """One that is refused for pace each time goes first a few times, and then waits its turn."""

    async def answer(received: Received) -> Said:
        return refusal(50430) if received.prompt == "cat 0" else None

    async with LocalGateway(latency=0.0, answer=answer) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=1))
        async with volcv.Client(account, retry=FAST) as client:
            refused = asyncio.create_task(client.generate(cat(0)))
            await asyncio.gather(*(client.generate(cat(nth)) for nth in range(1, 9)))
            assert gateway.paid == 8
            refused.cancel()
            await asyncio.wait([refused])


async def test_accounts_that_refuse_a_key_use_up_no_attempt() -> None:
    """A call that two accounts hand on has all its attempts at the third."""
    busy = refusal(50501)
    policy = volcv.RetryPolicy(pause=0.01, codes={50501: volcv.Treatment(repeat=True)})
    async with (
        LocalGateway(answer=always(UNAUTHORISED)) as one,
        LocalGateway(answer=always(UNAUTHORISED)) as two,
        LocalGateway(latency=0.0, answer=one_by_one(busy, busy)) as three,
    ):
        accounts = [gateway.account(limits=volcv.Limits(concurrency=1)) for gateway in (one, two)]
        with pytest.warns(volcv.VolcvWarning, match="set aside"):
            async with volcv.Client([*accounts, three.account()], retry=policy) as client:
                await client.generate(cat())
                assert client.statistics().attempts == 5
                assert repr(client).startswith("<Client <SessionPool 1 account |")


async def test_a_pause_for_several_calls_is_told_once() -> None:
    """Calls that are refused together with the same ``Retry-After`` are one pause."""
    events: list[volcv.Event] = []
    body = refusal(50429)
    asks = Canned(status=429, body=body.body, headers={**body.headers, "Retry-After": "1"})
    async with LocalGateway(latency=0.0, answer=one_by_one(asks, asks, asks)) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=3))
        async with volcv.Client(account, retry=FAST, on_event=events.append) as client:
            await client.generate_many(cat(nth) for nth in range(3))
    assert sum(isinstance(event, volcv.AccountPaused) for event in events) == 1


async def test_accounts_of_one_host_are_told_apart() -> None:
    """Two accounts at one host that are of no group have names of their own."""
    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50430))) as gateway:
        host = gateway.account().name
        accounts = [gateway.account(limits=volcv.Limits(concurrency=2)) for _ in range(2)]
        lessons = [
            volcv.Learned(account=host, model=MODEL, rate=1.0, concurrency=1),
            volcv.Learned(account=f"{host}#2", model=MODEL, rate=9.0, concurrency=1),
        ]
        async with volcv.Client(accounts) as client:
            client.recall(lessons)
            assert client.statistics().learned == tuple(lessons)
            assert client.statistics().allowed_rate == 10.0


async def test_nothing_limits_a_client_that_was_left() -> None:
    """After leaving, nobody waits, so nothing holds anybody up."""
    held = Held()
    async with LocalGateway(answer=held) as gateway:
        client = volcv.Client(gateway.account(limits=volcv.Limits(concurrency=1)))
        async with client:
            calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(2)]
            await held.until(1)
            assert client.statistics().limited_by == "concurrency"
            asyncio.get_running_loop().call_later(0.02, held.let_go)
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in ended] == [volcv.Generation, volcv.NotSentError]
    assert client.statistics().limited_by is None


async def test_a_stream_that_was_left_counts_no_more_time(gateway: LocalGateway) -> None:
    """Outcomes that nobody took are not waited for once the block is left."""
    async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=2))) as client:
        async with client.stream(cat(nth) for nth in range(9)) as outcomes:
            await anext(outcomes)
            while outcomes.statistics().ready < 2:
                await asyncio.sleep(0.001)
        before = outcomes.statistics().waited
        await asyncio.sleep(0.05)
        assert outcomes.leftover
        assert outcomes.statistics().waited == before


async def test_what_a_consumer_does_is_not_the_rate_s_time(gateway: LocalGateway) -> None:
    """Time in which the consumer holds up the loop counts once, and not for the gate, too."""
    limits = volcv.Limits(rate=2, concurrency=2)
    async with volcv.Client(gateway.account(limits=limits)) as client:
        began = time.monotonic()
        async with client.stream(cat(nth) for nth in range(3)) as outcomes:
            await anext(outcomes)
            while client.statistics().limited_by != "rate":
                await asyncio.sleep(0.001)
            with outcomes.consumer_at_work():
                time.sleep(0.3)  # noqa: ASYNC251 - that is what it is about
            async for _ in outcomes:
                pass
            waited = outcomes.statistics().waited
    assert waited["consumer"] >= 0.3
    assert sum(waited.values()) <= time.monotonic() - began


async def test_what_is_shared_is_expected_as_it_was_had_of_late(tmp_path: Path) -> None:
    """Of a rate that others share, only as much is foreseen as this process had."""
    async with LocalGateway(latency=0.0) as gateway:
        shared = volcv.SharedRate(f"sqlite:///{tmp_path / 'limits.sqlite'}", 1000)
        account = gateway.account(limits=volcv.Limits(rate=shared, concurrency=8))
        async with volcv.Client(account) as client:
            for nth in range(3):
                await client.generate(cat(nth))
                await asyncio.sleep(0.05)
            now = client.statistics()
    assert now.allowed_rate == 1000
    assert now.throughput is not None
    assert now.throughput < 20


async def test_a_client_whose_loop_was_closed_amid_a_call_has_all_its_slots() -> None:
    """What was under way on a loop that is gone holds no slot on the next."""
    account = volcv.Account("http://127.0.0.1:9/volcv/v1", volcv.Bearer("key"), limits=ONE)
    client = volcv.Client(account)

    async def amid_a_call() -> None:
        await client.__aenter__()
        pool = client._pool
        assert pool is not None
        await pool.lease(cat())
        await pool.transport.close()

    def on_a_loop_that_is_closed() -> int:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(amid_a_call())
        loop.close()
        return client.statistics().in_flight

    assert await asyncio.to_thread(on_a_loop_that_is_closed) == 1
    async with client:
        assert client.statistics().in_flight == 0


async def test_a_call_may_be_called_off_twice() -> None:
    """A call that waits for its turn and is called off again, while it ends, ends all the same."""
    held = Held()
    async with LocalGateway(answer=held) as gateway:
        async with volcv.Client(gateway.account(limits=ONE)) as client:
            first = asyncio.create_task(client.generate(cat(0)))
            await held.until(1)
            waiting = Call(client._ready(), cat(1), timeouts=volcv.Timeouts())
            ended = asyncio.create_task(waiting.run())
            while not client.statistics().waiting:
                await asyncio.sleep(0)
            waiting.call_off()
            await asyncio.sleep(0)
            waiting.call_off()
            with pytest.raises(volcv.NotSentError, match="called off"):
                await ended
            held.let_go()
            await first
