"""Many calls: the window, the order, and every way in which a stream can end."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest
from provider import BAD_GATEWAY, FAST, UNAUTHORISED, Held, Said, cat, cats, one_by_one, refusal

import volcv_async as volcv
from volcv_async.gateway import Canned, Drop, LocalGateway, Received

WINDOW = 4
LIMITS = volcv.Limits(concurrency=WINDOW)


@pytest.fixture
async def client(gateway: LocalGateway) -> AsyncIterator[volcv.Client]:
    async with volcv.Client(gateway.account(limits=LIMITS), retry=FAST) as client:
        yield client


def sockets(gateway: LocalGateway) -> int:
    """Count the connections that the gateway still holds open."""
    runner = gateway._premises._runner
    server = runner and runner.server
    return len(server.connections) if server else 0


def check_nothing_lost(
    gateway: LocalGateway, taken: list[volcv.Outcome], outcomes: volcv.OutcomeStream
) -> None:
    """Each paid call ended as an outcome, taken or left over, with its own request and image."""
    ended = [*taken, *outcomes.leftover]
    completed = [outcome for outcome in ended if isinstance(outcome, volcv.Completed)]
    assert sorted(outcome.index for outcome in ended) == list(range(len(ended)))
    assert gateway.paid == len(completed)
    assert gateway.in_flight == 0
    for outcome in ended:
        assert outcome.request == cat(outcome.index)
    for outcome in completed:
        assert outcome.generation.image.data is not None
        assert f"cat {outcome.index}".encode() in outcome.generation.image.data


async def test_all_outcomes_come_each_with_its_request(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """Every request of a list gives one outcome, paired with its request and its own image."""
    async with client.stream(cat(nth) for nth in range(30)) as outcomes:
        taken = [outcome async for outcome in outcomes]
    assert outcomes.leftover == []
    assert len(taken) == 30
    check_nothing_lost(gateway, taken, outcomes)
    counts = outcomes.statistics()
    assert (counts.pulled, counts.taken, counts.completed) == (30, 30, 30)
    assert (counts.in_flight, counts.ready) == (0, 0)


async def test_order_is_kept_where_asked_for() -> None:
    """An ordered stream gives outcomes in the source's order, though the first is the slowest."""
    held = Held(holds=lambda received: received.prompt == "cat 0")
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with (
            volcv.Client(gateway.account(limits=LIMITS)) as client,
            client.stream([cat(nth) for nth in range(12)], ordered=True) as outcomes,
        ):
            await held.until(1)
            while gateway.paid < 2 * WINDOW - 1:
                await asyncio.sleep(0)
            assert outcomes.statistics().pulled == 2 * WINDOW
            held.let_go()
            assert [outcome.index async for outcome in outcomes] == list(range(12))


async def test_a_consumer_that_stops_stops_the_spending(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """Of an endless source, what is taken and one window more is paid at the most, and not cut."""
    taken: list[volcv.Outcome] = []
    async with client.stream(cats()) as outcomes:
        async for outcome in outcomes:
            taken.append(outcome)
            if len(taken) == 20:
                break
    assert 20 <= gateway.paid <= 20 + WINDOW
    check_nothing_lost(gateway, taken, outcomes)
    assert not any(isinstance(outcome, volcv.InDoubt) for outcome in outcomes.leftover)
    assert "taken 20" in repr(outcomes)


async def test_a_slow_consumer_holds_the_source_back(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """While nothing is taken, no more than a window is pulled from the source."""
    async with client.stream(cats(), concurrency=3) as outcomes:
        while outcomes.statistics().ready < 3:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert outcomes.statistics().pulled == 3
        assert gateway.paid == 3
    check_nothing_lost(gateway, [], outcomes)


Leave = Callable[[volcv.Client, list[volcv.Outcome]], Awaitable[list[volcv.OutcomeStream]]]


class OwnError(Exception):
    """What a consumer raises."""


async def consume(
    client: volcv.Client,
    taken: list[volcv.Outcome],
    streams: list[volcv.OutcomeStream],
    source: object = None,
    raises: bool = False,
) -> None:
    """Take 20 outcomes, then wait for ever, or raise."""
    async with client.stream(source or cats()) as outcomes:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - any source
        streams.append(outcomes)
        async for outcome in outcomes:
            taken.append(outcome)
            if len(taken) == 20:
                if raises:
                    raise OwnError
                await asyncio.Event().wait()


async def until_taken(taken: list[volcv.Outcome], number: int = 20) -> None:
    while len(taken) < number:
        await asyncio.sleep(0.001)


async def leave_by_raising(
    client: volcv.Client, taken: list[volcv.Outcome]
) -> list[volcv.OutcomeStream]:
    streams: list[volcv.OutcomeStream] = []
    with pytest.raises(OwnError) as caught:
        await consume(client, taken, streams, raises=True)
    assert caught.value.__cause__ is None
    return streams


async def leave_by_cancel(
    client: volcv.Client, taken: list[volcv.Outcome]
) -> list[volcv.OutcomeStream]:
    streams: list[volcv.OutcomeStream] = []
    task = asyncio.create_task(consume(client, taken, streams))
    await until_taken(taken)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return streams


async def leave_by_timeout(
    client: volcv.Client, taken: list[volcv.Outcome]
) -> list[volcv.OutcomeStream]:
    streams: list[volcv.OutcomeStream] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as patience:
            watch = asyncio.create_task(until_taken(taken))
            watch.add_done_callback(lambda _: patience.reschedule(0.0))
            await consume(client, taken, streams)
    return streams


async def leave_by_move_on(
    client: volcv.Client, taken: list[volcv.Outcome]
) -> list[volcv.OutcomeStream]:
    streams: list[volcv.OutcomeStream] = []
    with anyio.CancelScope() as scope:
        watch = asyncio.create_task(until_taken(taken))
        watch.add_done_callback(lambda _: scope.cancel())
        await consume(client, taken, streams)
    assert scope.cancelled_caught
    with anyio.move_on_after(1.0) as scope:
        await consume(client, [], streams, source=(cat(nth) for nth in range(3)))
        await asyncio.Event().wait()
    assert scope.cancelled_caught
    return streams


LEAVINGS = [leave_by_raising, leave_by_cancel, leave_by_timeout]


@pytest.mark.parametrize("leave", LEAVINGS)
async def test_however_it_is_left_nothing_is_cut_and_nothing_remains(
    leave: Leave, gateway: LocalGateway, client: volcv.Client
) -> None:
    """Left by an error, a cancellation or a timeout: all that is paid is finished and delivered."""
    taken: list[volcv.Outcome] = []
    (outcomes,) = await leave(client, taken)
    assert 20 <= gateway.paid <= 20 + WINDOW
    check_nothing_lost(gateway, taken, outcomes)
    assert not any(isinstance(outcome, volcv.InDoubt) for outcome in outcomes.leftover)


async def test_left_by_an_anyio_scope_nothing_is_cut(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """Anyio's scopes cancel again and again; what is paid for is finished all the same."""
    taken: list[volcv.Outcome] = []
    outcomes, second = await leave_by_move_on(client, taken)
    assert 20 <= gateway.paid - 3 <= 20 + WINDOW
    assert second.statistics().completed == 3
    assert not any(isinstance(outcome, volcv.InDoubt) for outcome in outcomes.leftover)


async def source_of(closed: list[str], number: int | None = None) -> AsyncIterator[volcv.Request]:
    """Give requests asynchronously, and note that the end was reached in good order."""
    try:
        for nth, request in enumerate(cats()):
            if nth == number:
                return
            await asyncio.sleep(0)
            yield request
    finally:
        await asyncio.sleep(0)  # cleaning up may wait, too
        closed.append("closed")


@pytest.mark.parametrize("leave", ["break", "end", "cancel"])
async def test_an_asynchronous_source_is_closed_in_the_end(
    leave: str, gateway: LocalGateway, client: volcv.Client
) -> None:
    """An asynchronous generator is closed, its clean-up awaited, however the stream ends."""
    closed: list[str] = []
    taken: list[volcv.Outcome] = []
    streams: list[volcv.OutcomeStream] = []
    if leave == "cancel":
        task = asyncio.create_task(consume(client, taken, streams, source_of(closed)))
        await until_taken(taken)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        source = source_of(closed, 6 if leave == "end" else None)
        async with client.stream(source) as outcomes:
            streams.append(outcomes)
            async for outcome in outcomes:
                taken.append(outcome)
                if leave == "break":
                    break
    assert closed == ["closed"]
    check_nothing_lost(gateway, taken, streams[0])


async def test_a_source_that_waits_for_ever_does_not_hold_the_leaving_up(
    client: volcv.Client,
) -> None:
    """Leaving interrupts a source that is being waited for, and lets it clean up."""
    cleaned: list[str] = []

    async def silent() -> AsyncIterator[volcv.Request]:
        yield cat(0)
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("cleaned")

    async with client.stream(silent()) as outcomes:
        assert (await anext(outcomes)).index == 0
        for _ in range(20):
            await asyncio.sleep(0)
    assert cleaned == ["cleaned"]
    assert outcomes.leftover == []


class Stubborn:
    """An asynchronous source that gives one more when it is told to stop."""

    def __init__(self) -> None:
        self.given = 0
        self.asked = asyncio.Event()

    def __aiter__(self) -> Stubborn:
        return self

    async def __anext__(self) -> volcv.Request:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given += 1
            if self.given > 1:
                raise StopAsyncIteration from None
        return cat(self.given - 1)


async def test_what_a_source_gives_though_it_was_stopped_is_reported_not_sent(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """A request pulled in the very moment of leaving is not sent, and not lost either."""
    source = Stubborn()
    async with client.stream(source) as outcomes:
        await source.asked.wait()
    (left,) = outcomes.leftover
    assert isinstance(left, volcv.Failed)
    assert type(left.error) is volcv.NotSentError
    assert gateway.requests == []


async def own_generator(
    client: volcv.Client, streams: list[volcv.OutcomeStream]
) -> AsyncIterator[volcv.Outcome]:
    async with client.stream(cats()) as outcomes:
        streams.append(outcomes)
        async for outcome in outcomes:
            yield outcome


async def finished(stream: volcv.OutcomeStream) -> None:
    supervisor = stream._supervisor
    assert supervisor is not None
    await asyncio.wait([supervisor])
    for _ in range(5):
        await asyncio.sleep(0)


async def test_inside_a_generator_left_by_break_and_collected(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """The consumer's own generator, left by ``break`` and collected, ends in good order."""
    taken: list[volcv.Outcome] = []
    streams: list[volcv.OutcomeStream] = []
    async for outcome in own_generator(client, streams):
        taken.append(outcome)
        if len(taken) == 5:
            break
    gc.collect()
    await asyncio.sleep(0)
    await finished(streams[0])
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess] - a test is a task
    assert gateway.paid <= 5 + WINDOW
    check_nothing_lost(gateway, taken, streams[0])


async def test_a_client_left_at_once_waits_for_a_generator_that_is_being_collected(
    gateway: LocalGateway,
) -> None:
    """Leaving the client right after such a ``break`` still lets finish what is paid for."""
    streams: list[volcv.OutcomeStream] = []
    async with volcv.Client(gateway.account(limits=LIMITS)) as client:
        async for _ in own_generator(client, streams):
            break
    assert gateway.in_flight == 0
    completed = [out for out in streams[0].leftover if isinstance(out, volcv.Completed)]
    assert len(completed) == gateway.paid - 1
    await asyncio.sleep(0)


async def test_inside_a_generator_closed_from_another_task(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """A generator around a stream may be closed by another task than the one that ran it."""
    streams: list[volcv.OutcomeStream] = []
    generator = own_generator(client, streams)
    taken = [await anext(generator) for _ in range(3)]
    await asyncio.create_task(generator.aclose())  # type: ignore[attr-defined] # pyright: ignore - it is a generator
    check_nothing_lost(gateway, taken, streams[0])


async def test_inside_a_generator_with_wait_for_around_anext(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """Each ``anext`` under ``wait_for``, a task of its own: works, and a timeout loses nothing."""
    streams: list[volcv.OutcomeStream] = []
    generator = own_generator(client, streams)
    taken = [await asyncio.wait_for(anext(generator), 10) for _ in range(3)]
    await generator.aclose()  # type: ignore[attr-defined] # pyright: ignore - it is a generator
    check_nothing_lost(gateway, taken, streams[0])


async def test_wait_for_that_gives_up_loses_no_outcome() -> None:
    """A ``wait_for`` around the stream's own ``anext`` that times out takes nothing away."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with (
            volcv.Client(gateway.account(limits=LIMITS)) as client,
            client.stream([cat(0), cat(1)]) as outcomes,
        ):
            await held.until(2)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(outcomes), 0.01)
            held.let_go()
            assert len([outcome async for outcome in outcomes]) == 2


@asynccontextmanager
async def draining(
    held: Held, gateway: LocalGateway, drain: float = 30.0
) -> AsyncGenerator[tuple[asyncio.Task[None], list[volcv.OutcomeStream]]]:
    """Cancel a consumer with calls in flight, and give it while it drains."""
    streams: list[volcv.OutcomeStream] = []

    async def consumer(client: volcv.Client) -> None:
        async with client.stream(cats(), drain=drain) as outcomes:
            streams.append(outcomes)
            async for _ in outcomes:
                pass

    async with volcv.Client(gateway.account(limits=LIMITS)) as client:
        task = asyncio.create_task(consumer(client))
        await held.until(WINDOW)
        task.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not task.done()
        yield task, streams


async def test_cancelled_twice_the_second_cuts() -> None:
    """The first cancellation drains, the second cuts: what was in flight is in doubt, at once."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with draining(held, gateway) as (task, streams):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        held.let_go()
    assert len(streams[0].leftover) == WINDOW
    for outcome in streams[0].leftover:
        assert isinstance(outcome, volcv.InDoubt)
        assert outcome.request == cat(outcome.index)
    assert streams[0].statistics().in_doubt == WINDOW


async def test_cancelled_once_it_drains() -> None:
    """After one cancellation what is in flight finishes, and the cancellation arrives then."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with draining(held, gateway) as (task, streams):
            held.let_go()
            with pytest.raises(asyncio.CancelledError):
                await task
        check_nothing_lost(gateway, [], streams[0])
        assert gateway.paid == WINDOW


async def test_a_drain_has_an_end() -> None:
    """What has not finished after ``drain`` seconds is cut off."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with draining(held, gateway, drain=0.05) as (task, streams):
            with pytest.raises(asyncio.CancelledError):
                await task
        held.let_go()
    assert {type(outcome) for outcome in streams[0].leftover} == {volcv.InDoubt}


async def test_a_first_cancellation_while_leaving_does_not_cut() -> None:
    """Left by ``break`` and cancelled once while draining: it drains on, then is cancelled."""
    held = Held(holds=lambda received: received.prompt != "cat 0")
    left: list[volcv.OutcomeStream] = []
    leaving = asyncio.Event()

    async def consumer(client: volcv.Client) -> None:
        async with client.stream(cats()) as outcomes:
            left.append(outcomes)
            await anext(outcomes)
            await held.until(WINDOW - 1)
            leaving.set()

    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with volcv.Client(gateway.account(limits=LIMITS)) as client:
            task = asyncio.create_task(consumer(client))
            await leaving.wait()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            held.let_go()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert {type(outcome) for outcome in left[0].leftover} == {volcv.Completed}


@pytest.mark.parametrize("says", [refusal(50511), refusal(50429), BAD_GATEWAY])
async def test_nothing_new_goes_out_once_a_stream_is_left(says: Said) -> None:
    """What comes back to be drawn anew, or sent again, while the block is left ends as it is."""
    held = Held()

    async def answer(received: Received) -> Said:
        await held(received)
        return says if received.number == 0 else None

    again = attrs.evolve(FAST, rerolls=3, in_doubt="retry")
    async with LocalGateway(latency=0.0, answer=answer) as gateway:
        async with volcv.Client(gateway.account(), retry=again) as client:
            async with client.stream([cat()]) as outcomes:
                await held.until(1)
                asyncio.get_running_loop().call_soon(held.let_go)  # once it is being left
            (outcome,) = outcomes.leftover
            assert len(gateway.requests) == 1
    assert not isinstance(outcome, volcv.Completed)


async def test_a_download_that_is_cut_off_is_a_paid_failure() -> None:
    """Cut off while its image is being fetched, a call is paid for, and says where the image is."""
    fetching, never = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        fetching.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        never.set()

    images = await asyncio.start_server(slow, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{images.sockets[0].getsockname()[1]}/x"
    body = f'{{"code":10000,"data":{{"image_urls":["{url}"]}}}}'.encode()

    async def answer(_received: Received) -> Said:
        return Canned(body=body, paid=True)

    async with LocalGateway(answer=answer) as gateway:
        async with volcv.Client(gateway.account()) as client:
            async with client.stream([cat()], drain=0.0) as outcomes:
                await fetching.wait()
    await never.wait()
    images.close()
    (left,) = outcomes.leftover
    assert isinstance(left, volcv.Failed)
    assert isinstance(left.error, volcv.DownloadError)
    assert (left.billed, left.error.url) == ("yes", url)


class SlowBooks:
    """A recorder on a slow disk: it never gets done with what was answered."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def sending(self, attempt: volcv.Attempt) -> None:
        assert attempt.number == 1

    async def answered(self, attempt: volcv.Attempt, generation: volcv.Generation) -> None:
        assert generation.images
        assert attempt.number == 1
        self.heard.set()
        await asyncio.Event().wait()


async def test_an_image_in_hand_is_not_thrown_away_by_a_cut(gateway: LocalGateway) -> None:
    """Cut off while its payment is being recorded, a call whose image came gives the image."""
    books = SlowBooks()
    async with volcv.Client(gateway.account()) as client:
        async with client.stream([cat()], recorder=books, drain=0.0) as outcomes:
            await books.heard.wait()
        (outcome,) = outcomes.leftover
    assert isinstance(outcome, volcv.Completed)
    assert outcome.generation.image.data


async def test_a_request_that_waits_for_its_turn_is_not_sent_when_cut() -> None:
    """Cut off between two attempts, a request ends with what it met before, unbilled."""
    async with LocalGateway(answer=one_by_one(*[refusal(50430)] * 99)) as gateway:
        policy = volcv.RetryPolicy(pause=60.0)
        async with volcv.Client(gateway.account(limits=LIMITS), retry=policy) as client:
            async with client.stream([cat()], drain=0.0) as outcomes:
                while not gateway.requests or gateway.requests[0].finished is None:
                    await asyncio.sleep(0.001)
                while client.statistics().rejected < 1:
                    await asyncio.sleep(0.001)
    (left,) = outcomes.leftover
    assert isinstance(left, volcv.Failed)
    assert type(left.error) is volcv.ConcurrencyLimitedError
    assert left.billed == "no"


async def test_what_is_cut_after_a_doubt_may_have_been_billed() -> None:
    """Bought again on request, refused, and cut off while it waits: it may have been billed."""
    said = one_by_one(Drop(), *[refusal(50430)] * 99)
    async with LocalGateway(latency=0.0, answer=said) as gateway:
        policy = volcv.RetryPolicy(in_doubt="retry", pause=0.2, longest_pause=60.0)
        async with volcv.Client(gateway.account(limits=LIMITS), retry=policy) as client:
            async with client.stream([cat()], drain=0.0) as outcomes:
                while client.statistics().rejected < 1:
                    await asyncio.sleep(0.001)
    (left,) = outcomes.leftover
    assert (left.billed, gateway.paid) == ("unknown", 1)


async def test_a_refused_key_stops_the_pulling_and_is_raised_in_the_end() -> None:
    """401: what is in flight is delivered, then the error raised, and nothing sent after."""
    held = Held(holds=lambda received: received.prompt in {"cat 0", "cat 1"})

    async def answer(received: Received) -> Said:
        await held(received)
        return UNAUTHORISED if received.prompt == "cat 2" else None

    async with LocalGateway(latency=0.0, answer=answer) as gateway:
        async with volcv.Client(gateway.account(limits=LIMITS), retry=FAST) as client:
            taken: list[volcv.Outcome] = []
            async with client.stream(cats(), concurrency=3) as outcomes:
                await held.until(2)
                while client.statistics().rejected < 1:
                    await asyncio.sleep(0.001)
                held.let_go()
                with pytest.raises(volcv.AuthenticationError) as caught:
                    async for outcome in outcomes:
                        taken.append(outcome)
                assert [outcome async for outcome in outcomes] == []
            sent = len(gateway.requests)
            with pytest.raises(volcv.AuthenticationError):
                async with client.stream(cats()) as again:
                    await anext(again)
        assert [type(outcome) for outcome in taken] == [volcv.Completed] * 2
        assert (caught.value.index, caught.value.request) == (2, cat(2))
        assert len(gateway.requests) == sent == 3
    assert outcomes.leftover == []


async def test_a_fatal_error_that_nobody_saw_is_left_over_though_the_leaving_is_cut() -> None:
    """Cancelled twice, a consumer that has seen no error yet finds it beside what was cut."""
    held = Held(holds=lambda received: received.prompt == "cat 1")
    streams: list[volcv.OutcomeStream] = []

    async def answer(received: Received) -> Said:
        return UNAUTHORISED if received.prompt == "cat 0" else await held(received)

    async with (
        LocalGateway(latency=0.0, answer=answer) as gateway,
        volcv.Client(gateway.account(limits=LIMITS)) as client,
    ):

        async def consume() -> None:
            async with client.stream([cat(0), cat(1)]) as outcomes:
                streams.append(outcomes)
                await asyncio.Event().wait()

        consumer = asyncio.create_task(consume())
        await held.until(1)
        while not streams[0].statistics().failed:
            await asyncio.sleep(0)
        consumer.cancel()
        await asyncio.sleep(0)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
    left = {outcome.index: type(outcome) for outcome in streams[0].leftover}
    assert left == {0: volcv.Failed, 1: volcv.InDoubt}


async def test_a_fatal_error_that_nobody_saw_is_left_over() -> None:
    """A consumer that leaves before a fatal error is raised finds it as that request's outcome."""
    async with LocalGateway(answer=one_by_one(UNAUTHORISED)) as gateway:
        async with volcv.Client(gateway.account()) as client:
            async with client.stream([cat()]) as outcomes:
                while not outcomes.statistics().failed:
                    await asyncio.sleep(0.001)
    (left,) = outcomes.leftover
    assert isinstance(left, volcv.Failed)
    assert type(left.error) is volcv.AuthenticationError


async def test_while_leaving_a_refused_key_is_an_outcome() -> None:
    """A key refused while the block is being left is what became of that request."""
    held = Held()

    async def answer(received: Received) -> Said:
        await held(received)
        return UNAUTHORISED

    async with LocalGateway(answer=answer) as gateway:
        async with draining(held, gateway) as (task, streams):
            held.let_go()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert len(streams[0].leftover) == WINDOW
    for outcome in streams[0].leftover:
        assert isinstance(outcome, volcv.Failed)
        assert type(outcome.error) is volcv.AuthenticationError


async def test_a_connection_refused_from_the_start_ends_the_stream(unused_tcp_port: int) -> None:
    """Where nothing ever answered, what cannot be sent ends the stream, and is no outage."""
    events: list[volcv.Event] = []
    account = volcv.Account(f"http://127.0.0.1:{unused_tcp_port}/volcv/v1", volcv.Bearer("key"))
    async with volcv.Client(account, retry=FAST, on_event=events.append) as client:
        with pytest.raises(volcv.NotSentError):
            async with client.stream(cats(), concurrency=8) as outcomes:
                async for outcome in outcomes:
                    assert isinstance(outcome, volcv.Failed)
    assert {type(event) for event in events} == {volcv.AttemptStarted, volcv.AttemptEnded}


async def test_a_connection_refused_later_is_an_outcome() -> None:
    """After answers, what cannot be sent is a failure of that request alone."""
    async with LocalGateway(latency=0.0) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=1))
        async with volcv.Client(account, retry=FAST) as client:
            async with client.stream(cats()) as outcomes:
                assert isinstance(await anext(outcomes), volcv.Completed)
                taken = [await anext(outcomes)]
                await gateway.__aexit__(None, None, None)
                while not isinstance(taken[-1], volcv.Failed):
                    taken.append(await anext(outcomes))
    failed = taken[-1]
    assert type(failed.error) is volcv.NotSentError
    assert failed.attempts == FAST.attempts


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_what_the_source_raises_ends_the_stream_as_itself(
    asynchronous: bool, gateway: LocalGateway, client: volcv.Client
) -> None:
    """An error in the source is raised as itself, after what was in flight."""

    def plain() -> Iterator[volcv.Request]:
        yield from (cat(0), cat(1))
        raise KeyError("in the source")

    async def awaited() -> AsyncIterator[volcv.Request]:
        for request in plain():
            yield request

    taken: list[volcv.Outcome] = []
    async with client.stream(awaited() if asynchronous else plain()) as outcomes:
        with pytest.raises(KeyError, match="in the source"):
            async for outcome in outcomes:
                taken.append(outcome)
    check_nothing_lost(gateway, taken, outcomes)
    assert len(taken) == 2


async def test_what_is_no_request_is_a_type_error(client: volcv.Client) -> None:
    """A prompt in place of a request is a mistake that names its place."""
    async with client.stream([cat(), "a cat"]) as outcomes:  # type: ignore[list-item] # pyright: ignore[reportArgumentType] - on purpose
        with pytest.raises(TypeError, match=r"'str' in place 1.*GeneralV21\(prompt="):
            async for _ in outcomes:
                pass


async def test_an_error_while_a_source_is_closed_is_raised(client: volcv.Client) -> None:
    """What a source raises while it is closed is not swallowed."""

    async def source() -> AsyncIterator[volcv.Request]:
        try:
            for request in cats():
                yield request
        finally:
            raise KeyError("in the clean-up")

    with pytest.raises(KeyError, match="in the clean-up"):
        async with client.stream(source()) as outcomes:
            await anext(outcomes)
    with pytest.raises(OwnError) as caught:
        async with client.stream(source()) as outcomes:
            await anext(outcomes)
            raise OwnError
    assert "in the clean-up" in caught.value.__notes__[0]


async def test_a_source_that_is_slow_to_close_does_not_stretch_the_drain() -> None:
    """After ``drain`` seconds all is cut off, a source that takes its time to clean up as well."""
    held = Held()

    async def slow_to_close() -> AsyncIterator[volcv.Request]:
        try:
            yield cat(0)
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with volcv.Client(gateway.account(limits=LIMITS)) as client:
            async with client.stream(slow_to_close(), drain=0.05) as outcomes:
                await held.until(1)
        held.let_go()
    assert [type(outcome) for outcome in outcomes.leftover] == [volcv.InDoubt]


async def test_a_stream_must_be_entered_and_only_once(client: volcv.Client) -> None:
    """A stream that is iterated over without being entered, or entered twice, says how to."""
    outcomes = client.stream([cat()])
    with pytest.raises(RuntimeError, match=r"async with client\.stream"):
        await anext(outcomes)
    await outcomes.aclose()  # has nothing to close yet
    async with outcomes:
        with pytest.raises(RuntimeError, match="once"):
            await outcomes.__aenter__()
        assert len([outcome async for outcome in outcomes]) == 1


async def test_a_stream_is_cut_when_its_loop_shuts_down() -> None:
    """If the stream's own task is cancelled from outside, its calls end in doubt, none is lost."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with volcv.Client(gateway.account(limits=LIMITS)) as client:
            async with client.stream(cats()) as outcomes:
                await held.until(WINDOW)
                supervisor = outcomes._supervisor
                assert supervisor is not None
                supervisor.cancel()
                taken: list[volcv.Outcome] = []
                with pytest.raises(RuntimeError, match="cancelled from outside"):
                    async for outcome in outcomes:
                        taken.append(outcome)
        held.let_go()
    assert {type(outcome) for outcome in taken} == {volcv.InDoubt}
    assert len(taken) == WINDOW


async def test_no_socket_is_left_open(gateway: LocalGateway, client: volcv.Client) -> None:
    """After a stream no connection to the provider remains."""
    async with client.stream(cat(nth) for nth in range(8)) as outcomes:
        async for _ in outcomes:
            pass
    while sockets(gateway):
        await asyncio.sleep(0.001)


async def test_a_stream_that_is_left_before_it_began_gives_its_end(client: volcv.Client) -> None:
    """Left at once, before a request was pulled, a stream has ended, and says so when asked."""
    async with client.stream(cats()) as outcomes:
        pass
    assert outcomes.statistics().pulled == 0
    assert [outcome async for outcome in outcomes] == []


async def test_a_client_with_refused_keys_ends_a_stream_though_nobody_looks() -> None:
    """A stream that finds no account left, and is left unseen, has nothing left over."""
    async with LocalGateway(answer=one_by_one(UNAUTHORISED)) as gateway:
        async with volcv.Client(gateway.account()) as client:
            with pytest.raises(volcv.AuthenticationError):
                await client.generate(cat())
            async with client.stream(cats()) as outcomes:
                await finished(outcomes)
    assert outcomes.leftover == []
    assert len(gateway.requests) == 1


def cancel_carriers() -> None:
    """Cancel the tasks that carry calls, as a loop does that is being shut down."""
    for task in asyncio.all_tasks():
        if "Carriers" in task.get_name():
            task.cancel()


async def test_a_call_whose_task_is_cancelled_before_it_begins_was_not_sent(
    gateway: LocalGateway,
) -> None:
    """A call that was handed to a task which is cancelled at that moment ends as not sent."""

    def requests() -> Iterator[volcv.Request]:
        yield from [cat(0), cat(1), cat(2)]
        cancel_carriers()  # cat 2 is handed over by now, and not begun
        yield cat(3)

    async with (
        volcv.Client(gateway.account(limits=LIMITS)) as client,
        client.stream(requests(), concurrency=2) as outcomes,
    ):
        while outcomes.statistics().ready < 2:
            await asyncio.sleep(0)
        taken: list[volcv.Outcome] = []
        with pytest.raises(RuntimeError, match="cancelled from outside"):
            async for outcome in outcomes:
                taken.append(outcome)
        assert client.statistics().in_flight == 0
    ended = {outcome.index: outcome for outcome in taken}
    assert sorted(ended) == [0, 1, 2, 3]
    assert isinstance(ended[0], volcv.Completed)
    assert isinstance(ended[1], volcv.Completed)
    assert isinstance(ended[2], volcv.Failed)
    assert isinstance(ended[2].error, volcv.NotSentError)


# That is what Python says of any task that is cancelled before its first step.
@pytest.mark.filterwarnings("ignore:coroutine 'Carriers._go_on' was never awaited")
async def test_a_call_whose_new_task_is_cancelled_before_it_begins_was_not_sent(
    gateway: LocalGateway,
) -> None:
    """It is not lost with the task: it ends as not sent, and gives its slot back."""
    async with volcv.Client(gateway.account(limits=LIMITS)) as client:
        await client.generate(cat(9))
        async with client.stream([cat(0)]) as outcomes:
            while not client.statistics().in_flight:
                await asyncio.sleep(0)
            cancel_carriers()
            (outcome,) = [outcome async for outcome in outcomes]
        assert isinstance(outcome, volcv.Failed)
        assert isinstance(outcome.error, volcv.NotSentError)
        assert client.statistics().in_flight == 0
    assert gateway.paid == 1
    gc.collect()


async def test_what_was_let_go_and_has_not_begun_does_not_go_out_once_the_block_is_left(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """Calls that were pulled just before, and have had no step yet, end as not sent."""
    await client.generate(cat(99))
    pulled = asyncio.Event()

    def requests() -> Iterator[volcv.Request]:
        for nth in range(WINDOW):
            pulled.set()  # who waits for it runs before the calls that are let go after it
            yield cat(nth)

    async with client.stream(requests()) as outcomes:
        await pulled.wait()
    assert outcomes.leftover
    for outcome in outcomes.leftover:
        assert isinstance(outcome, volcv.Failed)
        assert isinstance(outcome.error, volcv.NotSentError)
    assert gateway.paid == 1


async def test_a_call_does_not_wait_for_a_source_that_blocks(gateway: LocalGateway) -> None:
    """Where each pull takes its time, a call has left before the next but one is pulled."""
    left = 0
    seen: list[int] = []

    def begins(event: volcv.Event) -> None:
        nonlocal left
        left += isinstance(event, volcv.AttemptStarted)

    def requests() -> Iterator[volcv.Request]:
        for nth in range(8):
            seen.append(left)
            until = time.monotonic() + 0.002
            while time.monotonic() < until:
                pass
            yield cat(nth)

    limits = volcv.Limits(concurrency=16)
    async with (
        volcv.Client(gateway.account(limits=limits), on_event=begins) as client,
        client.stream(requests()) as outcomes,
    ):
        assert len([outcome async for outcome in outcomes]) == 8
    assert all(begun >= nth - 1 for nth, begun in enumerate(seen))


async def test_models_that_alternate_leave_accounts_their_turns() -> None:
    """Two accounts that are free share the calls evenly, whatever model each is for."""
    kinds = (volcv.GeneralV21, volcv.GeneralV14)
    async with LocalGateway(latency=0.0) as one, LocalGateway(latency=0.0) as other:
        accounts = [
            volcv.Account(gateway.url, volcv.Bearer("local-key"), limits=LIMITS, group=name)
            for gateway, name in ((one, "one"), (other, "other"))
        ]
        requests = (kinds[nth % 2](prompt=f"cat {nth}") for nth in range(40))
        async with (
            volcv.Client(accounts) as client,
            client.stream(requests, concurrency=1) as outcomes,
        ):
            assert len([outcome async for outcome in outcomes]) == 40
        assert (one.paid, other.paid) == (20, 20)


async def test_a_source_that_is_always_ready_lets_others_run() -> None:
    """However many calls could leave at once, other tasks have their turn in between."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    at: list[int] = []

    def requests() -> Iterator[volcv.Request]:
        for nth in range(64):
            at.append(turns)
            yield cat(nth)

    other = asyncio.create_task(turn())
    wide = volcv.Limits(concurrency=64)
    async with LocalGateway(latency=0.0) as gateway:
        async with (
            volcv.Client(gateway.account(limits=wide)) as client,
            client.stream(requests(), concurrency=64) as outcomes,
        ):
            assert len([outcome async for outcome in outcomes]) == 64
    other.cancel()
    assert len(set(at)) >= 4


async def test_no_slot_is_left_taken_by_a_source_that_fails(
    gateway: LocalGateway, client: volcv.Client
) -> None:
    """A source that raises, or changes the model, leaves no slot taken."""

    def requests() -> Iterator[volcv.Request]:
        yield cat(0)
        yield volcv.GeneralV14(prompt="cat 1")
        raise LookupError

    async with client.stream(requests()) as outcomes:
        with pytest.raises(LookupError):
            async for _ in outcomes:
                pass
        assert client.statistics().in_flight == 0
    assert gateway.paid == 2
