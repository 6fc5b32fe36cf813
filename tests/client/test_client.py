"""The front door: how it is opened, left, opened again, and what it tells."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Iterator
from math import nan

import pytest
from provider import FAST, UNAUTHORISED, Held, Said, always, cat, cats, one_by_one, refusal
from raw_server import raw_server

import volcv_async as volcv
from volcv_async.gateway import Canned, Drop, LocalGateway, Received

SHARED = volcv.Client(limits=volcv.Limits(concurrency=2))
"""A client made at module scope, outside any loop, from an environment that is not there yet."""


def test_a_client_of_a_module_works_on_one_loop_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Made at module scope, it is used under ``asyncio.run``, twice, on two loops."""

    async def main() -> str:
        async with LocalGateway(latency=0.0) as gateway:
            monkeypatch.setenv("VOLCV_BASE_URL", gateway.url)
            monkeypatch.setenv("VOLCV_API_KEY", "local-key")
            client = volcv.Client() if SHARED.statistics().attempts else SHARED
            async with client:
                return (await client.generate(cat())).request_id

    assert asyncio.run(main()) != asyncio.run(main())


def test_one_client_on_two_loops() -> None:
    """The same client, with the same account, works on two loops one after the other."""
    clients: list[volcv.Client] = []

    async def main(port: int) -> int:
        async with LocalGateway(latency=0.0, port=port) as gateway:
            clients.append(clients[0] if clients else volcv.Client(gateway.account()))
            async with clients[0] as client:
                await client.generate(cat())
                async with client.stream([cat()]) as outcomes:
                    assert len([outcome async for outcome in outcomes]) == 1
            return int(gateway.url.split(":")[2].split("/")[0])

    port = asyncio.run(main(0))
    asyncio.run(main(port))
    assert clients[0].statistics().completed == 4


def test_a_client_whose_loop_died_is_entered_again() -> None:
    """A client that was never left, on a loop that is closed, can be entered on another."""
    client: list[volcv.Client] = []

    async def abandon() -> None:
        gateway = LocalGateway(latency=0.0)
        async with gateway:
            client.append(volcv.Client(gateway.account()))
            await client[0].__aenter__()
            for transport in client[0]._pool._transports:  # type: ignore[union-attr] # pyright: ignore - the loop closes it
                await transport.close()

    async def again() -> None:
        async with client[0]:
            assert client[0].statistics().attempts == 0

    asyncio.run(abandon())
    asyncio.run(again())


@pytest.fixture
async def entered_elsewhere(gateway: LocalGateway) -> AsyncIterator[volcv.Client]:
    """Enter and leave a client in tasks of their own, as some frameworks do."""
    client = volcv.Client(gateway.account())
    await asyncio.create_task(client.__aenter__())
    yield client
    await asyncio.create_task(client.__aexit__(None, None, None))


async def test_a_client_is_entered_and_left_in_different_tasks(
    entered_elsewhere: volcv.Client, gateway: LocalGateway
) -> None:
    """Entering in one task, using in another, leaving in a third: works."""
    await entered_elsewhere.generate(cat())
    async with entered_elsewhere.stream([cat(1)]) as outcomes:
        assert len([outcome async for outcome in outcomes]) == 1
    assert gateway.paid == 2


async def test_a_client_is_entered_again_after_it_was_left(gateway: LocalGateway) -> None:
    """A client that was left opens new sessions when it is entered again, and counts on."""
    client = volcv.Client(gateway.account())
    for _ in range(2):
        async with client:
            await client.generate(cat())
        with pytest.raises(volcv.ConfigurationError, match="async with Client"):
            await client.generate(cat())
    assert client.statistics().completed == 2


async def test_a_client_may_be_entered_by_several_tasks_at_once(gateway: LocalGateway) -> None:
    """The first opens, the last closes."""
    client = volcv.Client(gateway.account())
    async with client:
        async with client:
            await client.generate(cat())
        await client.generate(cat())
    assert gateway.paid == 2


async def test_a_client_that_is_being_left_is_entered_after_that() -> None:
    """Entering waits until the leaving is over."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        client = volcv.Client(gateway.account())
        await client.__aenter__()
        call = asyncio.create_task(client.generate(cat()))
        await held.until(1)
        leaving = asyncio.create_task(client.__aexit__(None, None, None))
        await asyncio.sleep(0)
        entering = asyncio.create_task(client.__aenter__())
        await asyncio.sleep(0)
        assert not entering.done()
        held.let_go()
        await asyncio.gather(call, leaving, entering)
        await client.generate(cat())
        await client.__aexit__(None, None, None)


async def test_leaving_waits_for_calls_under_way_and_turns_the_waiting_away() -> None:
    """Left with one call under way and one waiting: the one is delivered, the other not sent."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=1))) as client:
            first, second = (asyncio.create_task(client.generate(cat(nth))) for nth in range(2))
            await held.until(1)
            asyncio.get_running_loop().call_later(0.01, held.let_go)
        assert (await first).image.data is not None
        with pytest.raises(volcv.NotSentError, match="left before"):
            await second
        assert gateway.paid == 1


async def test_a_client_is_used_on_one_loop_at_a_time(gateway: LocalGateway) -> None:
    """In use on one loop, it is refused on another, in words."""

    async def elsewhere() -> None:
        with pytest.raises(volcv.ConfigurationError, match="another event loop"):
            await client.__aenter__()

    async with volcv.Client(gateway.account()) as client:
        await asyncio.to_thread(asyncio.run, elsewhere())


async def test_without_an_account_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No account in the environment: entering says so, and entering later works."""
    monkeypatch.delenv("VOLCV_BASE_URL", raising=False)
    monkeypatch.delenv("VOLCV_API_KEY", raising=False)
    client = volcv.Client()
    assert "not entered yet" in repr(client)
    with pytest.raises(volcv.ConfigurationError, match="VOLCV_BASE_URL and VOLCV_API_KEY not set"):
        await client.__aenter__()
    with pytest.raises(volcv.ConfigurationError, match="no account"):
        volcv.Client([])


async def test_two_accounts_are_both_used() -> None:
    """Calls go where they can leave soonest, so that both accounts work."""
    held = Held()
    async with (
        LocalGateway(latency=0.0, answer=held, concurrency=2) as one,
        LocalGateway(latency=0.0, answer=held, concurrency=2) as two,
    ):
        accounts = [gateway.account(limits=volcv.Limits(concurrency=2)) for gateway in (one, two)]
        async with volcv.Client(accounts) as client:
            many = asyncio.create_task(client.generate_many([cat(nth) for nth in range(12)]))
            await held.until(4)
            assert "2 accounts | in flight 4/4" in repr(client)
            assert client.statistics().in_flight == 4
            held.let_go()
            assert {type(outcome) for outcome in await many} == {volcv.Completed}
        assert one.paid > 1
        assert two.paid > 1
        assert one.most_in_flight == two.most_in_flight == 2


async def test_accounts_of_a_group_share_one_quota(gateway: LocalGateway) -> None:
    """Two keys of one account hold one limit between them, stated once or twice alike."""
    limits = volcv.Limits(concurrency=2)
    accounts = [
        gateway.account(limits=limits, group="studio"),
        gateway.account(group="studio"),
    ]
    async with volcv.Client(accounts) as client:
        await client.generate_many([cat(nth) for nth in range(8)])
    assert gateway.most_in_flight <= 2
    with pytest.raises(volcv.ConfigurationError, match="'studio' state different limits"):
        volcv.Client([accounts[0], gateway.account(limits=volcv.Limits(rate=1), group="studio")])


async def test_a_group_without_limits_takes_the_client_s(gateway: LocalGateway) -> None:
    """A group that states nothing gets the limits given for all."""
    accounts = [gateway.account(group="studio"), gateway.account(group="studio")]
    async with volcv.Client(accounts, limits=volcv.Limits(concurrency=1)) as client:
        await client.generate_many([cat(nth) for nth in range(4)])
    assert gateway.most_in_flight == 1


async def test_stated_limits_are_held() -> None:
    """Inside the limits that are stated the provider refuses nothing."""
    async with LocalGateway(latency=0.0, concurrency=3) as gateway:
        limits = volcv.Limits(concurrency=3)
        async with volcv.Client(gateway.account(limits=limits)) as client:
            await client.generate_many([cat(nth) for nth in range(30)])
            assert client.statistics().attempts == 30
        assert gateway.most_in_flight == 3


async def test_limits_stated_too_high_still_end_completed() -> None:
    """Limits that are stated too generously are learned from refusals; all requests complete."""
    held = Held()
    refused = asyncio.Event()

    def hear(event: volcv.Event) -> None:
        if isinstance(event, volcv.AttemptEnded) and event.ending == "rejected":
            refused.set()

    async with LocalGateway(latency=0.0, concurrency=2, answer=held) as gateway:
        limits = volcv.Limits(concurrency=6)
        account = gateway.account(limits=limits)
        async with volcv.Client(account, retry=FAST, on_event=hear) as client:
            many = asyncio.create_task(client.generate_many(cat(nth) for nth in range(40)))
            await refused.wait()
            held.let_go()
            assert {type(outcome) for outcome in await many} == {volcv.Completed}
        assert (gateway.paid, gateway.most_in_flight) == (40, 2)


async def test_departures_are_counted_when_they_take_place(gateway: LocalGateway) -> None:
    """The account's governor is told when each call really leaves, and of none that did not."""
    async with volcv.Client(gateway.account()) as client:
        await client.generate_many([cat(nth) for nth in range(3)])
        assert client._pool is not None
        assert [governor._departed for governor in client._pool._governors] == [3]


async def test_a_handful_comes_in_order() -> None:
    """``generate_many`` gives the outcomes in the order of the requests, failures among them."""
    said = one_by_one(refusal(50412), Drop())
    async with LocalGateway(latency=0.0, answer=said) as gateway:
        async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=1))) as client:
            outcomes = await client.generate_many([cat(nth) for nth in range(4)])
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
    assert [type(outcome) for outcome in outcomes] == [
        volcv.Failed,
        volcv.InDoubt,
        volcv.Completed,
        volcv.Completed,
    ]


async def test_a_fatal_error_of_a_handful_carries_what_had_finished() -> None:
    """A key that is refused on the way is raised with the outcomes that were there."""
    said = one_by_one(None, None, UNAUTHORISED)
    async with LocalGateway(latency=0.0, answer=said) as gateway:
        async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=1))) as client:
            with pytest.raises(volcv.AuthenticationError) as caught:
                await client.generate_many([cat(nth) for nth in range(9)])
    assert [type(outcome) for outcome in caught.value.outcomes] == [volcv.Completed] * 2


async def test_numbers_that_make_no_sense_are_refused(gateway: LocalGateway) -> None:
    """A window below one, or seconds that are negative or none, are refused at once."""
    async with volcv.Client(gateway.account()) as client:
        with pytest.raises(volcv.ConfigurationError, match="concurrency=0"):
            client.stream([], concurrency=0)
        for seconds in (-1, nan):
            with pytest.raises(volcv.ConfigurationError, match=f"drain={seconds}"):
                client.stream([], drain=seconds)
        with pytest.raises(TypeError, match="'a cat' is no request"):
            await client.generate("a cat")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose


async def test_events_tell_the_story(gateway: LocalGateway) -> None:
    """``on_event`` hears of each attempt's beginning and end, in order."""
    events: list[volcv.Event] = []
    async with volcv.Client(gateway.account(), on_event=events.append) as client:
        await client.generate(cat())
    started, ended = events
    assert isinstance(started, volcv.AttemptStarted)
    assert isinstance(ended, volcv.AttemptEnded)
    assert started.attempt == ended.attempt
    assert (started.attempt.number, started.attempt.request) == (1, cat())
    assert started.attempt.account in gateway.url
    assert (ended.ending, ended.error) == ("answered", None)


def broken_hook(_event: volcv.Event) -> None:
    raise KeyError("in the hook")


async def test_what_a_hook_raises_ends_a_stream_as_itself_and_costs_no_image(
    gateway: LocalGateway,
) -> None:
    """A broken hook ends the stream with its own error, after what was in flight."""
    taken: list[volcv.Outcome] = []
    async with volcv.Client(gateway.account(), on_event=broken_hook) as client:
        async with client.stream(cats()) as outcomes:
            with pytest.raises(KeyError, match="in the hook"):
                async for outcome in outcomes:
                    taken.append(outcome)
    assert [type(outcome) for outcome in taken] == [volcv.Completed] * gateway.paid


async def test_what_a_hook_raises_outside_a_stream_goes_to_the_loop(gateway: LocalGateway) -> None:
    """A broken hook costs a single call nothing; the loop's exception handler hears of it."""
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: heard.append(context["exception"])
    )
    async with volcv.Client(gateway.account(), on_event=broken_hook) as client:
        assert (await client.generate(cat())).image.data is not None
    assert [type(error) for error in heard] == [KeyError, KeyError]


KEY = "sk-very-secret-0001"


async def test_the_key_is_nowhere_but_on_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    """No repr, log, error attribute, pickle of an error, event or traceback shows the key."""
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    answers = (None, refusal(50412), Drop(), UNAUTHORISED)
    async with LocalGateway(key=KEY, latency=0.0, answer=one_by_one(*answers)) as gateway:
        async with volcv.Client(gateway.account(), on_event=shown.append) as client:
            shown += [client, client._pool, vars(client), client._pool and vars(client._pool)]
            for _ in answers:
                try:
                    shown.append(await client.generate(cat()))
                except volcv.VolcvError as error:
                    story = traceback.TracebackException.from_exception(error, capture_locals=True)
                    shown += ["".join(story.format()), vars(error), error.args, pickle.dumps(error)]
        assert len(gateway.requests) == 4
    assert KEY not in repr(shown)
    assert KEY not in caplog.text


async def test_the_key_is_not_in_what_the_wire_raises(unused_tcp_port: int) -> None:
    """A failing connection shows no key either, down to the locals of every frame."""
    account = volcv.Account(f"http://127.0.0.1:{unused_tcp_port}/", volcv.Bearer(KEY))
    async with volcv.Client(account, retry=FAST) as client:
        with pytest.raises(volcv.NotSentError) as caught:
            await client.generate(cat())
    story = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(story.format())


async def test_an_image_inside_a_request_that_may_be_cancelled() -> None:
    """Shielded, a call outlives the handler that wanted it, and its image is not lost."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with volcv.Client(gateway.account()) as client:
            call = asyncio.create_task(client.generate(cat()))

            async def handler() -> None:
                await asyncio.shield(call)

            handling = asyncio.create_task(handler())
            await held.until(1)
            handling.cancel()
            held.let_go()
            assert (await call).image.data is not None
            with pytest.raises(asyncio.CancelledError):
                await handling


async def test_always_the_same_answer_for_the_same_seed(gateway: LocalGateway) -> None:
    """The local gateway draws the same request twice alike, so that pictures can be made again."""
    async with volcv.Client(gateway.account()) as client:
        request = volcv.GeneralV14(prompt="千军万马", seed=7)
        one, two = [await client.generate(request) for _ in range(2)]
    assert one.image == two.image


async def test_access_denied_is_an_outcome_and_stops_nothing() -> None:
    """Access denied, quota and bad requests end their own request only."""
    async with LocalGateway(latency=0.0, answer=always(refusal(50400))) as gateway:
        async with volcv.Client(gateway.account()) as client:
            outcomes = await client.generate_many([cat(nth) for nth in range(5)])
    assert {type(outcome.error) for outcome in outcomes if isinstance(outcome, volcv.Failed)} == {
        volcv.AccessDeniedError
    }
    assert len(outcomes) == 5


async def test_one_refused_key_of_a_group_leaves_the_other_at_work(gateway: LocalGateway) -> None:
    """Of two keys of one account the refused one is set aside, the other goes on."""
    accounts = [
        volcv.Account(gateway.url, volcv.Bearer("wrong"), group="studio"),
        gateway.account(group="studio"),
    ]
    with pytest.warns(volcv.VolcvWarning, match="studio is set aside"):
        async with volcv.Client(accounts) as client:
            await client.generate_many([cat(nth) for nth in range(4)])
    assert gateway.paid == 4


def test_what_is_not_there_is_an_attribute_error() -> None:
    """The package has the names that it lists, and no others."""
    assert all(hasattr(volcv, name) for name in volcv.__all__)
    assert getattr(volcv, "__getattr__")("gateway").LocalGateway is LocalGateway  # noqa: B009 - hidden from type checkers
    with pytest.raises(AttributeError, match="Signed"):
        _ = volcv.Signed  # type: ignore[attr-defined] # pyright: ignore - it is not built yet


async def test_a_refusal_is_learned_before_its_slot_is_given_away() -> None:
    """Calls that wait at the gate profit from what the one before them learned."""
    held = Held()
    async with LocalGateway(latency=0.0, concurrency=2, answer=held) as gateway:
        limits = volcv.Limits(concurrency=8)
        async with volcv.Client(gateway.account(limits=limits), retry=FAST) as client:
            calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(40)]
            while client.statistics().rejected < 6:
                await asyncio.sleep(0.001)
            held.let_go()
            await asyncio.gather(*calls)
            assert client.statistics().rejected < 20


async def test_a_key_refused_under_waiting_calls_turns_each_away_with_its_own_error() -> None:
    """A 401 ends those that wait, each with an error of its own, and cuts off none under way."""
    held = Held(holds=lambda received: received.prompt == "cat 0")

    async def answer(received: Received) -> Said:
        await held(received)
        return UNAUTHORISED if received.prompt == "cat 1" else None

    async with LocalGateway(latency=0.0, answer=answer) as gateway:
        async with volcv.Client(gateway.account(limits=volcv.Limits(concurrency=2))) as client:
            calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(5)]
            await asyncio.wait(calls[1:])
            assert client.statistics().in_flight == 1
            asyncio.get_running_loop().call_later(0.01, held.let_go)
        assert (await calls[0]).image.data is not None
        errors = [call.exception() for call in calls[1:]]
        assert [type(error) for error in errors] == [volcv.AuthenticationError] * 4
        assert [getattr(error, "request", None) for error in errors] == [
            cat(nth) for nth in range(1, 5)
        ]
        assert len(gateway.requests) == 2


async def test_a_turn_granted_on_a_key_refused_just_then_goes_elsewhere() -> None:
    """A call that was let go in the moment its account was set aside takes another account."""
    async with (
        LocalGateway(answer=always(UNAUTHORISED)) as refusing,
        LocalGateway(latency=0.0) as ok,
    ):
        limits = volcv.Limits(concurrency=1)
        accounts = [gateway.account(limits=limits) for gateway in (refusing, ok)]
        async with volcv.Client(accounts) as client:
            pool = client._pool
            assert pool is not None
            refused = next(session for session in pool._sessions[pool._governors[0]])
            lease = await pool.lease(cat())
            waiting = [asyncio.create_task(pool.lease(cat())) for _ in range(2)]
            await asyncio.sleep(0)
            pool._gate.over(lease._turn)
            await asyncio.sleep(0)  # the waiting one is granted the first account's turn
            with pytest.warns(volcv.VolcvWarning, match="set aside"):
                lease.learn(volcv.AuthenticationError("refused just then"))
                await asyncio.sleep(0)
            assert refused not in pool._sessions[pool._governors[0]]
            for _ in waiting:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                granted = done.pop()
                waiting.remove(granted)
                with granted.result() as held:
                    assert held.transport.url == ok.url


async def test_one_stream_s_error_does_not_keep_the_others_from_being_left(
    gateway: LocalGateway,
) -> None:
    """Leaving a client with streams open leaves them all, though one has an error to raise."""

    def broken() -> Iterator[volcv.Request]:
        yield cat(0)
        raise KeyError("in the source")

    client = volcv.Client(gateway.account(limits=volcv.Limits(concurrency=2)))
    await client.__aenter__()
    streams = [client.stream(source) for source in (cats(), broken(), cats())]
    for stream in streams:
        await stream.__aenter__()
    while streams[1].statistics().completed < 1 or streams[1]._feeding:
        await asyncio.sleep(0.001)
    with pytest.raises(KeyError, match="in the source"):
        await client.__aexit__(None, None, None)
    assert gateway.in_flight == 0
    paid = gateway.paid
    await asyncio.sleep(0.02)
    assert gateway.paid == paid
    assert all(stream._supervisor is not None and stream._supervisor.done() for stream in streams)


async def test_leaving_waits_for_an_image_that_is_being_fetched() -> None:
    """Left while a single call fetches its paid image, the client waits for it."""
    asked, free = asyncio.Event(), asyncio.Event()

    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await free.wait()
        writer.write(b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(slow) as images:
        url = images.url.replace("/volcv/v1", "/x")
        body = f'{{"code":10000,"data":{{"image_urls":["{url}"]}}}}'.encode()
        async with LocalGateway(answer=always(Canned(body=body, paid=True))) as gateway:
            async with volcv.Client(gateway.account()) as client:
                call = asyncio.create_task(client.generate(cat()))
                await asked.wait()
                asyncio.get_running_loop().call_later(0.01, free.set)
            with pytest.raises(volcv.DownloadError, match="HTTP 404"):
                await call


async def test_what_is_no_request_in_a_handful_is_said_before_anything_is_sent(
    gateway: LocalGateway,
) -> None:
    """A list with a mistake in it costs nothing."""
    async with volcv.Client(gateway.account()) as client:
        with pytest.raises(TypeError, match="'a cat' is no request"):
            await client.generate_many([cat(), "a cat"])  # type: ignore[list-item] # pyright: ignore[reportArgumentType] - on purpose
    assert gateway.requests == []


async def test_a_large_body_goes_out_like_any_other(gateway: LocalGateway) -> None:
    """A body of two megabytes, as one with an image in it has, is sent without a word."""
    big = volcv.GeneralV21(prompt="a cat", extra={"image": "x" * 2_000_000})
    async with volcv.Client(gateway.account()) as client:
        await client.generate(big)
    assert gateway.paid == 1
