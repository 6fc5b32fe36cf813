"""Outages on real sockets: how little they cost, and how a stream comes out of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from math import nan

import attrs
import pytest
from provider import BAD_GATEWAY, FAST, UNAUTHORISED, Held, Said, cat, cats, refusal
from raw_server import raw_server, saying

import volcv_async as volcv
from volcv_async.events import OutageProbed
from volcv_async.gateway import LocalGateway, Received

LIMITS = volcv.Limits(concurrency=4)
SOME = 60
SLOW = volcv.RetryPolicy(pause=0.01, longest_pause=60.0)  # no call is risked without a sign
PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"


class Told:
    """What a client told, and how often a kind of event came."""

    def __init__(self) -> None:
        self.events: list[volcv.Event] = []
        self._came = asyncio.Event()

    def __call__(self, event: volcv.Event) -> None:
        self.events.append(event)
        self._came.set()

    def count(self, kind: type) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    async def until(self, kind: type, number: int = 1) -> None:
        while self.count(kind) < number:
            self._came.clear()
            await self._came.wait()


def some_cats() -> Iterator[volcv.GeneralV21]:
    return (cat(nth) for nth in range(SOME))


async def ending_of(outcomes: volcv.OutcomeStream) -> Counter[type]:
    return Counter([type(outcome) async for outcome in outcomes])


class Down:
    """A provider that answers 502 with HTML while it is down; older calls are answered."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._seen = 0
        self.on = False
        self.failed = 0

    async def __call__(self, received: Received) -> Said:
        del received
        self._seen += 1
        self.on = self.on or self._seen == self._first
        self.failed += self.on
        return BAD_GATEWAY if self.on else None


async def test_five_are_lost_to_a_502_where_probes_say_nothing() -> None:
    """Though the GET is always answered, no sixth call goes out before the long pause is over."""
    down, told = Down(20), Told()
    async with LocalGateway(latency=0.02, answer=down) as gateway:
        client = volcv.Client(gateway.account(limits=LIMITS), retry=SLOW, on_event=told)
        async with client, client.stream(some_cats(), concurrency=SOME, drain=0.1) as outcomes:
            await told.until(OutageProbed, 4)
    probes = [event for event in told.events if isinstance(event, OutageProbed)]
    assert all(probe.answered and probe.next_call > 100 for probe in probes)
    assert probes[0].lasting < probes[-1].lasting
    assert probes[0].next_probe < probes[-1].next_probe
    counts = outcomes.statistics()
    assert counts.in_doubt == down.failed
    assert 5 <= counts.in_doubt <= 5 + LIMITS.concurrency - 1  # type: ignore[operator] # pyright: ignore[reportOptionalOperand] - it is stated


async def test_after_the_long_pause_a_list_goes_on_by_itself() -> None:
    """502 in the middle of a list: what was out is in doubt, all others are completed."""
    down, told = Down(20), Told()
    policy = volcv.RetryPolicy(pause=0.01, longest_pause=0.1)
    async with LocalGateway(latency=0.02, answer=down) as gateway:
        client = volcv.Client(gateway.account(limits=LIMITS), retry=policy, on_event=told)
        async with client, client.stream(some_cats()) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            await told.until(OutageProbed, 2)
            down.on = False
            ended = await ending
    assert ended[volcv.InDoubt] == down.failed
    assert ended[volcv.Completed] == SOME - down.failed == gateway.paid
    assert told.count(volcv.OutageEnded) == 1


class Front:
    """A port before a gateway: passes connections on, answers 502, hangs up, or is gone."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._to = int(gateway.url.split(":")[2].split("/")[0])
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.says: bytes | None = None
        self.hung_up_on_probes = False
        self.failed = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def gone(self) -> None:
        """Take no new connections; those that are there go on."""
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)

    async def close(self) -> None:
        await self.gone()
        await asyncio.gather(*self._tasks)

    def account(self) -> volcv.Account:
        url = f"http://127.0.0.1:{self.port}/volcv/v1"
        return volcv.Account(url, volcv.Bearer("local-key"), limits=LIMITS)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        head = await reader.readuntil(b"\r\n\r\n")
        post = head.startswith(b"POST")
        if self.says is None and (post or not self.hung_up_on_probes):
            await self._pass_on(head, reader, writer)
        elif post or not self.hung_up_on_probes:
            self.failed += post
            await reader.readexactly(length_of(head))
            writer.write(self.says or b"")
        writer.close()
        await writer.wait_closed()

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answers, asks = await asyncio.open_connection("127.0.0.1", self._to)
        asks.write(head + await reader.readexactly(length_of(head)))
        writer.write(await answers.read())
        asks.close()
        await asks.wait_closed()


def length_of(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)


async def test_a_probe_that_is_answered_again_ends_a_502_at_once() -> None:
    """Where the whole gateway is down, the first answered probe lets a call out, then all go."""
    told = Told()
    async with LocalGateway(latency=0.02) as gateway:
        front = Front(gateway)
        await front.open()
        client = volcv.Client(front.account(), retry=SLOW, on_event=told)
        async with client, client.stream(some_cats()) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            while gateway.paid < 20:
                await asyncio.sleep(0.001)
            front.says = PAGE
            await told.until(OutageProbed, 2)
            front.says = None
            ended = await ending
        await front.close()
    assert ended[volcv.InDoubt] == front.failed
    assert 5 <= front.failed <= 5 + 3
    assert ended[volcv.Completed] == SOME - front.failed == gateway.paid
    signs = [event for event in told.events if isinstance(event, OutageProbed) and event.answered]
    assert signs[0].next_call == 0.0


async def test_a_network_that_is_gone_costs_nothing() -> None:
    """Connections refused in the middle of a list: none is lost, and all are completed."""
    told = Told()
    async with LocalGateway(latency=0.02) as gateway:
        front = Front(gateway)
        await front.open()
        client = volcv.Client(front.account(), retry=FAST, on_event=told)
        async with client, client.stream(some_cats()) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            while gateway.paid < 20:
                await asyncio.sleep(0.001)
            await front.gone()
            await told.until(volcv.OutageBegan)
            not_sent = client.statistics().not_sent
            while client.statistics().not_sent < not_sent + 8:
                await asyncio.sleep(0.001)
            await front.open()
            assert await ending == Counter({volcv.Completed: SOME})
        await front.close()
    assert gateway.paid == SOME
    assert told.count(OutageProbed) == 0


async def test_a_gateway_that_hangs_up_on_probes_is_come_back_to() -> None:
    """Probes that are never answered hold nothing up for ever: a call goes out after a while."""
    told = Told()
    policy = volcv.RetryPolicy(pause=0.01, longest_pause=0.1)
    async with LocalGateway(latency=0.02) as gateway:
        front = Front(gateway)
        front.hung_up_on_probes = True
        await front.open()
        client = volcv.Client(front.account(), retry=policy, on_event=told)
        async with client, client.stream(some_cats()) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            while gateway.paid < 20:
                await asyncio.sleep(0.001)
            front.says = PAGE
            await told.until(volcv.OutageBegan)
            front.says = None
            ended = await ending
        await front.close()
    assert ended[volcv.Completed] == SOME - front.failed
    assert not any(event.answered for event in told.events if isinstance(event, OutageProbed))


async def test_each_endpoint_of_a_group_is_probed() -> None:
    """Of several accounts of one group each endpoint is probed, once each time, without a key."""
    told = Told()
    async with raw_server(saying(PAGE)) as one, raw_server(saying(b"")) as other:
        accounts = [attrs.evolve(server.account(), group="studio") for server in (one, one, other)]
        client = volcv.Client(accounts, limits=LIMITS, retry=SLOW, on_event=told)
        async with client, client.stream(cats(), concurrency=99, drain=0.1):
            await told.until(OutageProbed, 2)
    for server in (one, other):
        probes = [request for request in server.requests if request.startswith(b"GET")]
        assert len(probes) >= 2
        assert not any(b"key-of-the-tests" in request for request in probes)
    assert abs(len(one.requests) - len(other.requests)) <= 5  # the same endpoint is probed once


async def test_an_account_that_is_dead_is_held_back_while_another_goes_on() -> None:
    """Of two accounts one says 502 at once: five are lost to it, and it comes back when well."""
    told, many = Told(), 200
    async with LocalGateway(latency=0.05) as well, LocalGateway(latency=0.05) as behind:
        front = Front(behind)
        front.says = PAGE
        await front.open()
        accounts = [well.account(limits=LIMITS), front.account()]
        client = volcv.Client(accounts, retry=SLOW, on_event=told)
        async with client, client.stream(cat(nth) for nth in range(many)) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            while well.paid < many // 2:
                await asyncio.sleep(0.001)
            lost = front.failed
            front.says = None
            await told.until(volcv.OutageEnded)
            ended = await ending
        await front.close()
    assert 5 <= lost == front.failed <= 5 + 3
    assert ended[volcv.InDoubt] == lost
    assert ended[volcv.Completed] == many - lost == well.paid + behind.paid
    assert behind.paid > 0
    kinds = (volcv.OutageBegan, OutageProbed, volcv.OutageEnded)
    assert {event.account for event in told.events if isinstance(event, kinds)} == {
        accounts[1].name
    }


async def test_only_an_outage_of_all_accounts_is_given_up_on() -> None:
    """While one account answers a stream goes on; when that one is out too, it gives up."""
    told = Told()
    async with LocalGateway(latency=0.02) as gateway, raw_server(saying(PAGE)) as dead:
        front = Front(gateway)
        await front.open()
        accounts = [front.account(), attrs.evolve(dead.account(), limits=LIMITS)]
        client = volcv.Client(accounts, retry=SLOW, on_event=told)
        async with client, client.stream(cats(), give_up=0.2) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            await told.until(volcv.OutageBegan)
            paid = gateway.paid
            while gateway.paid < paid + 80:  # at four in 20 ms at most: twice the time to give up
                await asyncio.sleep(0.001)
            assert not ending.done()
            front.says = PAGE
            with pytest.raises(volcv.NotSentError, match="gave up"):
                await ending
        await front.close()
    assert told.count(volcv.OutageBegan) == 2
    assert front.failed <= 5 + 3


async def test_an_account_set_aside_is_no_part_of_an_outage() -> None:
    """With one account out and the other's key refused, all that are left are out."""
    told, refuses = Told(), False

    async def answer(_received: Received) -> Said:
        return UNAUTHORISED if refuses else None

    async with LocalGateway(latency=0.02, answer=answer) as gateway:
        async with raw_server(saying(PAGE)) as dead:
            accounts = [gateway.account(limits=LIMITS), attrs.evolve(dead.account(), limits=LIMITS)]
            client = volcv.Client(accounts, retry=SLOW, on_event=told)
            async with client, client.stream(cats(), give_up=0.1) as outcomes:
                ending = asyncio.create_task(ending_of(outcomes))
                await told.until(volcv.OutageBegan)
                refuses = True
                with (
                    pytest.warns(volcv.VolcvWarning, match="set aside"),
                    pytest.raises(volcv.NotSentError, match="gave up"),
                ):
                    await ending
    assert told.count(volcv.AccountSetAside) == 1


async def test_nobody_waits_and_nobody_probes() -> None:
    """Probes are sent only for the sake of those who wait; a client that is left sends none."""
    told = Told()
    async with raw_server(saying(PAGE)) as server:
        async with volcv.Client(server.account(), retry=SLOW, on_event=told) as client:
            for _ in range(5):
                with pytest.raises(volcv.UnknownOutcomeError):
                    await client.generate(cat())
            assert told.count(volcv.OutageBegan) == 1
            assert client._pool is not None
            assert not any(prober._tasks for prober in client._pool._outages._probers.values())
            call = asyncio.create_task(client.generate(cat()))
            await told.until(OutageProbed)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            again = asyncio.create_task(client.generate(cat()))
            await told.until(OutageProbed, 2)
        with pytest.raises(volcv.NotSentError):
            await again
        sent = len(server.requests)
        async with volcv.Client(server.account(), retry=SLOW):
            pass
    assert len(server.requests) == sent


async def test_a_client_that_is_left_leaves_no_probe_behind() -> None:
    """A probe that is under way when the client is left has ended before the leaving has."""
    asked = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.requests[-1].startswith(b"GET"):
            asked.set()
            await reader.read()
        else:
            writer.write(PAGE)

    async with raw_server(script) as server:
        async with volcv.Client(server.account(), retry=SLOW) as client:
            for _ in range(5):
                with pytest.raises(volcv.UnknownOutcomeError):
                    await client.generate(cat())
            call = asyncio.create_task(client.generate(cat()))
            await asked.wait()
            leaving = client._pool
        assert leaving is not None
        assert not any(prober._tasks for prober in leaving._outages._probers.values())
        with pytest.raises(volcv.NotSentError):
            await call


async def test_a_stream_gives_up_on_an_outage() -> None:
    """After so long without an answer the stream ends: outcomes first, then the error."""
    says: dict[str | None, Said] = {"cat 0": None, "cat 1": refusal(50430)}
    told, held = Told(), Held(holds=lambda received: received.prompt in says)
    failing = Held(holds=lambda received: received.prompt not in says)

    async def answer(received: Received) -> Said:
        await held(received)
        await failing(received)
        return says.get(received.prompt, BAD_GATEWAY)

    async with LocalGateway(latency=0.0, answer=answer) as gateway:
        client = volcv.Client(
            gateway.account(limits=volcv.Limits(concurrency=7)), retry=SLOW, on_event=told
        )
        async with client:
            taken: list[volcv.Outcome] = []
            async with client.stream(cats(), concurrency=16, give_up=0.2) as outcomes:
                await failing.until(5)
                failing.let_go()
                await told.until(volcv.OutageBegan)
                while outcomes._error is None:
                    await asyncio.sleep(0.001)
                held.let_go()  # what is in flight when it gives up is not cut off
                with pytest.raises(volcv.NotSentError, match=r"for 0\.2 s.*give_up"):
                    async for outcome in outcomes:
                        taken.append(outcome)
                assert [outcome async for outcome in outcomes] == []
            assert client.statistics().waiting == 0
    kinds = Counter(type(outcome) for outcome in taken)
    assert kinds[volcv.Completed] == 1
    refused = next(outcome for outcome in taken if outcome.index == 1)
    assert isinstance(refused, volcv.Failed)  # it came back to wait, and was called off
    assert type(refused.error) is volcv.ConcurrencyLimitedError
    assert kinds[volcv.InDoubt] == sum(
        seen.status == BAD_GATEWAY.status for seen in gateway.requests
    )
    assert sum(kinds.values()) == len(taken) == outcomes.statistics().pulled


async def test_calls_that_wait_are_called_off_when_a_stream_gives_up() -> None:
    """Calls that wait to be sent again end as what they met, unbilled."""
    told = Told()
    async with LocalGateway(latency=0.0) as gateway:
        front = Front(gateway)
        await front.open()
        client = volcv.Client(front.account(), retry=FAST, on_event=told)
        async with client:
            await client.generate(cat())
            await front.gone()
            kinds: list[type] = []
            async with client.stream(cats(), give_up=0.1) as outcomes:
                with pytest.raises(volcv.NotSentError, match="gave up"):
                    async for outcome in outcomes:
                        assert isinstance(outcome, volcv.Failed)
                        kinds.append(type(outcome.error))
                        assert outcome.billed == "no"
        await front.close()
    assert set(kinds) == {volcv.NotSentError}
    assert len(kinds) == outcomes.statistics().pulled


async def test_an_outage_that_ends_in_time_is_not_given_up_on() -> None:
    """Only one outage counts, from its beginning to its end, not several together."""
    down, told = Down(5), Told()
    policy = volcv.RetryPolicy(pause=0.01, longest_pause=0.02)
    async with LocalGateway(latency=0.0, answer=down) as gateway:
        client = volcv.Client(gateway.account(limits=LIMITS), retry=policy, on_event=told)
        async with client, client.stream(some_cats(), give_up=60.0) as outcomes:
            ending = asyncio.create_task(ending_of(outcomes))
            await told.until(OutageProbed)
            down.on = False
            ended = await ending
    assert ended[volcv.Completed] == SOME - down.failed


async def test_a_client_entered_again_in_an_outage_is_still_in_it() -> None:
    """What was learned outlives an opening: of the next one a single call is risked, alone."""
    async with raw_server(saying(PAGE)) as server:
        client = volcv.Client(server.account(), retry=SLOW)
        async with client:
            for _ in range(5):
                with pytest.raises(volcv.UnknownOutcomeError):
                    await client.generate(cat())
        async with client, client.stream(cats(), give_up=0.05) as outcomes:
            assert isinstance(await anext(outcomes), volcv.InDoubt)
            with pytest.raises(volcv.NotSentError):
                await anext(outcomes)
            assert outcomes.statistics().pulled == 1


async def test_an_account_that_cannot_be_reached_ends_nothing_while_another_is_asked(
    unused_tcp_port: int,
) -> None:
    """Before anything was answered, a dead account is no newcomer's mistake if another works."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        dead = volcv.Account(
            f"http://127.0.0.1:{unused_tcp_port}/volcv/v1", volcv.Bearer("key"), limits=LIMITS
        )
        accounts = [dead, gateway.account(limits=LIMITS)]
        ends = list[volcv.AttemptEnded]()

        def watch(event: volcv.Event) -> None:
            if isinstance(event, volcv.AttemptEnded):
                ends.append(event)
                if len(ends) == 3:
                    held.let_go()

        async with volcv.Client(accounts, retry=FAST, on_event=watch) as client:
            outcomes = await client.generate_many([cat(nth) for nth in range(20)])
    assert {type(outcome) for outcome in outcomes} <= {volcv.Completed, volcv.Failed}
    assert sum(isinstance(outcome, volcv.Completed) for outcome in outcomes) >= 15


async def test_a_time_to_give_up_must_make_sense(gateway: LocalGateway) -> None:
    """Seconds above 0, or None."""
    async with volcv.Client(gateway.account()) as client:
        for wrong in (0, nan):
            said = f"give_up={wrong}.*seconds, above 0"
            with pytest.raises(volcv.ConfigurationError, match=said):
                client.stream(cats(), give_up=wrong)
